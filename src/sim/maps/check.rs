//! What `BPF_MAP_CREATE` asks of a description, before it makes anything.

use super::{Rules, Shape};
use crate::base::Errno;
use crate::btf::special::FieldKinds;
use crate::map::{MapFlags, MapKind};

/// How many frames a stack has at most, unless the administrator says (`kernel.perf_event_max_stack`).
const MOST_FRAMES: u32 = 127;

/// As far as the kinds agree; what is special to one, it checks itself.
pub(super) fn check(shape: &Shape, rules: Rules) -> Result<(), Errno> {
    flags(shape)?;
    let sizes = shape.kind.key_size().allows(shape.key_size)
        && shape.kind.max_entries().allows(shape.max_entries, rules.page_size);
    if !sizes {
        return Err(Errno::EINVAL);
    }
    if !shape.kind.value_size_with(shape.flags).allows(shape.value_size) {
        return Err(value_error(shape));
    }
    if shape.kind == MapKind::STACK_TRACE && frames(shape) > MOST_FRAMES {
        return Err(Errno::EINVAL);
    }
    fields(shape)
}

fn frames(shape: &Shape) -> u32 {
    let frame = if shape.flags.contains(MapFlags::STACK_BUILD_ID) { 32 } else { 8 };
    shape.value_size / frame
}

fn flags(shape: &Shape) -> Result<(), Errno> {
    let lru = matches!(shape.kind, MapKind::LRU_HASH | MapKind::LRU_PERCPU_HASH);
    if lru && shape.flags.contains(MapFlags::NO_PREALLOC) {
        return Err(Errno::ENOTSUPP);
    }
    let known = shape.kind.flags() | shape.kind.added_flags();
    let missing = !shape.flags.contains(shape.kind.required_flags());
    if !known.contains(shape.flags) || missing || shape.flags.contradict() {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// Values that are too large are told from those that are no values.
fn value_error(shape: &Shape) -> Errno {
    let too_large = shape.kind.is_per_cpu() || shape.kind == MapKind::ARRAY;
    if too_large && shape.value_size != 0 { Errno::E2BIG } else { Errno::EINVAL }
}

fn fields(shape: &Shape) -> Result<(), Errno> {
    if shape.fields.is_empty() {
        return Ok(());
    }
    if shape.flags.intersects(MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG) {
        return Err(Errno::EACCES);
    }
    let held = shape.fields.iter().fold(FieldKinds::empty(), |held, field| held | field.kind.set());
    if shape.kind.special().contains(held) { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}
