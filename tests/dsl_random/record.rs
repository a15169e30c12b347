//! Tells the DSL a program, through the layer whose types are known at run time.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bpfsmith::dsl::dynamic::{self, Any, Binary, Cond, Layout, Place, ScalarType, Value, Var};
use bpfsmith::dsl::{Func, Syscall};
use bpfsmith::object::ObjectBuilder;

use crate::tree::{Block, Body, CONTEXT, Condition, Expr, INPUTS, Program, Start, Statement, ZERO};

/// Does this with a Rust type in the place of one known at run time. A truth value counts as a byte: what takes one is not here.
macro_rules! with_type {
    ($ty:expr, $name:ident => $body:expr) => {
        match ($ty.is_signed(), $ty.bits()) {
            (false, 8) => with_type!(@ u8, $name => $body),
            (false, 16) => with_type!(@ u16, $name => $body),
            (false, 32) => with_type!(@ u32, $name => $body),
            (false, _) => with_type!(@ u64, $name => $body),
            (true, 8) => with_type!(@ i8, $name => $body),
            (true, 16) => with_type!(@ i16, $name => $body),
            (true, 32) => with_type!(@ i32, $name => $body),
            (true, _) => with_type!(@ i64, $name => $body),
        }
    };
    (@ $ty:ty, $name:ident => $body:expr) => {{
        type $name = $ty;
        $body
    }};
}

/// Adds the program `name`, with functions of its own.
pub fn add(object: &mut ObjectBuilder, name: &str, program: &Program) {
    let mut functions: Vec<dynamic::Function> = Vec::new();
    for (index, function) in program.functions.iter().enumerate() {
        let params: Vec<_> = [ScalarType::U64].into_iter().chain(function.params.iter().copied()).collect();
        let recorded =
            object.dynamic_function(&format!("{name}_f{index}"), &params, function.returns, |f, params| {
                let recorder = Recorder::new(f, Inputs::Params(params), &functions, &function.body);
                recorder.block(&function.body.block);
                f.return_(recorder.expr(&function.result))
            });
        functions.push(recorded);
    }
    object.program(name, Syscall::SYSCALL, |f, context| {
        let context = context.args::<[u64; CONTEXT]>().dynamic();
        let recorder = Recorder::new(f, Inputs::Context(context), &functions, &program.main);
        recorder.block(&program.main.block);
        for (index, variable) in recorder.variables.iter().enumerate().take(CONTEXT - INPUTS) {
            slot(context, INPUTS + index, variable.ty()).set(variable.get());
        }
        f.return_(0)
    });
}

/// A function that returns a number.
trait Returns: Sized {
    fn give<'f>(f: Func<'f, Self>, value: Value<'f>);
}

impl Returns for i32 {
    fn give<'f>(f: Func<'f, Self>, value: Value<'f>) {
        f.return_(value.typed::<Self>());
    }
}

impl Returns for Any {
    fn give<'f>(f: Func<'f, Self>, value: Value<'f>) {
        f.return_(value);
    }
}

/// What comes in.
enum Inputs<'f> {
    Context(Place<'f>),
    Params(Vec<Value<'f>>),
}

impl<'f> Inputs<'f> {
    fn get(&self, index: usize, ty: ScalarType) -> Value<'f> {
        match self {
            Self::Context(place) => slot(*place, index, ty).get(),
            Self::Params(params) if params[index].ty() == ty => params[index],
            Self::Params(params) => params[index].convert(ty),
        }
    }
}

fn slot(context: Place<'_>, index: usize, ty: ScalarType) -> Place<'_> {
    context.offset(index * 8, Layout::Scalar(ty))
}

struct Recorder<'f, 'p, R> {
    f: Func<'f, R>,
    inputs: Inputs<'f>,
    functions: &'p [dynamic::Function],
    variables: Vec<Var<'f>>,
    arrays: Vec<Place<'f>>,
    locals: Vec<Place<'f>>,
    named: RefCell<BTreeMap<usize, Value<'f>>>,
}

impl<'f, 'p, R: Returns> Recorder<'f, 'p, R> {
    fn new(f: Func<'f, R>, inputs: Inputs<'f>, functions: &'p [dynamic::Function], body: &Body) -> Self {
        let start = |ty: ScalarType, start: Start| match start {
            Start::Number(number) => constant(f, ty, number),
            Start::Input(index) => inputs.get(index, ty),
        };
        let variables = body.variables.iter().map(|v| f.dynamic().var(start(v.ty, v.start))).collect();
        let locals = body.locals.iter().map(|v| f.dynamic().local(start(v.ty, v.start))).collect();
        let arrays = body.arrays.iter().map(|&ty| with_type!(ty, T => f.zeroed::<[T; 8]>().dynamic()));
        let arrays = arrays.collect();
        Self { f, inputs, functions, variables, arrays, locals, named: RefCell::default() }
    }

    fn block(&self, block: &Block) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&self, statement: &Statement) {
        let f = self.f;
        match statement {
            Statement::Set(variable, value) => self.variables[*variable].set(self.expr(value)),
            Statement::Let(name, value) => self.name(*name, self.expr(value)),
            Statement::SetElement(array, index, value) => {
                let place = self.arrays[*array].at(self.expr(index));
                place.set(self.expr(value));
            }
            Statement::SetLocal(local, value) => self.locals[*local].set(self.expr(value)),
            Statement::Output(index, value) => {
                if let Inputs::Context(context) = self.inputs {
                    slot(context, *index, value.ty()).set(self.expr(value));
                }
            }
            Statement::If(condition, then, None) => f.if_(self.condition(condition), || self.block(then)),
            Statement::If(condition, then, Some(otherwise)) => {
                f.if_else(self.condition(condition), || self.block(then), || self.block(otherwise));
            }
            Statement::SetIf(variable, condition, then, otherwise) => {
                let condition = self.condition(condition);
                let arm = |(block, result): &(Block, Expr)| {
                    self.block(block);
                    self.expr(result)
                };
                let value = f.if_else(condition, || arm(then), || arm(otherwise));
                self.variables[*variable].set(value);
            }
            Statement::Switch(value, cases, default) => {
                let on = self.expr(value);
                with_type!(value.ty(), T => {
                    let mut switch = f.switch(on.typed::<T>());
                    for (number, block) in cases {
                        switch = switch.case(*number, || self.block(block));
                    }
                    switch.default(|| self.block(default));
                });
            }
            Statement::SetSwitch(variable, value, cases, default) => {
                let on = self.expr(value);
                let arm = |block, result| {
                    self.block(block);
                    self.expr(result)
                };
                let result = with_type!(value.ty(), T => {
                    let mut switch = f.switch(on.typed::<T>());
                    for (number, block, result) in cases {
                        switch = switch.case(*number, move || arm(block, result));
                    }
                    switch.default(|| arm(&default.0, &default.1))
                });
                self.variables[*variable].set(result);
            }
            Statement::For(name, start, end, block) => {
                let (first, last) = (self.expr(start), self.expr(end));
                with_type!(start.ty(), T => {
                    f.for_(first.typed::<T>()..last.typed::<T>(), |round| {
                        self.name(*name, round.dynamic());
                        self.block(block);
                    });
                });
            }
            Statement::While(counter, limit, condition, block) => {
                let counter = self.variables[*counter];
                counter.set(0);
                let going = || counter.get().lt(*limit as i64) & self.condition(condition);
                f.while_(going, || {
                    counter.set(counter.get() + 1);
                    self.block(block);
                });
            }
            Statement::Loop(counter, limit, block) => {
                let counter = self.variables[*counter];
                counter.set(0);
                f.loop_(|| {
                    f.if_(counter.get().ge(*limit as i64), || f.break_());
                    counter.set(counter.get() + 1);
                    self.block(block);
                });
            }
            Statement::Break => _ = f.break_(),
            Statement::Continue => _ = f.continue_(),
            Statement::Return(value) => R::give(f, self.expr(value)),
        }
    }

    fn name(&self, name: usize, value: Value<'f>) {
        self.named.borrow_mut().insert(name, value);
    }

    fn expr(&self, expr: &Expr) -> Value<'f> {
        match expr {
            Expr::Number(ty, number) => constant(self.f, *ty, *number),
            Expr::Variable(_, variable) => self.variables[*variable].get(),
            Expr::Named(ty, name) => {
                let named = self.named.borrow().get(name).copied();
                named.unwrap_or_else(|| constant(self.f, *ty, 0))
            }
            Expr::Input(ty, index) => self.inputs.get(*index, *ty),
            Expr::Local(_, local) => self.locals[*local].get(),
            Expr::Element(_, array, index) => self.arrays[*array].at(self.expr(index)).get(),
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.expr(a), self.expr(b));
                a.binary(*op, self.allowed(*op, a.ty(), b))
            }
            Expr::Negate(a) => -self.expr(a),
            Expr::Complement(a) => !self.expr(a),
            Expr::Convert(to, a) => self.expr(a).convert(*to),
            Expr::Truth(condition) => self.condition(condition).value(),
            Expr::Choose(condition, a, b) => {
                self.f.if_else(self.condition(condition), || self.expr(a), || self.expr(b))
            }
            Expr::Call(_, function, args) => {
                let zero = self.inputs.get(ZERO, ScalarType::U64);
                let args: Vec<_> = [zero].into_iter().chain(args.iter().map(|arg| self.expr(arg))).collect();
                self.f.dynamic().call_function(&self.functions[*function], &args)
            }
            Expr::AtMost(most, a) => {
                let a = self.expr(a);
                let most = constant(self.f, a.ty(), *most);
                a.binary(Binary::And, most)
            }
        }
    }

    /// The right side of an operator: what would be a mistake in this line were it known becomes something that is not.
    fn allowed(&self, op: Binary, ty: ScalarType, b: Value<'f>) -> Value<'f> {
        let mistaken = b.number().is_some_and(|number| match op {
            Binary::Div | Binary::Rem => number == 0,
            Binary::Shl | Binary::Shr => !(0..i128::from(ty.bits())).contains(&number),
            _ => false,
        });
        if mistaken { b.binary(Binary::Xor, self.inputs.get(ZERO, b.ty())) } else { b }
    }

    fn condition(&self, condition: &Condition) -> Cond<'f> {
        match condition {
            Condition::Compare(op, a, b) => self.expr(a).compare(*op, self.expr(b)),
            Condition::AnyBits(a, b) => self.expr(a).any_bits(self.expr(b)),
            Condition::IsTrue(a) => self.expr(a).into(),
            Condition::Not(a) => !self.condition(a),
            Condition::And(a, b) => self.condition(a) & self.condition(b),
            Condition::Or(a, b) => self.condition(a) | self.condition(b),
        }
    }
}

fn constant<'f, R>(f: Func<'f, R>, ty: ScalarType, number: i128) -> Value<'f> {
    match i64::try_from(number) {
        Ok(number) => f.dynamic().number(ty, number),
        Err(_) => f.dynamic().number(ScalarType::I64, number as i64).convert(ty),
    }
}
