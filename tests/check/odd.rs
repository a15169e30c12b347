//! Programs that look wrong and are not, or not in every kernel: nothing in them may be rejected.

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R10};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, LocId, Size, Slot};
use bpfsmith::btf::WorkQueue;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;

use crate::cases::{look_up_checked, raw};
use crate::objects::{code, object};

/// A program, and the kernel it is meant for; `None`: this one, which takes it.
pub(crate) struct Odd {
    pub name: &'static str,
    pub target: Option<Target>,
    pub object: Object,
}

pub(crate) fn odd() -> Vec<Odd> {
    let here = |name, code, functions| {
        let object = object(ProgramKind::SOCKET_FILTER, "GPL", code, functions).unwrap();
        Odd { name, target: None, object }
    };
    let on = |name, target, object| Odd { name, target: Some(target), object };
    let skb =
        |body: fn(&mut Assembler)| object(ProgramKind::SOCKET_FILTER, "GPL", code(body), vec![]).unwrap();
    vec![
        here("a call by hand of what stands behind the exit", call_by_hand(), vec![]),
        here("a callback that changes nothing here", code(visit), vec![("each", code(each))]),
        on("spilled around a call that leaves it alone", Target::of_kernel(6, 12), around_a_call()),
        on("a timer map in a LIRC program", Target::of_kernel(6, 18), names_timers(ProgramKind::LIRC_MODE2)),
        on("a work queue before there were any", Target::of_kernel(6, 6), work_queue()),
        on("a field of the context that came later", Target::of_kernel(7, 2), skb(late_field)),
        on("an instruction that came later", Target::of_kernel(7, 2), late_instruction()),
        on("half a pointer that a helper has read", Target::of_kernel(6, 6), skb(half_a_pointer)),
    ]
}

fn call_by_hand() -> Code {
    raw(&[[0x85, 0, 1, 0, 1], [0x95, 0, 0, 0, 0], [0xb7, 0, 0, 0, 0], [0x95, 0, 0, 0, 0]])
}

fn around_a_call() -> Object {
    object(ProgramKind::SOCKET_FILTER, "GPL", code(spilled), vec![("deep", code(deep))]).unwrap()
}

fn spilled(a: &mut Assembler) {
    a.st(Size::DW, R10, -496, 1).mov(R3, 3).stx(Size::DW, R10, -504, R3);
    a.call(Helper::GET_SMP_PROCESSOR_ID).ldx(Size::DW, R3, R10, -504);
    a.mov(R1, R3).call_function("deep").mov(R0, 0).exit();
}

fn deep(a: &mut Assembler) {
    a.stx(Size::DW, R10, -16, R1).ldx(Size::DW, R0, R10, -16).exit();
}

/// What is spilled where the callback cannot know of it is a pointer afterwards too.
fn visit(a: &mut Assembler) {
    look_up_checked(a, "global");
    a.stx(Size::DW, R10, -16, R6).st(Size::DW, R10, -8, 0);
    a.load_map(R1, "array").load_function(R2, "each").mov(R3, R10).add(R3, -8).mov(R4, 0);
    a.call(Helper::FOR_EACH_MAP_ELEM).ldx(Size::DW, R7, R10, -16).st(Size::DW, R7, 0, 1);
    a.mov(R0, 0).exit();
}

fn each(a: &mut Assembler) {
    a.stx(Size::DW, R4, 0, R1).mov(R0, 0).exit();
}

fn names_timers(kind: ProgramKind) -> Object {
    let main = code(|a| {
        look_up_checked(a, "timers");
        a.mov(R0, 0).exit();
    });
    object(kind, "GPL", main, vec![]).unwrap()
}

/// A value with a work queue at its beginning.
#[derive(BtfType, Debug, Default)]
#[btf(name = "queued")]
#[repr(C)]
struct Queued {
    work: WorkQueue,
    rest: u64,
}

fn work_queue() -> Object {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_map(MapSpec::array::<Queued>("queued").max_entries(2));
    let main = code(|a| {
        look_up_checked(a, "queued");
        a.st(Size::DW, R6, 0, 1).mov(R0, 0).exit();
    });
    object.add_program(ProgramSpec::new("main", ProgramKind::SOCKET_FILTER), Ok::<_, AsmError>(main));
    object.finish().unwrap()
}

fn late_field(a: &mut Assembler) {
    a.ldx(Size::W, R0, R1, 256).mov(R0, 0).exit();
}

fn late_instruction() -> Object {
    let slot = |opcode| Slot::new(opcode, 0, 0, 0, 0).unwrap();
    let lines = [slot(0xb7), slot(0x8d), slot(0x95)].map(|slot| (slot, LocId::UNKNOWN));
    let main = Code::from_parts(lines.to_vec(), Vec::new(), Vec::new(), Vec::new()).unwrap();
    object(ProgramKind::SOCKET_FILTER, "GPL", main, vec![]).unwrap()
}

fn half_a_pointer(a: &mut Assembler) {
    a.stx(Size::DW, R10, -8, R10).mov(R1, R10).add(R1, -8).mov(R2, 8).mov(R3, 0).mov(R4, 0).mov(R5, 0);
    a.call(Helper::TRACE_PRINTK).ldx(Size::W, R0, R10, -8).mov(R0, 0).exit();
}
