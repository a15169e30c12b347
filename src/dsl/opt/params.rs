//! Parameters of blocks that get the same on every way in.

use super::super::ir::{Block, Function, Operand};
use super::alias::Aliases;

/// Lets what such parameters get stand for them; whether there were any. Dead parameters are dropped elsewhere.
pub(super) fn unify(function: &Function, order: &[Block], aliases: &mut Aliases) -> bool {
    if order.iter().skip(1).all(|block| function.block(*block).params.is_empty()) {
        return false;
    }
    let found = round(function, order, aliases);
    // Most are found at once; the next call of this goes on.
    if found {
        round(function, order, aliases);
    }
    found
}

/// What a parameter gets.
#[derive(Clone, Copy)]
enum Gets {
    Nothing,
    One(Operand),
    Many,
}

fn round(function: &Function, order: &[Block], aliases: &mut Aliases) -> bool {
    let mut first = Vec::with_capacity(function.blocks.len());
    let mut count = 0;
    for block in &function.blocks {
        first.push(count);
        count += block.params.len();
    }
    let mut gets = vec![Gets::Nothing; count];
    for target in
        order.iter().flat_map(|block| &function.block(*block).end).flat_map(|(end, _)| end.targets())
    {
        let params = &function.block(target.block).params;
        for (index, (param, arg)) in params.iter().zip(&target.args).enumerate() {
            let (arg, own) = (aliases.resolve(*arg), aliases.resolve((*param).into()));
            let gets = &mut gets[first[target.block.index()] + index];
            *gets = match *gets {
                _ if arg == own => *gets,
                Gets::Nothing => Gets::One(arg),
                Gets::One(one) if one == arg => Gets::One(one),
                _ => Gets::Many,
            };
        }
    }
    let mut changed = false;
    for block in order.iter().skip(1) {
        for (index, param) in function.block(*block).params.iter().enumerate() {
            let own = Operand::Val(*param);
            if let Gets::One(one) = gets[first[block.index()] + index]
                && aliases.resolve(own) == own
                // Two that get each other: one of them stands for both already.
                && aliases.resolve(one) != own
            {
                aliases.set(*param, one);
                changed = true;
            }
        }
    }
    changed
}
