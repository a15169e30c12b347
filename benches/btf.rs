//! The running kernel's BTF: to index it, to look up 1,000 names, and what memory that takes.
//! Prints medians; the figures to reach are in the README.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bpfsmith::btf::{Kind, Type, View};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

const PATH: &str = "/sys/kernel/btf/vmlinux";

/// Counts the bytes that are allocated, and the most there were.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the system's too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `at` came from `alloc` above with the same layout, so from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let Ok(bytes) = std::fs::read(PATH) else {
        println!("btf: ignored, because {PATH} cannot be read");
        return;
    };
    let names = names(&bytes);
    println!("vmlinux BTF: {} bytes, {} types", bytes.len(), View::new(&bytes).unwrap().len());
    show("index, bytes in memory", median(|| black_box(View::new(&bytes).unwrap().len())));
    show("read and index", median(|| View::new(&std::fs::read(PATH).unwrap()).unwrap().len()));
    mapped(&names);
    show("index and 1,000 look-ups", median(|| look_up(&View::new(&bytes).unwrap(), &names)));
    let view = View::new(&bytes).unwrap();
    look_up(&view, &names);
    show("1,000 look-ups more", median(|| look_up(&view, &names)));
    show("every type decoded", median(|| view.ids().filter(|&id| view.get(id).is_ok()).count()));
    show("the kernel's check", median(|| usize::from(view.check().is_ok())));
    drop(view);
    memory(&bytes, &names);
}

/// The file mapped anew each time, with the page faults that brings.
#[cfg(feature = "kernel")]
fn mapped(names: &[String]) {
    use bpfsmith::sys::host::vmlinux_btf;
    if vmlinux_btf().is_ok_and(|bytes| bytes.is_mapped()) {
        show("map and index", median(|| View::new(&vmlinux_btf().unwrap()).unwrap().len()));
        show(
            "map, index, 1,000 look-ups",
            median(|| look_up(&View::new(&vmlinux_btf().unwrap()).unwrap(), names)),
        );
    }
}

#[cfg(not(feature = "kernel"))]
fn mapped(_: &[String]) {}

fn memory(bytes: &[u8], names: &[String]) {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    let view = View::new(bytes).unwrap();
    look_up(&view, names);
    let (kept, most) = (NOW.load(Relaxed) - before, MOST.load(Relaxed) - before);
    println!("{:<28} {kept} bytes kept, {most} at most", "memory, names included");
}

/// 1,000 structs and functions from all over.
fn names(bytes: &[u8]) -> Vec<String> {
    let view = View::new(bytes).unwrap();
    let wanted = |ty: &Type<'_>| matches!(ty, Type::Struct(_) | Type::Func(_)) && !ty.name().is_empty();
    let all: Vec<_> = view.ids().filter_map(|id| view.get(id).ok()).filter(wanted).collect();
    all.iter().step_by(all.len() / 1000).take(1000).map(|ty| ty.name().to_string()).collect()
}

fn look_up(view: &View<'_>, names: &[String]) -> usize {
    let found =
        |name: &&String| view.find(Kind::Struct, name).or_else(|| view.find(Kind::Func, name)).is_some();
    let count = names.iter().filter(found).count();
    assert_eq!(count, names.len());
    count
}

fn median(mut run: impl FnMut() -> usize) -> Duration {
    let mut times: Vec<_> = (0..31)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn show(what: &str, time: Duration) {
    println!("{what:<28} {:.3} ms", time.as_secs_f64() * 1e3);
}
