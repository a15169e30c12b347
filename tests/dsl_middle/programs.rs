//! Functions as the front records them, by hand: what each stage makes of them is held by golden files.

use std::panic::Location;

use crate::asm::{AluOp, Cond, Helper, Size, SwapBits, SwapOp, Width};
use crate::dsl::ir::{
    Addr, Args, At, Base, Block, Builder, Callee, Compare, Function, Local, Memory, Op, Operand, Symbol, Val,
    Variable,
};

pub type Program = (&'static str, fn() -> Function);

/// All of them.
pub const PROGRAMS: [Program; 14] = [
    ("arm", arm),
    ("tick", tick),
    ("sum_of_64", sum_of_64),
    ("parse_udp", parse_udp),
    ("device_filter", device_filter),
    ("pressure", pressure),
    ("signed_division", signed_division),
    ("log2", log2),
    ("skip_name", skip_name),
    ("three_cases", three_cases),
    ("many_cases", many_cases),
    ("token_bucket", token_bucket),
    ("mixed_widths", mixed_widths),
    ("nested_look_ups", nested_look_ups),
];

const W32: Width = Width::Bits32;
const W64: Width = Width::Bits64;

fn at() -> At {
    Location::caller()
}

/// A builder with short names.
struct F(Builder);

impl F {
    fn new(name: &str) -> Self {
        Self(Builder::new(name, 1))
    }

    fn ctx(&self) -> Val {
        self.0.param(0)
    }

    fn op(&mut self, op: Op) -> Operand {
        self.0.push(op, at()).unwrap().into()
    }

    fn alu(&mut self, op: AluOp, width: Width, a: impl Into<Operand>, b: impl Into<Operand>) -> Operand {
        self.op(Op::Alu { op, width, a: a.into(), b: b.into() })
    }

    fn load(&mut self, size: Size, memory: Memory, base: Operand, off: i32) -> Operand {
        self.op(Op::Load { size, memory, addr: based(base, off) })
    }

    fn store(&mut self, size: Size, memory: Memory, addr: Addr, value: impl Into<Operand>) {
        self.0.push(Op::Store { size, memory, addr, value: value.into() }, at());
    }

    fn call(&mut self, helper: Helper, args: &[Operand]) -> Operand {
        let args = Args::new(args.iter().copied());
        self.op(Op::Call { callee: Callee::Helper(helper), args, pure: false })
    }

    fn map(&mut self, name: &str) -> Operand {
        let map = self.0.symbol(name);
        self.op(Op::MapAddr { map })
    }

    fn function(&mut self, name: &str) -> Operand {
        let function: Symbol = self.0.symbol(name);
        self.op(Op::FunctionAddr { function })
    }

    fn local(&mut self, size: u32) -> Local {
        self.0.local(size, 8.min(size), at())
    }

    fn address(&mut self, local: Local) -> Operand {
        self.op(Op::LocalAddr { local, off: 0 })
    }

    /// A look-up by a key of four bytes in a place of its own.
    fn look_up(&mut self, map: &str, key: impl Into<Operand>) -> Operand {
        let place = self.local(4);
        self.store(Size::W, Memory::Stack, on(place), key);
        let (map, key) = (self.map(map), self.address(place));
        self.call(Helper::MAP_LOOKUP_ELEM, &[map, key])
    }

    fn var(&mut self, value: impl Into<Operand>) -> Variable {
        let variable = self.0.variable();
        self.0.set(variable, value.into());
        variable
    }

    fn get(&mut self, variable: Variable) -> Operand {
        self.0.get(variable)
    }

    fn set(&mut self, variable: Variable, value: impl Into<Operand>) {
        self.0.set(variable, value.into());
    }

    fn ret(&mut self, value: impl Into<Operand>) {
        self.0.ret(value.into(), at());
    }

    fn enter(&mut self, block: Block) {
        self.0.seal(block);
        self.0.switch_to(block);
    }

    fn if_else(&mut self, compare: Compare, then: impl FnOnce(&mut Self), otherwise: impl FnOnce(&mut Self)) {
        let [yes, no, behind] = [(); 3].map(|()| self.0.block());
        self.0.branch(compare, yes, no, at());
        self.enter(yes);
        then(self);
        self.0.jump(behind, at());
        self.enter(no);
        otherwise(self);
        self.0.jump(behind, at());
        self.enter(behind);
    }

    fn if_(&mut self, compare: Compare, then: impl FnOnce(&mut Self)) {
        self.if_else(compare, then, |_| ());
    }

    /// Leaves the function where the comparison holds.
    fn ret_if(&mut self, compare: Compare, value: i64) {
        self.if_(compare, |f| f.ret(value));
    }

    /// The head gives the condition to go on and the way out, for `break`.
    fn while_(&mut self, condition: impl FnOnce(&mut Self) -> Compare, body: impl FnOnce(&mut Self, Block)) {
        let [head, inside, behind] = [(); 3].map(|()| self.0.block());
        self.0.jump(head, at());
        self.0.switch_to(head);
        let compare = condition(self);
        self.0.branch(compare, inside, behind, at());
        self.enter(inside);
        body(self, behind);
        self.0.jump(head, at());
        self.0.seal(head);
        self.enter(behind);
    }

    fn for_(&mut self, limit: impl Into<Operand>, body: impl FnOnce(&mut Self, Operand, Block)) {
        let (limit, counter) = (limit.into(), self.var(0));
        self.while_(
            |f| cmp(Cond::Lt, W32, f.get(counter), limit),
            |f, out| {
                let i = f.get(counter);
                body(f, i, out);
                let i = f.get(counter);
                let next = f.alu(AluOp::Add, W32, i, 1);
                f.set(counter, next);
            },
        );
    }

    fn done(self) -> Function {
        self.0.finish()
    }
}

fn cmp(cond: Cond, width: Width, a: Operand, b: impl Into<Operand>) -> Compare {
    Compare { cond, width, a, b: b.into() }
}

fn null(pointer: Operand) -> Compare {
    cmp(Cond::Eq, W64, pointer, 0)
}

fn based(base: Operand, off: i32) -> Addr {
    let Operand::Val(base) = base else { panic!("a constant is no address") };
    Addr { base: Base::Val(base), off }
}

fn on(local: Local) -> Addr {
    Addr { base: Base::Local(local), off: 0 }
}

/// The program of the timers documentation that arms a timer in a map's value.
fn arm() -> Function {
    let mut f = F::new("arm");
    let (key, value) = (f.local(4), f.local(24));
    f.store(Size::W, Memory::Stack, on(key), 0);
    for off in [0, 8, 16] {
        f.store(Size::DW, Memory::Stack, Addr { off, ..on(value) }, 0);
    }
    let (map, k, v) = (f.map("hmap"), f.address(key), f.address(value));
    f.call(Helper::MAP_UPDATE_ELEM, &[map, k, v, 0.into()]);
    let (map, k) = (f.map("hmap"), f.address(key));
    let elem = f.call(Helper::MAP_LOOKUP_ELEM, &[map, k]);
    f.ret_if(null(elem), 1);
    let timer = f.alu(AluOp::Add, W64, elem, 8);
    let map = f.map("hmap");
    let err = f.call(Helper::TIMER_INIT, &[timer, map, 1.into()]);
    f.if_(cmp(Cond::Ne, W64, err, 0), |f| f.ret_if(cmp(Cond::Ne, W64, err, -16), 1));
    let timer = f.alu(AluOp::Add, W64, elem, 8);
    let tick = f.function("tick");
    f.call(Helper::TIMER_SET_CALLBACK, &[timer, tick]);
    f.call(Helper::TIMER_START, &[timer, 0.into(), 0.into()]);
    f.call(Helper::TIMER_CANCEL, &[timer]);
    f.ret(1);
    f.done()
}

fn tick() -> Function {
    let mut f = F(Builder::new("tick", 3));
    let value: Operand = f.0.param(2).into();
    let count = f.load(Size::W, Memory::Map, value, 0);
    let count = f.alu(AluOp::Add, W32, count, 1);
    f.store(Size::W, Memory::Map, based(value, 0), count);
    let timer = f.alu(AluOp::Add, W64, value, 8);
    f.call(Helper::TIMER_START, &[timer, 10_000_000.into(), 0.into()]);
    f.ret(0);
    f.done()
}

fn sum_of_64() -> Function {
    let mut f = F::new("sum_of_64");
    let value = f.look_up("array", 0);
    f.ret_if(null(value), 0);
    let sum = f.var(0);
    f.for_(64, |f, i, _| {
        let offset = f.alu(AluOp::Mul, W64, i, 4);
        let place = f.alu(AluOp::Add, W64, value, offset);
        let item = f.load(Size::W, Memory::Map, place, 0);
        let old = f.get(sum);
        let new = f.alu(AluOp::Add, W32, old, item);
        f.set(sum, new);
    });
    let sum = f.get(sum);
    f.ret(sum);
    f.done()
}

/// XDP: Ethernet, IPv4 with options, UDP to port 53.
fn parse_udp() -> Function {
    let mut f = F::new("parse_udp");
    let ctx = f.ctx().into();
    let (data, end) = (f.load(Size::W, Memory::Context, ctx, 0), f.load(Size::W, Memory::Context, ctx, 4));
    let past = f.alu(AluOp::Add, W64, data, 34);
    f.ret_if(cmp(Cond::Gt, W64, past, end), 2);
    let kind = f.load(Size::H, Memory::Packet, data, 12);
    let kind = f.op(Op::Swap { op: SwapOp::ToBe, bits: SwapBits::B16, a: kind });
    f.ret_if(cmp(Cond::Ne, W32, kind, 0x0800), 2);
    let ip = f.alu(AluOp::Add, W64, data, 14);
    let first = f.load(Size::B, Memory::Packet, ip, 0);
    let words = f.alu(AluOp::And, W32, first, 0x0f);
    f.ret_if(cmp(Cond::Lt, W32, words, 5), 2);
    let protocol = f.load(Size::B, Memory::Packet, ip, 9);
    f.ret_if(cmp(Cond::Ne, W32, protocol, 17), 2);
    let bytes = f.alu(AluOp::Mul, W64, words, 4);
    let udp = f.alu(AluOp::Add, W64, ip, bytes);
    let past = f.alu(AluOp::Add, W64, udp, 8);
    f.ret_if(cmp(Cond::Gt, W64, past, end), 2);
    let port = f.load(Size::H, Memory::Packet, udp, 2);
    let port = f.op(Op::Swap { op: SwapOp::ToBe, bits: SwapBits::B16, a: port });
    f.ret_if(cmp(Cond::Eq, W32, port, 53), 1);
    f.ret(2);
    f.done()
}

/// A cgroup device program of five rules.
fn device_filter() -> Function {
    let mut f = F::new("device_filter");
    let ctx = f.ctx().into();
    let kind = f.load(Size::W, Memory::Context, ctx, 0);
    let access = f.alu(AluOp::Rsh, W32, kind, 16);
    let kind = f.alu(AluOp::And, W32, kind, 0xffff);
    let (major, minor) = (f.load(Size::W, Memory::Context, ctx, 4), f.load(Size::W, Memory::Context, ctx, 8));
    for (rule_major, rule_minor) in [(1, Some(3)), (1, Some(5)), (5, None), (136, None)] {
        f.if_(cmp(Cond::Eq, W32, kind, 2), |f| {
            f.if_(cmp(Cond::Eq, W32, major, rule_major), |f| match rule_minor {
                Some(rule_minor) => f.ret_if(cmp(Cond::Eq, W32, minor, rule_minor), 1),
                None => f.ret(1),
            });
        });
    }
    f.if_(cmp(Cond::Eq, W32, kind, 1), |f| {
        let others = f.alu(AluOp::And, W32, access, !3);
        f.ret_if(cmp(Cond::Eq, W32, others, 0), 1);
    });
    f.ret(0);
    f.done()
}

/// Thirteen values that live across a call.
fn pressure() -> Function {
    let mut f = F::new("pressure");
    let ctx = f.ctx().into();
    let values: Vec<_> = (0..13)
        .map(|i| {
            let loaded = f.load(Size::DW, Memory::Context, ctx, i * 8);
            f.alu(AluOp::Mul, W64, loaded, i64::from(i) * 2 + 3)
        })
        .collect();
    let mut sum = f.call(Helper::KTIME_GET_NS, &[]);
    for value in values {
        sum = f.alu(AluOp::Add, W64, sum, value);
    }
    f.store(Size::DW, Memory::Context, based(ctx, 0), sum);
    f.ret(0);
    f.done()
}

fn signed_division() -> Function {
    let mut f = F::new("signed_division");
    let ctx = f.ctx().into();
    let (a, b) = (f.load(Size::DW, Memory::Context, ctx, 0), f.load(Size::DW, Memory::Context, ctx, 8));
    let quotient = f.alu(AluOp::SDiv, W64, a, b);
    let by_7 = f.alu(AluOp::SDiv, W64, a, 7);
    let by_8 = f.alu(AluOp::SDiv, W64, a, 8);
    let rest = f.alu(AluOp::SMod, W32, a, 10);
    let wide = f.op(Op::SignExtend { bits: 32, width: W64, a: rest });
    for (index, value) in [quotient, by_7, by_8, wide].into_iter().enumerate() {
        f.store(Size::DW, Memory::Context, based(ctx, 16 + 8 * index as i32), value);
    }
    f.ret(0);
    f.done()
}

/// The place of the highest bit, and a counter for it.
fn log2() -> Function {
    let mut f = F::new("log2");
    let ctx = f.ctx().into();
    let loaded = f.load(Size::DW, Memory::Context, ctx, 0);
    let (x, place) = (f.var(loaded), f.var(0));
    for by in [32, 16, 8, 4, 2, 1] {
        let now = f.get(x);
        let compare = match by {
            32 => cmp(Cond::Gt, W64, now, 0xffff_ffff),
            by => cmp(Cond::Ge, W64, now, 1_i64 << by),
        };
        f.if_(compare, |f| {
            let (now, so_far) = (f.get(x), f.get(place));
            let shifted = f.alu(AluOp::Rsh, W64, now, by);
            f.set(x, shifted);
            let more = f.alu(AluOp::Add, W32, so_far, by);
            f.set(place, more);
        });
    }
    let place = f.get(place);
    let slot = f.look_up("histogram", place);
    f.if_(cmp(Cond::Ne, W64, slot, 0), |f| {
        let op = crate::asm::AtomicOp::FetchAdd;
        let addr = based(slot, 0);
        f.op(Op::Atomic { op, size: Size::DW, addr, memory: Memory::Map, value: 1.into(), expected: None });
    });
    f.ret(0);
    f.done()
}

/// DNS: label after label, to the root or a pointer.
fn skip_name() -> Function {
    let mut f = F::new("skip_name");
    let ctx = f.ctx().into();
    let (data, end) = (f.load(Size::W, Memory::Context, ctx, 0), f.load(Size::W, Memory::Context, ctx, 4));
    let (offset, result) = (f.var(0), f.var(0));
    f.for_(32, |f, _, out| {
        let now = f.get(offset);
        f.if_(cmp(Cond::Gt, W64, now, 512), |f| f.0.jump(out, at()));
        let place = f.alu(AluOp::Add, W64, data, now);
        let past = f.alu(AluOp::Add, W64, place, 1);
        f.if_(cmp(Cond::Gt, W64, past, end), |f| f.0.jump(out, at()));
        let length = f.load(Size::B, Memory::Packet, place, 0);
        f.if_(cmp(Cond::Eq, W32, length, 0), |f| {
            f.set(result, now);
            f.0.jump(out, at());
        });
        let kind = f.alu(AluOp::And, W32, length, 0xc0);
        f.if_(cmp(Cond::Eq, W32, kind, 0xc0), |f| {
            let behind = f.alu(AluOp::Add, W64, now, 1);
            f.set(result, behind);
            f.0.jump(out, at());
        });
        let next = f.alu(AluOp::Add, W64, now, length);
        let next = f.alu(AluOp::Add, W64, next, 1);
        f.set(offset, next);
    });
    let result = f.get(result);
    f.if_else(cmp(Cond::Ne, W64, result, 0), |f| f.ret(2), |f| f.ret(1));
    f.ret(0);
    f.done()
}

fn switch_of(name: &str, cases: &[(i64, i64)]) -> Function {
    let mut f = F::new(name);
    let ctx = f.ctx().into();
    let value = f.load(Size::W, Memory::Context, ctx, 0);
    let blocks: Vec<_> = cases.iter().map(|(case, _)| (*case, f.0.block())).collect();
    let (default, behind) = (f.0.block(), f.0.block());
    f.0.switch(W32, value, &blocks, default, at());
    let result = f.var(0);
    for ((_, block), (_, answer)) in blocks.iter().zip(cases) {
        f.enter(*block);
        f.set(result, *answer);
        f.0.jump(behind, at());
    }
    f.enter(default);
    f.0.jump(behind, at());
    f.enter(behind);
    let result = f.get(result);
    f.store(Size::W, Memory::Context, based(ctx, 4), result);
    f.ret(0);
    f.done()
}

fn three_cases() -> Function {
    switch_of("three_cases", &[(1, 10), (2, 20), (7, 30)])
}

fn many_cases() -> Function {
    let cases: Vec<_> = (0..24).map(|i| (i * 37 % 101, i + 1)).collect();
    switch_of("many_cases", &cases)
}

fn token_bucket() -> Function {
    let mut f = F::new("token_bucket");
    let bucket = f.look_up("buckets", 0);
    f.ret_if(null(bucket), 1);
    let now = f.call(Helper::KTIME_GET_NS, &[]);
    let then = f.load(Size::DW, Memory::Map, bucket, 0);
    let passed = f.alu(AluOp::Sub, W64, now, then);
    let fresh = f.alu(AluOp::Div, W64, passed, 1000);
    let left = f.load(Size::DW, Memory::Map, bucket, 8);
    let sum = f.alu(AluOp::Add, W64, left, fresh);
    let tokens = f.var(sum);
    f.if_(cmp(Cond::Gt, W64, sum, 1_000_000), |f| f.set(tokens, 1_000_000));
    let all = f.get(tokens);
    f.if_(cmp(Cond::Lt, W64, all, 100), |f| {
        f.store(Size::DW, Memory::Map, based(bucket, 8), all);
        f.ret(0);
    });
    let rest = f.alu(AluOp::Sub, W64, all, 100);
    f.store(Size::DW, Memory::Map, based(bucket, 8), rest);
    f.store(Size::DW, Memory::Map, based(bucket, 0), now);
    f.ret(1);
    f.done()
}

fn mixed_widths() -> Function {
    let mut f = F::new("mixed_widths");
    let ctx = f.ctx().into();
    let (a, b) = (f.load(Size::W, Memory::Context, ctx, 0), f.load(Size::DW, Memory::Context, ctx, 8));
    let low = f.op(Op::ZeroExtend { bits: 32, a: b });
    let sum = f.alu(AluOp::Add, W32, a, low);
    let wide = f.op(Op::SignExtend { bits: 32, width: W64, a: sum });
    let product = f.alu(AluOp::Mul, W64, wide, b);
    let byte = f.op(Op::ZeroExtend { bits: 8, a: product });
    let again = f.op(Op::ZeroExtend { bits: 32, a: byte });
    let mixed = f.alu(AluOp::Xor, W64, product, again);
    let small = f.load(Size::H, Memory::Context, ctx, 16);
    let small = f.op(Op::SignExtend { bits: 16, width: W32, a: small });
    let total = f.alu(AluOp::Sub, W32, small, sum);
    f.store(Size::DW, Memory::Context, based(ctx, 24), mixed);
    f.store(Size::W, Memory::Context, based(ctx, 32), total);
    f.ret(0);
    f.done()
}

fn nested_look_ups() -> Function {
    let mut f = F::new("nested_look_ups");
    let task = f.call(Helper::GET_CURRENT_PID_TGID, &[]);
    let pid = f.alu(AluOp::Rsh, W64, task, 32);
    let first = f.look_up("by_pid", pid);
    f.ret_if(null(first), 0);
    let group = f.load(Size::W, Memory::Map, first, 4);
    let second = f.look_up("by_group", group);
    f.ret_if(null(second), 0);
    let (count, limit) = (f.load(Size::DW, Memory::Map, second, 0), f.load(Size::DW, Memory::Map, second, 8));
    let more = f.alu(AluOp::Add, W64, count, 1);
    f.store(Size::DW, Memory::Map, based(second, 0), more);
    f.ret_if(cmp(Cond::Gt, W64, more, limit), 1);
    f.ret(0);
    f.done()
}
