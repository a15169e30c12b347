//! func_info, line_info and CO-RE records: what ties the instructions of a program to its BTF.

use super::builder::Builder;
use super::error::BtfError;
use super::types::{StrOff, TypeId};
use crate::asm::{Code, CoreKind, Loc, LocId};
use crate::base::Endian;

/// `struct bpf_func_info`: the function that starts at an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_func_info")]
pub struct FuncInfo {
    /// The slot it starts at.
    pub insn_off: u32,
    /// Its FUNC.
    pub type_id: TypeId,
}

/// `struct bpf_line_info`: the line of source an instruction and those after it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_line_info")]
pub struct LineInfo {
    /// The slot.
    pub insn_off: u32,
    /// The name of the file.
    pub file_name_off: StrOff,
    /// The text of the line.
    pub line_off: StrOff,
    /// The line shifted left by 10, and the column.
    pub line_col: u32,
}

/// `struct bpf_core_relo`: a question to the kernel's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_core_relo")]
pub struct CoreRelo {
    /// The instruction, in bytes.
    pub insn_off: u32,
    /// The type it is asked of.
    pub type_id: TypeId,
    /// The way to the member.
    pub access_str_off: StrOff,
    /// What is asked.
    pub kind: CoreKind,
}

fn words<const N: usize, const M: usize>(words: [u32; N], endian: Endian) -> [u8; M] {
    let mut bytes = [0; M];
    for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = if endian == Endian::Little { word.to_le_bytes() } else { word.to_be_bytes() };
    }
    bytes
}

impl FuncInfo {
    /// The record's bytes.
    #[must_use]
    pub fn to_bytes(self, endian: Endian) -> [u8; 8] {
        words([self.insn_off, self.type_id.0], endian)
    }
}

impl LineInfo {
    /// The record's bytes.
    #[must_use]
    pub fn to_bytes(self, endian: Endian) -> [u8; 16] {
        words([self.insn_off, self.file_name_off.0, self.line_off.0, self.line_col], endian)
    }
}

impl CoreRelo {
    /// The record's bytes.
    #[must_use]
    pub fn to_bytes(self, endian: Endian) -> [u8; 16] {
        words([self.insn_off, self.type_id.0, self.access_str_off.0, self.kind.number()], endian)
    }
}

/// Adds the lines of a function that starts at slot `start`: one where the place changes.
///
/// # Errors
/// The strings outgrow what BTF can hold.
pub fn append_lines(
    code: &Code,
    start: u32,
    builder: &mut Builder,
    lines: &mut Vec<LineInfo>,
) -> Result<(), BtfError> {
    let mut last = LocId::UNKNOWN;
    for (offset, (slot, id)) in (start..).zip(code.lines()) {
        // The second half of a 64-bit load is no instruction: the kernel refuses a line there.
        if id == last || slot.opcode() == 0 {
            continue;
        }
        let Some(loc) = id.index().and_then(|index| code.locs().get(index)) else { continue };
        lines.push(line(loc, offset, builder)?);
        last = id;
    }
    Ok(())
}

fn line(loc: &Loc, insn_off: u32, builder: &mut Builder) -> Result<LineInfo, BtfError> {
    const LARGEST_LINE: u32 = (1 << 22) - 1;
    const LARGEST_COLUMN: u32 = (1 << 10) - 1;
    Ok(LineInfo {
        insn_off,
        file_name_off: builder.string(loc.file())?,
        line_off: builder.string(loc.text().unwrap_or_default())?,
        line_col: loc.line().min(LARGEST_LINE) << 10 | loc.column().min(LARGEST_COLUMN),
    })
}
