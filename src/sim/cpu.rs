//! What executes: registers, a place in the code, the functions that have been entered.

use std::fmt::Debug;

use super::memory::{Memory, Permit, Region, RegionId, RegionKind};
use super::text::Text;
use super::trap::Trap;
use super::world::World;
use crate::asm::limits;

/// The registers; room for sixteen, so that a masked number is always one of them.
pub(super) type Registers = [u64; 16];

const FP: usize = 10;
/// Arguments that a call can pass on the stack.
const STACK_ARGUMENTS: usize = (limits::ARGUMENTS - limits::REGISTER_ARGUMENTS) as usize;

/// A computation: it can be stopped between any two instructions and taken up again.
#[derive(Debug)]
pub(super) struct Cpu {
    pub(super) registers: Registers,
    /// The index of the next op; of the op that failed, after a trap.
    pub(super) at: usize,
    /// How many instructions have been executed.
    pub(super) executed: u64,
    frames: Vec<Frame>,
    /// Functions that may call one another.
    most_frames: u32,
    /// The stack of the first frame; those of the others follow.
    stacks: RegionId,
    /// What each frame passes on the stack.
    arguments: Vec<[u64; STACK_ARGUMENTS]>,
    /// What is left of each frame's rounds of `may_goto`.
    rounds: Vec<u32>,
    tail_calls: u32,
}

/// What is kept of a function while one that it called runs.
#[derive(Debug)]
struct Frame {
    back: usize,
    saved: [u64; 5],
    /// Who goes on when the function returns, if it is a callback.
    callback: Option<Callback>,
}

/// The function that a helper calls, and the helper's state.
type Callback = (usize, Box<dyn Callbacks>);

/// A helper that calls a function of the program, perhaps many times.
pub(super) trait Callbacks: Debug + Send {
    /// What comes next, given what the function returned; none before the first call.
    fn next(&mut self, world: &mut World, returned: Option<u64>) -> Result<Step, Trap>;
}

/// What a helper with a callback does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Calls the function with these arguments.
    Call([u64; 5]),
    /// Returns.
    Return(u64),
}

/// What a helper comes to.
#[derive(Debug)]
pub(super) enum Answer {
    /// It returns a number.
    Value(u64),
    /// It calls a function of the program, whose address it was given.
    Call(u64, Box<dyn Callbacks>),
    /// The program gives way to another, by its index; the context stays.
    TailCall(u32),
    /// It returns nothing: r0 is not touched.
    Nothing,
    /// It waits for another CPU: it is called again when this one goes on.
    Wait,
}

/// What a function returned to.
pub(super) enum Back {
    /// Another function, which goes on at this op.
    To(usize),
    /// Whoever started it.
    Done,
}

impl Cpu {
    pub(super) fn new(memory: &mut Memory, most_frames: u32) -> Self {
        let stack = |frame| {
            let bytes = vec![0; limits::STACK_BYTES as usize];
            Region::whole(RegionKind::Stack(frame), bytes, Permit::BOTH)
        };
        let stacks = memory.add(stack(0));
        for frame in 1..most_frames {
            memory.add(stack(frame));
        }
        let frames = most_frames as usize;
        Self {
            registers: [0; 16],
            at: 0,
            executed: 0,
            frames: Vec::with_capacity(frames),
            most_frames,
            stacks,
            arguments: vec![[0; STACK_ARGUMENTS]; frames],
            rounds: vec![0; frames],
            tail_calls: 0,
        }
    }

    /// Begins a function from the outside.
    pub(super) fn start(&mut self, world: &mut World, at: usize, arguments: [u64; 5]) {
        self.frames.clear();
        self.registers = [0; 16];
        self.registers[1..6].copy_from_slice(&arguments);
        (self.at, self.tail_calls, self.executed) = (at, 0, 0);
        let mut registers = self.registers;
        self.enter_stack(world, &mut registers);
        self.registers = registers;
    }

    /// Calls a function; `back` is where it returns to.
    #[inline]
    pub(super) fn call(
        &mut self,
        world: &mut World,
        registers: &mut Registers,
        back: usize,
        callback: Option<Callback>,
    ) -> Result<(), Trap> {
        if self.frames.len() + 1 >= self.most_frames as usize {
            return Err(Trap::CallDepth { limit: self.most_frames });
        }
        let saved = [registers[6], registers[7], registers[8], registers[9], registers[FP]];
        self.frames.push(Frame { back, saved, callback });
        self.enter_stack(world, registers);
        Ok(())
    }

    /// Returns from a function.
    #[inline]
    pub(super) fn ret(&mut self, world: &mut World, registers: &mut Registers) -> Result<Back, Trap> {
        let Some(Frame { back, saved, callback }) = self.frames.pop() else { return Ok(Back::Done) };
        registers[6..=FP].copy_from_slice(&saved);
        match callback {
            None => Ok(Back::To(back)),
            Some(callback) => self.returned(world, registers, back, callback),
        }
    }

    /// Does what a helper asks for that is more than a number.
    #[cold]
    pub(super) fn answer(
        &mut self,
        answer: Answer,
        world: &mut World,
        registers: &mut Registers,
        text: &Text,
        back: usize,
    ) -> Result<usize, Trap> {
        match answer {
            Answer::Value(value) => {
                registers[0] = value;
                Ok(back)
            }
            Answer::Nothing => Ok(back),
            Answer::Wait => Ok(back - 1),
            Answer::TailCall(program) => Ok(self.tail_call(text, program, back)),
            Answer::Call(function, mut callbacks) => {
                let at = text.function(function)?;
                match callbacks.next(world, None)? {
                    Step::Return(value) => {
                        registers[0] = value;
                        Ok(back)
                    }
                    Step::Call(arguments) => {
                        self.call(world, registers, back, Some((at, callbacks)))?;
                        registers[1..6].copy_from_slice(&arguments);
                        Ok(at)
                    }
                }
            }
        }
    }

    /// An argument that the caller passed on the stack.
    pub(super) fn argument(&self, number: u32) -> Result<u64, Trap> {
        let caller = self.frames.len().checked_sub(1);
        let found = caller.and_then(|caller| self.arguments.get(caller)?.get(number as usize));
        found.copied().ok_or(Trap::StackArgument { number: number + 1 })
    }

    /// Passes an argument on the stack.
    pub(super) fn pass(&mut self, number: u32, value: u64) -> Result<(), Trap> {
        let frame = self.frames.len();
        let slot = self.arguments.get_mut(frame).and_then(|frame| frame.get_mut(number as usize));
        *slot.ok_or(Trap::StackArgument { number: number + 1 })? = value;
        Ok(())
    }

    /// Whether a `may_goto` jumps.
    pub(super) fn may_goto(&mut self) -> bool {
        let frame = self.frames.len();
        let Some(left) = self.rounds.get_mut(frame) else { return true };
        let Some(fewer) = left.checked_sub(1) else { return true };
        *left = fewer;
        false
    }

    /// What a callback returned goes to the helper that called it, which may call again.
    #[cold]
    fn returned(
        &mut self,
        world: &mut World,
        registers: &mut Registers,
        back: usize,
        (at, mut callbacks): Callback,
    ) -> Result<Back, Trap> {
        match callbacks.next(world, Some(registers[0]))? {
            Step::Return(value) => {
                registers[0] = value;
                Ok(Back::To(back))
            }
            Step::Call(arguments) => {
                self.call(world, registers, back, Some((at, callbacks)))?;
                registers[1..6].copy_from_slice(&arguments);
                Ok(Back::To(at))
            }
        }
    }

    /// Where the program goes on after `bpf_tail_call`.
    fn tail_call(&mut self, text: &Text, program: u32, back: usize) -> usize {
        match text.programs.get(program as usize) {
            Some(program) if self.tail_calls < limits::TAIL_CALLS => {
                self.tail_calls += 1;
                program.start
            }
            // A tail call that fails is none.
            _ => back,
        }
    }

    fn enter_stack(&mut self, world: &mut World, registers: &mut Registers) {
        let frame = self.frames.len();
        let stack = RegionId(self.stacks.0 + frame as u32);
        world.clear(stack);
        registers[FP] = stack.at(limits::STACK_BYTES);
        self.rounds[frame] = limits::LOOPS;
    }
}
