//! A function as text. `{:#}` adds the line of the user's code to each operation.

use std::fmt;

use super::{
    Addr, At, Base, BlockData, Callee, Compare, End, Function, Inst, Memory, Op, Operand, Symbol, Target,
};
use crate::asm::{Reg, Size, Width};

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = self.blocks.first().map(|entry| &*entry.params).unwrap_or_default();
        writeln!(f, "function {}({})", self.name, Commas(params))?;
        for (index, local) in self.locals.iter().enumerate() {
            writeln!(f, "  s{index}: {} bytes, aligned to {}", local.size, local.align)?;
        }
        for (index, block) in self.blocks.iter().enumerate() {
            write!(f, "b{index}")?;
            if index > 0 && !block.params.is_empty() {
                write!(f, "({})", Commas(&block.params))?;
            }
            writeln!(f, ":")?;
            self.write_block(block, f)?;
        }
        Ok(())
    }
}

impl Function {
    fn write_block(&self, block: &BlockData, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for inst in &block.insts {
            write!(f, "  {}", Shown(self, inst))?;
            end_line(inst.at, f)?;
        }
        match &block.end {
            Some((end, at)) => {
                write!(f, "  {end}")?;
                end_line(at, f)
            }
            None => writeln!(f, "  ..."),
        }
    }

    pub(crate) fn symbol(&self, symbol: Symbol) -> &str {
        self.symbols.get(symbol.index()).map_or("", |name| name)
    }
}

/// File names differ between machines, lines do not.
fn end_line(at: At, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if f.alternate() { writeln!(f, "  ; line {}", at.line()) } else { writeln!(f) }
}

/// An operation of a function.
struct Shown<'a>(&'a Function, &'a Inst);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(function, inst) = self;
        if let Some(result) = inst.result {
            let made: Vec<_> = inst.made().collect();
            match inst.results {
                1 => write!(f, "{result} = ")?,
                _ => write!(f, "{} = ", Commas(&made))?,
            }
        }
        write_op(function, &inst.op, f)
    }
}

fn write_op(function: &Function, op: &Op, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = |symbol: &Symbol| function.symbol(*symbol).to_owned();
    match op {
        Op::Copy { a } => write!(f, "{a}"),
        Op::Alu { op, width, a, b } => write!(f, "{}{} {a}, {b}", lower(op), bits(*width)),
        Op::Neg { width, a } => write!(f, "neg{} {a}", bits(*width)),
        Op::ZeroExtend { bits, a } => write!(f, "zext{bits} {a}"),
        Op::SignExtend { bits: from, width, a } => write!(f, "sext{from}to{} {a}", bits(*width)),
        Op::Swap { op, bits, a } => write!(f, "{}{} {a}", lower(op), lower(bits).trim_start_matches('b')),
        Op::Select { compare, then, otherwise } => write!(f, "if {compare} then {then} else {otherwise}"),
        Op::Load { size, addr, memory } => write!(f, "load {}", Place(*size, *addr, *memory)),
        Op::LoadSx { size, addr, memory } => {
            write!(f, "load_signed {}", Place(Size::from(*size), *addr, *memory))
        }
        Op::Store { size, addr, memory, value } => {
            write!(f, "store {}, {value}", Place(*size, *addr, *memory))
        }
        Op::Atomic { op, size, addr, memory, value, expected } => {
            write!(f, "atomic {} {}, {value}", lower(op), Place(*size, *addr, *memory))?;
            expected.iter().try_for_each(|expected| write!(f, ", if {expected}"))
        }
        Op::LoadAcquire { size, addr, memory } => {
            write!(f, "load_acquire {}", Place(*size, *addr, *memory))
        }
        Op::StoreRelease { size, addr, memory, value } => {
            write!(f, "store_release {}, {value}", Place(*size, *addr, *memory))
        }
        Op::LocalAddr { local, off } => {
            write!(f, "address {}", Addr { base: Base::Local(*local), off: *off })
        }
        Op::MapAddr { map } => write!(f, "map {}", name(map)),
        Op::MapValueAddr { map, off } => write!(f, "value of map {} + {off}", name(map)),
        Op::FunctionAddr { function } => write!(f, "function {}", name(function)),
        Op::Ksym { name: symbol, typed } => {
            write!(f, "ksym {}{}", name(symbol), if *typed { "" } else { ", untyped" })
        }
        Op::BtfId { scope, name: symbol } => write!(f, "btf id of {} {}", lower(scope), name(symbol)),
        Op::Core { kind, type_id, type_name, access } => {
            write!(f, "core {} of {type_id} {} at {}", lower(kind), name(type_name), name(access))
        }
        Op::Call { callee, args, pure } => {
            let args: Vec<_> = args.iter().collect();
            let pure = if *pure { "pure " } else { "" };
            match callee {
                Callee::Helper(helper) => write!(f, "call {pure}{helper}({})", Commas(&args)),
                Callee::Function(symbol) => {
                    write!(f, "call {pure}function {}({})", name(symbol), Commas(&args))
                }
                Callee::Kfunc(symbol) => write!(f, "call {pure}kfunc {}({})", name(symbol), Commas(&args)),
            }
        }
        Op::PacketLoad { size, context, offset } => {
            write!(f, "packet {} {context}[{offset}]", lower(size))
        }
        Op::Asm(block) => {
            let inputs: Vec<_> = block.inputs.iter().map(|(reg, a)| format!("{reg} = {a}")).collect();
            let (outputs, clobbers): (&[Reg], &[Reg]) = (&block.outputs, &block.clobbers);
            write!(f, "asm of {} slots, in ({})", block.code.len(), Commas(&inputs))?;
            write!(f, ", out ({}), clobbers ({})", Commas(outputs), Commas(clobbers))
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump(target) => write!(f, "jump {target}"),
            Self::Branch { compare, then, otherwise } => {
                write!(f, "if {compare} then {then} else {otherwise}")
            }
            Self::Switch { width, value, cases, default } => {
                write!(f, "switch{} {value}", bits(*width))?;
                for (number, target) in cases {
                    write!(f, ", {number}: {target}")?;
                }
                write!(f, ", else {default}")
            }
            Self::Return(value) => write!(f, "return {value}"),
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}, {}", lower(&self.cond), bits(self.width), self.a, self.b)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.args {
            [] => write!(f, "{}", self.block),
            args => write!(f, "{}({})", self.block, Commas(args)),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Val(value) => write!(f, "{value}"),
            Self::Imm(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Val(value) => write!(f, "{value}")?,
            Base::Local(local) => write!(f, "{local}")?,
        }
        match self.off {
            0 => Ok(()),
            off if off < 0 => write!(f, " - {}", off.unsigned_abs()),
            off => write!(f, " + {off}"),
        }
    }
}

/// What is accessed.
struct Place(Size, Addr, Memory);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(size, addr, memory) = self;
        write!(f, "{} [{addr}] {}", lower(size), lower(memory))
    }
}

struct Commas<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Commas<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let between = if index > 0 { ", " } else { "" };
            write!(f, "{between}{item}")?;
        }
        Ok(())
    }
}

const fn bits(width: Width) -> i32 {
    width.bits()
}

/// The name of a variant, in lower case.
fn lower(variant: &impl fmt::Debug) -> String {
    format!("{variant:?}").to_lowercase()
}
