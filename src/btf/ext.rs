//! What BTF says of code: where functions start, which source line an instruction is from, what "compile once, run
//! everywhere" must look up. The one file of BTF that knows instructions.

use super::builder::Builder;
use super::error::BtfError;
use super::types::{StrOff, TypeId};
use crate::base::Endian;
use bpfsmith_asm::{Code, CoreKind, Loc, LocId};

/// Where a function starts (`struct bpf_func_info`, kernel 5.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "bpf_func_info")]
pub struct FuncInfo {
    /// The slot it starts at, from the start of the program.
    pub insn_off: u32,
    /// Its FUNC.
    pub type_id: TypeId,
}

/// Which source line instructions are from, from this one on (`struct bpf_line_info`, kernel 5.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "bpf_line_info")]
pub struct LineInfo {
    /// The slot it begins with, from the start of the program.
    pub insn_off: u32,
    /// The name of the file.
    pub file_name_off: StrOff,
    /// The text of the line; empty where it is not known.
    pub line_off: StrOff,
    /// The line shifted left by 10, and the column, both counted from 1; 0 is unknown.
    pub line_col: u32,
}

/// What an instruction depends on in the kernel's types (`struct bpf_core_relo`, kernel 5.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "bpf_core_relo")]
pub struct CoreRelo {
    /// The instruction, in bytes from the start of the program.
    pub insn_off: u32,
    /// The type that is asked of, in the program's own BTF.
    pub type_id: TypeId,
    /// The way to the field or enumerator: `0:1:2`.
    pub access_str_off: StrOff,
    /// What is asked.
    pub kind: CoreKind,
}

impl FuncInfo {
    /// Bytes of a record (`func_info_rec_size`).
    pub const SIZE: usize = 8;

    /// The record as bytes.
    #[must_use]
    pub fn to_bytes(&self, endian: Endian) -> [u8; Self::SIZE] {
        words([self.insn_off, self.type_id.0], endian)
    }
}

impl LineInfo {
    /// Bytes of a record (`line_info_rec_size`).
    pub const SIZE: usize = 16;

    /// The record as bytes.
    #[must_use]
    pub fn to_bytes(&self, endian: Endian) -> [u8; Self::SIZE] {
        words([self.insn_off, self.file_name_off.0, self.line_off.0, self.line_col], endian)
    }

    /// The line, counted from 1; 0 if it is not known.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line_col >> COLUMN_BITS
    }

    /// The column, counted from 1; 0 if it is not known.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.line_col & MAX_COLUMN
    }
}

impl CoreRelo {
    /// Bytes of a record (`core_relo_rec_size`).
    pub const SIZE: usize = 16;

    /// A record. `insn_off` counts bytes, as the kernel does here and only here.
    #[must_use]
    pub const fn new(insn_off: u32, type_id: u32, access_str_off: StrOff, kind: CoreKind) -> Self {
        Self { insn_off, type_id: TypeId(type_id), access_str_off, kind }
    }

    /// The record as bytes.
    #[must_use]
    pub fn to_bytes(&self, endian: Endian) -> [u8; Self::SIZE] {
        words([self.insn_off, self.type_id.0, self.access_str_off.0, self.kind as u32], endian)
    }
}

const COLUMN_BITS: u32 = 10;
const MAX_COLUMN: u32 = (1 << COLUMN_BITS) - 1;
const MAX_LINE: u32 = u32::MAX >> COLUMN_BITS;

/// Adds the lines of a function that starts at slot `start` of a program, and their texts to the BTF: one record
/// at its first instruction, one wherever the place changes. A function of which no place is known gets none.
///
/// # Errors
/// The string section is full.
pub fn append_lines(
    code: &Code,
    start: u32,
    builder: &mut Builder,
    out: &mut Vec<LineInfo>,
) -> Result<(), BtfError> {
    let mut current = LocId::UNKNOWN;
    let mut file = ("", StrOff(0));
    out.reserve(code.locs().len());
    for (slot, id) in places(code) {
        let Some(loc) = id.index().and_then(|index| code.locs().get(index)) else { continue };
        if id == current {
            continue;
        }
        // The kernel wants a record at the first instruction: it takes the first place that is known.
        let slot = if current == LocId::UNKNOWN { 0 } else { slot };
        if loc.file() != file.0 {
            file = (loc.file(), builder.string(until_nul(loc.file()))?);
        }
        out.push(line(loc, start + slot, file.1, builder)?);
        current = id;
    }
    Ok(())
}

/// The slots that begin an instruction, and where each is from. The second slot of a 64-bit load begins none.
fn places(code: &Code) -> impl Iterator<Item = (u32, LocId)> + '_ {
    let mut first_of_two = false;
    (0u32..).zip(code.lines()).filter_map(move |(index, (slot, id))| {
        let is_second = first_of_two;
        first_of_two = !is_second && slot.opcode() == LOAD_IMM64;
        (!is_second).then_some((index, id))
    })
}

/// `BPF_LD | BPF_IMM | BPF_DW`, the only instruction of two slots.
const LOAD_IMM64: u8 = 0x18;

fn line(loc: &Loc, insn_off: u32, file: StrOff, builder: &mut Builder) -> Result<LineInfo, BtfError> {
    let text = loc.text().unwrap_or_default();
    Ok(LineInfo {
        insn_off,
        file_name_off: file,
        line_off: builder.string(until_nul(text))?,
        line_col: loc.line().min(MAX_LINE) << COLUMN_BITS | loc.column().min(MAX_COLUMN),
    })
}

/// A source line may hold anything; BTF strings end at a NUL.
fn until_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

fn words<const WORDS: usize, const BYTES: usize>(words: [u32; WORDS], endian: Endian) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    for (out, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *out = if endian == Endian::Little { word.to_le_bytes() } else { word.to_be_bytes() };
    }
    out
}
