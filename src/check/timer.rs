//! Timers and locks in map values.

use super::args::Args;
use super::scalar::Truth;
use super::value::{Memory, Pointer, Value};
use super::walk::{Step, Walk};
use super::{Rule, Severity, cfg};
use crate::asm::{Helper, Insn, Reg};
use crate::base::{Capabilities, Clock, TimerFlags};
use crate::btf::special::{FieldKind, SpecialField};
use crate::kind::ProgType;
use crate::map::{MapDef, MapSource};
use crate::target::{Fact, Feature, Subject};

use super::findings::Findings;
use super::program::{At, Program};

/// Programs that may not even name a map with a timer.
pub(super) fn check_kind(program: &Program<'_>, findings: &mut Findings<'_, '_>) {
    // Others have the maps from the beginning, and the helpers or not.
    let Some(since) = program.kind.timers().filter(|since| *since >= Feature::TracingTimers.since()) else {
        return;
    };
    let has = program.target.fact(Subject::Feature(Feature::TracingTimers), since);
    for (slot, def) in named_maps(program).filter(|(_, def)| has_timer(def)) {
        let reason =
            format!("map `{}` has a timer, and {} programs may not use those", def.name, program.kind);
        match has {
            Fact::Yes => {}
            Fact::No if is_made_here(def) => findings.reject(Rule::TimerProgramKind, slot, reason),
            _ => {
                let reason = format!("{reason} before Linux 7.0");
                findings.add(Rule::TimerProgramKind, slot, Severity::Suspect, reason);
            }
        }
    }
}

/// Programs that may not even name a map with a lock (`check_map_prog_compatibility`).
pub(super) fn check_locks(program: &Program<'_>, findings: &mut Findings<'_, '_>) {
    let refused = [
        ProgType::SOCKET_FILTER,
        ProgType::KPROBE,
        ProgType::TRACEPOINT,
        ProgType::PERF_EVENT,
        ProgType::RAW_TRACEPOINT,
        ProgType::RAW_TRACEPOINT_WRITABLE,
    ];
    if !refused.contains(&program.kind.prog_type()) {
        return;
    }
    for (slot, def) in named_maps(program) {
        if offset_of(def, FieldKind::SpinLock).is_some() {
            let reason =
                format!("map `{}` has a lock, and {} programs may not use those", def.name, program.kind);
            let severity = if is_made_here(def) { cfg::told(program) } else { Severity::Suspect };
            findings.add(Rule::LockProgramKind, slot, severity, reason);
        }
    }
}

/// The maps that instructions name, by slot.
fn named_maps<'a>(program: &Program<'a>) -> impl Iterator<Item = (usize, &'a MapDef)> {
    (0..program.len()).filter_map(|slot| {
        let Some(At::Insn(Insn::LoadMap { .. } | Insn::LoadMapValue { .. }, _)) = program.at(slot) else {
            return None;
        };
        let map = program.map_index(&program.reloc(slot)?.symbol)?;
        Some((slot, program.map(map)?))
    })
}

fn has_timer(def: &MapDef) -> bool {
    offset_of(def, FieldKind::Timer).is_some()
}

fn offset_of(def: &MapDef, kind: FieldKind) -> Option<i64> {
    def.fields.iter().find(|field| field.kind == kind).map(|field| i64::from(field.offset))
}

impl Walk<'_, '_, '_> {
    /// The argument of a timer helper: exactly at the timer.
    pub(super) fn timer_field(&mut self, pointer: Pointer) -> Step {
        let Memory::MapValue(map) = pointer.memory else { return Ok(()) };
        self.field(pointer, map, FieldKind::Timer)?;
        let Some(def) = self.program.map(map) else { return Ok(()) };
        if pointer.off != 0 && self.program.lacks(Capabilities::PERFMON) {
            let name = &def.name;
            let reason = format!(
                "the timer of `{name}` is at byte {}, which cannot be reached without CAP_PERFMON",
                pointer.off
            );
            self.suspect(Rule::TimerPerfmon, reason);
        }
        Ok(())
    }

    /// The argument of a lock helper: exactly at the lock.
    pub(super) fn lock_field(&mut self, pointer: Pointer) -> Step {
        let Memory::MapValue(map) = pointer.memory else { return Ok(()) };
        self.field(pointer, map, FieldKind::SpinLock)
    }

    /// The argument of `bpf_kptr_xchg`: exactly at a pointer to an object of the kernel.
    pub(super) fn kptr_field(&mut self, pointer: Pointer, map: usize) -> Step {
        let Some(def) = self.program.map(map).filter(|def| is_made_here(def)) else { return Ok(()) };
        if let Some(var) = pointer.var {
            let reason = "the offset is not a constant";
            return self.wrong_if(var.truth != Truth::Some, Rule::ArgumentKind, reason);
        }
        let is_there =
            |field: &SpecialField| field.kind.is_pointer() && i64::from(field.offset) == pointer.off;
        if !def.fields.iter().any(is_there) {
            let reason = format!(
                "byte {} of the value of `{}` is no pointer to a kernel object",
                pointer.off, def.name
            );
            return Err(self.wrong(Rule::ArgumentKind, reason));
        }
        Ok(())
    }

    fn field(&mut self, pointer: Pointer, map: usize, kind: FieldKind) -> Step {
        let Some(def) = self.program.map(map) else { return Ok(()) };
        let (missing, beside) = match kind {
            FieldKind::Timer => (Rule::MapWithoutTimer, Rule::TimerOffset),
            _ => (Rule::ArgumentKind, Rule::ArgumentKind),
        };
        let Some(at) = offset_of(def, kind) else {
            let reason = format!("the value of `{}` has no {kind} that the kernel knows of", def.name);
            // Another's map may have one all the same.
            return self.wrong_if(is_made_here(def), missing, reason);
        };
        if let Some(var) = pointer.var {
            let sure = var.truth != Truth::Some;
            return self.wrong_if(sure, beside, "the offset is not a constant".to_owned());
        }
        if pointer.off != at {
            let reason = format!("the pointer is at byte {} of the value, {kind} is at {at}", pointer.off);
            self.wrong_if(is_made_here(def), beside, reason)?;
        }
        Ok(())
    }

    /// The second argument of `bpf_timer_init`: the map the timer is in.
    pub(super) fn timer_map(&mut self, timer: Pointer, map: usize) -> Step {
        let Memory::MapValue(of) = timer.memory else { return Ok(()) };
        if of == map {
            return Ok(());
        }
        let (Some(a), Some(b)) = (self.program.map(of), self.program.map(map)) else {
            return Ok(());
        };
        let reason = format!("the timer is in `{}`, and R2 is `{}`", a.name, b.name);
        let sure = is_made_here(a) || is_made_here(b);
        self.wrong_if(sure, Rule::TimerMap, reason)
    }

    /// What shows at run time only: clocks, flags, deadlines, the order of calls.
    pub(super) fn before_timer_call(&mut self, helper: Helper, args: &Args) -> Step {
        let Some(timer) = args.timer else { return Ok(()) };
        match helper {
            Helper::TIMER_INIT => {
                self.clock();
                self.disarm(timer);
            }
            Helper::TIMER_SET_CALLBACK => self.state.disarmed.retain(|id| *id != timer.id),
            Helper::TIMER_CANCEL => self.disarm(timer),
            Helper::TIMER_START => self.start(timer),
            _ => {}
        }
        Ok(())
    }

    /// It has lost its callback. In its own callback it does not: there `bpf_timer_cancel` returns -EDEADLK, `bpf_timer_init` -EBUSY.
    fn disarm(&mut self, timer: Pointer) {
        if timer.id != self.called_by {
            self.state.disarm(timer.id);
        }
    }

    fn clock(&mut self) {
        let Some(flags) = self.state.get(Reg::R3).as_constant() else { return };
        match Clock::from_number(flags) {
            None => {
                let reason =
                    format!("{flags} is no clock that timers have: bpf_timer_init will return -EINVAL");
                self.suspect(Rule::TimerClock, reason);
            }
            Some(Clock::Realtime) => self.suspect(
                Rule::TimerClock,
                "CLOCK_REALTIME behaves as CLOCK_MONOTONIC, for absolute deadlines too",
            ),
            Some(_) => {}
        }
    }

    fn start(&mut self, timer: Pointer) {
        if self.state.disarmed.contains(&timer.id) {
            let reason = "no callback is set on this path: bpf_timer_start will return -EINVAL";
            self.suspect(Rule::TimerWithoutCallback, reason);
        }
        let Some(flags) = self.state.get(Reg::R3).as_constant() else { return };
        if TimerFlags::from_bits(flags).is_none() {
            self.suspect(Rule::TimerFlags, format!("flags {flags}: bpf_timer_start will return -EINVAL"));
        }
        let flags = TimerFlags::from_bits_retain(flags);
        for (flag, feature) in
            [(TimerFlags::ABS, Feature::TimerAbs), (TimerFlags::CPU_PIN, Feature::TimerCpuPin)]
        {
            if flags.contains(flag) && self.program.target.feature(feature) == Fact::No {
                let reason = format!(
                    "{} does not have {feature}: bpf_timer_start will return -EINVAL",
                    self.program.target
                );
                self.suspect(Rule::TimerFlags, reason);
            }
        }
        if flags.contains(TimerFlags::ABS) {
            self.deadline();
        }
    }

    fn deadline(&mut self) {
        let Value::Scalar(deadline) = self.state.get(Reg::R2) else { return };
        let Some(at) = deadline.value() else { return };
        let in_callback =
            self.state.frames.first().is_some_and(|frame| frame.returns == super::state::Returns::FromAsync);
        if at >= 1 << 63 {
            let reason = format!("{at} ns is 2^63 or more, which makes the kernel warn");
            self.suspect(Rule::TimerDeadline, reason);
        } else if in_callback {
            let reason =
                format!("{at} ns is the same each time: once it has passed, the callback runs without end");
            self.suspect(Rule::TimerDeadline, reason);
        }
    }

    pub(super) fn locks(&mut self, helper: Helper, args: &Args) -> Step {
        let Some(lock) = args.lock else { return Ok(()) };
        let Memory::MapValue(map) = lock.memory else { return Ok(()) };
        match (helper, self.state.lock) {
            (Helper::SPIN_LOCK, _) => self.state.lock = Some((lock.id, map)),
            (Helper::SPIN_UNLOCK, None) => {
                return Err(self.wrong(Rule::LockOrder, "no lock is held"));
            }
            (Helper::SPIN_UNLOCK, Some(held)) if held != (lock.id, map) => {
                return Err(self.wrong(Rule::LockOrder, "another lock is held"));
            }
            (Helper::SPIN_UNLOCK, Some(_)) => self.state.lock = None,
            _ => {}
        }
        Ok(())
    }
}

/// Whether the map is what the object says; one found elsewhere may have other fields.
pub(super) fn is_made_here(def: &MapDef) -> bool {
    def.source == MapSource::Create
}
