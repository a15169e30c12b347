//! Makes a program smaller that something is wrong with.

use std::mem::take;

use crate::run::{Fault, On, Sample, try_alone};
use crate::tree::{Block, Program, Statement};

/// The same with as few statements as will do, and what is wrong with that.
pub fn shrink(on: On, mut sample: Sample, mut fault: Fault) -> (Sample, Fault) {
    if let Fault::Wrong { context, .. } = &fault {
        sample.contexts = vec![context.clone()];
    }
    loop {
        let smaller = candidates(&sample.program).find_map(|program| {
            let smaller = Sample { program, ..sample.clone() };
            let found = try_alone(on, &smaller)?;
            found.is_like(&fault).then_some((smaller, found))
        });
        match smaller {
            Some(smaller) => (sample, fault) = smaller,
            None => return (sample, fault),
        }
    }
}

fn candidates(program: &Program) -> impl Iterator<Item = Program> + '_ {
    let count = count(program);
    let changed = move |change: fn(&mut Block, usize), nth: usize| {
        let mut program = program.clone();
        edit(&mut program, nth, change);
        program
    };
    let dropped = (0..count).map(move |nth| changed(|block, index| _ = block.remove(index), nth));
    let lifted = (0..count).map(move |nth| changed(lift, nth));
    dropped.chain(lifted.filter(move |program| self::count(program) < count))
}

/// Puts the arms of a statement in its place.
fn lift(block: &mut Block, index: usize) {
    let inner: Block = match &mut block[index] {
        Statement::If(_, then, otherwise) => {
            take(then).into_iter().chain(otherwise.take().unwrap_or_default()).collect()
        }
        Statement::Switch(_, cases, default) => {
            cases.drain(..).flat_map(|(_, block)| block).chain(take(default)).collect()
        }
        _ => return,
    };
    block.splice(index..=index, inner);
}

fn count(program: &Program) -> usize {
    let mut count = 0;
    let mut program = program.clone();
    walk(&mut program, &mut |block| {
        count += block.len();
        false
    });
    count
}

/// Changes the block that holds the statement of this number.
fn edit(program: &mut Program, nth: usize, change: fn(&mut Block, usize)) {
    let mut before = 0;
    walk(program, &mut |block| {
        let index = nth.checked_sub(before).filter(|&index| index < block.len());
        before += block.len();
        if let Some(index) = index {
            change(block, index);
        }
        index.is_some()
    });
}

type Visit<'v> = &'v mut dyn FnMut(&mut Block) -> bool;

/// Visits every block until one says that it is enough.
fn walk(program: &mut Program, visit: Visit<'_>) -> bool {
    let bodies = program.functions.iter_mut().map(|function| &mut function.body);
    [&mut program.main].into_iter().chain(bodies).any(|body| walk_block(&mut body.block, visit))
}

fn walk_block(block: &mut Block, visit: Visit<'_>) -> bool {
    visit(block)
        || block
            .iter_mut()
            .any(|statement| blocks(statement).into_iter().any(|block| walk_block(block, visit)))
}

fn blocks(statement: &mut Statement) -> Vec<&mut Block> {
    match statement {
        Statement::If(_, then, otherwise) => [then].into_iter().chain(otherwise).collect(),
        Statement::SetIf(_, _, (then, _), (otherwise, _)) => vec![then, otherwise],
        Statement::Switch(_, cases, default) => {
            cases.iter_mut().map(|(_, block)| block).chain([default]).collect()
        }
        Statement::SetSwitch(_, _, cases, (default, _)) => {
            cases.iter_mut().map(|(_, block, _)| block).chain([default]).collect()
        }
        Statement::For(.., block) | Statement::While(.., block) | Statement::Loop(.., block) => vec![block],
        _ => Vec::new(),
    }
}
