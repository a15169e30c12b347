//! The function that is being recorded: its code so far, which blocks are open, and the first mistake.
//!
//! Nothing here is generic and nothing has a lifetime: values are operands of the IR with a run-time type. The dynamic layer
//! gives them handles, the typed layer gives these Rust types.

mod arith;
mod atomic;
mod bytes;
mod call;
mod cond;
mod flow;
mod lock;
mod meet;
mod memory;
mod packet;
mod release;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem;

pub use arith::{Binary, Comparison};
pub(crate) use call::{Argument, MapArgument, Returned};
pub(crate) use cond::CondId;
use flow::Loop;
use lock::Lock;
pub(crate) use meet::PlaceVariable;
pub(crate) use memory::{MapId, Pointer, Region};
pub(crate) use packet::PacketPoint;
pub(crate) use release::check as check_records;

use super::error::{Error, site};
use super::ir::{self, At, Op, Operand};
use super::types::ScalarType;
use crate::kind::ProgramKind;
use crate::object::ObjectBuilder;
use cond::CondNode;

/// A block of the source: a closure, from its first line to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope(u32);

impl Scope {
    /// The function as a whole.
    pub(crate) const FUNCTION: Self = Self(0);
}

#[derive(Clone, Copy, Debug)]
struct ScopeData {
    open: bool,
    at: At,
}

/// A value in a register: what it is, and where it may be used.
#[derive(Clone, Copy, Debug)]
pub struct Datum {
    pub(crate) operand: Operand,
    pub(crate) ty: ScalarType,
    pub(crate) scope: Scope,
    /// The largest unsigned number it can be, as far as the kernel sees that too.
    pub(crate) most: u64,
}

impl Datum {
    /// A number, whose lowest bits count.
    pub(crate) const fn constant(number: i64, ty: ScalarType) -> Self {
        let register = ty.canonical(number);
        Self { operand: Operand::Imm(register), ty, scope: Scope::FUNCTION, most: register.cast_unsigned() }
    }

    /// The number, if it is known.
    pub(crate) const fn number(self) -> Option<i128> {
        match self.operand {
            Operand::Imm(register) => Some(self.ty.number(register)),
            Operand::Val(_) => None,
        }
    }
}

/// What a function may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// 0, by itself.
    Zero,
    /// A number of the type.
    Typed(ScalarType),
    /// A number of any type.
    Free,
    /// Whether the kernel calls it again: 0, by itself, or 1 for a break.
    Flow,
}

/// How a recording begins.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) name: &'a str,
    pub(crate) params: u8,
    pub(crate) kind: Option<ProgramKind>,
    pub(crate) returns: Returns,
    pub(crate) at: At,
}

/// The state of a recording.
#[derive(Debug)]
pub(crate) struct State {
    /// The object the function goes into: lent for as long as it is recorded.
    pub(crate) object: ObjectBuilder,
    pub(crate) ir: ir::Builder,
    name: String,
    pub(crate) kind: Option<ProgramKind>,
    pub(crate) returns: Returns,
    /// A function within this one is being recorded, and has the object.
    lent: bool,
    error: Option<Error>,
    scopes: Vec<ScopeData>,
    open: Vec<Scope>,
    loops: Vec<Loop>,
    lock: Option<Lock>,
    conds: Vec<CondNode>,
    /// What variables that hold places point to.
    places: Vec<Pointer>,
}

impl State {
    pub(crate) fn new(object: ObjectBuilder, setup: &Setup<'_>) -> Self {
        Self {
            object,
            ir: ir::Builder::new(setup.name, setup.params),
            name: setup.name.to_owned(),
            kind: setup.kind,
            returns: setup.returns,
            lent: false,
            error: None,
            scopes: vec![ScopeData { open: true, at: setup.at }],
            open: vec![Scope::FUNCTION],
            loops: Vec::new(),
            lock: None,
            conds: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Keeps the first mistake. While the object is lent, each is the one mistake of using this function at all.
    pub(crate) fn fail(&mut self, error: Error) {
        let error =
            if self.lent { Error::Outer { site: error.site().cloned().unwrap_or_default() } } else { error };
        self.error.get_or_insert(error);
    }

    /// Lends the object to a function within this one: its code comes before that of this one.
    pub(crate) fn lend(&mut self) -> ObjectBuilder {
        self.lent = true;
        mem::replace(&mut self.object, ObjectBuilder::new(String::new()))
    }

    /// The object is back.
    pub(crate) fn take_back(&mut self, object: ObjectBuilder) {
        self.object = object;
        self.lent = false;
    }

    /// Nothing can be recorded here while a function within this one is.
    pub(crate) fn check_lent(&mut self, at: At) {
        if self.lent {
            self.fail(Error::Outer { site: site(at) });
        }
    }

    /// The name of the function.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    pub(crate) fn scope(&self) -> Scope {
        self.open.last().copied().unwrap_or(Scope::FUNCTION)
    }

    pub(crate) fn open_scope(&mut self, at: At) -> Scope {
        let scope = Scope(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        self.scopes.push(ScopeData { open: true, at });
        self.open.push(scope);
        scope
    }

    pub(crate) fn close_scope(&mut self) {
        if let Some(scope) = self.open.pop() {
            self.scopes[scope.0 as usize].open = false;
        }
    }

    /// A value is used: the block that made it must be one that has run.
    pub(crate) fn check_scope(&mut self, scope: Scope, at: At) {
        let ScopeData { open, at: begun } = self.scopes[scope.0 as usize];
        if !open {
            self.fail(Error::Escaped { site: site(at), block: site(begun) });
        }
    }

    /// The operand of a value that is used.
    pub(crate) fn use_of(&mut self, datum: Datum, at: At) -> Operand {
        self.check_scope(datum.scope, at);
        datum.operand
    }

    /// Adds an operation; 0 stands for the result of one that has none.
    pub(crate) fn push(&mut self, op: Op, at: At) -> Operand {
        self.check_lent(at);
        self.ir.push(op, at).map_or(Operand::Imm(0), Operand::Val)
    }

    /// A value made here.
    pub(crate) fn made(&self, operand: Operand, ty: ScalarType) -> Datum {
        let most = match operand {
            Operand::Imm(register) => register.cast_unsigned(),
            Operand::Val(_) => ty.most(),
        };
        Datum { operand, ty, scope: self.scope(), most }
    }

    /// The parameter `index`, counted from 0.
    pub(crate) fn param(&self, index: u8) -> Operand {
        Operand::Val(self.ir.param(index))
    }

    /// The same, as an address.
    pub(crate) fn param_base(&self, index: u8) -> ir::Base {
        ir::Base::Val(self.ir.param(index))
    }
}

/// A function that is being recorded. Handles borrow it; nobody keeps its state borrowed between two calls.
#[derive(Debug)]
pub(crate) struct Body(RefCell<State>);

impl Body {
    pub(crate) fn new(state: State) -> Self {
        Self(RefCell::new(state))
    }
}

/// Which function a handle belongs to: the lifetime stands for it, and fits no other.
#[derive(Clone, Copy)]
pub struct Brand<'f> {
    body: &'f Body,
    only: PhantomData<Cell<&'f ()>>,
}

impl<'f> Brand<'f> {
    pub(crate) fn new(body: &'f Body) -> Self {
        Self { body, only: PhantomData }
    }

    /// Plain data in, plain data out: no closure of the user runs inside.
    pub(crate) fn with<T>(self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.body.0.borrow_mut())
    }
}

impl fmt::Debug for Brand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Brand")
    }
}
