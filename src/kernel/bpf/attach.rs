//! Attaching programs, with links and without.

use std::ffi::CString;

use super::{Kernel, Open, c_string};
use crate::base::Errno;
use crate::plan::{
    AttachTo, Functions, IterTarget, LinkCreate, LinkOptions, LinkUpdate, Place, ProgAttach,
    RawTracepointOpen, Relative, Reply,
};
use crate::sys::link::{self, Options};
use crate::sys::prog;

/// Strings and lists of them as C wants them, alive for one call.
struct Strings {
    owned: Vec<CString>,
}

impl Strings {
    fn of(options: &LinkOptions) -> Result<Self, Errno> {
        let owned = match options {
            LinkOptions::KprobeMulti { functions: Functions::Names(names), .. } => {
                names.iter().map(|name| c_string(name)).collect::<Result<_, _>>()?
            }
            LinkOptions::UprobeMulti { path, .. } => vec![c_string(path)?],
            _ => Vec::new(),
        };
        Ok(Self { owned })
    }
}

impl Kernel {
    pub(super) fn attach(&self, command: &ProgAttach) -> Result<prog::Attach<'_>, Errno> {
        Ok(prog::Attach {
            target: self.target(command.target)?,
            program: self.get_some(command.program)?,
            attach_type: command.attach_type.0,
            flags: command.flags,
            replace: self.get_some(command.replace)?,
            relative: self.relative(command.relative)?,
            expected_revision: command.expected_revision,
        })
    }

    pub(super) fn target(&self, target: AttachTo) -> Result<prog::Target<'_>, Errno> {
        Ok(match target {
            AttachTo::Fd(fd) => prog::Target::Fd(self.get(fd)?),
            AttachTo::Ifindex(index) => prog::Target::Ifindex(index),
            AttachTo::None => prog::Target::None,
        })
    }

    fn relative(&self, relative: Option<Relative>) -> Result<Option<prog::Relative<'_>>, Errno> {
        Ok(match relative {
            None => None,
            Some(Relative::Program(fd)) => Some(prog::Relative::Program(self.get(fd)?)),
            Some(Relative::Link(fd)) => Some(prog::Relative::Link(self.get(fd)?)),
            Some(Relative::ProgramId(id)) => Some(prog::Relative::ProgramId(id)),
            Some(Relative::LinkId(id)) => Some(prog::Relative::LinkId(id)),
        })
    }

    pub(super) fn link_create(&mut self, command: &LinkCreate) -> Result<Reply, Errno> {
        let strings = Strings::of(&command.options)?;
        let names: Vec<_> = strings.owned.iter().map(CString::as_c_str).collect();
        let create = link::Create {
            object: self.get(command.object)?,
            target: self.target(command.target)?,
            attach_type: command.attach_type.0,
            flags: command.flags,
            options: self.options(&command.options, &names)?,
        };
        let link = link::create(&create)?;
        Ok(self.keep(command.out, Open::Link(link)))
    }

    fn options<'a>(
        &'a self,
        options: &'a LinkOptions,
        names: &'a [&'a std::ffi::CStr],
    ) -> Result<Options<'a>, Errno> {
        Ok(match options {
            LinkOptions::None => Options::None,
            &LinkOptions::Tracing { btf_id, cookie } => Options::Tracing { btf_id, cookie },
            LinkOptions::Iter(target) => Options::Iter(self.iter_target(*target)?),
            &LinkOptions::PerfEvent { cookie } => Options::PerfEvent { cookie },
            LinkOptions::KprobeMulti { functions, cookies, flags } => Options::KprobeMulti {
                functions: match functions {
                    Functions::Names(_) => link::Functions::Names(names),
                    Functions::Addresses(addresses) => link::Functions::Addresses(addresses),
                },
                cookies,
                flags: *flags,
            },
            &LinkOptions::Netfilter { family, hook, priority, flags } => {
                Options::Netfilter { family, hook, priority, flags }
            }
            LinkOptions::Tcx(place) => Options::Tcx(self.place(*place)?),
            LinkOptions::UprobeMulti { offsets, ref_ctr_offsets, cookies, flags, pid, .. } => {
                let path = names.first().copied().ok_or(Errno::EINVAL)?;
                Options::UprobeMulti { path, offsets, ref_ctr_offsets, cookies, flags: *flags, pid: *pid }
            }
            LinkOptions::Netkit(place) => Options::Netkit(self.place(*place)?),
            LinkOptions::Cgroup(place) => Options::Cgroup(self.place(*place)?),
        })
    }

    fn place(&self, place: Place) -> Result<link::Place<'_>, Errno> {
        let relative = self.relative(place.relative)?;
        Ok(link::Place { relative, expected_revision: place.expected_revision })
    }

    fn iter_target(&self, target: IterTarget) -> Result<link::IterTarget<'_>, Errno> {
        Ok(match target {
            IterTarget::Map(map) => link::IterTarget::Map(self.get(map)?),
            IterTarget::Cgroup { order, cgroup, cgroup_id } => {
                link::IterTarget::Cgroup { order, cgroup: self.get_some(cgroup)?, cgroup_id }
            }
            IterTarget::Task { tid, pid, pid_fd } => {
                link::IterTarget::Task { tid, pid, pid_fd: self.get_some(pid_fd)? }
            }
        })
    }

    pub(super) fn link_update(&mut self, command: &LinkUpdate) -> Result<Reply, Errno> {
        self.link(command.link)?;
        let Some(Open::Link(updated)) = self.open(command.link) else { return Err(Errno::EBADF) };
        link::update(updated, self.get(command.new)?, self.get_some(command.old)?)?;
        Ok(Reply::Done)
    }

    pub(super) fn raw_tracepoint(&mut self, command: &RawTracepointOpen) -> Result<Reply, Errno> {
        let name = c_string(&command.name)?;
        let name = (!command.name.is_empty()).then_some(name.as_c_str());
        let link = link::open_raw_tracepoint(self.get(command.program)?, name, command.cookie)?;
        Ok(self.keep(command.out, Open::Link(link)))
    }
}
