//! The tables of map and program kinds say what the kernel says: what they allow it takes, what they refuse it refuses.

use bpfsmith::asm::Reg::{R0, R1};
use bpfsmith::asm::{Assembler, Size};
use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::btf::{Kind, View};
use bpfsmith::kernel::{self, LoadError};
use bpfsmith::kind::{ProgType, ProgramKind};
use bpfsmith::map::{BtfRule, MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectError};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sys::{host, map};

use crate::common::{Assembled, builder, returns};
use crate::support::{
    Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf,
};

pub fn add(suite: &mut Suite) {
    let admin =
        || all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf]);
    suite.test_if(
        admin(),
        "kinds: a map is refused before the kernel is asked only where it would refuse",
        map_shapes,
    );
    suite.test_if(admin(), "kinds: a flag of a map is refused only where the kernel would refuse", map_flags);
    suite.test_if(admin(), "kinds: a program of each kind that needs no target loads", programs);
    let tracing = all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf]);
    suite.test_if(tracing, "kinds: programs that are checked against a target of the kernel load", targets);
}

fn kernel_has(since: Option<KernelVersion>) -> bool {
    since.is_some_and(|since| since <= host::kernel_version().unwrap())
}

/// The kinds whose maps have a shape of their own, and not that of another thing in the kernel.
fn map_kinds() -> impl Iterator<Item = MapKind> {
    MapKind::ALL.iter().copied().filter(|kind| kernel_has(kind.since()) && *kind != MapKind::STRUCT_OPS)
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    kind: MapKind,
    key: u32,
    value: u32,
    entries: u32,
    flags: MapFlags,
}

impl Shape {
    /// Types along where the kernel insists on them: sizes that no type here has are left out.
    fn typed(self) -> bool {
        self.kind.btf() == BtfRule::Required
    }

    fn object(self) -> Result<Object, ObjectError> {
        let Self { kind, key, value, entries, flags } = self;
        let mut object = builder();
        let mut spec =
            MapSpec::new(kind, "map").key_size(key).value_size(value).max_entries(entries).flags(flags);
        if self.typed() {
            let int = <i32 as bpfsmith::BtfType>::btf(object.btf()).unwrap();
            let byte = <u8 as bpfsmith::BtfType>::btf(object.btf()).unwrap();
            let key = if key == 4 { int } else { object.btf().array(byte, key).unwrap() };
            let value = object.btf().array(byte, value).unwrap();
            spec = spec.key_type(key).value_type(value);
        }
        if kind.has_inner() {
            spec = spec.inner(MapSpec::array::<u32>("inner").max_entries(1));
        }
        object.add_map(spec);
        object.finish()
    }

    /// What the kernel says, asked without our rules.
    fn asked(self) -> Result<(), Errno> {
        let inner = map::create(&map::Create {
            map_type: 2,
            key_size: 4,
            value_size: 4,
            max_entries: 1,
            ..Default::default()
        })?;
        let Self { kind, key, value, entries, flags } = self;
        let create = map::Create {
            map_type: kind.0,
            key_size: key,
            value_size: value,
            max_entries: entries,
            flags: flags.bits(),
            inner: kind.has_inner().then(|| std::os::fd::AsFd::as_fd(&inner)),
            ..Default::default()
        };
        map::create(&create).map(drop)
    }

    /// How the rules and the kernel disagree, if they do.
    fn disagreement(self) -> Option<String> {
        match self.object() {
            Ok(object) => match kernel::load(&object) {
                Ok(_) => None,
                // More than this machine has: of memory, or of CPUs (NR_CPUS).
                Err(LoadError::Command { errno: Errno::E2BIG | Errno::ENOMEM, .. }) => None,
                Err(error) => Some(format!("{self:?} is allowed, and refused: {error}")),
            },
            // Without its type the kernel refuses it anyway.
            Err(_) if self.typed() => None,
            Err(error) => {
                self.asked().ok().map(|()| format!("{self:?} is refused, and the kernel takes it: {error}"))
            }
        }
    }
}

fn assert_agreed(shapes: impl Iterator<Item = Shape>) {
    let disagreements: Vec<_> = shapes.filter_map(Shape::disagreement).collect();
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}

fn map_shapes() {
    const SIZES: [u32; 10] = [0, 1, 3, 4, 5, 8, 16, 20, 260, 600];
    const ENTRIES: [u32; 4] = [0, 1, 3, 4096];
    let shapes = map_kinds().flat_map(|kind| {
        let flags = kind.required_flags();
        SIZES.into_iter().flat_map(move |key| {
            SIZES.into_iter().flat_map(move |value| {
                ENTRIES.into_iter().map(move |entries| Shape { kind, key, value, entries, flags })
            })
        })
    });
    assert_agreed(shapes);
}

/// A shape each kind takes.
fn usual(kind: MapKind) -> Option<Shape> {
    const SIZES: [u32; 4] = [4, 8, 0, 16];
    let flags = kind.required_flags();
    let shapes = SIZES.into_iter().flat_map(|key| {
        SIZES
            .into_iter()
            .flat_map(move |value| [1, 4096, 0].map(|entries| Shape { kind, key, value, entries, flags }))
    });
    shapes.into_iter().find(|shape| shape.object().is_ok() && shape.disagreement().is_none())
}

fn map_flags() {
    let shapes = map_kinds().flat_map(|kind| {
        let usual = usual(kind).unwrap_or_else(|| panic!("no map of kind {kind} can be made"));
        let bits = (0..19).map(|bit| MapFlags::from_bits_retain(1 << bit));
        // Those that come with something else: a node, a token, a module.
        let alone = MapFlags::TOKEN_FD | MapFlags::VTYPE_BTF_OBJ_FD;
        bits.filter(move |flag| !alone.contains(*flag))
            .map(move |flag| Shape { flags: usual.flags ^ flag, ..usual })
    });
    assert_agreed(shapes);
}

/// What a program of the kind may return: any number the kernel allows.
fn trivial(kind: ProgramKind) -> Assembled {
    match kind.prog_type() {
        ProgType::CGROUP_SOCK_ADDR | ProgType::CGROUP_SKB => returns(1),
        _ => returns(0),
    }
}

fn programs() {
    // Many kernels are built without infrared remote controls.
    let btf = host::vmlinux_btf().unwrap();
    let has_lirc = View::new(btf.as_ref()).unwrap().find(Kind::Func, "lirc_mode2_func_proto").is_some();
    let mut failures = Vec::new();
    for &kind in ProgramKind::ALL {
        let left_out = kind.prog_type() == ProgType::LIRC_MODE2 && !has_lirc;
        if kind.needs_attach_btf_id() || !kernel_has(Some(kind.since())) || left_out {
            continue;
        }
        let mut object = builder();
        object.add_program(ProgramSpec::new("prog", kind), trivial(kind));
        if let Err(error) = kernel::load(&object.finish().unwrap()) {
            failures.push(format!("{}: {error}", kind.name()));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn targets() {
    let targets = [
        (ProgramKind::TP_BTF, "task_newtask"),
        (ProgramKind::ITER, "task"),
        (ProgramKind::ITER_SLEEPABLE, "task"),
    ];
    for (kind, target) in targets {
        let mut a = Assembler::new();
        a.ldx(Size::DW, R1, R1, 0).mov(R0, 0).exit();
        let mut object = builder();
        object.add_program(ProgramSpec::new("prog", kind).attach_to(target), a.finish());
        let loaded = kernel::load(&object.finish().unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", kind.name()));
        assert_eq!(loaded.program("prog").unwrap().prog_type(), kind.prog_type());
    }
    let mut object = builder();
    object.add_program(
        ProgramSpec::new("prog", ProgramKind::TP_BTF).attach_to("no_such_tracepoint"),
        returns(0),
    );
    let error = kernel::load(&object.finish().unwrap()).unwrap_err();
    assert!(error.to_string().contains("no_such_tracepoint"), "{error}");
}
