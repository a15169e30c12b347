//! The same program from an ELF file that clang made of `peer.bpf.c`.

use std::path::PathBuf;
use std::time::Duration;

use aya::programs::SocketFilter;
use aya::{Ebpf, EbpfLoader};

use super::first::timed;
use crate::rounds::{Contender, Role};
use crate::{Outcome, told};

type First = fn() -> Outcome<Duration>;

/// The peers that are measured in a process of their own.
pub const FIRST: &[(&str, First)] = &[
    (AYA, || {
        let (mut loader, elf) = (aya_loader(), elf()?);
        timed(|| aya(&mut loader, &elf))
    }),
    #[cfg(feature = "libbpf")]
    (LIBBPF, || {
        let elf = elf()?;
        timed(|| libbpf(&elf))
    }),
];

const AYA: &str = "aya, parse and load an ELF file";
const LIBBPF: &str = "libbpf-rs, parse and load an ELF file";

pub fn contenders() -> Vec<Contender<'static>> {
    let elf = match elf() {
        Ok(elf) => elf,
        Err(why) => return vec![Contender::missing(AYA, &why), Contender::missing(LIBBPF, &why)],
    };
    let for_libbpf = elf.clone();
    let mut loader = aya_loader();
    vec![super::loads(AYA, Role::Peer, move || aya(&mut loader, &elf)), with_libbpf(for_libbpf)]
}

/// `benches/run` says where the object is.
fn elf() -> Outcome<Vec<u8>> {
    let path = std::env::var_os("BPFSMITH_PEER_OBJECT").map(PathBuf::from);
    std::fs::read(path.ok_or("needs clang-19")?).map_err(told)
}

/// Made before anything is measured: it reads all of the kernel's BTF, which this program does not need.
fn aya_loader() -> EbpfLoader<'static> {
    let mut loader = EbpfLoader::new();
    loader.btf(None);
    loader
}

fn aya(loader: &mut EbpfLoader<'_>, elf: &[u8]) -> Outcome<Ebpf> {
    let mut loaded = loader.load(elf).map_err(told)?;
    let program: &mut SocketFilter =
        loaded.program_mut("count").ok_or("there is no program")?.try_into().map_err(told)?;
    program.load().map_err(told)?;
    Ok(loaded)
}

#[cfg(feature = "libbpf")]
fn with_libbpf(elf: Vec<u8>) -> Contender<'static> {
    super::loads(LIBBPF, Role::Peer, move || libbpf(&elf))
}

#[cfg(feature = "libbpf")]
fn libbpf(elf: &[u8]) -> Outcome<libbpf_rs::Object> {
    let open = libbpf_rs::ObjectBuilder::default().open_memory(elf).map_err(told)?;
    open.load().map_err(told)
}

#[cfg(not(feature = "libbpf"))]
fn with_libbpf(_elf: Vec<u8>) -> Contender<'static> {
    Contender::missing(LIBBPF, crate::rounds::NO_LIBBPF)
}
