//! What tells the kinds of links apart.

use crate::base::LinkType;
use crate::sys::info::LinkInfo;

/// A kind of link: what a [`Link`](super::Link) is attached to. Only the kinds of this module are.
pub trait Kind: Sealed {
    /// The kernel's number; `None`: any.
    const TYPE: Option<LinkType>;
    /// What the kernel tells of such a link.
    type Info;

    /// Takes what belongs to this kind; `None`: it is of another.
    #[doc(hidden)]
    fn info(told: LinkInfo) -> Option<Self::Info>;
}

/// A kind whose program the kernel lets be swapped in place.
///
/// ```
/// # use bpfsmith::{kernel::Program, link::*};
/// fn swap(link: &mut XdpLink, program: &Program) -> Result<(), LinkError> { link.update(program) }
/// ```
/// A tracepoint's is not of them:
/// ```compile_fail,E0599
/// # use bpfsmith::{kernel::Program, link::*};
/// fn swap(link: &mut RawTracepointLink, program: &Program) -> Result<(), LinkError> { link.update(program) }
/// ```
pub trait Update: Kind {}

/// A kind that the kernel detaches at once. The others go with their last descriptor and pin.
///
/// ```
/// # use bpfsmith::link::*;
/// fn detach(link: NetnsLink) -> Result<(), LinkError> { link.detach() }
/// ```
/// An iterator's is not of them:
/// ```compile_fail,E0599
/// # use bpfsmith::link::*;
/// fn detach(link: IterLink) -> Result<(), LinkError> { link.detach() }
/// ```
pub trait Detach: Kind {}

/// Closes [`Kind`].
pub trait Sealed {}
