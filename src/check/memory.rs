//! Loads and stores: whether the address is one, and what is there.

use super::Rule;
use super::context::{self, Field};
use super::depth;
use super::scalar::{Scalar, Truth};
use super::state::Loaded;
use super::timer::is_made_here;
use super::value::{Memory, Null, Pointer, Value};
use super::walk::{Step, Walk};
use crate::asm::{AtomicOp, Reg, Width, limits};
use crate::base::Capabilities;
use crate::btf::special::SpecialField;
use crate::map::MapFlags;
use crate::target::Fact;

/// What is done with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

impl Walk<'_, '_, '_> {
    pub(super) fn load(&mut self, dst: Reg, base: Reg, off: i16, size: u8, signed: bool) -> Step {
        let address = self.read(base)?;
        if dst == Reg::FP {
            return self.write(dst, address);
        }
        let value = self.fetch(address, i64::from(off), size, signed)?;
        self.write(dst, value)
    }

    fn fetch(&mut self, address: Value, off: i64, size: u8, signed: bool) -> Step<Value> {
        let pointer = match address {
            Value::Pointer(pointer) if !self.program.is_patched(self.slot) => pointer,
            Value::Scalar(_) => return Err(self.not_an_address(address)),
            _ => return Ok(Value::Unknown),
        };
        let pointer = self.not_null(pointer)?;
        match pointer.memory {
            Memory::Stack(frame) => self.load_stack(frame, pointer, off, size, signed),
            Memory::MapValue(map) => {
                self.value_access(pointer, map, off, u64::from(size), Use::Read)?;
                let truth =
                    if self.is_read_only(map) || self.has_kptr(map) { Truth::Some } else { Truth::All };
                Ok(self.loaded(size, signed, truth))
            }
            Memory::MapKey(map) => {
                self.key_access(pointer, map, off, u64::from(size))?;
                Ok(self.loaded(size, signed, Truth::All))
            }
            Memory::Record(length) => {
                self.record_access(pointer, length, off, u64::from(size))?;
                Ok(self.loaded(size, signed, Truth::All))
            }
            Memory::Context => self.load_context(pointer, off, size, signed),
            Memory::Packet | Memory::PacketMeta => {
                self.packet_access(pointer, off, u64::from(size), Use::Read)?;
                Ok(self.loaded(size, signed, Truth::All))
            }
            Memory::Function(_) | Memory::PacketEnd => Err(self.not_an_address(address)),
            // The fields of a map can be read, by the kernel's BTF.
            Memory::Map(_) | Memory::Object | Memory::Dynptr => Ok(Value::Unknown),
        }
    }

    fn loaded(&mut self, size: u8, signed: bool, truth: Truth) -> Value {
        let id = self.fresh();
        Value::Scalar(Scalar::loaded(size, signed, id).with_truth(truth))
    }

    pub(super) fn store(&mut self, base: Reg, off: i16, size: u8, value: Value) -> Step {
        let address = self.read(base)?;
        let off = i64::from(off);
        let pointer = match address {
            Value::Pointer(pointer) if !self.program.is_patched(self.slot) => pointer,
            Value::Scalar(_) => return Err(self.not_an_address(address)),
            _ => return Ok(()),
        };
        let pointer = self.not_null(pointer)?;
        match pointer.memory {
            Memory::Stack(frame) => self.store_stack(frame, pointer, off, size, value),
            Memory::MapValue(map) => self.value_access(pointer, map, off, u64::from(size), Use::Write),
            Memory::MapKey(_) => {
                Err(self.wrong(Rule::KeyWrite, "the pointer is to a key, as a callback is given it"))
            }
            Memory::Record(length) => self.record_access(pointer, length, off, u64::from(size)),
            Memory::Context => self.context_access(pointer, off, size, Use::Write).map(|_| ()),
            Memory::Map(_) => Err(self.wrong(Rule::ReadOnly, "the fields of a map can only be read")),
            Memory::Packet | Memory::PacketMeta => {
                self.packet_access(pointer, off, u64::from(size), Use::Write)
            }
            Memory::Function(_) | Memory::PacketEnd => Err(self.not_an_address(address)),
            Memory::Object | Memory::Dynptr => Ok(()),
        }
    }

    fn not_an_address(&mut self, value: Value) -> super::walk::Stop {
        self.wrong(Rule::NotAPointer, format!("the address is {}", value.describe()))
    }

    /// The pointer, which must not be null.
    pub(super) fn not_null(&mut self, pointer: Pointer) -> Step<Pointer> {
        match pointer.null {
            Null::Never => {}
            Null::Maybe => {
                let reason = format!("the address is {}", pointer.describe());
                return Err(self.wrong(Rule::NullDereference, reason));
            }
            Null::Perhaps => {
                let before = self.program.is_before(6, 15);
                self.wrong_if(
                    before,
                    Rule::NullDereference,
                    "before Linux 6.15 a look-up may always give null",
                )?;
            }
        }
        Ok(Pointer { null: Null::Never, ..pointer })
    }

    /// An access of `size` bytes at `off` from a pointer, into `low..high`.
    pub(super) fn bounds(
        &mut self,
        pointer: Pointer,
        off: i64,
        size: u64,
        (low, high): (i64, i64),
        rule: Rule,
    ) -> Step {
        let start = i128::from(pointer.off) + i128::from(off);
        let (low, high, size) = (i128::from(low), i128::from(high), i128::from(size));
        let outside = |at: i128| at < low || at + size > high;
        let Some(var) = pointer.var else {
            if outside(start) {
                let reason =
                    format!("bytes {start} to {} are accessed, {low} to {high} are there", start + size);
                return Err(self.wrong(rule, reason));
            }
            return Ok(());
        };
        let (first, last) = (start + i128::from(var.smin()), start + i128::from(var.smax()));
        if !outside(first) && !outside(last) {
            return Ok(());
        }
        let reason = format!(
            "the offset may be anything from {} to {}, and {size} bytes there must lie in {low} to {high}",
            first, last
        );
        // All of them outside, or one that surely occurs.
        let all = last < low || first + size > high;
        let sure = all || var.has_signed_ends();
        self.wrong_if(sure, rule, reason)
    }

    fn aligned(&mut self, pointer: Pointer, off: i64, size: u8) -> Step {
        let at = pointer.off + off;
        if pointer.var.is_none() && at % i64::from(size) != 0 {
            let reason = format!("{size} bytes at {at} from the frame pointer");
            return Err(self.wrong(Rule::Misaligned, reason));
        }
        Ok(())
    }

    pub(super) fn stack_bounds(&mut self, frame: usize, pointer: Pointer, off: i64, size: u64) -> Step {
        let deepest = -i64::from(limits::STACK_BYTES);
        self.bounds(pointer, off, size, (deepest, 0), Rule::StackBounds)?;
        let function = self.state.frames.get(frame).map_or(0, |frame| frame.function);
        let var = pointer.var.map_or(0, |var| var.smax());
        let bytes = pointer.off.saturating_add(off).saturating_add(var).saturating_neg();
        if self.state.certain && !depth::is_spill_around_call(self.program, self.slot) {
            self.stack_use.touch(function, u32::try_from(bytes).unwrap_or(0).min(limits::STACK_BYTES));
        }
        Ok(())
    }

    fn load_stack(
        &mut self,
        frame: usize,
        pointer: Pointer,
        off: i64,
        size: u8,
        signed: bool,
    ) -> Step<Value> {
        self.aligned(pointer, off, size)?;
        self.stack_bounds(frame, pointer, off, u64::from(size))?;
        let at = pointer.off + off;
        let inside = (-i64::from(limits::STACK_BYTES)..0).contains(&at);
        let Some(known) = self.state.frames.get(frame).filter(|_| pointer.var.is_none() && inside) else {
            return Ok(self.loaded(size, signed, Truth::Some));
        };
        match known.stack.load(at, size) {
            Loaded::Value(Value::Scalar(scalar)) if signed => {
                let id = self.fresh();
                Ok(Value::Scalar(scalar.extend_sign(8 * size, Width::Bits64, id)))
            }
            // Reading a dynptr is refused, but not by every kernel.
            Loaded::Value(Value::Pointer(Pointer { memory: Memory::Dynptr, .. })) => Ok(Value::Unknown),
            Loaded::Value(value) => Ok(value),
            Loaded::Bytes => Ok(self.loaded(size, signed, Truth::Some)),
            Loaded::PartOfPointer => {
                Err(self.wrong(Rule::PartOfPointer, format!("{size} bytes of a pointer are loaded")))
            }
            Loaded::Unwritten => {
                self.unwritten_stack(at, size.into())?;
                Ok(self.loaded(size, signed, Truth::Some))
            }
        }
    }

    /// Since 6.3, with CAP_PERFMON, what was never written can be read.
    pub(super) fn unwritten_stack(&mut self, at: i64, size: u64) -> Step {
        let sure = self.program.lacks(Capabilities::PERFMON) || self.program.is_before(6, 3);
        let reason =
            format!("of the {size} bytes at {at} from the frame pointer, some were not written on this path");
        self.wrong_if(sure, Rule::UninitialisedStack, reason)
    }

    fn store_stack(&mut self, frame: usize, pointer: Pointer, off: i64, size: u8, value: Value) -> Step {
        self.aligned(pointer, off, size)?;
        self.stack_bounds(frame, pointer, off, u64::from(size))?;
        if let Value::Pointer(stored) = value {
            if size != 8 && pointer.var.is_none() {
                return Err(self.wrong(Rule::PartOfPointer, format!("{size} bytes of a pointer are stored")));
            }
            if matches!(stored.memory, Memory::Stack(_))
                && frame != self.state.depth()
                && pointer.var.is_none()
            {
                let reason = "a pointer to a stack is stored in the stack of a caller";
                return Err(self.wrong(Rule::StackEscape, reason));
            }
        }
        let at = pointer.off + off;
        let deepest = -i64::from(limits::STACK_BYTES);
        let Some(known) = self.state.frames.get_mut(frame) else { return Ok(()) };
        match pointer.var {
            None if (deepest..0).contains(&at) => known.stack.store(at, size, value),
            None => {}
            Some(var) => {
                let first = at.saturating_add(var.smin()).clamp(deepest, 0);
                let last = at.saturating_add(var.smax()).saturating_add(i64::from(size)).clamp(deepest, 0);
                known.stack.scramble(first, last);
            }
        }
        Ok(())
    }

    /// An access to a map value: its bounds, the flags of the map, its special fields.
    pub(super) fn value_access(
        &mut self,
        pointer: Pointer,
        map: usize,
        off: i64,
        size: u64,
        how: Use,
    ) -> Step {
        let Some(def) = self.program.map(map) else { return Ok(()) };
        let forbidden = match how {
            Use::Read => MapFlags::WRONLY_PROG,
            Use::Write => MapFlags::RDONLY_PROG,
        };
        if def.flags.contains(forbidden) {
            return Err(self.wrong(Rule::MapAccess, format!("map `{}` has the flag {forbidden}", def.name)));
        }
        self.bounds(pointer, off, size, (0, i64::from(def.value_size)), Rule::ValueBounds)?;
        let (low, high, sure) = match pointer.var {
            None => (0, 0, true),
            Some(var) => (var.smin(), var.smax(), var.has_signed_ends()),
        };
        let start = i128::from(pointer.off) + i128::from(off);
        let (first, end) = (start + i128::from(low), start + i128::from(high) + i128::from(size));
        let known = |field: &&SpecialField| {
            !field.kind.is_pointer() && self.program.target.since(field.kind.since()) != Fact::No
        };
        for field in def.fields.iter().filter(known) {
            let (from, to) = (i128::from(field.offset), i128::from(field.offset + field.kind.size()));
            if first < to && from < end {
                let reason =
                    format!("{} is at bytes {from} to {to} of the value of `{}`", field.kind, def.name);
                // In between, alignment may keep clear of the field.
                let all = pointer.var.is_none_or(|var| var.truth == Truth::All);
                let sure = sure && all && is_made_here(def);
                self.wrong_if(sure, Rule::SpecialField, reason)?;
            }
        }
        Ok(())
    }

    fn is_read_only(&self, map: usize) -> bool {
        self.program.map(map).is_some_and(|def| def.flags.contains(MapFlags::RDONLY_PROG) || def.freeze)
    }

    fn has_kptr(&self, map: usize) -> bool {
        self.program.map(map).is_some_and(|def| def.fields.iter().any(|field| field.kind.is_pointer()))
    }

    pub(super) fn key_access(&mut self, pointer: Pointer, map: usize, off: i64, size: u64) -> Step {
        let key = self.program.map(map).map_or(0, |def| def.key_size);
        self.bounds(pointer, off, size, (0, i64::from(key)), Rule::KeyBounds)
    }

    pub(super) fn record_access(
        &mut self,
        pointer: Pointer,
        length: Option<u64>,
        off: i64,
        size: u64,
    ) -> Step {
        let Some(length) = length.and_then(|length| i64::try_from(length).ok()) else { return Ok(()) };
        self.bounds(pointer, off, size, (0, length), Rule::RecordBounds)
    }

    fn load_context(&mut self, pointer: Pointer, off: i64, size: u8, signed: bool) -> Step<Value> {
        Ok(match self.context_access(pointer, off, size, Use::Read)? {
            Field::Number => self.loaded(size, signed, Truth::Some),
            Field::FreeNumber => self.loaded(size, signed, Truth::All),
            Field::Packet => Value::Pointer(Pointer::new(Memory::Packet)),
            Field::PacketMeta => Value::Pointer(Pointer::new(Memory::PacketMeta)),
            Field::PacketEnd => Value::Pointer(Pointer::new(Memory::PacketEnd)),
            Field::Unknown | Field::None => Value::Unknown,
        })
    }

    fn context_access(&mut self, pointer: Pointer, off: i64, size: u8, how: Use) -> Step<Field> {
        let modified = pointer.off != 0 || pointer.var.is_some();
        if modified && !context::may_be_modified(self.program.kind) {
            return Err(self.wrong(Rule::ContextAccess, "the pointer to the context was changed"));
        }
        if modified {
            self.suspect(
                Rule::ContextAccess,
                "the pointer to the context was changed, which kernels before 7.1 refuse",
            );
            return Ok(Field::Unknown);
        }
        match context::field(self.program, off, size, how) {
            Field::None => {
                let verb = if how == Use::Read { "read" } else { "written" };
                let kind = self.program.kind;
                let reason = format!("{size} bytes at {off} cannot be {verb} in {kind} programs");
                self.wrong_if(self.program.is_told(), Rule::ContextAccess, reason)?;
                Ok(Field::Unknown)
            }
            field => Ok(field),
        }
    }

    /// Memory that atomic operations work on.
    pub(super) fn atomic_memory(&mut self, base: Reg) -> Step {
        match self.read(base)? {
            Value::Pointer(Pointer {
                memory: Memory::Context | Memory::Packet | Memory::PacketMeta,
                null: Null::Never,
                ..
            }) => Err(self.wrong(Rule::AtomicMemory, "the context and the packet have none")),
            _ => Ok(()),
        }
    }

    pub(super) fn atomic(&mut self, op: AtomicOp, width: Width, base: Reg, off: i16, src: Reg) -> Step {
        let size = if width == Width::Bits32 { 4 } else { 8 };
        let operand = self.read(src)?;
        self.read(base)?;
        if op == AtomicOp::CmpXchg {
            self.read(Reg::R0)?;
        }
        self.atomic_memory(base)?;
        let address = self.read(base)?;
        let old = self.fetch(address, i64::from(off), size, false)?;
        let old = if matches!(old, Value::Pointer(_)) { Value::Unknown } else { old };
        let written = match operand {
            Value::Scalar(_) => Value::Scalar(Scalar::some()),
            _ => Value::Unknown,
        };
        self.store(base, off, size, written)?;
        // What is on the stack is known to some degree.
        let on_stack = matches!(address, Value::Pointer(Pointer { memory: Memory::Stack(_), .. }));
        let old = match old {
            Value::Scalar(scalar) if on_stack => Value::Scalar(scalar.with_truth(Truth::Some)),
            other => other,
        };
        match op {
            AtomicOp::CmpXchg => self.write(Reg::R0, old),
            op if op.fetches() => self.write(src, old),
            _ => Ok(()),
        }
    }
}
