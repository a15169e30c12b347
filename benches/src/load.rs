//! Loading one small program with one map, with BTF.

mod first;
mod peers;
mod replay;

use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Reg::*, Size};
use bpfsmith::kernel::{Inputs, Loaded, load, load_plan};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::Plan;
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;
use bpfsmith::{BtfType, kernel::LoadError};

use crate::rounds::{Contender, Role, table};
use crate::{Outcome, told};

pub use first::FLAG as FIRST;
pub use first::first;
pub use replay::Replay;

pub fn tables() {
    let prepared = match Prepared::new() {
        Ok(prepared) => prepared,
        Err(why) => return println!("\n**load**: {why}"),
    };
    if let Err(why) = prepared.replay.run() {
        return println!("\n**load**: {why}");
    }
    table("load one program with one map, with BTF", LOADS, contenders(&prepared));
    first::tables();
}

/// What stands ready before anything is measured.
pub struct Prepared {
    object: Object,
    plan: Plan,
    replay: Replay,
}

impl Prepared {
    pub fn new() -> Outcome<Self> {
        let object = object()?;
        let plan = plan(&object)?;
        let replay = Replay::of(&plan)?;
        Ok(Self { object, plan, replay })
    }

    fn plan(&self) -> Outcome<Plan> {
        plan(&self.object)
    }

    fn execute(&self) -> Outcome<Loaded> {
        load_plan(&self.object, &self.plan, Inputs::new()).map_err(not_permitted)
    }
}

fn plan(object: &Object) -> Outcome<Plan> {
    Plan::new(object, &Target::running(object.needs()).map_err(told)?).map_err(told)
}

fn contenders(prepared: &Prepared) -> Vec<Contender<'_>> {
    let mut contenders = vec![
        loads(RAW, Role::Limit, || prepared.replay.run()),
        loads(OURS, Role::Ours, || load(&prepared.object).map_err(not_permitted)),
        loads(OURS_PLANNED, Role::Peer, || prepared.execute()),
        loads("bpfsmith, plan only", Role::Peer, || prepared.plan()),
        loads("bpfsmith, from Assembler on", Role::Peer, || load(&object()?).map_err(not_permitted)),
    ];
    contenders.extend(peers::contenders());
    contenders
}

/// Loads in a row in each round: the first of them meets what other contenders left in the caches.
const LOADS: usize = 20;

/// A contender that loads time and again; unloading is not measured.
fn loads<'a, T>(name: &'static str, role: Role, mut load: impl FnMut() -> Outcome<T> + 'a) -> Contender<'a> {
    Contender::timed(name, role, move || (0..LOADS).map(|_| first::timed(&mut load)).sum())
}

const RAW: &str = "raw bpf(2), the same bytes";
const OURS: &str = "bpfsmith, plan and execute";
const OURS_PLANNED: &str = "bpfsmith, execute a plan";

fn not_permitted(error: LoadError) -> String {
    if error.is_not_permitted() { "needs CAP_BPF".to_owned() } else { told(error) }
}

/// What a packet counter keeps.
#[derive(BtfType, Clone, Copy, Default)]
#[repr(C)]
struct Counters {
    packets: u64,
    bytes: u64,
}

/// What `peer.bpf.c` says in C.
fn object() -> Outcome<Object> {
    let mut object = ObjectBuilder::new("count").license("GPL");
    object.add_map(MapSpec::array::<Counters>("counters").max_entries(1));
    object.add_program(ProgramSpec::new("count", ProgramKind::SOCKET_FILTER), count());
    object.finish().map_err(told)
}

fn count() -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    let out = a.label();
    a.mov(R6, R1).st(Size::W, R10, -4, 0);
    a.load_map(R1, "counters").mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out);
    a.ldx(Size::DW, R1, R0, 0).add(R1, 1).stx(Size::DW, R0, 0, R1);
    a.ldx(Size::W, R1, R6, 0).ldx(Size::DW, R2, R0, 8).add(R2, R1).stx(Size::DW, R0, 8, R2);
    a.bind(out).mov(R0, 0).exit();
    a.finish()
}
