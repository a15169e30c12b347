//! What can be wrong with BTF: with its bytes ([`DecodeError`]) and with what it says ([`BtfError`]).

use super::kind::Kind;
use super::special::FieldError;
use super::types::TypeId;
use std::fmt;

/// Bytes that are not BTF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where, in bytes from the start of the BTF; `None` if the fault is in the question (no such type).
    pub offset: Option<usize>,
    /// What is wrong there.
    pub reason: DecodeReason,
}

impl DecodeError {
    pub(crate) const fn at(offset: usize, reason: DecodeReason) -> Self {
        Self { offset: Some(offset), reason }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "BTF, byte {offset}: {}", self.reason),
            None => write!(f, "BTF: {}", self.reason),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Why bytes are not BTF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeReason {
    /// The bytes end before the header does.
    #[error("the header needs {needed} bytes, {left} are there")]
    HeaderTooShort {
        /// Bytes the header takes.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// The first two bytes are not `0xeb9f` in either byte order.
    #[error("the magic is {found:#06x}, not 0xeb9f")]
    Magic {
        /// The first two bytes, read as little endian.
        found: u16,
    },
    /// A version other than 1.
    #[error("version {found} is not known")]
    Version {
        /// What the header says.
        found: u8,
    },
    /// Flags that no kernel knows.
    #[error("flags {found:#x} are not known")]
    Flags {
        /// What the header says.
        found: u8,
    },
    /// The type section does not start at a multiple of 4.
    #[error("the type section starts at {offset}, which is no multiple of 4")]
    TypesMisaligned {
        /// Its offset from the end of the header.
        offset: u32,
    },
    /// A section reaches beyond the end.
    #[error("the {section} section ends at {end}, the BTF at {size}")]
    SectionTooLong {
        /// `type` or `string`.
        section: &'static str,
        /// Where the section ends, from the end of the header.
        end: u64,
        /// How many bytes follow the header.
        size: usize,
    },
    /// The sections overlap.
    #[error("the type section and the string section overlap")]
    SectionsOverlap,
    /// Bytes that belong to no section.
    #[error("bytes that belong to no section")]
    SectionGap,
    /// No type at all.
    #[error("there are no types")]
    NoTypes,
    /// More types than numbers.
    #[error("more than {} types", TypeId::MAX.0)]
    TooManyTypes,
    /// The string section is empty, does not start or does not end with a NUL.
    #[error("the string section must start and end with a NUL")]
    Strings,
    /// A type that is cut off.
    #[error("type {id}: {needed} bytes are needed, {left} are left in the type section")]
    TypeTooShort {
        /// Its number.
        id: TypeId,
        /// Bytes it takes.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// A kind that does not exist.
    #[error("type {id}: kind {found} is not known")]
    Kind {
        /// Its number.
        id: TypeId,
        /// The kind.
        found: u8,
    },
    /// A name that starts outside of the string section.
    #[error("the string at offset {offset} is outside of the string section ({size} bytes)")]
    StringOutside {
        /// Where the string should start.
        offset: u32,
        /// How long the string sections are together.
        size: u32,
    },
    /// A linkage that does not exist.
    #[error("type {id}: linkage {found} is not known")]
    Linkage {
        /// Its number.
        id: TypeId,
        /// The linkage.
        found: u32,
    },
    /// A member number below −1.
    #[error("type {id}: component {found} is below -1")]
    Component {
        /// Its number.
        id: TypeId,
        /// The component.
        found: i32,
    },
    /// A type that is not there.
    #[error("there is no type {id}")]
    NoSuchType {
        /// The number that was asked for.
        id: TypeId,
    },
}

/// BTF that breaks a rule of the kernel, or of C: which type, which member, which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BtfError {
    /// Which type.
    pub place: Box<Place>,
    /// Which rule.
    pub rule: Rule,
}

impl fmt::Display for BtfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Rule::Undecodable(error) => error.fmt(f),
            rule => write!(f, "{}: {rule}", self.place),
        }
    }
}

impl std::error::Error for BtfError {}

impl From<DecodeError> for BtfError {
    fn from(error: DecodeError) -> Self {
        Self { place: Box::default(), rule: Rule::Undecodable(error) }
    }
}

/// A type, and a member of it, by name: what an error is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The number of the type, once it has one.
    pub id: Option<TypeId>,
    /// The kind of the type.
    pub kind: Option<Kind>,
    /// The name of the type; may be empty.
    pub name: String,
    /// The member, value, parameter or variable.
    pub member: Option<String>,
}

impl Place {
    pub(crate) fn new(kind: Kind, name: impl fmt::Display) -> Self {
        Self { kind: Some(kind), name: name.to_string(), ..Self::default() }
    }

    pub(crate) fn error(self, rule: Rule) -> BtfError {
        BtfError { place: Box::new(self), rule }
    }

    pub(crate) fn member(mut self, index: usize, name: impl fmt::Display) -> Self {
        let name = name.to_string();
        self.member = Some(if name.is_empty() { format!("#{index}") } else { name });
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BTF")?;
        if let Some(kind) = self.kind {
            write!(f, " {kind}")?;
        }
        match (self.name.is_empty(), self.id) {
            (false, _) => write!(f, " {}", Short(&self.name))?,
            (true, Some(id)) => write!(f, " {id}")?,
            (true, None) => {}
        }
        match &self.member {
            Some(member) => write!(f, ", {}", Short(member)),
            None => Ok(()),
        }
    }
}

/// A name that may be anything, on one line and not without end.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        match self.0.char_indices().nth(MOST) {
            Some((cut, _)) => write!(f, "{}…", self.0[..cut].escape_debug()),
            None => write!(f, "{}", self.0.escape_debug()),
        }
    }
}

/// A rule that BTF must keep. Unless told otherwise it is the kernel's, and `BPF_BTF_LOAD` says EINVAL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// The kind must have a name.
    #[error("needs a name")]
    NameMissing,
    /// The kind must not have a name.
    #[error("must not have a name")]
    NameForbidden,
    /// Names are identifiers.
    #[error(
        "the name must be letters, digits, `_` and `.`, not start with a digit, and have at most 512 bytes"
    )]
    NameInvalid,
    /// Names of sections are printable.
    #[error("the name must be printable and have at most 512 bytes")]
    SectionNameInvalid,
    /// Strings end with a NUL, so they cannot hold one.
    #[error("a string with a NUL in it")]
    NulInString,
    /// The string section is full.
    #[error("the strings take more than 16 MiB")]
    StringsTooLong,
    /// There are no more type numbers.
    #[error("more than {} types", TypeId::MAX.0)]
    TooManyTypes,
    /// All together is too long (`E2BIG`).
    #[error("the BTF takes {size} bytes, more than 16 MiB")]
    TooLong {
        /// What it would take.
        size: usize,
    },
    /// There must be a type.
    #[error("there are no types")]
    NoTypes,
    /// A type number that nothing has.
    #[error("there is no type {id}")]
    NoSuchType {
        /// The number.
        id: TypeId,
    },
    /// A declared type was never defined.
    #[error("declared, never defined")]
    Undefined,
    /// A type was defined that is not declared, or defined twice.
    #[error("type {id} is not a declared struct or union that waits to be defined")]
    NotDeclared {
        /// The number.
        id: TypeId,
    },
    /// More members, values, parameters or variables than the 16 bits of their count hold.
    #[error("has {count} members, more than 65535")]
    TooManyMembers {
        /// How many.
        count: usize,
    },
    /// A kind that takes no members says it has some, or the flag bit is set where it means nothing.
    #[error("the info word is {info:#010x}, which has bits this kind does not use")]
    Info {
        /// The word.
        info: u32,
    },
    /// A field that must be zero is not.
    #[error("the size must be 0 and is {size}")]
    SizeForbidden {
        /// What it is.
        size: u32,
    },
    /// An integer whose bits do not fit.
    #[error("{bits} bits at bit {offset} do not fit into {size} bytes, or into 128 bits")]
    IntBits {
        /// How many bits.
        bits: u8,
        /// Where they start.
        offset: u8,
        /// The size in bytes.
        size: u32,
    },
    /// Reserved bits of the integer word.
    #[error("the integer word is {word:#010x}, which has unknown bits")]
    IntWord {
        /// The word.
        word: u32,
    },
    /// An integer with more than one encoding (`ENOTSUPP`).
    #[error("the encoding {bits:#x} is not one of none, SIGNED, CHAR, BOOL")]
    IntEncoding {
        /// The bits.
        bits: u8,
    },
    /// The sizes an enumeration may have.
    #[error("the size must be 1, 2, 4 or 8 and is {size}")]
    EnumSize {
        /// What it is.
        size: u32,
    },
    /// The sizes a floating-point number may have.
    #[error("the size must be 2, 4, 8, 12 or 16 and is {size}")]
    FloatSize {
        /// What it is.
        size: u32,
    },
    /// An enumeration value that does not fit its size. C's rule, not the kernel's.
    #[error("the value {value} does not fit into {size} bytes")]
    EnumValue {
        /// The value.
        value: i128,
        /// The size in bytes.
        size: u32,
    },
    /// A member or element of a type without size (void, a forward declaration, a function, a tag).
    #[error("{what} {id} is {kind}, which has no size")]
    NoSize {
        /// `the member's type`, `the element's type`, ….
        what: &'static str,
        /// The type.
        id: TypeId,
        /// What it is.
        kind: &'static str,
    },
    /// A type of the wrong kind.
    #[error("{what} must be {expected}; type {id} is {kind}")]
    WrongKind {
        /// `the index`, `the prototype`, ….
        what: &'static str,
        /// What it must be.
        expected: &'static str,
        /// The type.
        id: TypeId,
        /// What it is.
        kind: &'static str,
    },
    /// Elements times their size do not fit 32 bits.
    #[error("{len} elements of {size} bytes do not fit into 32 bits")]
    ArrayTooLong {
        /// How many elements.
        len: u32,
        /// The size of one in bytes.
        size: u32,
    },
    /// Members lie in order of their offsets.
    #[error("starts at bit {offset}, before the member ahead of it (bit {previous})")]
    MemberOrder {
        /// Where it starts.
        offset: u32,
        /// Where the previous one starts.
        previous: u32,
    },
    /// Members of a union start at 0.
    #[error("starts at bit {offset}; members of a union start at 0")]
    UnionOffset {
        /// Where it starts.
        offset: u32,
    },
    /// A member reaches beyond its struct.
    #[error("ends at bit {end}; the type has {size} bytes")]
    MemberOutside {
        /// Where it ends.
        end: u64,
        /// The size of the struct in bytes.
        size: u32,
    },
    /// A member that is no bit-field and does not start at a byte.
    #[error("starts at bit {offset}, which is no whole byte")]
    MemberMisaligned {
        /// Where it starts.
        offset: u32,
    },
    /// A floating-point member must be aligned.
    #[error("starts at bit {offset}; a floating-point member must start at a multiple of {align} bytes")]
    FloatMisaligned {
        /// Where it starts.
        offset: u32,
        /// The alignment in bytes.
        align: u32,
    },
    /// A bit-field wider than its type.
    #[error("a bit-field of {bits} bits in a type of {available} bits")]
    BitFieldWidth {
        /// How many bits.
        bits: u32,
        /// How many its type has.
        available: u32,
    },
    /// A bit-field of a type that cannot be one; an odd integer beside bit-fields.
    #[error("bit-fields, and integers beside them, must be integers of 8 to 128 bits or enumerations")]
    BitFieldType,
    /// Beside a bit-field, offsets have 24 bits.
    #[error("starts at bit {offset}; a struct with bit-fields ends at bit 16777215")]
    BitOffsetTooLarge {
        /// Where it starts.
        offset: u64,
    },
    /// Offsets in bits have 32 bits. C's rule and BTF's.
    #[error("a struct of {size} bytes, more than 512 MiB")]
    StructTooLong {
        /// How many bytes.
        size: u64,
    },
    /// A size was given that the members do not fit. C's rule.
    #[error("the members take {needed} bytes, the type was given {size}")]
    SizeTooSmall {
        /// What the members take.
        needed: u64,
        /// What was given.
        size: u32,
    },
    /// Only the last parameter may be `...`, and it has no name.
    #[error("only the last parameter may be `...`, and it has no name")]
    VarArgs,
    /// Every parameter of a function (not of a mere prototype) has a name.
    #[error("a function's parameters must have names")]
    ParamName,
    /// Extern declarations are for object files.
    #[error("extern functions and variables are for object files, the kernel refuses them")]
    Extern,
    /// A section must not be empty.
    #[error("the size must not be 0")]
    SectionEmpty,
    /// Variables lie one after the other in their section.
    #[error("lies at {offset} with {size} bytes; the one before it ends at {previous}, the section at {end}")]
    VarOffset {
        /// Where it lies.
        offset: u32,
        /// Its size in the section.
        size: u32,
        /// Where the previous one ends.
        previous: u64,
        /// The size of the section.
        end: u32,
    },
    /// A variable that is larger than its place in the section.
    #[error("has {size} bytes in its section, its type has {needed}")]
    VarSize {
        /// In the section.
        size: u32,
        /// Its type's.
        needed: u32,
    },
    /// A component that its target does not have.
    #[error("component {component} of a type that has {count}")]
    Component {
        /// The component.
        component: u32,
        /// How many there are; 0 for kinds without components.
        count: u32,
    },
    /// A type that contains itself, or a chain of modifiers that ends in itself.
    #[error("contains itself")]
    Loop,
    /// Deeper than the kernel follows (`E2BIG`).
    #[error("nested deeper than the 32 levels the kernel follows")]
    TooDeep,
    /// As C it would be out of proportion: types without a name stand wherever they are used.
    #[error("more than {limit} bytes of C for so little BTF")]
    TooMuch {
        /// How much C there may be.
        limit: usize,
    },
    /// Type tags stand next to their pointer (kernel 6.0 on).
    #[error("a type tag behind another modifier; tags come first")]
    TagOrder,
    /// A lock, list, tree or pointer for allocated objects that is misplaced (`EINVAL`, `EEXIST`, `E2BIG`).
    #[error("{0}")]
    Special(Box<FieldError>),
    /// A lock, list, tree or pointer for allocated objects that the kernel does not find (`EFAULT`).
    #[error("has special fields, all of them of the wrong size or alignment")]
    SpecialIgnored,
    /// The bytes themselves are wrong.
    #[error("{0}")]
    Undecodable(DecodeError),
}
