//! Instructions written by hand, within a function or as one.

use std::marker::PhantomData;
use std::panic::Location;

use super::dynamic::{self, Arg, ScalarType};
use super::error::{Error, site};
use super::func::Func;
use super::function::{Function, Params};
use super::ir::{AsmBlock, At, Memory, Op, Operand, Val};
use super::place::Place;
use super::program::{announce, claim};
use super::record::{Argument, Brand};
use super::scalar::Scalar;
use super::value::{Value, Var};
use crate::asm::{AsmError, Assembler, AtomicOp, Code, Insn, Reg};
use crate::object::ObjectBuilder;

impl<'f, T: Scalar> From<Value<'f, T>> for Arg<'f> {
    fn from(value: Value<'f, T>) -> Self {
        value.dynamic().into()
    }
}

impl<'f, T: Scalar> From<Var<'f, T>> for Arg<'f> {
    fn from(variable: Var<'f, T>) -> Self {
        variable.get().into()
    }
}

impl<'f, T, M> From<&Place<'f, T, M>> for Arg<'f> {
    fn from(place: &Place<'f, T, M>) -> Self {
        dynamic::Place::new(place.brand(), place.pointer()).into()
    }
}

/// Instructions within a function, while they are written: which registers go in, which come out, which are lost.
#[derive(Debug)]
pub struct InlineAsm<'f> {
    code: Assembler,
    inputs: Vec<(Reg, Arg<'f>)>,
    outputs: Vec<(Reg, ScalarType)>,
    clobbers: Vec<Reg>,
}

/// What a register holds behind the instructions: [`Func::asm`] makes a value of it.
#[derive(Clone, Copy, Debug)]
pub struct Output<T> {
    index: usize,
    ty: PhantomData<fn() -> T>,
}

impl<'f> InlineAsm<'f> {
    /// The instructions. They begin at the first and fall out behind the last; there is no `exit` among them.
    pub const fn code(&mut self) -> &mut Assembler {
        &mut self.code
    }

    /// This register begins with the value, or the address of the place.
    pub fn input(&mut self, register: Reg, value: impl Into<Arg<'f>>) {
        self.inputs.push((register, value.into()));
    }

    /// What this register holds behind the instructions. It has to hold it as registers do: a `u32` has zeros above.
    pub fn output<T: Scalar>(&mut self, register: Reg) -> Output<T> {
        Output { index: self.output_as(register, T::TYPE), ty: PhantomData }
    }

    /// The same, of a type known at run time: which of the values of [`dynamic::Func::asm`] it is.
    pub fn output_as(&mut self, register: Reg, ty: ScalarType) -> usize {
        self.outputs.push((register, ty));
        self.outputs.len() - 1
    }

    /// The instructions write this register: what it held is lost. A call loses r0 to r5.
    pub fn clobber(&mut self, registers: impl IntoIterator<Item = Reg>) {
        self.clobbers.extend(registers);
    }
}

/// What comes out of instructions: `()`, an [`Output`], or a tuple of up to four.
#[diagnostic::on_unimplemented(
    message = "the closure ends in what `a.output(..)` gave, or a tuple of that, not in `{Self}`"
)]
pub trait Outputs<'f> {
    /// The same as values.
    type Values;

    #[doc(hidden)]
    fn values(self, all: &[dynamic::Value<'f>]) -> Self::Values;
}

impl<'f> Outputs<'f> for () {
    type Values = ();

    fn values(self, _: &[dynamic::Value<'f>]) {}
}

impl<'f, T: Scalar> Outputs<'f> for Output<T> {
    type Values = Value<'f, T>;

    fn values(self, all: &[dynamic::Value<'f>]) -> Value<'f, T> {
        all[self.index].typed()
    }
}

macro_rules! outputs {
    ($(($($ty:ident $index:tt),*);)*) => {$(
        impl<'f, $($ty: Outputs<'f>),*> Outputs<'f> for ($($ty,)*) {
            type Values = ($($ty::Values,)*);

            fn values(self, all: &[dynamic::Value<'f>]) -> Self::Values {
                ($(self.$index.values(all),)*)
            }
        }
    )*};
}

outputs! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

/// Instructions by hand, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// As [`asm`](Func::asm): all outputs, in the order in which they were asked for.
    #[track_caller]
    pub fn asm(self, body: impl FnOnce(&mut InlineAsm<'f>)) -> Vec<dynamic::Value<'f>> {
        let at = Location::caller();
        record(self.brand(), body, at).1
    }
}

/// Instructions by hand.
impl<'f, R> Func<'f, R> {
    /// Instructions written by hand (C: `asm volatile ("..." : outputs : inputs : clobbers)`). Every register they write is an output
    /// or a clobber; they may write all memory that they can reach.
    ///
    /// ```
    /// # use bpfsmith::asm::Reg::{R1, R2};
    /// # use bpfsmith::dsl::Syscall;
    /// # let mut object = bpfsmith::object::ObjectBuilder::new("test").license("GPL");
    /// object.program("upper", Syscall::SYSCALL, |f, _| {
    ///     let upper = f.asm(|a| {
    ///         a.input(R1, f.get_prandom_u32());
    ///         a.code().mov(R2, R1).rsh(R2, 16);
    ///         a.output::<u16>(R2)
    ///     });
    ///     f.return_(upper.to::<i32>())
    /// });
    /// # object.finish().unwrap();
    /// ```
    #[track_caller]
    pub fn asm<O: Outputs<'f>>(self, body: impl FnOnce(&mut InlineAsm<'f>) -> O) -> O::Values {
        let (outputs, all) = record(self.brand(), body, Location::caller());
        outputs.values(&all)
    }
}

fn record<'f, O>(
    brand: Brand<'f>,
    body: impl FnOnce(&mut InlineAsm<'f>) -> O,
    at: At,
) -> (O, Vec<dynamic::Value<'f>>) {
    let isa = brand.with(|state| state.object.recorder().isa);
    let code = Assembler::with_isa(isa);
    let mut asm = InlineAsm { code, inputs: Vec::new(), outputs: Vec::new(), clobbers: Vec::new() };
    let ended = body(&mut asm);
    let types: Vec<_> = asm.outputs.iter().map(|(_, ty)| *ty).collect();
    let first = match asm.checked(at) {
        Ok(code) => asm.push(brand, code, at),
        Err(error) => {
            brand.with(|state| state.fail(error));
            None
        }
    };
    let value = |(index, ty): (usize, ScalarType)| {
        let nth = |first: Val| Val(first.0 + u32::try_from(index).unwrap_or(0));
        let operand = first.map_or(Operand::Imm(0), |first| Operand::Val(nth(first)));
        dynamic::Value::new(brand, brand.with(|state| state.made(operand, ty)))
    };
    let all = types.into_iter().enumerate().map(value).collect();
    (ended, all)
}

impl InlineAsm<'_> {
    fn checked(&self, at: At) -> Result<Code, Error> {
        let code = self.code.finish().map_err(|source| Error::Asm(Box::new(source)))?;
        let wrong = |what: String| Err(Error::InlineAsm { what, site: site(at) });
        let inputs = self.inputs.iter().map(|(reg, _)| *reg).collect::<Vec<_>>();
        let outputs = self.outputs.iter().map(|(reg, _)| *reg).collect::<Vec<_>>();
        if let Some(twice) = twice(&inputs).or_else(|| twice(&outputs)) {
            return wrong(format!("{twice} is given twice"));
        }
        if [&inputs, &outputs, &self.clobbers].into_iter().flatten().any(|reg| *reg == Reg::FP) {
            return wrong(format!("{} always points to the frame", Reg::FP));
        }
        for (_, insn) in code.insns() {
            let Ok(insn) = insn else { continue };
            if insn == Insn::Exit {
                return wrong("they exit, and only fall out behind the last".into());
            }
            let kept = |reg: &Reg| !outputs.contains(reg) && !self.clobbers.contains(reg);
            if let Some(reg) = written(insn).into_iter().find(kept) {
                return wrong(format!("they write {reg}, which is neither an output nor a clobber"));
            }
        }
        Ok(code)
    }

    fn push(self, brand: Brand<'_>, code: Code, at: At) -> Option<Val> {
        brand.with(|state| {
            let inputs = self.inputs.iter().map(|(reg, arg)| (*reg, state.asm_input(&arg.0, at))).collect();
            let outputs = self.outputs.iter().map(|(reg, _)| *reg).collect();
            let writes = vec![Memory::Context, Memory::Stack, Memory::Map, Memory::Packet, Memory::Other];
            let block = AsmBlock { code, inputs, outputs, clobbers: self.clobbers, writes };
            match state.push(Op::Asm(Box::new(block)), at) {
                Operand::Val(first) => Some(first),
                Operand::Imm(_) => None,
            }
        })
    }
}

impl super::record::State {
    /// As registers hold it: nothing is widened.
    fn asm_input(&mut self, arg: &Argument, at: At) -> Operand {
        match arg {
            Argument::Number(datum) => self.use_of(*datum, at),
            other => self.argument(other, at),
        }
    }
}

fn twice(registers: &[Reg]) -> Option<Reg> {
    registers.iter().enumerate().find(|(index, reg)| registers[..*index].contains(reg)).map(|(_, reg)| *reg)
}

const CALL: [Reg; 6] = [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

/// The registers an instruction writes.
fn written(insn: Insn) -> Vec<Reg> {
    match insn {
        Insn::Alu { dst, .. }
        | Insn::Neg { dst, .. }
        | Insn::MovSx { dst, .. }
        | Insn::Swap { dst, .. }
        | Insn::AddrSpaceCast { dst, .. }
        | Insn::Load { dst, .. }
        | Insn::LoadSx { dst, .. }
        | Insn::LoadAcquire { dst, .. }
        | Insn::LoadArg { dst, .. }
        | Insn::LoadImm64 { dst, .. }
        | Insn::LoadMap { dst, .. }
        | Insn::LoadMapValue { dst, .. }
        | Insn::LoadBtfId { dst, .. }
        | Insn::LoadFunction { dst, .. } => vec![dst],
        Insn::Atomic { op: AtomicOp::CmpXchg, .. } => vec![Reg::R0],
        Insn::Atomic { op, src, .. } if op.fetches() => vec![src],
        Insn::LoadAbs { .. }
        | Insn::LoadInd { .. }
        | Insn::Call { .. }
        | Insn::CallFunction { .. }
        | Insn::CallKfunc { .. } => CALL.to_vec(),
        _ => Vec::new(),
    }
}

impl ObjectBuilder {
    /// Adds a function written by hand, which functions of closures call with [`Func::call_fn`]: its arguments arrive in r1 to r5, its
    /// result leaves in r0, and a `u32` has zeros above.
    ///
    /// ```
    /// # use bpfsmith::asm::{Assembler, Reg::{R0, R1, R2}};
    /// # use bpfsmith::dsl::Syscall;
    /// # let mut object = bpfsmith::object::ObjectBuilder::new("test").license("GPL");
    /// let add = object.asm_function::<(u64, u64), u64>("add", {
    ///     let mut a = Assembler::new();
    ///     a.mov(R0, R1).add(R0, R2).exit();
    ///     a.finish()
    /// });
    /// object.program("prog", Syscall::SYSCALL, |f, _| f.return_(f.call_fn(add, (1, 2)).to::<i32>()));
    /// # object.finish().unwrap();
    /// ```
    #[track_caller]
    pub fn asm_function<A: Params, R: Scalar>(
        &mut self,
        name: &str,
        code: Result<Code, AsmError>,
    ) -> Function<A, R> {
        let at = Location::caller();
        let (owner, index) = (self.recorder().owner, announce(self, name, None, at));
        claim(self, Some(index), at);
        self.add_function(name, code);
        Function::new(owner, index)
    }
}
