//! Programs as Rust closures: typed values and structured control flow, with registers allocated.
//!
//! ```
//! use bpfsmith::dsl::{Xdp, XdpAction};
//! use bpfsmith::map::MapSpec;
//! use bpfsmith::object::ObjectBuilder;
//!
//! let mut object = ObjectBuilder::new("count").license("GPL");
//! let packets = object.map(MapSpec::array::<u64>("packets").max_entries(1));
//! object.program("count", Xdp::XDP, |f, _ctx| {
//!     let key = f.local(0u32);
//!     let count = f.map_lookup(&packets, &key).or_return(XdpAction::ABORTED);
//!     count.set(count.get() + 1);
//!     f.if_(count.get().gt(1000), || f.return_(XdpAction::DROP));
//!     f.return_(XdpAction::PASS)
//! });
//! let object = object.finish()?;
//! # Ok::<(), bpfsmith::object::ObjectError>(())
//! ```
//!
//! The closure runs once, when the program is recorded: what Rust decides (an `if`, a `for`) decides what is recorded, what [`Func`]
//! decides ([`if_`](Func::if_), [`for_`](Func::for_)) is decided when the program runs. All handles are `Copy`. A handle of one
//! function does not fit another; the compiler says so as `borrowed data escapes outside of closure`:
//!
//! ```compile_fail,E0521
//! # use bpfsmith::dsl::{Xdp, XdpAction};
//! # let mut object = bpfsmith::object::ObjectBuilder::new("test");
//! let mut kept = None;
//! object.program("one", Xdp::XDP, |f, _| {
//!     kept = Some(f.val(1u32));
//!     f.return_(XdpAction::PASS)
//! });
//! ```
//! ```
//! # use bpfsmith::dsl::{Xdp, XdpAction};
//! # let mut object = bpfsmith::object::ObjectBuilder::new("test");
//! let mut kept = None;
//! object.program("one", Xdp::XDP, |f, _| {
//!     kept = Some(1u32);
//!     f.return_(XdpAction::PASS)
//! });
//! # assert_eq!(kept, Some(1));
//! ```
//!
//! # Two layers
//! What is above has Rust types: the key of a map is a place of the key's type, and a program returns a verdict of its kind. Under
//! it lies [`dynamic`], where types are known at run time: fields of places and contexts by name, any helper by its number. Handles
//! of one layer give those of the other (`dynamic()`, `typed()`), and control flow is the same for both.
//!
//! # Mistakes
//! What types do not exclude is kept with its line and returned by [`ObjectBuilder::finish`](crate::object::ObjectBuilder::finish), which
//! also runs [`check`](crate::check::check) over the whole object: what the kernel would refuse for sure is an error.

mod atomic;
mod bytes;
mod context;
mod current;
pub mod dynamic;
mod error;
mod eval;
mod fields;
mod flow;
mod func;
mod function;
mod global;
mod inline_asm;
mod ir;
mod iterate;
mod kinds;
mod lock;
mod lower;
mod map;
mod opt;
mod packet;
mod place;
mod printk;
mod program;
mod record;
mod ringbuf;
mod scalar;
mod tail;
mod timer;
mod types;
mod value;
mod verdict;

pub use crate::base::flags::{ElemFlags as UpdateFlags, RingbufFlags};
pub use crate::base::{Clock, Errno, TimerFlags};
pub use crate::object::MapRef as Map;
pub use crate::object::{Constant, Global};
pub use atomic::Atomic;
pub use context::{Context, DynamicContext};
pub use dynamic::{Cond, MaybeNull};
pub use error::Error;
pub use flow::{Diverges, End, Exit, IntoReturn, Jump, Merge, Switch};
pub use func::{Func, LoopRange};
pub use function::{CallArgs, Callback, Function, Params};
pub use inline_asm::{InlineAsm, Output, Outputs};
pub use iterate::{LoopCallback, LoopContext, LoopEnd};
pub use kinds::{
    CgroupBind, CgroupDevice, CgroupEgress, CgroupSkb, CgroupSock, CgroupSockAddr, CgroupSockName,
    CgroupSockopt, CgroupSysctl, Ext, Fentry, FlowDissector, FmodRet, Iter, Kind, Kprobe, LircMode2, Lsm,
    LsmCgroup, LwtIn, LwtOut, LwtSeg6Local, LwtXmit, Netfilter, PerfEvent, ProbeSession, RawTracepoint,
    ReturnType, SchedAct, SchedCls, SkLookup, SkMsg, SkReuseport, SkSkb, SockOps, SocketFilter, StreamParser,
    StructOps, Syscall, TpBtf, Tracepoint, Xdp,
};
pub use map::{AsMap, MapParam};
pub use packet::{DynamicPacket, Packet, PacketKind};
pub use place::{AsPtr, Checked, Index, Place, PlaceVar, Ro, Rw};
pub use printk::PrintArgs;
pub use program::{CallbackEnd, ProgramEnd};
pub use ringbuf::RingbufQuery;
pub use scalar::{NegErrno, Number, Operand, Readable, Scalar};
pub use tail::AsContext;
pub use timer::IntoNanos;
pub use value::{Value, Var};
pub use verdict::{
    Bind, Dissection, Egress, IterStep, LoopFlow, LwtAction, NfAction, Proceed, Session, SkAction,
    SockOpsReply, TcAction, Traced, Verdict, XdpAction,
};
