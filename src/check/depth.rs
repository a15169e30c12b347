//! How much stack functions that call one another use together, and how deep they go.

use super::Rule;
use super::cfg;
use super::findings::Findings;
use super::program::{At, Program};
use crate::asm::{Insn, Reg, Size, limits};

/// The bytes of stack each function surely touches.
#[derive(Clone, Debug)]
pub(super) struct StackUse(Vec<u32>);

impl StackUse {
    pub(super) fn new(functions: usize) -> Self {
        Self(vec![0; functions])
    }

    pub(super) fn touch(&mut self, function: usize, bytes: u32) {
        if let Some(used) = self.0.get_mut(function) {
            *used = (*used).max(bytes);
        }
    }

    /// What the kernel counts for a function, at the least: multiples of 16, with a JIT (`round_up_stack_depth`).
    fn of(&self, function: usize) -> u32 {
        self.0.get(function).map_or(0, |used| used.next_multiple_of(16))
    }
}

/// Whether a register is stored for the time of a call, or loaded after it: where the kernel knows that the call leaves
/// the register alone, it removes both, and the stack is not used (`bpf_fastcall`, 6.12).
pub(super) fn is_spill_around_call(program: &Program<'_>, slot: usize) -> bool {
    let insn = |slot: Option<usize>| match program.at(slot?)? {
        At::Insn(insn, _) => Some(insn),
        _ => None,
    };
    let is_call = |insn| matches!(insn, Some(Insn::Call { .. } | Insn::CallKfunc { .. }));
    let stores = |insn| matches!(insn, Some(Insn::Store { size: Size::DW, base: Reg::FP, .. }));
    let loads = |insn| matches!(insn, Some(Insn::Load { size: Size::DW, base: Reg::FP, .. }));
    let mut near = 1..=CALLER_SAVED;
    match insn(Some(slot)) {
        store if stores(store) => {
            near.find(|by| !stores(insn(Some(slot + by)))).is_some_and(|by| is_call(insn(Some(slot + by))))
        }
        load if loads(load) => near
            .find(|by| !loads(insn(slot.checked_sub(*by))))
            .is_some_and(|by| is_call(insn(slot.checked_sub(by)))),
        _ => false,
    }
}

/// R0 to R5.
const CALLER_SAVED: usize = 6;

/// The deepest chain of calls from a function on: bytes, functions, and the slot of its first call.
#[derive(Clone, Copy, Default)]
struct Chain {
    bytes: u32,
    functions: u32,
    call: Option<usize>,
}

/// Checks every chain of calls; an object has no recursion.
pub(super) fn check(program: &Program<'_>, used: &StackUse, findings: &mut Findings<'_, '_>) {
    let chains = chains(program, used);
    let called = called(program);
    let roots = (0..program.functions().len()).filter(|&function| function == 0 || !called[function]);
    for root in roots {
        let Some(chain) = chains[root] else { continue };
        let slot = chain.call.unwrap_or(program.range(root).start);
        let limit = if program.is_before(7, 2) { limits::CALL_FRAMES } else { limits::CALL_FRAMES_7_2 };
        let reason = format!("{} functions call one another from here on", chain.functions);
        if chain.functions > limit {
            findings.reject(Rule::CallDepth, slot, reason);
        } else if chain.functions > limits::CALL_FRAMES {
            findings.add(Rule::CallDepth, slot, super::Severity::Suspect, reason);
        }
        // Tracing programs may have their stack elsewhere (6.13).
        if chain.bytes > limits::STACK_BYTES && !program.is_tracing() {
            let reason = format!("the functions called from here on use {} bytes together", chain.bytes);
            findings.reject(Rule::StackDepth, slot, reason);
        }
    }
}

/// Which functions others call; what is left are the program and callbacks.
fn called(program: &Program<'_>) -> Vec<bool> {
    let mut called = vec![false; program.functions().len()];
    for slot in 0..program.len() {
        if let Some(At::Insn(Insn::CallFunction { .. }, _)) = program.at(slot)
            && let Some(callee) = cfg::called(program, slot)
        {
            called[callee] = true;
        }
    }
    called
}

/// For each function, the largest of the chains that begin with it: in stack, and in length.
fn chains(program: &Program<'_>, used: &StackUse) -> Vec<Option<Chain>> {
    let count = program.functions().len();
    let mut chains: Vec<Option<Chain>> = vec![None; count];
    for root in 0..count {
        let mut path = vec![(root, program.range(root).start, Chain::default())];
        while let Some((function, slot, best)) = path.last_mut() {
            if chains[*function].is_some() || *slot >= program.range(*function).end {
                let (function, best) = (*function, *best);
                let bytes = best.bytes + used.of(function);
                let done = chains[function].unwrap_or(Chain { bytes, functions: best.functions + 1, ..best });
                chains[function] = Some(done);
                path.pop();
                continue;
            }
            let at = *slot;
            let direct = matches!(program.at(at), Some(At::Insn(Insn::CallFunction { .. }, _)));
            match cfg::called(program, at).filter(|_| direct) {
                Some(callee) => match chains[callee] {
                    Some(chain) => {
                        if chain.bytes > best.bytes {
                            best.call = Some(at);
                        }
                        best.bytes = best.bytes.max(chain.bytes);
                        best.functions = best.functions.max(chain.functions);
                        *slot += 1;
                    }
                    None => path.push((callee, program.range(callee).start, Chain::default())),
                },
                None => *slot += 1,
            }
        }
    }
    chains
}
