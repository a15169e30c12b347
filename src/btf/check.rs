//! The kernel's rules for one type: its names, its numbers, what it refers to (`*_check_meta` and `*_resolve` in
//! `kernel/bpf/btf.c`).

use super::error::{BtfError, Place, Rule};
use super::kind::Kind;
use super::types::{
    Array, Composite, DataSec, DeclTag, Func, FuncProto, Int, IntEncoding, Member, Name, Type, TypeId,
};
use super::view::View;

/// What an error says a type is.
pub(crate) fn place(ty: &Type<'_>) -> Place {
    Place { kind: ty.kind(), name: ty.name().to_string(), ..Place::default() }
}

/// Whether the kernel takes this type, given those it refers to. `flag` is its `kind_flag`.
pub(crate) fn ty(ty: &Type<'_>, flag: bool, view: &View<'_>) -> Result<(), BtfError> {
    Check { view, ty, flag }.all()
}

struct Check<'c> {
    view: &'c View<'c>,
    ty: &'c Type<'c>,
    flag: bool,
}

impl Check<'_> {
    fn all(&self) -> Result<(), BtfError> {
        self.own_name()?;
        match self.ty {
            Type::Void => Err(self.error(Rule::NoSuchType { id: TypeId::VOID })),
            Type::Int(int) => self.rule(int_rule(int)),
            Type::Ptr(to) | Type::Volatile(to) | Type::Const(to) | Type::Restrict(to) => self.target(*to),
            Type::Typedef(def) => self.target(def.target),
            Type::TypeTag(tag) => self.target(tag.target),
            Type::Array(array) => self.array(array),
            Type::Struct(def) => self.composite(def, false),
            Type::Union(def) => self.composite(def, true),
            Type::Enum(def) => self.enumeration(def.size, def.values.iter().map(|value| value.name)),
            Type::Enum64(def) => self.enumeration(def.size, def.values.iter().map(|value| value.name)),
            Type::Fwd(_) => Ok(()),
            Type::Func(func) => self.func(func),
            Type::FuncProto(proto) => self.func_proto(proto),
            Type::Var(var) => self.sized("the variable's type", var.ty).map(drop),
            Type::DataSec(section) => self.datasec(section),
            Type::Float { size, .. } => match size {
                2 | 4 | 8 | 12 | 16 => Ok(()),
                _ => Err(self.error(Rule::FloatSize { size: *size })),
            },
            Type::DeclTag(tag) => self.decl_tag(tag),
        }
    }

    fn own_name(&self) -> Result<(), BtfError> {
        let text = self.ty.name();
        self.rule(match self.ty {
            Type::Typedef(_) | Type::Fwd(_) | Type::Func(_) | Type::Var(_) => name(text, true),
            Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_) => name(text, false),
            Type::DataSec(_) => section_name(text),
            Type::TypeTag(_) | Type::DeclTag(_) if text.is_empty() => Err(Rule::NameMissing),
            _ => Ok(()),
        })
    }

    /// What a pointer or a modifier may refer to: anything but variables, sections and tags on declarations. A
    /// function, of all things, counts as its prototype.
    fn target(&self, id: TypeId) -> Result<(), BtfError> {
        let kind = self.kind(id)?;
        match kind {
            Some(Kind::Var | Kind::DataSec | Kind::DeclTag) => {
                Err(self.wrong("the target", "a type, not a declaration", id, kind))
            }
            _ => Ok(()),
        }
    }

    /// The size of a type that must have one.
    fn sized(&self, what: &'static str, id: TypeId) -> Result<u32, BtfError> {
        let kind = self.kind(id)?;
        let declares = matches!(kind, Some(Kind::Var | Kind::DataSec));
        match self.view.size_of(id) {
            Ok(size) if !declares => Ok(size),
            Err(BtfError { rule: rule @ (Rule::TooDeep | Rule::ArrayTooLong { .. }), .. }) => {
                Err(self.error(rule))
            }
            _ => Err(self.error(Rule::NoSize { what, id, kind: kind.map_or("void", Kind::name) })),
        }
    }

    fn array(&self, array: &Array) -> Result<(), BtfError> {
        self.kind(array.index)?;
        let (_, index) = self.view.resolve(array.index)?;
        match index {
            Type::Int(int) if is_regular(&int) => {}
            _ => {
                return Err(self.wrong(
                    "the index",
                    "an integer of 8 to 128 bits",
                    array.index,
                    index.kind(),
                ));
            }
        }
        let size = self.sized("the element's type", array.element)?;
        let (_, element) = self.view.resolve(array.element)?;
        if matches!(element, Type::Int(int) if !is_regular(&int)) {
            return Err(self.wrong(
                "the element",
                "an integer of 8 to 128 bits",
                array.element,
                element.kind(),
            ));
        }
        let rule = Rule::ArrayTooLong { len: array.len, size };
        array.len.checked_mul(size).map(drop).ok_or_else(|| self.error(rule))
    }

    fn composite(&self, def: &Composite<'_>, union: bool) -> Result<(), BtfError> {
        self.count(def.members.len())?;
        let mut previous = 0;
        for (index, member) in def.members.enumerate() {
            let fail = |rule| self.place().member(index, member.name).error(rule);
            name(member.name, false).map_err(fail)?;
            if union && member.bit_offset != 0 {
                return Err(fail(Rule::UnionOffset { offset: member.bit_offset }));
            }
            if member.bit_offset < previous {
                return Err(fail(Rule::MemberOrder { offset: member.bit_offset, previous }));
            }
            if self.flag && member.bit_offset > 0x00ff_ffff {
                return Err(fail(Rule::BitOffsetTooLarge { offset: member.bit_offset.into() }));
            }
            self.kind(member.ty).map_err(|error| fail(error.rule))?;
            let size = self.sized("the member's type", member.ty).map_err(|error| fail(error.rule))?;
            self.member(&member, size, def.size).map_err(fail)?;
            previous = member.bit_offset;
        }
        Ok(())
    }

    /// `*_check_member` and `*_check_kflag_member`.
    fn member(&self, member: &Member<'_>, size: u32, whole: u32) -> Result<(), Rule> {
        let resolved = self.view.resolve(member.ty).map(|(_, ty)| ty).map_err(|error| error.rule)?;
        let (start, width) = match resolved {
            Type::Int(int) => int_member(&int, member, self.flag)?,
            Type::Enum(_) | Type::Enum64(_) if member.bits != 0 => {
                (member.bit_offset.into(), enum_bits(member)?)
            }
            _ if member.bits != 0 => {
                return Err(Rule::BitFieldType);
            }
            Type::Float { size, .. } => float_member(member, size)?,
            _ => (whole_byte(member.bit_offset)?, u64::from(size) * 8),
        };
        let end = start + width;
        if end.div_ceil(8) > u64::from(whole) {
            Err(Rule::MemberOutside { end, size: whole })
        } else {
            Ok(())
        }
    }

    fn enumeration<'n>(
        &self,
        size: u32,
        names: impl ExactSizeIterator<Item = Name<'n>>,
    ) -> Result<(), BtfError> {
        self.count(names.len())?;
        if !matches!(size, 1 | 2 | 4 | 8) {
            return Err(self.error(Rule::EnumSize { size }));
        }
        for (index, value) in names.enumerate() {
            name(value, true).map_err(|rule| self.place().member(index, value).error(rule))?;
        }
        Ok(())
    }

    fn func(&self, func: &Func<'_>) -> Result<(), BtfError> {
        let kind = self.kind(func.proto)?;
        let Type::FuncProto(proto) = self.view.get(func.proto)? else {
            return Err(self.wrong("the prototype", "a FUNC_PROTO", func.proto, kind));
        };
        let nameless =
            proto.params.enumerate().find(|(_, param)| param.name.is_empty() && !param.ty.is_void());
        match nameless {
            Some((index, _)) => Err(self.place().member(index, "").error(Rule::ParamName)),
            None => Ok(()),
        }
    }

    fn func_proto(&self, proto: &FuncProto<'_>) -> Result<(), BtfError> {
        self.count(proto.params.len())?;
        if !proto.ret.is_void() {
            self.sized("the result's type", proto.ret)?;
        }
        let last = proto.params.len().saturating_sub(1);
        for (index, param) in proto.params.enumerate() {
            let fail = |rule| self.place().member(index, param.name).error(rule);
            match param.ty.is_void() {
                true if index == last && param.name.is_empty() => {}
                true => return Err(fail(Rule::VarArgs)),
                false => {
                    name(param.name, false).map_err(fail)?;
                    self.sized("the parameter's type", param.ty).map_err(|error| fail(error.rule))?;
                }
            }
        }
        Ok(())
    }

    fn datasec(&self, section: &DataSec<'_>) -> Result<(), BtfError> {
        self.count(section.vars.len())?;
        if section.size == 0 {
            return Err(self.error(Rule::SectionEmpty));
        }
        let mut previous = 0u64;
        for (index, entry) in section.vars.enumerate() {
            let kind = self.kind(entry.var)?;
            let Type::Var(var) = self.view.get(entry.var)? else {
                return Err(self.wrong("what a section holds", "a VAR", entry.var, kind));
            };
            let fail = |rule| self.place().member(index, var.name).error(rule);
            let (offset, size, end) = (entry.offset, entry.size, section.size);
            let stop = u64::from(offset) + u64::from(size);
            if u64::from(offset) < previous || size == 0 || stop > u64::from(end) {
                return Err(fail(Rule::VarOffset { offset, size, previous, end }));
            }
            let needed = self.sized("the variable's type", var.ty).map_err(|error| fail(error.rule))?;
            if size < needed {
                return Err(fail(Rule::VarSize { size, needed }));
            }
            previous = stop;
        }
        Ok(())
    }

    fn decl_tag(&self, tag: &DeclTag<'_>) -> Result<(), BtfError> {
        let kind = self.kind(tag.target)?;
        let count = match self.view.get(tag.target)? {
            Type::Struct(def) | Type::Union(def) => def.members.len(),
            Type::Func(func) => match self.view.get(func.proto)? {
                Type::FuncProto(proto) => proto.params.len(),
                _ => 0,
            },
            Type::Var(_) | Type::Typedef(_) => 0,
            _ => {
                let expected = "a struct, union, function, variable or typedef";
                return Err(self.wrong("the target of a tag", expected, tag.target, kind));
            }
        };
        match tag.component {
            Some(component) if component as usize >= count => {
                Err(self.error(Rule::Component { component, count: count as u32 }))
            }
            _ => Ok(()),
        }
    }

    /// The kind of a type that must be there; `None` for `void`.
    fn kind(&self, id: TypeId) -> Result<Option<Kind>, BtfError> {
        match self.view.kind_of(id) {
            None if !id.is_void() => Err(self.error(Rule::NoSuchType { id })),
            kind => Ok(kind),
        }
    }

    fn count(&self, count: usize) -> Result<(), BtfError> {
        if count > 0xffff { Err(self.error(Rule::TooManyMembers { count })) } else { Ok(()) }
    }

    fn wrong(&self, what: &'static str, expected: &'static str, id: TypeId, kind: Option<Kind>) -> BtfError {
        self.error(Rule::WrongKind { what, expected, id, kind: kind.map_or("void", Kind::name) })
    }

    fn rule(&self, result: Result<(), Rule>) -> Result<(), BtfError> {
        result.map_err(|rule| self.error(rule))
    }

    fn error(&self, rule: Rule) -> BtfError {
        self.place().error(rule)
    }

    fn place(&self) -> Place {
        place(self.ty)
    }
}

fn int_rule(int: &Int<'_>) -> Result<(), Rule> {
    let Int { size, bits, bit_offset: offset, encoding, .. } = *int;
    let used = u32::from(bits) + u32::from(offset);
    if used > 128 || used.div_ceil(8) > size {
        return Err(Rule::IntBits { bits, offset, size });
    }
    let single = [IntEncoding::empty(), IntEncoding::SIGNED, IntEncoding::CHAR, IntEncoding::BOOL];
    if single.contains(&encoding) { Ok(()) } else { Err(Rule::IntEncoding { bits: encoding.bits() }) }
}

/// `btf_type_int_is_regular`.
fn is_regular(int: &Int<'_>) -> bool {
    int.bit_offset == 0 && matches!(int.bits, 8 | 16 | 32 | 64 | 128)
}

/// Where an integer member starts and how wide it is, in bits.
fn int_member(int: &Int<'_>, member: &Member<'_>, flag: bool) -> Result<(u64, u64), Rule> {
    let (bits, available) = (u32::from(member.bits), u32::from(int.bits));
    if flag && bits == 0 && !member.bit_offset.is_multiple_of(8) {
        return Err(Rule::MemberMisaligned { offset: member.bit_offset });
    }
    if flag && !is_regular(int) {
        return Err(Rule::BitFieldType);
    }
    if bits > available {
        return Err(Rule::BitFieldWidth { bits, available });
    }
    let width = if bits == 0 { available } else { bits };
    let start = u64::from(member.bit_offset) + u64::from(int.bit_offset);
    let copied = start % 8 + u64::from(width);
    if copied > 128 { Err(Rule::BitFieldWidth { bits: width, available }) } else { Ok((start, width.into())) }
}

/// The kernel counts any enumeration as 32 bits here.
fn enum_bits(member: &Member<'_>) -> Result<u64, Rule> {
    let bits = member.bits.into();
    if bits > 32 { Err(Rule::BitFieldWidth { bits, available: 32 }) } else { Ok(bits.into()) }
}

fn float_member(member: &Member<'_>, size: u32) -> Result<(u64, u64), Rule> {
    let (align, offset) = (size.clamp(1, 8), member.bit_offset);
    if !offset.is_multiple_of(align * 8) {
        return Err(Rule::FloatMisaligned { offset, align });
    }
    Ok((offset.into(), u64::from(size) * 8))
}

fn whole_byte(offset: u32) -> Result<u64, Rule> {
    if offset.is_multiple_of(8) { Ok(offset.into()) } else { Err(Rule::MemberMisaligned { offset }) }
}

/// How long a name may be (`KSYM_NAME_LEN`; 128 before kernel 6.1).
const MAX_NAME: usize = 512;

/// Whether a FUNC can have the name: the kernel wants an identifier.
pub(crate) fn function_name(text: &str) -> Result<(), BtfError> {
    name(text.into(), true).map_err(|rule| Place::new(Kind::Func, text).error(rule))
}

/// `btf_name_valid_identifier`.
pub(crate) fn name(name: Name<'_>, required: bool) -> Result<(), Rule> {
    let (first, rest) = match name.as_bytes() {
        [] if required => return Err(Rule::NameMissing),
        [] => return Ok(()),
        [first, rest @ ..] => (*first, rest),
    };
    let valid = (is_letter(first) || matches!(first, b'_' | b'.'))
        && rest.iter().all(|&byte| is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
        && rest.len() < MAX_NAME;
    if valid { Ok(()) } else { Err(Rule::NameInvalid) }
}

/// The kernel's `isalpha`, which knows Latin-1.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

/// `btf_name_valid_section`.
fn section_name(name: Name<'_>) -> Result<(), Rule> {
    match name.as_bytes() {
        [] => Err(Rule::NameMissing),
        bytes if bytes.len() <= MAX_NAME && bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa0..)) => {
            Ok(())
        }
        _ => Err(Rule::SectionNameInvalid),
    }
}
