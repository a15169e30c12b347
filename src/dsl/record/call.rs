//! Calls: of helpers, checked against their prototypes, and of functions of the object.

use super::memory::MapId;
use super::{Datum, Pointer, Region, Scope, State};
use crate::asm::helper::{Access, ArgKind, RetKind};
use crate::base::Helper;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{Args, At, Callee, Op, Operand, Symbol};
use crate::dsl::types::{Layout, ScalarType};

/// What is given to a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument {
    Number(Datum),
    Pointer(Pointer),
    /// A map of the object, or a pointer to a map, which the operand holds.
    Map(MapArgument),
    /// A function of the object, to be called back.
    Function(usize),
    Null,
}

/// A map as an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapArgument {
    pub(crate) id: MapId,
    /// The pointer, where it is not the object's map itself.
    pub(crate) pointer: Option<(Operand, Scope)>,
}

/// What a call leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Returned {
    Nothing,
    Number(Datum),
    Pointer(Pointer),
    MaybeNull(Pointer),
}

impl Argument {
    fn describe(&self) -> String {
        match self {
            Self::Number(datum) => match datum.number() {
                Some(number) => number.to_string(),
                None => format!("a {}", datum.ty),
            },
            Self::Pointer(pointer) => match pointer.layout.size() {
                0 => pointer.region.describe().into(),
                size => format!("{} of {size} bytes", pointer.region.describe()),
            },
            Self::Map(_) => "a map".into(),
            Self::Function(_) => "a function".into(),
            Self::Null => "null".into(),
        }
    }
}

/// The arguments of one call while they are checked.
struct Call<'a> {
    helper: Helper,
    args: &'a [Argument],
    map: Option<MapId>,
}

impl State {
    /// Calls a helper.
    pub(crate) fn call_helper(&mut self, helper: Helper, args: &[Argument], at: At) -> Returned {
        let Some(proto) = helper.proto() else {
            self.fail(Error::NoHelper { helper, site: site(at) });
            return Returned::Nothing;
        };
        self.check_kind(helper, at);
        self.refuse_locked(&format!("{helper}"), at);
        self.check_arguments(helper, proto.args, args, at);
        let operands: Vec<_> = args.iter().map(|arg| self.argument(arg, at)).collect();
        let args_of_call = Args::new(operands);
        let result =
            self.push(Op::Call { callee: Callee::Helper(helper), args: args_of_call, pure: false }, at);
        self.returned(proto.ret, args, result, at)
    }

    /// Calls a helper that takes further values behind those of its prototype. The number it returns.
    pub(crate) fn call_variadic(&mut self, helper: Helper, args: &[Argument], at: At) -> Datum {
        self.refuse_locked(&format!("{helper}"), at);
        self.check_kind(helper, at);
        let known = helper.proto().map_or(&[][..], |proto| proto.args);
        self.check_arguments(helper, known, &args[..known.len().min(args.len())], at);
        let operands: Vec<_> = args.iter().map(|arg| self.argument(arg, at)).collect();
        let callee = Callee::Helper(helper);
        let result = self.push(Op::Call { callee, args: Args::new(operands), pure: false }, at);
        self.made(result, ScalarType::I64)
    }

    fn check_kind(&mut self, helper: Helper, at: At) {
        if let Some(kind) = self.kind.filter(|kind| kind.helper(helper).is_none()) {
            self.fail(Error::HelperKind { helper, kind, site: site(at) });
        }
    }

    fn check_arguments(&mut self, helper: Helper, kinds: &[ArgKind], args: &[Argument], at: At) {
        let callee = helper.to_string();
        if kinds.len() != args.len() {
            let (expected, found) = (kinds.len(), args.len());
            return self.fail(Error::ArgumentCount { callee, expected, found, site: site(at) });
        }
        let map = args.iter().find_map(|arg| match arg {
            Argument::Map(map) => Some(map.id),
            _ => None,
        });
        let call = Call { helper, args, map };
        for (index, &kind) in kinds.iter().enumerate() {
            if let Err(expected) = self.check_argument(&call, index, kind) {
                let (callee, found) = (callee.clone(), args[index].describe());
                self.fail(Error::Argument { callee, index: index + 1, expected, found, site: site(at) });
            }
        }
    }

    /// What is expected instead, where the argument does not fit.
    fn check_argument(&mut self, call: &Call<'_>, index: usize, kind: ArgKind) -> Result<(), String> {
        let argument = call.args[index];
        match argument {
            Argument::Null if kind.takes_null() => Ok(()),
            Argument::Number(_) => takes_number(kind, argument),
            Argument::Pointer(pointer) => self.takes_pointer(call, index, kind, pointer),
            Argument::Map(_) if matches!(kind, ArgKind::Map | ArgKind::Any) => Ok(()),
            Argument::Function(_) if kind == ArgKind::Callback => Ok(()),
            _ => Err(wanted(kind).into()),
        }
    }

    fn takes_pointer(
        &mut self,
        call: &Call<'_>,
        index: usize,
        kind: ArgKind,
        of: Pointer,
    ) -> Result<(), String> {
        let wrong = || Err(wanted(kind).to_owned());
        let in_memory = matches!(
            of.region,
            Region::Stack | Region::CallerStack | Region::MapValue | Region::MapKey | Region::Record
        ) || of.region == Region::Packet && call.helper.takes_packet_memory();
        match kind {
            ArgKind::Any => Ok(()),
            ArgKind::Context | ArgKind::ContextOrNull if of.region == Region::Context && of.off == 0 => {
                Ok(())
            }
            ArgKind::MapKey if in_memory => exact(self.key_size(call.map), of, "the key of the map"),
            ArgKind::MapValue | ArgKind::MapValueOrNull if in_memory => {
                exact(self.value_size(call.map), of, "a value of the map")
            }
            ArgKind::MapValueOut if in_memory && of.writable => {
                exact(self.value_size(call.map), of, "room for a value of the map")
            }
            ArgKind::Mem(access) | ArgKind::MemOrNull(access) if in_memory => {
                sized(of, access, call.args.get(index + 1))
            }
            ArgKind::Fixed(size, access) if in_memory => {
                let enough = of.layout.size() >= u32::from(size) && allows(of, access);
                if enough { Ok(()) } else { Err(format!("{size} bytes of memory")) }
            }
            ArgKind::Timer | ArgKind::SpinLock | ArgKind::ConstStr | ArgKind::KptrSlot
                if of.region == Region::MapValue =>
            {
                Ok(())
            }
            ArgKind::StackOrNull
            | ArgKind::DynptrOut
            | ArgKind::RingbufDynptrOut
            | ArgKind::Dynptr
            | ArgKind::RingbufDynptrRelease
                if matches!(of.region, Region::Stack | Region::CallerStack) =>
            {
                Ok(())
            }
            ArgKind::RingbufRelease if of.region == Region::Record && of.off == 0 => Ok(()),
            ArgKind::SockCommon
            | ArgKind::Sock
            | ArgKind::SockRelease
            | ArgKind::Btf(_)
            | ArgKind::BtfOrNull(_)
            | ArgKind::PercpuBtf
            | ArgKind::KptrOrNull
                if of.region == Region::Kernel =>
            {
                Ok(())
            }
            _ => wrong(),
        }
    }

    fn key_size(&mut self, map: Option<MapId>) -> Option<u32> {
        Some(self.key_layout(map?).size())
    }

    fn value_size(&mut self, map: Option<MapId>) -> Option<u32> {
        Some(self.value_layout(map?).size())
    }

    /// What goes into the register.
    pub(crate) fn argument(&mut self, argument: &Argument, at: At) -> Operand {
        match *argument {
            Argument::Number(datum) => self.widened(datum, at),
            Argument::Pointer(pointer) => self.address(pointer, at),
            Argument::Map(map) => self.map_operand(map, at),
            Argument::Function(index) => {
                let function = self.function_symbol(index);
                self.push(Op::FunctionAddr { function }, at)
            }
            Argument::Null => Operand::Imm(0),
        }
    }

    fn widened(&mut self, datum: Datum, at: At) -> Operand {
        let ty = if datum.ty.is_signed() { ScalarType::I64 } else { ScalarType::U64 };
        self.convert(datum, ty, at).operand
    }

    fn map_operand(&mut self, map: MapArgument, at: At) -> Operand {
        match (map.pointer, map.id) {
            (Some((pointer, scope)), _) => {
                self.check_scope(scope, at);
                pointer
            }
            (None, MapId::Object(index) | MapId::InnerOf(index)) => {
                let name = self.object.map_defs().get(index).map(|def| def.name.clone()).unwrap_or_default();
                let map = self.ir.symbol(&name);
                self.push(Op::MapAddr { map }, at)
            }
        }
    }

    pub(crate) fn function_symbol(&mut self, index: usize) -> Symbol {
        let name = self.object.recorder().announced.get(index).map(|function| function.name.clone());
        self.ir.symbol(name.as_deref().unwrap_or_default())
    }

    fn returned(&mut self, ret: RetKind, args: &[Argument], result: Operand, at: At) -> Returned {
        let layout = match ret {
            RetKind::Void => return Returned::Nothing,
            RetKind::Integer => return Returned::Number(self.made(result, ScalarType::I64)),
            RetKind::MapValue | RetKind::MapValueOrNull => return self.returned_value(ret, args, result, at),
            RetKind::RingbufOrNull | RetKind::SliceOrNull => Layout::Bytes(constant_size(args)),
            _ => Layout::Bytes(0),
        };
        let region = match ret {
            RetKind::RingbufOrNull | RetKind::SliceOrNull => Region::Record,
            _ => Region::Kernel,
        };
        let base = self.base(result, at);
        let pointer = Pointer::new(base, layout, region, self.scope());
        let pointer = if region == Region::Kernel { pointer.read_only() } else { pointer };
        if ret.may_be_null() { Returned::MaybeNull(pointer) } else { Returned::Pointer(pointer) }
    }

    fn returned_value(&mut self, ret: RetKind, args: &[Argument], result: Operand, at: At) -> Returned {
        let map = args.iter().find_map(|arg| match arg {
            Argument::Map(map) => Some(map.id),
            _ => None,
        });
        let base = self.base(result, at);
        let layout = map.map_or(Layout::Bytes(0), |map| self.value_layout(map));
        let pointer = Pointer::new(base, layout, Region::MapValue, self.scope());
        let pointer = map.map_or(pointer, |map| pointer.in_map(map));
        if ret.may_be_null() { Returned::MaybeNull(pointer) } else { Returned::Pointer(pointer) }
    }

    /// Calls a function of the object. Its result, of this type.
    pub(crate) fn call_function(&mut self, index: usize, args: &[Datum], ty: ScalarType, at: At) -> Datum {
        self.refuse_locked("a function", at);
        let function = self.function_symbol(index);
        let operands: Vec<_> = args.iter().map(|&arg| self.use_of(arg, at)).collect();
        let callee = Callee::Function(function);
        let result = self.push(Op::Call { callee, args: Args::new(operands), pure: false }, at);
        self.made(result, ty)
    }
}

fn takes_number(kind: ArgKind, argument: Argument) -> Result<(), String> {
    let Argument::Number(datum) = argument else { return Err(wanted(kind).into()) };
    let number = datum.number();
    match kind {
        ArgKind::Any | ArgKind::Scalar | ArgKind::SizeOrZero => Ok(()),
        ArgKind::Size if number != Some(0) => Ok(()),
        ArgKind::AllocSizeOrZero if number.is_some() => Ok(()),
        kind if kind.takes_null() && number == Some(0) => Ok(()),
        kind => Err(wanted(kind).into()),
    }
}

fn exact(size: Option<u32>, of: Pointer, what: &str) -> Result<(), String> {
    match size {
        Some(size) if size != 0 && size != of.layout.size() => Err(format!("{what}, {size} bytes")),
        _ => Ok(()),
    }
}

fn sized(of: Pointer, access: Access, size: Option<&Argument>) -> Result<(), String> {
    let len = of.layout.size();
    match size {
        _ if !allows(of, access) => Err("memory that can be written".into()),
        Some(Argument::Number(size)) if size.number().is_some_and(|size| size > i128::from(len)) => {
            Err(format!("memory of {} bytes", size.number().unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

fn allows(of: Pointer, access: Access) -> bool {
    of.writable || access == Access::Read
}

fn constant_size(args: &[Argument]) -> u32 {
    let sizes = args.iter().filter_map(|arg| match arg {
        Argument::Number(datum) => u32::try_from(datum.number()?).ok(),
        _ => None,
    });
    sizes.max().unwrap_or(0)
}

/// What a helper wants, in words.
const fn wanted(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Any => "any value",
        ArgKind::Scalar => "a number",
        ArgKind::Context => "the context",
        ArgKind::ContextOrNull => "the context or null",
        ArgKind::Map => "a map",
        ArgKind::MapKey => "a place that holds a key",
        ArgKind::MapValue => "a place that holds a value",
        ArgKind::MapValueOrNull => "a place that holds a value, or null",
        ArgKind::MapValueOut => "a place that a value can be written to",
        ArgKind::Mem(_) | ArgKind::Fixed(..) => "memory",
        ArgKind::MemOrNull(_) => "memory or null",
        ArgKind::Size => "a size of at least 1",
        ArgKind::SizeOrZero => "a size",
        ArgKind::AllocSizeOrZero => "a constant size",
        ArgKind::Timer => "a timer in a map's value",
        ArgKind::SpinLock => "a spin lock in a map's value",
        ArgKind::Callback => "a function to be called back",
        ArgKind::StackOrNull => "a place on the stack, or null",
        ArgKind::ConstStr => "a string in a read-only map",
        ArgKind::SockCommon | ArgKind::Sock | ArgKind::SockRelease => "a socket",
        ArgKind::Btf(_) => "a pointer to a structure of the kernel",
        ArgKind::BtfOrNull(_) => "a pointer to a structure of the kernel, or null",
        ArgKind::PercpuBtf => "a per-CPU variable of the kernel",
        ArgKind::KptrSlot => "a place for a kernel pointer in a map's value",
        ArgKind::KptrOrNull => "a kernel pointer or null",
        ArgKind::RingbufRelease => "a reserved record",
        ArgKind::Dynptr => "a dynptr",
        ArgKind::DynptrOut | ArgKind::RingbufDynptrOut => "room for a dynptr on the stack",
        ArgKind::RingbufDynptrRelease => "a dynptr of a record",
    }
}
