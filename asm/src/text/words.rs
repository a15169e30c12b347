//! The words of the syntax, the same for printing and for reading.

use crate::{
    CoreKind,
    op::{AluOp, AtomicOp, Cast, Cond, Narrow, Size, SwapOp, Width},
};

/// `r` or `w`: all of a register, or its lower half.
pub(super) const fn letter(width: Width) -> char {
    match width {
        Width::Bits64 => 'r',
        Width::Bits32 => 'w',
    }
}

pub(super) const fn alu(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div => "/=",
        AluOp::SDiv => "s/=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Mod => "%=",
        AluOp::SMod => "s%=",
        AluOp::Xor => "^=",
        AluOp::Mov => "=",
        AluOp::Arsh => "s>>=",
    }
}

pub(super) const fn cond(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "==",
        Cond::Ne => "!=",
        Cond::Gt => ">",
        Cond::Ge => ">=",
        Cond::Lt => "<",
        Cond::Le => "<=",
        Cond::SGt => "s>",
        Cond::SGe => "s>=",
        Cond::SLt => "s<",
        Cond::SLe => "s<=",
        Cond::Set => "&",
    }
}

pub(super) const fn size(size: Size) -> &'static str {
    match size {
        Size::B => "u8",
        Size::H => "u16",
        Size::W => "u32",
        Size::DW => "u64",
    }
}

pub(super) const fn signed(size: Narrow) -> &'static str {
    match size {
        Narrow::B => "s8",
        Narrow::H => "s16",
        Narrow::W => "s32",
    }
}

pub(super) const fn swap(op: SwapOp) -> &'static str {
    match op {
        SwapOp::ToLe => "le",
        SwapOp::ToBe => "be",
        SwapOp::Swap => "bswap",
    }
}

/// What an atomic operation does, told as LLVM and the kernel do.
pub(super) enum Atomic {
    /// `lock *(u64 *)(r1 + 0) += r2`
    Plain(&'static str),
    /// `r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)`
    Fetch(&'static str),
    Xchg,
    CmpXchg,
}

pub(super) const fn atomic(op: AtomicOp) -> Atomic {
    match op {
        AtomicOp::Add => Atomic::Plain("+="),
        AtomicOp::Or => Atomic::Plain("|="),
        AtomicOp::And => Atomic::Plain("&="),
        AtomicOp::Xor => Atomic::Plain("^="),
        AtomicOp::FetchAdd => Atomic::Fetch("add"),
        AtomicOp::FetchOr => Atomic::Fetch("or"),
        AtomicOp::FetchAnd => Atomic::Fetch("and"),
        AtomicOp::FetchXor => Atomic::Fetch("xor"),
        AtomicOp::Xchg => Atomic::Xchg,
        AtomicOp::CmpXchg => Atomic::CmpXchg,
    }
}

pub(super) const fn core_kind(kind: CoreKind) -> &'static str {
    match kind {
        CoreKind::FieldByteOffset => "field_byte_offset",
        CoreKind::FieldByteSize => "field_byte_size",
        CoreKind::FieldExists => "field_exists",
        CoreKind::FieldSigned => "field_signed",
        CoreKind::FieldLeftShift => "field_lshift_u64",
        CoreKind::FieldRightShift => "field_rshift_u64",
        CoreKind::TypeIdLocal => "type_id_local",
        CoreKind::TypeIdTarget => "type_id_target",
        CoreKind::TypeExists => "type_exists",
        CoreKind::TypeSize => "type_size",
        CoreKind::EnumValueExists => "enumval_exists",
        CoreKind::EnumValue => "enumval_value",
        CoreKind::TypeMatches => "type_matches",
    }
}

/// The two numbers of an address space cast: to which space, from which.
pub(super) const fn cast(cast: Cast) -> (u8, u8) {
    match cast {
        Cast::ToKernel => (0, 1),
        Cast::ToUser => (1, 0),
    }
}

/// Whether a name needs no quotes: letters, digits, `_`, `.` and `$`, not like a register or a number.
pub(super) fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|b| is_name_byte(b) && !b.is_ascii_digit());
    begins && bytes.all(is_name_byte) && !is_register(name)
}

pub(super) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$')
}

/// Whether a word begins like a register, whether or not there is one with the number.
fn is_register(word: &str) -> bool {
    let number = word.strip_prefix(['r', 'w']);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}
