//! Taking BTF apart: the header, the two sections, where each type starts.

use super::error::{DecodeError, DecodeReason};
use super::kind::Kind;
use super::types::TypeId;
use super::view::{HEAD, KIND_MASK, VLEN_MASK, View};
use crate::base::Endian;
use std::borrow::Cow;
use std::sync::Arc;

/// `BTF_MAGIC`.
pub(crate) const MAGIC: u16 = 0xeb9f;
/// Bytes of `struct btf_header`.
pub(crate) const HEADER: usize = 24;

/// Bytes after the head of a type: how many always, and how many for each entry of its list.
const fn extra(kind: Kind) -> (usize, usize) {
    match kind {
        Kind::Int | Kind::Var | Kind::DeclTag => (4, 0),
        Kind::Array => (12, 0),
        Kind::Struct | Kind::Union | Kind::DataSec | Kind::Enum64 => (0, 12),
        Kind::Enum | Kind::FuncProto => (0, 8),
        Kind::Ptr
        | Kind::Fwd
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::Func
        | Kind::Float
        | Kind::TypeTag => (0, 0),
    }
}

/// [`extra`] for every number a kind may have, heads included; 0 is no kind.
const LENGTHS: [(u32, u32); KIND_MASK as usize + 1] = {
    let mut table = [(0, 0); KIND_MASK as usize + 1];
    let mut index = 0;
    while index < Kind::ALL.len() {
        let (fixed, each) = extra(Kind::ALL[index]);
        table[index + 1] = ((HEAD + fixed) as u32, each as u32);
        index += 1;
    }
    table
};

/// How many bytes a type takes, with its head.
pub(crate) fn length(kind: Kind, entries: u32) -> usize {
    let (fixed, each) = extra(kind);
    HEAD + fixed + each * entries as usize
}

/// Reads the header and finds the types.
pub(crate) fn parse<'a>(bytes: &'a [u8], base: Option<Arc<View<'a>>>) -> Result<View<'a>, DecodeError> {
    let header = Header::read(bytes)?;
    header.check_layout(bytes)?;
    let types = header.section(bytes, header.types, "type")?;
    let strings = header.section(bytes, header.strings, "string")?;
    check_strings(strings, header.length + header.strings.0 as usize, base.is_some())?;
    if types.is_empty() && base.is_none() {
        return Err(DecodeError::at(header.length, DecodeReason::NoTypes));
    }
    let origin = header.length + header.types.0 as usize;
    let first = base.as_ref().map_or(TypeId(1), |base| base.end_id());
    let offsets = match header.endian {
        Endian::Little => find_types(types, first, u32::from_le_bytes),
        Endian::Big => find_types(types, first, u32::from_be_bytes),
    };
    let offsets = offsets.map_err(|(at, reason)| DecodeError::at(origin + at, reason))?;
    let (types, strings) = (Cow::Borrowed(types), Cow::Borrowed(strings));
    Ok(View::from_parts(base, header.endian, types, strings, Cow::Owned(offsets), origin))
}

/// `struct btf_header`: where the sections are.
struct Header {
    endian: Endian,
    /// Its own length: 24, more in newer formats.
    length: usize,
    /// Offset from the end of the header, and length.
    types: (u32, u32),
    strings: (u32, u32),
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = |needed| DecodeError::at(0, DecodeReason::HeaderTooShort { needed, left: bytes.len() });
        let head: &[u8; HEADER] = bytes.first_chunk().ok_or_else(|| short(HEADER))?;
        let found = u16::from_le_bytes([head[0], head[1]]);
        let endian = match found {
            MAGIC => Endian::Little,
            _ if found.swap_bytes() == MAGIC => Endian::Big,
            _ => return Err(DecodeError::at(0, DecodeReason::Magic { found })),
        };
        if head[2] != 1 {
            return Err(DecodeError::at(2, DecodeReason::Version { found: head[2] }));
        }
        if head[3] != 0 {
            return Err(DecodeError::at(3, DecodeReason::Flags { found: head[3] }));
        }
        let word = |index: usize| {
            let word = [head[index], head[index + 1], head[index + 2], head[index + 3]];
            if endian == Endian::Little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) }
        };
        let length = word(4) as usize;
        if length < HEADER || length > bytes.len() {
            return Err(short(length.max(HEADER)));
        }
        Ok(Self { endian, length, types: (word(8), word(12)), strings: (word(16), word(20)) })
    }

    /// The kernel's rules: nothing overlaps and nothing is left over (a longer header may tell of more).
    fn check_layout(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        let (types, strings) = (range(self.types), range(self.strings));
        if !self.types.0.is_multiple_of(4) {
            return Err(DecodeError::at(8, DecodeReason::TypesMisaligned { offset: self.types.0 }));
        }
        for (section, end, at) in [("type", types.1, 8), ("string", strings.1, 16)] {
            let size = bytes.len() - self.length;
            if end > size as u64 {
                return Err(DecodeError::at(at, DecodeReason::SectionTooLong { section, end, size }));
            }
        }
        if types.0 < strings.1 && strings.0 < types.1 {
            return Err(DecodeError::at(16, DecodeReason::SectionsOverlap));
        }
        let used = self.length as u64 + u64::from(self.types.1) + u64::from(self.strings.1);
        if self.length == HEADER && used != bytes.len() as u64 {
            return Err(DecodeError::at(8, DecodeReason::SectionGap));
        }
        Ok(())
    }

    fn section<'a>(
        &self,
        bytes: &'a [u8],
        at: (u32, u32),
        section: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (start, end) = range(at);
        let size = bytes.len() - self.length;
        let body = &bytes[self.length..];
        body.get(start as usize..end as usize)
            .ok_or(DecodeError::at(self.length, DecodeReason::SectionTooLong { section, end, size }))
    }
}

fn range((offset, length): (u32, u32)) -> (u64, u64) {
    (u64::from(offset), u64::from(offset) + u64::from(length))
}

fn check_strings(strings: &[u8], at: usize, split: bool) -> Result<(), DecodeError> {
    let framed = match strings {
        [] => split,
        [first, .., last] => (split || *first == 0) && *last == 0,
        [only] => *only == 0,
    };
    if framed { Ok(()) } else { Err(DecodeError::at(at, DecodeReason::Strings)) }
}

/// Where each type starts: the one pass over the type section.
fn find_types(
    types: &[u8],
    first: TypeId,
    word: impl Fn([u8; 4]) -> u32,
) -> Result<Vec<u32>, (usize, DecodeReason)> {
    let mut offsets = Vec::new();
    let mut at = 0;
    while at < types.len() {
        let id = TypeId(first.0 + offsets.len() as u32);
        let left = types.len() - at;
        let Some(head) = types[at..].first_chunk::<HEAD>() else {
            return Err((at, DecodeReason::TypeTooShort { id, needed: HEAD, left }));
        };
        let info = word([head[4], head[5], head[6], head[7]]);
        let number = (info >> 24) as u8 & KIND_MASK;
        let (fixed, each) = LENGTHS[number as usize];
        let needed = fixed as usize + each as usize * (info & VLEN_MASK) as usize;
        if fixed == 0 {
            return Err((at + 4, DecodeReason::Kind { id, found: number }));
        }
        if needed > left {
            return Err((at, DecodeReason::TypeTooShort { id, needed, left }));
        }
        if id > TypeId::MAX {
            return Err((at, DecodeReason::TooManyTypes));
        }
        offsets.push(at as u32);
        at += needed;
    }
    Ok(offsets)
}
