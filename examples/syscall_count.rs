//! Counts the system calls of the whole machine for a second, by their number, and prints them, the most frequent first.
//!
//! The program sits on the raw tracepoint `sys_enter`, whose second argument is the number. Each CPU counts for itself in a
//! per-CPU hash map, so that none waits for another; user space adds up.
//!
//! In the simulator nobody calls the system: the program is run on calls made up for it.

pub(crate) mod support;

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use bpfsmith::backend::{Backend, Input};
use bpfsmith::dsl::{RawTracepoint, UpdateFlags};
use bpfsmith::link::RawTracepointLink;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use nix::libc;
use support::Running;

fn main() -> Result<(), Box<dyn Error>> {
    let mut running = Running::start(&object()?)?;
    match &mut running {
        Running::Kernel(kernel) => {
            let _link = RawTracepointLink::attach(kernel.loaded().program("count")?, "sys_enter")?;
            sleep(Duration::from_secs(1));
            println!("calls of all processes in a second:");
        }
        Running::Simulator(simulated) => {
            for (number, times) in [(libc::SYS_read, 5), (libc::SYS_write, 3), (libc::SYS_close, 1)] {
                for _ in 0..times {
                    simulated.run("count", &Input::context(&context(number.cast_unsigned())))?;
                }
            }
            println!("calls made up:");
        }
    }
    for (number, count) in counts(&mut running)?.iter().take(20) {
        println!("{count:>10}  {number:>4}  {}", name(*number));
    }
    Ok(())
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("syscall_count").license("GPL");
    let counts = object.map(MapSpec::percpu_hash::<u64, u64>("counts").max_entries(1024));

    object.program("count", RawTracepoint::RAW, |f, ctx| {
        let number = f.local(ctx.arg(1));
        f.map_lookup(&counts, &number).if_some(|count| {
            count.set(count.get() + 1);
            f.return_(0)
        });
        f.map_update(&counts, &number, &f.local(1u64), UpdateFlags::ANY);
        f.return_(0)
    });
    object.finish()
}

/// Every number with its count on all CPUs, the most frequent first.
pub(crate) fn counts(running: &mut Running) -> Result<Vec<(u64, u64)>, Box<dyn Error>> {
    let counts = running.entries_per_cpu::<u64, u64>("counts")?.into_iter();
    let mut counts: Vec<(u64, u64)> = counts.map(|(number, each)| (number, each.iter().sum())).collect();
    counts.sort_by_key(|&(number, count)| (std::cmp::Reverse(count), number));
    Ok(counts)
}

/// The arguments of `sys_enter`: the registers of the caller, and the number.
pub(crate) fn context(number: u64) -> Vec<u8> {
    [0, number].iter().flat_map(|argument: &u64| argument.to_ne_bytes()).collect()
}

macro_rules! names {
    ($number:ident: $($name:ident = $constant:ident)*) => {
        match $number.cast_signed() {
            $(libc::$constant => stringify!($name),)*
            _ => "",
        }
    };
}

/// The names of frequent calls that every architecture has.
fn name(number: u64) -> &'static str {
    names! { number:
        read = SYS_read write = SYS_write openat = SYS_openat close = SYS_close lseek = SYS_lseek mmap = SYS_mmap
        mprotect = SYS_mprotect munmap = SYS_munmap madvise = SYS_madvise brk = SYS_brk ioctl = SYS_ioctl
        pread64 = SYS_pread64 pwrite64 = SYS_pwrite64 readv = SYS_readv writev = SYS_writev statx = SYS_statx
        fstat = SYS_fstat readlinkat = SYS_readlinkat getdents64 = SYS_getdents64 faccessat = SYS_faccessat
        unlinkat = SYS_unlinkat renameat2 = SYS_renameat2 ftruncate = SYS_ftruncate fsync = SYS_fsync fcntl = SYS_fcntl
        dup = SYS_dup dup3 = SYS_dup3 pipe2 = SYS_pipe2 ppoll = SYS_ppoll epoll_ctl = SYS_epoll_ctl
        epoll_pwait = SYS_epoll_pwait futex = SYS_futex nanosleep = SYS_nanosleep clock_nanosleep = SYS_clock_nanosleep
        clock_gettime = SYS_clock_gettime clone = SYS_clone clone3 = SYS_clone3 execve = SYS_execve wait4 = SYS_wait4
        exit = SYS_exit exit_group = SYS_exit_group kill = SYS_kill getpid = SYS_getpid gettid = SYS_gettid
        sched_yield = SYS_sched_yield rt_sigaction = SYS_rt_sigaction rt_sigprocmask = SYS_rt_sigprocmask
        rt_sigreturn = SYS_rt_sigreturn socket = SYS_socket connect = SYS_connect accept4 = SYS_accept4
        sendto = SYS_sendto recvfrom = SYS_recvfrom sendmsg = SYS_sendmsg recvmsg = SYS_recvmsg
        getrandom = SYS_getrandom prctl = SYS_prctl rseq = SYS_rseq bpf = SYS_bpf
    }
}
