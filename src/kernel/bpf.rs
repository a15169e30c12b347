//! Carries out the commands of a plan with real system calls.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::load::Inputs;
use crate::base::{Endian, Errno};
use crate::plan::{
    Bpf, BtfLoad, Command, ElemValue, Failure, Fd, LinkCreate, Log, MapCreate, MapShape, MapUpdateElem, Plan,
    ProgBtf, ProgLoad, Reply,
};
use crate::sys::abi::{ElemFlags, LogLevel};
use crate::sys::{self, BtfFd, LinkFd, MapFd, ProgFd};

/// The running kernel as something a plan can be executed on: owns every descriptor the plan makes.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    open: BTreeMap<Fd, Open>,
    pins: Vec<PathBuf>,
}

/// An open descriptor of a plan.
#[derive(Debug)]
pub(super) enum Open {
    Btf(BtfFd),
    Map(MapFd),
    Program(ProgFd),
    Link(LinkFd),
    Other(OwnedFd),
}

impl AsFd for Open {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Btf(fd) => fd.as_fd(),
            Self::Map(fd) => fd.as_fd(),
            Self::Program(fd) => fd.as_fd(),
            Self::Link(fd) => fd.as_fd(),
            Self::Other(fd) => fd.as_fd(),
        }
    }
}

impl Kernel {
    /// A kernel that already holds what the caller supplies.
    pub(super) fn with_inputs(plan: &Plan, inputs: Inputs) -> Self {
        let mut kernel = Self::default();
        let mut maps = inputs.into_maps();
        for (index, info) in (0u32..).zip(plan.fds()) {
            if let Some(map) = maps.remove(&info.name).filter(|_| info.kind == crate::plan::FdKind::Map) {
                kernel.open.insert(Fd::at(index), Open::Map(map));
            }
        }
        kernel
    }

    pub(super) fn take(&mut self, fd: Fd) -> Option<Open> {
        self.open.remove(&fd)
    }

    /// Removes the pins that were made. Who made one can remove it, or somebody else has.
    pub(super) fn unpin(&mut self) {
        for path in self.pins.drain(..) {
            let _ = super::pin::unpin(path);
        }
    }

    fn get(&self, fd: Fd) -> Result<BorrowedFd<'_>, Failure> {
        self.open.get(&fd).map(AsFd::as_fd).ok_or(Failure::of(Errno::EBADF))
    }

    fn map(&self, fd: Fd) -> Result<&MapFd, Failure> {
        match self.open.get(&fd) {
            Some(Open::Map(map)) => Ok(map),
            _ => Err(Failure::of(Errno::EBADF)),
        }
    }

    fn keep(&mut self, fd: Fd, open: Open) -> Result<Reply, Failure> {
        self.open.insert(fd, open);
        Ok(Reply::Done)
    }
}

impl Bpf for Kernel {
    fn call(&mut self, command: &Command) -> Result<Reply, Failure> {
        match command {
            Command::MapCreate(command) => self.map_create(command),
            Command::MapUpdateElem(command) => self.map_update(command),
            Command::ProgLoad(command) => self.prog_load(command),
            Command::BtfLoad(command) => self.btf_load(command),
            Command::LinkCreate(command) => self.link_create(command),
            Command::ObjPin(command) => {
                let path = Path::new(&command.path);
                let pinned = done(super::pin::pin(self.get(command.fd)?, path))?;
                self.pins.push(path.to_owned());
                Ok(pinned)
            }
            Command::ObjGet(command) => {
                let map = super::pin::get_map(Path::new(&command.path)).map_err(Failure::of)?;
                self.keep(command.out, Open::Map(map))
            }
            Command::ObjGetInfoByFd(command) => {
                let shape = sys::info::map(self.map(command.fd)?).map_err(Failure::of)?;
                Ok(Reply::Map(MapShape {
                    kind: shape.map_type,
                    key_size: shape.key_size,
                    value_size: shape.value_size,
                    max_entries: shape.max_entries,
                    flags: shape.map_flags,
                }))
            }
            Command::MapFreeze(command) => done(sys::map::freeze(self.get(command.map)?)),
            Command::ProgBindMap(command) => {
                done(sys::prog::bind_map(self.get(command.program)?, self.get(command.map)?))
            }
        }
    }

    fn close(&mut self, fd: Fd) {
        self.open.remove(&fd);
    }
}

fn done(result: Result<(), Errno>) -> Result<Reply, Failure> {
    result.map(|()| Reply::Done).map_err(Failure::of)
}

impl Kernel {
    fn map_create(&mut self, command: &MapCreate) -> Result<Reply, Failure> {
        let types = match command.btf {
            Some(btf) => Some(sys::map::Types { btf: self.get(btf.btf)?, key: btf.key, value: btf.value }),
            None => None,
        };
        let inner = command.inner.map(|inner| self.get(inner)).transpose()?;
        let create = sys::map::Create {
            map_type: command.kind.0,
            key_size: command.key_size,
            value_size: command.value_size,
            max_entries: command.max_entries,
            flags: command.flags.bits(),
            name: command.name.as_bytes(),
            inner,
            numa_node: command.flags.contains(crate::map::MapFlags::NUMA_NODE).then_some(command.numa_node),
            btf: types,
            extra: command.extra,
            ..Default::default()
        };
        let map = sys::map::create(&create).map_err(Failure::of)?;
        self.keep(command.out, Open::Map(map))
    }

    fn map_update(&self, command: &MapUpdateElem) -> Result<Reply, Failure> {
        let map = self.map(command.map)?;
        let flags = ElemFlags::from_bits_retain(command.flags);
        let bytes = match &command.value {
            ElemValue::Bytes(bytes) => self.spread(map, bytes),
            ElemValue::Fd(fd) => self.get(*fd)?.as_raw_fd().to_ne_bytes().to_vec(),
        };
        done(sys::map::update(map, &command.key, &bytes, flags))
    }

    /// An initial value of a per-CPU map is every CPU's.
    fn spread(&self, map: &MapFd, bytes: &[u8]) -> Vec<u8> {
        let shape = map.shape();
        if shape.value_len() == bytes.len() {
            return bytes.to_vec();
        }
        let mut one = bytes.to_vec();
        one.resize(shape.stride(), 0);
        one.repeat(shape.value_len().checked_div(shape.stride()).unwrap_or(1))
    }

    fn btf_load(&mut self, command: &BtfLoad) -> Result<Reply, Failure> {
        let mut buffer = vec![0; command.log.size as usize];
        let mut log = log_of(command.log, &mut buffer);
        match sys::btf::load(&command.bytes, None, &mut log) {
            Ok(btf) => self.keep(command.out, Open::Btf(btf)),
            Err(errno) => Err(failure(errno, &log)),
        }
    }

    fn prog_load(&mut self, command: &ProgLoad) -> Result<Reply, Failure> {
        let insns = self.with_descriptors(command)?;
        let license = CString::new(command.license.as_str()).map_err(|_| Failure::of(Errno::EINVAL))?;
        let fd_array = command.fd_array.iter().map(|&fd| self.get(fd)).collect::<Result<Vec<_>, _>>()?;
        let btf = match &command.btf {
            Some(ProgBtf { btf, func_info, line_info, core_relos }) => {
                Some(sys::prog::Btf { btf: self.get(*btf)?, func_info, line_info, core_relos })
            }
            None => None,
        };
        let load = sys::prog::Load {
            prog_type: command.prog_type.0,
            insns: &insns,
            license: &license,
            flags: command.flags.bits(),
            name: command.name.as_bytes(),
            expected_attach_type: command.expected_attach_type.map_or(0, |attach| attach.0),
            btf,
            attach_btf_id: command.attach_btf_id,
            fd_array: &fd_array,
            ..Default::default()
        };
        let mut buffer = vec![0; command.log.size as usize];
        let mut log = log_of(command.log, &mut buffer);
        match sys::prog::load(&load, &mut log) {
            Ok(program) => self.keep(command.out, Open::Program(program)),
            Err(errno) => Err(failure(errno, &log)),
        }
    }

    /// The instructions with the numbers of descriptors in their immediates, where fd_array is not used.
    fn with_descriptors<'a>(&self, command: &'a ProgLoad) -> Result<std::borrow::Cow<'a, [u8]>, Failure> {
        if command.fd_slots.is_empty() {
            return Ok((&command.insns).into());
        }
        let mut insns = command.insns.clone();
        for &(slot, fd) in &command.fd_slots {
            let number = self.get(fd)?.as_raw_fd();
            let start = slot as usize * 8;
            if let Some(bytes) = insns.get_mut(start..start + 8).and_then(|bytes| bytes.try_into().ok()) {
                let bytes: &mut [u8; 8] = bytes;
                *bytes = crate::asm::Slot::from_bytes(*bytes, Endian::NATIVE)
                    .with_imm(number)
                    .to_bytes(Endian::NATIVE);
            }
        }
        Ok(insns.into())
    }

    fn link_create(&mut self, command: &LinkCreate) -> Result<Reply, Failure> {
        let (program, target) = (self.get(command.program)?, self.get(command.target)?);
        let create = sys::link::Create {
            object: program,
            target: sys::prog::Target::Fd(target),
            attach_type: command.attach_type.0,
            flags: command.flags,
            options: sys::link::Options::None,
        };
        let link = sys::link::create(&create).map_err(Failure::of)?;
        self.keep(command.out, Open::Link(link))
    }
}

fn log_of(log: Log, buffer: &mut [u8]) -> sys::Log<'_> {
    if log.level == 0 {
        sys::Log::none()
    } else {
        sys::Log::new(LogLevel::from_bits_retain(log.level), buffer)
    }
}

fn failure(errno: Errno, log: &sys::Log<'_>) -> Failure {
    Failure { errno, log: log.text().to_vec(), log_true_size: log.true_size }
}
