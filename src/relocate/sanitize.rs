//! BTF for a kernel that does not know all of its kinds: what it lacks becomes something of the same size that it knows.
//!
//! Ids and strings stay where they are, so that maps and line_info go on meaning the same. Nothing the kernel would have
//! acted on is lost: what it acts on came with the kind or later.

use std::borrow::Cow;

use crate::base::KernelVersion;
use crate::btf::{
    Btf, BtfError, Builder, Composite, DataSec, Enum, Func, Int, IntEncoding, Kind, Linkage, Member, Name,
    Records, Type, TypeId, Typedef,
};
use crate::target::{Fact, Feature, Target};

/// The same BTF as far as `target` takes it; unchanged where nothing is known to be missing.
pub(crate) fn sanitize<'a>(btf: &'a Btf, target: &Target) -> Result<Cow<'a, Btf>, BtfError> {
    if !target.lacks_anything() {
        return Ok(Cow::Borrowed(btf));
    }
    let old = Old { target };
    let all = btf.ids().map(|id| Ok((id, btf.get(id)?))).collect::<Result<Vec<_>, BtfError>>()?;
    if !all.iter().any(|(_, ty)| old.lacks(ty)) {
        return Ok(Cow::Borrowed(btf));
    }
    let mut copy = Builder::with_strings_of(btf);
    for (_, ty) in &all {
        old.append(&mut copy, btf, ty)?;
    }
    copy.finish().map(Cow::Owned)
}

/// `kind_flag` of an enumeration: its values are signed.
const SIGNED_ENUMS: KernelVersion = KernelVersion::new(6, 0);
/// `kind_flag` of tags: a compiler's own attribute.
const ATTRIBUTES: KernelVersion = KernelVersion::new(6, 15);

/// A kernel that lacks something.
struct Old<'a> {
    target: &'a Target,
}

impl Old<'_> {
    fn without(&self, since: KernelVersion) -> bool {
        self.target.since(since) == Fact::No
    }

    fn without_kind(&self, kind: Kind) -> bool {
        let whole = match kind {
            Kind::Func | Kind::FuncProto => self.target.feature(Feature::FuncInfo),
            Kind::Var | Kind::DataSec => self.target.feature(Feature::GlobalData),
            _ => self.target.since(kind.since()),
        };
        whole == Fact::No
    }

    fn without_global_functions(&self) -> bool {
        self.target.feature(Feature::GlobalFunctions) == Fact::No
    }

    fn lacks(&self, ty: &Type<'_>) -> bool {
        match ty {
            Type::Enum(ty) if ty.signed => self.without(SIGNED_ENUMS),
            Type::DeclTag(tag) if tag.attribute => self.without(ATTRIBUTES),
            Type::TypeTag(tag) if tag.attribute => self.without(ATTRIBUTES),
            Type::Func(func) if func.linkage == Linkage::Global => self.without_global_functions(),
            _ => ty.kind().is_some_and(|kind| self.without_kind(kind)),
        }
    }

    fn append(&self, copy: &mut Builder, btf: &Btf, ty: &Type<'_>) -> Result<TypeId, BtfError> {
        if !self.lacks(ty) {
            return copy.append_type(ty);
        }
        match ty {
            Type::Enum(ty) => copy.append_type(&Type::Enum(Enum { signed: false, ..*ty })),
            Type::Func(func) if !self.without_kind(Kind::Func) => {
                copy.append_type(&Type::Func(Func { linkage: Linkage::Static, ..*func }))
            }
            Type::Func(func) => {
                copy.append_type(&Type::Typedef(Typedef { name: func.name, target: func.proto }))
            }
            // `const void`: a pointer to it is still a pointer.
            Type::FuncProto(_) => copy.append_type(&Type::Const(TypeId::VOID)),
            // One byte fits into whatever place the variable had.
            Type::Var(_) | Type::DeclTag(_) => copy.append_type(&byte()),
            Type::DataSec(section) => append_section(copy, btf, section),
            Type::Float { size, .. } => copy.append_type(&Type::Struct(Composite {
                name: Name::default(),
                size: *size,
                members: Records::from(&[] as &[Member<'_>]),
            })),
            Type::TypeTag(tag) => copy.append_type(&Type::Const(tag.target)),
            Type::Enum64(ty) => copy.append_type(&Type::Int(Int {
                name: ty.name,
                size: ty.size,
                encoding: if ty.signed { IntEncoding::SIGNED } else { IntEncoding::empty() },
                bit_offset: 0,
                bits: u8::try_from(ty.size.saturating_mul(8)).unwrap_or(64),
            })),
            other => copy.append_type(other),
        }
    }
}

fn byte() -> Type<'static> {
    Type::Int(Int { name: Name::default(), size: 1, encoding: IntEncoding::empty(), bit_offset: 0, bits: 8 })
}

/// A struct with a member for each variable. The names of sections are none of C's, so their dots and question marks go.
fn append_section(copy: &mut Builder, btf: &Btf, section: &DataSec<'_>) -> Result<TypeId, BtfError> {
    let name: Vec<u8> = section.name.as_bytes().iter().map(|&byte| identifier(byte)).collect();
    let members = section.vars.iter().map(|place| {
        let (name, ty) = match btf.get(place.var)? {
            Type::Var(var) => (var.name, var.ty),
            _ => (Name::default(), place.var),
        };
        Ok(Member { name, ty, bit_offset: place.offset.saturating_mul(8), bits: 0 })
    });
    let members: Vec<_> = members.collect::<Result<_, BtfError>>()?;
    let (name, size) = (Name::new(&name), section.size);
    copy.append_type(&Type::Struct(Composite { name, size, members: Records::from(&members[..]) }))
}

fn identifier(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte } else { b'_' }
}
