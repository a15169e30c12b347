//! Random programs.

use bpfsmith::dsl::dynamic::{Binary, Comparison, ScalarType};

use crate::tree::{
    Block, Body, CONTEXT, Condition, Expr, Function, INPUTS, INTEGERS, Program, Start, Statement, Variable,
};

/// Numbers that depend on the seed alone: xorshift.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 11) % limit as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Numbers at the edges, small ones, and any.
    pub fn number(&mut self) -> u64 {
        match self.below(6) {
            0 => self.of(&[0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff]),
            1 => self.of(&[
                0x7fff_ffff,
                0x8000_0000,
                0xffff_ffff,
                0x1_0000_0000,
                i64::MIN.cast_unsigned(),
                i64::MAX.cast_unsigned(),
                u64::MAX,
            ]),
            2 => self.below(32) as u64,
            3 => (self.below(32) as u64).wrapping_neg(),
            4 => 1 << self.below(64),
            _ => self.next(),
        }
    }

    fn number_of(&mut self, ty: ScalarType) -> i128 {
        if ty.is_bool() {
            return i128::from(self.one_in(2));
        }
        crate::evaluate::wrap(ty, i128::from(self.number()))
    }

    fn integer(&mut self) -> ScalarType {
        self.of(&INTEGERS)
    }

    fn scalar(&mut self) -> ScalarType {
        if self.one_in(10) { ScalarType::BOOL } else { self.integer() }
    }
}

/// The numbers a program starts with.
pub fn context(random: &mut Random) -> Vec<u64> {
    let mut context: Vec<_> = (0..CONTEXT).map(|_| random.number()).collect();
    context[crate::tree::ZERO] = 0;
    context
}

pub fn program(random: &mut Random) -> Program {
    let mut functions = Vec::new();
    for _ in 0..random.of(&[0, 0, 1, 1, 2, 3]) {
        functions.push(function(random, &functions));
    }
    let variables = 3 + random.below(14);
    let budget = 4 + random.below(36);
    let mut generator = Generator::new(random, &functions, None, budget);
    generator.begin(variables);
    let main = generator.body();
    Program { functions, main }
}

fn function(random: &mut Random, functions: &[Function]) -> Function {
    let params: Vec<_> = (0..random.below(5)).map(|_| random.scalar()).collect();
    let returns = random.scalar();
    let (variables, budget) = (1 + random.below(5), 1 + random.below(8));
    let mut generator = Generator::new(random, functions, Some((&params, returns)), budget);
    generator.begin(variables);
    let body = generator.body();
    let result = generator.expr(returns, 3);
    Function { params, returns, body, result }
}

struct Generator<'r> {
    random: &'r mut Random,
    functions: &'r [Function],
    /// Of the function, where it is not the program.
    signature: Option<(&'r [ScalarType], ScalarType)>,
    body: Body,
    /// What has a name here: its number and type, and the largest it can be where that is little.
    named: Vec<(usize, ScalarType, Option<i128>)>,
    names: usize,
    loops: usize,
    budget: usize,
}

impl<'r> Generator<'r> {
    fn new(
        random: &'r mut Random,
        functions: &'r [Function],
        signature: Option<(&'r [ScalarType], ScalarType)>,
        budget: usize,
    ) -> Self {
        let body = Body::default();
        Self { random, functions, signature, body, named: Vec::new(), names: 0, loops: 0, budget }
    }

    fn begin(&mut self, variables: usize) {
        for _ in 0..variables {
            let variable = self.variable();
            self.body.variables.push(variable);
        }
        let most = if self.signature.is_some() { 2 } else { 3 };
        for _ in 0..self.random.below(most) {
            let ty = self.random.integer();
            self.body.arrays.push(ty);
        }
        for _ in 0..self.random.below(3) {
            let local = self.variable();
            self.body.locals.push(local);
        }
    }

    fn body(&mut self) -> Body {
        let mut block = Block::new();
        while self.budget > 0 {
            block.extend(self.block(0));
        }
        Body { block, ..self.body.clone() }
    }

    fn variable(&mut self) -> Variable {
        let ty = self.random.scalar();
        let start = match self.input() {
            Some((input, of)) if !self.random.one_in(4) && of.is_none_or(|of| of == ty) && !ty.is_bool() => {
                Start::Input(input)
            }
            _ => Start::Number(self.random.number_of(ty)),
        };
        Variable { ty, start, counts: false }
    }

    /// Something that comes in, and its type if it has one.
    fn input(&mut self) -> Option<(usize, Option<ScalarType>)> {
        match self.signature {
            None => Some((self.random.below(INPUTS), None)),
            Some(([], _)) => None,
            Some((params, _)) => {
                let index = self.random.below(params.len());
                Some((index + 1, Some(params[index])))
            }
        }
    }

    fn block(&mut self, depth: usize) -> Block {
        let (known, mut block) = (self.named.len(), Block::new());
        for _ in 0..1 + self.random.below(6) {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            let statement = self.statement(depth);
            block.push(statement);
        }
        self.named.truncate(known);
        block
    }

    fn statement(&mut self, depth: usize) -> Statement {
        // The verifier walks every round, on every path that leads to it.
        let most_loops = if self.signature.is_some() { 1 } else { 2 };
        let choices = if depth >= 4 {
            20
        } else if self.loops < most_loops {
            34
        } else {
            30
        };
        let choice = self.random.below(choices);
        match choice {
            9..=10 => self.let_(),
            11..=12 if !self.body.arrays.is_empty() => {
                let array = self.random.below(self.body.arrays.len());
                let (index, ty) = (self.index(), self.body.arrays[array]);
                Statement::SetElement(array, index, self.expr(ty, 3))
            }
            13 if !self.body.locals.is_empty() => {
                let local = self.random.below(self.body.locals.len());
                let ty = self.body.locals[local].ty;
                Statement::SetLocal(local, self.expr(ty, 3))
            }
            14..=15 if self.signature.is_none() => {
                let (slot, ty) = (self.random.below(CONTEXT - 1) + 1, self.random.scalar());
                Statement::Output(slot, self.expr(ty, 3))
            }
            16 if self.loops > 0 => Statement::Break,
            17 if self.loops > 0 => Statement::Continue,
            18 if self.random.one_in(4) => {
                let ty = self.signature.map_or(ScalarType::I32, |(_, returns)| returns);
                Statement::Return(self.expr(ty, 3))
            }
            _ if choice < 20 => self.set(),
            20..=24 => {
                let condition = self.condition(3);
                let then = self.block(depth + 1);
                let otherwise = self.random.one_in(2).then(|| self.block(depth + 1));
                Statement::If(condition, then, otherwise)
            }
            25..=26 => {
                let (variable, condition) = (self.any_variable(), self.condition(3));
                let ty = self.body.variables[variable].ty;
                let then = self.arm(ty, depth);
                Statement::SetIf(variable, condition, then, self.arm(ty, depth))
            }
            27..=28 => self.switch(depth),
            29 => self.set_switch(depth),
            30..=31 => self.for_(depth),
            32 => {
                let (counter, limit) = self.counter();
                let condition = self.condition(2);
                Statement::While(counter, limit, condition, self.rounds(depth))
            }
            _ => {
                let (counter, limit) = self.counter();
                Statement::Loop(counter, limit, self.rounds(depth))
            }
        }
    }

    fn any_variable(&mut self) -> usize {
        // What counts the rounds of a loop stands behind these.
        let settable = self.body.variables.iter().filter(|v| !v.counts).count();
        let nth = self.random.below(settable);
        self.body.variables.iter().enumerate().filter(|(_, v)| !v.counts).nth(nth).map_or(0, |(i, _)| i)
    }

    fn set(&mut self) -> Statement {
        let variable = self.any_variable();
        let ty = self.body.variables[variable].ty;
        Statement::Set(variable, self.expr(ty, 4))
    }

    fn let_(&mut self) -> Statement {
        let ty = self.random.scalar();
        let value = self.expr(ty, 4);
        let name = self.name(ty, None);
        Statement::Let(name, value)
    }

    fn name(&mut self, ty: ScalarType, most: Option<i128>) -> usize {
        self.names += 1;
        self.named.push((self.names, ty, most));
        self.names
    }

    fn arm(&mut self, ty: ScalarType, depth: usize) -> (Block, Expr) {
        let block = if self.random.one_in(2) { self.block(depth + 1) } else { Block::new() };
        (block, self.expr(ty, 2))
    }

    fn cases(&mut self, ty: ScalarType) -> Vec<i128> {
        let mut cases = Vec::new();
        for _ in 0..self.random.below(7) {
            let number = self.random.number_of(ty);
            if !cases.contains(&number) {
                cases.push(number);
            }
        }
        cases
    }

    fn switched(&mut self) -> Expr {
        let ty = self.random.integer();
        let value = self.expr(ty, 2);
        if self.random.one_in(2) { Expr::AtMost(self.random.of(&[1, 3, 7]), Box::new(value)) } else { value }
    }

    fn switch(&mut self, depth: usize) -> Statement {
        let value = self.switched();
        let cases = self.cases(value.ty());
        let cases = cases.into_iter().map(|number| (number, self.block(depth + 1))).collect();
        Statement::Switch(value, cases, self.block(depth + 1))
    }

    fn set_switch(&mut self, depth: usize) -> Statement {
        let (variable, value) = (self.any_variable(), self.switched());
        let ty = self.body.variables[variable].ty;
        let mut arms = Vec::new();
        for number in self.cases(value.ty()) {
            let (block, result) = self.arm(ty, depth);
            arms.push((number, block, result));
        }
        Statement::SetSwitch(variable, value, arms, self.arm(ty, depth))
    }

    fn for_(&mut self, depth: usize) -> Statement {
        let ty = self.random.integer();
        let span = 1i128 << (ty.bits() - u8::from(ty.is_signed()));
        let number = |number| Expr::Number(ty, number);
        let (start, end, most) = match self.random.below(6) {
            0 => (number(span - 4), number(span - 1), None),
            1 if ty.is_signed() => (number(-2), number(2), None),
            2 => {
                let end = self.expr(ty, 2);
                (number(0), Expr::AtMost(self.random.of(&[3, 7]), Box::new(end)), None)
            }
            3 => {
                let start = self.expr(ty, 2);
                (Expr::AtMost(3, Box::new(start)), number(5), None)
            }
            _ => {
                let (start, end) = (self.random.below(3) as i128, self.random.below(6) as i128);
                (number(start), number(end), Some(end))
            }
        };
        let known = self.named.len();
        let name = self.name(ty, most);
        let block = self.rounds(depth);
        self.named.truncate(known);
        Statement::For(name, start, end, block)
    }

    fn rounds(&mut self, depth: usize) -> Block {
        self.loops += 1;
        let block = self.block(depth + 1);
        self.loops -= 1;
        block
    }

    /// A variable that nothing else sets, and how far it counts.
    fn counter(&mut self) -> (usize, i128) {
        let ty = self.random.integer();
        self.body.variables.push(Variable { ty, start: Start::Number(0), counts: true });
        (self.body.variables.len() - 1, 1 + self.random.below(5) as i128)
    }

    fn index(&mut self) -> Expr {
        let small = self.named.iter().find(|(_, _, most)| most.is_some()).copied();
        match (self.random.below(3), small) {
            (0, _) => Expr::Number(ScalarType::U64, self.random.below(8) as i128),
            (1, Some((name, ty, _))) => Expr::Named(ty, name),
            _ => {
                let ty = self.random.integer();
                Expr::AtMost(7, Box::new(self.expr(ty, 2)))
            }
        }
    }

    /// An expression of this type.
    fn expr(&mut self, ty: ScalarType, depth: usize) -> Expr {
        if depth == 0 || self.random.one_in(5) {
            return self.leaf(ty);
        }
        if ty.is_bool() {
            return self.truth(depth - 1);
        }
        let depth = depth - 1;
        match self.random.below(16) {
            0 => Expr::Negate(Box::new(self.expr(ty, depth))),
            1 => Expr::Complement(Box::new(self.expr(ty, depth))),
            2..=4 => {
                let from = self.random.scalar();
                Expr::Convert(ty, Box::new(self.expr(from, depth)))
            }
            5 => {
                let condition = Box::new(self.condition(depth));
                let then = Box::new(self.expr(ty, depth));
                Expr::Choose(condition, then, Box::new(self.expr(ty, depth)))
            }
            6 if !self.functions.is_empty() => self.call(ty),
            _ => self.binary(ty, depth),
        }
    }

    fn binary(&mut self, ty: ScalarType, depth: usize) -> Expr {
        const OPERATORS: [Binary; 10] = [
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Div,
            Binary::Rem,
            Binary::And,
            Binary::Or,
            Binary::Xor,
            Binary::Shl,
            Binary::Shr,
        ];
        let op = self.random.of(&OPERATORS);
        let a = Box::new(self.expr(ty, depth));
        let b = match op {
            Binary::Shl | Binary::Shr if self.random.one_in(2) => {
                Expr::Number(ty, self.random.below(ty.bits().into()) as i128)
            }
            Binary::Shl | Binary::Shr => {
                let ty = self.random.integer();
                self.expr(ty, depth)
            }
            _ => self.expr(ty, depth),
        };
        Expr::Binary(op, a, Box::new(b))
    }

    fn call(&mut self, ty: ScalarType) -> Expr {
        let index = self.random.below(self.functions.len());
        let (params, returns) = (&self.functions[index].params, self.functions[index].returns);
        let args = params.iter().map(|&param| self.expr(param, 1)).collect();
        let call = Expr::Call(returns, index, args);
        if returns == ty { call } else { Expr::Convert(ty, Box::new(call)) }
    }

    fn truth(&mut self, depth: usize) -> Expr {
        match self.random.below(4) {
            0 => Expr::Complement(Box::new(self.expr(ScalarType::BOOL, depth))),
            1 => {
                let op = self.random.of(&[Binary::And, Binary::Or, Binary::Xor]);
                let a = Box::new(self.expr(ScalarType::BOOL, depth));
                Expr::Binary(op, a, Box::new(self.expr(ScalarType::BOOL, depth)))
            }
            _ => Expr::Truth(Box::new(self.condition(depth))),
        }
    }

    fn leaf(&mut self, ty: ScalarType) -> Expr {
        for _ in 0..4 {
            let found = match self.random.below(9) {
                0 => break,
                1 => self
                    .input()
                    .filter(|(_, of)| of.map_or(!ty.is_bool(), |of| of == ty))
                    .map(|(index, _)| Expr::Input(ty, index)),
                2 => {
                    let named: Vec<_> = self.named.iter().filter(|(_, of, _)| *of == ty).collect();
                    let name = (!named.is_empty()).then(|| named[self.random.below(named.len())].0);
                    name.map(|name| Expr::Named(ty, name))
                }
                3 => self
                    .body
                    .locals
                    .iter()
                    .position(|local| local.ty == ty)
                    .map(|local| Expr::Local(ty, local)),
                4 => {
                    let array = self.body.arrays.iter().position(|&of| of == ty);
                    array.map(|array| Expr::Element(ty, array, Box::new(self.index())))
                }
                _ => {
                    let variables = self.body.variables.iter().enumerate().filter(|(_, v)| v.ty == ty);
                    let variables: Vec<_> = variables.map(|(index, _)| index).collect();
                    let variable = (!variables.is_empty()).then(|| self.random.of(&variables));
                    variable.map(|variable| Expr::Variable(ty, variable))
                }
            };
            if let Some(found) = found {
                return found;
            }
        }
        if self.random.one_in(2) && !ty.is_bool() && !self.body.variables.is_empty() {
            let variable = self.random.below(self.body.variables.len());
            let from = self.body.variables[variable].ty;
            return Expr::Convert(ty, Box::new(Expr::Variable(from, variable)));
        }
        Expr::Number(ty, self.random.number_of(ty))
    }

    fn condition(&mut self, depth: usize) -> Condition {
        let ty = self.random.scalar();
        let inner = depth.saturating_sub(1);
        match self.random.below(if depth == 0 { 8 } else { 12 }) {
            0 => {
                let a = self.expr(ty, inner);
                Condition::AnyBits(a, self.expr(ty, inner))
            }
            1 => Condition::IsTrue(self.expr(ScalarType::BOOL, inner)),
            8 | 9 => Condition::Not(Box::new(self.condition(inner))),
            10 => {
                let a = Box::new(self.condition(inner));
                Condition::And(a, Box::new(self.condition(inner)))
            }
            11 => {
                let a = Box::new(self.condition(inner));
                Condition::Or(a, Box::new(self.condition(inner)))
            }
            _ => {
                const COMPARISONS: [Comparison; 6] = [
                    Comparison::Eq,
                    Comparison::Ne,
                    Comparison::Lt,
                    Comparison::Le,
                    Comparison::Gt,
                    Comparison::Ge,
                ];
                let op = self.random.of(&COMPARISONS);
                let a = self.expr(ty, inner);
                Condition::Compare(op, a, self.expr(ty, inner))
            }
        }
    }
}
