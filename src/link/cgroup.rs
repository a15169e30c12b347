//! The link that attaches a program to a cgroup.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use super::LinkError;
use crate::base::Errno;
use crate::kernel::Program;
use crate::kernel::cause::{self, Facts, Failed};
use crate::kind::AttachType;
use crate::sys::info::LinkDetail;
use crate::sys::{self, LinkFd};

/// A program attached to a cgroup and all below it (`BPF_LINK_CREATE`, since 5.7). Dropping the link, or closing its last
/// pin, detaches the program.
#[derive(Debug)]
#[must_use = "dropping it detaches the program"]
#[doc(alias = "bpf_cgroup_link")]
pub struct CgroupLink {
    program: String,
    fd: LinkFd,
}

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
        let path = cgroup.as_ref();
        let directory = File::open(path).map_err(|error| LinkError::Target {
            path: path.display().to_string(),
            errno: Errno(error.raw_os_error().unwrap_or(Errno::EIO.0)),
        })?;
        let create = sys::link::Create {
            object: program.as_fd(),
            target: sys::prog::Target::Fd(directory.as_fd()),
            attach_type: attach_type.0,
            flags: 0,
            options: sys::link::Options::None,
        };
        match sys::link::create(&create) {
            Ok(fd) => Ok(Self { program: program.name().to_owned(), fd }),
            Err(errno) => Err(refused(program, attach_type, errno)),
        }
    }

    /// Opens the link pinned at `path` in a bpffs.
    ///
    /// # Errors
    /// [`LinkError`]: ENOENT where nothing is pinned, EINVAL where it is no link.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LinkError> {
        let path = path.as_ref();
        let program = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match crate::kernel::pin::get(path).and_then(LinkFd::try_from) {
            Ok(fd) => Ok(Self { program, fd }),
            Err(errno) => Err(LinkError::Kernel { program, operation: "OBJ_GET", errno, cause: None }),
        }
    }

    /// Pins the link at `path` in a bpffs: the program stays attached until the pin is removed.
    ///
    /// # Errors
    /// [`LinkError`]: EEXIST, ENOENT, EPERM where the path is not in a bpffs.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), LinkError> {
        crate::kernel::pin::pin(self.fd.as_fd(), path.as_ref()).map_err(|errno| self.error("OBJ_PIN", errno))
    }

    /// Puts `program` in the place of the attached one, between two packets, so to speak (`BPF_LINK_UPDATE`, since 5.7).
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL where the kinds differ.
    #[doc(alias = "BPF_LINK_UPDATE")]
    pub fn update(&mut self, program: &Program) -> Result<(), LinkError> {
        sys::link::update(&self.fd, program.as_fd(), None)
            .map_err(|errno| self.error("LINK_UPDATE", errno))?;
        program.name().clone_into(&mut self.program);
        Ok(())
    }

    /// Detaches the program at once, whoever else holds the link (`BPF_LINK_DETACH`, since 5.9).
    ///
    /// # Errors
    /// [`LinkError`].
    #[doc(alias = "BPF_LINK_DETACH")]
    pub fn detach(self) -> Result<(), LinkError> {
        sys::link::detach(&self.fd).map_err(|errno| self.error("LINK_DETACH", errno))
    }

    /// What the kernel knows of it (`BPF_OBJ_GET_INFO_BY_FD`).
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn info(&self) -> Result<CgroupLinkInfo, LinkError> {
        let info = sys::info::link(&self.fd).map_err(|errno| self.error("OBJ_GET_INFO_BY_FD", errno))?;
        let LinkDetail::Cgroup { cgroup_id, attach_type } = info.detail else {
            return Err(self.error("OBJ_GET_INFO_BY_FD", Errno::EINVAL));
        };
        Ok(CgroupLinkInfo {
            id: info.id,
            prog_id: info.prog_id,
            cgroup_id,
            attach_type: AttachType(attach_type),
        })
    }

    fn error(&self, operation: &'static str, errno: Errno) -> LinkError {
        LinkError::Kernel { program: self.program.clone(), operation, errno, cause: None }
    }
}

impl AsFd for CgroupLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn refused(program: &Program, attach_type: AttachType, errno: Errno) -> LinkError {
    let attach_type = attach_type.to_string();
    let cause = cause::explain(&Failed::LinkCreate { attach_type: &attach_type }, errno, &Facts::default());
    LinkError::Kernel {
        program: program.name().to_owned(),
        operation: "LINK_CREATE",
        errno,
        cause: cause.map(std::borrow::Cow::into_owned),
    }
}
