//! The walk over a value: `btf_find_field` and `btf_parse_fields` in `kernel/bpf/btf.c`.

use super::graph::{self, Tags};
use super::inside::Insides;
use super::{FieldError, FieldKind, FieldKinds, FieldRule, MAX_FIELDS, SpecialField, pointer};
use crate::btf::error::{BtfError, DecodeError, Place, Rule};
use crate::btf::kind::Kind;
use crate::btf::size::MAX_DEPTH;
use crate::btf::types::{Composite, Member, Name, Type, TypeId};
use crate::btf::view::View;
use std::cell::OnceCell;

/// The special fields of a map value, in order of their offsets.
///
/// # Errors
/// The type is no map value, or has a special field that the kernel would refuse or silently ignore.
pub fn scan(btf: &View<'_>, value: TypeId) -> Result<Vec<SpecialField>, FieldError> {
    let tags = OnceCell::new();
    let mut walk = Walk::new(btf, &tags, value, FieldKinds::MAP_VALUE, true);
    walk.value()?;
    walk.finish()
}

/// What `BPF_BTF_LOAD` says of every struct that has a lock, list, tree or pointer for allocated objects
/// (`btf_parse_struct_metas`).
pub(crate) fn check_structs(btf: &View<'_>) -> Result<(), BtfError> {
    let tags = OnceCell::new();
    let structs = object_structs(btf);
    let is_object_field = |id| structs.contains(&id) || is_object_pointer(btf, id);
    for id in btf.ids() {
        let Type::Struct(def) = btf.get(id)? else { continue };
        if !def.members.iter().any(|member| is_object_field(member.ty)) {
            continue;
        }
        let mut walk = Walk::new(btf, &tags, id, FieldKinds::OBJECT, false);
        let rule = match walk.composite(id, &def, At::START).and_then(|()| walk.finish()) {
            Ok(fields) if fields.is_empty() => Rule::SpecialIgnored,
            Ok(_) => continue,
            Err(error) => Rule::Special(Box::new(error)),
        };
        return Err(Place { id: Some(id), ..Place::new(Kind::Struct, def.name) }.error(rule));
    }
    Ok(())
}

/// The structs that make the kernel look into a struct they are a member of: the first ones of their names.
fn object_structs(btf: &View<'_>) -> Vec<TypeId> {
    let looked_for = FieldKinds::OBJECT.difference(FieldKinds::KPTRS | FieldKinds::RES_SPIN_LOCK);
    let kinds = FieldKind::ALL.into_iter().filter(|kind| looked_for.contains(kind.set()));
    kinds.filter_map(|kind| btf.find(Kind::Struct, kind.name())).collect()
}

/// So do pointers to allocated objects.
fn is_object_pointer(btf: &View<'_>, id: TypeId) -> bool {
    let tagged = btf.get(id).ok().and_then(|ty| pointer::of(btf, &ty).ok().flatten());
    matches!(tagged, Some(pointer::Tagged::Field(kind, _)) if FieldKinds::KPTRS.contains(kind.set()))
}

struct Walk<'b> {
    btf: &'b View<'b>,
    tags: &'b OnceCell<Tags<'b>>,
    value: TypeId,
    /// What is looked for.
    kinds: FieldKinds,
    /// Whether what the kernel ignores is an error.
    strict: bool,
    insides: Insides<'b>,
    path: Vec<String>,
    found: Vec<SpecialField>,
    /// The first thing that makes the kernel give up on the whole value.
    spoiler: Option<Spoiler>,
}

struct Spoiler {
    path: String,
    offset: u32,
    tag: Option<String>,
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct At {
    /// In bytes from the start of the value.
    offset: u32,
    /// In bytes from the start of the innermost struct, which is what the kernel wants aligned.
    inner: u32,
    depth: usize,
    /// How many of it lie in a row, all arrays on the way multiplied.
    len: u64,
}

impl At {
    const START: Self = Self { offset: 0, inner: 0, depth: 0, len: 1 };
}

/// The declaration of a field, which a list or tree has its tag on.
#[derive(Clone, Copy)]
struct Owner {
    id: TypeId,
    component: Option<u32>,
}

type Outcome = Result<(), FieldError>;

/// Down into the value.
impl<'b> Walk<'b> {
    fn new(
        btf: &'b View<'b>,
        tags: &'b OnceCell<Tags<'b>>,
        value: TypeId,
        kinds: FieldKinds,
        strict: bool,
    ) -> Self {
        let insides = Insides::new(btf, kinds);
        Self { btf, tags, value, kinds, strict, insides, path: Vec::new(), found: Vec::new(), spoiler: None }
    }

    fn value(&mut self) -> Outcome {
        let sized = self.btf.size_of(self.value).and_then(|_| self.btf.resolve(self.value));
        let (id, ty) = match sized {
            Ok(resolved) => resolved,
            Err(error) => return Err(self.fail(None, 0, FieldRule::NotAValue(Box::new(error)))),
        };
        match ty {
            Type::Struct(def) => match self.named(&ty) {
                Some(kind) if self.strict => Err(self.fail(Some(kind), 0, FieldRule::ValueItself)),
                _ => self.composite(id, &def, At::START),
            },
            Type::DataSec(section) => {
                section.vars.iter().try_for_each(|entry| self.variable(entry.var, entry.offset, entry.size))
            }
            _ => match ty.kind() {
                Some(value_kind) => self.hidden(id, 0, &FieldRule::ValueNotStruct { value_kind }),
                None => Ok(()),
            },
        }
    }

    fn variable(&mut self, id: TypeId, offset: u32, room: u32) -> Outcome {
        let Type::Var(var) = self.get(id)? else { return Ok(()) };
        let before = self.found.len();
        self.enter(var.name);
        self.field(var.ty, Owner { id, component: None }, At { offset, inner: offset, ..At::START })?;
        let expected = self.btf.size_of(var.ty).unwrap_or(0);
        match self.found.get(before).map(|field| field.kind) {
            Some(kind) if room != expected => {
                return Err(self.fail(Some(kind), offset, FieldRule::SectionSize { expected, found: room }));
            }
            _ => self.path.pop(),
        };
        Ok(())
    }

    fn composite(&mut self, id: TypeId, def: &Composite<'_>, at: At) -> Outcome {
        for (index, member) in def.members.enumerate() {
            self.enter(member.name);
            self.member(id, index as u32, &member, at)?;
            self.path.pop();
        }
        Ok(())
    }

    fn member(&mut self, id: TypeId, index: u32, member: &Member<'_>, at: At) -> Outcome {
        let inner = member.bit_offset / 8;
        let offset = at.offset.saturating_add(inner);
        if !member.bit_offset.is_multiple_of(8) {
            self.spoil(offset, None);
            return Ok(());
        }
        self.field(member.ty, Owner { id, component: Some(index) }, At { offset, inner, ..at })
    }

    fn field(&mut self, id: TypeId, owner: Owner, at: At) -> Outcome {
        let (id, ty, len) = self.element(id)?;
        let at = At { len: at.len.saturating_mul(len), ..at };
        if let Some(kind) = self.named(&ty) {
            return self.special(kind, &ty, owner, len, at);
        }
        match ty {
            Type::Struct(def) => self.nested(id, &def, len, at),
            Type::Union(_) => self.hidden(id, at.offset, &FieldRule::InUnion),
            _ => self.pointer(id, &ty, len, at),
        }
    }

    /// What an array is of, arrays of arrays too, and how many. Nothing else is looked through.
    fn element(&self, id: TypeId) -> Result<(TypeId, Type<'b>, u64), FieldError> {
        let (mut id, mut len) = (id, 1u64);
        for _ in 0..MAX_DEPTH {
            match self.get(id)? {
                Type::Array(array) => {
                    len = len.saturating_mul(array.len.into());
                    id = array.element;
                }
                ty => return Ok((id, ty, len)),
            }
        }
        Err(self.fail(None, 0, FieldRule::TooDeep))
    }

    fn nested(&mut self, id: TypeId, def: &Composite<'_>, len: u64, at: At) -> Outcome {
        let inside = self.insides.of(id);
        if !inside.special && !inside.spoiler {
            return Ok(());
        }
        if at.depth + 1 >= MAX_DEPTH {
            return Err(self.fail(None, at.offset, FieldRule::TooDeep));
        }
        if len == 0 && inside.special {
            return self.ignored_inside(id, at.offset, &FieldRule::InEmptyArray);
        }
        let before = self.found.len();
        for index in 0..len {
            let offset = at.offset.saturating_add((index as u32).saturating_mul(def.size));
            self.subscript(index, len);
            self.composite(id, def, At { offset, depth: at.depth + 1, ..at })?;
            if self.found.len() == before {
                break;
            }
        }
        Ok(())
    }
}

/// At a field.
impl<'b> Walk<'b> {
    /// The kernel goes by the name alone at first.
    fn named(&self, ty: &Type<'_>) -> Option<FieldKind> {
        FieldKind::of_struct(ty.name().as_bytes()).filter(|kind| self.kinds.contains(kind.set()))
    }

    fn special(&mut self, kind: FieldKind, ty: &Type<'_>, owner: Owner, len: u64, at: At) -> Outcome {
        if len == 0 {
            return self.ignored(kind, at.offset, FieldRule::InEmptyArray);
        }
        if let Some(first) = self.found.iter().find(|field| field.kind == kind && kind.max_per_value() == 1) {
            let first = first.path.clone();
            return Err(self.fail(Some(kind), at.offset, FieldRule::Second { first }));
        }
        let Type::Struct(def) = ty else {
            let found = ty.kind().unwrap_or(Kind::Struct);
            return self.ignored(kind, at.offset, FieldRule::NotAStruct { found });
        };
        if def.size != kind.size() {
            let rule = FieldRule::Size { expected: kind.size(), found: def.size };
            return self.ignored(kind, at.offset, rule);
        }
        if let Some(rule) = self.misaligned(kind, at) {
            return self.ignored(kind, at.offset, rule);
        }
        let of = match kind {
            FieldKind::ListHead => Some(self.contains(kind, owner, "bpf_list_node", at)?),
            FieldKind::RbRoot => Some(self.contains(kind, owner, "bpf_rb_node", at)?),
            _ => None,
        };
        self.add(kind, of, len, at)
    }

    /// The struct that a list or tree holds.
    fn contains(
        &self,
        kind: FieldKind,
        owner: Owner,
        node: &'static str,
        at: At,
    ) -> Result<TypeId, FieldError> {
        let tags = self.tags.get_or_init(|| Tags::new(self.btf));
        graph::contained(self.btf, tags, owner.id, owner.component, node)
            .map_err(|rule| self.fail(Some(kind), at.offset, rule))
    }

    fn pointer(&mut self, id: TypeId, ty: &Type<'_>, len: u64, at: At) -> Outcome {
        match pointer::of(self.btf, ty) {
            Ok(Some(pointer::Tagged::Field(kind, of))) if self.kinds.contains(kind.set()) => match len {
                0 => self.ignored(kind, at.offset, FieldRule::InEmptyArray),
                _ => match self.misaligned(kind, at) {
                    Some(rule) => self.ignored(kind, at.offset, rule),
                    None => self.add(kind, Some(of), len, at),
                },
            },
            Ok(Some(pointer::Tagged::Unknown(tag))) => {
                if len > 0 && at.inner.is_multiple_of(FieldKind::Kptr.align()) {
                    self.spoil(at.offset, Some(tag.to_string()));
                }
                Ok(())
            }
            Ok(Some(pointer::Tagged::Field(..))) => Ok(()),
            Ok(None) => match modifier(ty) {
                Some(modifier) => self.hidden(id, at.offset, &FieldRule::Behind { modifier }),
                None => Ok(()),
            },
            Err(pointer::Wrong { kind, rule }) => Err(self.fail(Some(kind), at.offset, rule)),
        }
    }

    /// The kernel looks at the place within the innermost struct only. One that is well placed there and badly in
    /// the value is found, and is misaligned in memory.
    fn misaligned(&self, kind: FieldKind, at: At) -> Option<FieldRule> {
        let align = kind.align();
        if at.inner != at.offset && !at.inner.is_multiple_of(align) {
            return Some(FieldRule::Misaligned { align, of: "the struct around it", inner: at.inner });
        }
        let in_value = (self.strict || at.inner == at.offset) && !at.offset.is_multiple_of(align);
        in_value.then_some(FieldRule::Misaligned { align, of: "the value", inner: at.offset })
    }

    fn add(&mut self, kind: FieldKind, of: Option<TypeId>, len: u64, at: At) -> Outcome {
        if at.len > 1 && !kind.repeats() {
            return Err(self.fail(Some(kind), at.offset, FieldRule::InArray { len: at.len }));
        }
        for index in 0..len {
            let offset = at.offset.saturating_add((index as u32).saturating_mul(kind.size()));
            self.subscript(index, len);
            if self.found.len() == MAX_FIELDS {
                return Err(self.fail(Some(kind), offset, FieldRule::TooMany));
            }
            self.found.push(SpecialField { kind, offset, path: self.path(), of });
        }
        Ok(())
    }
}

/// What the kernel does not see.
impl Walk<'_> {
    fn ignored(&self, kind: FieldKind, offset: u32, rule: FieldRule) -> Outcome {
        if self.strict { Err(self.fail(Some(kind), offset, rule)) } else { Ok(()) }
    }

    /// A type the kernel does not look into: an error if there is something special in it.
    fn hidden(&mut self, id: TypeId, offset: u32, rule: &FieldRule) -> Outcome {
        if self.strict && self.insides.of(id).special {
            self.ignored_inside(id, offset, rule)
        } else {
            Ok(())
        }
    }

    /// The error for the first special field in a type that has some.
    fn ignored_inside(&mut self, id: TypeId, offset: u32, rule: &FieldRule) -> Outcome {
        if !self.strict {
            return Ok(());
        }
        let Some(first) = self.insides.first(id) else { return Ok(()) };
        self.path.extend(first.path);
        Err(self.fail(Some(first.kind), offset.saturating_add(first.offset), rule.clone()))
    }

    fn spoil(&mut self, offset: u32, tag: Option<String>) {
        if self.spoiler.is_none() {
            self.spoiler = Some(Spoiler { path: self.path(), offset, tag });
        }
    }
}

/// The value as a whole.
impl Walk<'_> {
    fn finish(&mut self) -> Result<Vec<SpecialField>, FieldError> {
        if let (Some(spoiler), Some(field)) = (self.spoiler.take(), self.found.first()) {
            let field = field.path.clone();
            let rule = match spoiler.tag {
                Some(tag) => FieldRule::Tag { tag, field },
                None => FieldRule::BitField { field },
            };
            return Err(self.fail_at(spoiler.path, None, spoiler.offset, rule));
        }
        self.check_overlap()?;
        self.check_locks()?;
        Ok(std::mem::take(&mut self.found))
    }

    fn check_overlap(&self) -> Outcome {
        for pair in self.found.windows(2) {
            let [one, two] = pair else { continue };
            if two.offset < one.offset + one.kind.size() {
                let rule = FieldRule::Overlap { other: one.path.clone() };
                return Err(self.fail_at(two.path.clone(), Some(two.kind), two.offset, rule));
            }
        }
        Ok(())
    }

    fn check_locks(&self) -> Outcome {
        let first = |kinds: FieldKinds| self.found.iter().find(|field| kinds.contains(field.kind.set()));
        let fail =
            |at: &SpecialField, rule| Err(self.fail_at(at.path.clone(), Some(at.kind), at.offset, rule));
        let (lock, res_lock) = (first(FieldKinds::SPIN_LOCK), first(FieldKinds::RES_SPIN_LOCK));
        if let (Some(lock), Some(other)) = (lock, res_lock) {
            let (first, second) = if lock.offset < other.offset { (lock, other) } else { (other, lock) };
            return fail(second, FieldRule::TwoLocks { first: first.path.clone() });
        }
        if let (Some(root), None, None) = (first(FieldKinds::LIST_HEAD | FieldKinds::RB_ROOT), lock, res_lock)
        {
            return fail(root, FieldRule::NeedsLock);
        }
        match (first(FieldKinds::LIST_NODE), first(FieldKinds::RB_NODE), first(FieldKinds::REFCOUNT)) {
            (Some(_), Some(node), None) => fail(node, FieldRule::NeedsRefCount),
            _ => Ok(()),
        }
    }
}

/// Words for errors.
impl<'b> Walk<'b> {
    fn enter(&mut self, name: Name<'_>) {
        self.path.push(name.to_string());
    }

    /// The last name of the path with this subscript, if it is one of many.
    fn subscript(&mut self, index: u64, len: u64) {
        if let Some(last) = self.path.last_mut().filter(|_| len > 1) {
            last.truncate(last.find('[').unwrap_or(last.len()));
            last.push_str(&format!("[{index}]"));
        }
    }

    /// As C would write it: through members without names, without a word.
    fn path(&self) -> String {
        self.path.iter().filter(|name| !name.is_empty()).map(String::as_str).collect::<Vec<_>>().join(".")
    }

    fn get(&self, id: TypeId) -> Result<Type<'b>, FieldError> {
        self.btf.get(id).map_err(|error: DecodeError| self.fail(None, 0, error.into()))
    }

    fn fail(&self, kind: Option<FieldKind>, offset: u32, rule: FieldRule) -> FieldError {
        self.fail_at(self.path(), kind, offset, rule)
    }

    fn fail_at(&self, path: String, kind: Option<FieldKind>, offset: u32, rule: FieldRule) -> FieldError {
        FieldError { value: self.value_name(), path, kind, offset, rule }
    }

    fn value_name(&self) -> String {
        let Ok((id, ty)) = self.btf.resolve(self.value) else { return format!("type {}", self.value) };
        let word = match ty {
            Type::Struct(_) => "struct ",
            Type::Union(_) => "union ",
            Type::DataSec(_) => "section ",
            _ => "",
        };
        match ty.name() {
            name if name.is_empty() && word.is_empty() => format!("type {id}"),
            name if name.is_empty() => format!("{word}{id}"),
            name => format!("{word}{name}"),
        }
    }
}

/// A modifier, as an error calls it.
fn modifier(ty: &Type<'_>) -> Option<String> {
    match ty {
        Type::Typedef(def) => Some(format!("the typedef {}", def.name)),
        Type::TypeTag(tag) => Some(format!("the type tag {}", tag.name)),
        Type::Const(_) => Some("const".into()),
        Type::Volatile(_) => Some("volatile".into()),
        Type::Restrict(_) => Some("restrict".into()),
        _ => None,
    }
}
