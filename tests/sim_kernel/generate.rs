//! Programs out of instructions, made so that the verifier takes nearly all of them: between two statements `r0` to `r5`, `r8` and
//! `r9` hold numbers, `r6` the context, `r7` the notes, and the bytes right under the frame pointer are initialised.

use std::collections::BTreeSet;
use std::panic::Location;

use bpfsmith::asm::Reg::{self, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9};
use bpfsmith::asm::{
    AluOp, AsmError, Assembler, AtomicOp, Code, Cond, Extend, Helper, Insn, Isa, Label, Narrow, Size, Source,
    SwapBits, SwapOp, Width,
};
use bpfsmith::kind::ProgramKind;

use crate::helpers::{self, Row};

/// Numbers that depend on the seed alone (splitmix64).
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 11) % limit as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Numbers at the edges, small ones, and any.
    pub fn number(&mut self) -> u64 {
        let any = self.next();
        match self.below(5) {
            0 => self.pick(&[0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 31, 32, 33, 63, 64]),
            1 => self.pick(&[
                0x7fff_ffff,
                0x8000_0000,
                0xffff_ffff,
                1 << 32,
                1 << 63,
                i64::MAX.cast_unsigned(),
                u64::MAX,
                i64::MIN.cast_unsigned() | 1,
            ]),
            2 => any >> self.below(64),
            _ => any,
        }
    }
}

/// What a program and its functions are made of.
pub struct Made {
    pub main: Result<Code, AsmError>,
    pub functions: Vec<(String, Result<Code, AsmError>)>,
    pub maps: BTreeSet<&'static str>,
}

/// Bytes of the value in `notes`: numbers that the run begins with, room to work in, and what the program notes.
pub const NOTES: usize = 1024;
pub const INPUTS: i32 = 128;
const WORK: i32 = 128;
const NOTED: i32 = 256;
/// Bytes of a syscall program's context.
pub const CONTEXT: usize = crate::forms::CONTEXT;
/// Bytes under the frame pointer that hold numbers.
const NUMBERS: i32 = 64;
/// Where calls of helpers have their keys and buffers, and a dynptr.
pub const SCRATCH: i32 = -224;
pub const DYNPTR: i32 = -240;

const HELD: [Reg; 8] = [R0, R1, R2, R3, R4, R5, R8, R9];
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::DW];

/// Makes one function.
pub struct Maker<'a> {
    pub random: &'a mut Random,
    pub a: Assembler,
    pub kind: ProgramKind,
    /// What the functions of this program are called.
    name: String,
    is_main: bool,
    rows: &'a [&'static Row],
    noted: i32,
    /// Counts a loop: nothing else may change it.
    locked: Option<Reg>,
    functions: Vec<(String, Result<Code, AsmError>)>,
    /// Whether the first of them takes five numbers.
    has_function: bool,
    maps: BTreeSet<&'static str>,
}

/// A program of a kind, calling helpers in the ways of `rows`.
pub fn program(random: &mut Random, kind: ProgramKind, name: &str, rows: &[&'static Row]) -> Made {
    let mut maker = Maker::new(random, kind, name, rows);
    maker.begin();
    if maker.random.one_in(4) {
        maker.function();
    }
    for _ in 0..3 + maker.random.below(14) {
        maker.statement(2);
    }
    maker.end()
}

/// A function of the DSL's form, compiled.
pub fn form(random: &mut Random) -> Made {
    let isa = random.pick(&[Isa::V1, Isa::V3, Isa::V4]);
    let main = Ok(crate::forms::code(random.next() >> 32, isa));
    Made { main, functions: Vec::new(), maps: BTreeSet::new() }
}

/// A program that calls a helper in one way.
pub fn sample(random: &mut Random, kind: ProgramKind, row: &'static Row) -> Made {
    let mut maker = Maker::new(random, kind, "prog", &[]);
    maker.begin();
    maker.helper(row);
    maker.end()
}

impl<'a> Maker<'a> {
    fn new(random: &'a mut Random, kind: ProgramKind, name: &str, rows: &'a [&'static Row]) -> Self {
        Self {
            random,
            a: assembler(),
            kind,
            name: name.to_owned(),
            is_main: true,
            rows,
            noted: 0,
            locked: None,
            functions: Vec::new(),
            has_function: false,
            maps: BTreeSet::new(),
        }
    }

    fn begin(&mut self) {
        self.a.mov(R6, R1).load_map_value(R7, "notes", 0);
        for offset in (DYNPTR..-NUMBERS).step_by(8) {
            self.a.st(Size::DW, Reg::FP, offset, 0);
        }
        self.numbers();
    }

    /// Numbers everywhere, from the inputs.
    fn numbers(&mut self) {
        for offset in (0..NUMBERS).step_by(8) {
            self.a.ldx(Size::DW, R0, R7, offset).stx(Size::DW, Reg::FP, -NUMBERS + offset, R0);
        }
        for reg in HELD {
            self.number_in(reg);
        }
    }

    fn end(mut self) -> Made {
        if self.kind == ProgramKind::CGROUP_SKB_EGRESS {
            self.a.and(R0, 1);
        }
        self.a.exit();
        Made { main: self.a.finish(), functions: self.functions, maps: self.maps }
    }

    /// A number in a register that may hold anything.
    pub fn number_in(&mut self, reg: Reg) {
        match self.random.below(4) {
            0 => {
                let number = self.random.number() as i32;
                self.a.mov(reg, number);
            }
            1 => {
                let number = self.random.number();
                self.a.load_imm64(reg, number);
            }
            _ => {
                let offset = 8 * self.random.below(INPUTS as usize / 8) as i32;
                self.a.ldx(Size::DW, reg, R7, offset);
            }
        }
    }

    /// After a call: what it clobbered.
    pub fn refill(&mut self) {
        for reg in [R1, R2, R3, R4, R5] {
            self.number_in(reg);
        }
    }

    /// Writes a number down.
    pub fn note(&mut self, reg: Reg) {
        let room = (NOTES as i32 - NOTED) / 8;
        self.a.stx(Size::DW, R7, NOTED + 8 * (self.noted % room), reg);
        self.noted += 1;
    }

    pub fn uses(&mut self, map: &'static str) {
        self.maps.insert(map);
    }

    /// Adds a function; its name.
    pub fn add_function(&mut self, code: Result<Code, AsmError>) -> String {
        let name = format!("{}_{}", self.name, self.functions.len());
        self.functions.push((name.clone(), code));
        name
    }

    fn held(&mut self) -> Reg {
        self.random.pick(&HELD)
    }

    fn target(&mut self) -> Reg {
        loop {
            let reg = self.held();
            if Some(reg) != self.locked {
                return reg;
            }
        }
    }

    fn width(&mut self) -> Width {
        self.random.pick(Width::ALL)
    }

    fn statement(&mut self, depth: u32) {
        match self.random.below(28) {
            0..7 => self.arithmetic(),
            7 => self.conversion(),
            8..11 => self.memory(),
            11..13 => self.atomic(),
            13 => self.variable_offset(),
            14..16 if depth > 0 => self.branch(depth - 1),
            16 if depth > 0 && self.locked.is_none() => self.repeat(depth - 1),
            17 if self.is_main => self.context(),
            18 if self.is_main => self.packet(),
            19 => self.call_function(),
            20..28 if self.is_main && !self.rows.is_empty() => {
                let row = self.random.pick(self.rows);
                self.helper(row);
            }
            _ => {
                let reg = self.held();
                self.note(reg);
            }
        }
    }

    fn arithmetic(&mut self) {
        let (op, width, dst) = (self.random.pick(AluOp::ALL), self.width(), self.target());
        let bits = if width == Width::Bits32 { 32 } else { 64 };
        let src = if self.random.one_in(2) {
            Source::Reg(self.held())
        } else {
            let number = self.random.number() as i32;
            Source::Imm(match number {
                _ if op.shifts() => number.rem_euclid(bits),
                0 if op.divides() => 7,
                number => number,
            })
        };
        self.a.insn(Insn::Alu { op, width, dst, src });
    }

    fn conversion(&mut self) {
        let (dst, src, width) = (self.target(), self.held(), self.width());
        let insn = match self.random.below(3) {
            0 => Insn::Neg { width, dst },
            1 => Insn::MovSx { extend: self.random.pick(Extend::ALL), dst, src },
            _ => Insn::Swap { op: self.random.pick(SwapOp::ALL), bits: self.random.pick(SwapBits::ALL), dst },
        };
        self.a.insn(insn);
    }

    /// Somewhere in memory, as aligned as asked for.
    fn place(&mut self, size: Size, aligned: bool) -> (Reg, i16) {
        let bytes = usize::from(size.bytes());
        let (base, start, len) =
            if self.random.one_in(2) { (Reg::FP, -NUMBERS, NUMBERS) } else { (R7, WORK, NOTED - WORK) };
        // The verifier wants the stack aligned.
        let step = if aligned || base == Reg::FP { bytes } else { 1 };
        let offset = self.random.below((len as usize - bytes) / step + 1) * step;
        (base, (start + offset as i32) as i16)
    }

    fn memory(&mut self) {
        let size = self.random.pick(&SIZES);
        let (base, off) = self.place(size, false);
        let insn = match self.random.below(5) {
            0 => Insn::Load { size, dst: self.target(), base, off },
            1 => Insn::Store { size, base, off, src: self.held() },
            2 => Insn::StoreImm { size, base, off, imm: self.random.number() as i32 },
            3 => return self.narrow(),
            _ => return self.ordered(size),
        };
        self.a.insn(insn);
    }

    fn narrow(&mut self) {
        let (size, wide) =
            self.random.pick(&[(Narrow::B, Size::B), (Narrow::H, Size::H), (Narrow::W, Size::W)]);
        let (base, off) = self.place(wide, false);
        let dst = self.target();
        self.a.insn(Insn::LoadSx { size, dst, base, off });
    }

    fn ordered(&mut self, size: Size) {
        let (base, off) = self.place(size, true);
        let insn = if self.random.one_in(2) {
            Insn::LoadAcquire { size, dst: self.target(), base, off }
        } else {
            Insn::StoreRelease { size, base, off, src: self.held() }
        };
        self.a.insn(insn);
    }

    fn atomic(&mut self) {
        let (op, width) = (self.random.pick(AtomicOp::ALL), self.width());
        let (base, off) = self.place(if width == Width::Bits32 { Size::W } else { Size::DW }, true);
        let src = self.target();
        self.a.insn(Insn::Atomic { op, width, base, off, src });
    }

    /// Room to work in, at an offset that only the run knows.
    fn variable_offset(&mut self) {
        let (pointer, value, size) = (self.target(), self.target(), self.random.pick(&SIZES));
        self.a.and(pointer, 0x78).add(pointer, R7);
        if pointer == value || self.random.one_in(2) {
            self.a.ldx(size, pointer, pointer, WORK);
        } else {
            self.a.stx(size, pointer, WORK, value);
            self.number_in(pointer);
        }
    }

    fn branch(&mut self, depth: u32) {
        let (other, end) = (self.a.label(), self.a.label());
        let (cond, width, dst) = (self.random.pick(Cond::ALL), self.width(), self.held());
        if self.random.one_in(2) {
            let src = self.held();
            self.a.jump_if(cond, width, dst, src, other);
        } else {
            let number = self.random.number() as i32;
            self.a.jump_if(cond, width, dst, number, other);
        }
        self.statements(depth);
        if self.random.one_in(2) {
            let insn = self.random.pick(&[Insn::Ja { off: 0 }, Insn::JaLong { off: 0 }]);
            self.a.jump_at(insn, end, Location::caller());
            self.a.bind(other);
            self.statements(depth);
            self.a.bind(end);
        } else {
            self.a.bind(other);
        }
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..1 + self.random.below(3) {
            self.statement(depth);
        }
    }

    fn repeat(&mut self, depth: u32) {
        let (top, end) = (self.a.label(), self.a.label());
        let times = 1 + self.random.below(4) as i32;
        self.a.mov(R9, times).bind(top);
        self.locked = Some(R9);
        if self.random.one_in(3) {
            self.a.may_goto(end);
            self.arithmetic();
            self.memory();
        } else {
            self.statements(depth.min(1));
        }
        self.a.sub(R9, 1).jne(R9, 0, top).bind(end);
        self.locked = None;
        self.number_in(R9);
    }

    fn context(&mut self) {
        if self.kind == ProgramKind::SYSCALL {
            return self.context_bytes();
        }
        let legacy = [ProgramKind::SCHED_CLS, ProgramKind::SOCKET_FILTER].contains(&self.kind);
        if legacy && self.random.one_in(2) {
            return self.legacy();
        }
        let writes = self.random.one_in(2);
        let context = self.kind.context();
        let fields: Vec<_> = context
            .fields()
            .filter(|field| field.pointer.is_none() && field.size <= 8)
            .filter(|field| !writes || !field.writes.is_empty())
            // Which queue is napi's, who knows.
            .filter(|field| field.name != "napi_id")
            .collect();
        if fields.is_empty() || self.kind == ProgramKind::RAW_TRACEPOINT {
            return;
        }
        let field = &fields[self.random.below(fields.len())];
        let size = match field.size {
            8 => Size::DW,
            1 => Size::B,
            _ => Size::W,
        };
        let offset = field.offset as i32;
        if writes {
            let src = self.held();
            self.a.stx(size, R6, offset, src);
        } else {
            let dst = self.target();
            self.a.ldx(size, dst, R6, offset);
        }
    }

    fn context_bytes(&mut self) {
        let size = self.random.pick(&SIZES);
        let bytes = usize::from(size.bytes());
        let offset = (self.random.below(CONTEXT / bytes) * bytes) as i32;
        if self.random.one_in(2) {
            let dst = self.target();
            self.a.ldx(size, dst, R6, offset);
        } else {
            let src = self.held();
            self.a.stx(size, R6, offset, src);
        }
    }

    /// `ld_abs`, `ld_ind`: they end the program where there is nothing to load.
    fn legacy(&mut self) {
        let size = self.random.pick(Narrow::ALL);
        let offset = self.random.pick(&[0, 1, 12, 14, 23, 30, 33, -0x10_0000, -0x20_0000 + 2]);
        if self.random.one_in(2) {
            self.a.insn(Insn::LoadAbs { size, offset });
        } else {
            self.a.mov(R2, self.random.pick(&[0, 1, 7, 20])).insn(Insn::LoadInd { size, src: R2, offset });
        }
        self.refill();
    }

    fn packet(&mut self) {
        let (start, end) = match self.kind {
            ProgramKind::XDP => (0, 4),
            ProgramKind::SCHED_CLS | ProgramKind::CGROUP_SKB_EGRESS => (76, 80),
            _ => return,
        };
        let short = self.a.label();
        let len = self.random.pick(&[8, 14, 20, 34, 60, 100]);
        self.a.ldx(Size::W, R1, R6, start).ldx(Size::W, R2, R6, end);
        self.a.mov(R3, R1).add(R3, len).jgt(R3, R2, short);
        for _ in 0..1 + self.random.below(3) {
            let size = self.random.pick(&SIZES);
            let offset = self.random.below((len - i32::from(size.bytes())) as usize + 1) as i32;
            if self.kind == ProgramKind::CGROUP_SKB_EGRESS || self.random.one_in(2) {
                let dst = self.random.pick(&[R4, R5]);
                self.a.ldx(size, dst, R1, offset);
                self.note(dst);
            } else {
                let src = self.random.pick(&[R0, R4, R5, R8, R9]);
                self.a.stx(size, R1, offset, src);
            }
        }
        self.a.bind(short);
        self.refill();
    }

    /// A function of five numbers.
    fn function(&mut self) {
        let functions = std::mem::take(&mut self.functions);
        let main = std::mem::replace(&mut self.a, assembler());
        self.is_main = false;
        self.a.load_map_value(R7, "notes", 0);
        for offset in (0..NUMBERS).step_by(8) {
            let argument = [R1, R2, R3, R4, R5][offset as usize / 8 % 5];
            self.a.stx(Size::DW, Reg::FP, -NUMBERS + offset, argument);
        }
        self.a.mov(R0, R1).mov(R8, R2).mov(R9, R3);
        for _ in 0..1 + self.random.below(6) {
            self.statement(1);
        }
        self.a.exit();
        let code = std::mem::replace(&mut self.a, main).finish();
        self.is_main = true;
        self.functions = functions;
        self.add_function(code);
        self.has_function = true;
    }

    fn call_function(&mut self) {
        if !self.is_main || !self.has_function || self.locked.is_some() {
            return;
        }
        self.a.call_function(format!("{}_0", self.name));
        self.note(R0);
        self.refill();
    }

    fn helper(&mut self, row: &'static Row) {
        if self.locked.is_some() {
            return;
        }
        if let Some(map) = row.map {
            self.uses(map);
        }
        (row.emit)(self, row);
        for reg in HELD {
            if ![R9].contains(&reg) {
                self.number_in(reg);
            }
        }
    }

    /// Bytes of the scratch space.
    pub fn scratch(&mut self, reg: Reg, offset: i32) -> &mut Self {
        self.a.mov(reg, Reg::FP).add(reg, SCRATCH + offset);
        self
    }

    /// A number among these in a register.
    pub fn one_of(&mut self, reg: Reg, numbers: &[i64]) -> &mut Self {
        let number = self.random.pick(numbers);
        match i32::try_from(number) {
            Ok(number) => self.a.mov(reg, number),
            Err(_) => self.a.load_imm64(reg, number.cast_unsigned()),
        };
        self
    }

    /// Any number in a register.
    pub fn any(&mut self, reg: Reg) -> &mut Self {
        self.number_in(reg);
        self
    }

    /// `r1` = the context.
    pub fn with_context(&mut self) -> &mut Self {
        self.a.mov(R1, R6);
        self
    }

    pub fn with_map(&mut self, reg: Reg, map: &'static str) -> &mut Self {
        self.uses(map);
        self.a.load_map(reg, map);
        self
    }

    /// A call whose result is noted.
    pub fn call(&mut self, helper: Helper) -> &mut Self {
        self.a.call(helper);
        self.note(R0);
        self
    }

    /// Writes down eight bytes of the scratch space.
    pub fn note_scratch(&mut self, offset: i32) -> &mut Self {
        self.a.ldx(Size::DW, R1, Reg::FP, SCRATCH + offset);
        self.note(R1);
        self
    }

    /// Eight bytes of the scratch space.
    pub fn put(&mut self, offset: i32, number: u64) -> &mut Self {
        self.a.load_imm64(R0, number).stx(Size::DW, Reg::FP, SCRATCH + offset, R0);
        self
    }

    /// Numbers in the scratch space.
    pub fn fill(&mut self, offset: i32, len: i32) -> &mut Self {
        for at in (0..len).step_by(8) {
            self.number_in(R0);
            self.a.stx(Size::DW, Reg::FP, SCRATCH + offset + at, R0);
        }
        self
    }

    pub fn label(&mut self) -> Label {
        self.a.label()
    }
}

pub fn assembler() -> Assembler {
    Assembler::with_isa(Isa::V4 | Isa::ACQUIRE_RELEASE | Isa::MAY_GOTO)
}

pub fn is_skb(kind: ProgramKind) -> bool {
    [ProgramKind::SCHED_CLS, ProgramKind::SOCKET_FILTER, ProgramKind::CGROUP_SKB_EGRESS].contains(&kind)
}

/// Every row there is.
pub fn all_rows() -> impl Iterator<Item = &'static Row> {
    helpers::ROWS.iter().copied().flatten()
}
