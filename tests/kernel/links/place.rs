//! Places among the programs of a hook: the kernel runs them in the order asked for.

use bpfsmith::base::Errno;
use bpfsmith::kind::{AttachType, ProgramKind};
use bpfsmith::link::{CgroupLink, LinkError, Neighbour, Place, TcxLink};

use super::rig::{Counting, with_loopback};
use crate::support::{
    Cgroup, Condition, Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_cgroup2, has_kernel,
};

pub fn add(suite: &mut Suite) {
    let tcx = all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, || has_kernel(6, 6)]);
    suite.test_if(tcx, "links: programs of a tcx hook stand where they were put", || with_loopback(order));
    let tcx = all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, || has_kernel(6, 6)]);
    suite.test_if(tcx, "links: a place that is not there is refused", || with_loopback(refused));
    let cgroup = all(&[has_cap_bpf, has_cap_net_admin, has_cgroup2, has_placed_cgroups]);
    suite.test_if(cgroup, "links: programs of a cgroup stand where they were put", at_cgroup);
}

fn has_placed_cgroups() -> Condition {
    has_kernel(6, 17)
}

const INGRESS: AttachType = AttachType::TCX_INGRESS;

fn next() -> Counting {
    Counting::new(ProgramKind::TCX_INGRESS, -1)
}

fn attach(program: &Counting, place: Place<'_>) -> Result<TcxLink, LinkError> {
    TcxLink::attach_at(program.program(), "lo", INGRESS, place)
}

fn programs() -> Vec<u32> {
    let attached = TcxLink::attached("lo", INGRESS).unwrap();
    attached.programs.iter().map(|program| program.prog_id).collect()
}

fn order() {
    let [a, b, c, d, e, f] = [(); 6].map(|()| next());
    let link_a = attach(&a, Place::default()).unwrap();
    let link_b = attach(&b, Place::last()).unwrap();
    let _c = attach(&c, Place::first()).unwrap();
    assert_eq!(programs(), [c.id(), a.id(), b.id()]);
    let _d = attach(&d, Place::before(&link_b)).unwrap();
    let id = link_a.info().unwrap().id;
    let _e = attach(&e, Place::after(Neighbour::LinkId(id))).unwrap();
    assert_eq!(programs(), [c.id(), a.id(), e.id(), d.id(), b.id()]);
    let attached = TcxLink::attached("lo", INGRESS).unwrap();
    assert_eq!(attached.programs[1].link_id, Some(id));
    let stale = Place::last().expecting(attached.revision + 1);
    let error = attach(&f, stale).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::ESTALE, cause: Some(_), .. }), "{error}");
    let _f = attach(&f, Place::last().expecting(attached.revision)).unwrap();
    assert_eq!(programs().last(), Some(&f.id()));
    assert_ne!(TcxLink::attached("lo", INGRESS).unwrap().revision, attached.revision);
}

fn refused() {
    let (a, b, c) = (next(), next(), next());
    let _a = attach(&a, Place::first()).unwrap();
    // A neighbour that is attached nowhere.
    let error = attach(&b, Place::before(c.program())).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::ENOENT, cause: Some(_), .. }), "{error}");
    // A number that is no program's.
    let error = attach(&b, Place::after(Neighbour::ProgramId(u32::MAX))).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::ENOENT, .. }), "{error}");
    assert_eq!(programs(), [a.id()]);
    let _b = attach(&b, Place::before(a.program())).unwrap();
    assert_eq!(programs(), [b.id(), a.id()]);
}

fn at_cgroup() {
    let cgroup = Cgroup::new().unwrap();
    let device = || Counting::new(ProgramKind::CGROUP_DEVICE, 1);
    let (a, b) = (device(), device());
    let at = AttachType::CGROUP_DEVICE;
    let link = CgroupLink::attach(a.program(), cgroup.path(), at).unwrap();
    let before = CgroupLink::attached(cgroup.path(), at).unwrap();
    let place = Place::before(&link).expecting(before.revision);
    let _b = CgroupLink::attach_at(b.program(), cgroup.path(), at, place).unwrap();
    let after = CgroupLink::attached(cgroup.path(), at).unwrap();
    let ids: Vec<_> = after.programs.iter().map(|program| program.prog_id).collect();
    assert_eq!(ids, [b.id(), a.id()]);
    assert_ne!(after.revision, before.revision);
}
