//! Every type in a line of its own, with numbers: the form of `bpftool btf dump`.

use super::types::{Enum, Enum64, IntEncoding, Linkage, Name, Type, TypeId};
use super::view::View;
use std::fmt::{self, Formatter};

impl View<'_> {
    /// All of its own types as text, one after the other, as `bpftool btf dump` lists them.
    #[must_use]
    pub const fn listing(&self) -> Listing<'_> {
        Listing(self)
    }
}

/// [`View::listing`].
#[derive(Debug)]
pub struct Listing<'a>(&'a View<'a>);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.ids().try_for_each(|id| match self.0.get(id) {
            Ok(ty) => Line { view: self.0, id, ty: &ty }.fmt(f),
            Err(error) => writeln!(f, "{id} {error}"),
        })
    }
}

struct Line<'a> {
    view: &'a View<'a>,
    id: TypeId,
    ty: &'a Type<'a>,
}

impl Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(kind) = self.ty.kind() else { return Ok(()) };
        write!(f, "{} {kind} {}", self.id, Quoted(self.ty.name()))?;
        match self.ty {
            Type::Void => Ok(()),
            Type::Int(int) => writeln!(
                f,
                " size={} bits_offset={} nr_bits={} encoding={}",
                int.size,
                int.bit_offset,
                int.bits,
                encoding(int.encoding)
            ),
            Type::Ptr(target) | Type::Const(target) | Type::Volatile(target) | Type::Restrict(target) => {
                writeln!(f, " type_id={}", target.0)
            }
            Type::Typedef(def) => writeln!(f, " type_id={}", def.target.0),
            Type::TypeTag(tag) => writeln!(f, " type_id={}", tag.target.0),
            Type::Array(array) => {
                let (element, index, len) = (array.element.0, array.index.0, array.len);
                writeln!(f, " type_id={element} index_type_id={index} nr_elems={len}")
            }
            Type::Fwd(fwd) => writeln!(f, " fwd_kind={}", if fwd.union { "union" } else { "struct" }),
            Type::Func(func) => writeln!(f, " type_id={} linkage={}", func.proto.0, linkage(func.linkage)),
            Type::Var(var) => writeln!(f, " type_id={}, linkage={}", var.ty.0, linkage(var.linkage)),
            Type::Float { size, .. } => writeln!(f, " size={size}"),
            Type::DeclTag(tag) => {
                let component = tag.component.map_or(-1, i64::from);
                writeln!(f, " type_id={} component_idx={component}", tag.target.0)
            }
            _ => self.list(f),
        }
    }

    fn list(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.ty {
            Type::Struct(def) | Type::Union(def) => {
                writeln!(f, " size={} vlen={}", def.size, def.members.len())?;
                def.members.iter().try_for_each(|member| {
                    let (name, ty) = (Quoted(member.name), member.ty.0);
                    write!(f, "\t{name} type_id={ty} bits_offset={}", member.bit_offset)?;
                    match member.bits {
                        0 => writeln!(f),
                        bits => writeln!(f, " bitfield_size={bits}"),
                    }
                })
            }
            Type::Enum(def) => enumeration(def, f),
            Type::Enum64(def) => enumeration64(def, f),
            Type::FuncProto(proto) => {
                writeln!(f, " ret_type_id={} vlen={}", proto.ret.0, proto.params.len())?;
                let mut params = proto.params;
                params.try_for_each(|param| writeln!(f, "\t{} type_id={}", Quoted(param.name), param.ty.0))
            }
            Type::DataSec(section) => {
                writeln!(f, " size={} vlen={}", section.size, section.vars.len())?;
                section.vars.iter().try_for_each(|entry| {
                    write!(f, "\ttype_id={} offset={} size={}", entry.var.0, entry.offset, entry.size)?;
                    match self.view.get(entry.var) {
                        Ok(var) => writeln!(f, " (VAR {})", Quoted(var.name())),
                        Err(_) => writeln!(f),
                    }
                })
            }
            _ => writeln!(f),
        }
    }
}

fn enumeration(def: &Enum<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, " encoding={} size={} vlen={}", sign(def.signed), def.size, def.values.len())?;
    def.values.iter().try_for_each(|value| match def.signed {
        true => writeln!(f, "\t{} val={}", Quoted(value.name), value.value),
        false => writeln!(f, "\t{} val={}", Quoted(value.name), value.value.cast_unsigned()),
    })
}

fn enumeration64(def: &Enum64<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, " encoding={} size={} vlen={}", sign(def.signed), def.size, def.values.len())?;
    def.values.iter().try_for_each(|value| match def.signed {
        true => writeln!(f, "\t{} val={}LL", Quoted(value.name), value.value.cast_signed()),
        false => writeln!(f, "\t{} val={}ULL", Quoted(value.name), value.value),
    })
}

/// A name in quotes, as bpftool writes it.
struct Quoted<'a>(Name<'a>);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("'(anon)'") } else { write!(f, "'{}'", self.0) }
    }
}

const fn sign(signed: bool) -> &'static str {
    if signed { "SIGNED" } else { "UNSIGNED" }
}

fn encoding(encoding: IntEncoding) -> &'static str {
    match encoding.bits() {
        0 => "(none)",
        1 => "SIGNED",
        2 => "CHAR",
        4 => "BOOL",
        _ => "UNKN",
    }
}

const fn linkage(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static",
        Linkage::Global => "global",
        Linkage::Extern => "extern",
    }
}
