//! What is attached at a hook, by links and without.

use super::LinkError;
use super::error;
use crate::base::Errno;
use crate::base::flags::QueryFlags;
use crate::kernel::cause::Failed;
use crate::kind::AttachType;
use crate::sys::prog::Target;
use crate::sys::query;

/// What is attached at a hook (`BPF_PROG_QUERY`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Counts the changes of the list, from 1; 0 where the kernel does not count (cgroups before 6.17, network namespaces).
    pub revision: u64,
    /// The programs, in the order they run.
    pub programs: Vec<AttachedProgram>,
}

/// One program at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachedProgram {
    /// The program's id.
    pub prog_id: u32,
    /// The id of the link it is behind; `None` where there is none, or the kernel does not say (cgroups, network namespaces).
    pub link_id: Option<u32>,
}

/// Whether the kernel tells the links of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Told,
    Untold,
}

/// Asks until the list fits: it may grow in between.
pub(super) fn ask(target: Target<'_>, attach_type: AttachType, links: Links) -> Result<Attached, LinkError> {
    let mut room = 0;
    loop {
        let (attached, count) = ask_once(target, attach_type, links, room).map_err(|errno| {
            LinkError::Query { attach_type, errno, cause: error::cause(&Failed::ProgQuery, errno) }
        })?;
        if count <= room {
            return Ok(attached);
        }
        room = count;
    }
}

fn ask_once(
    target: Target<'_>,
    attach_type: AttachType,
    links: Links,
    room: usize,
) -> Result<(Attached, usize), Errno> {
    let mut programs = vec![0; room];
    let mut link_ids = vec![0; if links == Links::Told { room } else { 0 }];
    let answer = query::attached(&mut query::Attached {
        target,
        attach_type: attach_type.0,
        flags: QueryFlags::empty(),
        programs: &mut programs,
        program_flags: &mut [],
        links: &mut link_ids,
        link_flags: &mut [],
    })?;
    let count = answer.count as usize;
    let link_id = |place| link_ids.get(place).copied().filter(|&id: &u32| id != 0);
    let known = programs.iter().take(count).enumerate();
    let programs =
        known.map(|(place, &prog_id)| AttachedProgram { prog_id, link_id: link_id(place) }).collect();
    Ok((Attached { revision: answer.revision, programs }, count))
}
