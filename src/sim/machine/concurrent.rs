//! Several virtual CPUs at once: which goes on, and how far, is drawn from a seed. The same seed gives the same run.

mod choice;

use std::collections::BTreeMap;

use self::choice::{Choice, Side};
use super::{Level, Machine, Outcome};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::kind::ProgType;
use crate::sim::context::{self, Input};
use crate::sim::engine::Stop;
use crate::sim::error::RunError;
use crate::sim::random::Random;
use crate::sim::trap::Trap;
use crate::sim::user::{MapError, RawMap};

/// What is done on a CPU beside others, and beside the functions of timers that are due.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    cpu: u32,
    work: Work,
    beside: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Work {
    Run { program: String, input: Input },
    Update { map: String, key: Vec<u8>, value: Vec<u8>, flags: ElemFlags },
    Delete { map: String, key: Vec<u8> },
    Close { map: String },
}

impl Task {
    /// A program is run.
    #[must_use]
    pub fn run(cpu: u32, program: &str, input: &Input) -> Self {
        Self::new(cpu, Work::Run { program: program.to_owned(), input: input.clone() })
    }

    /// User space sets an element.
    #[must_use]
    pub fn update(cpu: u32, map: &str, key: &[u8], value: &[u8], flags: ElemFlags) -> Self {
        let (map, key, value) = (map.to_owned(), key.to_vec(), value.to_vec());
        Self::new(cpu, Work::Update { map, key, value, flags })
    }

    /// User space takes an element away.
    #[must_use]
    pub fn delete(cpu: u32, map: &str, key: &[u8]) -> Self {
        Self::new(cpu, Work::Delete { map: map.to_owned(), key: key.to_vec() })
    }

    /// User space closes a descriptor of a map.
    #[must_use]
    pub fn close(cpu: u32, map: &str) -> Self {
        Self::new(cpu, Work::Close { map: map.to_owned() })
    }

    /// It does not begin before the function of a timer runs on another CPU; that does not end before the task has, or waits.
    #[must_use]
    pub fn beside_a_callback(mut self) -> Self {
        self.beside = true;
        self
    }

    const fn new(cpu: u32, work: Work) -> Self {
        Self { cpu, work, beside: false }
    }
}

/// What a task came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskOutcome {
    /// What it gave.
    pub result: TaskResult,
    /// Whether it had to wait for another CPU.
    pub waited: bool,
    /// Whether the function of a timer was running on another CPU when it ended.
    pub beside_a_callback: bool,
}

/// What a task gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskResult {
    /// A program ran.
    Ran(Outcome),
    /// User space did what it wanted to do.
    Done,
    /// The kernel would not.
    Refused(Errno),
}

impl TaskOutcome {
    /// What a program returned; none for what user space did.
    #[must_use]
    pub const fn retval(&self) -> Option<i32> {
        match &self.result {
            TaskResult::Ran(outcome) => Some(outcome.retval.cast_signed()),
            _ => None,
        }
    }
}

/// Runs a scenario once for each seed, and says which results it gave, each with its seeds.
///
/// # Errors
/// The first the scenario returns.
pub fn explore<T: Ord, E>(
    seeds: impl IntoIterator<Item = u64>,
    mut scenario: impl FnMut(u64) -> Result<T, E>,
) -> Result<BTreeMap<T, Vec<u64>>, E> {
    let mut seen: BTreeMap<T, Vec<u64>> = BTreeMap::new();
    for seed in seeds {
        seen.entry(scenario(seed)?).or_default().push(seed);
    }
    Ok(seen)
}

impl Machine {
    /// Runs tasks on their CPUs at once, and beside them the timers that are due now, each on the CPU it was started on. Time
    /// stands still. Tasks of one CPU run in the order given; the function of a timer interrupts what runs on its CPU where the
    /// kernel lets it: programs without a packet.
    ///
    /// `seed` decides who goes on when. What every task came to is in the order of the tasks.
    ///
    /// # Errors
    /// [`RunError`]: as [`run_on`](Self::run_on), of any task or timer; [`RunError::NothingBeside`]; a
    /// [`Deadlock`](crate::sim::FaultKind::Deadlock) where all wait for each other.
    pub fn concurrently(&mut self, seed: u64, tasks: &[Task]) -> Result<Vec<TaskOutcome>, RunError> {
        let cpus = self.cpus();
        if let Some(task) = tasks.iter().find(|task| task.cpu >= cpus) {
            return Err(RunError::NoCpu { cpu: task.cpu, cpus });
        }
        let mut run = Run::new(self, seed, tasks);
        let ended = run.complete();
        run.clean_up();
        self.world.cpu = 0;
        ended
    }
}

/// A concurrent run.
struct Run<'a> {
    machine: &'a mut Machine,
    tasks: &'a [Task],
    random: Random,
    /// The last turn given out before it began: timers armed later need not fire in it.
    turn: u64,
    sides: Vec<Side>,
    outcomes: Vec<Option<TaskOutcome>>,
}

impl<'a> Run<'a> {
    fn new(machine: &'a mut Machine, seed: u64, tasks: &'a [Task]) -> Self {
        let mut sides: Vec<Side> = (0..machine.cpus()).map(|_| Side::default()).collect();
        for (index, task) in tasks.iter().enumerate() {
            sides[task.cpu as usize].queue.push_back(index);
        }
        let (random, turn) = (Random::new(seed), machine.world.timers.turn());
        Self { machine, tasks, random, turn, sides, outcomes: tasks.iter().map(|_| None).collect() }
    }

    fn complete(&mut self) -> Result<Vec<TaskOutcome>, RunError> {
        while let Some(choice) = self.choose()? {
            self.machine.world.timers.op = None;
            match choice {
                Choice::Interrupt(cpu) => self.interrupt(cpu)?,
                Choice::Begin(cpu) => self.begin(cpu)?,
                Choice::Resume(cpu, level) => self.resume(cpu, level)?,
            }
        }
        Ok(self.outcomes.drain(..).flatten().collect())
    }

    /// Who goes on; none when all is done.
    fn choose(&mut self) -> Result<Option<Choice>, RunError> {
        let choices: Vec<Choice> = (0..self.sides.len() as u32).flat_map(|cpu| self.choices(cpu)).collect();
        match choices.len() as u64 {
            0 if self.sides.iter().all(Side::is_idle) => Ok(None),
            0 => Err(self.stuck()),
            count => Ok(Some(choices[(self.random.next() % count) as usize])),
        }
    }

    fn choices(&self, cpu: u32) -> Vec<Choice> {
        let side = &self.sides[cpu as usize];
        if side.callback.is_some() {
            let waits = side.returned.is_some() && self.is_wanted(cpu);
            let goes = !side.stalled[Level::Softirq as usize] && !waits;
            return goes.then_some(Choice::Resume(cpu, Level::Softirq)).into_iter().collect();
        }
        let mut choices = Vec::new();
        if self.can_interrupt(cpu) && self.machine.world.timers.is_due(cpu, self.turn) {
            choices.push(Choice::Interrupt(cpu));
        }
        match (side.task, side.queue.front()) {
            (Some(_), _) if !side.stalled[Level::Program as usize] => {
                choices.push(Choice::Resume(cpu, Level::Program));
            }
            (None, Some(next)) if !self.tasks[*next].beside || self.callback_beside(cpu) => {
                choices.push(Choice::Begin(cpu));
            }
            _ => {}
        }
        choices
    }

    /// Programs that are run on packets are run with softirqs off.
    fn can_interrupt(&self, cpu: u32) -> bool {
        let Some(task) = self.sides[cpu as usize].task else { return true };
        let Work::Run { program, .. } = &self.tasks[task].work else { return true };
        let program = self.machine.object.programs().iter().find(|def| *def.name == **program);
        program.is_none_or(|def| def.kind.prog_type() == ProgType::SYSCALL)
    }

    fn callback_beside(&self, cpu: u32) -> bool {
        let others = (0..).zip(&self.sides).filter(|(other, _)| *other != cpu);
        others.into_iter().any(|(_, side)| side.callback.is_some())
    }

    /// Whether a task that is to run beside a callback on another CPU has yet to begin, or could go on.
    fn is_wanted(&self, cpu: u32) -> bool {
        let others = (0..).zip(&self.sides).filter(|(other, side)| *other != cpu && side.callback.is_none());
        let wants = |side: &Side| {
            let task = side.task.filter(|_| !side.stalled[Level::Program as usize]);
            task.or(side.queue.front().copied().filter(|_| side.task.is_none()))
        };
        others.into_iter().filter_map(|(_, side)| wants(side)).any(|task| self.tasks[task].beside)
    }

    /// The function of a timer that is due begins.
    fn interrupt(&mut self, cpu: u32) -> Result<(), RunError> {
        let Some(due) = self.machine.world.timers.take_due(Some(cpu), self.turn) else { return Ok(()) };
        let begun = self.machine.begin(&due);
        self.sides[cpu as usize].callback = Some(due);
        self.moved(cpu, Level::Softirq);
        begun
    }

    /// The next task of a CPU begins.
    fn begin(&mut self, cpu: u32) -> Result<(), RunError> {
        let Some(task) = self.sides[cpu as usize].queue.pop_front() else { return Ok(()) };
        self.machine.world.cpu = cpu;
        self.sides[cpu as usize].task = Some(task);
        self.moved(cpu, Level::Program);
        let work = &self.tasks[task].work;
        if let Work::Run { program, input } = work {
            return self.machine.enter(cpu, program, input);
        }
        let result = self.machine.do_for_user(work)?;
        self.sides[cpu as usize].result = Some(result);
        self.after_user(cpu);
        Ok(())
    }

    /// What runs goes on for a few instructions.
    fn resume(&mut self, cpu: u32, level: Level) -> Result<(), RunError> {
        self.machine.world.cpu = cpu;
        if level == Level::Softirq
            && let Some(value) = self.sides[cpu as usize].returned.take()
        {
            return self.end_callback(cpu, value);
        }
        if level == Level::Program && self.sides[cpu as usize].result.is_some() {
            self.after_user(cpu);
            return Ok(());
        }
        // What has freed a timer waits before it goes on.
        if level == Level::Program && self.machine.world.timers.blocks(cpu) {
            self.stall(cpu, level);
            return Ok(());
        }
        let executed = self.executed(cpu, level);
        if executed >= self.machine.budget {
            return Err(self.machine.stopped(level, Trap::Budget { instructions: self.machine.budget }));
        }
        let quota = self.quota().min(self.machine.budget - executed);
        let stop = self.machine.resume(level, quota)?;
        if self.executed(cpu, level) > executed {
            self.moved(cpu, level);
        }
        match stop {
            Stop::Paused => {}
            Stop::Waiting => self.stall(cpu, level),
            Stop::Returned(value) if level == Level::Softirq => {
                self.sides[cpu as usize].returned = Some(value)
            }
            Stop::Returned(value) => {
                let outcome = self.machine.outcome(Ok(value))?;
                self.end_task(cpu, TaskResult::Ran(outcome));
            }
        }
        Ok(())
    }

    /// User space comes back from its call, unless that waits.
    fn after_user(&mut self, cpu: u32) {
        if self.machine.world.timers.blocks(cpu) {
            self.stall(cpu, Level::Program);
        } else if let Some(result) = self.sides[cpu as usize].result.take() {
            self.end_task(cpu, result);
        }
    }

    fn end_task(&mut self, cpu: u32, result: TaskResult) {
        let beside_a_callback = self.callback_beside(cpu);
        let side = &mut self.sides[cpu as usize];
        let waited = std::mem::take(&mut side.waited);
        if let Some(task) = side.task.take() {
            self.outcomes[task] = Some(TaskOutcome { result, waited, beside_a_callback });
        }
        self.moved(cpu, Level::Program);
    }

    fn end_callback(&mut self, cpu: u32, value: u64) -> Result<(), RunError> {
        if let Some(due) = self.sides[cpu as usize].callback.take() {
            self.machine.end(&due);
        }
        self.moved(cpu, Level::Softirq);
        self.machine.returned(value)
    }

    fn executed(&self, cpu: u32, level: Level) -> u64 {
        self.machine.cpus[cpu as usize][level as usize].executed
    }

    /// Mostly a few instructions, now and then many.
    fn quota(&mut self) -> u64 {
        let number = self.random.next();
        match number >> 60 {
            0 => 4096,
            1 | 2 => 32,
            _ => 1 + number % 5,
        }
    }

    /// It waits until another has come further.
    fn stall(&mut self, cpu: u32, level: Level) {
        let side = &mut self.sides[cpu as usize];
        side.stalled[level as usize] = true;
        side.waited |= level == Level::Program;
    }

    /// Who waits may look again.
    fn moved(&mut self, cpu: u32, level: Level) {
        for (other, side) in (0..).zip(&mut self.sides) {
            for at in [Level::Program, Level::Softirq] {
                side.stalled[at as usize] &= (other, at) == (cpu, level);
            }
        }
    }

    /// Why nobody can go on.
    fn stuck(&mut self) -> RunError {
        for (cpu, side) in (0..).zip(&self.sides) {
            self.machine.world.cpu = cpu;
            if side.callback.is_some() {
                return self.machine.stopped(Level::Softirq, Trap::Deadlock);
            }
            if side.task.is_some() {
                return self.machine.stopped(Level::Program, Trap::Deadlock);
            }
        }
        let waiting = (0..).zip(&self.sides).find_map(|(cpu, side)| Some((*side.queue.front()?, cpu)));
        let (task, cpu) = waiting.unwrap_or_default();
        RunError::NothingBeside { task, cpu }
    }

    /// Leaves no CPU in the middle of something.
    fn clean_up(&mut self) {
        for (cpu, side) in (0..).zip(&mut self.sides) {
            self.machine.world.cpu = cpu;
            if let Some(due) = side.callback.take() {
                self.machine.end(&due);
            }
            if side.task.is_some() {
                context::end(&mut self.machine.world);
            }
            self.machine.world.timers.stop_waiting(cpu);
        }
    }
}

impl Machine {
    fn do_for_user(&mut self, work: &Work) -> Result<TaskResult, RunError> {
        let done = match work {
            Work::Update { map, key, value, flags } => self.user_map(map)?.update(key, value, *flags),
            Work::Delete { map, key } => self.user_map(map)?.delete(key),
            Work::Close { map } => {
                self.close_map(map)?;
                Ok(())
            }
            Work::Run { .. } => Ok(()),
        };
        Ok(match done {
            Ok(()) => TaskResult::Done,
            Err(MapError::Refused { errno, .. }) => TaskResult::Refused(errno),
            // The sizes are wrong.
            Err(_) => TaskResult::Refused(Errno::EINVAL),
        })
    }

    fn user_map(&mut self, map: &str) -> Result<RawMap<'_>, RunError> {
        let map = self.map_number(map)?;
        Ok(RawMap::new(&mut self.world, map))
    }
}
