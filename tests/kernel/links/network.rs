//! Links to network devices, namespaces, hooks: programs drop, pass and count packets in a namespace of the test's own.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bpfsmith::base::{Errno, LinkType};
use bpfsmith::kernel::unpin;
use bpfsmith::kind::{AttachType, ProgramKind};
use bpfsmith::link::{
    Interface, LinkError, NetfilterFamily, NetfilterHook, NetfilterLink, NetfilterPlace, NetkitLink,
    NetnsLink, SockmapLink, TcxLink, XdpLink, XdpMode,
};
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::program::ProgramSpec;

use super::rig::{
    Counting, LOOPBACK, make_device, packet_comes, packet_passes, remove_device, set_up, with_loopback,
};
use crate::common::{builder, load, wait_until};
use crate::support::{
    Condition, Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_kernel, with_bpffs,
};

const ADMIN: &[fn() -> Condition] = &[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin];

pub fn add(suite: &mut Suite) {
    suite.test_if(all(ADMIN), "links: xdp drops, and after an update passes", || with_loopback(xdp));
    suite.test_if(all(ADMIN), "links: xdp stays pinned, and is detached for all", || {
        with_loopback(xdp_pinned)
    });
    suite.test_if(all(ADMIN), "links: xdp says what is wrong", || with_loopback(xdp_errors));
    let veth = all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_veth]);
    suite.test_if(veth, "links: a link outlives its device, and says so", || with_loopback(device_gone));
    let tcx_since = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_tcx]);
    suite.test_if(tcx_since(), "links: tcx counts both directions", || with_loopback(tcx));
    suite.test_if(tcx_since(), "links: tcx says what is wrong", || with_loopback(tcx_errors));
    suite.test_if(all(ADMIN), "links: sk_lookup sees look-ups of its namespace", || with_loopback(sk_lookup));
    suite.test_if(all(ADMIN), "links: a namespace has one flow dissector", || with_loopback(flow_dissector));
    let netfilter_since = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_netfilter]);
    suite.test_if(netfilter_since(), "links: netfilter drops, then is gone", || with_loopback(netfilter));
    suite.test_if(netfilter_since(), "links: netfilter says what is wrong", || {
        with_loopback(netfilter_errors);
    });
    let sockmap_since = all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, || has_kernel(6, 10)]);
    suite.test_if(sockmap_since, "links: a map of sockets has one verdict", sockmap);
    let netkit_since = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_netkit]);
    suite.test_if(netkit_since(), "links: netkit, both sides", || with_loopback(netkit));
    let netkit_since = all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, || has_kernel(6, 7)]);
    suite.test_if(netkit_since, "links: netkit wants its own devices", || with_loopback(netkit_errors));
}

fn has_tcx() -> Condition {
    has_kernel(6, 6)
}

fn has_netfilter() -> Condition {
    has_kernel(6, 4)
}

fn has_netkit() -> Condition {
    makes("netkit")
}

fn has_veth() -> Condition {
    makes("veth")
}

/// The kernel is built with such network devices.
fn makes(kind: &str) -> Condition {
    let mut made = Err(0);
    crate::support::with_own_network(|| made = make_device("device0", kind));
    made.map_err(|errno| format!("the kernel makes no {kind} device: {}", Errno(errno)))
}

const XDP_DROP: i32 = 1;
const XDP_PASS: i32 = 2;

fn lo() -> Interface<'static> {
    Interface::from("lo")
}

fn xdp() {
    let (drops, passes) =
        (Counting::new(ProgramKind::XDP, XDP_DROP), Counting::new(ProgramKind::XDP, XDP_PASS));
    packet_comes();
    let mut link = XdpLink::attach(drops.program(), lo(), XdpMode::Generic).unwrap();
    let info = link.info().unwrap();
    assert_eq!((info.prog_id, info.ifindex), (drops.id(), LOOPBACK));
    assert!(!packet_passes(|| drops.runs()));

    let error = link.replace(passes.program(), passes.program()).unwrap_err();
    assert!(
        matches!(error, LinkError::Kernel { operation: "LINK_UPDATE", errno: Errno::EPERM, .. }),
        "{error}"
    );
    assert_eq!(link.info().unwrap().prog_id, drops.id());
    let before = drops.runs();
    link.replace(drops.program(), passes.program()).unwrap();
    assert!(packet_passes(|| passes.runs()));
    assert_eq!(drops.runs(), before);
    let updated = link.info().unwrap();
    assert_eq!((updated.id, updated.prog_id), (info.id, passes.id()));
    link.update(drops.program()).unwrap();
    assert!(!packet_passes(|| drops.runs()));
    drop(link);
    wait_until("the program is detached", || XdpLink::from_id(info.id).is_err());
    packet_comes();
}

fn xdp_pinned() {
    with_bpffs(|bpffs| {
        let path = bpffs.join("xdp");
        let drops = Counting::new(ProgramKind::XDP, XDP_DROP);
        let link = XdpLink::attach(drops.program(), LOOPBACK, XdpMode::Any).unwrap();
        link.pin(&path).unwrap();
        drop(link);
        assert!(!packet_passes(|| drops.runs()));
        opened_as_another_kind(&path);
        let again = XdpLink::open(&path).unwrap();
        let other = XdpLink::open(&path).unwrap();
        assert_eq!(again.info(), other.info());
        again.detach().unwrap();
        packet_comes();
        assert_eq!(other.info().unwrap().ifindex, 0);
        unpin(&path).unwrap();
    });
}

fn opened_as_another_kind(path: &Path) {
    let error = TcxLink::open(path).unwrap_err();
    assert_eq!(error, LinkError::Type { expected: LinkType::TCX, found: LinkType::XDP });
}

#[track_caller]
fn refused<T>(result: Result<T, LinkError>, expected: Errno) -> String {
    match result.err().expect("the kernel took it") {
        LinkError::Kernel { operation: "LINK_CREATE", errno, cause: Some(cause), .. }
            if errno == expected =>
        {
            cause
        }
        error => panic!("{error}"),
    }
}

fn xdp_errors() {
    let drops = Counting::new(ProgramKind::XDP, XDP_PASS);
    let program = drops.program();
    let cause = refused(XdpLink::attach(program, lo(), XdpMode::Driver), Errno::EOPNOTSUPP);
    assert!(cause.contains("XDP_FLAGS_SKB_MODE"), "{cause}");
    let cause = refused(XdpLink::attach(program, 4242, XdpMode::Any), Errno::EINVAL);
    assert!(cause.contains("interface"), "{cause}");
    let _first = XdpLink::attach(program, lo(), XdpMode::Any).unwrap();
    refused(XdpLink::attach(program, lo(), XdpMode::Any), Errno::EBUSY);
    let error = XdpLink::attach(program, "nothing", XdpMode::Any).unwrap_err();
    assert_eq!(error, LinkError::Interface { name: "nothing".to_owned(), errno: Errno::ENODEV });
    let error = XdpLink::attach(program, "l\0o", XdpMode::Any).unwrap_err();
    assert!(matches!(error, LinkError::Interface { errno: Errno::EINVAL, .. }), "{error}");
    let other = Counting::new(ProgramKind::SCHED_CLS, 0);
    refused(XdpLink::attach(other.program(), lo(), XdpMode::Any), Errno::EINVAL);
}

fn device_gone() {
    make_device("pair0", "veth").unwrap();
    let index = Interface::from("pair0").index().unwrap();
    set_up(index);
    let (one, two) = (Counting::new(ProgramKind::XDP, XDP_PASS), Counting::new(ProgramKind::XDP, XDP_PASS));
    let mut link = XdpLink::attach(one.program(), "pair0", XdpMode::Driver).unwrap();
    assert_eq!(link.info().unwrap().ifindex, index);
    remove_device(index);
    assert_eq!(link.info().unwrap().ifindex, 0);
    let error = link.update(two.program()).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::ENOLINK, cause: Some(_), .. }), "{error}");
}

const TCX_NEXT: i32 = -1;
const TCX_DROP: i32 = 2;

fn tcx() {
    let inwards = Counting::new(ProgramKind::TCX_INGRESS, TCX_NEXT);
    let outwards = Counting::new(ProgramKind::TCX_EGRESS, TCX_NEXT);
    let mut ingress = TcxLink::attach(inwards.program(), lo(), AttachType::TCX_INGRESS).unwrap();
    let egress = TcxLink::attach(outwards.program(), lo(), AttachType::TCX_EGRESS).unwrap();
    packet_comes();
    assert!(inwards.runs() > 0 && outwards.runs() > 0);
    let info = ingress.info().unwrap();
    assert_eq!((info.ifindex, info.prog_id), (LOOPBACK, inwards.id()));
    assert_eq!(info.attach_type, AttachType::TCX_INGRESS);
    assert_eq!(egress.info().unwrap().attach_type, AttachType::TCX_EGRESS);

    let drops = Counting::new(ProgramKind::TCX_INGRESS, TCX_DROP);
    let error = ingress.replace(drops.program(), drops.program()).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EPERM, .. }), "{error}");
    ingress.replace(inwards.program(), drops.program()).unwrap();
    assert!(!packet_passes(|| drops.runs()));
    ingress.detach().unwrap();
    packet_comes();
    let seen = outwards.runs();
    egress.detach().unwrap();
    packet_comes();
    assert_eq!(outwards.runs(), seen);
}

fn tcx_errors() {
    let counts = Counting::new(ProgramKind::TCX_INGRESS, TCX_NEXT);
    let program = counts.program();
    refused(TcxLink::attach(program, 4242, AttachType::TCX_INGRESS), Errno::ENODEV);
    let _link = TcxLink::attach(program, lo(), AttachType::TCX_INGRESS).unwrap();
    refused(TcxLink::attach(program, lo(), AttachType::TCX_INGRESS), Errno::EEXIST);
    let error = TcxLink::attached(4242, AttachType::TCX_INGRESS).unwrap_err();
    assert!(matches!(error, LinkError::Query { errno: Errno::ENODEV, cause: Some(_), .. }), "{error}");
}

const NETNS: &str = "/proc/thread-self/ns/net";

fn inode(path: &str) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

fn sk_lookup() {
    let (passes, drops) =
        (Counting::new(ProgramKind::SK_LOOKUP, 1), Counting::new(ProgramKind::SK_LOOKUP, 0));
    let mut link = NetnsLink::attach(passes.program(), NETNS, AttachType::SK_LOOKUP).unwrap();
    let info = link.info().unwrap();
    assert_eq!((u64::from(info.netns_inode), info.prog_id), (inode(NETNS), passes.id()));
    assert_eq!(info.attach_type, AttachType::SK_LOOKUP);
    assert!(packet_passes(|| passes.runs()));
    link.replace(passes.program(), drops.program()).unwrap();
    assert!(!packet_passes(|| drops.runs()));
    let attached = NetnsLink::attached(NETNS, AttachType::SK_LOOKUP).unwrap();
    assert_eq!(attached.programs.iter().map(|program| program.prog_id).collect::<Vec<_>>(), [drops.id()]);
    link.detach().unwrap();
    packet_comes();
    assert!(NetnsLink::attached(NETNS, AttachType::SK_LOOKUP).unwrap().programs.is_empty());
}

fn flow_dissector() {
    let dissector = || Counting::new(ProgramKind::FLOW_DISSECTOR, 0);
    let (one, two) = (dissector(), dissector());
    let mut link = NetnsLink::attach(one.program(), NETNS, AttachType::FLOW_DISSECTOR).unwrap();
    let cause = refused(NetnsLink::attach(two.program(), NETNS, AttachType::FLOW_DISSECTOR), Errno::E2BIG);
    assert!(cause.contains("flow_dissector"), "{cause}");
    link.update(two.program()).unwrap();
    assert_eq!(link.info().unwrap().prog_id, two.id());
    refused(NetnsLink::attach(one.program(), "/proc/self/status", AttachType::FLOW_DISSECTOR), Errno::EINVAL);
}

const NF_DROP: i32 = 0;
const NF_ACCEPT: i32 = 1;

const LOCAL_IN: NetfilterPlace = NetfilterPlace {
    family: NetfilterFamily::Ipv4,
    hook: NetfilterHook::LocalIn,
    priority: -128,
    defragment: false,
};

fn netfilter() {
    let (drops, accepts) =
        (Counting::new(ProgramKind::NETFILTER, NF_DROP), Counting::new(ProgramKind::NETFILTER, NF_ACCEPT));
    let first = NetfilterLink::attach(accepts.program(), LOCAL_IN).unwrap();
    assert!(packet_passes(|| accepts.runs()));
    let second = NetfilterPlace { priority: 7, ..LOCAL_IN };
    let second = NetfilterLink::attach(drops.program(), second).unwrap();
    let before = accepts.runs();
    assert!(!packet_passes(|| drops.runs()));
    assert!(accepts.runs() > before);
    let info = second.info().unwrap();
    assert_eq!((info.prog_id, info.family, info.hook, info.priority, info.flags), (drops.id(), 2, 1, 7, 0));
    second.detach().unwrap();
    packet_comes();
    first.detach().unwrap();
    let seen = accepts.runs();
    packet_comes();
    assert_eq!(accepts.runs(), seen);
}

fn netfilter_errors() {
    let counts = Counting::new(ProgramKind::NETFILTER, NF_ACCEPT);
    let attach = |place| NetfilterLink::attach(counts.program(), place);
    let _link = attach(LOCAL_IN).unwrap();
    let cause = refused(attach(LOCAL_IN), Errno::EBUSY);
    assert!(cause.contains("priority"), "{cause}");
    for priority in [i32::MIN, i32::MAX] {
        refused(attach(NetfilterPlace { priority, ..LOCAL_IN }), Errno::ERANGE);
    }
    let early = NetfilterPlace { priority: -400, defragment: true, ..LOCAL_IN };
    if has_kernel(6, 6).is_ok() {
        refused(attach(early), Errno::ERANGE);
    }
}

fn sockmap() {
    let mut object = builder();
    object.add_map(MapSpec::new(MapKind::SOCKMAP, "sockets").key_size(4).value_size(4).max_entries(1));
    let loaded = load(&object.finish().unwrap());
    let map = loaded.map("sockets").unwrap();
    let verdict = || Counting::new(ProgramKind::SK_SKB_VERDICT, 1);
    let (one, two) = (verdict(), verdict());
    let at = AttachType::SK_SKB_VERDICT;
    let mut link = SockmapLink::attach(one.program(), map, at).unwrap();
    refused(SockmapLink::attach(two.program(), map, at), Errno::EBUSY);
    let info = link.info().unwrap();
    assert_eq!((info.prog_id, info.map_id, info.attach_type), (one.id(), map.id().unwrap(), at));
    link.replace(one.program(), two.program()).unwrap();
    assert_eq!(link.info().unwrap().prog_id, two.id());
    link.detach().unwrap();
    SockmapLink::attach(one.program(), map, at).unwrap().detach().unwrap();
    let other = load(&Counting::object(ProgramSpec::new("prog", ProgramKind::SK_SKB_VERDICT), 1));
    refused(SockmapLink::attach(one.program(), other.map("count").unwrap(), at), Errno::EINVAL);
}

fn netkit() {
    make_device("netkit0", "netkit").unwrap();
    let (one, two) = (
        Counting::new(ProgramKind::NETKIT_PRIMARY, TCX_NEXT),
        Counting::new(ProgramKind::NETKIT_PEER, TCX_NEXT),
    );
    let mut primary = NetkitLink::attach(one.program(), "netkit0", AttachType::NETKIT_PRIMARY).unwrap();
    let peer = NetkitLink::attach(two.program(), "netkit0", AttachType::NETKIT_PEER).unwrap();
    assert_eq!(primary.info().unwrap().attach_type, AttachType::NETKIT_PRIMARY);
    assert_eq!(peer.info().unwrap().prog_id, two.id());
    let three = Counting::new(ProgramKind::NETKIT_PRIMARY, TCX_NEXT);
    primary.replace(one.program(), three.program()).unwrap();
    let attached = NetkitLink::attached("netkit0", AttachType::NETKIT_PRIMARY).unwrap();
    assert_eq!(attached.programs[0].prog_id, three.id());
    primary.detach().unwrap();
    peer.detach().unwrap();
}

/// On another device, or in a kernel built without netkit.
fn netkit_errors() {
    let counts = Counting::new(ProgramKind::NETKIT_PRIMARY, TCX_NEXT);
    let error = NetkitLink::attach(counts.program(), lo(), AttachType::NETKIT_PRIMARY).unwrap_err();
    let LinkError::Kernel { errno, cause: Some(_), .. } = error else { panic!("{error}") };
    assert!(matches!(errno, Errno::ENXIO | Errno::EINVAL), "{errno}");
}
