//! Random functions: the kernel runs what comes out of them as the interpreter runs what went in.

use std::panic::Location;

use crate::asm::{AluOp, AtomicOp as AtomicKind, Code, Cond, Helper, Isa, Size, SwapBits, SwapOp, Width};
use crate::dsl::ir::{
    Addr, Args, At, Base, Block, Builder, Callee, Compare, Function, Local, Memory, Op, Operand, Variable,
    verify,
};
use crate::dsl::lower::{Stages, compile};
use crate::dsl::opt::optimise;
use crate::interpreter::{Outcome, run};
use crate::kernel;
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon};

/// How many functions one run makes; more with `BPFSMITH_RANDOM`.
const FUNCTIONS: u64 = 5_000;

/// What has found a mistake once: a branch that nothing leads to any more was left standing; a comparison of 64 bits with
/// more than 32 bits can hold was made in 32.
const FOUND: [u64; 2] = [500_107, 1_000_892];

pub fn add(suite: &mut Suite) {
    for (isa, name) in [(Isa::V3, "v3"), (Isa::V4, "v4"), (Isa::V1, "v1")] {
        let title = format!("random functions, {name}");
        suite.test_if(all(&[has_cap_bpf, has_cap_perfmon]), &title, move || functions(isa));
    }
}

fn functions(isa: Isa) {
    let count =
        std::env::var("BPFSMITH_RANDOM").ok().and_then(|count| count.parse().ok()).unwrap_or(FUNCTIONS);
    let first = std::env::var("BPFSMITH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in FOUND.into_iter().chain(first..first + count / 3) {
        function(seed, isa);
    }
}

/// One function, on some inputs.
fn function(seed: u64, isa: Isa) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let recorded = Recorder::function(&mut random, isa);
    verify(&recorded).unwrap_or_else(|flaw| panic!("seed {seed}: {flaw}\n{recorded}"));
    let mut optimised = recorded.clone();
    optimise(&mut optimised, isa);
    verify(&optimised).unwrap_or_else(|flaw| panic!("seed {seed}: {flaw}\n{recorded}\n{optimised}"));
    let mut stages = Stages::default();
    let code = compile(recorded.clone(), isa, Some(&mut stages))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{recorded}"));
    assert!(isa.contains(code.isa()), "seed {seed}: {:?}", code.isa() - isa);
    let shown = format!("{}\n{}\n{code:?}", stages.recorded, stages.optimised);
    let loaded = kernel::load(code).unwrap_or_else(|log| panic!("seed {seed}: {log}\n{shown}"));
    for _ in 0..4 {
        let context: Vec<u8> = (0..CONTEXT / 8).flat_map(|_| random.number().to_le_bytes()).collect();
        let mut expected = run(&recorded, &context);
        assert_eq!(expected, run(&optimised, &context), "seed {seed}, by the interpreter\n{shown}");
        expected.returned &= 0xffff_ffff;
        assert_eq!(expected, kernel::run(&loaded, &context), "seed {seed}, in the kernel\n{shown}");
    }
}

/// The code of the function that a seed makes: it runs on [`CONTEXT`] bytes.
pub fn code(seed: u64, isa: Isa) -> Code {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let recorded = Recorder::function(&mut random, isa);
    compile(recorded, isa, None).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

/// A function of at least so many operations.
pub fn sized(operations: u32) -> Function {
    let mut random = Random(operations.into());
    let mut recorder = Recorder::new(&mut random, Isa::V3);
    recorder.returns = false;
    recorder.begin();
    while recorder.pushed < operations {
        recorder.budget = 8;
        recorder.statements(2);
    }
    recorder.finish()
}

pub const CONTEXT: usize = 160;

/// Numbers that depend on the seed alone: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Numbers at the edges, small ones, and any.
    fn number(&mut self) -> u64 {
        match self.below(6) {
            0 => self.of(&[0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff]),
            1 => self.of(&[
                0x7fff_ffff,
                0x8000_0000,
                0xffff_ffff,
                0x1_0000_0000,
                i64::MIN as u64,
                i64::MAX as u64,
                u64::MAX,
            ]),
            2 => self.below(32),
            3 => self.below(32).wrapping_neg(),
            4 => 1 << self.below(64),
            _ => self.next(),
        }
    }
}

/// A variable and how wide it is: a narrow one is always zero above.
#[derive(Clone, Copy)]
struct Var {
    variable: Variable,
    width: Width,
}

struct Recorder<'r> {
    random: &'r mut Random,
    builder: Builder,
    variables: Vec<Var>,
    /// Eight bytes each.
    locals: Vec<Local>,
    /// Where `continue` and `break` go.
    loops: Vec<(Block, Block)>,
    budget: u32,
    /// How many operations there are so far.
    pushed: u32,
    /// Whether it may return early.
    returns: bool,
    isa: Isa,
}

fn at() -> At {
    Location::caller()
}

impl<'r> Recorder<'r> {
    fn function(random: &'r mut Random, isa: Isa) -> Function {
        let mut recorder = Self::new(random, isa);
        recorder.begin();
        recorder.statements(0);
        recorder.finish()
    }

    fn new(random: &'r mut Random, isa: Isa) -> Self {
        Self {
            random,
            builder: Builder::new("random", 1),
            variables: Vec::new(),
            locals: Vec::new(),
            loops: Vec::new(),
            budget: 0,
            pushed: 0,
            returns: true,
            isa,
        }
    }

    fn begin(&mut self) {
        self.budget = 4 + self.random.below(40) as u32;
        for index in 0..3 + self.random.below(13) {
            let width = self.width();
            let size =
                if width == Width::Bits64 { Size::DW } else { self.random.of(&[Size::W, Size::H, Size::B]) };
            let loaded = if self.random.one_in(4) {
                self.constant(width)
            } else {
                let addr = self.context(index as i32 * 8);
                self.push(Op::Load { size, addr, memory: Memory::Context })
            };
            let variable = self.builder.variable();
            self.builder.set(variable, loaded);
            self.variables.push(Var { variable, width });
        }
        for _ in 0..self.random.below(3) {
            let local = self.builder.local(8, 8, at());
            let value = self.any(Width::Bits64);
            self.push_nothing(Op::Store { size: Size::DW, addr: on(local, 0), memory: Memory::Stack, value });
            self.locals.push(local);
        }
    }

    fn finish(mut self) -> Function {
        if self.builder.current().is_some() {
            for index in 0..self.variables.len() {
                self.store_variable(index);
            }
            let value = self.any(Width::Bits64);
            self.builder.ret(value, at());
        }
        self.builder.finish()
    }

    fn store_variable(&mut self, index: usize) {
        let Var { variable, width } = self.variables[index];
        let value = self.builder.get(variable);
        let (size, addr) = (width.into(), self.context(index as i32 * 8));
        self.push_nothing(Op::Store { size, addr, memory: Memory::Context, value });
    }

    fn context(&self, off: i32) -> Addr {
        Addr { base: Base::Val(self.builder.param(0)), off }
    }

    fn width(&mut self) -> Width {
        self.random.of(&[Width::Bits32, Width::Bits64])
    }

    fn constant(&mut self, width: Width) -> Operand {
        let number = self.random.number();
        Operand::Imm(if width == Width::Bits32 { i64::from(number as u32) } else { number.cast_signed() })
    }

    /// A variable or a constant; what is narrow is extended to be wide.
    fn any(&mut self, width: Width) -> Operand {
        if self.random.one_in(4) {
            return self.constant(width);
        }
        let index = self.random.below(self.variables.len() as u64) as usize;
        let var = self.variables[index];
        let value = self.builder.get(var.variable);
        match (var.width, width) {
            (Width::Bits32, Width::Bits64) if self.random.one_in(2) => {
                self.push(Op::SignExtend { bits: 32, width: Width::Bits64, a: value })
            }
            _ => value,
        }
    }

    fn push(&mut self, op: Op) -> Operand {
        self.pushed += 1;
        self.builder.push(op, at()).unwrap().into()
    }

    fn push_nothing(&mut self, op: Op) {
        self.builder.push(op, at());
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..1 + self.random.below(6) {
            if self.budget == 0 || self.builder.current().is_none() {
                return;
            }
            self.budget -= 1;
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        match self.random.below(if depth < 4 { 24 } else { 17 }) {
            0..=9 => self.assign(),
            10 => self.store(),
            11 => self.atomic(),
            12 => self.call(),
            13 if !self.loops.is_empty() => {
                let (on, out) = self.loops[self.loops.len() - 1];
                let to = if self.random.one_in(2) { on } else { out };
                self.builder.jump(to, at());
            }
            14 if self.returns && self.random.one_in(3) => {
                let value = self.any(Width::Bits32);
                self.builder.ret(value, at());
            }
            13..=16 => self.assign(),
            17..=19 => self.if_else(depth),
            20 => self.switch(depth),
            _ => self.repeat(depth),
        }
    }

    fn assign(&mut self) {
        let index = self.random.below(self.variables.len() as u64) as usize;
        let Var { variable, width } = self.variables[index];
        let value = self.expression(width);
        self.builder.set(variable, value);
    }

    /// Of this width: a narrow one is zero above.
    fn expression(&mut self, width: Width) -> Operand {
        const ALU: [AluOp; 14] = [
            AluOp::Add,
            AluOp::Sub,
            AluOp::Mul,
            AluOp::Div,
            AluOp::SDiv,
            AluOp::Or,
            AluOp::And,
            AluOp::Lsh,
            AluOp::Rsh,
            AluOp::Mod,
            AluOp::SMod,
            AluOp::Xor,
            AluOp::Arsh,
            AluOp::Add,
        ];
        let op = match self.random.below(12) {
            0 => Op::Neg { width, a: self.any(width) },
            1 => Op::ZeroExtend { bits: self.random.of(&[8, 16, 32]), a: self.any(width) },
            2 => {
                let bits = self.random.of(&[8, 16, 32]);
                let width = if bits == 32 { Width::Bits64 } else { width };
                let value = self.any(width);
                let extended = self.push(Op::SignExtend { bits, width, a: value });
                return self.narrowed(extended, width);
            }
            3 => {
                let bits = match width {
                    Width::Bits32 => self.random.of(&[SwapBits::B16, SwapBits::B32]),
                    Width::Bits64 => self.random.of(&[SwapBits::B16, SwapBits::B32, SwapBits::B64]),
                };
                Op::Swap { op: self.random.of(SwapOp::ALL), bits, a: self.any(width) }
            }
            4 if !self.locals.is_empty() => {
                let (local, off) = (self.random.of(&self.locals), 4 * self.random.below(2) as i32);
                Op::Load { size: Size::W, addr: on(local, off), memory: Memory::Stack }
            }
            5 => {
                let off = self.random.below(CONTEXT as u64 / 8) as i32 * 8;
                Op::Load { size: width.into(), addr: self.context(off), memory: Memory::Context }
            }
            _ => {
                let op = self.random.of(&ALU);
                let (a, mut b) = (self.any(width), self.any(width));
                if op.shifts() && self.random.one_in(2) {
                    b = Operand::Imm(self.random.below(64) as i64);
                }
                Op::Alu { op, width, a, b }
            }
        };
        let value = self.push(op);
        self.narrowed(value, width)
    }

    /// What may be wide becomes narrow, as a variable wants it.
    fn narrowed(&mut self, value: Operand, width: Width) -> Operand {
        match width {
            Width::Bits32 => self.push(Op::ZeroExtend { bits: 32, a: value }),
            Width::Bits64 => value,
        }
    }

    fn store(&mut self) {
        let size = self.random.of(&[Size::B, Size::H, Size::W, Size::DW]);
        let value = self.any(Width::Bits64);
        let (addr, memory) = match self.locals.is_empty() || self.random.one_in(2) {
            true => (self.context(CONTEXT as i32 - 8), Memory::Context),
            false => (on(self.random.of(&self.locals), 0), Memory::Stack),
        };
        self.push_nothing(Op::Store { size, addr, memory, value });
    }

    fn atomic(&mut self) {
        let atomics = Isa::ATOMIC32 | Isa::ATOMIC64;
        let Some(&local) = self.locals.first().filter(|_| self.isa.contains(atomics)) else {
            return self.assign();
        };
        let (op, expected) = match self.random.below(4) {
            0 => (AtomicKind::CmpXchg, Some(self.any(Width::Bits64))),
            1 => (AtomicKind::FetchXor, None),
            2 => (AtomicKind::Xchg, None),
            _ => (AtomicKind::FetchAdd, None),
        };
        let (size, value) = (self.random.of(&[Size::W, Size::DW]), self.any(Width::Bits64));
        let op = Op::Atomic { op, size, addr: on(local, 0), memory: Memory::Stack, value, expected };
        let old = self.push(op);
        if self.random.one_in(2) {
            let index = self.random.below(self.variables.len() as u64) as usize;
            let Var { variable, width } = self.variables[index];
            let old = self.narrowed(old, width);
            self.builder.set(variable, old);
        }
    }

    /// Of a helper whose result is not looked at.
    fn call(&mut self) {
        let callee = Callee::Helper(Helper::KTIME_GET_NS);
        self.push_nothing(Op::Call { callee, args: Args::new([]), pure: false });
    }

    fn compare(&mut self) -> Compare {
        let width = self.width();
        let (a, b) = (self.any(width), self.any(width));
        Compare { cond: self.random.of(Cond::ALL), width, a, b }
    }

    fn enter(&mut self, block: Block) {
        self.builder.seal(block);
        self.builder.switch_to(block);
    }

    fn if_else(&mut self, depth: u32) {
        let compare = self.compare();
        let (then, otherwise, behind) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.branch(compare, then, otherwise, at());
        self.enter(then);
        self.statements(depth + 1);
        self.builder.jump(behind, at());
        self.enter(otherwise);
        if self.random.one_in(2) {
            self.statements(depth + 1);
        }
        self.builder.jump(behind, at());
        self.enter(behind);
    }

    fn switch(&mut self, depth: u32) {
        let width = self.width();
        let value = self.any(width);
        let behind = self.builder.block();
        let mut cases = Vec::new();
        for _ in 0..self.random.below(7) {
            let Operand::Imm(number) = self.constant(width) else { continue };
            if cases.iter().all(|(other, _)| *other != number) {
                cases.push((number, self.builder.block()));
            }
        }
        let default = self.builder.block();
        self.builder.switch(width, value, &cases, default, at());
        let blocks: Vec<_> = cases.iter().map(|(_, block)| *block).chain([default]).collect();
        for block in blocks {
            self.enter(block);
            self.statements(depth + 1);
            self.builder.jump(behind, at());
        }
        self.enter(behind);
    }

    /// A few times.
    fn repeat(&mut self, depth: u32) {
        let times = 1 + self.random.below(4) as i64;
        let counter = self.builder.variable();
        self.builder.set(counter, Operand::Imm(0));
        let [head, body, step, behind] = [(); 4].map(|()| self.builder.block());
        self.builder.jump(head, at());
        self.builder.switch_to(head);
        let count = self.builder.get(counter);
        let compare = Compare { cond: Cond::Lt, width: Width::Bits64, a: count, b: times.into() };
        self.builder.branch(compare, body, behind, at());
        self.enter(body);
        self.loops.push((step, behind));
        self.statements(depth + 1);
        self.loops.pop();
        self.builder.jump(step, at());
        self.enter(step);
        let count = self.builder.get(counter);
        let next = self.push(Op::Alu { op: AluOp::Add, width: Width::Bits64, a: count, b: 1.into() });
        self.builder.set(counter, next);
        self.builder.jump(head, at());
        self.builder.seal(head);
        self.enter(behind);
    }
}

fn on(local: Local, off: i32) -> Addr {
    Addr { base: Base::Local(local), off }
}
