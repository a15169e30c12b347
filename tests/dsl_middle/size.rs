//! Functions of any size come out, and how long that takes is printed.

use std::sync::atomic::Ordering;

use nix::time::{ClockId, clock_gettime};

use crate::asm::Isa;
use crate::dsl::ir::Function;
use crate::dsl::lower::compile;
use crate::dsl::lower::tests::FOLLOWING;
use crate::random::sized;
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    for (name, count, rounds) in [("50", 50, 200), ("10,000", 10_000, 3), ("100,000", 100_000, 1)] {
        suite.test(&format!("size: {name} operations"), move || {
            let function = sized(count);
            let operations = size(&function);
            assert!(operations >= count as usize, "{operations}");
            let copies: Vec<_> = (0..rounds).map(|_| function.clone()).collect();
            let mut slots = 0;
            FOLLOWING.store(false, Ordering::Relaxed);
            let begun = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
            for copy in copies {
                slots = compile(copy, Isa::V3, None).unwrap().len();
            }
            let taken = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap() - begun;
            FOLLOWING.store(true, Ordering::Relaxed);
            let micros = (taken.tv_sec() * 1_000_000 + taken.tv_nsec() / 1000) / i64::from(rounds);
            println!("{operations} operations, {slots} slots: {micros} us");
        });
    }
}

fn size(function: &Function) -> usize {
    function.blocks.iter().map(|block| block.insts.len() + 1).sum()
}
