//! Whether `BPF_BTF_LOAD` takes a whole BTF: every type by itself (`check`), and all of them together.

use super::check;
use super::decode::HEADER;
use super::error::{BtfError, Place, Rule};
use super::kind::Kind;
use super::size::MAX_DEPTH;
use super::special;
use super::types::{Linkage, Name, StrOff, Type, TypeId};
use super::view::{Raw, VLEN_MASK, View};

/// What the kernel takes at most, all together (`BTF_MAX_SIZE`).
pub(crate) const MAX_SIZE: usize = 16 * 1024 * 1024;

impl View<'_> {
    /// Checks the BTF as a kernel does when it is loaded. What a [`Builder`](super::Builder) finished passes, unless
    /// it has extern declarations.
    ///
    /// # Errors
    /// The first rule that is broken: which type, which member, which rule.
    pub fn check(&self) -> Result<(), BtfError> {
        let size = HEADER + self.types.len() + self.strings.len();
        if size > MAX_SIZE {
            return Err(Place::default().error(Rule::TooLong { size }));
        }
        if self.is_empty() && self.base.is_none() {
            return Err(Place::default().error(Rule::NoTypes));
        }
        self.ids().try_for_each(|id| self.check_words(id))?;
        Resolver::new(self).all()?;
        self.ids().try_for_each(|id| self.check_type(id))?;
        self.check_tags()?;
        special::check_structs(self)
    }

    /// The part of [`check`](Self::check) that types do not pass one by one as they are added.
    pub(crate) fn check_whole(&self) -> Result<(), BtfError> {
        if self.is_empty() && self.base.is_none() {
            return Err(Place::default().error(Rule::NoTypes));
        }
        Resolver::new(self).all()?;
        self.check_tags()?;
        special::check_structs(self)
    }

    /// The bits that a kind does not use.
    fn check_words(&self, id: TypeId) -> Result<(), BtfError> {
        let Some((view, at)) = self.locate(id) else {
            return Err(self.place(id).error(Rule::NoSuchType { id }));
        };
        let raw = Raw::new(view, id, at)?;
        let fail = |rule| Err(self.place(id).error(rule));
        let (has_name, has_list, has_flag, has_third) = uses(raw.kind);
        let unknown = (!has_list && raw.info & VLEN_MASK != 0) || (!has_flag && raw.flag);
        match raw.kind {
            _ if unknown => fail(Rule::Info { info: raw.info }),
            _ if !has_name && raw.name_offset() != 0 => fail(Rule::NameForbidden),
            _ if !has_third && raw.third != 0 => fail(Rule::SizeForbidden { size: raw.third }),
            Kind::Int if raw.extra(0) & 0xf000_0000 != 0 => fail(Rule::IntWord { word: raw.extra(0) }),
            // Nobody looks at the names of numbers.
            Kind::Int | Kind::Float => Ok(()),
            _ if raw.names().any(|name| name != 0 && self.name(StrOff(name)).is_none_or(Name::is_empty)) => {
                fail(Rule::NameInvalid)
            }
            _ => Ok(()),
        }
    }

    fn check_type(&self, id: TypeId) -> Result<(), BtfError> {
        let ty = self.get(id)?;
        let flag =
            self.locate(id).and_then(|(view, at)| Raw::new(view, id, at).ok()).is_some_and(|raw| raw.flag);
        let result = match ty {
            Type::Func(func) if func.linkage == Linkage::Extern => Err(check::place(&ty).error(Rule::Extern)),
            Type::Var(var) if var.linkage == Linkage::Extern => Err(check::place(&ty).error(Rule::Extern)),
            // A function counts as its prototype, but only once the kernel has been there.
            Type::Ptr(target) if target >= id && self.kind_of(target) == Some(Kind::Func) => {
                let (what, expected, kind) = ("the target", "a type, not a declaration", Kind::Func.name());
                Err(check::place(&ty).error(Rule::WrongKind { what, expected, id: target, kind }))
            }
            _ => check::ty(&ty, flag, self),
        };
        result.map_err(|mut error| {
            error.place.id = Some(id);
            error
        })
    }

    /// Type tags come before other modifiers (`btf_check_type_tags`).
    fn check_tags(&self) -> Result<(), BtfError> {
        let mut good = TypeId(self.first_id().0.saturating_sub(1));
        for id in self.ids().filter(|&id| self.kind_of(id).is_some_and(Kind::is_modifier)) {
            let mut at = id;
            let mut in_tags = self.kind_of(id) == Some(Kind::TypeTag);
            let mut steps = 0;
            while let Some(target) = self.get(at)?.modified() {
                let is_tag = self.kind_of(at) == Some(Kind::TypeTag);
                if steps == MAX_DEPTH {
                    return Err(self.place(id).error(Rule::TooDeep));
                }
                if is_tag && !in_tags {
                    return Err(self.place(id).error(Rule::TagOrder));
                }
                in_tags &= is_tag;
                if at <= good {
                    break;
                }
                at = target;
                steps += 1;
            }
            good = id;
        }
        Ok(())
    }
}

/// What a kind uses of its head: a name, the length of a list (or linkage), the flag, the third word.
const fn uses(kind: Kind) -> (bool, bool, bool, bool) {
    match kind {
        Kind::Int | Kind::Var | Kind::Float | Kind::Typedef => (true, false, false, true),
        Kind::Ptr | Kind::Volatile | Kind::Const | Kind::Restrict => (false, false, false, true),
        Kind::Array => (false, false, false, false),
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 => (true, true, true, true),
        Kind::Fwd => (true, false, true, false),
        Kind::Func | Kind::DataSec => (true, true, false, true),
        Kind::FuncProto => (false, true, false, true),
        Kind::DeclTag | Kind::TypeTag => (true, false, true, true),
    }
}

/// Follows types to what they are made of, as `btf_resolve` does: no loops, and not too deep.
struct Resolver<'v> {
    view: &'v View<'v>,
    first: u32,
    states: Vec<State>,
    /// What a modifier, pointer or variable came out as.
    resolved: Vec<TypeId>,
    /// Types on the way, and which member of them comes next.
    stack: Vec<(TypeId, usize)>,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Visited,
    Resolved,
}

/// What ends the way, which depends on what it started from.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Any,
    Pointer,
    Composite,
}

enum Step {
    /// On to this type, and then to the member with this index.
    Push(TypeId, usize),
    Done(TypeId),
}

impl<'v> Resolver<'v> {
    fn new(view: &'v View<'v>) -> Self {
        let (states, resolved) = (vec![State::New; view.len()], vec![TypeId::VOID; view.len()]);
        Self { view, first: view.first_id().0, states, resolved, stack: Vec::new(), mode: Mode::Any }
    }

    fn all(&mut self) -> Result<(), BtfError> {
        for id in self.view.ids() {
            match self.view.get(id)? {
                Type::FuncProto(proto) => {
                    self.resolve(proto.ret)?;
                    proto.params.iter().try_for_each(|param| self.resolve(param.ty))?;
                }
                _ => self.resolve(id)?,
            }
        }
        Ok(())
    }

    fn resolve(&mut self, root: TypeId) -> Result<(), BtfError> {
        if !self.needs(root) || self.is_resolved(root) {
            return Ok(());
        }
        self.mode = Mode::Any;
        let fail = |view: &View<'_>, rule| Err(view.place(root).error(rule));
        let mut step = Step::Push(root, 0);
        loop {
            match step {
                Step::Push(..) if self.stack.len() == MAX_DEPTH => return fail(self.view, Rule::TooDeep),
                Step::Push(id, _) if self.state(id) != Some(State::New) => {
                    return fail(self.view, Rule::Loop);
                }
                Step::Push(id, next) => self.push(id, next),
                Step::Done(target) => self.pop(target),
            }
            let Some(&(id, next)) = self.stack.last() else { return Ok(()) };
            step = self.step(id, next)?;
        }
    }

    fn push(&mut self, id: TypeId, next: usize) {
        if let Some(top) = self.stack.last_mut() {
            top.1 = next;
        }
        self.stack.push((id, 0));
        self.set_state(id, State::Visited);
        if self.mode == Mode::Any {
            self.mode = match self.view.kind_of(id) {
                Some(Kind::Ptr) => Mode::Pointer,
                Some(Kind::Struct | Kind::Union | Kind::Array) => Mode::Composite,
                _ => Mode::Any,
            };
        }
    }

    fn pop(&mut self, target: TypeId) {
        let Some((id, _)) = self.stack.pop() else { return };
        self.set_state(id, State::Resolved);
        if let Some(slot) = self.resolved.get_mut((id.0 - self.first) as usize) {
            *slot = target;
        }
    }

    fn step(&mut self, id: TypeId, next: usize) -> Result<Step, BtfError> {
        let ty = self.view.get(id)?;
        Ok(match ty {
            Type::Ptr(target) => self.reference(target, true),
            Type::Var(var) => self.reference(var.ty, true),
            Type::Array(array) => self.list([array.index, array.element].into_iter(), 0),
            Type::Struct(def) | Type::Union(def) => self.list(def.members.map(|member| member.ty), next),
            Type::DataSec(section) => {
                self.mode = Mode::Any;
                self.list(section.vars.map(|entry| entry.var), next)
            }
            Type::DeclTag(tag) => self.reference(tag.target, false),
            _ => match ty.modified() {
                Some(target) => self.reference(target, false),
                None => Step::Done(TypeId::VOID),
            },
        })
    }

    /// A pointer goes on where a modifier on the way, resolved earlier, had stopped.
    fn reference(&self, target: TypeId, goes_on: bool) -> Step {
        let end = self.end(target);
        let stopped = goes_on && end != target && self.view.kind_of(end) == Some(Kind::Ptr);
        match self.must_push(target) {
            true => Step::Push(target, 0),
            false if stopped && self.must_push(end) => Step::Push(end, 0),
            false => Step::Done(end),
        }
    }

    fn list(&self, ids: impl Iterator<Item = TypeId>, next: usize) -> Step {
        match ids.enumerate().skip(next).find(|&(_, id)| self.must_push(id)) {
            Some((index, id)) => Step::Push(id, index + 1),
            None => Step::Done(TypeId::VOID),
        }
    }

    fn end(&self, id: TypeId) -> TypeId {
        if id.0 < self.first || !self.view.kind_of(id).is_some_and(Kind::is_modifier) {
            return id;
        }
        self.resolved.get((id.0 - self.first) as usize).copied().unwrap_or(id)
    }

    fn must_push(&self, id: TypeId) -> bool {
        let Some(kind) = self.view.kind_of(id) else { return false };
        let ends = match self.mode {
            Mode::Any => !self.needs(id),
            Mode::Pointer => !kind.is_modifier() && kind != Kind::Ptr,
            Mode::Composite => {
                !kind.is_modifier() && !matches!(kind, Kind::Array | Kind::Struct | Kind::Union)
            }
        };
        !ends && !self.is_resolved(id)
    }

    /// Whether a type refers to others in a way that is followed.
    fn needs(&self, id: TypeId) -> bool {
        match self.view.kind_of(id) {
            Some(Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Float | Kind::Fwd | Kind::FuncProto)
            | None => false,
            Some(_) => true,
        }
    }

    fn is_resolved(&self, id: TypeId) -> bool {
        id.0 < self.first || self.state(id) == Some(State::Resolved)
    }

    fn state(&self, id: TypeId) -> Option<State> {
        self.states.get(id.0.checked_sub(self.first)? as usize).copied()
    }

    fn set_state(&mut self, id: TypeId, state: State) {
        if let Some(slot) = self.states.get_mut((id.0 - self.first) as usize) {
            *slot = state;
        }
    }
}
