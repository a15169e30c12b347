//! What a program may ask about where and when it runs: the time, the CPU, the current task; and memory behind pointers.

use std::panic::Location;

use super::dynamic::{self, Arg, MapArg};
use super::func::Func;
use super::map::AsMap;
use super::place::Place;
use super::scalar::Operand;
use super::tail::{AsContext, need_kind};
use super::types::ScalarType;
use super::value::Value;
use crate::base::Helper;
use crate::btf::BtfType;
use crate::map::MapKind;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident -> $ty:ident $scalar:ident = $helper:ident;)*) => {
        /// What helpers without arguments tell, with types known at run time.
        impl<'f, R> dynamic::Func<'f, R> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self) -> dynamic::Value<'f> {
                self.call(Helper::$helper, &[]).value().convert(ScalarType::$scalar)
            })*
        }

        /// What helpers without arguments tell.
        impl<'f, R> Func<'f, R> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self) -> Value<'f, $ty> {
                self.dynamic().$name().typed()
            })*
        }
    };
}

numbers! {
    /// Nanoseconds since boot without the time asleep: `CLOCK_MONOTONIC` (C: `bpf_ktime_get_ns()`, since 4.1).
    #[doc(alias = "bpf_ktime_get_ns")]
    ktime_get_ns -> u64 U64 = KTIME_GET_NS;
    /// Nanoseconds since boot with the time asleep: `CLOCK_BOOTTIME` (C: `bpf_ktime_get_boot_ns()`, since 5.8).
    #[doc(alias = "bpf_ktime_get_boot_ns")]
    ktime_get_boot_ns -> u64 U64 = KTIME_GET_BOOT_NS;
    /// Nanoseconds of `CLOCK_MONOTONIC_COARSE`, which is cheaper and as exact as the tick (C: `bpf_ktime_get_coarse_ns()`, since 5.11).
    #[doc(alias = "bpf_ktime_get_coarse_ns")]
    ktime_get_coarse_ns -> u64 U64 = KTIME_GET_COARSE_NS;
    /// Nanoseconds of international atomic time, `CLOCK_TAI` (C: `bpf_ktime_get_tai_ns()`, since 6.1).
    #[doc(alias = "bpf_ktime_get_tai_ns")]
    ktime_get_tai_ns -> u64 U64 = KTIME_GET_TAI_NS;
    /// Ticks of the kernel, `HZ` of them a second (C: `bpf_jiffies64()`, since 5.6).
    #[doc(alias = "bpf_jiffies64")]
    jiffies64 -> u64 U64 = JIFFIES64;
    /// A random number (C: `bpf_get_prandom_u32()`, since 4.1).
    #[doc(alias = "bpf_get_prandom_u32")]
    get_prandom_u32 -> u32 U32 = GET_PRANDOM_U32;
    /// The number of the CPU this runs on (C: `bpf_get_smp_processor_id()`, since 4.1).
    #[doc(alias = "bpf_get_smp_processor_id")]
    get_smp_processor_id -> u32 U32 = GET_SMP_PROCESSOR_ID;
    /// The number of the memory node of this CPU (C: `bpf_get_numa_node_id()`, since 4.10).
    #[doc(alias = "bpf_get_numa_node_id")]
    get_numa_node_id -> u32 U32 = GET_NUMA_NODE_ID;
    /// The id of the current task's cgroup of version 2 (C: `bpf_get_current_cgroup_id()`, since 4.18).
    #[doc(alias = "bpf_get_current_cgroup_id")]
    get_current_cgroup_id -> u64 U64 = GET_CURRENT_CGROUP_ID;
    /// The process in the upper half, the thread in the lower one (C: `bpf_get_current_pid_tgid()`, since 4.2).
    #[doc(alias = "bpf_get_current_pid_tgid")]
    get_current_pid_tgid -> u64 U64 = GET_CURRENT_PID_TGID;
    /// The group in the upper half, the user in the lower one (C: `bpf_get_current_uid_gid()`, since 4.2).
    #[doc(alias = "bpf_get_current_uid_gid")]
    get_current_uid_gid -> u64 U64 = GET_CURRENT_UID_GID;
    /// The address of the current `task_struct`, for probe reads (C: `bpf_get_current_task()`, since 4.8).
    #[doc(alias = "bpf_get_current_task")]
    get_current_task -> u64 U64 = GET_CURRENT_TASK;
}

macro_rules! halves {
    ($($(#[$doc:meta])* $name:ident = $whole:ident >> $shift:literal;)*) => {
        /// Halves of what helpers tell, with types known at run time.
        impl<'f, R> dynamic::Func<'f, R> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self) -> dynamic::Value<'f> {
                (self.$whole() >> $shift).convert(ScalarType::U32)
            })*
        }

        /// Halves of what helpers tell.
        impl<'f, R> Func<'f, R> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self) -> Value<'f, u32> {
                self.dynamic().$name().typed()
            })*
        }
    };
}

halves! {
    /// The number of the current process, what user space calls its pid (C: `bpf_get_current_pid_tgid() >> 32`).
    current_tgid = get_current_pid_tgid >> 32;
    /// The number of the current thread, what user space calls its tid (C: `(__u32)bpf_get_current_pid_tgid()`).
    current_pid = get_current_pid_tgid >> 0;
    /// The user of the current task (C: `(__u32)bpf_get_current_uid_gid()`).
    current_uid = get_current_uid_gid >> 0;
    /// The group of the current task (C: `bpf_get_current_uid_gid() >> 32`).
    current_gid = get_current_uid_gid >> 32;
}

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident = $helper:ident;)*) => {
        /// Reads of memory behind addresses, with types known at run time.
        impl<'f, R> dynamic::Func<'f, R> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self, into: dynamic::Place<'f>, address: dynamic::Value<'f>) -> dynamic::Value<'f> {
                let size = Arg::number(i64::from(into.layout().size()));
                self.call(Helper::$helper, &[into.into(), size, address.into()]).value()
            })*
        }

        /// Reads of memory behind addresses.
        impl<'f, R> Func<'f, R> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name<T: BtfType>(
                self,
                into: &Place<'f, T>,
                address: impl Operand<'f, u64>,
            ) -> Value<'f, i64> {
                let address = dynamic::Value::new(self.brand(), address.datum(self.brand(), Location::caller()));
                self.dynamic().$name(into.dynamic(), address).typed()
            })*
        }
    };
}

reads! {
    /// Fills the place from an address of the kernel: 0 or a negative error number (C:
    /// `bpf_probe_read_kernel(&into, sizeof(into), address)`, since 5.5). The licence has to be compatible with the GPL.
    #[doc(alias = "bpf_probe_read_kernel")]
    probe_read_kernel = PROBE_READ_KERNEL;
    /// Fills the place from an address of the current process: 0 or a negative error number (C:
    /// `bpf_probe_read_user(&into, sizeof(into), address)`, since 5.5). The licence has to be compatible with the GPL.
    #[doc(alias = "bpf_probe_read_user")]
    probe_read_user = PROBE_READ_USER;
    /// Copies a string from an address of the kernel, as much as fits, with a 0 at its end: the bytes with the 0, or a negative error
    /// number (C: `bpf_probe_read_kernel_str(&into, sizeof(into), address)`, since 5.5). The licence has to be compatible with the GPL.
    #[doc(alias = "bpf_probe_read_kernel_str")]
    probe_read_kernel_str = PROBE_READ_KERNEL_STR;
    /// Copies a string from an address of the current process, as much as fits, with a 0 at its end: the bytes with the 0, or a
    /// negative error number (C: `bpf_probe_read_user_str(&into, sizeof(into), address)`, since 5.5). The licence has to be compatible with the GPL.
    #[doc(alias = "bpf_probe_read_user_str")]
    probe_read_user_str = PROBE_READ_USER_STR;
}

/// The current task's name and stack, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// Writes the name of the current task, of up to 15 bytes, with zeros behind it: 0 or a negative error number
    /// (`bpf_get_current_comm`, since 4.2).
    #[doc(alias = "bpf_get_current_comm")]
    #[track_caller]
    pub fn get_current_comm(self, into: dynamic::Place<'f>) -> dynamic::Value<'f> {
        let size = Arg::number(i64::from(into.layout().size()));
        self.call(Helper::GET_CURRENT_COMM, &[into.into(), size]).value()
    }

    /// The id of this stack in a map of stack traces, or a negative error number (`bpf_get_stackid`, since 4.6). The lowest 8 bits of
    /// `flags` say how many frames to skip.
    #[doc(alias = "bpf_get_stackid")]
    #[track_caller]
    pub fn get_stackid(
        self,
        context: dynamic::Place<'f>,
        stacks: MapArg<'f>,
        flags: dynamic::Value<'f>,
    ) -> dynamic::Value<'f> {
        let at = Location::caller();
        need_kind(self.brand(), stacks, &[MapKind::STACK_TRACE], "holds no stack traces", at);
        self.call(Helper::GET_STACKID, &[context.into(), stacks.into(), flags.into()]).value()
    }
}

/// The current task's name and stack.
impl<'f, R> Func<'f, R> {
    /// Writes the name of the current task, of up to 15 bytes, with zeros behind it: 0 or a negative error number (C:
    /// `bpf_get_current_comm(&into, sizeof(into))`, since 4.2).
    #[doc(alias = "bpf_get_current_comm")]
    #[track_caller]
    pub fn get_current_comm<const N: usize>(self, into: &Place<'f, [u8; N]>) -> Value<'f, i64> {
        self.dynamic().get_current_comm(into.dynamic()).typed()
    }

    /// The id of this stack in a map of stack traces, or a negative error number (C: `bpf_get_stackid(ctx, &stacks, flags)`, since 4.6).
    /// The lowest 8 bits of `flags` say how many frames to skip.
    #[doc(alias = "bpf_get_stackid")]
    #[track_caller]
    pub fn get_stackid<K, V>(
        self,
        context: impl AsContext<'f>,
        stacks: impl AsMap<'f, K, V>,
        flags: impl Operand<'f, u64>,
    ) -> Value<'f, i64> {
        let (brand, at) = (self.brand(), Location::caller());
        let flags = dynamic::Value::new(brand, flags.datum(brand, at));
        let stacks = stacks.map_arg(brand, at);
        self.dynamic().get_stackid(context.context_place(), stacks, flags).typed()
    }
}
