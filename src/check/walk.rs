//! Walks the paths of a program as the verifier does, with what is known on each.
//!
//! A finding is *rejected* only on a path that some run takes for sure, by a rule every kernel the target may be has.
//! What a kernel may know better than this walk makes the path less certain, and its findings *suspect*.

use std::rc::Rc;

use super::cfg::{self, Shape};
use super::depth::StackUse;
use super::findings::Findings;
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

/// How many states are remembered at a join.
const STATES: usize = 48;

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
    joins: Vec<bool>,
    work: Vec<(usize, State)>,
    /// Entries that are walked on their own, each once: function, map, how sure.
    entries: Vec<Entry>,
    seen: Vec<Vec<Seen>>,
    /// States whose paths are not all walked: how much work there was when each was met.
    open: Vec<(usize, usize, usize)>,
    ids: u32,
}

/// A function the kernel starts to verify with nothing on the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Entry {
    /// A timer's callback, and the map of the timer.
    Async { function: usize, map: Option<usize>, certain: bool },
    /// A global function.
    Global { function: usize, certain: bool },
}

struct Seen {
    state: Rc<State>,
    open: bool,
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
    shape: Shape,
    findings: &mut Findings<'p, 'a>,
) -> (Walked, StackUse) {
    let mut frame = Frame::new(0, 0, Returns::FromProgram);
    match program.kind.prog_type() {
        // What it replaces has arguments of its own.
        ProgType::EXT => frame.registers[1..6].fill(Value::Unknown),
        _ => frame.registers[1] = Value::Pointer(Pointer::new(Memory::Context)),
    }
    let state = State::new(frame, true);
    let mut walk = Walk {
        program,
        findings,
        state: state.clone(),
        slot: 0,
        next: 0,
        stack_use: StackUse::new(program.functions().len()),
        joins: shape.joins,
        work: vec![(0, state)],
        entries: Vec::new(),
        seen: (0..program.len()).map(|_| Vec::new()).collect(),
        open: Vec::new(),
        ids: 0,
    };
    let walked = walk.run();
    (walked, walk.stack_use)
}

impl<'p, 'a> Walk<'p, 'a, '_> {
    /// The program, then each function that is walked on its own: all with the same patience.
    fn run(&mut self) -> Walked {
        let mut walked = self.run_paths();
        let mut entered = 0;
        while let Some(&entry) = self.entries.get(entered) {
            entered += 1;
            self.enter(entry);
            walked = walked.max(self.run_paths());
        }
        walked
    }

    fn run_paths(&mut self) -> Walked {
        let mut steps = STEPS + STEPS_PER_SLOT * self.program.len();
        while let Some((slot, state)) = self.take_work() {
            (self.state, self.next) = (state, slot);
            loop {
                if steps == 0 {
                    self.work.clear();
                    return Walked::InPart;
                }
                steps -= 1;
                self.slot = self.next;
                if self.step().is_err() {
                    break;
                }
            }
        }
        Walked::Whole
    }

    fn take_work(&mut self) -> Option<(usize, State)> {
        let len = self.work.len();
        while let Some(&(at, slot, index)) = self.open.last()
            && at >= len
        {
            self.open.pop();
            if let Some(seen) = self.seen[slot].get_mut(index) {
                seen.open = false;
            }
        }
        self.work.pop()
    }

    fn enter(&mut self, entry: Entry) {
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
                }
            }
            Entry::Global { function, .. } => {
                let typed = self.program.functions()[function].def.proto != crate::btf::TypeId::VOID;
                let argument = if typed { Value::Unknown } else { Value::Uninit };
                frame.registers[1..6].fill(argument);
            }
        }
        self.work.push((self.program.range(function).start, State::new(frame, certain)));
    }

    /// Walks a function on its own, later; once for each map.
    pub(super) fn add_entry(&mut self, entry: Entry) {
        if !self.entries.contains(&entry) {
            self.entries.push(entry);
        }
    }

    /// Comes back to another path later.
    pub(super) fn later(&mut self, slot: usize, state: State) {
        self.work.push((slot, state));
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
        if self.joins.get(self.slot).copied().unwrap_or(false) {
            self.meet()?;
        }
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
        self.wrong(Rule::InvalidInstruction, error.to_string())
    }

    /// Where paths meet: ends the path if what comes was walked already, and finds loops that go round for ever.
    fn meet(&mut self) -> Step {
        let seen = &self.seen[self.slot];
        if let Some(known) = seen.iter().find(|known| known.state.covers(&self.state)) {
            let forever = known.open && !self.state.bounded && known.state.same(&self.state);
            if forever {
                let reason = "it comes back here with every register and the stack as before";
                return Err(self.wrong(Rule::InfiniteLoop, reason));
            }
            return Err(Stop);
        }
        if seen.len() < STATES {
            self.open.push((self.work.len(), self.slot, seen.len()));
            let state = Rc::new(self.state.clone());
            self.seen[self.slot].push(Seen { state, open: true });
        }
        Ok(())
    }

    fn execute(&mut self, insn: Insn) -> Step {
        if let Some((rule, reason)) = cfg::refused(insn) {
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
                    |map: &usize| self.program.maps.get(*map).is_some_and(|def| def.kind == MapKind::ARRAY);
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
