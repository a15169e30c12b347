//! Making and freezing maps.

use std::sync::Arc;

use super::{Attributes, Show};
use crate::map::{MapFlags, MapKind};
use crate::plan::Fd;

/// Attributes of `BPF_MAP_CREATE` (since 3.18).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_MAP_CREATE")]
pub struct MapCreate {
    /// `map_type`.
    pub kind: MapKind,
    /// `key_size`, in bytes.
    pub key_size: u32,
    /// `value_size`, in bytes.
    pub value_size: u32,
    /// `max_entries`; bytes for a ring buffer.
    pub max_entries: u32,
    /// `map_flags` (4.6). Those that say that an optional attribute below is there are set with it.
    pub flags: MapFlags,
    /// `inner_map_fd` (4.12): the template of a map of maps.
    pub inner: Option<Fd>,
    /// `numa_node` (4.14).
    pub numa_node: Option<u32>,
    /// `map_name` (4.15): at most 15 bytes; empty for none.
    pub name: Arc<str>,
    /// `map_ifindex` (4.16): the device an offloaded map lives on; 0 for none.
    pub ifindex: u32,
    /// `btf_fd`, `btf_key_type_id`, `btf_value_type_id` (4.18).
    pub btf: Option<MapBtf>,
    /// `btf_vmlinux_value_type_id` (5.6): the struct of a struct_ops map; 0 for none.
    pub vmlinux_value_type: u32,
    /// `map_extra` (5.16).
    pub extra: u64,
    /// `value_type_btf_obj_fd` (6.9): the module's BTF that has the struct.
    pub value_type_btf: Option<Fd>,
    /// `map_token_fd` (6.9).
    pub token: Option<Fd>,
    /// `excl_prog_hash` (6.18): the hash of the one program that may use the map; empty for any.
    pub exclusive_to: Vec<u8>,
    /// The descriptor it gives.
    pub out: Fd,
}

impl MapCreate {
    /// A map without keys, values and entries: everything but the kind is zero.
    #[must_use]
    pub fn new(kind: MapKind, out: Fd) -> Self {
        Self {
            kind,
            key_size: 0,
            value_size: 0,
            max_entries: 0,
            flags: MapFlags::empty(),
            inner: None,
            numa_node: None,
            name: Arc::default(),
            ifindex: 0,
            btf: None,
            vmlinux_value_type: 0,
            extra: 0,
            value_type_btf: None,
            token: None,
            exclusive_to: Vec::new(),
            out,
        }
    }
}

impl Attributes for MapCreate {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.word("map_type", self.kind);
        show.number("key_size", self.key_size);
        show.number("value_size", self.value_size);
        show.number("max_entries", self.max_entries);
        show.flags("map_flags", &self.flags);
        show.fd("inner_map_fd", self.inner);
        if let Some(node) = self.numa_node {
            show.word("numa_node", node);
        }
        show.text("map_name", &self.name);
        show.number("map_ifindex", self.ifindex);
        if let Some(btf) = self.btf {
            show.fd("btf_fd", btf.btf);
            show.number("btf_key_type_id", btf.key);
            show.number("btf_value_type_id", btf.value);
        }
        show.number("btf_vmlinux_value_type_id", self.vmlinux_value_type);
        show.number("map_extra", self.extra);
        show.fd("value_type_btf_obj_fd", self.value_type_btf);
        show.fd("map_token_fd", self.token);
        show.blob("excl_prog_hash", &self.exclusive_to);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

/// The BTF of a map's key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapBtf {
    /// `btf_fd`.
    pub btf: Fd,
    /// `btf_key_type_id`; 0 for none.
    pub key: u32,
    /// `btf_value_type_id`.
    pub value: u32,
}

/// Attributes of `BPF_MAP_FREEZE` (since 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_FREEZE")]
pub struct MapFreeze {
    /// `map_fd`.
    pub map: Fd,
}

impl Attributes for MapFreeze {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("map_fd", self.map);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.map)
    }
}
