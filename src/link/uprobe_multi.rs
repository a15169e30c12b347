//! The link that attaches a program to many places of a user-space binary.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::kind::Sealed;
use super::{Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, ProbeAt};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::{Create, Options};
use crate::sys::prog::Target;

/// The kind of [`UprobeMultiLink`].
#[derive(Clone, Copy, Debug)]
pub enum UprobeMulti {}

/// A program at many places of a user-space binary, in all processes or one (`BPF_LINK_CREATE`, since 6.6). Its program stays the
/// same; dropping the link, or closing its last pin, detaches it.
#[doc(alias = "bpf_uprobe_multi_link")]
#[doc(alias = "BPF_LINK_TYPE_UPROBE_MULTI")]
pub type UprobeMultiLink = Link<UprobeMulti>;

/// Places of a user-space binary.
#[derive(Clone, Copy, Debug, Default)]
pub struct UprobePlaces<'a> {
    /// Where they are: bytes from the beginning of the file, not addresses.
    pub offsets: &'a [u64],
    /// Where the semaphore of each is that says whether somebody listens, from the beginning of the file; empty, or as many as places.
    pub ref_ctr_offsets: &'a [u64],
    /// What `bpf_get_attach_cookie` gives at each; empty, or as many as places.
    pub cookies: &'a [u64],
    /// When the program runs.
    pub at: ProbeAt,
    /// The one process; 0 for all.
    pub pid: u32,
}

/// What the kernel knows of a link to many user-space places (`struct bpf_link_info`, told since 6.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UprobeMultiLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The binary; bytes, as the kernel gives them.
    pub path: Vec<u8>,
    /// The places: bytes from the beginning of the file.
    pub offsets: Vec<u64>,
    /// The semaphore of each; 0 for none.
    pub ref_ctr_offsets: Vec<u64>,
    /// What `bpf_get_attach_cookie` gives at each.
    pub cookies: Vec<u64>,
    /// `BPF_F_UPROBE_MULTI_RETURN` is 1.
    pub flags: u32,
    /// The one process; 0 for all.
    pub pid: u32,
}

impl UprobeMultiLink {
    /// Attaches `program`, of a kind such as [`UPROBE_MULTI`](crate::ProgramKind::UPROBE_MULTI), to places of `binary`.
    ///
    /// # Errors
    /// [`LinkError`]: ENOENT where there is no such file, EBADF where it is no regular file, ESRCH where there is no such process.
    #[doc(alias = "BPF_LINK_CREATE")]
    #[doc(alias = "BPF_TRACE_UPROBE_MULTI")]
    pub fn attach(
        program: &Program,
        binary: impl AsRef<Path>,
        places: &UprobePlaces<'_>,
    ) -> Result<Self, LinkError> {
        let binary = binary.as_ref();
        let path = CString::new(binary.as_os_str().as_bytes())
            .map_err(|_| LinkError::Name { name: binary.display().to_string() })?;
        let UprobePlaces { offsets, ref_ctr_offsets, cookies, at, pid } = *places;
        let attach_type = match at {
            ProbeAt::Session => AttachType::TRACE_UPROBE_SESSION,
            _ => AttachType::TRACE_UPROBE_MULTI,
        };
        let flags = at.flags();
        let options = Options::UprobeMulti { path: &path, offsets, ref_ctr_offsets, cookies, flags, pid };
        Self::create(
            program,
            &Create { options, ..Create::new(program.as_fd(), Target::None, attach_type.0) },
        )
    }
}

impl Sealed for UprobeMulti {}

impl Kind for UprobeMulti {
    const TYPE: Option<LinkType> = Some(LinkType::UPROBE_MULTI);
    type Info = UprobeMultiLinkInfo;

    fn info(told: LinkInfo) -> Option<UprobeMultiLinkInfo> {
        let LinkDetail::UprobeMulti { path, offsets, ref_ctr_offsets, cookies, flags, pid } = told.detail
        else {
            return None;
        };
        let (id, prog_id) = (told.id, told.prog_id);
        Some(UprobeMultiLinkInfo { id, prog_id, path, offsets, ref_ctr_offsets, cookies, flags, pid })
    }
}
