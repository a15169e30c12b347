//! Functions of any size come out, and how long that takes is printed.

use std::time::Instant;

use crate::asm::Isa;
use crate::dsl::ir::Function;
use crate::dsl::lower::compile;
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
            let begun = Instant::now();
            for copy in copies {
                slots = compile(copy, Isa::V3, None).unwrap().len();
            }
            println!("{operations} operations, {slots} slots: {:?}", begun.elapsed() / rounds);
        });
    }
}

fn size(function: &Function) -> usize {
    function.blocks.iter().map(|block| block.insts.len() + 1).sum()
}
