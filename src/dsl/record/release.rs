//! Whether each record that is reserved of a ring buffer is handed back, once, on every path.

use crate::asm::Cond;
use crate::base::Helper;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Block, Callee, End, Function, Inst, Op, Operand, Target, Val};

/// The first record that is not.
pub(crate) fn check(function: &Function) -> Result<(), Error> {
    for (number, block) in (0..).map(Block).zip(&function.blocks) {
        for (index, inst) in block.insts.iter().enumerate() {
            if let Some(record) = reserved(inst) {
                Walk::new(function, record, inst.at).from(number, index + 1)?;
            }
        }
    }
    Ok(())
}

fn reserved(inst: &Inst) -> Option<Val> {
    called(inst, &[Helper::RINGBUF_RESERVE]).and(inst.result)
}

fn called(inst: &Inst, helpers: &[Helper]) -> Option<Helper> {
    match inst.op {
        Op::Call { callee: Callee::Helper(helper), .. } => helpers.contains(&helper).then_some(helper),
        _ => None,
    }
}

/// A walk along all paths from where a record is reserved.
struct Walk<'a> {
    function: &'a Function,
    record: Val,
    at: At,
    /// Blocks that are entered with the record, and without it any more.
    entered: [Vec<bool>; 2],
    left: Vec<(Block, usize, bool)>,
}

impl<'a> Walk<'a> {
    fn new(function: &'a Function, record: Val, at: At) -> Self {
        let none = vec![false; function.blocks.len()];
        Self { function, record, at, entered: [none.clone(), none], left: Vec::new() }
    }

    fn from(mut self, block: Block, index: usize) -> Result<(), Error> {
        self.left.push((block, index, false));
        while let Some((block, index, gone)) = self.left.pop() {
            self.block(block, index, gone)?;
        }
        Ok(())
    }

    fn block(&mut self, number: Block, index: usize, mut gone: bool) -> Result<(), Error> {
        let block = &self.function.blocks[number.index()];
        for inst in &block.insts[index..] {
            if inst.result == Some(self.record) {
                return if gone {
                    Ok(())
                } else {
                    Err(self.wrong("is not handed back before the next is reserved", inst.at))
                };
            }
            if !uses(inst, self.record) {
                continue;
            }
            if gone {
                return Err(self.wrong("is used after it was handed back", inst.at));
            }
            match inst.op {
                // The function has it now.
                Op::Call { callee: Callee::Function(_), .. } | Op::Asm(_) => return Ok(()),
                _ => gone = called(inst, &[Helper::RINGBUF_SUBMIT, Helper::RINGBUF_DISCARD]).is_some(),
            }
        }
        match &block.end {
            Some((End::Return(_), at)) if !gone => Err(self.wrong("is neither submitted nor discarded", at)),
            Some((end, _)) => {
                self.follow(end, gone);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn follow(&mut self, end: &End, gone: bool) {
        let null = self.null_side(end);
        for target in end.targets().filter(|target| !null.is_some_and(|null| std::ptr::eq(null, *target))) {
            let entered = &mut self.entered[usize::from(gone)][target.block.index()];
            if !std::mem::replace(entered, true) {
                self.left.push((target.block, 0, gone));
            }
        }
    }

    /// Where it goes on if nothing could be reserved.
    fn null_side<'e>(&self, end: &'e End) -> Option<&'e Target> {
        let End::Branch { compare, then, otherwise } = end else { return None };
        let of_record = (compare.a, compare.b) == (Operand::Val(self.record), Operand::Imm(0));
        match compare.cond {
            Cond::Eq if of_record => Some(then),
            Cond::Ne if of_record => Some(otherwise),
            _ => None,
        }
    }

    fn wrong(&self, what: &'static str, other: At) -> Error {
        Error::Record { what, other: site(other), site: site(self.at) }
    }
}

fn uses(inst: &Inst, value: Val) -> bool {
    let mut used = false;
    inst.op.each_use(|operand| used |= operand == value);
    used
}
