//! Carries out bpf(2) commands with real system calls.

mod attach;
mod elem;
mod info;
mod load;

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::load::Inputs;
use crate::base::Errno;
use crate::plan::{Bpf, Command, Failure, Fd, FdById, FdKind, ObjGet, ObjPin, Plan, Reply};
use crate::sys::{self, BtfFd, LinkFd, MapFd, ProgFd, TokenFd};

/// The running kernel: carries out commands, one bpf(2) call each, and owns every descriptor they give.
///
/// Opening a map or program by its id, or an object under a pin, takes a second call: the kernel does not say what it is.
/// The exception is a pin whose descriptor is asked for with [`ObjGetInfoByFd`](crate::plan::ObjGetInfoByFd) next: then that is
/// the second call.
///
/// ```no_run
/// use bpfsmith::base::flags::Access;
/// use bpfsmith::kernel::Kernel;
/// use bpfsmith::plan::{Bpf, Command, Fd, FdById, NextId, ObjGetInfoByFd, Reply};
///
/// let mut kernel = Kernel::new();
/// if let Ok(Reply::Id(Some(id))) = kernel.call(&Command::MapGetNextId(NextId { start: 0 })) {
///     let map = Fd::at(0);
///     let open = FdById { id, access: Access::ReadOnly, token: None, out: map };
///     kernel.call(&Command::MapGetFdById(open)).unwrap();
///     println!("{:?}", kernel.call(&Command::ObjGetInfoByFd(ObjGetInfoByFd { fd: map })));
/// }
/// ```
#[derive(Debug, Default)]
pub struct Kernel {
    /// In the order of their names: plans count upwards, so that what is new is the last.
    open: Vec<(Fd, Open)>,
}

/// An open descriptor.
#[derive(Debug)]
pub(super) enum Open {
    Btf(BtfFd),
    Map(MapFd),
    Program(ProgFd),
    Link(LinkFd),
    Token(TokenFd),
    /// A pin of this kind that was opened and not yet looked at.
    Pinned(OwnedFd, FdKind),
    Other(OwnedFd),
}

impl AsFd for Open {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Btf(fd) => fd.as_fd(),
            Self::Map(fd) => fd.as_fd(),
            Self::Program(fd) => fd.as_fd(),
            Self::Link(fd) => fd.as_fd(),
            Self::Token(fd) => fd.as_fd(),
            Self::Pinned(fd, _) | Self::Other(fd) => fd.as_fd(),
        }
    }
}

impl From<Open> for OwnedFd {
    fn from(open: Open) -> Self {
        match open {
            Open::Btf(fd) => fd.into(),
            Open::Map(fd) => fd.into(),
            Open::Program(fd) => fd.into(),
            Open::Link(fd) => fd.into(),
            Open::Token(fd) => fd.into(),
            Open::Pinned(fd, _) | Open::Other(fd) => fd,
        }
    }
}

impl Kernel {
    /// Without any open descriptor.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives commands a descriptor that came from elsewhere, under a symbolic name: a cgroup's directory, a map.
    pub fn supply(&mut self, fd: Fd, descriptor: impl Into<OwnedFd>) {
        self.insert(fd, Open::Other(descriptor.into()));
    }

    /// Takes a descriptor out, to be owned by the caller.
    pub fn take_fd(&mut self, fd: Fd) -> Option<OwnedFd> {
        self.take(fd).map(OwnedFd::from)
    }

    /// A kernel that already holds what the caller supplies.
    pub(super) fn with_inputs(plan: &Plan, inputs: Inputs) -> Self {
        let mut kernel = Self { open: Vec::with_capacity(plan.fds().len()) };
        if !inputs.is_empty() {
            kernel.supply_maps(plan, inputs);
        }
        kernel
    }

    #[cold]
    fn supply_maps(&mut self, plan: &Plan, inputs: Inputs) {
        let mut maps = inputs.into_maps();
        for (index, info) in (0u32..).zip(plan.fds()).filter(|(_, info)| info.kind == FdKind::Map) {
            if let Some(map) = maps.remove(&*info.name) {
                self.insert(Fd::at(index), Open::Map(map));
            }
        }
    }

    /// Everything that is open, in the order of its names.
    pub(super) fn into_open(self) -> impl Iterator<Item = (Fd, Open)> {
        self.open.into_iter()
    }

    fn take(&mut self, fd: Fd) -> Option<Open> {
        let index = self.find(fd).ok()?;
        Some(self.open.remove(index).1)
    }

    /// Where `fd` is, or belongs.
    fn find(&self, fd: Fd) -> Result<usize, usize> {
        self.open.binary_search_by_key(&fd, |&(name, _)| name)
    }

    fn insert(&mut self, fd: Fd, open: Open) {
        if self.open.last().is_none_or(|&(last, _)| last < fd) {
            return self.open.push((fd, open));
        }
        match self.find(fd) {
            Ok(index) => self.open[index].1 = open,
            Err(index) => self.open.insert(index, (fd, open)),
        }
    }

    fn open(&self, fd: Fd) -> Option<&Open> {
        let index = self.find(fd).ok()?;
        self.open.get(index).map(|(_, open)| open)
    }

    fn get(&self, fd: Fd) -> Result<BorrowedFd<'_>, Errno> {
        self.open(fd).map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    fn get_some(&self, fd: Option<Fd>) -> Result<Option<BorrowedFd<'_>>, Errno> {
        fd.map(|fd| self.get(fd)).transpose()
    }

    fn keep(&mut self, fd: Fd, open: Open) -> Reply {
        self.insert(fd, open);
        Reply::Done
    }

    /// A descriptor that was supplied or pinned, as what it is by now needed to be: asks the kernel once.
    fn map(&mut self, fd: Fd) -> Result<&MapFd, Errno> {
        self.settle(fd, |owned| MapFd::try_from(owned).map(Open::Map))?;
        match self.open(fd) {
            Some(Open::Map(map)) => Ok(map),
            Some(_) => Err(Errno::EINVAL),
            None => Err(Errno::EBADF),
        }
    }

    fn program(&mut self, fd: Fd) -> Result<&ProgFd, Errno> {
        self.settle(fd, |owned| ProgFd::try_from(owned).map(Open::Program))?;
        match self.open(fd) {
            Some(Open::Program(program)) => Ok(program),
            Some(_) => Err(Errno::EINVAL),
            None => Err(Errno::EBADF),
        }
    }

    fn link(&mut self, fd: Fd) -> Result<&LinkFd, Errno> {
        self.settle(fd, |owned| LinkFd::try_from(owned).map(Open::Link))?;
        match self.open(fd) {
            Some(Open::Link(link)) => Ok(link),
            Some(_) => Err(Errno::EINVAL),
            None => Err(Errno::EBADF),
        }
    }

    /// Gives a descriptor its kind, where it has none yet; one that turns out to be of another kind stays as it is.
    fn settle(&mut self, fd: Fd, to: impl FnOnce(OwnedFd) -> Result<Open, Errno>) -> Result<(), Errno> {
        let Some(Open::Pinned(owned, _) | Open::Other(owned)) = self.open(fd) else { return Ok(()) };
        let open =
            to(owned.try_clone().map_err(|error| Errno(error.raw_os_error().unwrap_or(Errno::EMFILE.0)))?)?;
        self.insert(fd, open);
        Ok(())
    }
}

impl Bpf for Kernel {
    fn call(&mut self, command: &Command) -> Result<Reply, Failure> {
        match command {
            Command::MapCreate(command) => Ok(self.map_create(command)?),
            Command::MapLookupElem(command) => Ok(self.lookup(command, sys::map::lookup)?),
            Command::MapLookupAndDeleteElem(command) => {
                Ok(self.lookup(command, sys::map::lookup_and_delete)?)
            }
            Command::MapUpdateElem(command) => Ok(self.update(command)?),
            Command::MapDeleteElem(command) => done(sys::map::delete(self.map(command.map)?, &command.key)),
            Command::MapGetNextKey(command) => Ok(self.next_key(command)?),
            Command::MapLookupBatch(command) => self.lookup_batch(command, sys::map::lookup_batch),
            Command::MapLookupAndDeleteBatch(command) => {
                self.lookup_batch(command, sys::map::lookup_and_delete_batch)
            }
            Command::MapUpdateBatch(command) => self.update_batch(command),
            Command::MapDeleteBatch(command) => self.delete_batch(command),
            Command::MapFreeze(command) => done(sys::map::freeze(self.get(command.map)?)),
            Command::BtfLoad(command) => self.btf_load(command),
            Command::ProgLoad(command) => self.prog_load(command),
            Command::ProgTestRun(command) => Ok(self.test_run(command)?),
            Command::ProgBindMap(command) => {
                done(sys::prog::bind_map(self.get(command.program)?, self.get(command.map)?))
            }
            Command::ProgStreamReadByFd(command) => Ok(self.read_stream(command)?),
            Command::ProgAttach(command) => done(sys::prog::attach(&self.attach(command)?)),
            Command::ProgDetach(command) => done(sys::prog::detach(&self.attach(command)?)),
            Command::ProgQuery(command) => Ok(self.query(command)?),
            Command::LinkCreate(command) => Ok(self.link_create(command)?),
            Command::LinkUpdate(command) => Ok(self.link_update(command)?),
            Command::LinkDetach(command) => done(sys::link::detach(self.link(command.link)?)),
            Command::RawTracepointOpen(command) => Ok(self.raw_tracepoint(command)?),
            Command::IterCreate(command) => {
                let file = sys::iter::create(self.get(command.link)?)?;
                Ok(self.keep(command.out, Open::Other(file)))
            }
            Command::ObjPin(command) => Ok(self.pin(command)?),
            Command::ObjGet(command) => Ok(self.open_pin(command)?),
            Command::ObjGetInfoByFd(command) => Ok(self.info(command.fd)?),
            Command::ProgGetNextId(command) => Ok(next(sys::ids::Kind::Program, command.start)?),
            Command::MapGetNextId(command) => Ok(next(sys::ids::Kind::Map, command.start)?),
            Command::BtfGetNextId(command) => Ok(next(sys::ids::Kind::Btf, command.start)?),
            Command::LinkGetNextId(command) => Ok(next(sys::ids::Kind::Link, command.start)?),
            Command::ProgGetFdById(FdById { id, out, .. }) => {
                Ok(self.keep(*out, Open::Program(sys::ids::prog_fd(*id)?)))
            }
            Command::MapGetFdById(FdById { id, access, out, .. }) => {
                Ok(self.keep(*out, Open::Map(sys::ids::map_fd_with(*id, *access)?)))
            }
            Command::BtfGetFdById(FdById { id, token, out, .. }) => {
                let btf = sys::ids::btf_fd(*id, self.get_some(*token)?)?;
                Ok(self.keep(*out, Open::Btf(btf)))
            }
            Command::LinkGetFdById(FdById { id, out, .. }) => {
                Ok(self.keep(*out, Open::Link(sys::ids::link_fd(*id)?)))
            }
            Command::EnableStats(command) => Ok(self.keep(command.out, Open::Other(sys::stats::enable()?))),
            Command::TokenCreate(command) => {
                let token = sys::token::create(self.get(command.bpffs)?)?;
                Ok(self.keep(command.out, Open::Token(token)))
            }
            Command::TaskFdQuery(command) => Ok(info::task_fd(command)?),
        }
    }

    fn close(&mut self, fd: Fd) {
        drop(self.take(fd));
    }

    /// Only pins with a path of their own: those that start from a descriptor stay.
    fn unpin(&mut self, pin: &ObjPin) {
        if pin.at.is_none() {
            // The load has failed already: that is the error to report.
            let _ = super::pin::unpin(Path::new(&pin.path));
        }
    }
}

fn done(result: Result<(), Errno>) -> Result<Reply, Failure> {
    Ok(result.map(|()| Reply::Done)?)
}

fn next(kind: sys::ids::Kind, start: u32) -> Result<Reply, Errno> {
    sys::ids::next(kind, start).map(Reply::Id)
}

fn c_string(text: &str) -> Result<CString, Errno> {
    CString::new(text).map_err(|_| Errno::EINVAL)
}

impl Kernel {
    fn pin(&self, command: &ObjPin) -> Result<Reply, Errno> {
        let path = c_string(&command.path)?;
        let at = self.get_some(command.at)?;
        sys::pin::pin(self.get(command.fd)?, sys::pin::Path { at, path: &path })?;
        Ok(Reply::Done)
    }

    fn open_pin(&mut self, command: &ObjGet) -> Result<Reply, Errno> {
        let path = c_string(&command.path)?;
        let at = self.get_some(command.at)?;
        let fd = sys::pin::get_with(sys::pin::Path { at, path: &path }, command.access)?;
        Ok(self.keep(command.out, Open::Pinned(fd, command.kind)))
    }
}
