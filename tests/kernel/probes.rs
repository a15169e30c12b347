//! What is asked of the running kernel by trying: the answers are those of its release.

use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::{Assembler, Helper, Isa, Size};
use bpfsmith::base::{Endian, KernelVersion};
use bpfsmith::kernel::{self, Inputs, LoadError, probe};
use bpfsmith::kind::{ProgType, ProgramKind};
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::plan::Plan;
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::{Fact, Feature, Subject, Target};

use crate::common::{FP, builder, look_up, object_of, rejection};
use crate::golden;

use crate::support::{Condition, Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    let able = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon, is_6_18]);
    let loads = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon]);
    suite.test_if(loads(), "probes: features", features);
    suite.test_if(loads(), "probes: kinds of maps", map_kinds);
    suite.test_if(loads(), "probes: types of programs", prog_types);
    suite.test_if(able(), "probes: helpers", helpers);
    suite.test_if(loads(), "probes: groups of instructions", groups);
    suite.test_if(able(), "probes: a rejection names the instructions the kernel lacks", lacks_instructions);
    suite.test_if(able(), "probes: a rejection names the feature the kernel lacks", lacks_feature);
    suite.test_if(able(), "probes: a failed command names the kind of map the kernel lacks", lacks_map_kind);
    suite.test_if(able(), "probes: what the kernel has is not named", lacks_nothing);
}

const RELEASE: KernelVersion = KernelVersion::new(6, 18);

/// Messages, and which helper is offered to which kind, are only sure of the release these tests know.
fn is_6_18() -> Condition {
    let kernel = bpfsmith::sys::host::kernel_version().map_err(|errno| errno.to_string())?;
    if kernel == RELEASE {
        Ok(())
    } else {
        Err(format!("the answers are those of Linux 6.18, this is {kernel}"))
    }
}

/// The answers that differ from what the running release has.
fn differing(subjects: impl Iterator<Item = (Subject, KernelVersion)>) -> Vec<(Subject, Fact)> {
    let running = bpfsmith::sys::host::kernel_version().unwrap();
    let expected = |since| if since <= running { Fact::Yes } else { Fact::No };
    let answers = subjects.map(|(subject, since)| (subject, probe(subject), expected(since)));
    answers.filter(|(_, fact, expected)| fact != expected).map(|(subject, fact, _)| (subject, fact)).collect()
}

/// What no trial tells.
const UNTOLD: [Feature; 11] = [
    Feature::ExpectedAttachType,
    Feature::AttachBtfId,
    Feature::Links,
    Feature::CapBpf,
    Feature::ModuleBtf,
    Feature::ModuleKfuncs,
    Feature::KernelCore,
    Feature::LogTrueSize,
    Feature::TimerAbs,
    Feature::TimerCpuPin,
    Feature::Tokens,
];

/// Timers in tracing programs among them, of which the helper alone tells nothing.
fn features() {
    let all = Feature::ALL.iter().map(|&feature| (Subject::Feature(feature), feature.since()));
    assert_eq!(differing(all), UNTOLD.map(|feature| (Subject::Feature(feature), Fact::Unknown)));
}

fn map_kinds() {
    let all = MapKind::ALL.iter().filter_map(|kind| Some((Subject::MapKind(kind.0), kind.since()?)));
    assert_eq!(differing(all), [(Subject::MapKind(MapKind::STRUCT_OPS.0), Fact::Unknown)]);
}

/// Infrared remotes are a matter of how the kernel was built; programs that attach by a BTF id need one.
fn prog_types() {
    let all = ProgType::ALL.iter().filter(|&&prog_type| prog_type != ProgType::LIRC_MODE2);
    let all = all.filter_map(|&prog_type| {
        let since = ProgramKind::of_type(prog_type).map(ProgramKind::since).min()?;
        Some((Subject::ProgType(prog_type.0), since))
    });
    let untold = [ProgType::TRACING, ProgType::STRUCT_OPS, ProgType::EXT, ProgType::LSM];
    let untold = untold.map(|prog_type| (Subject::ProgType(prog_type.0), Fact::Unknown));
    assert_eq!(differing(all), untold);
}

/// But for those that a lockdown, or how the kernel was built, may take away.
fn helpers() {
    let mut wrong = Vec::new();
    for kind in [ProgramKind::SOCKET_FILTER, ProgramKind::SYSCALL, ProgramKind::XDP, ProgramKind::KPROBE] {
        let prog_type = kind.prog_type().0;
        let sure = |helper: &&Helper| ![Helper::PROBE_WRITE_USER, Helper::OVERRIDE_RETURN].contains(helper);
        let all = Helper::ALL.iter().filter(sure).map(|&helper| {
            let since = helper.since().filter(|_| kind.helper(helper).is_some());
            (Subject::Helper { helper: helper.number(), prog_type }, since.unwrap_or(NEVER))
        });
        wrong.extend(differing(all));
    }
    assert_eq!(wrong, []);
}

const NEVER: KernelVersion = KernelVersion::new(u16::MAX, 0);

fn groups() {
    let all = Isa::all().iter().filter_map(|group| Some((Subject::Isa(group.bits()), group.since()?)));
    assert_eq!(differing(all), []);
}

fn lacks_instructions() {
    let mut a = Assembler::with_isa(Isa::all());
    let line = line!() + 1;
    a.gotox(R1);
    a.mov(R0, 0).exit();
    let rejection = rejection(&object_of(ProgramKind::SOCKET_FILTER, a.finish()));
    assert_eq!(rejection.lacking(), ["instructions of the group INDIRECT_JUMP"]);
    assert_eq!(rejection.loc().unwrap().line(), line);
    let message = rejection.to_string();
    assert!(
        message.ends_with("unknown opcode 0d; the kernel lacks instructions of the group INDIRECT_JUMP"),
        "{message}"
    );
}

/// The verifier's own message says it too; the fact says since when.
fn lacks_feature() {
    let mut a = Assembler::new();
    a.st(Size::W, FP, -4, 0);
    look_up(&mut a, "timers").mov(R1, R0).call(Helper::TIMER_CANCEL).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::array::<golden::Value>("timers").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::KPROBE), a.finish());
    let rejection = rejection(&object.finish().unwrap());
    assert_eq!(rejection.lacking(), ["timers in tracing programs"]);
}

fn lacks_map_kind() {
    let mut object = builder();
    object.add_map(MapSpec::new(MapKind::INSN_ARRAY, "jumps").key_size(4).value_size(16).max_entries(1));
    let error = kernel::load(&object.finish().unwrap()).unwrap_err();
    let LoadError::Command { assumed, cause, .. } = &error else { panic!("{error}") };
    assert_eq!(assumed[..], ["insn_array maps"]);
    assert!(
        cause.as_ref().is_some_and(|cause| cause.starts_with("insn_array maps came with Linux 6.19")),
        "{error}"
    );
}

/// Whatever was only assumed is asked for once something fails; a plain mistake stays one.
fn lacks_nothing() {
    let object =
        object_of(ProgramKind::SOCKET_FILTER, Assembler::with_isa(Isa::V4).bswap(R2, 16).exit().finish());
    let plan = Plan::new(&object, &Target::unknown(Endian::NATIVE)).unwrap();
    assert!(plan.steps().iter().any(|step| !step.assumptions.is_empty()));
    let error = kernel::load_plan(&object, &plan, Inputs::new()).unwrap_err();
    assert_eq!(error.rejection().unwrap().lacking(), [] as [&str; 0]);
}
