//! Links. Here those to cgroups: a program decides which devices the processes of a cgroup of the tests' own may open.

mod iterators;
mod network;
mod place;
mod rig;
mod tracing;
mod user;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::Size;
use bpfsmith::base::{Errno, LinkType};
use bpfsmith::kernel::{Loaded, Program, unpin};
use bpfsmith::kind::{AttachType, ProgramKind};
use bpfsmith::link::{AnyLink, CgroupLink, LinkDetail, LinkError, XdpLink};
use bpfsmith::map::MapSpec;
use bpfsmith::program::ProgramSpec;

use crate::common::{Assembled, builder, load, object_of, returns, wait_until};
use crate::support::{
    Cgroup, Condition, Suite, TempDir, all, has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_cgroup2,
    with_bpffs,
};

pub fn add(suite: &mut Suite) {
    const NEEDED: &[fn() -> Condition] = &[has_cap_bpf, has_cap_net_admin, has_cgroup2];
    const ADMIN: &[fn() -> Condition] = &[has_cap_bpf, has_cap_net_admin, has_cgroup2, has_cap_sys_admin];
    suite.test_if(
        all(NEEDED),
        "links: attached it decides, updated it decides otherwise, detached not at all",
        life,
    );
    suite.test_if(all(NEEDED), "links: dropped, it is gone", dropped);
    suite.test_if(all(NEEDED), "links: the kernel knows program, cgroup and attach type", info);
    suite.test_if(all(ADMIN), "links: a pinned link stays until it is unpinned", || with_bpffs(pinned));
    suite.test_if(all(NEEDED), "links: what does not fit is an error that says why", errors);
    suite.test_if(all(ADMIN), "links: opened by number, or as another kind", by_number);
    network::add(suite);
    place::add(suite);
    tracing::add(suite);
    iterators::add(suite);
    user::add(suite);
}

const DEVICE: AttachType = AttachType::CGROUP_DEVICE;

fn object_with(allow: i32) -> Loaded {
    let mut object = builder();
    object.add_map(MapSpec::array::<u64>("asked").max_entries(1));
    object.add_program(ProgramSpec::new("device", ProgramKind::CGROUP_DEVICE), decides(allow));
    load(&object.finish().unwrap())
}

/// Counts how often it is asked, and always says the same.
fn decides(allow: i32) -> Assembled {
    let mut a = Assembler::new();
    a.load_map_value(R1, "asked", 0).mov(R2, 1).atomic_add(Size::DW, R1, 0, R2).mov(R0, allow).exit();
    a.finish()
}

fn device(loaded: &Loaded) -> &Program {
    loaded.program("device").unwrap()
}

fn asked(loaded: &Loaded) -> u64 {
    loaded.typed_map::<u32, u64>("asked").unwrap().get(&0).unwrap().unwrap()
}

/// Whether a process of the cgroup can open /dev/zero.
fn opens_zero(cgroup: &Cgroup) -> bool {
    let script = r#"echo $$ > "$1/cgroup.procs" && exec 3< /dev/zero"#;
    let path = cgroup.path().as_os_str();
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(path).stderr(Stdio::null());
    shell.status().unwrap().success()
}

fn life() {
    let cgroup = Cgroup::new().unwrap();
    let (allow, deny) = (object_with(1), object_with(0));
    assert!(opens_zero(&cgroup));
    let mut link = CgroupLink::attach(device(&allow), cgroup.path(), DEVICE).unwrap();
    assert_eq!(asked(&allow), 0);
    assert!(opens_zero(&cgroup));
    let before = asked(&allow);
    assert!(before > 0);
    link.update(device(&deny)).unwrap();
    assert!(!opens_zero(&cgroup));
    assert!(asked(&deny) > 0);
    let denied = asked(&deny);
    link.detach().unwrap();
    assert!(opens_zero(&cgroup));
    assert_eq!((asked(&allow), asked(&deny)), (before, denied));
}

fn dropped() {
    let cgroup = Cgroup::new().unwrap();
    let deny = object_with(0);
    let link = CgroupLink::attach(device(&deny), cgroup.path(), DEVICE).unwrap();
    assert!(!opens_zero(&cgroup));
    drop(link);
    wait_until("the program is detached", || opens_zero(&cgroup));
}

fn info() {
    let cgroup = Cgroup::new().unwrap();
    let (first, second) = (object_with(1), object_with(1));
    let mut link = CgroupLink::attach(device(&first), cgroup.path(), DEVICE).unwrap();
    let info = link.info().unwrap();
    assert_eq!(info.prog_id, device(&first).id().unwrap());
    assert_eq!(info.cgroup_id, std::fs::metadata(cgroup.path()).unwrap().ino());
    assert_eq!(info.attach_type, DEVICE);
    link.update(device(&second)).unwrap();
    let updated = link.info().unwrap();
    assert_eq!((updated.id, updated.prog_id), (info.id, device(&second).id().unwrap()));
}

fn pinned(bpffs: &Path) {
    let path = bpffs.join("link");
    let cgroup = Cgroup::new().unwrap();
    let deny = object_with(0);
    let link = CgroupLink::attach(device(&deny), cgroup.path(), DEVICE).unwrap();
    link.pin(&path).unwrap();
    let id = link.info().unwrap().id;
    drop((link, deny));
    assert!(!opens_zero(&cgroup));
    let again = CgroupLink::open(&path).unwrap();
    assert_eq!(again.info().unwrap().id, id);
    unpin(&path).unwrap();
    assert!(!opens_zero(&cgroup));
    drop(again);
    wait_until("the program is detached", || opens_zero(&cgroup));
    let error = CgroupLink::open(&path).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { operation: "OBJ_GET", errno: Errno::ENOENT, .. }), "{error}");
}

fn errors() {
    let cgroup = Cgroup::new().unwrap();
    let filter = load(&object_of(ProgramKind::SOCKET_FILTER, returns(0)));
    let filter = filter.program("prog").unwrap();
    let error = CgroupLink::attach(filter, cgroup.path(), DEVICE).unwrap_err();
    let LinkError::Kernel { operation, errno, cause, .. } = &error else { panic!("{error}") };
    assert_eq!((*operation, *errno), ("LINK_CREATE", Errno::EINVAL));
    assert!(cause.is_some(), "{error}");
    let allow = object_with(1);
    let elsewhere = TempDir::new();
    let error = CgroupLink::attach(device(&allow), elsewhere.path(), DEVICE).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EBADF, .. }), "{error}");
    let missing = elsewhere.path().join("nothing");
    let error = CgroupLink::attach(device(&allow), &missing, DEVICE).unwrap_err();
    let path = missing.display().to_string();
    assert_eq!(error, LinkError::Target { path, errno: Errno::ENOENT });
    let mut link = CgroupLink::attach(device(&allow), cgroup.path(), DEVICE).unwrap();
    assert!(matches!(link.update(filter), Err(LinkError::Kernel { operation: "LINK_UPDATE", .. })));
}

fn by_number() {
    let cgroup = Cgroup::new().unwrap();
    let deny = object_with(0);
    let link = CgroupLink::attach(device(&deny), cgroup.path(), DEVICE).unwrap();
    let told = link.info().unwrap();
    let again = CgroupLink::from_id(told.id).unwrap();
    drop(link);
    assert!(!opens_zero(&cgroup));
    assert_eq!(again.info().unwrap(), told);

    let any = AnyLink::from_id(told.id).unwrap().info().unwrap();
    assert_eq!((any.link_type, any.prog_id), (LinkType::CGROUP, told.prog_id));
    assert!(matches!(any.detail, LinkDetail::Cgroup { cgroup_id, .. } if cgroup_id == told.cgroup_id));
    let attached = CgroupLink::attached(cgroup.path(), DEVICE).unwrap();
    assert_eq!(attached.programs.iter().map(|program| program.prog_id).collect::<Vec<_>>(), [told.prog_id]);

    let error = XdpLink::from_id(told.id).unwrap_err();
    assert_eq!(error, LinkError::Type { expected: LinkType::XDP, found: LinkType::CGROUP });
    assert_eq!(error.to_string(), "the link is of type cgroup, not xdp");
    drop(again);
    wait_until("the link is gone", || CgroupLink::from_id(told.id).is_err());
    let error = CgroupLink::from_id(told.id).unwrap_err();
    assert!(matches!(error, LinkError::Id { errno: Errno::ENOENT, cause: Some(_), .. }), "{error}");
}
