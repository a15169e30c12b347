//! Collects what is found in one program: each mistake once, the surest word on it kept.

use std::collections::BTreeMap;

use super::cfg;
use super::program::{At, Program};
use super::{Finding, Rule, Severity};
use crate::asm::Insn;
use crate::site::Site;

/// The findings of a program, by slot and rule.
pub(super) struct Findings<'p, 'a> {
    program: &'p Program<'a>,
    found: BTreeMap<(usize, Rule), (Severity, String)>,
    rejected: usize,
}

impl<'p, 'a> Findings<'p, 'a> {
    pub(super) fn new(program: &'p Program<'a>) -> Self {
        Self { program, found: BTreeMap::new(), rejected: 0 }
    }

    /// How many were proved so far.
    pub(super) fn rejected(&self) -> usize {
        self.rejected
    }

    pub(super) fn reject(&mut self, rule: Rule, slot: usize, reason: String) {
        self.add(rule, slot, Severity::Rejected, reason);
    }

    pub(super) fn add(&mut self, rule: Rule, slot: usize, severity: Severity, reason: String) {
        self.rejected += usize::from(severity == Severity::Rejected);
        let known = self.found.get(&(slot, rule));
        if known.is_none_or(|(known, _)| severity < *known) {
            self.found.insert((slot, rule), (severity, reason));
        }
    }

    pub(super) fn into_findings(self) -> impl Iterator<Item = Finding> {
        let program = self.program;
        self.found.into_iter().map(move |((slot, rule), (severity, reason))| {
            let function = program.function_of(slot);
            let name = program.functions().get(function).map_or("", |placed| &placed.def.name);
            Finding {
                rule,
                severity,
                program: program.linked.def.name.clone(),
                function: name.to_owned(),
                slot: slot - program.range(function).start,
                instruction: instruction(program, slot),
                site: Site::from(program.linked.loc(slot)),
                reason,
            }
        })
    }
}

/// The instruction as LLVM writes it, with the name it refers to.
fn instruction(program: &Program<'_>, slot: usize) -> String {
    let callee = cfg::called(program, slot).and_then(|function| program.functions().get(function));
    let name = callee.map_or("", |placed| &placed.def.name);
    let text = match program.at(slot) {
        Some(At::Insn(Insn::CallFunction { .. }, _)) if callee.is_some() => format!("call {name}"),
        Some(At::Insn(Insn::LoadFunction { dst, .. }, _)) if callee.is_some() => format!("{dst} = {name} ll"),
        Some(At::Insn(insn, _)) => insn.to_string(),
        _ => program.raw(slot).map_or_else(String::new, |slot| format!("{slot:?}")),
    };
    match program.reloc(slot) {
        Some(reloc) => format!("{text} ({})", reloc.symbol),
        None => text,
    }
}
