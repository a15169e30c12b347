//! The link of an iterator, and reading what it writes.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use super::kind::Sealed;
use super::{Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, Update};
use crate::kernel::cause::Failed;
use crate::kernel::{Map, Program};
use crate::kind::AttachType;
use crate::sys;
use crate::sys::link::{Create, IterTarget, Options};
use crate::sys::prog::Target;

/// The kind of [`IterLink`].
#[derive(Clone, Copy, Debug)]
pub enum Iter {}

/// A program that runs for every object of some sort in the kernel, and writes what the reader of a file reads
/// (`BPF_LINK_CREATE`, since 5.8). It runs when it is read: by [`output`](Link::output), or by reading a pin of the link.
///
/// ```no_run
/// # fn f(program: &bpfsmith::kernel::Program) -> Result<(), Box<dyn std::error::Error>> {
/// let link = bpfsmith::link::IterLink::attach(program)?;
/// println!("{}", std::io::read_to_string(link.output()?)?);
/// # Ok(()) }
/// ```
#[doc(alias = "bpf_iter_link")]
#[doc(alias = "BPF_LINK_TYPE_ITER")]
#[doc(alias = "BPF_TRACE_ITER")]
pub type IterLink = Link<Iter>;

/// What an iterator walks, where that is not everything (`union bpf_iter_link_info`).
#[derive(Clone, Copy, Debug)]
#[doc(alias = "bpf_iter_link_info")]
pub enum IterOver<'a> {
    /// The elements of a map, for iterators of map elements and of socket storage (since 5.9).
    Map(&'a Map),
    /// Cgroups, beginning with one (since 6.1).
    Cgroups {
        /// Which, in which order.
        order: CgroupOrder,
        /// The descriptor of the cgroup's directory; the root without one.
        from: Option<BorrowedFd<'a>>,
    },
    /// The tasks or files of one process, by its number (since 6.1).
    Process(u32),
    /// One thread, by its number (since 6.1).
    Thread(u32),
    /// The tasks or files of the process of a pidfd (since 6.1).
    PidFd(BorrowedFd<'a>),
}

/// Which cgroups an iterator walks, in which order (`enum bpf_cgroup_iter_order`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "bpf_cgroup_iter_order")]
pub enum CgroupOrder {
    /// The first one only.
    #[doc(alias = "BPF_CGROUP_ITER_SELF_ONLY")]
    SelfOnly = 1,
    /// It and all below, each before those below it.
    #[doc(alias = "BPF_CGROUP_ITER_DESCENDANTS_PRE")]
    DescendantsPre = 2,
    /// It and all below, each after those below it.
    #[doc(alias = "BPF_CGROUP_ITER_DESCENDANTS_POST")]
    DescendantsPost = 3,
    /// It and all above, up to the root.
    #[doc(alias = "BPF_CGROUP_ITER_ANCESTORS_UP")]
    AncestorsUp = 4,
}

/// What the kernel knows of an iterator's link (`struct bpf_link_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IterLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the program.
    pub prog_id: u32,
    /// The sort of objects, `bpf_map`; bytes, as the kernel gives them.
    pub target: Vec<u8>,
    /// The map whose elements are walked; 0 for none.
    pub map_id: u32,
    /// The first cgroup; 0 for none.
    pub cgroup_id: u64,
    /// `enum bpf_cgroup_iter_order`; 0 where no cgroups are walked.
    pub order: u32,
    /// The one thread; 0 for none.
    pub tid: u32,
    /// The one process; 0 for none.
    pub pid: u32,
}

impl IterLink {
    /// Makes a link of `program`, of kind [`ITER`](crate::ProgramKind::ITER), that walks all there is.
    ///
    /// # Errors
    /// [`LinkError`]: ENOENT where this kernel has no such iterator, EBADF where the iterator wants a map.
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach(program: &Program) -> Result<Self, LinkError> {
        Self::with(program, Options::None)
    }

    /// [`attach`](Self::attach), to walk a part of what there is.
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL where the iterator does not walk such a part, EACCES where the program reads further than the map's
    /// keys or values go.
    pub fn attach_over(program: &Program, over: IterOver<'_>) -> Result<Self, LinkError> {
        Self::with(program, Options::Iter(over.target()))
    }

    /// What the program writes, as a file to read: a new walk every time (`BPF_ITER_CREATE`, since 5.8).
    ///
    /// # Errors
    /// [`LinkError`]. Reading the file fails with what the program returned instead of 0.
    #[doc(alias = "BPF_ITER_CREATE")]
    pub fn output(&self) -> Result<File, LinkError> {
        match sys::iter::create(self.as_fd()) {
            Ok(fd) => Ok(File::from(fd)),
            Err(errno) => Err(self.error(&Failed::IterCreate, errno)),
        }
    }

    fn with(program: &Program, options: Options<'_>) -> Result<Self, LinkError> {
        let attach_type = AttachType::TRACE_ITER.0;
        Self::create(program, &Create { options, ..Create::new(program.as_fd(), Target::None, attach_type) })
    }
}

impl<'a> IterOver<'a> {
    fn target(self) -> IterTarget<'a> {
        match self {
            Self::Map(map) => IterTarget::Map(map.as_fd()),
            Self::Cgroups { order, from } => {
                IterTarget::Cgroup { order: order as u32, cgroup: from, cgroup_id: 0 }
            }
            Self::Process(pid) => IterTarget::Task { tid: 0, pid, pid_fd: None },
            Self::Thread(tid) => IterTarget::Task { tid, pid: 0, pid_fd: None },
            Self::PidFd(fd) => IterTarget::Task { tid: 0, pid: 0, pid_fd: Some(fd) },
        }
    }
}

impl Sealed for Iter {}
impl Update for Iter {}

impl Kind for Iter {
    const TYPE: Option<LinkType> = Some(LinkType::ITER);
    type Info = IterLinkInfo;

    fn info(told: LinkInfo) -> Option<IterLinkInfo> {
        let LinkDetail::Iter { target, map_id, cgroup_id, order, tid, pid } = told.detail else {
            return None;
        };
        let (id, prog_id) = (told.id, told.prog_id);
        Some(IterLinkInfo { id, prog_id, target, map_id, cgroup_id, order, tid, pid })
    }
}
