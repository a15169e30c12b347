//! A link of whatever kind.

use super::kind::Sealed;
use super::{Detach, Kind, Link, LinkInfo, LinkType, Update};

/// The kind of [`AnyLink`].
#[derive(Clone, Copy, Debug)]
pub enum Any {}

/// A link found by its number or its pin, whatever it is attached to. What the kernel does not do with its kind is an error at
/// run time.
///
/// ```no_run
/// use bpfsmith::link::AnyLink;
/// use bpfsmith::sys::ids;
///
/// for id in ids::all(ids::Kind::Link) {
///     println!("{:?}", AnyLink::from_id(id?)?.info()?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type AnyLink = Link<Any>;

impl Sealed for Any {}
impl Update for Any {}
impl Detach for Any {}

impl Kind for Any {
    const TYPE: Option<LinkType> = None;
    type Info = LinkInfo;

    fn info(told: LinkInfo) -> Option<LinkInfo> {
        Some(told)
    }
}
