//! Programs as Rust closures: typed values and structured control flow, with registers allocated.

mod context;
pub mod dynamic;
mod error;
mod flow;
mod func;
mod function;
// The front does not call all of it yet.
#[allow(dead_code)]
mod ir;
mod kinds;
#[allow(dead_code)]
mod lower;
mod map;
mod opt;
mod place;
mod program;
mod record;
mod scalar;
mod timer;
mod types;
mod value;
mod verdict;

pub use crate::base::flags::ElemFlags as UpdateFlags;
pub use crate::base::{Clock, Errno, TimerFlags};
pub use crate::object::MapRef as Map;
pub use context::{Context, DynamicContext};
pub use dynamic::{Cond, MaybeNull};
pub use error::Error;
pub use flow::{Diverges, End, Exit, IntoReturn, Jump, Merge, Switch};
pub use func::{Func, LoopRange};
pub use function::{CallArgs, Callback, Function, Params};
pub use kinds::{
    CgroupBind, CgroupDevice, CgroupEgress, CgroupSkb, CgroupSock, CgroupSockAddr, CgroupSockName,
    CgroupSockopt, CgroupSysctl, Ext, Fentry, FlowDissector, FmodRet, Iter, Kind, Kprobe, LircMode2, Lsm,
    LsmCgroup, LwtIn, LwtOut, LwtSeg6Local, LwtXmit, Netfilter, PerfEvent, ProbeSession, RawTracepoint,
    ReturnType, SchedAct, SchedCls, SkLookup, SkMsg, SkReuseport, SkSkb, SockOps, SocketFilter, StreamParser,
    StructOps, Syscall, TpBtf, Tracepoint, Xdp,
};
pub use map::{AsMap, MapParam};
pub use place::{AsPtr, Checked, Index, Place, Ro, Rw};
pub use program::{CallbackEnd, ProgramEnd};
pub use scalar::{NegErrno, Number, Operand, Readable, Scalar};
pub use timer::IntoNanos;
pub use value::{Value, Var};
pub use verdict::{
    Bind, Dissection, Egress, IterStep, LwtAction, NfAction, Proceed, Session, SkAction, SockOpsReply,
    TcAction, Traced, Verdict, XdpAction,
};
