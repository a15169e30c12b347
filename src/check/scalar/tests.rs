//! What is claimed of intervals, against all values of a byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{Refined, Scalar, Truth, alu64, compute, compute32};
use crate::asm::{AluOp, Cond, Width};

/// A sequence of numbers that look random (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize]
    }
}

const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    3,
    7,
    8,
    100,
    127,
    128,
    255,
    256,
    u32::MAX as u64,
    1 << 31,
    u64::MAX,
    (-8i64) as u64,
    i64::MAX as u64,
];

/// Every value that is there lies in the interval, and what is said to occur does.
fn holds(scalar: Scalar, values: &[u64], history: &str) {
    for value in values {
        assert!(scalar.may_be(*value), "{value:#x} is not in {scalar:?}: {history}");
    }
    if values.is_empty() {
        return;
    }
    assert!(scalar.umin() <= *values.iter().min().unwrap(), "{history}");
    assert!(scalar.umax() >= *values.iter().max().unwrap(), "{history}");
    let occurs = |value: u64| values.contains(&value);
    if scalar.truth >= Truth::Ends {
        assert!(occurs(scalar.start) && occurs(scalar.end()), "the ends of {scalar:?}: {history}");
    }
    if scalar.truth == Truth::All {
        let all = (0..=scalar.span.min(1000)).all(|i| occurs(scalar.start.wrapping_add(i)));
        assert!(all && scalar.span <= 1000, "all of {scalar:?}: {history}");
    }
}

fn concrete(op: AluOp, width: Width, x: u64, y: u64) -> u64 {
    match width {
        Width::Bits64 => compute(op, x, y),
        Width::Bits32 => compute32(op, x as u32, y as u32),
    }
}

fn is_true(cond: Cond, width: Width, x: u64, y: u64) -> bool {
    let (x, y, sx, sy) = match width {
        Width::Bits64 => (x, y, x as i64, y as i64),
        Width::Bits32 => {
            (x & 0xffff_ffff, y & 0xffff_ffff, i64::from(x as u32 as i32), i64::from(y as u32 as i32))
        }
    };
    match cond {
        Cond::Eq => x == y,
        Cond::Ne => x != y,
        Cond::Gt => x > y,
        Cond::Ge => x >= y,
        Cond::Lt => x < y,
        Cond::Le => x <= y,
        Cond::Set => x & y != 0,
        Cond::SGt => sx > sy,
        Cond::SGe => sx >= sy,
        Cond::SLt => sx < sy,
        Cond::SLe => sx <= sy,
    }
}

#[test]
fn chains_of_operations_and_conditions() {
    let mut random = Random(7);
    for _ in 0..30_000 {
        let signed = random.next() & 1 == 0;
        let mut scalar = Scalar::loaded(1, signed, 1);
        let extend = |v: u64| if signed { i64::from(v as u8 as i8) as u64 } else { v };
        let mut values: Vec<u64> = (0..256).map(extend).collect();
        let mut history = format!("signed {signed}");
        for _ in 0..4 {
            let width = random.pick(&[Width::Bits64, Width::Bits32]);
            let number = random.pick(&NUMBERS);
            if random.next() & 1 == 0 {
                let op = random.pick(AluOp::ALL);
                history += &format!(", {op:?} {width:?} {number:#x}");
                scalar = scalar.alu(op, width, Scalar::constant(number), 2);
                values.iter_mut().for_each(|v| *v = concrete(op, width, *v, number));
            } else {
                let cond = random.pick(Cond::ALL);
                let taken = random.next() & 1 == 0;
                history += &format!(", {cond:?} {width:?} {number:#x} is {taken}");
                let refined = if taken {
                    scalar.refine(cond, width, number)
                } else {
                    scalar.refine_not(cond, width, number)
                };
                values.retain(|v| is_true(cond, width, *v, number) == taken);
                match refined {
                    Refined::Never => {
                        assert!(values.is_empty(), "{values:x?} remain: {history}");
                        break;
                    }
                    Refined::Holds { value, sure } => {
                        assert!(!sure || !values.is_empty(), "nothing remains: {history}");
                        // What holds on a path that nothing takes does not matter.
                        if values.is_empty() {
                            break;
                        }
                        scalar = value;
                    }
                }
            }
            holds(scalar, &values, &history);
        }
    }
}

#[test]
fn two_numbers_of_which_neither_is_known() {
    let mut random = Random(11);
    for _ in 0..3000 {
        let op = random.pick(AluOp::ALL);
        let (a, b) = (random.pick(&NUMBERS), random.pick(&NUMBERS));
        let (wide, narrow) = (Scalar::loaded(1, false, 1), Scalar::loaded(1, true, 2));
        let left = wide.alu(AluOp::Add, Width::Bits64, Scalar::constant(a), 3);
        let right = narrow.alu(AluOp::Add, Width::Bits64, Scalar::constant(b), 4);
        let result = alu64(op, left, right);
        for _ in 0..50 {
            let x = (random.next() & 255).wrapping_add(a);
            let y = (i64::from(random.next() as i8) as u64).wrapping_add(b);
            assert!(result.may_be(compute(op, x, y)), "{x:#x} {op:?} {y:#x} is not in {result:?}");
        }
    }
}

#[test]
fn sign_extension_and_negation() {
    for signed in [false, true] {
        for add in NUMBERS {
            let scalar =
                Scalar::loaded(1, signed, 1).alu(AluOp::Add, Width::Bits64, Scalar::constant(add), 2);
            let extend = |v: u64| if signed { i64::from(v as u8 as i8) as u64 } else { v };
            let values: Vec<u64> = (0..256).map(|v| extend(v).wrapping_add(add)).collect();
            let negated: Vec<u64> = values.iter().map(|v| v.wrapping_neg()).collect();
            holds(scalar.negate(Width::Bits64, 3), &negated, "negated");
            let bytes: Vec<u64> = values.iter().map(|v| i64::from(*v as i8) as u64).collect();
            holds(scalar.extend_sign(8, Width::Bits64, 3), &bytes, "extended from 8");
            let words: Vec<u64> = values.iter().map(|v| u64::from(i32::from(*v as i16) as u32)).collect();
            holds(scalar.extend_sign(16, Width::Bits32, 3), &words, "extended from 16 to 32");
        }
    }
}
