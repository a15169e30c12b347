//! Which helpers go with which maps and programs, where that is a matter of kinds alone.

use crate::asm::Helper;
use crate::kind::{ProgType, ProgramKind};
use crate::map::MapKind;

/// Whether the kernel lets a helper have a map of a kind (`check_map_func_compatibility`).
pub(super) fn fits(helper: Helper, kind: MapKind) -> bool {
    maps_of(helper).is_none_or(|kinds| kinds.contains(&kind))
        && helpers_of(kind).is_none_or(|helpers| helpers.contains(&helper))
}

/// The maps a helper works on; `None`: no rule.
fn maps_of(helper: Helper) -> Option<&'static [MapKind]> {
    Some(match helper {
        Helper::TAIL_CALL => &[MapKind::PROG_ARRAY],
        Helper::PERF_EVENT_READ
        | Helper::PERF_EVENT_OUTPUT
        | Helper::PERF_EVENT_READ_VALUE
        | Helper::SKB_OUTPUT
        | Helper::XDP_OUTPUT => &[MapKind::PERF_EVENT_ARRAY],
        Helper::RINGBUF_OUTPUT
        | Helper::RINGBUF_RESERVE
        | Helper::RINGBUF_QUERY
        | Helper::RINGBUF_RESERVE_DYNPTR => &[MapKind::RINGBUF],
        Helper::USER_RINGBUF_DRAIN => &[MapKind::USER_RINGBUF],
        Helper::GET_STACKID => &[MapKind::STACK_TRACE],
        Helper::CURRENT_TASK_UNDER_CGROUP | Helper::SKB_UNDER_CGROUP => &[MapKind::CGROUP_ARRAY],
        Helper::REDIRECT_MAP => &[MapKind::DEVMAP, MapKind::DEVMAP_HASH, MapKind::CPUMAP, MapKind::XSKMAP],
        Helper::SK_REDIRECT_MAP | Helper::MSG_REDIRECT_MAP | Helper::SOCK_MAP_UPDATE => &[MapKind::SOCKMAP],
        Helper::SK_REDIRECT_HASH | Helper::MSG_REDIRECT_HASH | Helper::SOCK_HASH_UPDATE => {
            &[MapKind::SOCKHASH]
        }
        Helper::GET_LOCAL_STORAGE => &[MapKind::CGROUP_STORAGE, MapKind::PERCPU_CGROUP_STORAGE],
        Helper::SK_SELECT_REUSEPORT => &[MapKind::REUSEPORT_SOCKARRAY, MapKind::SOCKMAP, MapKind::SOCKHASH],
        Helper::MAP_POP_ELEM => &[MapKind::QUEUE, MapKind::STACK],
        Helper::MAP_PEEK_ELEM | Helper::MAP_PUSH_ELEM => {
            &[MapKind::QUEUE, MapKind::STACK, MapKind::BLOOM_FILTER]
        }
        Helper::MAP_LOOKUP_PERCPU_ELEM => {
            &[MapKind::PERCPU_ARRAY, MapKind::PERCPU_HASH, MapKind::LRU_PERCPU_HASH]
        }
        Helper::SK_STORAGE_GET | Helper::SK_STORAGE_DELETE => &[MapKind::SK_STORAGE],
        Helper::INODE_STORAGE_GET | Helper::INODE_STORAGE_DELETE => &[MapKind::INODE_STORAGE],
        Helper::TASK_STORAGE_GET | Helper::TASK_STORAGE_DELETE => &[MapKind::TASK_STORAGE],
        Helper::CGRP_STORAGE_GET | Helper::CGRP_STORAGE_DELETE => &[MapKind::CGRP_STORAGE],
        _ => return None,
    })
}

/// The helpers that work on a map; `None`: no rule.
fn helpers_of(kind: MapKind) -> Option<&'static [Helper]> {
    Some(match kind {
        MapKind::PROG_ARRAY => &[Helper::TAIL_CALL],
        MapKind::PERF_EVENT_ARRAY => &[
            Helper::PERF_EVENT_READ,
            Helper::PERF_EVENT_OUTPUT,
            Helper::SKB_OUTPUT,
            Helper::PERF_EVENT_READ_VALUE,
            Helper::XDP_OUTPUT,
        ],
        MapKind::RINGBUF => &[
            Helper::RINGBUF_OUTPUT,
            Helper::RINGBUF_RESERVE,
            Helper::RINGBUF_QUERY,
            Helper::RINGBUF_RESERVE_DYNPTR,
            Helper::RINGBUF_SUBMIT_DYNPTR,
            Helper::RINGBUF_DISCARD_DYNPTR,
        ],
        MapKind::USER_RINGBUF => &[Helper::USER_RINGBUF_DRAIN],
        MapKind::STACK_TRACE => &[Helper::GET_STACKID],
        MapKind::CGROUP_ARRAY => &[Helper::SKB_UNDER_CGROUP, Helper::CURRENT_TASK_UNDER_CGROUP],
        MapKind::CGROUP_STORAGE | MapKind::PERCPU_CGROUP_STORAGE => &[Helper::GET_LOCAL_STORAGE],
        MapKind::CPUMAP => &[Helper::REDIRECT_MAP],
        MapKind::DEVMAP | MapKind::DEVMAP_HASH | MapKind::XSKMAP => {
            &[Helper::REDIRECT_MAP, Helper::MAP_LOOKUP_ELEM]
        }
        MapKind::ARRAY_OF_MAPS | MapKind::HASH_OF_MAPS => &[Helper::MAP_LOOKUP_ELEM],
        MapKind::QUEUE | MapKind::STACK => {
            &[Helper::MAP_PEEK_ELEM, Helper::MAP_POP_ELEM, Helper::MAP_PUSH_ELEM]
        }
        MapKind::BLOOM_FILTER => &[Helper::MAP_PEEK_ELEM, Helper::MAP_PUSH_ELEM],
        _ => return None,
    })
}

/// Program types that legacy packet loads are not for (`may_access_skb`).
pub(super) fn has_no_skb(kind: ProgramKind) -> bool {
    !matches!(kind.prog_type(), ProgType::SOCKET_FILTER | ProgType::SCHED_CLS | ProgType::SCHED_ACT)
}
