//! What is watched while programs run: how often each instruction is executed, and what each one does.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::cpu::Registers;
use crate::asm::{Loc, Reg};

/// What is noted.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// How often each op was executed, if that is counted.
    pub(super) counts: Option<Vec<u64>>,
    pub(super) steps: VecDeque<Step>,
    /// How many steps are kept.
    pub(super) most: usize,
}

/// An op that was executed.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) cpu: u32,
    pub(super) op: usize,
    /// Registers whose value changed, with the new one.
    pub(super) changes: Vec<(Reg, u64)>,
}

impl Watch {
    pub(super) const fn is_on(&self) -> bool {
        self.counts.is_some() || self.most > 0
    }

    pub(super) fn see(&mut self, cpu: u32, op: usize, before: &Registers, after: &Registers) {
        if let Some(count) = self.counts.as_mut().and_then(|counts| counts.get_mut(op)) {
            *count += 1;
        }
        if self.most == 0 {
            return;
        }
        let values = Reg::ALL.into_iter().zip(before.iter().zip(after));
        let changes =
            values.filter(|(_, (old, new))| old != new).map(|(reg, (_, new))| (reg, *new)).collect();
        self.steps.push_back(Step { cpu, op, changes });
        self.shorten();
    }

    pub(super) fn shorten(&mut self) {
        while self.steps.len() > self.most {
            self.steps.pop_front();
        }
    }
}

/// An instruction that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceStep {
    /// The virtual CPU.
    pub cpu: u32,
    /// The instruction.
    pub insn: InsnPlace,
    /// Registers whose value changed, with the new one.
    pub changes: Vec<(Reg, u64)>,
}

/// `cpu 0 tick+3  r1 += 1  ; r1 = 0x2  at src/main.rs:7:9`
impl fmt::Display for TraceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InsnPlace { function, slot, text, loc, .. } = &self.insn;
        write!(f, "cpu {} {function}+{slot}  {text}", self.cpu)?;
        for (nth, (reg, value)) in self.changes.iter().enumerate() {
            let separator = if nth == 0 { "  ; " } else { ", " };
            write!(f, "{separator}{reg} = {value:#x}")?;
        }
        loc.as_ref().map_or(Ok(()), |loc| write!(f, "  at {loc}"))
    }
}

/// An instruction of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InsnPlace {
    /// The program.
    pub program: String,
    /// The function of it.
    pub function: String,
    /// The slot, counted from the start of the function.
    pub slot: usize,
    /// The instruction, in LLVM's syntax.
    pub text: String,
    /// The Rust line that emitted it.
    pub loc: Option<Loc>,
}

/// How often each instruction was executed.
///
/// It prints as a listing of all instructions; [`annotate`](Self::annotate) writes the counts beside the lines of a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    insns: Vec<(InsnPlace, u64)>,
}

impl Coverage {
    pub(super) const fn new(insns: Vec<(InsnPlace, u64)>) -> Self {
        Self { insns }
    }

    /// Every instruction of every program, in order, and how often it was executed.
    #[must_use]
    pub fn insns(&self) -> &[(InsnPlace, u64)] {
        &self.insns
    }

    /// How often each line was executed, by file and number: as often as that of its instructions which was executed most. A line
    /// whose instructions are in several programs counts for all of them.
    #[must_use]
    pub fn lines(&self) -> BTreeMap<(String, u32), u64> {
        let mut by_program: BTreeMap<(&str, u32, &str), u64> = BTreeMap::new();
        for (insn, count) in &self.insns {
            let Some(loc) = &insn.loc else { continue };
            let most = by_program.entry((loc.file(), loc.line(), &insn.program)).or_default();
            *most = (*most).max(*count);
        }
        let mut lines = BTreeMap::new();
        for ((file, line, _), count) in by_program {
            *lines.entry((file.to_owned(), line)).or_default() += count;
        }
        lines
    }

    /// A source file with the counts beside its lines, `-` beside lines that no instruction comes from. `file` is named as
    /// [`Loc::file`] names it.
    #[must_use]
    pub fn annotate(&self, file: &str, source: &str) -> String {
        let counts = self.lines();
        let count = |line: u32| counts.get(&(file.to_owned(), line)).map_or("-".to_owned(), u64::to_string);
        let lines = (1..).zip(source.lines());
        lines.map(|(number, line)| format!("{:>10} {number:>5} | {line}\n", count(number))).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for (insn, count) in &self.insns {
            if insn.program != last {
                last = &insn.program;
                writeln!(f, "program {last}")?;
            }
            write!(f, "{count:>10}  {}+{}  {}", insn.function, insn.slot, insn.text)?;
            match &insn.loc {
                Some(loc) => writeln!(f, "  at {loc}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
