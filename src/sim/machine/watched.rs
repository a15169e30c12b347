//! Runs that are watched, and what was seen.

use super::{Level, Machine};
use crate::asm::Insn;
use crate::sim::engine::{self, Stop};
use crate::sim::text::Origin;
use crate::sim::trap::Trap;
use crate::sim::watch::{Coverage, InsnPlace, TraceStep};

impl Machine {
    /// Counts from now on how often each instruction is executed, or stops counting; counts begin at 0. Runs take several times
    /// as long.
    pub fn set_coverage(&mut self, on: bool) {
        self.watch.counts = on.then(|| vec![0; self.text.ops.len()]);
    }

    /// How often each instruction was executed since [`set_coverage`](Self::set_coverage); nothing where that is off.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let counts = self.watch.counts.iter().flatten().enumerate();
        Coverage::new(counts.filter_map(|(op, count)| Some((self.insn_place(op)?, *count))).collect())
    }

    /// Keeps the newest `steps` instructions that are executed from now on, with what they changed; 0 keeps none. Runs take
    /// several times as long.
    pub fn set_trace(&mut self, steps: usize) {
        self.watch.most = steps;
        self.watch.shorten();
    }

    /// The instructions that were executed, in order, as far as they were kept.
    #[must_use]
    pub fn trace(&self) -> Vec<TraceStep> {
        let steps = self.watch.steps.iter().filter_map(|step| {
            Some(TraceStep { cpu: step.cpu, insn: self.insn_place(step.op)?, changes: step.changes.clone() })
        });
        steps.collect()
    }

    /// As the engine, instruction by instruction.
    pub(super) fn run_watched(&mut self, level: Level, quota: u64) -> Result<Stop, Trap> {
        let on = self.world.cpu;
        let cpu = &mut self.cpus[on as usize][level as usize];
        for _ in 0..quota {
            let (op, before, executed) = (cpu.at, cpu.registers, cpu.executed);
            let stopped = engine::run(cpu, &mut self.world, &self.text, 1);
            if cpu.executed > executed {
                self.watch.see(on, op, &before, &cpu.registers);
            }
            if stopped != Ok(Stop::Paused) {
                return stopped;
            }
        }
        Ok(Stop::Paused)
    }

    /// None for what is no instruction: the second slot of one.
    fn insn_place(&self, op: usize) -> Option<InsnPlace> {
        let Origin { program, function, slot } = self.text.origin(op)?;
        let (insn, _) = Insn::decode(program.slots.get(slot..)?).ok()?;
        let (function, start) = function.map_or(("", 0), |placed| (&*placed.def.name, placed.start as usize));
        Some(InsnPlace {
            program: program.def.name.clone(),
            function: function.to_owned(),
            slot: slot - start,
            text: insn.to_string(),
            loc: program.loc(slot).cloned(),
        })
    }
}
