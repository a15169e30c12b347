//! The link that attaches a program to a kernel function, a security hook, or in the place of another program's function.

use std::os::fd::AsFd;

use super::kind::Sealed;
use super::{Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, raw_tracepoint};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::{Create, Options};
use crate::sys::prog::Target;

/// The kind of [`TracingLink`].
#[derive(Clone, Copy, Debug)]
pub enum Tracing {}

/// A program at the entry or exit of a kernel function, at a security hook, or in the place of another program's function, as it
/// was loaded for (`BPF_RAW_TRACEPOINT_OPEN`, since 5.5; security hooks since 5.7). Its program stays the same; dropping the link,
/// or closing its last pin, detaches it.
///
/// A [`TP_BTF`](crate::ProgramKind::TP_BTF) program is attached by a [`RawTracepointLink`](super::RawTracepointLink), an
/// [`LSM_CGROUP`](crate::ProgramKind::LSM_CGROUP) program by a [`CgroupLink`](super::CgroupLink).
#[doc(alias = "bpf_tracing_link")]
#[doc(alias = "BPF_LINK_TYPE_TRACING")]
pub type TracingLink = Link<Tracing>;

/// What the kernel knows of a tracing link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracingLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// What the program does there.
    pub attach_type: AttachType,
    /// The id of the program, or of the BTF object, it is attached to (told since 5.13).
    pub target_obj_id: u32,
    /// The function's type there (told since 5.13).
    pub target_btf_id: u32,
    /// What `bpf_get_attach_cookie` gives (told since 6.17).
    pub cookie: u64,
}

impl TracingLink {
    /// Attaches `program` to what it was loaded for.
    ///
    /// # Errors
    /// [`LinkError`]: EBUSY (before 5.13 ENOENT) where it is attached already, EBUSY where something else holds the function,
    /// EPERM where the kernel lets no function be changed, EINVAL where the program is of another kind.
    #[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
    pub fn attach(program: &Program) -> Result<Self, LinkError> {
        raw_tracepoint::open(program, None, 0)
    }

    /// [`attach`](Self::attach), with a number that `bpf_get_attach_cookie` gives (`BPF_LINK_CREATE`, since 5.19).
    /// `attach_type` is the one the program was loaded with.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach_with_cookie(
        program: &Program,
        attach_type: AttachType,
        cookie: u64,
    ) -> Result<Self, LinkError> {
        let options = Options::Tracing { btf_id: 0, cookie };
        Self::create(
            program,
            &Create { options, ..Create::new(program.as_fd(), Target::None, attach_type.0) },
        )
    }

    /// Puts `program`, of kind [`EXT`](crate::ProgramKind::EXT), in the place of a function of `target`, another program than
    /// it was loaded for, or the same once more (`BPF_LINK_CREATE`, since 5.10). `btf_id` is the function's type in the BTF of
    /// `target`.
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL where the functions' types differ, EBUSY where the function is replaced already.
    #[doc(alias = "freplace")]
    pub fn replace_function(program: &Program, target: &Program, btf_id: u32) -> Result<Self, LinkError> {
        let options = Options::Tracing { btf_id, cookie: 0 };
        let create = Create { options, ..Create::new(program.as_fd(), Target::Fd(target.as_fd()), 0) };
        Self::create(program, &create)
    }
}

impl Sealed for Tracing {}

impl Kind for Tracing {
    const TYPE: Option<LinkType> = Some(LinkType::TRACING);
    type Info = TracingLinkInfo;

    fn info(told: LinkInfo) -> Option<TracingLinkInfo> {
        let LinkDetail::Tracing { attach_type, target_obj_id, target_btf_id, cookie } = told.detail else {
            return None;
        };
        let (id, prog_id, attach_type) = (told.id, told.prog_id, AttachType(attach_type));
        Some(TracingLinkInfo { id, prog_id, attach_type, target_obj_id, target_btf_id, cookie })
    }
}
