//! Conditional jumps too far for 16 bits arrive in the kernel where they should, taken or not.
//!
//! In the assembler only: many jumps over the same instructions, forwards and backwards, which no structure of blocks has; and
//! `may_goto`, which closures do not use.

use bpfsmith::asm::Reg::{R0, R1, R2, R6, R7, R8, R9};
use bpfsmith::asm::{Assembler, Cond, Isa, Label, Operand, Size, Width};
use bpfsmith::dsl::{self, Syscall, Value};
use bpfsmith::kernel::{Program, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::Object;

use crate::common::{Assembled, builder, load, object_of, run_on};
use crate::dialect::{Dialect, add_dialects};
use crate::support::{Suite, may_use};

pub fn add(suite: &mut Suite) {
    let sets = [
        ("without 32-bit offsets and less-than", Isa::V1),
        ("without 32-bit offsets", Isa::V3),
        ("with them", Isa::V4),
    ];
    for (name, isa) in sets {
        let title = |rest: &str| format!("jumps: over 40,000 instructions {name}: {rest}");
        suite.test_if(may_use(isa), &title("every condition, forwards"), move || every_condition(isa, true));
        suite
            .test_if(may_use(isa), &title("every condition, backwards"), move || every_condition(isa, false));
        add_dialects(suite, may_use(isa), &title("one condition, alone"), move || alone(isa));
    }
    for distance in [FAR, 0] {
        let title =
            format!("jumps: may_goto over {distance} instructions falls through, and jumps in the end");
        // To jump far it takes a jump of 32 bits.
        let isa = if distance == 0 { Isa::MAY_GOTO } else { Isa::MAY_GOTO | Isa::V4 };
        suite.test_if(may_use(isa), &title, move || may_goto(distance));
    }
}

const FAR: usize = 40_000;

/// The context: two operands, then how many fillers ran, then a byte for each condition.
const LEFT: i32 = 0;
const RIGHT: i32 = 8;
const FILLED: i32 = 16;
const VERDICTS: i32 = 24;
const TAKEN: u8 = 1;
const NOT_TAKEN: u8 = 2;
/// The left operand that makes the program run through the fillers too.
const FILL: u64 = 0x0123_4567_89ab_cdef;

/// A conditional jump; `None` compares with the right operand in a register.
#[derive(Clone, Copy, Debug)]
struct Case {
    cond: Cond,
    width: Width,
    number: Option<i32>,
}

/// Comparisons of 32 bits have no replacement where a set lacks them.
fn cases(isa: Isa) -> Vec<Case> {
    let widths = if isa.contains(Isa::JUMP32) { Width::ALL } else { &[Width::Bits64] };
    let mut cases = Vec::new();
    for &cond in Cond::ALL {
        for &width in widths {
            cases.extend([None, Some(5), Some(-3)].map(|number| Case { cond, width, number }));
        }
    }
    cases
}

const LEFTS: [u64; 12] = [
    0,
    4,
    5,
    6,
    2,
    u64::MAX,
    (-3_i64).cast_unsigned(),
    (-4_i64).cast_unsigned(),
    0xffff_fffd,
    5 | 1 << 40,
    1 << 63,
    FILL,
];
const RIGHTS: [u64; 5] = [0, 5, u64::MAX, 5 | 1 << 40, 1 << 31];

impl Case {
    /// What the instruction set says, in plain Rust.
    fn holds(self, left: u64, right: u64) -> bool {
        let right = self.number.map_or(right, |number| i64::from(number).cast_unsigned());
        match self.width {
            Width::Bits64 => holds(self.cond, (left, right), (left.cast_signed(), right.cast_signed())),
            Width::Bits32 => {
                let (left, right) = (left as u32, right as u32);
                let signed = (left.cast_signed().into(), right.cast_signed().into());
                holds(self.cond, (left.into(), right.into()), signed)
            }
        }
    }

    fn right(self) -> Operand {
        self.number.map_or(R8.into(), Operand::from)
    }
}

fn holds(cond: Cond, (a, b): (u64, u64), (signed_a, signed_b): (i64, i64)) -> bool {
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::SGt => signed_a > signed_b,
        Cond::SGe => signed_a >= signed_b,
        Cond::SLt => signed_a < signed_b,
        Cond::SLe => signed_a <= signed_b,
        Cond::Set => a & b != 0,
    }
}

/// Every conditional jump of one program leads over the same fillers, and comes back over them: forwards the fillers stand
/// behind the conditions, backwards before them.
fn every_condition(isa: Isa, forwards: bool) {
    let object = object_of(ProgramKind::SYSCALL, conditions(isa, forwards));
    assert_eq!(object.isa().contains(Isa::CPUV4), isa == Isa::V4);
    assert_eq!(object.isa().contains(Isa::LESS_THAN), isa != Isa::V1);
    let loaded = load(&object);
    let program = loaded.program("prog").unwrap();
    for left in LEFTS {
        RIGHTS.iter().for_each(|&right| assert_verdicts(program, &cases(isa), left, right));
    }
}

fn assert_verdicts(program: &Program, cases: &[Case], left: u64, right: u64) {
    let mut context = vec![0; 3 + cases.len().div_ceil(8)];
    (context[0], context[1]) = (left, right);
    let context = run_on(program, &context);
    let verdicts: Vec<u8> = context[3..].iter().flat_map(|number| number.to_ne_bytes()).collect();
    for (case, verdict) in cases.iter().zip(verdicts) {
        let expected = if case.holds(left, right) { TAKEN } else { NOT_TAKEN };
        assert_eq!(verdict, expected, "{case:?} {left:#x} {right:#x}");
    }
    assert_eq!(context[2], if left == FILL { FAR as u64 } else { 0 }, "{left:#x}");
}

fn conditions(isa: Isa, forwards: bool) -> Assembled {
    let mut a = Assembler::with_isa(isa);
    let labels: Vec<_> = cases(isa).iter().map(|_| (a.label(), a.label())).collect();
    let (start, fillers, end) = (a.label(), a.label(), a.label());
    a.mov(R6, R1).mov(R9, 0);
    if !forwards {
        a.ja(start);
        taken(&mut a, &labels);
        fill(a.bind(fillers));
        a.ja(end);
    }
    a.bind(start);
    for (index, (case, (far, back))) in cases(isa).iter().zip(&labels).enumerate() {
        a.ldx(Size::DW, R7, R6, LEFT).ldx(Size::DW, R8, R6, RIGHT);
        a.jump_if(case.cond, case.width, R7, case.right(), *far);
        put(&mut a, index, NOT_TAKEN).bind(*back);
    }
    a.ldx(Size::DW, R7, R6, LEFT).load_imm64(R8, FILL);
    if forwards {
        fill(a.jne(R7, R8, end));
        a.ja(end);
        taken(&mut a, &labels);
    } else {
        a.jeq(R7, R8, fillers);
    }
    a.bind(end).stx(Size::DW, R6, FILLED, R9).mov(R0, 0).exit();
    a.finish()
}

/// Where the conditional jumps arrive, and go back from.
fn taken(a: &mut Assembler, labels: &[(Label, Label)]) {
    for (index, (far, back)) in labels.iter().enumerate() {
        put(a.bind(*far), index, TAKEN).ja(*back);
    }
}

/// Through a register: before 6.4 no context takes the store of a constant.
fn put(a: &mut Assembler, index: usize, what: u8) -> &mut Assembler {
    a.mov(R0, what).stx(Size::B, R6, verdict(index), R0)
}

fn fill(a: &mut Assembler) {
    for _ in 0..FAR {
        a.add(R9, 1);
    }
}

fn verdict(index: usize) -> i32 {
    VERDICTS + i32::try_from(index).unwrap()
}

/// The program as one would write it: one jump, the fillers are what runs when it is not taken.
fn alone(isa: Isa) {
    // Of closures so long as these a few are enough: it takes a while to translate one.
    let conds = match Dialect::current() {
        Dialect::Assembler => Cond::ALL,
        Dialect::Dsl => &[Cond::Eq, Cond::SGt, Cond::Set],
    };
    for &cond in conds {
        let case = Case { cond, width: Width::Bits64, number: None };
        let assembler = || object_of(ProgramKind::SYSCALL, one_condition(isa, cond));
        let object = Dialect::current().object(assembler, || one_if(isa, cond));
        let length = object.functions()[0].code.len();
        assert!(length >= FAR, "{length}");
        let loaded = load(&object);
        for (left, right) in [(1, 2), (2, 1), (2, 2), (u64::MAX, 1), (4, 3)] {
            let context = run_on(loaded.program("prog").unwrap(), &[left, right, 0]);
            let expected = if case.holds(left, right) { 0 } else { filled(right) };
            assert_eq!(context[2], expected, "{cond:?} {left} {right}");
        }
    }
}

fn one_condition(isa: Isa, cond: Cond) -> Assembled {
    let mut a = Assembler::with_isa(isa);
    let far = a.label();
    a.mov(R6, R1).mov(R9, 0).ldx(Size::DW, R7, R6, LEFT).ldx(Size::DW, R8, R6, RIGHT);
    fill(a.jump_if(cond, Width::Bits64, R7, R8, far));
    a.bind(far).stx(Size::DW, R6, FILLED, R9).mov(R0, 0).exit();
    a.finish()
}

/// What the fillers come to.
fn filled(right: u64) -> u64 {
    match Dialect::current() {
        Dialect::Assembler => FAR as u64,
        Dialect::Dsl => (0..FAR / 2).fold(0, |filled, _| (filled + 1) ^ right),
    }
}

/// An `if` around so many operations, in turns: two that are alike would become one.
fn one_if(isa: Isa, cond: Cond) -> Object {
    let mut object = builder().isa(isa);
    object.program("prog", Syscall::SYSCALL, |f, ctx| {
        let context = ctx.args::<[u64; 3]>();
        let (left, right) = (context.at(0).get(), context.at(1).get());
        let filled = f.var(0u64);
        f.if_(!compared(cond, left, right), || {
            for _ in 0..FAR / 2 {
                filled.set((filled + 1) ^ right);
            }
        });
        context.at(2).set(filled);
        f.return_(0)
    });
    object.finish().unwrap()
}

fn compared<'f>(cond: Cond, left: Value<'f, u64>, right: Value<'f, u64>) -> dsl::Cond<'f> {
    let (signed_left, signed_right) = (left.to::<i64>(), right.to::<i64>());
    match cond {
        Cond::Eq => left.eq(right),
        Cond::Ne => left.ne(right),
        Cond::Gt => left.gt(right),
        Cond::Ge => left.ge(right),
        Cond::Lt => left.lt(right),
        Cond::Le => left.le(right),
        Cond::SGt => signed_left.gt(signed_right),
        Cond::SGe => signed_left.ge(signed_right),
        Cond::SLt => signed_left.lt(signed_right),
        Cond::SLe => signed_left.le(signed_right),
        Cond::Set => left.any_bits(right),
    }
}

/// A loop without an end of its own. The kernel lets `may_goto` fall through for so many rounds, or for so long; then it jumps.
fn may_goto(distance: usize) {
    let mut a = Assembler::with_isa(Isa::V4 | Isa::MAY_GOTO);
    let (again, out, never) = (a.label(), a.label(), a.label());
    a.mov(R6, R1).mov(R7, 0).ldx(Size::DW, R2, R6, LEFT).jeq(R2, 0, never);
    a.bind(again).may_goto(out).add(R7, 1).ja(again);
    a.bind(never).mov(R9, 0);
    for _ in 0..distance {
        a.add(R9, 1);
    }
    a.stx(Size::DW, R6, FILLED, R9).may_goto(out).mov(R0, 0).exit();
    a.bind(out).mov(R0, 1).exit();
    let loaded = load(&object_of(ProgramKind::SYSCALL, a.finish()));
    let program = loaded.program("prog").unwrap();
    assert_eq!(run_with(program, 1), 1, "a may_goto in a loop jumps in the end");
    assert_eq!(run_with(program, 0), 0, "a may_goto that is met once falls through");
}

fn run_with(program: &Program, left: u64) -> u32 {
    let context: Vec<u8> = [left, 0, 0].iter().flat_map(|number| number.to_ne_bytes()).collect();
    program.test_run(&TestRun::new().context(context)).unwrap().retval
}
