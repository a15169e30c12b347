//! Operations one by one, in the kernel: what random functions do not have.

use std::panic::Location;

use crate::asm::Reg::{R0, R1, R2, R6, R7};
use crate::asm::{AluOp, Assembler, AtomicOp, Cond, Insn, Isa, Size, Width};
use crate::dsl::ir::{Addr, AsmBlock, At, Base, Builder, Compare, Function, Memory, Op, Operand, Val};
use crate::dsl::lower::{LowerError, compile};
use crate::interpreter::run;
use crate::kernel;
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    suite.test_if(
        has_cap_bpf,
        "an assembler block keeps its jumps, its registers and its lines",
        assembler_block,
    );
    suite.test_if(has_cap_bpf, "every atomic operation", atomics);
    suite.test_if(has_cap_bpf, "signed division by every kind of constant", signed_division);
    // Without CAP_PERFMON the verifier refuses arithmetic on pointers that speculation could mislead.
    suite.test_if(
        all(&[has_cap_bpf, has_cap_perfmon]),
        "a bound that is checked in 32 bits holds for the index",
        checked_index,
    );
    suite.test("a frame that is too large names its largest place", large_frame);
    suite.test("what a set lacks is an error on its line", lacking);
    suite.test("loops without an end or a way in come out", endless);
    suite.test("every instruction has the line of its operation", lines);
}

fn at() -> At {
    Location::caller()
}

struct Numbers(Builder);

impl Numbers {
    fn new() -> Self {
        Self(Builder::new("numbers", 1))
    }

    fn place(&self, index: i32) -> Addr {
        Addr { base: Base::Val(self.0.param(0)), off: index * 8 }
    }

    fn op(&mut self, op: Op) -> Operand {
        self.0.push(op, at()).unwrap().into()
    }

    fn load(&mut self, index: i32) -> Operand {
        let addr = self.place(index);
        self.op(Op::Load { size: Size::DW, addr, memory: Memory::Context })
    }

    fn store(&mut self, index: i32, value: Operand) {
        let addr = self.place(index);
        self.0.push(Op::Store { size: Size::DW, addr, memory: Memory::Context, value }, at());
    }

    fn done(mut self) -> Function {
        self.0.ret(0.into(), at());
        self.0.finish()
    }
}

fn bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The kernel runs what comes out of a function as the interpreter runs the function, with these contexts.
fn same_as_interpreted(function: &Function, isa: Isa, contexts: &[Vec<u64>]) {
    let code = compile(function.clone(), isa, None).unwrap();
    assert!(isa.contains(code.isa()));
    let loaded = kernel::load(code).unwrap_or_else(|log| panic!("{log}\n{function}"));
    for context in contexts {
        let context = bytes(context);
        assert_eq!(run(function, &context), kernel::run(&loaded, &context), "{context:?}\n{function}");
    }
}

/// The larger of two numbers and the sum of both, with a jump inside, between values that live across it.
fn assembler_block() {
    let mut f = Numbers::new();
    let (a, b) = (f.load(0), f.load(1));
    let others: Vec<_> = (2..8).map(|index| f.load(index)).collect();
    let mut assembler = Assembler::new();
    let out = assembler.label();
    assembler.mov(R7, R2).add(R7, R6).mov(R0, R2).jgt(R2, R6, out).mov(R0, R6).bind(out).mov(R1, 5);
    let line = assembler.finish().unwrap().loc(0).unwrap().line();
    let block = AsmBlock {
        // A label at the end would be jumped to from inside otherwise.
        code: assembler.finish().unwrap(),
        inputs: vec![(R2, a), (R6, b)],
        outputs: vec![R0, R7],
        clobbers: vec![R1],
        writes: Vec::new(),
    };
    let Operand::Val(larger) = f.op(Op::Asm(Box::new(block))) else { panic!("a value") };
    f.store(8, larger.into());
    f.store(9, Val(larger.0 + 1).into());
    let sum = others.into_iter().fold(a, |a, b| f.op(Op::Alu { op: AluOp::Add, width: Width::Bits64, a, b }));
    f.store(10, sum);
    let function = f.done();
    let code = compile(function, Isa::V3, None).unwrap();
    assert!(code.locs().iter().any(|loc| loc.line() == line), "{code:?}");
    let loaded = kernel::load(code).unwrap();
    for (a, b) in [(3_u64, 9_u64), (9, 3), (u64::MAX, 1)] {
        let context = [a, b, 1, 2, 3, 4, 5, 6, 0, 0, 0];
        let outcome = kernel::run(&loaded, &bytes(&context));
        let sum = a.wrapping_add(b);
        let expected = [a, b, 1, 2, 3, 4, 5, 6, a.max(b), sum, a.wrapping_add(21)];
        assert_eq!(outcome.context, bytes(&expected));
    }
}

fn atomics() {
    for &op in AtomicOp::ALL {
        for size in [Size::W, Size::DW] {
            for used in [false, true] {
                let mut f = Numbers::new();
                let (old, value, expected) = (f.load(0), f.load(1), f.load(2));
                let local = f.0.local(8, 8, at());
                let addr = Addr { base: Base::Local(local), off: 0 };
                f.0.push(Op::Store { size: Size::DW, addr, memory: Memory::Stack, value: old }, at());
                let expected = (op == AtomicOp::CmpXchg).then_some(expected);
                let memory = Memory::Stack;
                let result = f.0.push(Op::Atomic { op, size, addr, memory, value, expected }, at());
                if let Some(result) = result.filter(|_| used) {
                    f.store(3, result.into());
                }
                let new = f.op(Op::Load { size: Size::DW, addr, memory });
                f.store(4, new);
                f.store(5, value);
                let contexts = [vec![7, 12, 7, 0, 0, 0], vec![u64::MAX, 1 << 40 | 3, 5, 0, 0, 0]];
                same_as_interpreted(&f.done(), Isa::V3, &contexts);
            }
        }
    }
}

fn signed_division() {
    let divisors = [0, 1, -1, 2, -2, 3, 7, -7, 8, 1 << 20, 1 << 31, -(1 << 31), 1 << 40, i64::MIN, i64::MAX];
    let numbers = [0, 1, -1, 6, -6, 7, 8, -8, -9, i64::MIN, i64::MAX, i32::MIN.into(), i32::MAX.into()];
    for isa in [Isa::V1, Isa::V3, Isa::V4] {
        let mut f = Numbers::new();
        let number = f.load(0);
        let mut index = 1;
        for divisor in divisors {
            for op in [AluOp::SDiv, AluOp::SMod] {
                for width in [Width::Bits32, Width::Bits64] {
                    let result = f.op(Op::Alu { op, width, a: number, b: divisor.into() });
                    f.store(index, result);
                    index += 1;
                }
            }
        }
        let context = |number: i64| {
            let mut context = vec![0; index as usize];
            context[0] = number.cast_unsigned();
            context
        };
        same_as_interpreted(&f.done(), isa, &numbers.map(context));
    }
}

/// `if (u32)i < 8 { place[i] }`, with what 6.1 has to know spread over two widths.
fn checked_index() {
    for cond in [Cond::Lt, Cond::Le] {
        let mut f = Numbers::new();
        let local = f.0.local(16, 8, at());
        for off in [0, 8] {
            let addr = Addr { base: Base::Local(local), off };
            let value = Operand::Imm(0x0807_0605_0403_0201);
            f.0.push(Op::Store { size: Size::DW, addr, memory: Memory::Stack, value }, at());
        }
        let raw = f.load(0);
        let index = f.op(Op::ZeroExtend { bits: 32, a: raw });
        let [inside, outside] = [f.0.block(), f.0.block()];
        let compare = Compare { cond, width: Width::Bits32, a: index, b: 8.into() };
        f.0.branch(compare, inside, outside, at());
        f.0.seal(inside);
        f.0.seal(outside);
        f.0.switch_to(inside);
        let start = f.op(Op::LocalAddr { local, off: 0 });
        let wide = f.op(Op::ZeroExtend { bits: 32, a: index });
        let place = f.op(Op::Alu { op: AluOp::Add, width: Width::Bits64, a: start, b: wide });
        let Operand::Val(base) = place else { panic!("a value") };
        let addr = Addr { base: Base::Val(base), off: 0 };
        let found = f.op(Op::Load { size: Size::B, addr, memory: Memory::Stack });
        f.store(1, found);
        f.0.ret(1.into(), at());
        f.0.switch_to(outside);
        let function = f.done();
        let contexts = [vec![3, 0], vec![8, 0], vec![9, 0], vec![1 << 32 | 5, 0]];
        same_as_interpreted(&function, Isa::V3, &contexts);
        same_as_interpreted(&function, Isa::V1, &contexts);
    }
}

fn large_frame() {
    let mut f = Numbers::new();
    for size in [100, 408, 8] {
        let local = f.0.local(size, 8, at());
        let addr = Addr { base: Base::Local(local), off: 0 };
        f.0.push(Op::Store { size: Size::B, addr, memory: Memory::Stack, value: 1.into() }, at());
    }
    let function = f.done();
    let line = function.locals[1].at.line();
    match compile(function, Isa::V3, None) {
        Err(error @ LowerError::Frame { locals: 512.., spills: 0, .. }) => {
            let text = error.to_string();
            assert!(text.starts_with(&format!("tests/dsl_middle/directed.rs:{line}:")), "{text}");
            assert!(text.contains(": numbers needs 520 bytes of stack"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

fn lacking() {
    let mut f = Numbers::new();
    let addr = f.place(0);
    f.op(Op::LoadAcquire { size: Size::DW, addr, memory: Memory::Context });
    match compile(f.done(), Isa::V3, None) {
        Err(LowerError::Asm(error)) => assert_eq!(error.loc().file(), "tests/dsl_middle/directed.rs"),
        other => panic!("{other:?}"),
    }
}

/// Rings of empty blocks too: what the kernel makes of them is its own affair.
fn endless() {
    let mut f = Numbers::new();
    let [head, other, out] = [(); 3].map(|()| f.0.block());
    let value = f.load(0);
    f.0.branch(Compare { cond: Cond::Eq, width: Width::Bits64, a: value, b: 1.into() }, head, out, at());
    f.0.switch_to(head);
    f.0.jump(other, at());
    f.0.switch_to(other);
    f.0.jump(head, at());
    [head, other, out].into_iter().for_each(|block| f.0.seal(block));
    f.0.switch_to(out);
    let code = compile(f.done(), Isa::V3, None).unwrap();
    let itself = |insn: Result<Insn, _>| matches!(insn, Ok(Insn::Ja { off: -1 }));
    assert!(code.insns().any(|(_, insn)| itself(insn)), "{code:?}");

    let mut f = Numbers::new();
    let head = f.0.block();
    f.0.jump(head, at());
    f.0.switch_to(head);
    let value = f.load(0);
    f.store(1, value);
    f.0.jump(head, at());
    f.0.seal(head);
    assert_eq!(f.0.current(), None);
    let code = compile(f.0.finish(), Isa::V3, None).unwrap();
    assert_eq!(code.len(), 3, "{code:?}");
}

/// Also those that only move values about.
fn lines() {
    let mut f = Numbers::new();
    let values: Vec<_> = (0..14).map(|index| f.load(index)).collect();
    let sum =
        values.into_iter().rev().reduce(|a, b| f.op(Op::Alu { op: AluOp::Mul, width: Width::Bits64, a, b }));
    f.store(0, sum.unwrap());
    let code = compile(f.done(), Isa::V3, None).unwrap();
    for (slot, loc) in code.locs().iter().enumerate() {
        assert_eq!(loc.file(), "tests/dsl_middle/directed.rs", "{slot}");
    }
    assert!(code.lines().all(|(_, id)| id.index().is_some()));
}
