//! The link that attaches a program to a cgroup.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use super::attached::{self, Links};
use super::kind::Sealed;
use super::{Attached, Detach, Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, Place, Update};
use crate::base::Errno;
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::{Create, Options};
use crate::sys::prog::Target;

/// The kind of [`CgroupLink`].
#[derive(Clone, Copy, Debug)]
pub enum Cgroup {}

/// A program attached to a cgroup and all below it (`BPF_LINK_CREATE`, since 5.7). Dropping the link, or closing its last
/// pin, detaches the program.
#[doc(alias = "bpf_cgroup_link")]
#[doc(alias = "BPF_LINK_TYPE_CGROUP")]
pub type CgroupLink = Link<Cgroup>;

/// What the kernel knows of a cgroup link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CgroupLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The id of the cgroup: its inode number; 0 once it is gone.
    pub cgroup_id: u64,
    /// Where in the cgroup the program runs.
    pub attach_type: AttachType,
}

impl CgroupLink {
    /// Attaches `program` at `attach_type` to the cgroup whose directory is `cgroup`, in a cgroup2 file system, after
    /// the programs that are there.
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL where program and attach type do not match, EPERM where an ancestor forbids it,
    /// EBADF where the directory is no cgroup.
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach(
        program: &Program,
        cgroup: impl AsRef<Path>,
        attach_type: AttachType,
    ) -> Result<Self, LinkError> {
        let directory = open(cgroup.as_ref())?;
        let target = Target::Fd(directory.as_fd());
        Self::create(program, &Create::new(program.as_fd(), target, attach_type.0))
    }

    /// [`attach`](Self::attach), in a chosen place among the programs that are there (since 6.17).
    ///
    /// # Errors
    /// As [`attach`](Self::attach); ENOENT where the neighbour is not there, ESTALE where the programs are not those of the
    /// revision expected.
    pub fn attach_at(
        program: &Program,
        cgroup: impl AsRef<Path>,
        attach_type: AttachType,
        place: Place<'_>,
    ) -> Result<Self, LinkError> {
        let directory = open(cgroup.as_ref())?;
        let create = Create {
            flags: place.flags(),
            options: Options::Cgroup(place.place()),
            ..Create::new(program.as_fd(), Target::Fd(directory.as_fd()), attach_type.0)
        };
        Self::create(program, &create)
    }

    /// What is attached at `attach_type` to the cgroup itself (`BPF_PROG_QUERY`, since 4.15; `CAP_NET_ADMIN`).
    ///
    /// # Errors
    /// [`LinkError`].
    #[doc(alias = "BPF_PROG_QUERY")]
    pub fn attached(cgroup: impl AsRef<Path>, attach_type: AttachType) -> Result<Attached, LinkError> {
        let directory = open(cgroup.as_ref())?;
        attached::ask(Target::Fd(directory.as_fd()), attach_type, Links::Untold)
    }
}

/// Opens what a program is attached to: a cgroup's directory, a network namespace.
pub(super) fn open(path: &Path) -> Result<File, LinkError> {
    File::open(path).map_err(|error| LinkError::Target {
        path: path.display().to_string(),
        errno: Errno(error.raw_os_error().unwrap_or(Errno::EIO.0)),
    })
}

impl Sealed for Cgroup {}
impl Update for Cgroup {}
impl Detach for Cgroup {}

impl Kind for Cgroup {
    const TYPE: Option<LinkType> = Some(LinkType::CGROUP);
    type Info = CgroupLinkInfo;

    fn info(told: LinkInfo) -> Option<CgroupLinkInfo> {
        let LinkDetail::Cgroup { cgroup_id, attach_type } = told.detail else { return None };
        let attach_type = AttachType(attach_type);
        Some(CgroupLinkInfo { id: told.id, prog_id: told.prog_id, cgroup_id, attach_type })
    }
}
