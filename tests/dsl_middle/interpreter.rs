//! Runs a function of the form as the machine would.

use crate::asm::{AluOp, AtomicOp, Cond, Endian, Size, SwapBits, SwapOp, Width};
use crate::dsl::ir::{Addr, Base, Block, Compare, End, Function, Inst, Op, Operand, Target, Val};

/// Where the context begins; places on the stack lie far above.
const CONTEXT: u64 = 0x1000_0000;
const STACK: u64 = 0x2000_0000;
const PLACE: u64 = 0x1_0000;

/// What a run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub returned: u64,
    pub context: Vec<u8>,
}

struct Machine<'a> {
    function: &'a Function,
    values: Vec<u64>,
    context: Vec<u8>,
    stack: Vec<Vec<u8>>,
    steps: u64,
}

/// Runs a function whose first parameter is a context of these bytes.
pub fn run(function: &Function, context: &[u8]) -> Outcome {
    let stack = function.locals.iter().map(|local| vec![0; local.size as usize]).collect();
    let values = vec![0; function.values as usize];
    let mut machine = Machine { function, values, context: context.to_vec(), stack, steps: 0 };
    machine.values[0] = CONTEXT;
    let returned = machine.run();
    Outcome { returned, context: machine.context }
}

impl Machine<'_> {
    fn run(&mut self) -> u64 {
        let mut block = Block(0);
        loop {
            let data = self.function.block(block);
            for inst in &data.insts {
                self.steps += 1;
                assert!(self.steps < 10_000_000, "it does not end");
                self.inst(inst);
            }
            let target = match &data.end.as_ref().unwrap().0 {
                End::Jump(target) => target,
                End::Branch { compare, then, otherwise } => {
                    if self.holds(compare) {
                        then
                    } else {
                        otherwise
                    }
                }
                End::Switch { width, value, cases, default } => {
                    let value = truncated(*width, self.get(*value));
                    let case =
                        cases.iter().find(|(case, _)| truncated(*width, case.cast_unsigned()) == value);
                    case.map_or(default, |(_, target)| target)
                }
                End::Return(value) => return self.get(*value),
            };
            let args: Vec<_> = target.args.iter().map(|arg| self.get(*arg)).collect();
            for (param, arg) in self.function.block(target.block).params.iter().zip(args) {
                self.values[param.index()] = arg;
            }
            block = target.block;
        }
    }

    fn get(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Val(value) => self.values[value.index()],
            Operand::Imm(number) => number.cast_unsigned(),
        }
    }

    fn holds(&self, compare: &Compare) -> bool {
        let (a, b) =
            (truncated(compare.width, self.get(compare.a)), truncated(compare.width, self.get(compare.b)));
        let (sa, sb) = (signed(compare.width, a), signed(compare.width, b));
        match compare.cond {
            Cond::Eq => a == b,
            Cond::Ne => a != b,
            Cond::Gt => a > b,
            Cond::Ge => a >= b,
            Cond::Lt => a < b,
            Cond::Le => a <= b,
            Cond::SGt => sa > sb,
            Cond::SGe => sa >= sb,
            Cond::SLt => sa < sb,
            Cond::SLe => sa <= sb,
            Cond::Set => a & b != 0,
        }
    }

    fn inst(&mut self, inst: &Inst) {
        let made = match &inst.op {
            Op::Copy { a } => self.get(*a),
            Op::Alu { op, width, a, b } => alu(*op, *width, self.get(*a), self.get(*b)),
            Op::Neg { width, a } => truncated(*width, self.get(*a).wrapping_neg()),
            Op::ZeroExtend { bits, a } => self.get(*a) & (u64::MAX >> (64 - bits)),
            Op::SignExtend { bits, width, a } => {
                let by = 64 - u32::from(*bits);
                truncated(*width, (self.get(*a).cast_signed() << by >> by).cast_unsigned())
            }
            Op::Swap { op, bits, a } => swap(*op, *bits, self.get(*a)),
            Op::Select { compare, then, otherwise } => {
                self.get(if self.holds(compare) { *then } else { *otherwise })
            }
            Op::Load { size, addr, .. } | Op::LoadAcquire { size, addr, .. } => self.load(*size, *addr),
            Op::LoadSx { size, addr, .. } => {
                let by = 64 - 8 * u32::from(size.bytes());
                let loaded = self.load(Size::from(*size), *addr);
                (loaded.cast_signed() << by >> by).cast_unsigned()
            }
            Op::Store { size, addr, value, .. } | Op::StoreRelease { size, addr, value, .. } => {
                let value = self.get(*value);
                return self.store(*size, *addr, value);
            }
            Op::Atomic { op, size, addr, value, expected, .. } => {
                let old = self.load(*size, *addr);
                let width = size.atomic().unwrap();
                let (value, expected) = (self.get(*value), expected.map(|expected| self.get(expected)));
                if let Some(new) = exchanged(*op, width, old, value, expected) {
                    self.store(*size, *addr, new);
                }
                old
            }
            Op::LocalAddr { local, off } => self.address(Addr { base: Base::Local(*local), off: *off }),
            // Nothing of what these tests call returns what is looked at.
            Op::Call { .. } => 0xdead_beef,
            other => panic!("not for an interpreter: {other:?}"),
        };
        if let Some(result) = inst.result {
            self.values[result.index()] = made;
        }
    }

    fn address(&self, addr: Addr) -> u64 {
        let base = match addr.base {
            Base::Val(value) => self.values[value.index()],
            Base::Local(local) => STACK + PLACE * u64::from(local.0),
        };
        base.wrapping_add_signed(addr.off.into())
    }

    fn memory(&mut self, size: Size, addr: Addr) -> &mut [u8] {
        let address = self.address(addr);
        let (memory, start) = match address.checked_sub(STACK) {
            Some(above) => (&mut self.stack[(above / PLACE) as usize], above % PLACE),
            None => (&mut self.context, address - CONTEXT),
        };
        &mut memory[start as usize..start as usize + usize::from(size.bytes())]
    }

    fn load(&mut self, size: Size, addr: Addr) -> u64 {
        let mut bytes = [0; 8];
        let from = self.memory(size, addr);
        bytes[..from.len()].copy_from_slice(from);
        u64::from_le_bytes(bytes)
    }

    fn store(&mut self, size: Size, addr: Addr, value: u64) {
        let to = self.memory(size, addr);
        let count = to.len();
        to.copy_from_slice(&value.to_le_bytes()[..count]);
    }
}

fn exchanged(op: AtomicOp, width: Width, old: u64, value: u64, expected: Option<u64>) -> Option<u64> {
    Some(match op {
        AtomicOp::Add | AtomicOp::FetchAdd => old.wrapping_add(value),
        AtomicOp::Or | AtomicOp::FetchOr => old | value,
        AtomicOp::And | AtomicOp::FetchAnd => old & value,
        AtomicOp::Xor | AtomicOp::FetchXor => old ^ value,
        AtomicOp::Xchg => value,
        AtomicOp::CmpXchg => return (truncated(width, expected.unwrap()) == old).then_some(value),
    })
}

fn truncated(width: Width, number: u64) -> u64 {
    if width == Width::Bits32 { number & 0xffff_ffff } else { number }
}

fn signed(width: Width, number: u64) -> i64 {
    if width == Width::Bits32 { i64::from(number as i32) } else { number.cast_signed() }
}

fn swap(op: SwapOp, bits: SwapBits, number: u64) -> u64 {
    let keeps = op == SwapOp::ToLe;
    match bits {
        SwapBits::B16 if keeps => u64::from(number as u16),
        SwapBits::B32 if keeps => u64::from(number as u32),
        SwapBits::B64 if keeps => number,
        SwapBits::B16 => (number as u16).swap_bytes().into(),
        SwapBits::B32 => (number as u32).swap_bytes().into(),
        SwapBits::B64 => number.swap_bytes(),
    }
}

fn alu(op: AluOp, width: Width, a: u64, b: u64) -> u64 {
    match width {
        Width::Bits64 => in_64_bits(op, a, b),
        Width::Bits32 => in_32_bits(op, a as u32, b as u32).into(),
    }
}

macro_rules! operations {
    ($name:ident $unsigned:ty) => {
        /// RFC 9669, section 4.1: division by zero gives zero, its rest is what was divided.
        fn $name(op: AluOp, left: $unsigned, right: $unsigned) -> $unsigned {
            let (a, b) = (left.cast_signed(), right.cast_signed());
            match op {
                AluOp::Add => left.wrapping_add(right),
                AluOp::Sub => left.wrapping_sub(right),
                AluOp::Mul => left.wrapping_mul(right),
                AluOp::Div => left.checked_div(right).unwrap_or(0),
                AluOp::SDiv if right == 0 => 0,
                AluOp::SDiv => a.wrapping_div(b).cast_unsigned(),
                AluOp::Mod => left.checked_rem(right).unwrap_or(left),
                AluOp::SMod if right == 0 => left,
                AluOp::SMod => a.wrapping_rem(b).cast_unsigned(),
                AluOp::Or => left | right,
                AluOp::And => left & right,
                AluOp::Xor => left ^ right,
                AluOp::Lsh => left.wrapping_shl(right as u32),
                AluOp::Rsh => left.wrapping_shr(right as u32),
                AluOp::Arsh => a.wrapping_shr(right as u32).cast_unsigned(),
                AluOp::Mov => right,
            }
        }
    };
}

operations!(in_64_bits u64);
operations!(in_32_bits u32);
