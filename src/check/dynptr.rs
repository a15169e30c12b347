//! Dynptrs: 16 bytes of stack that only helpers look into.

use super::Rule;
use super::args::Args;
use super::state::Loaded;
use super::value::{Memory, Pointer, Value};
use super::walk::{Step, Walk};
use crate::asm::Reg;
use crate::map::MapFlags;

/// The bytes of `struct bpf_dynptr`.
const SIZE: i64 = 16;

impl Walk<'_, '_, '_> {
    /// A helper will make a dynptr in these bytes.
    pub(super) fn dynptr_room(
        &mut self,
        reg: Reg,
        (frame, pointer): (usize, Pointer),
        acquires: bool,
        args: &mut Args,
    ) -> Step {
        let off = self.dynptr_place(reg, pointer)?;
        self.stack_bounds(frame, pointer, 0, SIZE.unsigned_abs())?;
        args.written.push((frame, off, off + SIZE));
        args.dynptr = Some((frame, off, acquires));
        Ok(())
    }

    /// An argument that has to be a dynptr: what it holds, if that has to be released.
    pub(super) fn dynptr(&mut self, reg: Reg, frame: usize, pointer: Pointer) -> Step<Option<u32>> {
        let off = self.dynptr_place(reg, pointer)?;
        self.stack_bounds(frame, pointer, 0, SIZE.unsigned_abs())?;
        let Some(frame) = self.state.frames.get(frame) else { return Ok(None) };
        match frame.stack.load(off, 8) {
            Loaded::Value(Value::Unknown) => Ok(None),
            Loaded::Value(Value::Pointer(Pointer { memory: Memory::Dynptr, reference, .. })) => {
                Ok(Some(reference).filter(|reference| *reference != 0))
            }
            _ => {
                let reason = format!("R{} does not point to a dynptr that was made before", reg.number());
                Err(self.wrong(Rule::ArgumentKind, reason))
            }
        }
    }

    fn dynptr_place(&mut self, reg: Reg, pointer: Pointer) -> Step<i64> {
        let number = reg.number();
        if let Some(var) = pointer.var {
            let reason = format!("R{number} points to a dynptr at an offset that is no constant");
            self.wrong_if(var.has_unsigned_ends(), Rule::ArgumentKind, reason)?;
            self.doubt();
        } else if pointer.off % 8 != 0 {
            let reason = format!("R{number} points to a dynptr that is not aligned");
            return Err(self.wrong(Rule::ArgumentKind, reason));
        }
        Ok(pointer.off)
    }

    /// The helper has made it.
    pub(super) fn make_dynptr(&mut self, args: &Args) {
        let Some((frame, off, acquires)) = args.dynptr else { return };
        let mut dynptr = Pointer::new(Memory::Dynptr);
        if acquires {
            dynptr.reference = self.fresh();
            self.state.acquire(dynptr.reference, self.slot);
        }
        if let Some(frame) = self.state.frames.get_mut(frame) {
            frame.stack.store(off, 8, Value::Pointer(dynptr));
            frame.stack.store(off + 8, 8, Value::Unknown);
        }
    }

    /// A string that a helper formats with: in a map whose contents nobody changes.
    pub(super) fn constant_string(&mut self, reg: Reg, pointer: Pointer, map: usize) -> Step {
        let number = reg.number();
        let Some(def) = self.program.map(map) else { return Ok(()) };
        if super::timer::is_made_here(def) && !def.flags.contains(MapFlags::RDONLY_PROG) {
            let reason = format!("R{number} points into `{}`, which programs may write", def.name);
            return Err(self.wrong(Rule::ArgumentKind, reason));
        }
        let Some(var) = pointer.var else { return Ok(()) };
        let reason = format!("R{number} points to a string at an offset that is no constant");
        self.wrong_if(var.has_unsigned_ends(), Rule::ArgumentKind, reason)
    }
}
