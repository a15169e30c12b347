//! Conditional jumps: which sides are possible, and what each teaches.

use super::cfg;
use super::scalar::{Refined, Scalar, Truth};
use super::state::State;
use super::value::{Memory, Null, Pointer, Value};
use super::walk::{Step, Stop, Walk};
use crate::asm::{Cond, Reg, Source, Width};

impl Walk<'_, '_, '_> {
    pub(super) fn jump(&mut self) -> Step {
        self.next = self.target()?;
        Ok(())
    }

    pub(super) fn may_goto(&mut self) -> Step {
        let target = self.target()?;
        self.state.bounded = true;
        let state = State { certain: false, ..self.state.clone() };
        self.meet(target, state);
        Ok(())
    }

    fn target(&self) -> Step<usize> {
        cfg::target(self.program, self.slot).ok_or(Stop)
    }

    pub(super) fn branch(&mut self, cond: Cond, width: Width, dst: Reg, src: Source) -> Step {
        let right = match src {
            Source::Reg(reg) => self.read(reg)?,
            Source::Imm(imm) => self.immediate(imm),
        };
        let left = self.read(dst)?;
        match (left, right) {
            (Value::Scalar(a), Value::Scalar(_)) if src == Source::Reg(dst) => {
                self.against_itself(cond, width, a)
            }
            (Value::Scalar(a), Value::Scalar(b)) => self.numbers(cond, width, a, b),
            (Value::Pointer(pointer), Value::Scalar(b)) => self.pointer(cond, width, pointer, b),
            (Value::Scalar(a), Value::Pointer(pointer)) => self.pointer(cond.swapped(), width, pointer, a),
            (Value::Pointer(a), Value::Pointer(b)) => self.pointers(cond, width, (dst, a), (src, b)),
            (Value::Unknown, Value::Pointer(other)) | (Value::Pointer(other), Value::Unknown)
                if other.memory.is_packet() || other.memory == Memory::PacketEnd =>
            {
                self.state.trust_packets();
                self.unknown()
            }
            _ => self.unknown(),
        }
    }

    fn pointers(
        &mut self,
        cond: Cond,
        width: Width,
        (dst, a): (Reg, Pointer),
        (src, b): (Source, Pointer),
    ) -> Step {
        let ends = |packet: Pointer, end: Pointer| match packet.memory {
            Memory::Packet => end.memory == Memory::PacketEnd,
            Memory::PacketMeta => end.memory == Memory::Packet && end.is_unmoved() && end.id == 0,
            _ => false,
        };
        match src {
            _ if ends(a, b) => self.packet_end(cond, width, (dst, a), false),
            Source::Reg(src) if ends(b, a) => self.packet_end(cond, width, (src, b), true),
            _ => self.unknown(),
        }
    }

    /// Goes on with what falls through now, and with the jump later; each with what it learns.
    pub(super) fn split(
        &mut self,
        taken: Option<impl FnOnce(&mut State)>,
        not_taken: Option<impl FnOnce(&mut State)>,
    ) -> Step {
        let target = self.target()?;
        match (taken, not_taken) {
            (Some(taken), Some(not_taken)) => {
                let mut state = self.state.clone();
                taken(&mut state);
                not_taken(&mut self.state);
                self.meet(target, state);
            }
            (Some(taken), None) => {
                self.next = target;
                taken(&mut self.state);
            }
            (None, Some(not_taken)) => not_taken(&mut self.state),
            (None, None) => return Err(Stop),
        }
        Ok(())
    }

    fn decided(&mut self, taken: bool) -> Step {
        if taken { self.jump() } else { Ok(()) }
    }

    fn unknown(&mut self) -> Step {
        self.doubt();
        self.either()
    }

    pub(super) fn either(&mut self) -> Step {
        self.split(Some(|_: &mut State| {}), Some(|_: &mut State| {}))
    }

    fn against_itself(&mut self, cond: Cond, width: Width, a: Scalar) -> Step {
        match cond {
            Cond::Eq | Cond::Ge | Cond::Le | Cond::SGe | Cond::SLe => self.decided(true),
            Cond::Set => {
                let taken = a.refine(Cond::Ne, width, 0);
                let not = a.refine(Cond::Eq, width, 0);
                self.refined(a, taken, not)
            }
            _ => self.decided(false),
        }
    }

    fn numbers(&mut self, cond: Cond, width: Width, a: Scalar, b: Scalar) -> Step {
        match (a.value(), b.value()) {
            (_, Some(value)) => {
                self.refined(a, a.refine(cond, width, value), a.refine_not(cond, width, value))
            }
            (Some(value), None) => {
                let cond = cond.swapped();
                self.refined(b, b.refine(cond, width, value), b.refine_not(cond, width, value))
            }
            (None, None) => self.ranges(cond, width, a, b),
        }
    }

    fn refined(&mut self, old: Scalar, taken: Refined, not_taken: Refined) -> Step {
        let side = |refined: Refined| match refined {
            Refined::Never => None,
            Refined::Holds { value, sure } => Some(move |state: &mut State| {
                state.certain &= sure;
                state.learn(old, value);
            }),
        };
        self.split(side(taken), side(not_taken))
    }

    /// Two numbers of which neither is known.
    fn ranges(&mut self, cond: Cond, width: Width, a: Scalar, b: Scalar) -> Step {
        if let Some(taken) = decide(cond, width, a, b) {
            return self.decided(taken);
        }
        let free = a.truth == Truth::All && b.truth == Truth::All && a.origin != b.origin;
        let wide =
            width == Width::Bits64 || (a.umax() <= u64::from(u32::MAX) && b.umax() <= u64::from(u32::MAX));
        self.state.certain &= free && wide && cond != Cond::Set;
        self.state.learn(a, a.with_truth(Truth::Some));
        self.state.learn(b, b.with_truth(Truth::Some));
        self.either()
    }

    fn pointer(&mut self, cond: Cond, width: Width, pointer: Pointer, b: Scalar) -> Step {
        let zero = b.value() == Some(0) && width == Width::Bits64;
        let is_null = match cond {
            Cond::Eq if zero => true,
            Cond::Ne if zero => false,
            // No kernel knows where its memory is; but some know that it is not at 0.
            _ if pointer.memory != Memory::Object && !b.may_be(0) => return self.either(),
            _ => return self.unknown(),
        };
        if pointer.null == Null::Never {
            return if pointer.memory == Memory::Object { self.unknown() } else { self.decided(!is_null) };
        }
        let null = |state: &mut State| {
            state.certain &= pointer.null == Null::Maybe;
            state.learn_null(pointer.id, true);
        };
        let rest = |state: &mut State| state.learn_null(pointer.id, false);
        if is_null { self.split(Some(null), Some(rest)) } else { self.split(Some(rest), Some(null)) }
    }
}

/// Whether a comparison of two ranges has one outcome only.
fn decide(cond: Cond, width: Width, a: Scalar, b: Scalar) -> Option<bool> {
    let low = u64::from(u32::MAX);
    if width == Width::Bits32 && (a.umax() > low || b.umax() > low) {
        return None;
    }
    let signed32 = width == Width::Bits32 && (a.umax() > low / 2 || b.umax() > low / 2);
    match cond {
        Cond::Eq | Cond::Ne if a.umax() < b.umin() || b.umax() < a.umin() => Some(cond == Cond::Ne),
        Cond::Gt if a.umin() > b.umax() => Some(true),
        Cond::Gt if a.umax() <= b.umin() => Some(false),
        Cond::Ge if a.umin() >= b.umax() => Some(true),
        Cond::Ge if a.umax() < b.umin() => Some(false),
        Cond::Lt if a.umax() < b.umin() => Some(true),
        Cond::Lt if a.umin() >= b.umax() => Some(false),
        Cond::Le if a.umax() <= b.umin() => Some(true),
        Cond::Le if a.umin() > b.umax() => Some(false),
        _ if signed32 => None,
        Cond::SGt if a.smin() > b.smax() => Some(true),
        Cond::SGt if a.smax() <= b.smin() => Some(false),
        Cond::SGe if a.smin() >= b.smax() => Some(true),
        Cond::SGe if a.smax() < b.smin() => Some(false),
        Cond::SLt if a.smax() < b.smin() => Some(true),
        Cond::SLt if a.smin() >= b.smax() => Some(false),
        Cond::SLe if a.smax() <= b.smin() => Some(true),
        Cond::SLe if a.smin() > b.smax() => Some(false),
        _ => None,
    }
}
