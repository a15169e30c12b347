//! Calls that come back to where they started: no kernel takes them, since the stack has an end.

use super::{FunctionDef, Object, ObjectError};
use crate::asm::{Reloc, RelocKind};
use crate::site::Site;

/// How far the walk over a function has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Under,
    Done,
}

/// Walks every call once. Taking the address of a function is no call: a callback may arm itself again.
pub(super) fn check(object: &Object) -> Result<(), ObjectError> {
    let mut states = vec![State::Fresh; object.functions.len()];
    let entries = object.programs.iter().filter_map(|program| object.function_index(&program.entry));
    entries.into_iter().try_for_each(|entry| walk(object, entry, &mut states))
}

/// A function that is being walked, and the calls that are left.
struct Frame<'a> {
    index: usize,
    function: &'a FunctionDef,
    calls: std::slice::Iter<'a, Reloc>,
}

/// Depth first, with a list instead of recursion: chains of calls may be long.
fn walk(object: &Object, entry: usize, states: &mut [State]) -> Result<(), ObjectError> {
    let mut path: Vec<Frame<'_>> = Vec::new();
    enter(object, entry, states, &mut path);
    while let Some(frame) = path.last_mut() {
        let Some(reloc) = frame.calls.next() else {
            states[frame.index] = State::Done;
            path.pop();
            continue;
        };
        let code = &frame.function.code;
        let Some(callee) = called(object, frame.function, reloc) else { continue };
        match states[callee] {
            State::Done => {}
            State::Fresh => enter(object, callee, states, &mut path),
            State::Under => {
                let site = Site::from(code.loc(reloc.slot as usize));
                return Err(recursion(&path, callee, site));
            }
        }
    }
    Ok(())
}

fn enter<'a>(object: &'a Object, index: usize, states: &mut [State], path: &mut Vec<Frame<'a>>) {
    if states[index] == State::Fresh {
        let function = &object.functions[index];
        states[index] = State::Under;
        path.push(Frame { index, function, calls: function.code.relocs().iter() });
    }
}

fn called(object: &Object, function: &FunctionDef, reloc: &Reloc) -> Option<usize> {
    let calls = reloc.kind == RelocKind::CallFunction;
    calls.then(|| object.function_index(function.code.symbol(reloc.symbol))).flatten()
}

fn recursion(path: &[Frame<'_>], callee: usize, site: Site) -> ObjectError {
    let cycle = path.iter().skip_while(|frame| frame.index != callee);
    ObjectError::Recursion { cycle: cycle.map(|frame| frame.function.name.clone()).collect(), site }
}
