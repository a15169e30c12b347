//! What must hold of a function between any two stages.

use super::dominators::Dominators;
use super::{Base, Block, End, Function, Inst, Op, Target, Val};
use crate::asm::{AluOp, Size, Width};

/// What is wrong with a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("{0} has no end")]
    NotEnded(Block),
    #[error("{from} jumps to {to}, which is not there or the entry")]
    Target { from: Block, to: Block },
    #[error("{from} hands {args} values to {to}, which takes {params}")]
    Arguments { from: Block, to: Block, args: usize, params: usize },
    #[error("two cases of the switch in {0} are the same")]
    Cases(Block),
    #[error("{0} is made twice")]
    MadeTwice(Val),
    #[error("{0} is made, but not counted")]
    NotCounted(Val),
    #[error("{value} is used in {block} and not made on every way there")]
    NotMade { value: Val, block: Block },
    #[error("operation {index} in {block} makes another number of values than it says")]
    Results { block: Block, index: usize },
    #[error("operation {index} in {block} has a width that does not exist")]
    Width { block: Block, index: usize },
    #[error("operation {index} in {block} reaches out of its place on the stack, or there is none")]
    Local { block: Block, index: usize },
}

/// Checks a function.
pub(crate) fn verify(function: &Function) -> Result<(), Flaw> {
    for block in function.ids() {
        ends_well(function, block)?;
    }
    let made = made(function)?;
    let dominators = Dominators::new(function);
    for &block in &dominators.order {
        uses_what_is_made(function, block, &made, &dominators)?;
        for (index, inst) in function.block(block).insts.iter().enumerate() {
            stands(function, block, index, inst)?;
        }
    }
    Ok(())
}

fn ends_well(function: &Function, from: Block) -> Result<(), Flaw> {
    let Some((end, _)) = &function.block(from).end else { return Err(Flaw::NotEnded(from)) };
    end.targets().try_for_each(|target| arrives(function, from, target))?;
    if let End::Switch { cases, .. } = end {
        let mut numbers: Vec<_> = cases.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Flaw::Cases(from));
        }
    }
    Ok(())
}

fn arrives(function: &Function, from: Block, target: &Target) -> Result<(), Flaw> {
    let to = target.block;
    let Some(data) = function.blocks.get(to.index()).filter(|_| to != Block(0)) else {
        return Err(Flaw::Target { from, to });
    };
    let (args, params) = (target.args.len(), data.params.len());
    if args == params { Ok(()) } else { Err(Flaw::Arguments { from, to, args, params }) }
}

/// Where a value is made: the block, and behind how many of its operations.
type Place = (Block, u32);

fn made(function: &Function) -> Result<Vec<Option<Place>>, Flaw> {
    let mut made = vec![None; function.values as usize];
    let mut make = |value: Val, place: Place| match made.get_mut(value.index()) {
        None => Err(Flaw::NotCounted(value)),
        Some(Some(_)) => Err(Flaw::MadeTwice(value)),
        Some(nowhere) => {
            *nowhere = Some(place);
            Ok(())
        }
    };
    for block in function.ids() {
        let data = function.block(block);
        data.params.iter().try_for_each(|param| make(*param, (block, 0)))?;
        for (index, inst) in data.insts.iter().enumerate() {
            inst.made().try_for_each(|value| make(value, (block, index as u32 + 1)))?;
        }
    }
    Ok(made)
}

fn uses_what_is_made(
    function: &Function,
    block: Block,
    made: &[Option<Place>],
    dominators: &Dominators,
) -> Result<(), Flaw> {
    let missing = |value: Val, at: usize| match made.get(value.index()).copied().flatten() {
        Some((there, behind)) if there == block => behind as usize > at,
        Some((there, _)) => !dominators.is_reached(there) || !dominators.dominates(there, block),
        None => true,
    };
    let mut found = None;
    let data = function.block(block);
    for (index, inst) in data.insts.iter().enumerate() {
        inst.op.each_use(|value| found = found.or(missing(value, index).then_some(value)));
    }
    if let Some((end, _)) = &data.end {
        end.each_use(|value| found = found.or(missing(value, data.insts.len()).then_some(value)));
    }
    found.map_or(Ok(()), |value| Err(Flaw::NotMade { value, block }))
}

fn stands(function: &Function, block: Block, index: usize, inst: &Inst) -> Result<(), Flaw> {
    if inst.results != inst.op.results() || (inst.results > 0) != inst.result.is_some() {
        return Err(Flaw::Results { block, index });
    }
    if !has_width(&inst.op) {
        return Err(Flaw::Width { block, index });
    }
    if is_on_stack(function, &inst.op) { Ok(()) } else { Err(Flaw::Local { block, index }) }
}

fn has_width(op: &Op) -> bool {
    match op {
        Op::Alu { op, .. } => *op != AluOp::Mov,
        Op::ZeroExtend { bits, .. } => matches!(bits, 8 | 16 | 32),
        Op::SignExtend { bits: 32, width, .. } => *width == Width::Bits64,
        Op::SignExtend { bits, .. } => matches!(bits, 8 | 16),
        Op::Atomic { size, .. } => size.atomic().is_some(),
        Op::PacketLoad { size, .. } => *size != Size::DW,
        _ => true,
    }
}

fn is_on_stack(function: &Function, op: &Op) -> bool {
    let (local, off) = match op {
        Op::LocalAddr { local, off } => (*local, *off),
        _ => match op.addr() {
            Some(addr) => match addr.base {
                Base::Local(local) => (local, addr.off),
                Base::Val(_) => return true,
            },
            None => return true,
        },
    };
    function.locals.get(local.index()).is_some_and(|local| i64::from(off) <= i64::from(local.size))
}
