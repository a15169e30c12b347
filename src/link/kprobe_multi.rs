//! The link that attaches a program to many kernel functions.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use super::kind::Sealed;
use super::{Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType};
use crate::base::flags::MultiFlags;
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::{Create, Functions, Options};
use crate::sys::prog::Target;

/// The kind of [`KprobeMultiLink`].
#[derive(Clone, Copy, Debug)]
pub enum KprobeMulti {}

/// A program at the entry, the return, or both, of many kernel functions (`BPF_LINK_CREATE`, since 5.18). Its program stays the same;
/// dropping the link, or closing its last pin, detaches it.
#[doc(alias = "bpf_kprobe_multi_link")]
#[doc(alias = "BPF_LINK_TYPE_KPROBE_MULTI")]
pub type KprobeMultiLink = Link<KprobeMulti>;

/// When a program at many functions runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProbeAt {
    /// When they are entered.
    #[default]
    Entry,
    /// When they return.
    #[doc(alias = "BPF_F_KPROBE_MULTI_RETURN")]
    #[doc(alias = "BPF_F_UPROBE_MULTI_RETURN")]
    Return,
    /// When they are entered, and if the program then returns 0, also when they return (kernel functions since 6.10, user-space ones
    /// since 6.13). The program was loaded for it.
    #[doc(alias = "BPF_TRACE_KPROBE_SESSION")]
    #[doc(alias = "BPF_TRACE_UPROBE_SESSION")]
    Session,
}

impl ProbeAt {
    pub(super) fn flags(self) -> MultiFlags {
        if self == Self::Return { MultiFlags::RETURN } else { MultiFlags::empty() }
    }
}

/// Kernel functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelFunctions<'a> {
    /// Names as in `/proc/kallsyms`.
    Names(&'a [&'a str]),
    /// Addresses of their entries.
    Addresses(&'a [u64]),
}

/// What the kernel knows of a link to many kernel functions (`struct bpf_link_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KprobeMultiLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The functions (told since 6.6); zeros without the right to know.
    pub addresses: Vec<u64>,
    /// What `bpf_get_attach_cookie` gives at each (told since 6.9).
    pub cookies: Vec<u64>,
    /// `BPF_F_KPROBE_MULTI_RETURN` is 1.
    pub flags: u32,
    /// How often the program was not run, because it was running (told since 6.7).
    pub missed: u64,
}

impl KprobeMultiLink {
    /// Attaches `program`, of a kind such as [`KPROBE_MULTI`](crate::ProgramKind::KPROBE_MULTI), to `functions`. `cookies` are what
    /// `bpf_get_attach_cookie` gives at each: none, or as many as functions.
    ///
    /// # Errors
    /// [`LinkError`]: ESRCH or ENOENT where a function cannot be probed, EOPNOTSUPP where the kernel is built without.
    #[doc(alias = "BPF_LINK_CREATE")]
    #[doc(alias = "BPF_TRACE_KPROBE_MULTI")]
    pub fn attach(
        program: &Program,
        functions: KernelFunctions<'_>,
        at: ProbeAt,
        cookies: &[u64],
    ) -> Result<Self, LinkError> {
        match functions {
            KernelFunctions::Names(names) => {
                let names: Vec<CString> =
                    names.iter().map(|name| c_string(name)).collect::<Result<_, _>>()?;
                let names: Vec<&CStr> = names.iter().map(CString::as_c_str).collect();
                Self::at(program, Functions::Names(&names), at, cookies)
            }
            KernelFunctions::Addresses(addresses) => {
                Self::at(program, Functions::Addresses(addresses), at, cookies)
            }
        }
    }

    fn at(
        program: &Program,
        functions: Functions<'_>,
        at: ProbeAt,
        cookies: &[u64],
    ) -> Result<Self, LinkError> {
        let attach_type = match at {
            ProbeAt::Session => AttachType::TRACE_KPROBE_SESSION,
            _ => AttachType::TRACE_KPROBE_MULTI,
        };
        let options = Options::KprobeMulti { functions, cookies, flags: at.flags() };
        Self::create(
            program,
            &Create { options, ..Create::new(program.as_fd(), Target::None, attach_type.0) },
        )
    }
}

pub(super) fn c_string(name: &str) -> Result<CString, LinkError> {
    CString::new(name).map_err(|_| LinkError::Name { name: name.to_owned() })
}

impl Sealed for KprobeMulti {}

impl Kind for KprobeMulti {
    const TYPE: Option<LinkType> = Some(LinkType::KPROBE_MULTI);
    type Info = KprobeMultiLinkInfo;

    fn info(told: LinkInfo) -> Option<KprobeMultiLinkInfo> {
        let LinkDetail::KprobeMulti { addresses, cookies, flags, missed } = told.detail else { return None };
        let (id, prog_id) = (told.id, told.prog_id);
        Some(KprobeMultiLinkInfo { id, prog_id, addresses, cookies, flags, missed })
    }
}
