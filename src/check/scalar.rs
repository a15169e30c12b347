//! Numbers as the walk knows them: an interval on the circle of 64-bit values, and how much of it is real.

use crate::asm::{AluOp, Cond, Width};

/// A number in a register: which values it may have.
///
/// The values are `start`, `start + 1`, … `start + span`, wrapping around at 2^64; so one form holds unsigned and
/// signed ranges. The interval never leaves out a possible value; `truth` says which of them surely occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    start: u64,
    span: u64,
    pub(super) truth: Truth,
    /// Equal for copies of one value; 0 for constants.
    pub(super) id: u32,
    /// Equal for everything computed from one value; 0 where nothing is known of that.
    pub(super) origin: u32,
}

/// Which values of an interval occur when the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    /// Some of them.
    Some,
    /// Both ends, maybe more.
    Ends,
    /// All of them.
    All,
}

/// What becomes of a number where a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refined {
    /// It never holds.
    Never,
    /// It may hold for these values; `sure` if it does for one at least.
    Holds { value: Scalar, sure: bool },
}

const SIGN: u64 = 1 << 63;
const LOW: u64 = u32::MAX as u64;

impl Scalar {
    pub(super) const fn constant(value: u64) -> Self {
        Self { start: value, span: 0, truth: Truth::All, id: 0, origin: 0 }
    }

    /// Anything the kernel knows nothing about: every value is possible.
    pub(super) const fn any(id: u32) -> Self {
        Self { start: 0, span: u64::MAX, truth: Truth::All, id, origin: id }
    }

    /// Some number.
    pub(super) const fn some() -> Self {
        Self { start: 0, span: u64::MAX, truth: Truth::Some, id: 0, origin: 0 }
    }

    /// What a load of so many bytes gives; every value is possible.
    pub(super) const fn loaded(bytes: u8, signed: bool, id: u32) -> Self {
        if bytes >= 8 {
            return Self::any(id);
        }
        let span = (1 << (8 * bytes as u32)) - 1;
        let start = if signed { 0u64.wrapping_sub((span >> 1) + 1) } else { 0 };
        Self { start, span, truth: Truth::All, id, origin: id }
    }

    pub(super) const fn with_truth(mut self, truth: Truth) -> Self {
        if self.span != 0 {
            self.truth = truth;
        }
        self
    }

    const fn end(self) -> u64 {
        self.start.wrapping_add(self.span)
    }

    pub(super) const fn value(self) -> Option<u64> {
        if self.span == 0 { Some(self.start) } else { None }
    }

    pub(super) const fn umin(self) -> u64 {
        if self.end() < self.start { 0 } else { self.start }
    }

    pub(super) const fn umax(self) -> u64 {
        if self.end() < self.start { u64::MAX } else { self.end() }
    }

    pub(super) const fn smin(self) -> i64 {
        let (start, end) = (self.start ^ SIGN, self.end() ^ SIGN);
        if end < start { i64::MIN } else { self.start.cast_signed() }
    }

    pub(super) const fn smax(self) -> i64 {
        let (start, end) = (self.start ^ SIGN, self.end() ^ SIGN);
        if end < start { i64::MAX } else { self.end().cast_signed() }
    }

    /// Whether the smallest and the largest signed value surely occur.
    pub(super) fn has_signed_ends(self) -> bool {
        match self.truth {
            Truth::All => true,
            Truth::Ends => self.smin() == self.start.cast_signed() && self.smax() == self.end().cast_signed(),
            Truth::Some => false,
        }
    }

    /// Whether the smallest and the largest unsigned value surely occur.
    pub(super) fn has_unsigned_ends(self) -> bool {
        match self.truth {
            Truth::All => true,
            Truth::Ends => self.umin() == self.start && self.umax() == self.end(),
            Truth::Some => false,
        }
    }

    pub(super) const fn may_be(self, value: u64) -> bool {
        value.wrapping_sub(self.start) <= self.span
    }

    /// Whether every value of `other` is one of these, and what surely occurs there does here.
    pub(super) fn covers(self, other: Self) -> bool {
        self.contains(other) && (self.truth >= other.truth || self == other)
    }

    const fn contains(self, other: Self) -> bool {
        let from = other.start.wrapping_sub(self.start);
        from <= self.span && other.span <= self.span - from
    }

    pub(super) fn same_values(self, other: Self) -> bool {
        (self.start, self.span, self.truth) == (other.start, other.span, other.truth)
    }

    /// The same values, under another name.
    pub(super) const fn called(mut self, id: u32) -> Self {
        if self.span != 0 {
            (self.id, self.origin) = (id, id);
        }
        self
    }

    /// So much more.
    pub(super) const fn plus(self, by: i64) -> Self {
        Self { start: self.start.wrapping_add(by.cast_unsigned()), id: 0, origin: 0, ..self }
    }

    /// The smallest interval with the values of both.
    pub(super) fn hull(self, other: Self) -> Self {
        [(self, self), (self, other), (other, self), (other, other)]
            .map(|(a, b)| Self { start: a.start, span: b.end().wrapping_sub(a.start), ..Self::some() })
            .into_iter()
            .filter(|hull| hull.contains(self) && hull.contains(other))
            .min_by_key(|hull| hull.span)
            .unwrap_or(Self::some())
    }

    /// The ends that are not those of `known` moved out to the next of `limits`, which are in order.
    pub(super) fn widened(self, known: Self, limits: &[u64]) -> Self {
        // Where unsigned values wrap around, signed ones do not.
        let turn = if self.end() < self.start { SIGN } else { 0 };
        let (low, high) = (self.start ^ turn, self.end() ^ turn);
        if high < low {
            return Self::some();
        }
        let first = limits.partition_point(|limit| *limit < turn);
        let (behind, ahead) = limits.split_at(first);
        let count = |holds: &dyn Fn(u64) -> bool| {
            let part = |part: &[u64]| part.partition_point(|limit| holds(limit ^ turn));
            let ahead_count = part(ahead);
            if ahead_count < ahead.len() { ahead_count } else { ahead_count + part(behind) }
        };
        let at = |index: usize| limits.get((first + index) % limits.len().max(1)).map(|limit| limit ^ turn);
        let below = count(&|limit| limit <= low).checked_sub(1).and_then(at).unwrap_or(0);
        let above = Some(count(&|limit| limit < high)).filter(|index| *index < limits.len()).and_then(at);
        let start = if self.start == known.start { low } else { below };
        let end = if self.end() == known.end() { high } else { above.unwrap_or(u64::MAX) };
        Self::of(start ^ turn, end ^ turn, Truth::Some)
    }

    const fn of(start: u64, end: u64, truth: Truth) -> Self {
        Self { start, span: end.wrapping_sub(start), truth, id: 0, origin: 0 }
    }

    const fn weak(start: u64, end: u64) -> Self {
        Self::of(start, end, if start == end { Truth::All } else { Truth::Some })
    }

    fn computed_from(mut self, origin: u32, id: u32) -> Self {
        if self.span != 0 {
            (self.id, self.origin) = (id, origin);
        }
        self
    }

    /// `self op other`, with a fresh `id` for the result.
    pub(super) fn alu(self, op: AluOp, width: Width, other: Self, id: u32) -> Self {
        let origin = match (self.value(), other.value()) {
            (None, Some(_)) => self.origin,
            (Some(_), None) => other.origin,
            _ => 0,
        };
        let result = match width {
            Width::Bits64 => alu64(op, self, other),
            Width::Bits32 => alu32(op, self.low(), other.low()),
        };
        result.computed_from(origin, id)
    }

    pub(super) fn negate(self, width: Width, id: u32) -> Self {
        Self::constant(0).alu(AluOp::Sub, width, self, id)
    }

    /// The low four bytes.
    pub(super) fn low(self) -> Self {
        if self.umax() <= LOW {
            return self;
        }
        if let Some(value) = self.value() {
            return Self::constant(value & LOW);
        }
        let truth = if self.truth == Truth::All && self.span >= LOW { Truth::All } else { Truth::Some };
        let wraps = self.start & LOW > self.end() & LOW || self.span > LOW;
        let (start, end) = if wraps { (0, LOW) } else { (self.start & LOW, self.end() & LOW) };
        let truth = if wraps { truth } else { self.truth };
        // Not the same value any more, but computed from it.
        Self::of(start, end, truth).computed_from(self.origin, 0)
    }

    /// The low `bits`, their sign extended.
    pub(super) fn extend_sign(self, bits: u8, to: Width, id: u32) -> Self {
        let half = 1i64 << (bits - 1);
        let extended = match self.value() {
            Some(value) => {
                let shift = 64 - u32::from(bits);
                Self::constant(((value << shift).cast_signed() >> shift).cast_unsigned())
            }
            None if self.smin() >= -half && self.smax() < half => self,
            None => {
                let all = self.truth == Truth::All && self.span >= (1 << bits) - 1;
                let truth = if all { Truth::All } else { Truth::Some };
                Self::of((-half).cast_unsigned(), (half - 1).cast_unsigned(), truth)
            }
        };
        let result = if to == Width::Bits32 { extended.low() } else { extended };
        result.computed_from(self.origin, id)
    }

    /// What it is where `cond` holds against a constant.
    pub(super) fn refine(self, cond: Cond, width: Width, other: u64) -> Refined {
        match width {
            Width::Bits64 => self.refine64(cond, other),
            Width::Bits32 => self.refine32(cond, other & LOW),
        }
    }

    /// What it is where `cond` does not hold against a constant.
    pub(super) fn refine_not(self, cond: Cond, width: Width, other: u64) -> Refined {
        match cond.inverse() {
            Some(inverse) => self.refine(inverse, width, other),
            None => self.no_common_bit(if width == Width::Bits32 { other & LOW } else { other }),
        }
    }

    fn refine64(self, cond: Cond, other: u64) -> Refined {
        let (max, smax, smin) = (u64::MAX, SIGN - 1, SIGN);
        let (below, above) = (other.wrapping_sub(1), other.wrapping_add(1));
        let (start, end) = match cond {
            Cond::Eq => (other, other),
            Cond::Ne => (above, below),
            Cond::Gt if other == max => return Refined::Never,
            Cond::Gt => (above, max),
            Cond::Ge => (other, max),
            Cond::Lt if other == 0 => return Refined::Never,
            Cond::Lt => (0, below),
            Cond::Le => (0, other),
            Cond::SGt if other == smax => return Refined::Never,
            Cond::SGt => (above, smax),
            Cond::SGe => (other, smax),
            Cond::SLt if other == smin => return Refined::Never,
            Cond::SLt => (smin, below),
            Cond::SLe => (smin, other),
            Cond::Set => return self.common_bit(other),
        };
        self.intersect(start, end.wrapping_sub(start))
    }

    fn refine32(self, cond: Cond, other: u64) -> Refined {
        let signed = matches!(cond, Cond::SGt | Cond::SGe | Cond::SLt | Cond::SLe);
        let limit = if signed { LOW >> 1 } else { LOW };
        if self.umax() <= limit {
            let other = if signed { i64::from(other as u32 as i32).cast_unsigned() } else { other };
            return self.refine64(cond, other);
        }
        // The upper half is not zero for sure: decide on the lower half, and keep what was known.
        let low = self.low();
        let against = if signed { low.extend_sign(32, Width::Bits64, 0) } else { low };
        let other = if signed { i64::from(other as u32 as i32).cast_unsigned() } else { other };
        let never = |cond| against.refine64(cond, other) == Refined::Never;
        let always = cond.inverse().is_some_and(never);
        match against.refine64(cond, other) {
            Refined::Never => Refined::Never,
            Refined::Holds { .. } if always => Refined::Holds { value: self, sure: true },
            Refined::Holds { sure, .. } => Refined::Holds { value: self.with_truth(Truth::Some), sure },
        }
    }

    fn common_bit(self, bits: u64) -> Refined {
        match self.value() {
            Some(value) if value & bits == 0 => Refined::Never,
            Some(_) => Refined::Holds { value: self, sure: true },
            None if bits == 0 => Refined::Never,
            None => Refined::Holds { value: self.with_truth(Truth::Some), sure: self.is_full() },
        }
    }

    fn no_common_bit(self, bits: u64) -> Refined {
        match self.value() {
            Some(value) if value & bits != 0 => Refined::Never,
            Some(_) => Refined::Holds { value: self, sure: true },
            None if bits == u64::MAX => self.intersect(0, 0),
            None => Refined::Holds { value: self.with_truth(Truth::Some), sure: self.is_full() },
        }
    }

    fn is_full(self) -> bool {
        self.truth == Truth::All && self.start == 0 && self.span >= LOW
    }

    /// The part of it that lies in another interval.
    fn intersect(self, start: u64, span: u64) -> Refined {
        let to_start = start.wrapping_sub(self.start);
        let starts_inside = to_start <= self.span;
        let from_start = self.start.wrapping_sub(start);
        let begins_inside = from_start <= span;
        let piece = match (starts_inside, begins_inside) {
            (false, false) => return Refined::Never,
            (true, false) => (start, span.min(self.span - to_start)),
            (false, true) => (self.start, self.span.min(span - from_start)),
            // Both: either the same start, or two pieces.
            (true, true) if to_start == 0 => (start, span.min(self.span)),
            (true, true) if span == u64::MAX => (self.start, self.span),
            (true, true) if self.span == u64::MAX => (start, span),
            (true, true) => {
                let value = self.with_truth(Truth::Some);
                return Refined::Holds { value, sure: self.truth == Truth::All };
            }
        };
        let same = piece == (self.start, self.span);
        let ends = |v: u64| v.wrapping_sub(piece.0) <= piece.1;
        let sure = match self.truth {
            _ if same => true,
            Truth::All => true,
            Truth::Ends => ends(self.start) || ends(self.end()),
            Truth::Some => false,
        };
        let truth = if self.truth == Truth::All || same { self.truth } else { Truth::Some };
        let mut value = Self { start: piece.0, span: piece.1, truth, ..self };
        if value.span == 0 {
            // A constant, if the path is taken at all.
            value = Self::constant(piece.0);
        }
        Refined::Holds { value, sure }
    }
}

fn alu64(op: AluOp, a: Scalar, b: Scalar) -> Scalar {
    match (a.value(), b.value()) {
        (Some(x), Some(y)) => Scalar::constant(compute(op, x, y)),
        (None, Some(y)) => with_constant(op, a, y),
        (Some(x), None) => constant_with(op, x, b),
        (None, None) => both(op, a, b),
    }
}

fn alu32(op: AluOp, a: Scalar, b: Scalar) -> Scalar {
    if let (Some(x), Some(y)) = (a.value(), b.value()) {
        return Scalar::constant(compute32(op, x as u32, y as u32));
    }
    match op {
        // Signed operations look at the lower sign.
        AluOp::SDiv | AluOp::SMod | AluOp::Arsh => Scalar::weak(0, LOW),
        AluOp::Lsh => match b.value() {
            Some(y) => with_constant(op, a, y & 31).low(),
            None => Scalar::weak(0, LOW),
        },
        AluOp::Rsh => match b.value() {
            Some(y) => with_constant(op, a, y & 31).low(),
            None => Scalar::weak(0, LOW),
        },
        _ => alu64(op, a, b).low(),
    }
}

/// One operand is a constant.
fn with_constant(op: AluOp, a: Scalar, y: u64) -> Scalar {
    match op {
        AluOp::Mov => Scalar::constant(y),
        AluOp::Add => Scalar { start: a.start.wrapping_add(y), ..a },
        AluOp::Sub => Scalar { start: a.start.wrapping_sub(y), ..a },
        AluOp::And => and_constant(a, y),
        // The first half of an extension by zeros: both ends occur, whatever is shifted out.
        AluOp::Lsh if a.truth == Truth::All && a.span == u64::MAX => {
            Scalar::of(0, u64::MAX << (y & 63), Truth::Ends)
        }
        AluOp::Lsh => scale(a, 1 << (y & 63)),
        AluOp::Mul => scale(a, y),
        AluOp::Rsh => monotone(a, |v| v >> (y & 63)),
        AluOp::Div if y != 0 => monotone(a, |v| v / y),
        AluOp::Div => Scalar::constant(0),
        AluOp::Mod if y != 0 => modulo(a, y),
        AluOp::Mod => a,
        AluOp::Arsh => {
            let shift = (y & 63) as u32;
            let (low, high) = (a.smin() >> shift, a.smax() >> shift);
            let hole = a.smin() != a.start.cast_signed();
            let truth = truth_of_image(a, a.has_signed_ends(), hole);
            Scalar::of(low.cast_unsigned(), high.cast_unsigned(), truth)
        }
        AluOp::Or => or_xor(a, Scalar::constant(y), a.umin().max(y)),
        AluOp::Xor => or_xor(a, Scalar::constant(y), 0),
        AluOp::SDiv | AluOp::SMod => Scalar::some(),
    }
}

fn constant_with(op: AluOp, x: u64, b: Scalar) -> Scalar {
    match op {
        AluOp::Add | AluOp::And | AluOp::Mul | AluOp::Or | AluOp::Xor => with_constant(op, b, x),
        AluOp::Sub => Scalar { start: x.wrapping_sub(b.end()), ..b },
        AluOp::Mov => b,
        _ => both(op, Scalar::constant(x), b),
    }
}

fn both(op: AluOp, a: Scalar, b: Scalar) -> Scalar {
    match op {
        AluOp::Mov => b,
        AluOp::Add => match (a.umin().checked_add(b.umin()), a.umax().checked_add(b.umax())) {
            (Some(low), Some(high)) => Scalar::weak(low, high),
            _ => Scalar::some(),
        },
        AluOp::Mul => match a.umax().checked_mul(b.umax()) {
            Some(high) => Scalar::weak(a.umin().saturating_mul(b.umin()), high),
            None => Scalar::some(),
        },
        AluOp::And => Scalar::weak(0, a.umax().min(b.umax())),
        AluOp::Or => or_xor(a, b, a.umin().max(b.umin())),
        AluOp::Xor => or_xor(a, b, 0),
        AluOp::Rsh | AluOp::Div => Scalar::weak(0, a.umax()),
        AluOp::Mod => Scalar::weak(0, a.umax()),
        _ => Scalar::some(),
    }
}

fn and_constant(a: Scalar, mask: u64) -> Scalar {
    if mask.wrapping_add(1).is_power_of_two() || mask == u64::MAX {
        if a.umax() <= mask {
            return a;
        }
        let all = a.truth == Truth::All && a.span >= mask;
        return Scalar::of(0, mask, if all { Truth::All } else { Truth::Some });
    }
    let truth = if a.truth == Truth::All && a.span == u64::MAX { Truth::Ends } else { Truth::Some };
    let high = mask.min(a.umax());
    Scalar::of(0, high, if high == mask { truth } else { Truth::Some }).constant_if_point()
}

impl Scalar {
    fn constant_if_point(self) -> Self {
        if self.span == 0 { Self::constant(self.start) } else { self }
    }
}

fn scale(a: Scalar, by: u64) -> Scalar {
    match a.umax().checked_mul(by) {
        Some(_) if by == 0 => Scalar::constant(0),
        Some(_) if by == 1 => a,
        Some(high) => {
            let truth = if a.has_unsigned_ends() { Truth::Ends } else { Truth::Some };
            Scalar::of(a.umin() * by, high, truth)
        }
        None => Scalar::some(),
    }
}

/// An operation that keeps the order of unsigned values and leaves no gap.
fn monotone(a: Scalar, f: impl Fn(u64) -> u64) -> Scalar {
    let truth = truth_of_image(a, a.has_unsigned_ends(), a.umin() != a.start);
    Scalar::of(f(a.umin()), f(a.umax()), truth).constant_if_point()
}

/// What holds of the image of an interval that keeps order; an interval that wraps has a hole in the middle.
fn truth_of_image(a: Scalar, ends: bool, hole: bool) -> Truth {
    match ends {
        false => Truth::Some,
        true if hole => Truth::Ends,
        true => a.truth,
    }
}

fn modulo(a: Scalar, by: u64) -> Scalar {
    if a.umax() < by {
        return a;
    }
    let all = a.truth == Truth::All && a.span >= by - 1 && a.umin() == a.start;
    Scalar::of(0, by - 1, if all { Truth::All } else { Truth::Some }).constant_if_point()
}

fn or_xor(a: Scalar, b: Scalar, low: u64) -> Scalar {
    let bits = 64 - (a.umax() | b.umax()).leading_zeros();
    let high = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    Scalar::weak(low, high)
}

/// The operation on two 64-bit numbers.
pub(super) fn compute(op: AluOp, x: u64, y: u64) -> u64 {
    let (sx, sy) = (x.cast_signed(), y.cast_signed());
    let shift = (y & 63) as u32;
    match op {
        AluOp::Add => x.wrapping_add(y),
        AluOp::Sub => x.wrapping_sub(y),
        AluOp::Mul => x.wrapping_mul(y),
        AluOp::Div => x.checked_div(y).unwrap_or(0),
        AluOp::SDiv if y == 0 => 0,
        AluOp::SDiv => sx.wrapping_div(sy).cast_unsigned(),
        AluOp::Or => x | y,
        AluOp::And => x & y,
        AluOp::Lsh => x << shift,
        AluOp::Rsh => x >> shift,
        AluOp::Mod => x.checked_rem(y).unwrap_or(x),
        AluOp::SMod if y == 0 => x,
        AluOp::SMod => sx.wrapping_rem(sy).cast_unsigned(),
        AluOp::Xor => x ^ y,
        AluOp::Mov => y,
        AluOp::Arsh => (sx >> shift).cast_unsigned(),
    }
}

fn compute32(op: AluOp, x: u32, y: u32) -> u64 {
    let (sx, sy) = (x.cast_signed(), y.cast_signed());
    let shift = y & 31;
    let result = match op {
        AluOp::Lsh => x << shift,
        AluOp::Rsh => x >> shift,
        AluOp::Arsh => (sx >> shift).cast_unsigned(),
        AluOp::SDiv if y == 0 => 0,
        AluOp::SDiv => sx.wrapping_div(sy).cast_unsigned(),
        AluOp::SMod if y == 0 => x,
        AluOp::SMod => sx.wrapping_rem(sy).cast_unsigned(),
        _ => compute(op, u64::from(x), u64::from(y)) as u32,
    };
    u64::from(result)
}

#[cfg(test)]
mod tests;
