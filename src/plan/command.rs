//! The commands of bpf(2) as data, their descriptors symbolic.

mod attach;
mod btf;
mod elem;
mod ids;
mod link;
mod map;
mod misc;
mod pin;
mod prog;
mod run;
mod show;

pub use attach::{AttachTo, ProgAttach, ProgQuery, Relative};
pub use btf::BtfLoad;
pub use elem::{
    ElemValue, MapDeleteBatch, MapDeleteElem, MapGetNextKey, MapLookupBatch, MapLookupElem, MapUpdateBatch,
    MapUpdateElem,
};
pub use ids::{FdById, NextId, ObjGetInfoByFd};
pub use link::{
    Functions, IterCreate, IterTarget, LinkCreate, LinkDetach, LinkOptions, LinkUpdate, Place,
    RawTracepointOpen,
};
pub use map::{MapBtf, MapCreate, MapFreeze};
pub use misc::{EnableStats, TaskFdQuery, TokenCreate};
pub use pin::{ObjGet, ObjPin};
pub use prog::{Log, ProgBindMap, ProgBtf, ProgLoad, ProgStreamReadByFd, Signature};
pub use run::ProgTestRun;
pub(super) use show::{Attributes, Show, Value};

use super::Fd;
use crate::base::BpfCommand;

/// Declares the commands: variant, number, attributes.
macro_rules! commands {
    ($($variant:ident($attributes:ty) = $number:ident, $alias:literal;)*) => {
        /// One bpf(2) command and its attributes: `union bpf_attr`, with symbolic descriptors.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Command {
            $(
                #[doc = concat!("`", $alias, "`.")]
                #[doc(alias = $alias)]
                $variant($attributes),
            )*
        }

        impl Command {
            /// The kernel's number of the command.
            #[must_use]
            pub const fn number(&self) -> BpfCommand {
                match self { $(Self::$variant(_) => BpfCommand::$number,)* }
            }

            /// The kernel's name of the command, without `BPF_`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($number),)* }
            }

            pub(super) fn attributes(&self) -> &dyn Attributes {
                match self { $(Self::$variant(attributes) => attributes,)* }
            }
        }
    };
}

commands! {
    MapCreate(Box<MapCreate>) = MAP_CREATE, "BPF_MAP_CREATE";
    MapLookupElem(MapLookupElem) = MAP_LOOKUP_ELEM, "BPF_MAP_LOOKUP_ELEM";
    MapUpdateElem(MapUpdateElem) = MAP_UPDATE_ELEM, "BPF_MAP_UPDATE_ELEM";
    MapDeleteElem(MapDeleteElem) = MAP_DELETE_ELEM, "BPF_MAP_DELETE_ELEM";
    MapGetNextKey(MapGetNextKey) = MAP_GET_NEXT_KEY, "BPF_MAP_GET_NEXT_KEY";
    ProgLoad(Box<ProgLoad>) = PROG_LOAD, "BPF_PROG_LOAD";
    ObjPin(ObjPin) = OBJ_PIN, "BPF_OBJ_PIN";
    ObjGet(ObjGet) = OBJ_GET, "BPF_OBJ_GET";
    ProgAttach(ProgAttach) = PROG_ATTACH, "BPF_PROG_ATTACH";
    ProgDetach(ProgAttach) = PROG_DETACH, "BPF_PROG_DETACH";
    ProgTestRun(ProgTestRun) = PROG_TEST_RUN, "BPF_PROG_TEST_RUN";
    ProgGetNextId(NextId) = PROG_GET_NEXT_ID, "BPF_PROG_GET_NEXT_ID";
    MapGetNextId(NextId) = MAP_GET_NEXT_ID, "BPF_MAP_GET_NEXT_ID";
    ProgGetFdById(FdById) = PROG_GET_FD_BY_ID, "BPF_PROG_GET_FD_BY_ID";
    MapGetFdById(FdById) = MAP_GET_FD_BY_ID, "BPF_MAP_GET_FD_BY_ID";
    ObjGetInfoByFd(ObjGetInfoByFd) = OBJ_GET_INFO_BY_FD, "BPF_OBJ_GET_INFO_BY_FD";
    ProgQuery(ProgQuery) = PROG_QUERY, "BPF_PROG_QUERY";
    RawTracepointOpen(RawTracepointOpen) = RAW_TRACEPOINT_OPEN, "BPF_RAW_TRACEPOINT_OPEN";
    BtfLoad(BtfLoad) = BTF_LOAD, "BPF_BTF_LOAD";
    BtfGetFdById(FdById) = BTF_GET_FD_BY_ID, "BPF_BTF_GET_FD_BY_ID";
    TaskFdQuery(TaskFdQuery) = TASK_FD_QUERY, "BPF_TASK_FD_QUERY";
    MapLookupAndDeleteElem(MapLookupElem) = MAP_LOOKUP_AND_DELETE_ELEM, "BPF_MAP_LOOKUP_AND_DELETE_ELEM";
    MapFreeze(MapFreeze) = MAP_FREEZE, "BPF_MAP_FREEZE";
    BtfGetNextId(NextId) = BTF_GET_NEXT_ID, "BPF_BTF_GET_NEXT_ID";
    MapLookupBatch(MapLookupBatch) = MAP_LOOKUP_BATCH, "BPF_MAP_LOOKUP_BATCH";
    MapLookupAndDeleteBatch(MapLookupBatch) = MAP_LOOKUP_AND_DELETE_BATCH, "BPF_MAP_LOOKUP_AND_DELETE_BATCH";
    MapUpdateBatch(MapUpdateBatch) = MAP_UPDATE_BATCH, "BPF_MAP_UPDATE_BATCH";
    MapDeleteBatch(MapDeleteBatch) = MAP_DELETE_BATCH, "BPF_MAP_DELETE_BATCH";
    LinkCreate(LinkCreate) = LINK_CREATE, "BPF_LINK_CREATE";
    LinkUpdate(LinkUpdate) = LINK_UPDATE, "BPF_LINK_UPDATE";
    LinkGetFdById(FdById) = LINK_GET_FD_BY_ID, "BPF_LINK_GET_FD_BY_ID";
    LinkGetNextId(NextId) = LINK_GET_NEXT_ID, "BPF_LINK_GET_NEXT_ID";
    EnableStats(EnableStats) = ENABLE_STATS, "BPF_ENABLE_STATS";
    IterCreate(IterCreate) = ITER_CREATE, "BPF_ITER_CREATE";
    LinkDetach(LinkDetach) = LINK_DETACH, "BPF_LINK_DETACH";
    ProgBindMap(ProgBindMap) = PROG_BIND_MAP, "BPF_PROG_BIND_MAP";
    TokenCreate(TokenCreate) = TOKEN_CREATE, "BPF_TOKEN_CREATE";
    ProgStreamReadByFd(ProgStreamReadByFd) = PROG_STREAM_READ_BY_FD, "BPF_PROG_STREAM_READ_BY_FD";
}

impl Command {
    /// The descriptor it gives, where it gives one.
    #[must_use]
    pub fn out(&self) -> Option<Fd> {
        self.attributes().out()
    }

    /// The descriptor it is about: the one it gives, or the one it works on.
    #[must_use]
    pub fn about(&self) -> Option<Fd> {
        self.attributes().about()
    }

    /// The log settings of a command that can have a log.
    #[must_use]
    pub fn log(&self) -> Option<Log> {
        match self {
            Self::ProgLoad(load) => Some(load.log),
            Self::BtfLoad(load) => Some(load.log),
            _ => None,
        }
    }

    /// The same command with other log settings; unchanged where it has none.
    #[must_use]
    pub fn with_log(&self, log: Log) -> Self {
        let mut command = self.clone();
        match &mut command {
            Self::ProgLoad(load) => load.log = log,
            Self::BtfLoad(load) => load.log = log,
            _ => {}
        }
        command
    }
}
