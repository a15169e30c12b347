//! Blocks: branches that are decided, jumps to jumps, chains of one way, equal returns.

use super::super::eval;
use super::super::ir::dominators::Predecessors;
use super::super::ir::hash::Map;
use super::super::ir::{Block, BlockData, Compare, End, Function, Operand, Target, Val};
use super::alias::Aliases;
use super::{facts, params};

/// Makes the graph simpler until nothing changes; whether anything did. `folded` says that values have been folded since
/// the last time, so that parameters may get the same on every way.
pub(super) fn simplify(function: &mut Function, folded: bool) -> bool {
    if function.blocks.len() == 1 {
        return false;
    }
    let mut changed = share_returns(function);
    for round in 0..ROUNDS {
        let fewer_ways = decide(function) | thread(function);
        let mut order = function.drop_unreachable();
        let mut aliases = Aliases::new(function);
        if merge(function, &order, &mut aliases) {
            order = function.drop_unreachable();
            changed = true;
        }
        // What is known of a parameter can decide a branch; nothing else opens a new chance.
        let again = (fewer_ways || (folded && round == 0)) && params::unify(function, &order, &mut aliases);
        aliases.apply(function);
        changed |= fewer_ways | again;
        if !again {
            break;
        }
    }
    changed
}

/// Each round opens few new chances; what is left after so many stays as it is.
const ROUNDS: u32 = 6;

/// How many jumps to jumps are followed in one round: enough, and rings come to an end.
const FOLLOWED: u32 = 8;

/// Branches and switches whose way is known become jumps.
fn decide(function: &mut Function) -> bool {
    let mut changed = false;
    for block in &mut function.blocks {
        let Some((end, _)) = &mut block.end else { continue };
        if let Some(target) = only_way(end) {
            *end = End::Jump(target);
            changed = true;
        } else if let End::Switch { cases, default, .. } = end {
            cases.retain(|(_, target)| target != default);
        }
    }
    changed
}

fn only_way(end: &mut End) -> Option<Target> {
    match end {
        End::Branch { compare, then, otherwise } => match eval::decided(compare) {
            Some(true) => Some(taken(then)),
            Some(false) => Some(taken(otherwise)),
            None if then == otherwise => Some(taken(then)),
            None => None,
        },
        End::Switch { width, value: Operand::Imm(value), cases, default } => {
            let is = |case: i64| eval::truncated(*width, case) == eval::truncated(*width, *value);
            Some(taken(cases.iter_mut().find(|(case, _)| is(*case)).map_or(default, |(_, target)| target)))
        }
        End::Switch { cases, default, .. } if cases.is_empty() => Some(taken(default)),
        _ => None,
    }
}

fn taken(target: &mut Target) -> Target {
    Target { block: target.block, args: std::mem::take(&mut target.args) }
}

/// Jumps to blocks that only lead on go where those lead; also where a branch is decided by what is handed to it.
fn thread(function: &mut Function) -> bool {
    let through = Through::new(function);
    let mut changed = false;
    for block in 0..function.blocks.len() {
        let Some((mut end, at)) = function.blocks[block].end.take() else { continue };
        for target in end.targets_mut() {
            for _ in 0..FOLLOWED {
                match through.step(function, target) {
                    Some(next) => *target = next,
                    None => break,
                }
                changed = true;
            }
        }
        function.blocks[block].end = Some((end, at));
    }
    changed
}

/// Which blocks can be jumped through: nothing is made in them, and their parameters are only used at their end.
struct Through(Vec<bool>);

impl Through {
    fn new(function: &Function) -> Self {
        let candidates = function.blocks.iter().filter(|block| block.insts.is_empty());
        if candidates.clone().all(|block| block.params.is_empty()) {
            return Self(function.blocks.iter().map(|block| block.insts.is_empty()).collect());
        }
        let mut outside = facts::uses(function);
        for block in function.blocks.iter().filter(|block| block.insts.is_empty()) {
            if let Some((end, _)) = &block.end {
                end.each_use(|value| {
                    // Each counts for its own block only.
                    if block.params.contains(&value) {
                        outside[value.index()] -= 1;
                    }
                });
            }
        }
        let free = |block: &BlockData| {
            block.insts.is_empty() && block.params.iter().all(|param| outside[param.index()] == 0)
        };
        Self(function.blocks.iter().map(free).collect())
    }

    fn step(&self, function: &Function, target: &Target) -> Option<Target> {
        let block = function.block(target.block);
        if !self.0[target.block.index()] {
            return None;
        }
        let given = Given { params: &block.params, args: &target.args };
        match &block.end.as_ref()?.0 {
            End::Jump(next) if next.block != target.block => Some(given.target(next)),
            End::Branch { compare, then, otherwise } => {
                let compare = Compare { a: given.of(compare.a), b: given.of(compare.b), ..*compare };
                let next = if eval::decided(&compare)? { then } else { otherwise };
                Some(given.target(next))
            }
            _ => None,
        }
    }
}

/// What the parameters of a block are on one way in.
struct Given<'a> {
    params: &'a [Val],
    args: &'a [Operand],
}

impl Given<'_> {
    fn of(&self, operand: Operand) -> Operand {
        let Operand::Val(value) = operand else { return operand };
        let index = self.params.iter().position(|param| *param == value);
        index.and_then(|index| self.args.get(index)).copied().unwrap_or(operand)
    }

    fn target(&self, target: &Target) -> Target {
        Target { block: target.block, args: target.args.iter().map(|arg| self.of(*arg)).collect() }
    }
}

/// A block that only one jump leads to becomes part of where the jump stands.
fn merge(function: &mut Function, order: &[Block], aliases: &mut Aliases) -> bool {
    let predecessors = Predecessors::new(function, order);
    let mut gone = vec![false; function.blocks.len()];
    let mut changed = false;
    for &block in order {
        while !gone[block.index()]
            && let Some((End::Jump(target), _)) = &function.blocks[block.index()].end
            && let next = target.block
            && next != block
            && predecessors.of(next).len() == 1
        {
            let args = target.args.clone();
            let mut rest = std::mem::take(&mut function.blocks[next.index()]);
            rest.params.iter().zip(args).for_each(|(param, arg)| aliases.set(*param, arg));
            let into = &mut function.blocks[block.index()];
            into.insts.append(&mut rest.insts);
            into.end = rest.end;
            gone[next.index()] = true;
            changed = true;
        }
    }
    changed
}

/// Ways to return the same constant lead to one place: two instructions instead of two for each.
fn share_returns(function: &mut Function) -> bool {
    let mut changed = hand_out_returns(function);
    let mut counts: Map<i64, (u32, Option<Block>)> = Map::default();
    for (index, block) in function.blocks.iter().enumerate() {
        if let Some(number) = returned(block) {
            let (count, empty) = counts.entry(number).or_default();
            *count += 1;
            if block.insts.is_empty() && index > 0 {
                empty.get_or_insert(Block(index as u32));
            }
        }
    }
    for index in 0..function.blocks.len() {
        let Some(number) = returned(&function.blocks[index]) else { continue };
        let Some((2.., shared)) = counts.get_mut(&number) else { continue };
        let at = function.blocks[index].end.as_ref().map(|(_, at)| *at);
        let next = Block(function.blocks.len() as u32);
        let to = *shared.get_or_insert(next);
        if to == next {
            let end = at.map(|at| (End::Return(number.into()), at));
            function.blocks.push(BlockData { end, ..BlockData::default() });
        }
        if to.index() != index {
            let jump = End::Jump(Target { block: to, args: Vec::new() });
            function.blocks[index].end = at.map(|at| (jump, at));
            changed = true;
        }
    }
    changed
}

fn returned(block: &BlockData) -> Option<i64> {
    match block.end {
        Some((End::Return(Operand::Imm(number)), _)) => Some(number),
        _ => None,
    }
}

/// A place that only returns what it is given: who jumps there returns it.
fn hand_out_returns(function: &mut Function) -> bool {
    let mut changed = false;
    let gives_back = |block: &BlockData| match (&block.end, &*block.params) {
        (Some((End::Return(Operand::Val(value)), _)), [param]) => block.insts.is_empty() && value == param,
        _ => false,
    };
    let places: Vec<_> = function.blocks.iter().map(gives_back).collect();
    for block in &mut function.blocks {
        if let Some((end, _)) = &mut block.end
            && let End::Jump(target) = end
            && places[target.block.index()]
            && let [value] = *target.args
        {
            *end = End::Return(value);
            changed = true;
        }
    }
    changed
}
