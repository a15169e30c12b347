//! Calls: of helpers, of functions of the program, of the kernel's.

use super::args::Args;
use super::map_rules;
use super::scalar::{Scalar, Truth};
use super::state::{Frame, Loaded, Returns};
use super::value::{Memory, Null, Pointer, Value};
use super::walk::{Entry, Step, Walk};
use super::{Rule, cfg};
use crate::asm::helper::{Gpl, RetKind};
use crate::asm::{Helper, Reg, limits};
use crate::kind::ProgType;
use crate::map::{MapFlags, MapKind};
use crate::target::{Fact, Subject};

impl Walk<'_, '_, '_> {
    pub(super) fn call(&mut self, helper: Helper) -> Step {
        if self.program.is_patched(self.slot) {
            return self.unknown_call();
        }
        let Some(proto) = helper.proto() else {
            return Err(
                self.wrong(Rule::UnknownHelper, format!("no helper has the number {}", helper.number()))
            );
        };
        self.available(helper)?;
        let args = self.arguments(helper, proto.args)?;
        self.map_for_helper(helper, args.map)?;
        self.tail_call(helper)?;
        self.before_timer_call(helper, &args)?;
        for &(frame, from, to) in &args.written {
            if let Some(frame) = self.state.frames.get_mut(frame) {
                frame.stack.scramble(from, to);
            }
        }
        self.make_dynptr(&args);
        self.locks(helper, &args)?;
        match args.released {
            Some(reference) => self.state.release(reference),
            // Another pointer to a socket may have been released through this one.
            None if helper == Helper::SK_RELEASE => self.state.references.clear(),
            None => {}
        }
        self.move_packet(helper);
        let result = self.result(helper, proto.ret, &args);
        self.callback(helper, &args)?;
        self.state.clobber();
        self.state.set(Reg::R0, result);
        Ok(())
    }

    fn available(&mut self, helper: Helper) -> Step {
        let number = helper.number();
        let subject = Subject::Helper { helper: number, prog_type: self.program.kind.prog_type().0 };
        let since = helper.since().map(|since| self.program.target.fact(subject, since));
        if since == Some(Fact::No) {
            let since =
                helper.since().map_or(String::new(), |since| format!(", which came with Linux {since}"));
            let reason = format!("{} does not have {helper}{since}", self.program.target);
            return Err(self.wrong(Rule::HelperUnavailable, reason));
        }
        self.for_kind(helper)?;
        match helper.gpl() {
            Some(Gpl::Always) if !self.program.gpl => {
                return Err(self.wrong(Rule::GplOnly, format!("{helper} is for programs under the GPL")));
            }
            Some(Gpl::Varies) if !self.program.gpl => {
                self.suspect(Rule::GplOnly, format!("{helper} is for programs under the GPL, in some kinds"));
            }
            _ => {}
        }
        self.may_sleep(helper)?;
        let allowed = [Helper::SPIN_UNLOCK, Helper::KPTR_XCHG];
        if self.state.lock.is_some() && helper == Helper::SPIN_LOCK {
            return Err(self.wrong(Rule::LockOrder, "a lock is held already"));
        }
        if self.state.lock.is_some() && !allowed.contains(&helper) {
            let reason = format!("{helper} is called between lock and unlock");
            self.wrong_if(self.program.is_told(), Rule::CallUnderLock, reason)?;
        }
        Ok(())
    }

    /// What the kind offers; the table ends with 6.18.
    fn for_kind(&mut self, helper: Helper) -> Step {
        let (kind, target, told) = (self.program.kind, self.program.target, self.program.is_told());
        if kind.prog_type() == ProgType::EXT {
            return Ok(());
        }
        let Some(terms) = kind.helper(helper) else {
            return self.wrong_if(
                told,
                Rule::HelperUnavailable,
                format!("{kind} programs do not have {helper}"),
            );
        };
        let subject = Subject::Helper { helper: helper.number(), prog_type: kind.prog_type().0 };
        if target.fact(subject, terms.since) == Fact::No {
            let reason =
                format!("{kind} programs have {helper} since Linux {}, and this is {target}", terms.since);
            return Err(self.wrong(Rule::HelperUnavailable, reason));
        }
        Ok(())
    }

    fn may_sleep(&mut self, helper: Helper) -> Step {
        if !helper.sleeps() {
            return Ok(());
        }
        let sleepable = self.program.linked.def.flags.contains(crate::program::ProgramFlags::SLEEPABLE);
        let in_async = self.state.frames.first().is_some_and(|frame| frame.returns == Returns::FromAsync);
        if !sleepable {
            return Err(self.wrong(Rule::Sleeps, format!("{helper} may sleep, and the program may not")));
        }
        if in_async {
            // 6.12 looks at the program only.
            self.suspect(Rule::Sleeps, format!("{helper} may sleep, and the callback of a timer may not"));
        }
        Ok(())
    }

    fn map_for_helper(&mut self, helper: Helper, map: Option<usize>) -> Step {
        let Some(def) = map.and_then(|map| self.program.map(map)) else { return Ok(()) };
        if !map_rules::fits(helper, def.kind) {
            let reason = format!("{helper} does not take `{}`, a {} map", def.name, def.kind);
            self.wrong_if(self.program.is_told(), Rule::MapKindForHelper, reason)?;
        }
        let writes =
            [Helper::MAP_UPDATE_ELEM, Helper::MAP_DELETE_ELEM, Helper::MAP_PUSH_ELEM, Helper::MAP_POP_ELEM];
        if writes.contains(&helper) && def.flags.contains(MapFlags::RDONLY_PROG) {
            let reason = format!("map `{}` has the flag {}", def.name, MapFlags::RDONLY_PROG);
            return Err(self.wrong(Rule::MapAccess, reason));
        }
        Ok(())
    }

    /// The program may end with this call, and what it holds would be lost.
    fn tail_call(&mut self, helper: Helper) -> Step {
        if helper != Helper::TAIL_CALL || self.state.references.is_empty() {
            return Ok(());
        }
        Err(self.wrong(Rule::MissingRelease, "a tail call ends the program while something is held"))
    }

    fn unknown_call(&mut self) -> Step {
        self.state.clobber();
        self.state.set(Reg::R0, Value::Unknown);
        Ok(())
    }

    fn result(&mut self, helper: Helper, kind: RetKind, args: &Args) -> Value {
        match kind {
            RetKind::Integer if has_known_result(helper) => Value::Scalar(Scalar::some()),
            RetKind::Integer => self.any(),
            RetKind::Void => Value::Uninit,
            RetKind::MapValue | RetKind::MapValueOrNull => self.map_value(kind, args),
            RetKind::RingbufOrNull => {
                let reference = self.fresh();
                self.state.acquire(reference, self.slot);
                let pointer = Pointer::new(Memory::Record(args.size));
                Value::Pointer(Pointer { reference, ..pointer.nullable(Null::Maybe, reference) })
            }
            RetKind::SocketOrNull | RetKind::TcpSockOrNull | RetKind::SockCommonOrNull => {
                self.object(ACQUIRE_SOCKETS.contains(&helper))
            }
            RetKind::KptrOrNull => self.object(true),
            _ => Value::Unknown,
        }
    }

    /// A socket or another thing of the kernel's, or null; it may have to be released.
    fn object(&mut self, acquired: bool) -> Value {
        let id = self.fresh();
        let pointer = Pointer::new(Memory::Object).nullable(Null::Maybe, id);
        if !acquired {
            return Value::Pointer(pointer);
        }
        self.state.acquire(id, self.slot);
        Value::Pointer(Pointer { reference: id, ..pointer })
    }

    fn map_value(&mut self, kind: RetKind, args: &Args) -> Value {
        let id = self.fresh();
        let Some(map) = args.map else { return Value::Unknown };
        let Some(def) = self.program.map(map) else { return Value::Unknown };
        let memory = match self.program.inner_of(map) {
            Some(inner) => Memory::Map(inner),
            None if def.kind.has_own_values() => Memory::MapValue(map),
            None if matches!(def.kind, MapKind::SOCKMAP | MapKind::SOCKHASH) => return self.object(true),
            None => return Value::Unknown,
        };
        let null = match kind {
            RetKind::MapValue => Null::Never,
            _ if self.surely_there(def, args) => Null::Perhaps,
            _ => Null::Maybe,
        };
        Value::Pointer(Pointer::new(memory).nullable(null, id))
    }

    /// Whether a kernel may know that an array has the element: the key is a constant on the stack.
    fn surely_there(&self, def: &crate::map::MapDef, args: &Args) -> bool {
        if !matches!(def.kind, MapKind::ARRAY | MapKind::PERCPU_ARRAY) {
            return false;
        }
        let Some(Value::Pointer(Pointer { memory: Memory::Stack(frame), off, var: None, .. })) = args.key
        else {
            return !matches!(args.key, Some(Value::Pointer(_)));
        };
        match self.state.frames.get(frame).map(|frame| frame.stack.load(off, 4)) {
            Some(Loaded::Value(Value::Scalar(key))) => match key.value() {
                Some(key) => key < u64::from(def.max_entries),
                None => key.truth == Truth::Some,
            },
            _ => true,
        }
    }

    fn callback(&mut self, helper: Helper, args: &Args) -> Step {
        let Some(function) = args.function else { return Ok(()) };
        match helper {
            Helper::TIMER_SET_CALLBACK => {
                let map = args.timer.and_then(|timer| match timer.memory {
                    Memory::MapValue(map) => Some(map),
                    _ => None,
                });
                self.add_entry(Entry::Async { function, map, certain: self.state.certain });
                Ok(())
            }
            _ => self.called_by_helper(helper, function, args),
        }
    }

    /// The helper calls the function now, any number of times.
    fn called_by_helper(&mut self, helper: Helper, function: usize, args: &Args) -> Step {
        let mut inside = self.state.clone();
        let mut frame = Frame::new(function, inside.frames.len(), Returns::FromCallback);
        let context = self.state.get(Reg::R3);
        let arguments = match helper {
            Helper::LOOP => {
                if self.state.get(Reg::R1).as_constant() == Some(0) {
                    inside.certain = false;
                }
                [Value::Scalar(Scalar::some()), context, Value::Uninit, Value::Uninit, Value::Uninit]
            }
            Helper::FOR_EACH_MAP_ELEM => {
                let of = |memory: fn(usize) -> Memory| {
                    args.map.map_or(Value::Unknown, |map| Value::Pointer(Pointer::new(memory(map))))
                };
                [of(Memory::Map), of(Memory::MapKey), of(Memory::MapValue), context, Value::Uninit]
            }
            _ => [Value::Unknown; 5],
        };
        frame.registers[1..6].copy_from_slice(&arguments);
        let number_of_rounds = self.state.get(Reg::R1);
        if helper == Helper::LOOP
            && !matches!(number_of_rounds, Value::Scalar(s) if s.umin() > 0 || s.has_unsigned_ends())
        {
            inside.certain = false;
        }
        frame.context = self.context();
        self.room_for_a_frame()?;
        inside.keep_registers(0);
        inside.frames.push(frame);
        let start = self.program.range(function).start;
        self.meet(start, inside);
        // What the callback leaves on a stack it was given is not followed; other memory is not known anyway.
        if matches!(context, Value::Unknown | Value::Pointer(Pointer { memory: Memory::Stack(_), .. })) {
            self.state.blur_stacks();
        }
        self.state.trust_packets();
        self.state.bounded = true;
        Ok(())
    }

    fn room_for_a_frame(&mut self) -> Step {
        let frames = self.state.frames.len() + 1;
        let limit = if self.program.is_before(7, 2) { limits::CALL_FRAMES } else { limits::CALL_FRAMES_7_2 };
        if frames > limit as usize {
            return Err(self.wrong(Rule::CallDepth, format!("{frames} functions call one another")));
        }
        Ok(())
    }

    pub(super) fn call_function(&mut self) -> Step {
        let Some(function) = cfg::called(self.program, self.slot) else { return self.unknown_call() };
        if self.state.lock.is_some() && cfg::is_global(self.program, function) {
            return Err(
                self.wrong(Rule::CallUnderLock, "a global function is called between lock and unlock")
            );
        }
        if self.state.lock.is_some() && self.program.is_before(6, 9) {
            return Err(self.wrong(Rule::CallUnderLock, "a function is called between lock and unlock"));
        }
        if cfg::is_global(self.program, function) {
            return self.call_global(function);
        }
        if !self.follows_call(function) {
            self.doubt();
            self.state.blur_stacks();
            self.state.trust_packets();
            return self.unknown_call();
        }
        let mut frame = Frame::new(function, self.state.frames.len(), Returns::To(self.next));
        frame.registers[1..6].copy_from_slice(&self.state.frame().registers[1..6]);
        frame.context = self.context();
        self.room_for_a_frame()?;
        self.state.clobber();
        self.keep_live(self.next);
        self.state.frames.push(frame);
        self.next = self.program.range(function).start;
        Ok(())
    }

    /// Verified on its own; here only its result counts, which may be anything.
    fn call_global(&mut self, function: usize) -> Step {
        self.add_entry(Entry::Global { function, certain: self.state.certain });
        self.state.trust_packets();
        self.state.clobber();
        let result = self.any();
        self.state.set(Reg::R0, result);
        Ok(())
    }

    pub(super) fn call_kfunc(&mut self) -> Step {
        // An iterator's next may end the loop; others acquire, release, lock: nothing is proved after that.
        self.doubt();
        self.state.bounded = true;
        self.state.trust_packets();
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            match self.state.get(reg) {
                Value::Pointer(Pointer { memory: Memory::Stack(_), .. }) => self.state.blur_stacks(),
                Value::Pointer(Pointer { reference: held @ 1.., .. }) => self.state.hand_over(held),
                _ => {}
            }
        }
        self.unknown_call()
    }

    pub(super) fn legacy_load(&mut self, index: Option<Reg>) -> Step {
        if map_rules::has_no_skb(self.program.kind) {
            let reason = format!("{} programs see no skb", self.program.kind);
            return Err(self.wrong(Rule::LegacyLoad, reason));
        }
        if self.state.lock.is_some() {
            return Err(self.wrong(Rule::CallUnderLock, "a packet load between lock and unlock"));
        }
        if !self.state.references.is_empty() {
            return Err(self.wrong(Rule::MissingRelease, "a packet load may end the program"));
        }
        match self.read(Reg::R6)? {
            Value::Unknown | Value::Pointer(Pointer { memory: Memory::Context, off: 0, var: None, .. }) => {}
            other => {
                let reason = format!("R6 is {}", other.describe());
                return Err(self.wrong(Rule::LegacyLoad, reason));
            }
        }
        if let Some(index) = index {
            self.read(index)?;
        }
        self.state.clobber();
        let id = self.fresh();
        // Before 6.18 nothing is known of it.
        self.state.set(Reg::R0, Value::Scalar(Scalar::any(id).with_truth(Truth::Some)));
        Ok(())
    }
}

const ACQUIRE_SOCKETS: [Helper; 3] = [Helper::SK_LOOKUP_TCP, Helper::SK_LOOKUP_UDP, Helper::SKC_LOOKUP_TCP];

/// Helpers of whose result kernels know a range.
fn has_known_result(helper: Helper) -> bool {
    matches!(
        helper,
        Helper::GET_STACK
            | Helper::GET_TASK_STACK
            | Helper::PROBE_READ_STR
            | Helper::PROBE_READ_KERNEL_STR
            | Helper::PROBE_READ_USER_STR
            | Helper::GET_SMP_PROCESSOR_ID
            | Helper::GET_NUMA_NODE_ID
    )
}
