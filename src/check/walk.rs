//! Walks the paths of a program as the verifier does, with what is known on each.
//!
//! A finding is *rejected* only on a path that some run takes for sure, by a rule every kernel the target may be has.
//! What a kernel may know better than this walk makes the path less certain, and its findings *suspect*.

use std::collections::{BTreeMap, BTreeSet};

use super::cfg::{self, Shape};
use super::depth::StackUse;
use super::findings::Findings;
use super::live::{self, Set};
use super::merge::Merge;
use super::points::{Arrival, Points};
use super::program::{At, Program};
use super::scalar::Scalar;
use super::state::{Frame, Returns, State};
use super::value::{Memory, Pointer, Value};
use super::{Rule, Severity};
use crate::asm::{Insn, Reg};
use crate::kind::ProgType;
use crate::map::MapKind;

/// How many instructions are looked at: so many, and so many more for each slot.
const STEPS: usize = 100_000;
const STEPS_PER_SLOT: usize = 64;

/// How many of them with every state on its own, where it can be told from others.
const EXACT_STEPS: usize = 8_192;
const EXACT_STEPS_PER_SLOT: usize = 4;

/// How many states are kept apart where paths meet; in loops; and after that.
const STATES: usize = 16;
const STATES_IN_LOOPS: usize = 64;
const FEW_STATES: usize = 4;

/// How often a function is followed by then; more calls are not.
const FEW_CALLS: usize = 16;

/// A path ends: at an exit, at a mistake, or where nothing new is to be found.
pub(super) struct Stop;

pub(super) type Step<T = ()> = Result<T, Stop>;

/// The walk over one program.
pub(super) struct Walk<'p, 'a, 'f> {
    pub(super) program: &'p Program<'a>,
    pub(super) findings: &'f mut Findings<'p, 'a>,
    pub(super) state: State,
    /// The slot at hand.
    pub(super) slot: usize,
    /// The slot after it.
    pub(super) next: usize,
    pub(super) stack_use: StackUse,
    shape: &'p Shape,
    live: Vec<Set>,
    points: Points,
    /// The state at the last join, by its number.
    parent: u32,
    /// Entries that are walked on their own, each once.
    entries: Vec<Entry>,
    entered: BTreeSet<Entry>,
    /// For calls that lead to a function: after which others, from which slot.
    contexts: BTreeMap<(u32, usize), u32>,
    /// How often each function was called.
    calls: Vec<usize>,
    limits: Vec<u64>,
    steps: usize,
    exact_steps: usize,
    ids: u32,
    /// The element whose timer called the function that is walked; 0 where none did.
    pub(super) called_by: u32,
}

/// A function the kernel starts to verify with nothing on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    /// A timer's callback, and the map of the timer.
    Async { function: usize, map: Option<usize>, certain: bool },
    /// A global function.
    Global { function: usize, certain: bool },
}

/// Whether every path was walked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Walked {
    Whole,
    InPart,
}

/// Walks a program whose shape is sound.
pub(super) fn walk<'p, 'a>(
    program: &'p Program<'a>,
    shape: &'p Shape,
    findings: &mut Findings<'p, 'a>,
) -> (Walked, StackUse) {
    let mut frame = Frame::new(0, 0, Returns::FromProgram);
    match program.kind.prog_type() {
        // What it replaces has arguments of its own.
        ProgType::EXT => frame.registers[1..6].fill(Value::Unknown),
        _ => frame.registers[1] = Value::Pointer(Pointer::new(Memory::Context)),
    }
    let slots = program.len();
    let mut walk = Walk {
        program,
        findings,
        state: State::default(),
        slot: 0,
        next: 0,
        stack_use: StackUse::new(program.functions().len()),
        shape,
        live: live::live(program, shape),
        points: Points::new(slots),
        parent: 0,
        entries: Vec::new(),
        entered: BTreeSet::new(),
        contexts: BTreeMap::new(),
        calls: vec![0; program.functions().len()],
        limits: Vec::new(),
        steps: STEPS + STEPS_PER_SLOT * slots,
        exact_steps: 0,
        ids: 0,
        called_by: 0,
    };
    let walked = walk.run(State::new(frame, true));
    (walked, walk.stack_use)
}

impl<'p, 'a> Walk<'p, 'a, '_> {
    /// The program, then each function that is walked on its own.
    fn run(&mut self, start: State) -> Walked {
        let mut walked = self.run_from(0, start);
        let mut entered = 0;
        while let Some(&entry) = self.entries.get(entered) {
            entered += 1;
            let (slot, start) = self.enter(entry);
            walked = walked.max(self.run_from(slot, start));
        }
        walked
    }

    fn run_from(&mut self, slot: usize, start: State) -> Walked {
        let range = self.program.range(self.program.function_of(slot));
        self.exact_steps = EXACT_STEPS + EXACT_STEPS_PER_SLOT * range.len();
        (self.state, self.next, self.parent) = (start, slot, 0);
        loop {
            if self.run_path() == Walked::InPart {
                self.points.give_up();
                return Walked::InPart;
            }
            let shape = self.shape;
            let Some((slot, state, id)) = self.points.next(|slot| shape.is_in_loop(slot)) else {
                return Walked::Whole;
            };
            (self.state, self.next, self.parent) = (state, slot, id);
        }
    }

    /// Walks on to the next join, or to the end of the path.
    fn run_path(&mut self) -> Walked {
        loop {
            if self.steps == 0 {
                return Walked::InPart;
            }
            self.steps -= 1;
            self.exact_steps = self.exact_steps.saturating_sub(1);
            self.slot = self.next;
            if self.step().is_err() {
                return Walked::Whole;
            }
            if self.shape.is_join(self.next) {
                let state = std::mem::take(&mut self.state);
                self.meet(self.next, state);
                return Walked::Whole;
            }
        }
    }

    fn enter(&mut self, entry: Entry) -> (usize, State) {
        let (function, certain, returns) = match entry {
            Entry::Async { function, certain, .. } => (function, certain, Returns::FromAsync),
            Entry::Global { function, certain } => (function, certain, Returns::FromGlobal),
        };
        let mut frame = Frame::new(function, 0, returns);
        match entry {
            Entry::Async { map, .. } => {
                for (register, memory) in (1..).zip([Memory::Map, Memory::MapKey, Memory::MapValue]) {
                    frame.registers[register] =
                        map.map_or(Value::Unknown, |map| Value::Pointer(Pointer::new(memory(map))));
                }
                // Map values are told apart by the look-up they came from.
                if let Value::Pointer(pointer) = &mut frame.registers[3] {
                    pointer.id = self.fresh();
                    self.called_by = pointer.id;
                }
            }
            Entry::Global { function, .. } => {
                self.called_by = 0;
                let typed = self.program.functions()[function].def.proto != crate::btf::TypeId::VOID;
                let argument = if typed { Value::Unknown } else { Value::Uninit };
                frame.registers[1..6].fill(argument);
            }
        }
        (self.program.range(function).start, State::new(frame, certain))
    }

    /// Walks a function on its own, later; once for each map.
    pub(super) fn add_entry(&mut self, entry: Entry) {
        if self.entered.insert(entry) {
            self.entries.push(entry);
        }
    }

    /// A path comes to where others may come too: it goes on from there later, if it is not like one of them. Paths that
    /// go round for ever end here.
    pub(super) fn meet(&mut self, slot: usize, mut state: State) {
        let patience = match self.shape.is_in_loop(slot) {
            _ if !self.is_exact() => FEW_STATES,
            true => STATES_IN_LOOPS,
            false => STATES,
        };
        state.keep_registers(self.live.get(slot).copied().unwrap_or(Set::MAX));
        let certain = state.certain;
        let mut merge = Merge { program: self.program, ids: &mut self.ids, limits: &mut self.limits };
        let arrival = self.points.arrive(self.program, (slot, self.parent), state, patience, &mut merge);
        if arrival == Arrival::Forever {
            let severity = if certain { Severity::Rejected } else { Severity::Suspect };
            let reason = "it comes back here with every register and the stack as before";
            self.findings.add(Rule::InfiniteLoop, slot, severity, reason.to_owned());
        }
    }

    /// Forgets what the function at hand does not read from a slot on.
    pub(super) fn keep_live(&mut self, slot: usize) {
        let live = self.live.get(slot).copied().unwrap_or(Set::MAX);
        self.state.keep_registers(live);
    }

    /// Whether there is time to keep many states apart.
    fn is_exact(&self) -> bool {
        self.exact_steps > 0
    }

    /// Whether one more call of a function is followed.
    pub(super) fn follows_call(&mut self, function: usize) -> bool {
        let exact = self.is_exact();
        let Some(calls) = self.calls.get_mut(function) else { return true };
        *calls += 1;
        exact || *calls <= FEW_CALLS
    }

    /// A number for a call from the slot at hand.
    pub(super) fn context(&mut self) -> u32 {
        let known = self.contexts.len();
        let key = (self.state.frame().context, self.slot);
        *self.contexts.entry(key).or_insert(u32::try_from(known + 1).unwrap_or(u32::MAX))
    }

    /// A number that stands for one unknown thing.
    pub(super) fn fresh(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    /// A number the kernel knows nothing about.
    pub(super) fn any(&mut self) -> Value {
        Value::Scalar(Scalar::any(self.fresh()))
    }

    /// A mistake that ends the path: proved, if the path is.
    pub(super) fn wrong(&mut self, rule: Rule, reason: impl Into<String>) -> Stop {
        let severity = if self.state.certain { Severity::Rejected } else { Severity::Suspect };
        self.findings.add(rule, self.slot, severity, reason.into());
        Stop
    }

    /// A mistake that is proved if `sure` and the path is; the path goes on where it is not.
    pub(super) fn wrong_if(&mut self, sure: bool, rule: Rule, reason: impl Into<String>) -> Step {
        if sure && self.state.certain {
            return Err(self.wrong(rule, reason));
        }
        self.suspect(rule, reason);
        Ok(())
    }

    /// What may be a mistake; the path goes on.
    pub(super) fn suspect(&mut self, rule: Rule, reason: impl Into<String>) {
        self.findings.add(rule, self.slot, Severity::Suspect, reason.into());
    }

    /// The path may be one the kernel does not take.
    pub(super) fn doubt(&mut self) {
        self.state.certain = false;
    }

    /// What a register holds, which must be something.
    pub(super) fn read(&mut self, reg: Reg) -> Step<Value> {
        match self.state.get(reg) {
            Value::Uninit => {
                let name = reg.number();
                Err(self.wrong(Rule::UninitialisedRegister, format!("R{name} has no value on this path")))
            }
            value => Ok(value),
        }
    }

    pub(super) fn write(&mut self, reg: Reg, value: Value) -> Step {
        if reg == Reg::FP {
            return Err(self.wrong(Rule::FramePointerWrite, "R10 is read-only"));
        }
        self.state.set(reg, value);
        Ok(())
    }

    fn step(&mut self) -> Step {
        let (insn, width) = match self.program.at(self.slot) {
            Some(At::Insn(insn, width)) => (insn, width),
            Some(At::Invalid(error)) => return Err(self.invalid(error)),
            Some(At::Second) | None => return Err(Stop),
        };
        self.next = self.slot + width;
        self.execute(insn)
    }

    fn invalid(&mut self, error: crate::asm::DecodeError) -> Stop {
        let (opcode, src) = self.program.raw(self.slot).map_or((0, 0), |slot| (slot.opcode(), slot.src()));
        if !cfg::kernel_refuses(error, opcode, src) {
            return Stop;
        }
        self.state.certain &= self.program.is_told();
        self.wrong(Rule::InvalidInstruction, error.to_string())
    }

    fn execute(&mut self, insn: Insn) -> Step {
        if let Some((rule, reason)) = cfg::refused(insn).filter(|_| !self.program.is_patched(self.slot)) {
            return Err(self.wrong(rule, reason));
        }
        match insn {
            Insn::Alu { op, width, dst, src } => self.alu(op, width, dst, src),
            Insn::Neg { width, dst } => self.negate(width, dst),
            Insn::MovSx { extend, dst, src } => self.extend(extend, dst, src),
            Insn::Swap { dst, .. } => self.swap(dst),
            Insn::AddrSpaceCast { dst, src, .. } => {
                self.read(src)?;
                self.write(dst, Value::Unknown)
            }
            Insn::Load { size, dst, base, off } => self.load(dst, base, off, size.bytes(), false),
            Insn::LoadAcquire { size, dst, base, off } => {
                self.atomic_memory(base)?;
                self.load(dst, base, off, size.bytes(), false)
            }
            Insn::LoadSx { size, dst, base, off } => self.load(dst, base, off, size.bytes(), true),
            Insn::Store { size, base, off, src } => {
                let value = self.read(src)?;
                self.store(base, off, size.bytes(), value)
            }
            Insn::StoreRelease { size, base, off, src } => {
                let value = self.read(src)?;
                self.atomic_memory(base)?;
                self.store(base, off, size.bytes(), value)
            }
            Insn::StoreImm { size, base, off, imm } => {
                let value = self.immediate(imm);
                self.store(base, off, size.bytes(), value)
            }
            Insn::Atomic { op, width, base, off, src } => self.atomic(op, width, base, off, src),
            Insn::LoadArg { dst, .. } => self.write(dst, Value::Unknown),
            Insn::StoreArg { src, .. } => self.read(src).map(|_| ()),
            Insn::StoreArgImm { .. } => Ok(()),
            Insn::LoadAbs { .. } => self.legacy_load(None),
            Insn::LoadInd { src, .. } => self.legacy_load(Some(src)),
            Insn::LoadImm64 { dst, value } => {
                let value =
                    if self.program.is_patched(self.slot) { Value::Unknown } else { Value::constant(value) };
                self.write(dst, value)
            }
            Insn::LoadMap { dst, .. } => {
                let value = self
                    .named_map()
                    .map_or(Value::Unknown, |map| Value::Pointer(Pointer::new(Memory::Map(map))));
                self.write(dst, value)
            }
            Insn::LoadMapValue { dst, offset, .. } => {
                let id = self.fresh();
                // Arenas and arrays of instructions have memory of other kinds.
                let is_array =
                    |map: &usize| self.program.map(*map).is_some_and(|def| def.kind == MapKind::ARRAY);
                let value = self.named_map().filter(is_array).map_or(Value::Unknown, |map| {
                    let pointer = Pointer::new(Memory::MapValue(map)).at(i64::from(offset));
                    Value::Pointer(Pointer { id, ..pointer })
                });
                self.write(dst, value)
            }
            Insn::LoadBtfId { dst, .. } => self.write(dst, Value::Unknown),
            Insn::LoadFunction { dst, .. } => self.load_function(dst),
            Insn::Ja { .. } | Insn::JaLong { .. } => self.jump(),
            Insn::Jump { cond, width, dst, src, .. } => self.branch(cond, width, dst, src),
            Insn::MayGoto { .. } => self.may_goto(),
            // Where it leads is in a map: nothing is said of what comes.
            Insn::Gotox { .. } => Err(Stop),
            Insn::Call { helper } => self.call(helper),
            Insn::CallFunction { .. } => self.call_function(),
            Insn::CallKfunc { .. } => self.call_kfunc(),
            Insn::Exit => self.exit(),
        }
    }

    /// The constant of an instruction, where it is one.
    pub(super) fn immediate(&self, imm: i32) -> Value {
        if self.program.is_patched(self.slot) {
            Value::Unknown
        } else {
            Value::constant(i64::from(imm).cast_unsigned())
        }
    }

    fn named_map(&self) -> Option<usize> {
        let reloc = self.program.reloc(self.slot)?;
        self.program.map_index(&reloc.symbol)
    }

    fn load_function(&mut self, dst: Reg) -> Step {
        let function = cfg::called(self.program, self.slot);
        let value = function.map_or(Value::Unknown, |f| Value::Pointer(Pointer::new(Memory::Function(f))));
        self.write(dst, value)
    }
}
