//! What can be wrong with a function while it is recorded, and on which line of Rust.

use thiserror::Error;

use super::ir::At;
use super::lower::LowerError;
use super::types::ScalarType;
use crate::asm::{AsmError, Helper, Loc};
use crate::btf::BtfError;
use crate::check::Report;
use crate::kind::ProgramKind;
use crate::site::Site;

/// A mistake in the recording of a function.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A value is used where the block that made it need not have run.
    #[error(
        "a value is used{site} that was made in a block which need not have run; the block begins{block}"
    )]
    Escaped {
        /// The line of the use.
        site: Site,
        /// The line of the block.
        block: Site,
    },
    /// A handle of another object is used.
    #[error("a {what} of another object is used{site}")]
    Foreign {
        /// What the handle is of.
        what: &'static str,
        /// The line of the use.
        site: Site,
    },
    /// The function is used while another one within it is recorded.
    #[error("the outer function is used within the function of a loop{site}: use the one the closure gets")]
    Outer {
        /// The line of the use.
        site: Site,
    },
    /// A value of one type is used where one of another is needed.
    #[error("`{found}` is used where `{expected}` is needed{site}")]
    Type {
        /// What is needed.
        expected: String,
        /// What was given.
        found: String,
        /// The line.
        site: Site,
    },
    /// A number that its type does not hold.
    #[error("{number} is no {ty}{site}")]
    Number {
        /// The number.
        number: i128,
        /// The type.
        ty: ScalarType,
        /// The line.
        site: Site,
    },
    /// A division or remainder by the number 0, which the kernel refuses.
    #[error("division by 0{site}")]
    DivisionByZero {
        /// The line.
        site: Site,
    },
    /// A shift by as many bits as the number has, or more.
    #[error("a {ty} is shifted by {amount} bits{site}")]
    Shift {
        /// The type of what is shifted.
        ty: ScalarType,
        /// By how much.
        amount: i64,
        /// The line.
        site: Site,
    },
    /// A path through the function ends without a return.
    #[error("a path through the function does not return{site}")]
    NoReturn {
        /// The line of the function.
        site: Site,
    },
    /// A break or continue that is in no loop.
    #[error("{what} outside of a loop{site}")]
    NoLoop {
        /// Which.
        what: &'static str,
        /// The line.
        site: Site,
    },
    /// Two cases of a switch have the same number.
    #[error("the case {number} is there twice{site}")]
    DuplicateCase {
        /// The number.
        number: i128,
        /// The line of the second one.
        site: Site,
    },
    /// A struct has no member of this name, or something that is no struct was asked for one.
    #[error("{of} has no field `{field}`{site}")]
    NoField {
        /// The type.
        of: String,
        /// The name that was asked for.
        field: String,
        /// The line.
        site: Site,
    },
    /// What lies there is no number, and cannot be read or written as one.
    #[error("{what} is no number that could be read or written{site}")]
    NoNumber {
        /// What lies there.
        what: String,
        /// The line.
        site: Site,
    },
    /// An atomic operation on what is no number of 32 or 64 bits in the byte order of the machine.
    #[error("there are no atomic operations on {what}{site}")]
    NoAtomic {
        /// What lies there.
        what: String,
        /// The line.
        site: Site,
    },
    /// A call, or another lock, while a spin lock is held.
    #[error("{what} while the lock taken{lock} is held{site}")]
    Locked {
        /// What is called.
        what: String,
        /// Where the lock was taken.
        lock: Site,
        /// The line.
        site: Site,
    },
    /// A place that cannot be written.
    #[error("{what} cannot be written{site}")]
    ReadOnly {
        /// What it is.
        what: &'static str,
        /// The line.
        site: Site,
    },
    /// An access outside of what is there.
    #[error("{size} bytes at offset {offset} reach beyond {what}, {len} bytes{site}")]
    Outside {
        /// What is accessed.
        what: String,
        /// Where, in bytes.
        offset: i64,
        /// How many bytes.
        size: u32,
        /// How many there are.
        len: u32,
        /// The line.
        site: Site,
    },
    /// An index beyond the end of an array, or one that may be.
    #[error("the index may be {most}, the array has {len} elements{site}")]
    Index {
        /// The largest index there may be.
        most: u64,
        /// How many elements there are.
        len: u32,
        /// The line.
        site: Site,
    },
    /// Something that is no array is indexed.
    #[error("{what} is no array{site}")]
    NoArray {
        /// What it is.
        what: String,
        /// The line.
        site: Site,
    },
    /// A helper that programs of this kind do not have.
    #[error("programs of kind {kind} cannot call {helper}{site}")]
    HelperKind {
        /// The helper.
        helper: Helper,
        /// The kind of the program.
        kind: ProgramKind,
        /// The line.
        site: Site,
    },
    /// A number that is no helper.
    #[error("there is no helper {helper}{site}")]
    NoHelper {
        /// The number.
        helper: Helper,
        /// The line.
        site: Site,
    },
    /// Too many or too few arguments.
    #[error("{callee} takes {expected} arguments, not {found}{site}")]
    ArgumentCount {
        /// What is called.
        callee: String,
        /// How many it takes.
        expected: usize,
        /// How many were given.
        found: usize,
        /// The line.
        site: Site,
    },
    /// An argument that the callee does not take.
    #[error("argument {index} of {callee} is {expected}, not {found}{site}")]
    Argument {
        /// What is called.
        callee: String,
        /// Which argument, counted from 1.
        index: usize,
        /// What it takes.
        expected: String,
        /// What was given.
        found: String,
        /// The line.
        site: Site,
    },
    /// A special field of a map's value is needed, and the place is in no map, or it is not known in which.
    #[error("{what} has to be in the value of a map that is known{site}")]
    NoMap {
        /// What is needed.
        what: &'static str,
        /// The line.
        site: Site,
    },
    /// Two things belong to different maps.
    #[error(
        "{what} is for map `{map}` (defined{map_site}), the timer lies in map `{other}` (defined{other_site}){site}"
    )]
    OtherMap {
        /// What is for the one map.
        what: String,
        /// The map it is for.
        map: String,
        /// The definition of that.
        map_site: Site,
        /// The map that was used.
        other: String,
        /// The definition of that.
        other_site: Site,
        /// The line of the use.
        site: Site,
    },
    /// A map without what is asked for.
    #[error("map `{map}` {what}{site}")]
    MapShape {
        /// The map.
        map: String,
        /// What it lacks.
        what: String,
        /// The line.
        site: Site,
    },
    /// A program returns what its kind does not allow.
    #[error("programs of kind {kind} return {least} to {most}, not {number}{site}")]
    Verdict {
        /// The kind of the program.
        kind: ProgramKind,
        /// The least it may return.
        least: i32,
        /// The most it may return.
        most: i32,
        /// What it returns.
        number: i128,
        /// The line.
        site: Site,
    },
    /// A field that the context of this kind does not have, or that cannot be accessed so.
    #[error("the context of {kind} programs: `{field}` {what}{site}")]
    Context {
        /// The kind of the program.
        kind: ProgramKind,
        /// The field.
        field: String,
        /// What is wrong.
        what: String,
        /// The line.
        site: Site,
    },
    /// A point in the packet further from its start than the kernel follows.
    #[error("the point may be {most} bytes into the packet, the kernel follows {farthest}{site}")]
    PacketOffset {
        /// How far it may be.
        most: u64,
        /// How far the kernel follows.
        farthest: u64,
        /// The line.
        site: Site,
    },
    /// A global variable that the object does not have.
    #[error("the object has no global variable `{name}`{site}")]
    NoGlobal {
        /// The name that was asked for.
        name: String,
        /// The line.
        site: Site,
    },
    /// A time that a timer cannot be set to.
    #[error("a timer cannot be set to {what}{site}")]
    Time {
        /// The time.
        what: String,
        /// The line.
        site: Site,
    },
    /// More rounds than the kernel makes.
    #[error("{rounds} rounds are more than the {} the kernel makes{site}", crate::asm::limits::LOOPS)]
    Rounds {
        /// How many.
        rounds: i128,
        /// The line.
        site: Site,
    },
    /// A reserved record is not handed back on every path, or used afterwards.
    #[error("the reserved record {what}{other}; it was reserved{site}")]
    Record {
        /// What happens to it.
        what: &'static str,
        /// The line of that.
        other: Site,
        /// The line that reserved it.
        site: Site,
    },
    /// A format, or an argument of it, that the kernel does not print.
    #[error("the format \"{}\" {what}{site}", .format.escape_debug())]
    Format {
        /// The format.
        format: String,
        /// What is wrong.
        what: String,
        /// The line.
        site: Site,
    },
    /// Instructions written by hand that do not keep to what they declare.
    #[error("the instructions{site}: {what}")]
    InlineAsm {
        /// What is wrong.
        what: String,
        /// The line.
        site: Site,
    },
    /// A callback or function is recorded a second time.
    #[error("`{name}`, announced{announced}, is recorded a second time{site}")]
    RecordedTwice {
        /// Its name.
        name: String,
        /// The line that announced it.
        announced: Site,
        /// The second time.
        site: Site,
    },
    /// A type could not be described.
    #[error("BTF{site}: {source}")]
    Btf {
        /// Why.
        source: BtfError,
        /// The line that asked for the type.
        site: Site,
    },
    /// The kernel gives a function 512 bytes of stack.
    #[error(
        "{locals} bytes of stack are needed for its variables and {spills} for what finds no register: more than {}{site}",
        crate::asm::limits::STACK_BYTES
    )]
    Frame {
        /// Bytes for what lies on the stack by name.
        locals: u32,
        /// Bytes for values that found no register.
        spills: u32,
        /// The line of the largest.
        site: Site,
    },
    /// An instruction that the set the object is made for lacks, or that cannot be said.
    #[error(transparent)]
    Asm(Box<AsmError>),
    /// A mistake in this crate: the recorded function could not be lowered.
    #[error("the function could not be lowered, which is a mistake of bpfsmith: {message}")]
    Internal {
        /// What went wrong.
        message: String,
    },
    /// The kernel refuses the finished object.
    #[error("{}", .report)]
    Rejected {
        /// What was found; the rejected findings among it are the reason.
        report: Box<Report>,
    },
}

impl Error {
    /// The Rust line of the mistake, where one is known.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        match self {
            Self::Asm(source) => Some(source.loc()),
            other => other.site()?.loc(),
        }
    }

    pub(super) fn site(&self) -> Option<&Site> {
        match self {
            Self::Escaped { site, .. }
            | Self::Foreign { site, .. }
            | Self::Outer { site }
            | Self::Type { site, .. }
            | Self::Number { site, .. }
            | Self::DivisionByZero { site }
            | Self::Shift { site, .. }
            | Self::NoReturn { site }
            | Self::NoLoop { site, .. }
            | Self::DuplicateCase { site, .. }
            | Self::NoField { site, .. }
            | Self::NoNumber { site, .. }
            | Self::NoAtomic { site, .. }
            | Self::Locked { site, .. }
            | Self::ReadOnly { site, .. }
            | Self::Outside { site, .. }
            | Self::Index { site, .. }
            | Self::NoArray { site, .. }
            | Self::HelperKind { site, .. }
            | Self::NoHelper { site, .. }
            | Self::ArgumentCount { site, .. }
            | Self::Argument { site, .. }
            | Self::NoMap { site, .. }
            | Self::OtherMap { site, .. }
            | Self::MapShape { site, .. }
            | Self::Verdict { site, .. }
            | Self::Context { site, .. }
            | Self::PacketOffset { site, .. }
            | Self::NoGlobal { site, .. }
            | Self::Time { site, .. }
            | Self::Rounds { site, .. }
            | Self::Record { site, .. }
            | Self::Format { site, .. }
            | Self::InlineAsm { site, .. }
            | Self::RecordedTwice { site, .. }
            | Self::Btf { site, .. }
            | Self::Frame { site, .. } => Some(site),
            Self::Asm(_) | Self::Internal { .. } => None,
            Self::Rejected { report } => report.rejected().next().map(|finding| &finding.site),
        }
    }
}

impl From<LowerError> for Error {
    fn from(error: LowerError) -> Self {
        match error {
            LowerError::Frame { locals, spills, loc, .. } => {
                Self::Frame { locals, spills, site: Site::from(Some(&loc)) }
            }
            LowerError::Asm(source) => Self::Asm(Box::new(source)),
            LowerError::Flaw { .. } | LowerError::Registers { .. } => {
                Self::Internal { message: error.to_string() }
            }
        }
    }
}

/// The line, for an error.
pub(crate) fn site(at: At) -> Site {
    Site::from(Some(&Loc::of(at)))
}
