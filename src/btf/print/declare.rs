//! One declaration: C writes types around names, from the inside out.

use super::layout::{self, Part};
use super::order::Printer;
use crate::btf::error::{BtfError, Rule};
use crate::btf::kind::Kind;
use crate::btf::types::{Enum, Enum64, FuncProto, Linkage, Type, TypeId};

/// A typedef, struct, union, enumeration, function or variable, without the semicolon.
pub(super) fn statement(printer: &mut Printer<'_>, id: TypeId) -> Result<String, BtfError> {
    let ty = printer.view.get(id)?;
    let name = printer.name(id);
    let mut writer = Writer { printer, root: id, steps: 0, depth: 0 };
    match ty {
        Type::Typedef(def) => {
            Ok(format!("typedef {}{}", writer.declare(def.target, name, 0)?, writer.tags(id, None)))
        }
        Type::Func(func) => {
            let text = writer.declare(func.proto, name, 0)?;
            Ok(format!("{}{text}{}", storage(func.linkage), writer.tags(id, None)))
        }
        Type::Var(var) => {
            let text = writer.declare(var.ty, name, 0)?;
            Ok(format!("{}{text}{}", storage(var.linkage), writer.tags(id, None)))
        }
        _ => writer.body(id, 0),
    }
}

/// `struct name`.
pub(super) fn tag(printer: &mut Printer<'_>, id: TypeId) -> String {
    let is_union = match printer.view.get(id) {
        Ok(Type::Fwd(fwd)) => fwd.union,
        _ => printer.view.kind_of(id) == Some(Kind::Union),
    };
    format!("{} {}", if is_union { "union" } else { "struct" }, printer.name(id))
}

fn storage(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static ",
        Linkage::Global => "",
        Linkage::Extern => "extern ",
    }
}

struct Writer<'p, 'v> {
    printer: &'p mut Printer<'v>,
    root: TypeId,
    /// How many types this declaration went through.
    steps: usize,
    /// How many declarations this one is inside of.
    depth: usize,
}

/// No declaration goes through more types; one of prototypes in prototypes could, endlessly.
const MANY: usize = 1 << 16;
/// No declaration has more levels of structs and parameters.
const DEEP: usize = 64;

impl Writer<'_, '_> {
    /// `name` as something of this type: `int (*name)(void)`.
    fn declare(&mut self, id: TypeId, name: String, indent: usize) -> Result<String, BtfError> {
        if self.depth == DEEP {
            return Err(self.printer.view.place(self.root).error(Rule::TooDeep));
        }
        self.depth += 1;
        let text = self.around(id, name, indent);
        self.depth -= 1;
        text
    }

    fn around(&mut self, id: TypeId, name: String, indent: usize) -> Result<String, BtfError> {
        let (mut id, mut inner) = (id, name);
        let (mut before, mut after) = (String::new(), String::new());
        loop {
            self.steps += 1;
            if self.steps > MANY {
                return Err(self.printer.view.place(self.root).error(Rule::TooDeep));
            }
            let ty = self.printer.view.get(id)?;
            match ty {
                Type::Const(_) => before.push_str("const "),
                Type::Volatile(_) => before.push_str("volatile "),
                Type::Restrict(_) => before.push_str("restrict "),
                Type::TypeTag(tag) if tag.attribute => {
                    after.push_str(&format!(" __attribute__(({}))", tag.name))
                }
                Type::TypeTag(tag) => {
                    after.push_str(&format!(" __attribute__((btf_type_tag({:?})))", tag.name.to_string()));
                }
                Type::Ptr(_) => {
                    let qualifiers = format!("{before}{}", after.trim_start());
                    let space = if inner.is_empty() || after.is_empty() { "" } else { " " };
                    inner = format!("*{qualifiers}{space}{inner}");
                    (before, after) = (String::new(), String::new());
                }
                Type::Array(array) => inner = format!("{}[{}]", grouped(&inner), array.len),
                Type::FuncProto(proto) => {
                    inner = format!("{}({})", grouped(&inner), self.params(&proto, indent)?);
                    (before, after) = (String::new(), String::new());
                }
                _ => {
                    let space = if inner.is_empty() { "" } else { " " };
                    return Ok(format!(
                        "{before}{}{after}{space}{}",
                        self.base(id, &ty, indent)?,
                        inner.trim_end()
                    ));
                }
            }
            id = next(&ty);
        }
    }

    fn params(&mut self, proto: &FuncProto<'_>, indent: usize) -> Result<String, BtfError> {
        let mut params = Vec::new();
        for param in proto.params {
            params.push(match param.ty.is_void() {
                true => "...".into(),
                false => self.declare(param.ty, param.name.to_string(), indent)?,
            });
        }
        Ok(if params.is_empty() { "void".into() } else { params.join(", ") })
    }

    /// What stands at the left: a name, or a whole struct that has none.
    fn base(&mut self, id: TypeId, ty: &Type<'_>, indent: usize) -> Result<String, BtfError> {
        match ty {
            Type::Void => Ok("void".into()),
            Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_) if ty.name().is_empty() => {
                self.printer.inlined.insert(id);
                self.body(id, indent)
            }
            Type::Struct(_) | Type::Union(_) | Type::Fwd(_) => Ok(tag(self.printer, id)),
            Type::Enum(_) | Type::Enum64(_) => Ok(format!("enum {}", self.printer.name(id))),
            Type::Typedef(_) => Ok(self.printer.name(id)),
            _ => Ok(ty.name().to_string()),
        }
    }

    /// `struct name { … }`.
    fn body(&mut self, id: TypeId, indent: usize) -> Result<String, BtfError> {
        match self.printer.view.get(id)? {
            Type::Struct(_) | Type::Union(_) => self.composite(id, indent),
            Type::Enum(def) => Ok(self.enumeration(id, &def, indent)),
            Type::Enum64(def) => Ok(self.enumeration64(id, &def, indent)),
            ty => self.base(id, &ty, indent),
        }
    }

    fn composite(&mut self, id: TypeId, indent: usize) -> Result<String, BtfError> {
        let plan = layout::plan(self.printer.view, id, &mut self.printer.aligns)?;
        let head = tag(self.printer, id);
        let mut text = format!("{} {{\n", head.trim_end());
        let tabs = "\t".repeat(indent + 1);
        for part in plan.parts {
            text.push_str(&tabs);
            match part {
                Part::Bytes { at, len } => text.push_str(&format!("unsigned char __padding_{at}[{len}];\n")),
                Part::Bits { ty, bits } => {
                    let filler = self.declare(ty, String::new(), indent + 1)?;
                    text.push_str(&format!("{filler}: {bits};\n"));
                }
                Part::ByteBits { bits } => text.push_str(&format!("unsigned char: {bits};\n")),
                Part::Member { index, name, ty, bits, hole } => {
                    text.push_str(&self.declare(ty, name, indent + 1)?);
                    text.push_str(&if bits == 0 { String::new() } else { format!(": {bits}") });
                    text.push_str(&self.tags(id, Some(index)));
                    text.push_str(&hole.map_or_else(|| ";\n".into(), |at| format!("; /* {at} */\n")));
                }
            }
        }
        text.push_str(&"\t".repeat(indent));
        text.push('}');
        text.push_str(if plan.packed { " __attribute__((packed))" } else { "" });
        text.push_str(
            &plan.aligned.map_or_else(String::new, |align| format!(" __attribute__((aligned({align})))")),
        );
        text.push_str(&self.tags(id, None));
        Ok(text)
    }

    fn enumeration(&mut self, id: TypeId, def: &Enum<'_>, indent: usize) -> String {
        let values = def.values.map(|value| {
            (
                value.name,
                if def.signed { value.value.to_string() } else { value.value.cast_unsigned().to_string() },
            )
        });
        self.values(id, values, def.size, 4, indent)
    }

    fn enumeration64(&mut self, id: TypeId, def: &Enum64<'_>, indent: usize) -> String {
        let values = def.values.map(|value| match def.signed {
            true => (value.name, format!("{}LL", value.value.cast_signed())),
            false => (value.name, format!("{}ULL", value.value)),
        });
        let wide = def.values.iter().any(|value| match def.signed {
            true => i32::try_from(value.value.cast_signed()).is_err(),
            false => u32::try_from(value.value).is_err(),
        });
        self.values(id, values, def.size, if wide { 8 } else { 4 }, indent)
    }

    /// Enumerations of another size than C would give them say so.
    fn values<'n>(
        &mut self,
        id: TypeId,
        values: impl ExactSizeIterator<Item = (crate::btf::types::Name<'n>, String)>,
        size: u32,
        natural: u32,
        indent: usize,
    ) -> String {
        let name = self.printer.name(id);
        let mut text = format!("enum {name}").trim_end().to_owned();
        if values.len() == 0 {
            return text;
        }
        text.push_str(" {\n");
        for (name, value) in values {
            let name = self.printer.value_name(&name.to_string());
            text.push_str(&format!("{}{name} = {value},\n", "\t".repeat(indent + 1)));
        }
        text.push_str(&format!("{}}}", "\t".repeat(indent)));
        let mode = match size {
            size if size == natural => "",
            1 => " __attribute__((mode(QI)))",
            2 => " __attribute__((mode(HI)))",
            4 => " __attribute__((mode(SI)))",
            _ => " __attribute__((mode(DI)))",
        };
        text + mode
    }

    fn tags(&self, id: TypeId, component: Option<u32>) -> String {
        self.printer.tags(id, component)
    }
}

/// `*name` binds weaker than `name[1]` and `name()`.
fn grouped(inner: &str) -> String {
    if inner.starts_with('*') { format!("({inner})") } else { inner.to_owned() }
}

/// What a type that is written around a name is made of.
fn next(ty: &Type<'_>) -> TypeId {
    match ty {
        Type::Ptr(target) => *target,
        Type::Array(array) => array.element,
        Type::FuncProto(proto) => proto.ret,
        _ => ty.modified().unwrap_or_default(),
    }
}
