//! What others get wrong about timers, and about loading without ELF files, row by row, each with the tests that show it is right
//! here; and those rows that no other file has a test for.
#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{Assembler, Helper, Reg, Size};
use bpfsmith::base::{Clock, Errno, TimerFlags};
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::{Bpf, Command, Failure, Fd, ObjPin, Plan, Reply};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::{Feature, Target};

/// A row, and its tests by file and function.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

const TIMERS: [Row; 9] = [
    ("no func_info with a callback", &[("tests/traps.rs", "a_callback_always_comes_with_func_info")]),
    ("callback with global linkage", &[("tests/traps.rs", "a_callback_with_global_linkage")]),
    (
        "key BTF forgotten, or BTF size other than the value size",
        &[
            ("tests/traps.rs", "types_of_a_value_without_a_type_of_the_key"),
            ("tests/traps.rs", "types_of_another_size_than_the_value_cannot_be_said"),
        ],
    ),
    (
        "timer misaligned, or two timers in a value",
        &[("tests/traps.rs", "a_timer_that_is_misaligned"), ("tests/traps.rs", "two_timers_in_a_value")],
    ),
    ("timer in a per-CPU hash", &[("tests/traps.rs", "a_timer_in_a_per_cpu_hash")]),
    (
        "timer in a tracing program before 7.0",
        &[
            ("tests/traps.rs", "a_timer_in_a_tracing_program_before_7_0"),
            ("tests/kernel/traps.rs", "timer_in_tracing"),
            ("tests/kernel/timer/kinds.rs", "assert_refused"),
        ],
    ),
    (
        "a comment or line on one instruction in mid-function",
        &[("tests/kernel/traps.rs", "line_in_the_middle"), ("tests/kernel/traps.rs", "second_function_only")],
    ),
    (
        "the last map handle is dropped",
        &[
            ("tests/kernel/timer/references.rs", "only_handle"),
            ("tests/kernel/timer/references.rs", "loaded"),
            ("tests/kernel/timers.rs", "map_closed"),
        ],
    ),
    ("object BTF refused by the kernel", &[("tests/trap_rows.rs", "no_type_ids_without_btf")]),
];

const LOADING: [Row; 8] = [
    (
        "a verifier log with a byte that is not UTF-8",
        &[
            ("tests/verifier_log.rs", "bytes_that_are_not_utf8_stay_as_they_are"),
            ("tests/kernel/traps.rs", "letters"),
        ],
    ),
    ("2,000 programs at once", &[("tests/object.rs", "linking_is_linear")]),
    ("batch look-up of a hash map, in batches that fall short", &[("tests/kernel/maps.rs", "batches")]),
    ("batch look-up with keys shorter than 4 bytes", &[("tests/kernel/maps.rs", "short_keys")]),
    (
        "a load that fails: the reason is in the error",
        &[("tests/plan/execute.rs", "what_fails_is_repeated_once_with_a_log")],
    ),
    (
        "a log buffer that is too small",
        &[
            ("tests/plan/execute.rs", "a_log_that_does_not_fit_is_asked_for_at_the_size_the_kernel_says"),
            ("tests/plan/execute.rs", "before_6_4_the_log_doubles"),
            ("tests/kernel/rejections.rs", "long_log"),
        ],
    ),
    ("split BTF", &[("tests/btf/properties.rs", "split_btf_goes_on_from_its_base")]),
    (
        "more calls of bpf(2) than it takes",
        &[
            ("tests/plan.rs", "a_trivial_program_is_one_command_and_a_timer_with_its_program_three"),
            ("tests/kernel/calls.rs", "assert_calls"),
        ],
    ),
];

#[test]
fn every_row_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (row, tests) in TIMERS.into_iter().chain(LOADING) {
        for (file, test) in tests {
            let text = fs::read_to_string(root.join(file)).unwrap();
            assert!(text.contains(&format!("fn {test}(")), "{row}: {file} has no {test}");
        }
    }
}

#[derive(BtfType)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

fn object(flags: TimerFlags) -> Object {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, Reg::FP, -4, 0).load_map(R1, "timers").mov(R2, Reg::FP).add(R2, -4);
    a.call(Helper::MAP_LOOKUP_ELEM).jeq(R0, 0, out).mov(R6, R0).add(R6, Elem::TIMER.off());
    a.mov(R1, R6).load_map(R2, "timers").mov(R3, Clock::Boottime).call(Helper::TIMER_INIT);
    a.mov(R1, R6).load_imm64(R2, 1_u64 << 40).mov(R3, flags).call(Helper::TIMER_START);
    a.bind(out).mov(R0, 0).exit();
    let mut object = ObjectBuilder::new("traps").license("GPL");
    object.add_map(MapSpec::typed::<u32, Elem>(MapKind::HASH, "timers").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    object.finish().unwrap()
}

/// Refuses BTF, and notes what it is asked for.
#[derive(Default)]
struct RefusesBtf(Vec<&'static str>);

impl Bpf for RefusesBtf {
    fn call(&mut self, command: &Command) -> Result<Reply, Failure> {
        self.0.push(command.name());
        match command {
            Command::BtfLoad(_) => Err(Failure::of(Errno::EINVAL)),
            _ => Ok(Reply::Done),
        }
    }

    fn close(&mut self, _: Fd) {
        panic!("nothing was opened");
    }

    fn unpin(&mut self, _: &ObjPin) {
        panic!("nothing was pinned");
    }
}

#[test]
fn no_type_ids_without_btf() {
    let plan = Plan::new(&object(TimerFlags::empty()), &Target::of_kernel(6, 12)).unwrap();
    let creates = plan.commands().find_map(|command| match command {
        Command::MapCreate(create) => Some(create.btf.is_some()),
        _ => None,
    });
    assert_eq!(creates, Some(true));
    let mut kernel = RefusesBtf::default();
    let error = plan.execute(&mut kernel).unwrap_err();
    assert!(error.to_string().contains("EINVAL"), "{error}");
    // Again for the log; then the end, and no map without its types.
    assert!(!kernel.0.is_empty() && kernel.0.iter().all(|name| *name == "BTF_LOAD"), "{:?}", kernel.0);
}

#[test]
fn clocks_and_flags_are_what_instructions_take() {
    let object = object(TimerFlags::all());
    let text = object.functions().iter().map(|function| function.code.to_string()).collect::<String>();
    assert!(text.contains("r3 = 7\n") && text.contains("r3 = 3\n"), "{text}");
}

/// Two tables say since when: one for those who write programs, one for those who plan loads.
#[test]
fn flags_are_as_old_as_their_features() {
    assert_eq!(TimerFlags::empty().since(), Feature::Timers.since());
    assert_eq!(TimerFlags::ABS.since(), Feature::TimerAbs.since());
    assert_eq!(TimerFlags::CPU_PIN.since(), Feature::TimerCpuPin.since());
}

/// It is enough to name the map: the kernel refuses that too.
#[test]
fn a_tracing_program_may_not_name_a_map_with_timers() {
    let mut a = Assembler::new();
    a.load_map(R1, "timers").mov(R0, 0).exit();
    let mut object = ObjectBuilder::new("traps").license("GPL");
    object.add_map(MapSpec::typed::<u32, Elem>(MapKind::HASH, "timers").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::RAW_TRACEPOINT), a.finish());
    let object = object.finish().unwrap();
    let error = Plan::new(&object, &Target::of_kernel(6, 18)).unwrap_err().to_string();
    assert!(error.contains("timers in raw_tracepoint programs, which came with Linux 7.0"), "{error}");
    assert!(error.contains("tests/trap_rows.rs:"), "{error}");
    assert!(Plan::new(&object, &Target::of_kernel(7, 0)).is_ok());
}
