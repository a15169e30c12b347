//! The BTF of the running kernel: to index it, to look names up in it, and what memory that takes.

mod names;

use std::ops::Deref;
use std::time::{Duration, Instant};

use bpfsmith::btf::View;
use bpfsmith::sys::host;

use crate::raw::Mapping;
use crate::rounds::{Contender, Role, table};
use crate::{Outcome, memory, told};
use names::Name;

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

pub fn tables() {
    let names = match read().and_then(|bytes| names::pick(&bytes)) {
        Ok(names) => names,
        Err(why) => return println!("\n**vmlinux BTF**: {why}"),
    };
    table("vmlinux BTF: index it, by mmap", 1, by_mmap());
    table("vmlinux BTF: index it, by read", 1, by_read());
    table("vmlinux BTF: index it and look 1,000 names up", 1, looked_up(&names));
    table("vmlinux BTF: every type", 1, every_type());
    memory_table(&names);
}

fn by_mmap() -> Vec<Contender<'static>> {
    vec![
        Contender::timed("mmap and one pass", Role::Limit, || timed(mapped, |bytes| Ok(one_pass(bytes)))),
        Contender::timed("bpfsmith", Role::Ours, || timed(ours_mapped, index)),
        Contender::new("btf-rs", Role::Peer, || btf_rs(btf_rs::Backend::Mmap)),
        libbpf::index(),
    ]
}

fn by_read() -> Vec<Contender<'static>> {
    vec![
        Contender::timed("read and one pass", Role::Limit, || timed(read, |bytes| Ok(one_pass(bytes)))),
        Contender::timed("bpfsmith", Role::Ours, || timed(read, index)),
        Contender::new("btf-rs", Role::Peer, || btf_rs(btf_rs::Backend::Cache)),
        Contender::new("aya-obj", Role::Peer, || aya_obj::btf::Btf::from_sys_fs().map_err(told)),
    ]
}

fn looked_up(names: &[Name]) -> Vec<Contender<'_>> {
    vec![
        Contender::timed("bpfsmith", Role::Ours, || timed(ours_mapped, |bytes| ours_look_up(bytes, names))),
        Contender::timed("bpfsmith, the look-ups alone", Role::Peer, || look_ups_more(names)),
        Contender::new("btf-rs by mmap", Role::Peer, || btf_rs_look_up(btf_rs::Backend::Mmap, names)),
        Contender::new("btf-rs by read", Role::Peer, || btf_rs_look_up(btf_rs::Backend::Cache, names)),
        Contender::new("aya-obj", Role::Peer, || {
            let btf = aya_obj::btf::Btf::from_sys_fs().map_err(told)?;
            all(names, |name| btf.id_by_type_name_kind(&name.text, name.aya()).is_ok())?;
            Ok(btf)
        }),
        libbpf::look_up(names),
    ]
}

fn every_type() -> Vec<Contender<'static>> {
    let decode = |bytes: &[u8]| {
        let view = View::new(bytes).map_err(told)?;
        view.ids().try_for_each(|id| view.get(id).map(drop).map_err(told))
    };
    let check = |bytes: &[u8]| View::new(bytes).map_err(told)?.check().map_err(told);
    vec![
        Contender::timed("bpfsmith, decoded", Role::Ours, move || timed(ours_mapped, decode)),
        Contender::timed("bpfsmith, checked as the kernel does", Role::Peer, move || {
            timed(ours_mapped, check)
        }),
    ]
}

/// The time of getting the bytes and working on them, without that of giving them back.
fn timed<B: Deref<Target = [u8]>, T>(
    get: impl FnOnce() -> Outcome<B>,
    work: impl FnOnce(&[u8]) -> Outcome<T>,
) -> Outcome<Duration> {
    let start = Instant::now();
    let bytes = get()?;
    let result = work(&bytes);
    let time = start.elapsed();
    std::hint::black_box(result).map(|_| time)
}

fn read() -> Outcome<Vec<u8>> {
    std::fs::read(VMLINUX).map_err(told)
}

fn mapped() -> Outcome<Mapping> {
    Mapping::of(VMLINUX).map_err(told)
}

fn ours_mapped() -> Outcome<host::KernelBtf> {
    host::vmlinux_btf().map_err(told)
}

fn index(bytes: &[u8]) -> Outcome<usize> {
    View::new(bytes).map(|view| view.len()).map_err(told)
}

fn ours_look_up(bytes: &[u8], names: &[Name]) -> Outcome<()> {
    let view = View::new(bytes).map_err(told)?;
    all(names, |name| view.find(name.kind, &name.text).is_some())
}

/// A thousand look-ups when the index of names is there.
fn look_ups_more(names: &[Name]) -> Outcome<Duration> {
    let bytes = ours_mapped()?;
    let view = View::new(&bytes).map_err(told)?;
    std::hint::black_box(view.find(names[0].kind, &names[0].text));
    let start = Instant::now();
    all(names, |name| view.find(name.kind, &name.text).is_some())?;
    Ok(start.elapsed())
}

fn btf_rs(backend: btf_rs::Backend) -> Outcome<btf_rs::Btf> {
    btf_rs::Btf::from_file_with_backend(VMLINUX, backend).map_err(told)
}

fn btf_rs_look_up(backend: btf_rs::Backend, names: &[Name]) -> Outcome<btf_rs::Btf> {
    let btf = btf_rs(backend)?;
    all(names, |name| btf.resolve_ids_by_name(&name.text).is_ok())?;
    Ok(btf)
}

fn all(names: &[Name], mut found: impl FnMut(&Name) -> bool) -> Outcome<()> {
    names.iter().find(|name| !found(name)).map_or(Ok(()), |name| Err(format!("{} is not found", name.text)))
}

/// Walks from type to type: what nobody who looks at all of them can avoid.
fn one_pass(bytes: &[u8]) -> usize {
    let word = |at: usize| {
        bytes.get(at..at + 4).map_or(0, |word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    };
    let start = word(4) as usize + word(8) as usize;
    let (mut at, end) = (start, start + word(12) as usize);
    let mut types = 0;
    while at < end {
        let info = word(at + 4);
        at += 12 + more(info >> 24 & 0x1f, (info & 0xffff) as usize);
        types += 1;
    }
    types
}

/// The bytes behind the head of a type of this kind.
fn more(kind: u32, entries: usize) -> usize {
    match kind {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * entries,
        6 | 13 => 8 * entries,
        _ => 0,
    }
}

/// What Rust's allocator is asked for; mappings are the kernel's memory, and C's allocator is not counted.
fn memory_table(names: &[Name]) {
    println!("\n**vmlinux BTF: memory of the process's own**\n\n| | most at a time |\n|---|---:|");
    let row = |what: &str, (_, most): (isize, isize)| println!("| {what} | {:.2} MB |", most as f64 / 1e6);
    let look_up = |bytes: &[u8]| ours_look_up(bytes, names);
    row("bpfsmith by mmap, index", memory::of(|| timed(ours_mapped, index)));
    row("bpfsmith by mmap, index and names", memory::of(|| timed(ours_mapped, look_up)));
    row("bpfsmith by read, index and names", memory::of(|| timed(read, look_up)));
    row("btf-rs by mmap", memory::of(|| btf_rs(btf_rs::Backend::Mmap)));
    row("btf-rs by read", memory::of(|| btf_rs(btf_rs::Backend::Cache)));
    row("aya-obj", memory::of(aya_obj::btf::Btf::from_sys_fs));
}

#[cfg(feature = "libbpf")]
mod libbpf {
    use libbpf_rs::btf::{Btf, BtfType};

    use super::{Name, VMLINUX, all};
    use crate::rounds::{Contender, Role};
    use crate::told;

    pub fn index() -> Contender<'static> {
        Contender::new("libbpf", Role::Peer, || Btf::from_path(VMLINUX).map_err(told))
    }

    pub fn look_up(names: &[Name]) -> Contender<'_> {
        Contender::new("libbpf", Role::Peer, || {
            let btf = Btf::from_path(VMLINUX).map_err(told)?;
            all(names, |name| btf.type_by_name::<BtfType<'_>>(&name.text).is_some())?;
            Ok(btf)
        })
    }
}

#[cfg(not(feature = "libbpf"))]
mod libbpf {
    use super::Name;
    use crate::rounds::{Contender, NO_LIBBPF};

    pub fn index() -> Contender<'static> {
        Contender::missing("libbpf", NO_LIBBPF)
    }

    pub fn look_up(_names: &[Name]) -> Contender<'_> {
        index()
    }
}
