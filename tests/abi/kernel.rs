//! Structs, unions and enumerations of the running kernel, by name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bpfsmith::btf::{Composite, Kind, Type, TypeId, View};
use bpfsmith::sys::host::{self, KernelBtf};

pub struct Kernel(View<'static>);

/// A field that holds a number or numbers, with its path; anonymous members do not show in it.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub offset: usize,
    pub size: usize,
    /// The innermost struct around it, and where that is.
    around: (TypeId, usize),
}

impl Kernel {
    /// Opened once for all tests.
    pub fn open() -> &'static Self {
        static KERNEL: LazyLock<Kernel> = LazyLock::new(|| {
            let bytes: &'static KernelBtf = Box::leak(Box::new(host::vmlinux_btf().unwrap()));
            Kernel(View::new(bytes).unwrap())
        });
        &KERNEL
    }

    fn record(&self, name: &str) -> Option<TypeId> {
        self.0.find(Kind::Union, name).or_else(|| self.0.find(Kind::Struct, name))
    }

    /// All fields of a struct or union.
    pub fn fields(&self, record: &str) -> Vec<Field> {
        let mut fields = Vec::new();
        if let Some(id) = self.record(record) {
            collect(&self.0, id, "", (id, 0), &mut fields);
        }
        fields
    }

    pub fn find(&self, record: &str, name: &str) -> Option<Field> {
        self.fields(record).into_iter().find(|field| field.name == name)
    }

    /// The fields of the innermost struct that holds `name`, those inside of its members too.
    pub fn siblings(&self, record: &str, name: &str) -> Vec<Field> {
        let (id, start) = self.find(record, name).unwrap().around;
        let mut fields = Vec::new();
        collect(&self.0, id, "", (id, start), &mut fields);
        fields
    }

    pub fn size(&self, record: &str) -> usize {
        size(&self.0, self.record(record).unwrap())
    }

    pub fn values_of(&self, name: &str) -> Vec<(String, u64)> {
        values(&self.0.get(self.0.find(Kind::Enum, name).unwrap()).unwrap())
    }

    /// Every value of every enumeration.
    pub fn enumerators(&self) -> BTreeMap<String, u64> {
        self.0.ids().flat_map(|id| values(&self.0.get(id).unwrap())).collect()
    }
}

fn values(ty: &Type<'_>) -> Vec<(String, u64)> {
    match ty {
        Type::Enum(ty) => {
            ty.values.iter().map(|value| (value.name.to_string(), value.value as u64)).collect()
        }
        Type::Enum64(ty) => ty.values.iter().map(|value| (value.name.to_string(), value.value)).collect(),
        _ => Vec::new(),
    }
}

fn collect(view: &View<'_>, id: TypeId, prefix: &str, around: (TypeId, usize), fields: &mut Vec<Field>) {
    let Some(composite) = composite(view, id) else { return };
    let (_, start) = around;
    for member in composite.members.iter() {
        let name = member.name.to_string();
        let offset = start + member.bit_offset as usize / 8;
        let path = if prefix.is_empty() || name.is_empty() {
            format!("{prefix}{name}")
        } else {
            format!("{prefix}.{name}")
        };
        let ty = resolve(view, member.ty);
        match view.get(ty).unwrap() {
            Type::Struct(_) => collect(view, ty, &path, (ty, offset), fields),
            Type::Union(_) => {
                let first = fields.len();
                collect(view, ty, &path, (ty, offset), fields);
                // A union's own members count as of the struct around it.
                fields[first..]
                    .iter_mut()
                    .filter(|field| field.around.0 == ty)
                    .for_each(|field| field.around = around);
            }
            _ if name.is_empty() => {}
            _ => fields.push(Field { name: path, offset, size: size(view, ty), around }),
        }
    }
}

fn composite<'a>(view: &'a View<'_>, id: TypeId) -> Option<Composite<'a>> {
    match view.get(id).unwrap() {
        Type::Struct(composite) | Type::Union(composite) => Some(composite),
        _ => None,
    }
}

/// Without typedefs and qualifiers.
fn resolve(view: &View<'_>, mut id: TypeId) -> TypeId {
    loop {
        id = match view.get(id).unwrap() {
            Type::Typedef(ty) => ty.target,
            Type::Const(ty) | Type::Volatile(ty) | Type::Restrict(ty) => ty,
            _ => return id,
        };
    }
}

fn size(view: &View<'_>, id: TypeId) -> usize {
    view.size_of(id).unwrap() as usize
}
