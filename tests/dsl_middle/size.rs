//! Functions of any size come out, and how long that takes is printed.

use std::sync::atomic::Ordering;

use nix::time::{ClockId, clock_gettime};

use crate::asm::Isa;
use crate::dsl::ir::Function;
use crate::dsl::lower::compile;
use crate::dsl::lower::tests::FOLLOWING;
use crate::dsl::opt::optimise;
use crate::random::sized;
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    // Without optimisation the largest would take a minute, most of it in checks that only such builds make.
    let largest = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    for (name, count, rounds) in [("small", 50, 200), ("medium", 10_000, 3), ("large", largest, 1)] {
        suite.test(&format!("size: a {name} function"), move || {
            let function = sized(count);
            let operations = size(&function);
            assert!(operations >= count as usize, "{operations}");
            let copies = || (0..rounds).map(|_| function.clone()).collect::<Vec<_>>();
            let (mut slots, passes, all) = (0, copies(), copies());
            FOLLOWING.store(false, Ordering::Relaxed);
            let passes = taken(|| passes.into_iter().for_each(|mut copy| optimise(&mut copy, Isa::V3)));
            let all = taken(|| {
                all.into_iter().for_each(|copy| slots = compile(copy, Isa::V3, None).unwrap().len());
            });
            FOLLOWING.store(true, Ordering::Relaxed);
            let (passes, all) = (passes / i64::from(rounds), all / i64::from(rounds));
            println!("{operations} operations, {slots} slots: {all} us, {passes} us of it in passes");
        });
    }
}

/// Microseconds of this thread.
fn taken(work: impl FnOnce()) -> i64 {
    let clock = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    let begun = clock();
    work();
    let taken = clock() - begun;
    taken.tv_sec() * 1_000_000 + taken.tv_nsec() / 1000
}

fn size(function: &Function) -> usize {
    function.blocks.iter().map(|block| block.insts.len() + 1).sum()
}
