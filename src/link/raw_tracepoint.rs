//! The link that attaches a program to a tracepoint, with its raw or typed arguments.

use std::ffi::CStr;
use std::os::fd::AsFd;

use super::kind::Sealed;
use super::kprobe_multi::c_string;
use super::{Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, error};
use crate::kernel::Program;
use crate::sys;

/// The kind of [`RawTracepointLink`].
#[derive(Clone, Copy, Debug)]
pub enum RawTracepoint {}

/// A program at a tracepoint of the kernel, which gets its arguments as they are (`BPF_RAW_TRACEPOINT_OPEN`, since 4.17; it can be
/// pinned since 5.7). Its program stays the same; dropping the link, or closing its last pin, detaches it.
///
/// ```no_run
/// # fn f(program: &bpfsmith::kernel::Program) -> Result<(), bpfsmith::link::LinkError> {
/// let link = bpfsmith::link::RawTracepointLink::attach(program, "sys_enter")?;
/// # Ok(()) }
/// ```
#[doc(alias = "bpf_raw_tp_link")]
#[doc(alias = "BPF_LINK_TYPE_RAW_TRACEPOINT")]
pub type RawTracepointLink = Link<RawTracepoint>;

/// What the kernel knows of a raw tracepoint's link (`struct bpf_link_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTracepointLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The tracepoint's name; bytes, as the kernel gives them.
    pub name: Vec<u8>,
    /// What `bpf_get_attach_cookie` gives (told since 6.17).
    pub cookie: u64,
}

impl RawTracepointLink {
    /// Attaches `program`, of kind [`RAW_TRACEPOINT`](crate::ProgramKind::RAW_TRACEPOINT) or its writable sister, to the
    /// tracepoint `name`: without its subsystem, `sys_enter`.
    ///
    /// # Errors
    /// [`LinkError`]: ENOENT where there is none of this name, EINVAL where the program is of another kind or uses more
    /// arguments than there are.
    #[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
    pub fn attach(program: &Program, name: &str) -> Result<Self, LinkError> {
        Self::attach_with_cookie(program, name, 0)
    }

    /// [`attach`](Self::attach), with a number that `bpf_get_attach_cookie` gives (since 6.10); 0 is none.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_with_cookie(program: &Program, name: &str, cookie: u64) -> Result<Self, LinkError> {
        open(program, Some(&c_string(name)?), cookie)
    }

    /// Attaches `program`, of kind [`TP_BTF`](crate::ProgramKind::TP_BTF), to the tracepoint it was loaded for (since 5.5),
    /// with a number that `bpf_get_attach_cookie` gives (since 6.10); 0 is none.
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL where the program is of another kind.
    #[doc(alias = "BPF_TRACE_RAW_TP")]
    pub fn attach_typed(program: &Program, cookie: u64) -> Result<Self, LinkError> {
        open(program, None, cookie)
    }
}

/// `BPF_RAW_TRACEPOINT_OPEN`; without a name it attaches a program to what it was loaded for.
pub(super) fn open<K: Kind>(
    program: &Program,
    name: Option<&CStr>,
    cookie: u64,
) -> Result<Link<K>, LinkError> {
    match sys::link::open_raw_tracepoint(program.as_fd(), name, cookie) {
        Ok(fd) => Ok(Link::new(program.name(), fd)),
        Err(errno) => Err(error::of_raw_tracepoint(program, name.is_some(), cookie, errno)),
    }
}

impl Sealed for RawTracepoint {}

impl Kind for RawTracepoint {
    const TYPE: Option<LinkType> = Some(LinkType::RAW_TRACEPOINT);
    type Info = RawTracepointLinkInfo;

    fn info(told: LinkInfo) -> Option<RawTracepointLinkInfo> {
        let LinkDetail::RawTracepoint { name, cookie } = told.detail else { return None };
        Some(RawTracepointLinkInfo { id: told.id, prog_id: told.prog_id, name, cookie })
    }
}
