//! What the kernel tells of objects, places and other processes.

use super::{Kernel, Open};
use crate::base::Errno;
use crate::plan::{
    Attached, AttachedProgram, BtfInfo, Fd, FdKind, Info, LinkInfo, MapInfo, MapShape, ProgQuery,
    ProgramInfo, Reply, TaskFd, TaskFdQuery, TokenInfo,
};
use crate::sys::{self, MapFd, abi};

impl Kernel {
    pub(super) fn info(&mut self, fd: Fd) -> Result<Reply, Errno> {
        if let Some(Open::Pinned(_, FdKind::Map) | Open::Other(_)) = self.open.get(&fd) {
            return self.identify(fd);
        }
        if matches!(self.open.get(&fd), Some(Open::Pinned(_, FdKind::Program))) {
            self.program(fd)?;
        } else if matches!(self.open.get(&fd), Some(Open::Pinned(_, FdKind::Link))) {
            self.link(fd)?;
        }
        let info = match self.open.get(&fd).ok_or(Errno::EBADF)? {
            Open::Map(map) => Info::Map(map_info(&sys::info::map(map)?)),
            Open::Program(program) => Info::Program(program_info(&sys::info::program(program)?)),
            Open::Btf(btf) => {
                let summary = sys::info::btf(btf, &mut [], &mut [])?;
                Info::Btf(BtfInfo { id: summary.id, size: summary.size, of_kernel: summary.of_kernel })
            }
            Open::Link(link) => {
                let sys::info::LinkInfo { link_type, id, prog_id, .. } = sys::info::link(link)?;
                Info::Link(LinkInfo { link_type: link_type.0, id, prog_id })
            }
            Open::Token(token) => Info::Token(token_info(&sys::info::token(token)?)),
            Open::Pinned(..) | Open::Other(_) => return Err(Errno::EINVAL),
        };
        Ok(Reply::Info(info))
    }

    /// A map that is not known to be one yet: the one call tells both.
    fn identify(&mut self, fd: Fd) -> Result<Reply, Errno> {
        let Some(Open::Pinned(owned, _) | Open::Other(owned)) = self.open.get(&fd) else {
            return Err(Errno::EBADF);
        };
        let owned =
            owned.try_clone().map_err(|error| Errno(error.raw_os_error().unwrap_or(Errno::EMFILE.0)))?;
        let (map, info) = MapFd::identify(owned)?;
        self.open.insert(fd, Open::Map(map));
        Ok(Reply::Info(Info::Map(map_info(&info))))
    }

    pub(super) fn query(&self, command: &ProgQuery) -> Result<Reply, Errno> {
        let room = command.room as usize;
        let detail_room = if command.details { room } else { 0 };
        let mut programs = vec![0; room];
        let [mut flags, mut links, mut link_flags] = [(); 3].map(|()| vec![0; detail_room]);
        let answer = sys::query::attached(&mut sys::query::Attached {
            target: self.target(command.target)?,
            attach_type: command.attach_type.0,
            flags: command.flags,
            programs: &mut programs,
            program_flags: &mut flags,
            links: &mut links,
            link_flags: &mut link_flags,
        })?;
        let detail = |list: &[u32], index: usize| list.get(index).copied().unwrap_or(0);
        let attached = programs.iter().take(answer.count as usize).enumerate();
        let programs = attached.map(|(index, &id)| AttachedProgram {
            id,
            flags: detail(&flags, index),
            link: detail(&links, index),
            link_flags: detail(&link_flags, index),
        });
        Ok(Reply::Attached(Attached {
            count: answer.count,
            flags: answer.flags,
            revision: answer.revision,
            programs: programs.collect(),
        }))
    }
}

pub(super) fn task_fd(command: &TaskFdQuery) -> Result<Reply, Errno> {
    let mut name = vec![0; command.room as usize];
    let told = sys::query::task_fd(command.pid, command.fd, &mut name)?;
    Ok(Reply::TaskFd(TaskFd {
        prog_id: told.prog_id,
        fd_type: told.fd_type,
        name: until_nul(&name),
        probe_offset: told.probe_offset,
        probe_addr: told.probe_addr,
    }))
}

fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
}

fn map_info(info: &abi::MapInfo) -> MapInfo {
    let shape = MapShape {
        kind: info.map_type,
        key_size: info.key_size,
        value_size: info.value_size,
        max_entries: info.max_entries,
        flags: info.map_flags,
    };
    MapInfo { id: info.id, name: until_nul(&info.name), shape }
}

fn program_info(info: &abi::ProgInfo) -> ProgramInfo {
    ProgramInfo {
        prog_type: info.prog_type,
        id: info.id,
        tag: info.tag,
        name: until_nul(&info.name),
        btf_id: info.btf_id,
        verified_insns: info.verified_insns,
    }
}

fn token_info(info: &abi::TokenInfo) -> TokenInfo {
    TokenInfo {
        commands: info.allowed_cmds,
        maps: info.allowed_maps,
        programs: info.allowed_progs,
        attach_types: info.allowed_attachs,
    }
}
