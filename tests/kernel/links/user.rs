//! Links to places of a user-space binary, this one, and to perf events.

use std::ffi::CString;
use std::hint::black_box;

use bpfsmith::base::Errno;
use bpfsmith::kind::ProgramKind;
use bpfsmith::link::{
    KernelFunctions, KprobeMultiLink, LinkError, PerfEventLink, ProbeAt, UprobeMultiLink, UprobePlaces,
};
use bpfsmith::sys::perf::{Event, Scope};
use bpfsmith::sys::{info, perf};

use super::rig::Counting;
use crate::common::wait_until;
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_kernel};

pub fn add(suite: &mut Suite) {
    let uprobes = || all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, || has_kernel(6, 6)]);
    suite.test_if(uprobes(), "links: a probe in this program counts its calls", uprobe);
    suite.test_if(uprobes(), "links: probes say what is wrong", errors);
    let events = || all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, || has_kernel(5, 15)]);
    suite.test_if(events(), "links: page faults are counted", page_faults);
    suite.test_if(events(), "links: a perf event of a probe has a cookie", event_of_probe);
    suite.test_if(events(), "links: what is no perf event is refused", no_event);
}

#[inline(never)]
extern "C" fn probed(number: u64) -> u64 {
    black_box(number) + 1
}

/// Where `probed` is in the file: its address, less where the file is mapped. A line of the list:
/// `55d0c8a00000-55d0c8b00000 r-xp 00001000 08:01 1234 /path`.
fn offset_of_probed() -> u64 {
    let address = probed as *const () as u64;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    for line in maps.lines() {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let (start, end) = words[0].split_once('-').unwrap();
        if (hex(start)..hex(end)).contains(&address) {
            return address - hex(start) + hex(words[2]);
        }
    }
    panic!("a function that is mapped nowhere")
}

fn places(offsets: &[u64]) -> UprobePlaces<'_> {
    UprobePlaces { offsets, pid: std::process::id(), ..UprobePlaces::default() }
}

fn uprobe() {
    let counts = Counting::new(ProgramKind::UPROBE_MULTI, 0);
    let offsets = [offset_of_probed()];
    let binary = std::env::current_exe().unwrap();
    let places = UprobePlaces { cookies: &[77], ..places(&offsets) };
    let link = UprobeMultiLink::attach(counts.program(), &binary, &places).unwrap();
    for number in 0..5 {
        probed(black_box(number));
    }
    assert_eq!(counts.runs(), 5);
    if has_kernel(6, 8).is_ok() {
        let info = link.info().unwrap();
        assert_eq!((info.prog_id, info.offsets.as_slice()), (counts.id(), &offsets[..]));
        assert_eq!(info.path, binary.as_os_str().as_encoded_bytes());
        assert_eq!((info.cookies.as_slice(), info.pid), (&[77][..], std::process::id()));
    }
    drop(link);
    wait_until("the probe is gone", || {
        let before = counts.runs();
        probed(black_box(1));
        counts.runs() == before
    });
}

const SOFTWARE: u32 = 1;
const PAGE_FAULTS: u64 = 2;

fn page_faults() {
    let counts = Counting::new(ProgramKind::PERF_EVENT, 0);
    let event = Event { event_type: SOFTWARE, config: PAGE_FAULTS, sample_period: 1, ..Event::default() };
    let event = perf::open(&event).unwrap();
    let link = PerfEventLink::attach(counts.program(), &event, 0).unwrap();
    let again = PerfEventLink::attach(counts.program(), &event, 0).unwrap_err();
    assert!(matches!(again, LinkError::Kernel { errno: Errno::EEXIST, cause: Some(_), .. }), "{again}");
    drop(event);
    // Memory fresh from the kernel is there when it is first written to; so much is always fresh.
    drop(black_box(vec![1u8; 64 << 20]));
    assert!(counts.runs() > 0);
    if has_kernel(6, 6).is_ok() {
        let info = link.info().unwrap();
        assert_eq!(info.prog_id, counts.id());
        let expected = info::PerfEvent::Event { config: PAGE_FAULTS, event_type: SOFTWARE, cookie: 0 };
        assert_eq!(info.event, expected);
        let found = PerfEventLink::from_id(info.id).unwrap();
        assert_eq!(found.info().unwrap(), info);
    }
}

fn event_of_probe() {
    let counts = Counting::new(ProgramKind::UPROBE, 0);
    let source = std::fs::read_to_string("/sys/bus/event_source/devices/uprobe/type").unwrap();
    let binary = std::env::current_exe().unwrap();
    let path = CString::new(binary.as_os_str().as_encoded_bytes()).unwrap();
    let event = Event {
        event_type: source.trim_end().parse().unwrap(),
        name: Some(&path),
        offset: offset_of_probed(),
        of: Scope::Cpu(0),
        ..Event::default()
    };
    let link = PerfEventLink::attach(counts.program(), perf::open(&event).unwrap(), 42).unwrap();
    let before = counts.runs();
    for number in 0..5 {
        probed(black_box(number));
    }
    assert!(counts.runs() >= before + 5);
    if has_kernel(6, 9).is_ok() {
        let info::PerfEvent::Uprobe { file, offset, cookie, on_return, .. } = link.info().unwrap().event
        else {
            panic!("no probe")
        };
        assert_eq!(file, binary.as_os_str().as_encoded_bytes());
        assert_eq!((u64::from(offset), cookie, on_return), (event.offset, 42, false));
    }
}

fn no_event() {
    let counts = Counting::new(ProgramKind::PERF_EVENT, 0);
    let file = std::fs::File::open("/dev/null").unwrap();
    let error = PerfEventLink::attach(counts.program(), &file, 0).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EBADF, cause: Some(_), .. }), "{error}");
    let nothing = Event { event_type: SOFTWARE, config: 4242, ..Event::default() };
    assert_eq!(perf::open(&nothing).unwrap_err(), Errno::ENOENT);
}

fn errors() {
    let counts = Counting::new(ProgramKind::UPROBE_MULTI, 0);
    let attach =
        |path: &str, places: &UprobePlaces<'_>| match UprobeMultiLink::attach(counts.program(), path, places)
            .unwrap_err()
        {
            LinkError::Kernel { operation: "LINK_CREATE", errno, .. } => errno,
            error => panic!("{error}"),
        };
    assert_eq!(attach("/no/such/file", &places(&[0])), Errno::ENOENT);
    assert_eq!(attach("/", &places(&[0])), Errno::EBADF);
    let uneven = UprobePlaces { cookies: &[1, 2], ..places(&[0]) };
    assert_eq!(attach("/proc/self/exe", &uneven), Errno::EINVAL);
    let functions = KernelFunctions::Names(&["a\0b"]);
    let error = KprobeMultiLink::attach(counts.program(), functions, ProbeAt::Entry, &[]).unwrap_err();
    assert_eq!(error, LinkError::Name { name: "a\0b".to_owned() });
    let functions = KernelFunctions::Addresses(&[1]);
    let error = KprobeMultiLink::attach(counts.program(), functions, ProbeAt::Return, &[]).unwrap_err();
    let LinkError::Kernel { errno: Errno::EINVAL | Errno::EOPNOTSUPP, .. } = error else { panic!("{error}") };
}
