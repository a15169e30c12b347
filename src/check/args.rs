//! The arguments of helpers: what each has to be.

use super::Rule;
use super::memory::Use;
use super::scalar::Scalar;
use super::value::{Memory, Null, Pointer, Value};
use super::walk::{Step, Walk};
use crate::asm::helper::{Access, ArgKind};
use crate::asm::{Helper, Reg, limits};
use crate::map::MapKind;

/// What the arguments of one call turned out to be.
#[derive(Default)]
pub(super) struct Args {
    pub(super) map: Option<usize>,
    pub(super) key: Option<Value>,
    pub(super) timer: Option<Pointer>,
    pub(super) lock: Option<Pointer>,
    pub(super) function: Option<usize>,
    pub(super) released: Option<u32>,
    pub(super) size: Option<u64>,
    /// Memory waiting for the size in the next argument.
    memory: Option<(Pointer, Access)>,
    /// Bytes of a frame's stack that the helper may write.
    pub(super) written: Vec<(usize, i64, i64)>,
    /// Where the helper makes a dynptr: frame, offset, and whether it has to be released.
    pub(super) dynptr: Option<(usize, i64, bool)>,
}

impl Walk<'_, '_, '_> {
    pub(super) fn arguments(&mut self, helper: Helper, kinds: &[ArgKind]) -> Step<Args> {
        let mut args = Args::default();
        for (reg, &kind) in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5].into_iter().zip(kinds) {
            let value = self.read(reg)?;
            if matches!(value, Value::Pointer(pointer) if pointer.memory.is_packet()) && kind != ArgKind::Any
            {
                self.packet_argument(helper, reg)?;
            }
            if value != Value::Unknown || matches!(kind, ArgKind::Size | ArgKind::SizeOrZero) {
                self.argument(reg, kind, value, &mut args)?;
            }
        }
        Ok(args)
    }

    fn argument(&mut self, reg: Reg, kind: ArgKind, value: Value, args: &mut Args) -> Step {
        if kind == ArgKind::Any || (kind.takes_null() && value.as_constant() == Some(0)) {
            // A size may follow.
            return Ok(());
        }
        let kind = match kind {
            ArgKind::MapValueOut if self.is_bloom(args) => ArgKind::MapValue,
            kind => kind,
        };
        let pointer = match (value, accepts(kind)) {
            (_, Accepts::Anything) => return Ok(()),
            (Value::Scalar(number), Accepts::Number) => return self.number(reg, kind, number, args),
            (Value::Unknown, _) => {
                args.memory = None;
                return Ok(());
            }
            (Value::Pointer(pointer), Accepts::Pointers(of)) if of(pointer.memory) => pointer,
            (Value::Pointer(Pointer { memory: Memory::Object, null: Null::Never, .. }), _) => return Ok(()),
            (Value::Scalar(number), _)
                if kind.takes_null() && number.may_be(0) && !number.has_unsigned_ends() =>
            {
                return self.wrong_if(false, Rule::ArgumentKind, wrong_kind(reg, kind, value));
            }
            _ => {
                let rule = if kind == ArgKind::Timer { Rule::TimerNotInMap } else { Rule::ArgumentKind };
                return Err(self.wrong(rule, wrong_kind(reg, kind, value)));
            }
        };
        self.nullness(reg, kind, pointer)?;
        self.pointer_argument(reg, kind, Pointer { null: Null::Never, ..pointer }, args)
    }

    fn nullness(&mut self, reg: Reg, kind: ArgKind, pointer: Pointer) -> Step {
        let number = reg.number();
        match pointer.null {
            _ if kind.takes_null() => Ok(()),
            Null::Never => Ok(()),
            Null::Maybe => {
                let reason = format!("R{number} is {}", pointer.describe());
                Err(self.wrong(Rule::NullArgument, reason))
            }
            Null::Perhaps => {
                let before = self.program.is_before(6, 15);
                let reason = format!("R{number}: before Linux 6.15 a look-up may always give null");
                self.wrong_if(before, Rule::NullArgument, reason)
            }
        }
    }

    fn pointer_argument(&mut self, reg: Reg, kind: ArgKind, pointer: Pointer, args: &mut Args) -> Step {
        match (kind, pointer.memory) {
            (ArgKind::Map, Memory::Map(map)) => {
                args.map = Some(map);
                if let Some(timer) = args.timer {
                    self.timer_map(timer, map)?;
                }
                Ok(())
            }
            (ArgKind::Context | ArgKind::ContextOrNull, _) => self.unmoved(reg, pointer),
            (ArgKind::Callback, Memory::Function(function)) => {
                args.function = Some(function);
                Ok(())
            }
            (ArgKind::MapKey, _) => {
                args.key = Some(Value::Pointer(pointer));
                let size = self.map_of(args).map(|def| u64::from(def.key_size));
                self.fixed_memory(pointer, size, Access::Read, args)
            }
            (ArgKind::MapValue | ArgKind::MapValueOrNull | ArgKind::MapValueOut, _) => {
                let access = if kind == ArgKind::MapValueOut { Access::Write } else { Access::Read };
                let size = self.map_of(args).map(|def| u64::from(def.value_size));
                self.fixed_memory(pointer, size, access, args)
            }
            (ArgKind::Mem(access) | ArgKind::MemOrNull(access), _) => {
                args.memory = Some((pointer, access));
                Ok(())
            }
            (ArgKind::Fixed(size, access), _) => self.fixed_memory(pointer, Some(size.into()), access, args),
            (ArgKind::Timer, _) => {
                args.timer = Some(pointer);
                self.timer_field(pointer)
            }
            (ArgKind::SpinLock, _) => {
                args.lock = Some(pointer);
                self.lock_field(pointer)
            }
            (ArgKind::RingbufRelease, _) => self.released(reg, pointer, args),
            (ArgKind::SockRelease | ArgKind::KptrOrNull, _) => {
                args.released = Some(pointer.reference).filter(|reference| *reference != 0);
                Ok(())
            }
            (ArgKind::KptrSlot, Memory::MapValue(map)) => self.kptr_field(pointer, map),
            (ArgKind::ConstStr, Memory::MapValue(map)) => self.constant_string(reg, pointer, map),
            (ArgKind::DynptrOut | ArgKind::RingbufDynptrOut, Memory::Stack(frame)) => {
                self.dynptr_room(reg, (frame, pointer), kind == ArgKind::RingbufDynptrOut, args)
            }
            (ArgKind::Dynptr | ArgKind::RingbufDynptrRelease, Memory::Stack(frame)) => {
                args.released = self.dynptr(reg, frame, pointer)?.filter(|_| kind != ArgKind::Dynptr);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn released(&mut self, reg: Reg, pointer: Pointer, args: &mut Args) -> Step {
        let number = reg.number();
        if pointer.off != 0 || pointer.var.is_some() {
            let reason = format!("R{number} is {} bytes into the record", pointer.off);
            return Err(self.wrong(Rule::ReleaseNotHeld, reason));
        }
        if pointer.reference == 0 {
            return Err(self.wrong(Rule::ReleaseNotHeld, format!("R{number} was not reserved")));
        }
        args.released = Some(pointer.reference);
        Ok(())
    }

    fn unmoved(&mut self, reg: Reg, pointer: Pointer) -> Step {
        if pointer.off != 0 || pointer.var.is_some() {
            let reason = format!("R{} must be the context as the program got it", reg.number());
            return Err(self.wrong(Rule::ArgumentKind, reason));
        }
        Ok(())
    }

    fn map_of(&self, args: &Args) -> Option<&crate::map::MapDef> {
        self.program.map(args.map?)
    }

    fn is_bloom(&self, args: &Args) -> bool {
        self.map_of(args).is_some_and(|def| def.kind == MapKind::BLOOM_FILTER)
    }

    fn number(&mut self, reg: Reg, kind: ArgKind, number: Scalar, args: &mut Args) -> Step {
        match kind {
            ArgKind::Size | ArgKind::SizeOrZero => self.size(reg, kind, number, args),
            ArgKind::AllocSizeOrZero => {
                args.size = number.value();
                if number.value().is_none() {
                    let reason = format!("R{} must be a constant", reg.number());
                    // The kernel may know a constant where this walk does not.
                    let sure = number.has_unsigned_ends();
                    return self.wrong_if(sure, Rule::ArgumentSize, reason);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn size(&mut self, reg: Reg, kind: ArgKind, number: Scalar, args: &mut Args) -> Step {
        let name = reg.number();
        let Some((pointer, access)) = args.memory.take() else { return Ok(()) };
        if number.smin() < 0 {
            let sure = number.has_signed_ends() || number.smax() < 0;
            self.wrong_if(sure, Rule::ArgumentSize, format!("R{name} may be negative"))?;
            return Ok(());
        }
        if kind == ArgKind::Size && number.umin() == 0 {
            let sure = number.has_unsigned_ends();
            self.wrong_if(sure, Rule::ArgumentSize, format!("R{name} may be 0"))?;
        }
        if number.umax() >= u64::from(limits::VARIABLE_OFFSET) {
            let sure = number.has_unsigned_ends() || number.umin() >= u64::from(limits::VARIABLE_OFFSET);
            return self.wrong_if(sure, Rule::ArgumentSize, format!("R{name} has no upper bound"));
        }
        if kind == ArgKind::SizeOrZero && number.value() == Some(0) {
            return Ok(());
        }
        // The largest size decides; where it is not sure to occur, nothing is proved by it.
        let doubt = self.state.certain && !number.has_unsigned_ends();
        self.state.certain &= !doubt;
        let result = self.fixed_memory(pointer, Some(number.umax()), access, args);
        self.state.certain |= doubt;
        result
    }

    /// Memory of a size that a helper reads or writes.
    fn fixed_memory(&mut self, pointer: Pointer, size: Option<u64>, access: Access, args: &mut Args) -> Step {
        let Some(size) = size else { return Ok(()) };
        let how = match access {
            Access::Read => Use::Read,
            Access::Update | Access::Write if self.is_write_checked(access) => Use::Write,
            // Reading is less.
            Access::Update | Access::Write => Use::Read,
        };
        match pointer.memory {
            Memory::Stack(frame) => self.stack_argument(frame, pointer, size, access, args),
            Memory::MapValue(map) => self.value_access(pointer, map, 0, size, how),
            Memory::MapKey(_) if access != Access::Read => {
                self.wrong_if(self.is_write_checked(access), Rule::KeyWrite, "the helper writes to the key")
            }
            Memory::MapKey(map) => self.key_access(pointer, map, 0, size),
            Memory::Record(length) => self.record_access(pointer, length, 0, size),
            Memory::Packet | Memory::PacketMeta => self.packet_access(pointer, 0, size, how),
            _ => Ok(()),
        }
    }

    /// Before 6.12 kernels only looked at whether a helper writes where the memory need not be initialised.
    fn is_write_checked(&self, access: Access) -> bool {
        access == Access::Write || !self.program.is_before(6, 12)
    }

    fn stack_argument(
        &mut self,
        frame: usize,
        pointer: Pointer,
        size: u64,
        access: Access,
        args: &mut Args,
    ) -> Step {
        self.stack_bounds(frame, pointer, 0, size)?;
        let (low, high) = pointer.var.map_or((0, 0), |var| (var.smin(), var.smax()));
        let deepest = -i64::from(limits::STACK_BYTES);
        let length = i64::try_from(size).unwrap_or(i64::MAX);
        let from = pointer.off.saturating_add(low).clamp(deepest, 0);
        let to = pointer.off.saturating_add(high).saturating_add(length).clamp(deepest, 0);
        let known = self.state.frames.get(frame);
        if access != Access::Write && known.is_some_and(|frame| frame.stack.has_unwritten(from, to)) {
            self.unwritten_stack(from, size)?;
        }
        if access != Access::Read {
            args.written.push((frame, from, to));
        } else if let Some(frame) = self.state.frames.get_mut(frame) {
            frame.stack.forget_pointers(from, to);
        }
        Ok(())
    }
}

/// What an argument takes.
enum Accepts {
    Anything,
    Number,
    Pointers(fn(Memory) -> bool),
}

fn accepts(kind: ArgKind) -> Accepts {
    match kind {
        ArgKind::Scalar | ArgKind::Size | ArgKind::SizeOrZero | ArgKind::AllocSizeOrZero => Accepts::Number,
        ArgKind::Context | ArgKind::ContextOrNull => Accepts::Pointers(|m| m == Memory::Context),
        ArgKind::Map => Accepts::Pointers(|m| matches!(m, Memory::Map(_))),
        ArgKind::MapKey
        | ArgKind::MapValue
        | ArgKind::MapValueOrNull
        | ArgKind::MapValueOut
        | ArgKind::Mem(_)
        | ArgKind::MemOrNull(_)
        | ArgKind::Fixed(..) => Accepts::Pointers(is_memory),
        ArgKind::Timer | ArgKind::SpinLock | ArgKind::ConstStr | ArgKind::KptrSlot => {
            Accepts::Pointers(|m| matches!(m, Memory::MapValue(_)))
        }
        ArgKind::Callback => Accepts::Pointers(|m| matches!(m, Memory::Function(_))),
        ArgKind::StackOrNull => Accepts::Pointers(|m| matches!(m, Memory::Stack(_))),
        ArgKind::RingbufRelease => Accepts::Pointers(|m| matches!(m, Memory::Record(_))),
        ArgKind::SockCommon | ArgKind::SockRelease => Accepts::Pointers(|m| m == Memory::Object),
        // In some kinds of programs helpers take the context in place of a socket.
        ArgKind::Sock
        | ArgKind::Btf(_)
        | ArgKind::BtfOrNull(_)
        | ArgKind::PercpuBtf
        | ArgKind::KptrOrNull => Accepts::Pointers(|m| matches!(m, Memory::Object | Memory::Context)),
        ArgKind::Dynptr | ArgKind::DynptrOut | ArgKind::RingbufDynptrOut | ArgKind::RingbufDynptrRelease => {
            Accepts::Pointers(|m| matches!(m, Memory::Stack(_)))
        }
        ArgKind::Any => Accepts::Anything,
    }
}

fn is_memory(memory: Memory) -> bool {
    matches!(memory, Memory::Stack(_) | Memory::MapValue(_) | Memory::MapKey(_) | Memory::Record(_))
        || memory.is_packet()
}

fn wrong_kind(reg: Reg, kind: ArgKind, value: Value) -> String {
    format!("R{} must be {}, and is {}", reg.number(), expected(kind), value.describe())
}

fn expected(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Scalar | ArgKind::Size | ArgKind::SizeOrZero | ArgKind::AllocSizeOrZero => "a number",
        ArgKind::Context => "the context",
        ArgKind::ContextOrNull => "the context or null",
        ArgKind::Map => "a map",
        ArgKind::MapKey => "a pointer to a key",
        ArgKind::Timer => "a pointer to a timer in a map value",
        ArgKind::SpinLock => "a pointer to a lock in a map value",
        ArgKind::Callback => "a function",
        ArgKind::StackOrNull => "a pointer to the stack, or null",
        ArgKind::ConstStr => "a string in a read-only map",
        ArgKind::RingbufRelease => "a reserved ring buffer record",
        ArgKind::Dynptr | ArgKind::DynptrOut | ArgKind::RingbufDynptrOut | ArgKind::RingbufDynptrRelease => {
            "a dynptr on the stack"
        }
        ArgKind::SockCommon | ArgKind::SockRelease | ArgKind::Sock => "a socket",
        ArgKind::Btf(_) | ArgKind::PercpuBtf => "a pointer to an object of the kernel",
        ArgKind::BtfOrNull(_) | ArgKind::KptrOrNull => "a pointer to an object of the kernel, or null",
        kind if kind.takes_null() => "a pointer to memory, or null",
        _ => "a pointer to memory",
    }
}
