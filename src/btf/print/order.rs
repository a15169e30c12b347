//! What comes first: C wants a type to be known before it is used, and complete before it is a member.

use super::declare;
use crate::btf::error::{BtfError, Rule};
use crate::btf::types::{Name, Type, TypeId};
use crate::btf::view::View;
use std::collections::{HashMap, HashSet};

/// Deeper than types are.
const DEEP: usize = 200;

/// How many bytes of C there may be for each byte of BTF, and how many in any case; a kernel's BTF has less than one.
const C_PER_BYTE: usize = 32;
const SOME_C: usize = 1 << 16;

pub(super) fn one(view: &View<'_>, id: TypeId) -> Result<String, BtfError> {
    let mut printer = Printer::new(view);
    printer.visit(id, Use::Complete, 0)?;
    if !printer.started.contains(&id) || printer.is_nameless(id) {
        printer.statement(id)?;
    }
    Ok(printer.out)
}

pub(super) fn all(view: &View<'_>) -> Result<String, BtfError> {
    let mut printer = Printer::new(view);
    view.ids().try_for_each(|id| printer.visit(id, Use::Complete, 0))?;
    // Enumerations without a name may be there for their values alone.
    for id in view.ids() {
        let is_enum = matches!(view.get(id)?, Type::Enum(_) | Type::Enum64(_));
        if is_enum && !printer.started.contains(&id) && !printer.inlined.contains(&id) {
            printer.statement(id)?;
        }
    }
    Ok(printer.out)
}

/// The bytes of BTF there are to print, with those it is split from.
fn size(view: &View<'_>) -> usize {
    view.types.len() + view.strings.len() + view.base.as_ref().map_or(0, |base| size(base))
}

/// How a type is used.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    /// Its size matters.
    Complete,
    /// Only its name does: behind a pointer.
    Named,
}

pub(super) struct Printer<'v> {
    pub(super) view: &'v View<'v>,
    pub(super) out: String,
    /// Names that are taken, and how often, apart for tags and for the rest.
    taken: HashMap<(bool, String), u32>,
    /// What each printed type is called.
    names: HashMap<TypeId, String>,
    /// Declaration tags, by what they are on.
    tags: HashMap<(TypeId, Option<u32>), Vec<Name<'v>>>,
    /// Structs and unions that are declared, not complete.
    declared: HashSet<TypeId>,
    /// What is printed, or is about to be further up.
    started: HashSet<TypeId>,
    /// What was visited already.
    seen: HashSet<(TypeId, Use)>,
    /// Enumerations without a name that are printed where they are used.
    pub(super) inlined: HashSet<TypeId>,
    pub(super) aligns: HashMap<TypeId, u32>,
    /// How many bytes of C there may be.
    limit: usize,
}

impl<'v> Printer<'v> {
    fn new(view: &'v View<'v>) -> Self {
        let mut tags: HashMap<_, Vec<_>> = HashMap::new();
        for id in view.ids() {
            if let Ok(Type::DeclTag(tag)) = view.get(id) {
                tags.entry((tag.target, tag.component)).or_default().push(tag.name);
            }
        }
        let (taken, names) = (HashMap::new(), HashMap::new());
        let (declared, started, seen) = (HashSet::new(), HashSet::new(), HashSet::new());
        Self {
            view,
            out: String::new(),
            taken,
            names,
            tags,
            declared,
            started,
            seen,
            inlined: HashSet::new(),
            aligns: HashMap::new(),
            limit: SOME_C + C_PER_BYTE * size(view),
        }
    }

    fn visit(&mut self, id: TypeId, usage: Use, depth: usize) -> Result<(), BtfError> {
        if depth == DEEP {
            return Err(self.view.place(id).error(Rule::TooDeep));
        }
        if !self.seen.insert((id, usage)) {
            return Ok(());
        }
        let depth = depth + 1;
        match self.view.get(id)? {
            Type::Void | Type::Int(_) | Type::Float { .. } | Type::DeclTag(_) => Ok(()),
            Type::Ptr(target) => self.visit(target, Use::Named, depth),
            Type::Array(array) => self.visit(array.element, Use::Complete, depth),
            Type::Const(target) | Type::Volatile(target) | Type::Restrict(target) => {
                self.visit(target, usage, depth)
            }
            Type::TypeTag(tag) => self.visit(tag.target, usage, depth),
            Type::Typedef(def) => self.typedef(id, def.target, usage, depth),
            Type::FuncProto(proto) => {
                self.visit(proto.ret, Use::Named, depth)?;
                proto.params.iter().try_for_each(|param| self.visit(param.ty, Use::Named, depth))
            }
            Type::Struct(def) | Type::Union(def) => match (def.name.is_empty(), usage) {
                (false, Use::Named) => self.declare(id),
                _ => self.composite(id, def.members.map(|member| member.ty), depth),
            },
            Type::Enum(_) | Type::Enum64(_) => self.once(id),
            Type::Fwd(_) => self.declare(id),
            Type::Func(func) => self.declaration(id, func.proto, depth),
            Type::Var(var) => self.declaration(id, var.ty, depth),
            Type::DataSec(section) => {
                section.vars.iter().try_for_each(|entry| self.visit(entry.var, Use::Complete, depth))
            }
        }
    }

    /// A typedef needs the name of its target only, but whoever uses it may need all of it.
    fn typedef(&mut self, id: TypeId, target: TypeId, usage: Use, depth: usize) -> Result<(), BtfError> {
        if self.started.insert(id) {
            let inline = self.is_nameless(target);
            self.visit(target, if inline { Use::Complete } else { Use::Named }, depth)?;
            // This one every compiler brings along.
            if self.name_of(id) != "__builtin_va_list" {
                self.statement(id)?;
            }
        }
        if usage == Use::Complete { self.visit(target, usage, depth) } else { Ok(()) }
    }

    fn composite(
        &mut self,
        id: TypeId,
        members: impl Iterator<Item = TypeId>,
        depth: usize,
    ) -> Result<(), BtfError> {
        if !self.started.insert(id) {
            return Ok(());
        }
        let mut members = members;
        members.try_for_each(|member| self.visit(member, Use::Complete, depth))?;
        // One without a name is printed where it is used.
        if self.is_nameless(id) { Ok(()) } else { self.statement(id) }
    }

    fn declaration(&mut self, id: TypeId, ty: TypeId, depth: usize) -> Result<(), BtfError> {
        if !self.started.insert(id) {
            return Ok(());
        }
        self.visit(ty, Use::Complete, depth)?;
        self.statement(id)
    }

    fn once(&mut self, id: TypeId) -> Result<(), BtfError> {
        if !self.is_nameless(id) && self.started.insert(id) {
            return self.statement(id);
        }
        Ok(())
    }

    fn declare(&mut self, id: TypeId) -> Result<(), BtfError> {
        if !self.started.contains(&id) && self.declared.insert(id) {
            let tag = declare::tag(self, id);
            self.out.push_str(&tag);
            self.out.push_str(";\n\n");
        }
        Ok(())
    }

    fn statement(&mut self, id: TypeId) -> Result<(), BtfError> {
        let text = declare::statement(self, id)?;
        self.out.push_str(&text);
        self.out.push_str(";\n\n");
        let limit = self.limit;
        if self.out.len() > limit { Err(self.view.place(id).error(Rule::TooMuch { limit })) } else { Ok(()) }
    }

    fn is_nameless(&self, id: TypeId) -> bool {
        match self.view.get(id) {
            Ok(Type::Array(array)) => self.is_nameless(array.element),
            Ok(Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_)) => {
                self.name_of(id).is_empty()
            }
            Ok(ty) => ty
                .modified()
                .is_some_and(|target| !matches!(ty, Type::Typedef(_)) && self.is_nameless(target)),
            Err(_) => false,
        }
    }

    fn name_of(&self, id: TypeId) -> Name<'v> {
        self.view.get(id).map(|ty| ty.name()).unwrap_or_default()
    }
}

/// Names and tags.
impl<'v> Printer<'v> {
    /// What a type is called: its name, with a number behind it if another has that name already.
    pub(super) fn name(&mut self, id: TypeId) -> String {
        if let Some(name) = self.names.get(&id) {
            return name.clone();
        }
        let name = self.name_of(id);
        let is_tag = matches!(
            self.view.get(id),
            Ok(Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_))
        );
        let is_fwd = matches!(self.view.get(id), Ok(Type::Fwd(_)));
        let called =
            if is_fwd || name.is_empty() { name.to_string() } else { self.take(is_tag, &name.to_string()) };
        self.names.insert(id, called.clone());
        called
    }

    /// A name among those that are no tags.
    pub(super) fn value_name(&mut self, name: &str) -> String {
        self.take(false, name)
    }

    fn take(&mut self, is_tag: bool, name: &str) -> String {
        let taken = self.taken.entry((is_tag, name.to_owned())).or_insert(0);
        *taken += 1;
        if *taken == 1 { name.to_owned() } else { format!("{name}___{taken}") }
    }

    /// The declaration tags on a type or a component of it, as attributes.
    pub(super) fn tags(&self, id: TypeId, component: Option<u32>) -> String {
        let tags = self.tags.get(&(id, component)).map(Vec::as_slice).unwrap_or_default();
        tags.iter().map(|tag| format!(" __attribute__((btf_decl_tag({:?})))", tag.to_string())).collect()
    }
}
