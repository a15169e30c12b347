//! The bpf(2) commands as data, their descriptors symbolic.

use std::sync::Arc;

use super::Fd;
use crate::kind::{AttachType, ProgType};
use crate::map::{MapFlags, MapKind};
use crate::program::ProgramFlags;

/// One bpf(2) command and its attributes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// `BPF_MAP_CREATE`.
    MapCreate(MapCreate),
    /// `BPF_MAP_UPDATE_ELEM`.
    MapUpdateElem(MapUpdateElem),
    /// `BPF_PROG_LOAD`.
    ProgLoad(Box<ProgLoad>),
    /// `BPF_OBJ_PIN`.
    ObjPin(ObjPin),
    /// `BPF_OBJ_GET`.
    ObjGet(ObjGet),
    /// `BPF_OBJ_GET_INFO_BY_FD` of a map, to compare it with what the object wants.
    ObjGetInfoByFd(ObjGetInfoByFd),
    /// `BPF_BTF_LOAD`.
    BtfLoad(BtfLoad),
    /// `BPF_MAP_FREEZE`.
    MapFreeze(MapFreeze),
    /// `BPF_LINK_CREATE`.
    LinkCreate(LinkCreate),
    /// `BPF_PROG_BIND_MAP`.
    ProgBindMap(ProgBindMap),
}

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
    /// `max_entries`.
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: MapFlags,
    /// `inner_map_fd` (4.12).
    pub inner: Option<Fd>,
    /// `numa_node` (4.14).
    pub numa_node: u32,
    /// `map_name` (4.15): at most 15 bytes; empty for none.
    pub name: String,
    /// `btf_fd`, `btf_key_type_id`, `btf_value_type_id` (4.18).
    pub btf: Option<MapBtf>,
    /// `map_extra` (5.16).
    pub extra: u64,
    /// The descriptor it gives.
    pub out: Fd,
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

/// Attributes of `BPF_MAP_UPDATE_ELEM` (since 3.18).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_MAP_UPDATE_ELEM")]
pub struct MapUpdateElem {
    /// `map_fd`.
    pub map: Fd,
    /// `key`.
    pub key: Vec<u8>,
    /// `value`.
    pub value: ElemValue,
    /// `flags`: 0 any, 1 no element yet, 2 an element there, 4 under the element's lock.
    pub flags: u64,
}

/// The value of a map update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElemValue {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The number of a descriptor, four bytes of the machine's byte order.
    Fd(Fd),
}

/// Attributes of `BPF_PROG_LOAD` (since 3.18).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_PROG_LOAD")]
pub struct ProgLoad {
    /// `prog_type`.
    pub prog_type: ProgType,
    /// `insns`: 8 bytes each; `insn_cnt` follows from the length.
    pub insns: Vec<u8>,
    /// Instructions whose immediate is the number of a descriptor: index of the instruction, descriptor.
    /// Empty where `fd_array` is used.
    pub fd_slots: Vec<(u32, Fd)>,
    /// `license`, without its NUL.
    pub license: String,
    /// `prog_flags` (4.12).
    pub flags: ProgramFlags,
    /// `prog_name` (4.15): at most 15 bytes; empty for none.
    pub name: String,
    /// `expected_attach_type` (4.17).
    pub expected_attach_type: Option<AttachType>,
    /// `prog_btf_fd`, `func_info`, `line_info` (5.0), `core_relos` (5.17).
    pub btf: Option<ProgBtf>,
    /// `attach_btf_id` (5.5).
    pub attach_btf_id: u32,
    /// `fd_array` (5.14): maps and BTF by index.
    pub fd_array: Vec<Fd>,
    /// `log_level`, `log_size`.
    pub log: Log,
    /// The descriptor it gives.
    pub out: Fd,
}

/// What a program's BTF says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgBtf {
    /// `prog_btf_fd`.
    pub btf: Fd,
    /// `func_info`: records of `struct bpf_func_info`, 8 bytes each.
    pub func_info: Vec<u8>,
    /// `line_info`: records of `struct bpf_line_info`, 16 bytes each.
    pub line_info: Vec<u8>,
    /// `core_relos`: records of `struct bpf_core_relo`, 16 bytes each.
    pub core_relos: Vec<u8>,
}

/// How much the kernel shall write of what it does (`log_level`, `log_size`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Log {
    /// Bits: 1 and 2 for more and more words, 4 for statistics; 0 for no log.
    pub level: u32,
    /// The size of the buffer in bytes; 0 for none.
    pub size: u32,
}

/// Attributes of `BPF_OBJ_PIN` (since 4.4).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_OBJ_PIN")]
pub struct ObjPin {
    /// `pathname`.
    pub path: String,
    /// `bpf_fd`.
    pub fd: Fd,
}

/// Attributes of `BPF_OBJ_GET` (since 4.4).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_OBJ_GET")]
pub struct ObjGet {
    /// `pathname`.
    pub path: String,
    /// `file_flags` (4.15): `BPF_F_RDONLY` 8, `BPF_F_WRONLY` 16.
    pub flags: u32,
    /// The descriptor it gives.
    pub out: Fd,
}

/// Attributes of `BPF_OBJ_GET_INFO_BY_FD` (since 4.13), for a map.
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub struct ObjGetInfoByFd {
    /// `bpf_fd`.
    pub fd: Fd,
}

/// Attributes of `BPF_BTF_LOAD` (since 4.18).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_BTF_LOAD")]
pub struct BtfLoad {
    /// `btf`.
    pub bytes: Arc<[u8]>,
    /// `btf_log_level`, `btf_log_size`.
    pub log: Log,
    /// The descriptor it gives.
    pub out: Fd,
}

/// Attributes of `BPF_MAP_FREEZE` (since 5.2).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_MAP_FREEZE")]
pub struct MapFreeze {
    /// `map_fd`.
    pub map: Fd,
}

/// Attributes of `BPF_LINK_CREATE` (since 5.7).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_LINK_CREATE")]
pub struct LinkCreate {
    /// `prog_fd`.
    pub program: Fd,
    /// `target_fd`.
    pub target: Fd,
    /// `attach_type`.
    pub attach_type: AttachType,
    /// `flags`.
    pub flags: u32,
    /// The descriptor it gives.
    pub out: Fd,
}

/// Attributes of `BPF_PROG_BIND_MAP` (since 5.10).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_PROG_BIND_MAP")]
pub struct ProgBindMap {
    /// `prog_fd`.
    pub program: Fd,
    /// `map_fd`.
    pub map: Fd,
    /// `flags`.
    pub flags: u32,
}
