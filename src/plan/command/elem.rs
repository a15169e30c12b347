//! Elements of maps, one by one and many at once.

use super::{Attributes, Show};
use crate::base::flags::ElemFlags;
use crate::plan::Fd;

/// Gives `show` and the map a command is about.
macro_rules! about_map {
    ($($name:ident($this:ident, $show:ident) $body:block)*) => {$(
        impl Attributes for $name {
            fn show<'a>(&'a self, $show: &mut Show<'a>) {
                let $this = self;
                $body
            }

            fn about(&self) -> Option<Fd> {
                Some(self.map)
            }
        }
    )*};
}

/// Attributes of `BPF_MAP_LOOKUP_ELEM` (since 3.18) and `BPF_MAP_LOOKUP_AND_DELETE_ELEM` (since 4.20; hashes 5.14).
/// The value comes as [`Reply::Bytes`](crate::plan::Reply::Bytes); of a per-CPU map one for each possible CPU,
/// each rounded up to 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
#[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
pub struct MapLookupElem {
    /// `map_fd`.
    pub map: Fd,
    /// `key`; empty where the map has none.
    pub key: Vec<u8>,
    /// `value`: what a bloom filter is asked for; empty for any other map.
    pub value: Vec<u8>,
    /// `flags`: `BPF_F_LOCK` (5.1).
    pub flags: ElemFlags,
}

/// Attributes of `BPF_MAP_UPDATE_ELEM` (since 3.18).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_UPDATE_ELEM")]
pub struct MapUpdateElem {
    /// `map_fd`.
    pub map: Fd,
    /// `key`; empty where the map has none.
    pub key: Vec<u8>,
    /// `value`.
    pub value: ElemValue,
    /// `flags`: `BPF_NOEXIST`, `BPF_EXIST`, `BPF_F_LOCK` (5.1).
    pub flags: ElemFlags,
}

/// The value of a map update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElemValue {
    /// Bytes. Of a per-CPU map one CPU's value, which every CPU gets, or one for each possible CPU.
    Bytes(Vec<u8>),
    /// The number of a descriptor, four bytes of the machine's byte order.
    Fd(Fd),
}

/// Attributes of `BPF_MAP_DELETE_ELEM` (since 3.18).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_DELETE_ELEM")]
pub struct MapDeleteElem {
    /// `map_fd`.
    pub map: Fd,
    /// `key`.
    pub key: Vec<u8>,
}

/// Attributes of `BPF_MAP_GET_NEXT_KEY` (since 3.18). The key comes as
/// [`Reply::Key`](crate::plan::Reply::Key).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
pub struct MapGetNextKey {
    /// `map_fd`.
    pub map: Fd,
    /// `key`: the key before; `None` asks for the first one (4.12).
    pub key: Option<Vec<u8>>,
}

/// Attributes of `BPF_MAP_LOOKUP_BATCH` and `BPF_MAP_LOOKUP_AND_DELETE_BATCH` (since 5.6). The elements come as
/// [`Reply::Batch`](crate::plan::Reply::Batch).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_LOOKUP_BATCH")]
#[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_BATCH")]
pub struct MapLookupBatch {
    /// `batch.map_fd`.
    pub map: Fd,
    /// `batch.in_batch`: where the batch before ended; `None` starts at the beginning.
    pub cursor: Option<Vec<u8>>,
    /// `batch.count`: how many elements there is room for.
    pub count: u32,
    /// `batch.elem_flags`.
    pub flags: ElemFlags,
}

/// Attributes of `BPF_MAP_UPDATE_BATCH` (since 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_UPDATE_BATCH")]
pub struct MapUpdateBatch {
    /// `batch.map_fd`.
    pub map: Fd,
    /// `batch.keys`, one behind the other.
    pub keys: Vec<u8>,
    /// `batch.values`, as many; of a per-CPU map one for each possible CPU, each rounded up to 8 bytes.
    pub values: Vec<u8>,
    /// `batch.elem_flags`.
    pub flags: ElemFlags,
}

/// Attributes of `BPF_MAP_DELETE_BATCH` (since 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_DELETE_BATCH")]
pub struct MapDeleteBatch {
    /// `batch.map_fd`.
    pub map: Fd,
    /// `batch.keys`, one behind the other.
    pub keys: Vec<u8>,
    /// `batch.elem_flags`.
    pub flags: ElemFlags,
}

about_map! {
    MapLookupElem(this, show) {
        show.fd("map_fd", this.map);
        show.blob("key", &this.key);
        show.blob("value", &this.value);
        show.flags("flags", &this.flags);
    }
    MapUpdateElem(this, show) {
        show.fd("map_fd", this.map);
        show.blob("key", &this.key);
        match &this.value {
            ElemValue::Bytes(bytes) => show.blob("value", bytes),
            ElemValue::Fd(fd) => show.fd("value", *fd),
        }
        show.flags("flags", &this.flags);
    }
    MapDeleteElem(this, show) {
        show.fd("map_fd", this.map);
        show.blob("key", &this.key);
    }
    MapGetNextKey(this, show) {
        show.fd("map_fd", this.map);
        show.blob("key", this.key.as_deref().unwrap_or_default());
    }
    MapLookupBatch(this, show) {
        show.blob("batch.in_batch", this.cursor.as_deref().unwrap_or_default());
        show.number("batch.count", this.count);
        show.fd("batch.map_fd", this.map);
        show.flags("batch.elem_flags", &this.flags);
    }
    MapUpdateBatch(this, show) {
        show.blob("batch.keys", &this.keys);
        show.blob("batch.values", &this.values);
        show.fd("batch.map_fd", this.map);
        show.flags("batch.elem_flags", &this.flags);
    }
    MapDeleteBatch(this, show) {
        show.blob("batch.keys", &this.keys);
        show.fd("batch.map_fd", this.map);
        show.flags("batch.elem_flags", &this.flags);
    }
}
