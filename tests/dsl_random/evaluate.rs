//! What a program does, by plain Rust.

use std::collections::BTreeMap;

use bpfsmith::dsl::dynamic::{Binary, Comparison, ScalarType};

use crate::tree::{Block, Body, CONTEXT, Condition, ELEMENTS, Expr, Function, Program, Start, Statement};

/// How often each construct was gone through, by its name and the type of its left side.
pub type Hits = BTreeMap<(&'static str, String), u64>;

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub returned: u32,
    pub context: Vec<u64>,
}

/// Runs a program.
pub fn run(program: &Program, context: &[u64], hits: &mut Hits) -> Outcome {
    let mut world = World { functions: &program.functions, context: context.to_vec(), hits };
    let start: Vec<_> = context.iter().map(|&number| i128::from(number)).collect();
    let mut frame = Frame::new(&program.main, start);
    frame.params = None;
    let returned = match frame.block(&program.main.block, &mut world) {
        Flow::Return(value) => value,
        _ => {
            frame.finish(&program.main, &mut world);
            0
        }
    };
    Outcome { returned: returned as u32, context: world.context }
}

/// The number whose lowest bits those of `number` are.
pub fn wrap(ty: ScalarType, number: i128) -> i128 {
    let spare = 128 - u32::from(ty.bits());
    match ty.is_signed() {
        true => number << spare >> spare,
        false => (number.cast_unsigned() << spare >> spare).cast_signed(),
    }
}

/// The operator, as the machine has it.
pub fn binary(ty: ScalarType, op: Binary, a: i128, b: i128) -> i128 {
    let amount = b as u32 & if ty.bits() == 64 { 63 } else { 31 };
    wrap(
        ty,
        match op {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a.wrapping_mul(b),
            Binary::Div if b == 0 => 0,
            Binary::Div => a / b,
            Binary::Rem if b == 0 => a,
            Binary::Rem => a % b,
            Binary::And => a & b,
            Binary::Or => a | b,
            Binary::Xor => a ^ b,
            Binary::Shl => a << amount,
            Binary::Shr => a >> amount,
        },
    )
}

pub fn compare(op: Comparison, a: i128, b: i128) -> bool {
    match op {
        Comparison::Eq => a == b,
        Comparison::Ne => a != b,
        Comparison::Lt => a < b,
        Comparison::Le => a <= b,
        Comparison::Gt => a > b,
        Comparison::Ge => a >= b,
    }
}

struct World<'p> {
    functions: &'p [Function],
    context: Vec<u64>,
    hits: &'p mut Hits,
}

impl World<'_> {
    fn hit(&mut self, what: &'static str, ty: Option<ScalarType>) {
        let ty = ty.map_or_else(String::new, |ty| ty.to_string());
        *self.hits.entry((what, ty)).or_default() += 1;
    }
}

enum Flow {
    On,
    Break,
    Continue,
    Return(i128),
}

struct Frame {
    /// Of a function; what comes into the program is in the context.
    params: Option<Vec<i128>>,
    variables: Vec<i128>,
    arrays: Vec<[i128; ELEMENTS]>,
    locals: Vec<i128>,
    named: BTreeMap<usize, i128>,
}

impl Frame {
    fn new(body: &Body, inputs: Vec<i128>) -> Self {
        let start = |variable: &crate::tree::Variable| match variable.start {
            Start::Number(number) => number,
            Start::Input(index) => wrap(variable.ty, inputs[index]),
        };
        let variables = body.variables.iter().map(start).collect();
        let locals = body.locals.iter().map(start).collect();
        let arrays = vec![[0; ELEMENTS]; body.arrays.len()];
        Self { params: Some(inputs), variables, arrays, locals, named: BTreeMap::new() }
    }

    /// What the program does at its end: everything goes into the context.
    fn finish(&self, body: &Body, world: &mut World<'_>) {
        let slots = crate::tree::INPUTS..CONTEXT;
        for (slot, (variable, value)) in slots.zip(body.variables.iter().zip(&self.variables)) {
            store(world, slot, variable.ty, *value);
        }
    }

    fn block(&mut self, block: &Block, world: &mut World<'_>) -> Flow {
        for statement in block {
            let flow = self.statement(statement, world);
            if !matches!(flow, Flow::On) {
                return flow;
            }
        }
        Flow::On
    }

    fn statement(&mut self, statement: &Statement, world: &mut World<'_>) -> Flow {
        world.hit(name(statement), None);
        match statement {
            Statement::Set(variable, value) => self.variables[*variable] = self.expr(value, world),
            Statement::Let(name, value) => {
                let value = self.expr(value, world);
                self.named.insert(*name, value);
            }
            Statement::SetElement(array, index, value) => {
                let index = self.expr(index, world) as usize;
                self.arrays[*array][index] = self.expr(value, world);
            }
            Statement::SetLocal(local, value) => self.locals[*local] = self.expr(value, world),
            Statement::Output(slot, value) => {
                let number = self.expr(value, world);
                store(world, *slot, value.ty(), number);
            }
            Statement::If(condition, then, otherwise) => {
                if self.condition(condition, world) {
                    return self.block(then, world);
                }
                return otherwise.as_ref().map_or(Flow::On, |block| self.block(block, world));
            }
            Statement::SetIf(variable, condition, then, otherwise) => {
                let arm = if self.condition(condition, world) { then } else { otherwise };
                return self.arm(*variable, &arm.0, &arm.1, world);
            }
            Statement::Switch(value, cases, default) => {
                let value = self.expr(value, world);
                let case = cases.iter().find(|(number, _)| *number == value);
                return self.block(case.map_or(default, |(_, block)| block), world);
            }
            Statement::SetSwitch(variable, value, cases, default) => {
                let value = self.expr(value, world);
                let case = cases.iter().find(|(number, ..)| *number == value);
                let (block, result) =
                    case.map_or((&default.0, &default.1), |(_, block, result)| (block, result));
                return self.arm(*variable, block, result, world);
            }
            Statement::For(name, start, end, block) => {
                let (start, end) = (self.expr(start, world), self.expr(end, world));
                for round in start..end {
                    self.named.insert(*name, round);
                    match self.block(block, world) {
                        Flow::Break => break,
                        flow @ Flow::Return(_) => return flow,
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::While(counter, limit, condition, block) => {
                self.variables[*counter] = 0;
                while self.variables[*counter] < *limit && self.condition(condition, world) {
                    self.variables[*counter] += 1;
                    match self.block(block, world) {
                        Flow::Break => break,
                        flow @ Flow::Return(_) => return flow,
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::Loop(counter, limit, block) => {
                self.variables[*counter] = 0;
                while self.variables[*counter] < *limit {
                    self.variables[*counter] += 1;
                    match self.block(block, world) {
                        Flow::Break => break,
                        flow @ Flow::Return(_) => return flow,
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::Break => return Flow::Break,
            Statement::Continue => return Flow::Continue,
            Statement::Return(value) => return Flow::Return(self.expr(value, world)),
        }
        Flow::On
    }

    fn arm(&mut self, variable: usize, block: &Block, result: &Expr, world: &mut World<'_>) -> Flow {
        let flow = self.block(block, world);
        if matches!(flow, Flow::On) {
            self.variables[variable] = self.expr(result, world);
        }
        flow
    }

    fn expr(&mut self, expr: &Expr, world: &mut World<'_>) -> i128 {
        match expr {
            Expr::Number(_, number) => *number,
            Expr::Variable(_, variable) => self.variables[*variable],
            Expr::Named(_, name) => self.named.get(name).copied().unwrap_or(0),
            Expr::Input(ty, index) => {
                let params = self.params.as_ref();
                wrap(*ty, params.map_or_else(|| world.context[*index].into(), |params| params[*index]))
            }
            Expr::Local(ty, local) => {
                world.hit("load", Some(*ty));
                self.locals[*local]
            }
            Expr::Element(ty, array, index) => {
                world.hit("element", Some(*ty));
                let index = self.expr(index, world) as usize;
                self.arrays[*array][index]
            }
            Expr::Binary(op, a, b) => {
                world.hit(operator(*op), Some(a.ty()));
                let (ty, a, b) = (a.ty(), self.expr(a, world), self.expr(b, world));
                if b == 0 && matches!(op, Binary::Div | Binary::Rem) {
                    world.hit("by zero", Some(ty));
                }
                if !(0..i128::from(ty.bits())).contains(&b) && matches!(op, Binary::Shl | Binary::Shr) {
                    world.hit("over-wide", Some(ty));
                }
                binary(ty, *op, a, b)
            }
            Expr::Negate(a) => {
                world.hit("neg", Some(a.ty()));
                wrap(a.ty(), -self.expr(a, world))
            }
            Expr::Complement(a) => {
                world.hit("not", Some(a.ty()));
                let value = self.expr(a, world);
                if a.ty().is_bool() { 1 - value } else { wrap(a.ty(), !value) }
            }
            Expr::Convert(to, a) => {
                world.hit(to_name(*to), Some(a.ty()));
                wrap(*to, self.expr(a, world))
            }
            Expr::Truth(condition) => {
                world.hit("truth", None);
                i128::from(self.condition(condition, world))
            }
            Expr::Choose(condition, a, b) => {
                world.hit("choose", Some(a.ty()));
                let chosen = if self.condition(condition, world) { a } else { b };
                self.expr(chosen, world)
            }
            Expr::Call(ty, function, args) => {
                world.hit("call", Some(*ty));
                let inputs = [0].into_iter().chain(args.iter().map(|arg| self.expr(arg, world))).collect();
                call(&world.functions[*function], inputs, world)
            }
            Expr::AtMost(most, a) => self.expr(a, world) & most,
        }
    }

    fn condition(&mut self, condition: &Condition, world: &mut World<'_>) -> bool {
        match condition {
            Condition::Compare(op, a, b) => {
                world.hit(comparison(*op), Some(a.ty()));
                compare(*op, self.expr(a, world), self.expr(b, world))
            }
            Condition::AnyBits(a, b) => {
                world.hit("any bits", Some(a.ty()));
                self.expr(a, world) & self.expr(b, world) != 0
            }
            Condition::IsTrue(a) => self.expr(a, world) != 0,
            Condition::Not(a) => !self.condition(a, world),
            Condition::And(a, b) => {
                world.hit("&", None);
                self.condition(a, world) & self.condition(b, world)
            }
            Condition::Or(a, b) => {
                world.hit("|", None);
                self.condition(a, world) | self.condition(b, world)
            }
        }
    }
}

fn call(function: &Function, inputs: Vec<i128>, world: &mut World<'_>) -> i128 {
    let mut frame = Frame::new(&function.body, inputs);
    match frame.block(&function.body.block, world) {
        Flow::Return(value) => value,
        _ => frame.expr(&function.result, world),
    }
}

/// Writes the number's own bytes, no more.
fn store(world: &mut World<'_>, slot: usize, ty: ScalarType, number: i128) {
    let mask = u64::MAX >> (64 - u32::from(ty.bits()));
    let kept = world.context[slot] & !mask;
    world.context[slot] = kept | number as u64 & mask;
}

fn name(statement: &Statement) -> &'static str {
    match statement {
        Statement::Set(..) => "set",
        Statement::Let(..) => "let",
        Statement::SetElement(..) => "set element",
        Statement::SetLocal(..) => "set local",
        Statement::Output(..) => "output",
        Statement::If(..) => "if",
        Statement::SetIf(..) => "if with a value",
        Statement::Switch(..) => "switch",
        Statement::SetSwitch(..) => "switch with a value",
        Statement::For(..) => "for",
        Statement::While(..) => "while",
        Statement::Loop(..) => "loop",
        Statement::Break => "break",
        Statement::Continue => "continue",
        Statement::Return(_) => "return",
    }
}

pub fn operator(op: Binary) -> &'static str {
    match op {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Rem => "%",
        Binary::And => "bit &",
        Binary::Or => "bit |",
        Binary::Xor => "^",
        Binary::Shl => "<<",
        Binary::Shr => ">>",
    }
}

pub fn comparison(op: Comparison) -> &'static str {
    match op {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}

fn to_name(to: ScalarType) -> &'static str {
    match (to.is_signed(), to.bits()) {
        (false, 8) => "as u8",
        (false, 16) => "as u16",
        (false, 32) => "as u32",
        (false, _) => "as u64",
        (true, 8) => "as i8",
        (true, 16) => "as i16",
        (true, 32) => "as i32",
        (true, _) => "as i64",
    }
}
