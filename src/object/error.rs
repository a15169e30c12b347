//! What is wrong with an object, and on which line of Rust.

use std::fmt;

use thiserror::Error;

use super::FunctionError;
use crate::asm::{AsmError, Loc, limits};
use crate::btf::BtfError;
use crate::btf::special::{FieldError, FieldKind};
use crate::kind::ProgramKind;
use crate::map::{MapFlags, MapKind};
use crate::site::Site;

/// A mistake in a description of maps, functions and programs.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// Two maps have one name.
    #[error("map `{name}` is defined twice, the second time{site}")]
    DuplicateMap {
        /// The name.
        name: String,
        /// The second definition.
        site: Site,
    },
    /// Two global variables have one name.
    #[error("global variable `{name}` is defined twice, the second time{site}")]
    DuplicateGlobal {
        /// The name.
        name: String,
        /// The second definition.
        site: Site,
    },
    /// The bytes that a global variable begins with are not as many as its type has.
    #[error("global variable `{name}` has {wanted} bytes, {given} were given{site}")]
    GlobalSize {
        /// The variable.
        name: String,
        /// How many bytes its type has.
        wanted: u32,
        /// How many were given.
        given: usize,
        /// The definition.
        site: Site,
    },
    /// Two functions have one name.
    #[error("function `{name}` is defined twice, the second time{site}")]
    DuplicateFunction {
        /// The name.
        name: String,
        /// The second definition.
        site: Site,
    },
    /// Two programs have one name.
    #[error("program `{name}` is defined twice, the second time{site}")]
    DuplicateProgram {
        /// The name.
        name: String,
        /// The second definition.
        site: Site,
    },
    /// A handle of another object was used.
    #[error("a map of another object was used{site}")]
    ForeignMap {
        /// The line of the use.
        site: Site,
    },
    /// A function could not be assembled.
    #[error("function `{function}`: {source}")]
    Asm {
        /// The function.
        function: String,
        /// Why, with its line.
        source: Box<AsmError>,
    },
    /// A function could not be recorded.
    #[error("function `{function}`: {source}")]
    Function {
        /// The function.
        function: String,
        /// Why, with its line.
        source: FunctionError,
    },
    /// What was found in the finished object; the kernel refuses it.
    #[error("{source}")]
    Refused {
        /// The findings.
        source: FunctionError,
    },
    /// A type could not be described.
    #[error("BTF{site}: {source}")]
    Btf {
        /// Why.
        source: Box<BtfError>,
        /// The line that asked for the type.
        site: Site,
    },
    /// A function refers to a map that the object does not have.
    #[error("function `{function}` uses map `{map}`, which the object does not define{site}")]
    UnknownMap {
        /// The function.
        function: String,
        /// The missing map.
        map: String,
        /// The line of the instruction.
        site: Site,
    },
    /// A function calls, or takes the address of, a function that the object does not have.
    #[error("function `{function}` uses function `{callee}`, which the object does not define{site}")]
    UnknownFunction {
        /// The function.
        function: String,
        /// The missing function.
        callee: String,
        /// The line of the instruction.
        site: Site,
    },
    /// The entry function of a program is used as a callback or called (6.18 takes the callback, later kernels do not).
    #[error(
        "function `{function}` uses `{callee}`, the entry of a program, as a callback or a function{site}"
    )]
    EntryUsedAsFunction {
        /// The function.
        function: String,
        /// The entry function.
        callee: String,
        /// The line of the instruction.
        site: Site,
    },
    /// Functions call each other in a circle: the kernel refuses it (`the call stack of 8 frames is too deep`).
    #[error("function `{}` calls itself{}{site}", cycle.first().map_or("", String::as_str), Through(cycle))]
    Recursion {
        /// The functions of the circle, in the order of their calls.
        cycle: Vec<String>,
        /// The call that closes the circle.
        site: Site,
    },
    /// A program has more functions than the kernel takes (`BPF_MAX_SUBPROGS`).
    #[error(
        "program `{program}` reaches {count} functions, the kernel takes {} in one program{site}",
        limits::SUBPROGS
    )]
    TooManyFunctions {
        /// The program.
        program: String,
        /// How many it reaches, its entry among them.
        count: usize,
        /// The line of the program.
        site: Site,
    },
    /// An instruction names a type that the object's BTF does not have.
    #[error("function `{function}` uses the type `{name}`, which the object's BTF does not have{site}")]
    UnknownType {
        /// The function.
        function: String,
        /// The type, as C names it.
        name: String,
        /// The line of the instruction.
        site: Site,
    },
    /// A kind of program that is loaded for one place, and the place is not named.
    #[error("program `{program}` ({kind}): what it attaches to is not named (`attach_btf_id`){site}")]
    NoAttachTarget {
        /// The program.
        program: String,
        /// Its kind.
        kind: ProgramKind,
        /// The line of the program.
        site: Site,
    },
    /// A global function is used as a callback, which the kernel wants to be static (`callback function not static`).
    #[error(
        "function `{function}` uses the global function `{callee}` as a callback: callbacks are static{site}"
    )]
    GlobalCallback {
        /// The function.
        function: String,
        /// The global function.
        callee: String,
        /// The line of the instruction.
        site: Site,
    },
    /// The address of a map's value was asked for where the kernel gives none (`map_direct_value_addr`: ENOTSUPP).
    #[error(
        "function `{function}` takes the address of a value of map `{map}` ({kind}), which has none: only arrays of one element, arenas and instruction arrays do{site}"
    )]
    NoDirectValue {
        /// The function.
        function: String,
        /// The map.
        map: String,
        /// Its kind.
        kind: MapKind,
        /// The line of the instruction.
        site: Site,
    },
    /// The offset of a direct value lies outside of the map's value.
    #[error(
        "function `{function}` takes the address at offset {offset} of the value of map `{map}`, which has {size} bytes{site}"
    )]
    ValueOffset {
        /// The function.
        function: String,
        /// The map.
        map: String,
        /// The offset, in bytes.
        offset: u32,
        /// The size of the value (of all of them, in an instruction array), in bytes.
        size: u64,
        /// The line of the instruction.
        site: Site,
    },
    /// A function with no instructions, or without an end.
    #[error("function `{function}` {what}{site}")]
    Body {
        /// The function.
        function: String,
        /// What is wrong with its end.
        what: &'static str,
        /// The line of its last instruction.
        site: Site,
    },
    /// The kernel does not take this kind of map with these attributes (EINVAL).
    #[error("map `{map}` ({kind}): {attribute} is {given}, the kernel takes {rule}{site}")]
    MapShape {
        /// The map.
        map: String,
        /// Its kind.
        kind: MapKind,
        /// The member of `union bpf_attr`.
        attribute: &'static str,
        /// What was given for it.
        given: String,
        /// What the kernel takes.
        rule: String,
        /// The line of the definition.
        site: Site,
    },
    /// BTF of a key without BTF of the value, or BTF on a kind of map that takes none.
    #[error("map `{map}` ({kind}): {what}{site}")]
    MapBtf {
        /// The map.
        map: String,
        /// Its kind.
        kind: MapKind,
        /// The rule.
        what: &'static str,
        /// The line of the definition.
        site: Site,
    },
    /// A timer, lock or other special field lies where the kernel does not look for it.
    #[error("map `{map}`: {source}{site}")]
    Field {
        /// The map.
        map: String,
        /// Which field, where, and the rule.
        source: Box<FieldError>,
        /// The line of the definition.
        site: Site,
    },
    /// A special field in a kind of map that cannot hold it (EOPNOTSUPP).
    #[error(
        "map `{map}`: `{path}` at offset {offset} is a {field}, which a map of kind {kind} cannot hold{site}"
    )]
    FieldKind {
        /// The map.
        map: String,
        /// Its kind.
        kind: MapKind,
        /// The kind of the field.
        field: FieldKind,
        /// The path of the member.
        path: String,
        /// Its offset in the value, in bytes.
        offset: u32,
        /// The line of the definition.
        site: Site,
    },
    /// A special field in a map that programs may only read or only write (EACCES).
    #[error(
        "map `{map}`: `{path}` at offset {offset} is a {field}, which the flags {flags} do not allow{site}"
    )]
    FieldFlags {
        /// The map.
        map: String,
        /// The flags in the way.
        flags: MapFlags,
        /// The kind of the field.
        field: FieldKind,
        /// The path of the member.
        path: String,
        /// Its offset in the value, in bytes.
        offset: u32,
        /// The line of the definition.
        site: Site,
    },
    /// An initial entry does not fit its map.
    #[error("map `{map}`: initial entry {index}: {what}{site}")]
    Entry {
        /// The map.
        map: String,
        /// Which entry, counted from 0.
        index: usize,
        /// What does not fit.
        what: String,
        /// The line of the definition of the map.
        site: Site,
    },
    /// A name or a licence the kernel would refuse, or a C string could not hold.
    #[error("{what} `{name}`: {rule}{site}")]
    Name {
        /// What is named.
        what: &'static str,
        /// The name, quoted where it is not plain text.
        name: String,
        /// The rule.
        rule: &'static str,
        /// The line.
        site: Site,
    },
}

/// ` through a, b`, where a circle has more than one function.
struct Through<'a>(&'a [String]);

impl fmt::Display for Through<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] | [_] => Ok(()),
            [_, others @ ..] => write!(f, " through `{}`", others.join("`, `")),
        }
    }
}

impl ObjectError {
    /// The Rust line the mistake was made on, where one is known.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        match self {
            Self::Asm { source, .. } => Some(source.loc()),
            Self::Function { source, .. } | Self::Refused { source } => source.loc(),
            Self::DuplicateMap { site, .. }
            | Self::DuplicateGlobal { site, .. }
            | Self::GlobalSize { site, .. }
            | Self::DuplicateFunction { site, .. }
            | Self::DuplicateProgram { site, .. }
            | Self::ForeignMap { site }
            | Self::Btf { site, .. }
            | Self::UnknownMap { site, .. }
            | Self::UnknownFunction { site, .. }
            | Self::EntryUsedAsFunction { site, .. }
            | Self::GlobalCallback { site, .. }
            | Self::NoDirectValue { site, .. }
            | Self::ValueOffset { site, .. }
            | Self::Recursion { site, .. }
            | Self::TooManyFunctions { site, .. }
            | Self::UnknownType { site, .. }
            | Self::NoAttachTarget { site, .. }
            | Self::Body { site, .. }
            | Self::MapShape { site, .. }
            | Self::MapBtf { site, .. }
            | Self::Field { site, .. }
            | Self::FieldKind { site, .. }
            | Self::FieldFlags { site, .. }
            | Self::Entry { site, .. }
            | Self::Name { site, .. } => site.loc(),
        }
    }
}
