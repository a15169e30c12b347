//! Programs that are right most of the time: each piece knows what the registers hold, and makes a mistake now and then.

use bpfsmith::asm::Reg::{self, R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};
use bpfsmith::asm::{AluOp, Assembler, Code, Cond, Helper, Label, Size, Width};

use crate::objects::code;
use crate::random::Random;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    Number,
    Value(&'static str),
    Context,
}

struct Writer<'r> {
    random: &'r mut Random,
    a: Assembler,
    holds: [Holds; 10],
    out: Label,
    /// Stack slots of eight bytes below -64 that hold something.
    stack: [Holds; 6],
    /// One in so many choices is a mistake.
    mistakes: usize,
}

/// Number registers, then those that calls leave alone.
const FREE: [Reg; 8] = [R0, R2, R3, R4, R6, R7, R8, R9];
const KEPT: [Reg; 4] = [R6, R7, R8, R9];
const MAPS: [&str; 6] = ["array", "hash", "timers", "locks", "global", "other"];

/// Where a kind has what in its context: a number, and the packet and its end.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub number: i32,
    pub packet: Option<(i32, i32)>,
}

pub(crate) fn generate(random: &mut Random, context: Context) -> Code {
    let mut a = Assembler::new();
    let out = a.label();
    let mistakes = random.pick(&[8, 30, 100, 100_000]);
    let mut holds = [Holds::Nothing; 10];
    holds[1] = Holds::Context;
    let mut writer = Writer { random, a, holds, out, stack: [Holds::Nothing; 6], mistakes };
    writer.a.mov(R9, R1);
    writer.holds[9] = Holds::Context;
    for _ in 0..3 + writer.random.below(16) {
        writer.piece(context);
    }
    writer.finish()
}

impl Writer<'_> {
    fn finish(mut self) -> Code {
        let last = self.random.below(6);
        if last == 0
            && let Some(number) = self.find(|h| h == Holds::Number)
        {
            self.a.mov(R0, number).and(R0, 1).exit();
        }
        let result = if self.slips() { self.random.pick(&[-1, 4, 5]) } else { self.random.pick(&[0, 1]) };
        let out = self.out;
        self.a.bind(out).mov(R0, result).exit();
        self.a.finish().unwrap_or_else(|_| {
            code(|a| {
                a.mov(R0, 0).exit();
            })
        })
    }

    fn slips(&mut self) -> bool {
        self.random.one_in(self.mistakes)
    }

    fn find(&mut self, what: impl Fn(Holds) -> bool) -> Option<Reg> {
        if self.slips() {
            return Some(Reg::ALL[self.random.below(10)]);
        }
        let fitting: Vec<Reg> =
            Reg::ALL.into_iter().take(10).filter(|r| what(self.holds[usize::from(r.number())])).collect();
        (!fitting.is_empty()).then(|| self.random.pick(&fitting))
    }

    fn set(&mut self, reg: Reg, holds: Holds) {
        self.holds[usize::from(reg.number())] = holds;
    }

    fn called(&mut self) {
        self.holds[..6].fill(Holds::Nothing);
        self.holds[0] = Holds::Number;
    }

    fn number(&mut self) -> Reg {
        if let Some(reg) = self.find(|h| h == Holds::Number) {
            return reg;
        }
        self.a.mov(R2, 3);
        self.set(R2, Holds::Number);
        R2
    }

    fn piece(&mut self, context: Context) {
        match self.random.below(28) {
            0 => self.constant(),
            1 => self.context(context.number),
            22 | 23 => self.packet(context),
            24 => self.atomic(),
            25..=27 => self.dynptr(),
            2..=5 => self.arithmetic(),
            6 | 7 => self.value(),
            8 | 9 => self.direct(),
            10..=12 => self.indexed(),
            13 => self.spill(),
            14 => self.fill(),
            15 | 16 => self.diamond(),
            17 => self.repeat(),
            18 => self.help(),
            19 => self.function(),
            20 => self.timer(),
            _ => self.record_or_lock(),
        }
    }

    fn constant(&mut self) {
        let dst = self.random.pick(&FREE);
        match self.random.below(3) {
            0 => self.a.mov(dst, self.random.pick(&[0, 1, 5, 8, 16, -1, -8, 1 << 20])),
            1 => self.a.mov32(dst, self.random.pick(&[0, 1, -1, 255])),
            _ => self.a.load_imm64(dst, self.random.next() >> self.random.below(60)),
        };
        self.set(dst, Holds::Number);
    }

    fn context(&mut self, offset: i32) {
        let Some(base) = self.find(|h| h == Holds::Context) else { return };
        let dst = self.random.pick(&FREE);
        if dst == base {
            return;
        }
        let offset = if self.slips() { self.random.pick(&[2, 60, 192, 300]) } else { offset };
        self.a.ldx(Size::W, dst, base, offset);
        self.set(dst, Holds::Number);
    }

    /// A part of the packet, compared with its end, then accessed.
    fn packet(&mut self, context: Context) {
        let (Some((data, data_end)), Some(base)) = (context.packet, self.find(|h| h == Holds::Context))
        else {
            return;
        };
        if [R2, R3, R4].contains(&base) {
            return;
        }
        self.a.ldx(Size::W, R2, base, data).ldx(Size::W, R3, base, data_end).mov(R4, R2);
        let moved = self.random.one_in(3);
        if moved {
            let by = self.number();
            if [R2, R3, R4].contains(&by) {
                return;
            }
            self.a.and(by, self.random.pick(&[7, 63, 255])).add(R4, by).mov(R2, R4);
        }
        let checked = self.random.pick(&[2, 8, 14, 34]);
        self.a.add(R4, checked);
        let (out, inside) = (self.out, self.a.label());
        match self.random.below(6) {
            0 => self.a.jump_if(Cond::Gt, Width::Bits64, R4, R3, out),
            1 => self.a.jump_if(Cond::Ge, Width::Bits64, R4, R3, out),
            2 => self.a.jump_if(Cond::Lt, Width::Bits64, R3, R4, out),
            3 => self.a.jump_if(Cond::Le, Width::Bits64, R3, R4, out),
            4 => self.a.jump_if(Cond::Le, Width::Bits64, R4, R3, inside).ja(out),
            _ => self.a.jump_if(Cond::Gt, Width::Bits64, R3, R4, inside).ja(out),
        };
        self.a.bind(inside);
        if self.random.one_in(6) {
            self.a.jump_if(Cond::Gt, Width::Bits64, R4, R3, out);
        }
        self.holds[2..5].fill(Holds::Nothing);
        let size = self.random.pick(&[Size::B, Size::H, Size::W]);
        let last = checked - i32::from(size.bytes());
        let off = if self.slips() { last + 1 + self.random.below(2) as i32 } else { last };
        let (base, off) = if self.random.one_in(4) { (R4, off - checked) } else { (R2, off) };
        if self.random.one_in(4) {
            self.a.st(size, base, off, 7);
        } else {
            self.a.ldx(size, R3, base, off);
            self.set(R3, Holds::Number);
        }
    }

    fn atomic(&mut self) {
        let Some(base) = self.find(|h| matches!(h, Holds::Value("array" | "hash"))) else { return };
        let src = self.number();
        let (size, off) = self.random.pick(&[(Size::DW, 0), (Size::DW, 8), (Size::W, 4), (Size::W, 12)]);
        let off = if self.slips() { 16 } else { off };
        match self.random.below(4) {
            0 => self.a.atomic_add(size, base, off, src),
            1 => self.a.fetch_or(size, base, off, src),
            2 => self.a.xchg(size, base, off, src),
            _ => {
                self.a.mov(R0, 1);
                self.set(R0, Holds::Number);
                self.a.cmpxchg(size, base, off, src)
            }
        };
    }

    fn dynptr(&mut self) {
        let place = if self.slips() { -148 } else { -152 };
        self.a.load_map(R1, "ring").mov(R2, 16).mov(R3, 0).mov(R4, R10).add(R4, place);
        self.a.call(Helper::RINGBUF_RESERVE_DYNPTR);
        if self.random.one_in(2) {
            let off = if self.slips() { place - 8 } else { place };
            self.a.st(Size::DW, R10, -160, 1).mov(R1, R10).add(R1, off).mov(R2, 0).mov(R3, R10).add(R3, -160);
            self.a.mov(R4, 8).mov(Reg::R5, 0).call(Helper::DYNPTR_WRITE);
        }
        if !self.slips() {
            self.a.mov(R1, R10).add(R1, place).mov(R2, 0).call(Helper::RINGBUF_SUBMIT_DYNPTR);
        }
        if self.random.one_in(8) {
            self.a.mov(R1, R10).add(R1, place).mov(R2, 0).call(Helper::RINGBUF_DISCARD_DYNPTR);
        }
        self.holds[..6].fill(Holds::Nothing);
    }

    fn arithmetic(&mut self) {
        let dst = self.number();
        let width = self.random.pick(&[Width::Bits64, Width::Bits64, Width::Bits32]);
        let op = self.random.pick(AluOp::ALL);
        match self.random.below(6) {
            0 => {
                let src = self.number();
                self.a.alu(op, width, dst, src);
            }
            1 => {
                let src = self.number();
                let bits = self.random.pick(&[8, 16, 32]);
                self.a.movsx(dst, src, bits);
            }
            2 => {
                self.a.neg(dst);
            }
            _ if op.shifts() => {
                let by = self.random.below(width.bits() as usize) as i32;
                self.a.alu(op, width, dst, by);
            }
            _ => {
                let by = self.random.pick(&[1, 2, 3, 7, 8, 15, 16, 31, 255, -1, -2, -16, 4096]);
                self.a.alu(op, width, dst, by);
            }
        }
    }

    fn value(&mut self) {
        let map = self.random.pick(&MAPS);
        self.a.st(Size::W, R10, -4, self.random.pick(&[0, 1, 7]));
        self.a.load_map(R1, map).mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
        self.called();
        if !self.slips() {
            let out = self.out;
            self.a.jeq(R0, 0, out);
        }
        let dst = self.random.pick(&KEPT);
        self.a.mov(dst, R0);
        self.set(R0, Holds::Value(map));
        self.set(dst, Holds::Value(map));
    }

    fn is_value(holds: Holds) -> bool {
        matches!(holds, Holds::Value(_))
    }

    /// A load or a store at a constant offset.
    fn direct(&mut self) {
        let Some(base) = self.find(Self::is_value) else { return };
        let size = self.random.pick(&[Size::B, Size::H, Size::W, Size::DW]);
        let limit = if self.slips() { 32 } else { 8 };
        let off = if let Holds::Value("array" | "hash") = self.holds[usize::from(base.number())] {
            self.random.below(2 * limit) as i32
        } else {
            4
        };
        let off = off / i32::from(size.bytes()) * i32::from(size.bytes());
        let size = if off == 4 && size == Size::DW { Size::W } else { size };
        if self.random.one_in(2) {
            let dst = self.random.pick(&FREE);
            self.a.ldx(size, dst, base, off);
            self.set(dst, Holds::Number);
        } else {
            let src = self.number();
            self.a.stx(size, base, off, src);
        }
    }

    /// A load or a store at an offset that is computed and bounded.
    fn indexed(&mut self) {
        let Some(base) = self.find(|h| matches!(h, Holds::Value("array" | "hash" | "global"))) else {
            return;
        };
        let index = self.number();
        if index == base {
            return;
        }
        let width = self.random.pick(&[Width::Bits64, Width::Bits32]);
        let bound = if self.slips() { self.random.pick(&[16, 31, 64]) } else { self.random.pick(&[1, 3, 7]) };
        match self.random.below(3) {
            0 => {
                self.a.alu(AluOp::And, width, index, bound);
            }
            1 => {
                let out = self.out;
                self.a.jump_if(Cond::Gt, Width::Bits64, index, bound, out);
            }
            _ => {
                let out = self.out;
                self.a.jump_if(Cond::SGt, width, index, bound, out);
                self.a.jump_if(Cond::SLt, width, index, 0, out);
            }
        }
        let dst = self.random.pick(&[R2, R3, R4]);
        if dst == index || dst == base {
            return;
        }
        self.a.mov(dst, base).add(dst, index);
        self.set(dst, Holds::Nothing);
        let off = self.random.pick(&[0, 0, 4, 8]);
        if self.random.one_in(2) {
            self.a.ldx(Size::B, dst, dst, off);
            self.set(dst, Holds::Number);
        } else {
            self.a.st(Size::B, dst, off, 1);
        }
    }

    fn slot(&mut self) -> usize {
        self.random.below(self.stack.len())
    }

    fn place(slot: usize) -> i32 {
        -64 - 8 * slot as i32
    }

    fn spill(&mut self) {
        let slot = self.slot();
        let Some(src) = self.find(|h| h != Holds::Nothing) else { return };
        let holds = self.holds[usize::from(src.number())];
        if holds == Holds::Number && self.random.one_in(3) {
            let size = self.random.pick(&[Size::W, Size::H, Size::B]);
            self.a.stx(size, R10, Self::place(slot), src);
            self.stack[slot] = Holds::Nothing;
            let dst = self.random.pick(&FREE);
            self.a.ldx(size, dst, R10, Self::place(slot));
            self.set(dst, Holds::Number);
            return;
        }
        self.a.stx(Size::DW, R10, Self::place(slot), src);
        self.stack[slot] = holds;
    }

    fn fill(&mut self) {
        let slot = self.slot();
        let holds = self.stack[slot];
        if holds == Holds::Nothing && !self.slips() {
            return;
        }
        let dst = self.random.pick(&FREE);
        self.a.ldx(Size::DW, dst, R10, Self::place(slot));
        self.set(dst, holds);
    }

    /// One side of a condition changes numbers.
    fn diamond(&mut self) {
        let (left, skip) = (self.number(), self.a.label());
        let cond = self.random.pick(Cond::ALL);
        let width = self.random.pick(&[Width::Bits64, Width::Bits32]);
        if self.random.one_in(3) {
            let right = self.number();
            self.a.jump_if(cond, width, left, right, skip);
        } else {
            let right = self.random.pick(&[0, 1, 5, 8, 100, -1, -8]);
            self.a.jump_if(cond, width, left, right, skip);
        }
        for _ in 0..1 + self.random.below(3) {
            if self.random.one_in(2) {
                self.arithmetic();
            } else {
                let dst = self.number();
                self.a.mov(dst, self.random.pick(&[0, 2, 9]));
            }
        }
        if self.random.one_in(8) {
            self.a.mov(R0, self.random.pick(&[0, 1])).exit();
        }
        self.a.bind(skip);
    }

    fn repeat(&mut self) {
        let counter = self.random.pick(&KEPT);
        let again = self.a.label();
        self.a.mov(counter, 0).bind(again);
        self.set(counter, Holds::Nothing);
        for _ in 0..1 + self.random.below(2) {
            let dst = self.number();
            let by = self.random.pick(&[1, 3, 8]);
            self.a.alu(AluOp::Add, Width::Bits64, dst, by);
        }
        // Always: the kernel takes seconds to find out that a loop has too many rounds.
        self.a.add(counter, 1);
        self.a.jlt(counter, self.random.pick(&[2, 5, 20]), again);
        self.set(counter, Holds::Number);
    }

    fn help(&mut self) {
        match self.random.below(4) {
            0 => {
                self.a.call(self.random.pick(&[Helper::KTIME_GET_NS, Helper::GET_PRANDOM_U32]));
            }
            1 => {
                self.a.call(Helper::GET_SMP_PROCESSOR_ID);
            }
            2 => {
                self.a.st(Size::W, R10, -4, 1).st(Size::DW, R10, -16, 1).st(Size::DW, R10, -24, 1);
                let map = if self.slips() { "ring" } else { self.random.pick(&["hash", "array"]) };
                self.a.load_map(R1, map).mov(R2, R10).add(R2, -4).mov(R3, R10).add(R3, -24).mov(R4, 0);
                self.a.call(Helper::MAP_UPDATE_ELEM);
            }
            _ => {
                let size = self.number();
                self.a.mov(R2, size);
                let bound = if self.slips() { 63 } else { 7 };
                self.a.and(R2, bound).add(R2, 1).st(Size::DW, R10, -32, 65).mov(R1, R10).add(R1, -32);
                self.a.call(Helper::TRACE_PRINTK);
            }
        }
        self.called();
    }

    fn function(&mut self) {
        let argument = self.number();
        self.a.mov(R1, argument).call_function("double");
        self.called();
    }

    fn timer(&mut self) {
        let Some(base) = self.find(|h| h == Holds::Value("timers")) else { return };
        let off = if self.slips() { self.random.pick(&[0, 16]) } else { 8 };
        self.a.mov(R1, base).add(R1, off);
        match self.random.below(4) {
            0 => self.a.load_map(R2, "timers").mov(R3, 1).call(Helper::TIMER_INIT),
            1 => self.a.load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK),
            2 => self.a.mov(R2, 1).mov(R3, 0).call(Helper::TIMER_START),
            _ => self.a.call(Helper::TIMER_CANCEL),
        };
        self.called();
    }

    fn record_or_lock(&mut self) {
        if let Some(base) = self.find(|h| h == Holds::Value("locks"))
            && self.random.one_in(2)
        {
            self.a.mov(R1, base).call(Helper::SPIN_LOCK);
            self.called();
            if self.slips() {
                self.a.call(Helper::KTIME_GET_NS);
            }
            self.a.mov(R1, base);
            if !self.slips() {
                self.a.call(Helper::SPIN_UNLOCK);
            }
            self.called();
            return;
        }
        let none = self.a.label();
        self.a.load_map(R1, "ring").mov(R2, 16).mov(R3, 0).call(Helper::RINGBUF_RESERVE).jeq(R0, 0, none);
        self.called();
        let value = if self.holds[6] == Holds::Number { R6 } else { R10 };
        let off = if self.slips() { 16 } else { 8 };
        self.a.stx(Size::DW, R0, off, value);
        self.a.mov(R1, R0).mov(R2, 0);
        if !self.slips() {
            self.a.call(self.random.pick(&[Helper::RINGBUF_SUBMIT, Helper::RINGBUF_DISCARD]));
        }
        self.a.bind(none);
        self.holds[..6].fill(Holds::Nothing);
        let _ = R8;
    }
}
