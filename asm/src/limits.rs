//! Limits of the kernel by name, each with its source; as of Linux 6.12 unless it says otherwise.
//!
//! A limit that moved has a constant for each value it has had since.

/// Slots of a program that a task without `CAP_BPF` may load; before Linux 5.2 for every task.
///
/// Source: `BPF_MAXINSNS`, include/uapi/linux/bpf_common.h.
#[doc(alias = "BPF_MAXINSNS")]
pub const INSNS_UNPRIVILEGED: u32 = 4096;

/// Slots of a program, and instructions the verifier looks at on all of its paths, loaded with `CAP_BPF`. Since
/// Linux 5.2.
///
/// Source: `BPF_COMPLEXITY_LIMIT_INSNS`, include/linux/bpf.h.
#[doc(alias = "BPF_COMPLEXITY_LIMIT_INSNS")]
pub const INSNS: u32 = 1_000_000;

/// Bytes of stack of one function, and of all the functions that call one another together.
///
/// Source: `MAX_BPF_STACK`, include/linux/filter.h.
#[doc(alias = "MAX_BPF_STACK")]
pub const STACK_BYTES: u32 = 512;

/// Functions of a program, its entry among them.
///
/// Source: `BPF_MAX_SUBPROGS`, include/linux/bpf_verifier.h.
#[doc(alias = "BPF_MAX_SUBPROGS")]
pub const SUBPROGS: u32 = 256;

/// Functions that call one another at any time, the entry among them; 16 since Linux 7.2.
///
/// Source: `MAX_CALL_FRAMES`, include/linux/bpf_verifier.h.
#[doc(alias = "MAX_CALL_FRAMES")]
pub const CALL_FRAMES: u32 = 8;

/// Functions that call one another at any time, the entry among them, since Linux 7.2.
///
/// Source: `MAX_CALL_FRAMES`, include/linux/bpf_verifier.h.
#[doc(alias = "MAX_CALL_FRAMES")]
pub const CALL_FRAMES_7_2: u32 = 16;

/// Tail calls of one run of a program.
///
/// Source: `MAX_TAIL_CALL_CNT`, include/linux/bpf.h.
#[doc(alias = "MAX_TAIL_CALL_CNT")]
pub const TAIL_CALLS: u32 = 33;

/// Arguments that a call passes in registers.
///
/// Source: `MAX_BPF_FUNC_REG_ARGS`, include/linux/bpf.h.
#[doc(alias = "MAX_BPF_FUNC_REG_ARGS")]
pub const REGISTER_ARGUMENTS: u32 = 5;

/// Arguments that a kernel function can have.
///
/// Source: `MAX_BPF_FUNC_ARGS`, include/linux/bpf.h.
#[doc(alias = "MAX_BPF_FUNC_ARGS")]
pub const ARGUMENTS: u32 = 12;

/// Rounds of one `bpf_loop` and of one open-coded iterator.
///
/// Source: `BPF_MAX_LOOPS`, include/linux/bpf.h.
#[doc(alias = "BPF_MAX_LOOPS")]
pub const LOOPS: u32 = 8 * 1024 * 1024;

/// Branches the verifier remembers to come back to.
///
/// Source: `BPF_COMPLEXITY_LIMIT_JMP_SEQ`, kernel/bpf/verifier.c.
#[doc(alias = "BPF_COMPLEXITY_LIMIT_JMP_SEQ")]
pub const JUMP_SEQUENCE: u32 = 8192;

/// The most that is added to a pointer, in bytes, either way.
///
/// Source: `BPF_MAX_VAR_OFF`, include/linux/bpf_verifier.h.
#[doc(alias = "BPF_MAX_VAR_OFF")]
pub const VARIABLE_OFFSET: u32 = 1 << 29;

/// Maps that one program uses.
///
/// Source: `MAX_USED_MAPS`, include/linux/bpf_verifier.h.
#[doc(alias = "MAX_USED_MAPS")]
pub const USED_MAPS: u32 = 64;

/// BTF objects that one program uses.
///
/// Source: `MAX_USED_BTFS`, include/linux/bpf_verifier.h.
#[doc(alias = "MAX_USED_BTFS")]
pub const USED_BTFS: u32 = 64;

/// Kernel functions that one program calls.
///
/// Source: `MAX_KFUNC_DESCS`, kernel/bpf/verifier.c.
#[doc(alias = "MAX_KFUNC_DESCS")]
pub const KFUNCS: u32 = 256;

/// Modules that one program calls functions of.
///
/// Source: `MAX_KFUNC_BTFS`, kernel/bpf/verifier.c.
#[doc(alias = "MAX_KFUNC_BTFS")]
pub const KFUNC_BTFS: u32 = 256;

/// Bytes of the name of a program or map, the NUL at its end among them.
///
/// Source: `BPF_OBJ_NAME_LEN`, include/uapi/linux/bpf.h.
#[doc(alias = "BPF_OBJ_NAME_LEN")]
pub const OBJ_NAME_BYTES: usize = 16;

/// Bytes of a licence, the NUL at its end among them.
///
/// Source: kernel/bpf/syscall.c.
pub const LICENSE_BYTES: usize = 128;

/// Bytes of the tag of a program.
///
/// Source: `BPF_TAG_SIZE`, include/uapi/linux/bpf.h.
#[doc(alias = "BPF_TAG_SIZE")]
pub const TAG_BYTES: usize = 8;

/// Bytes of the name of a kernel symbol, the NUL at its end among them; a name in BTF is no longer either.
///
/// Source: `KSYM_NAME_LEN`, include/linux/kallsyms.h.
#[doc(alias = "KSYM_NAME_LEN")]
pub const SYMBOL_NAME_BYTES: usize = 512;

/// Arguments of `bpf_trace_vprintk`, `bpf_snprintf` and `bpf_seq_printf`.
///
/// Source: `MAX_BPRINTF_VARARGS`, include/linux/bpf.h.
#[doc(alias = "MAX_BPRINTF_VARARGS")]
pub const PRINT_ARGUMENTS: u32 = 12;

/// Bytes of BTF that can be loaded.
///
/// Source: `BTF_MAX_SIZE`, kernel/bpf/btf.c.
#[doc(alias = "BTF_MAX_SIZE")]
pub const BTF_BYTES: u32 = 16 * 1024 * 1024;

/// The highest type id of BTF.
///
/// Source: `BTF_MAX_TYPE`, include/uapi/linux/btf.h.
#[doc(alias = "BTF_MAX_TYPE")]
pub const BTF_TYPES: u32 = 0x000f_ffff;

/// The highest offset of a name in the strings of BTF.
///
/// Source: `BTF_MAX_NAME_OFFSET`, include/uapi/linux/btf.h.
#[doc(alias = "BTF_MAX_NAME_OFFSET")]
pub const BTF_NAME_OFFSET: u32 = 0x00ff_ffff;

/// Types that refer to one another in a row, as BTF is checked.
///
/// Source: `MAX_RESOLVE_DEPTH`, kernel/bpf/btf.c.
#[doc(alias = "MAX_RESOLVE_DEPTH")]
pub const BTF_NESTING: u32 = 32;

/// Bytes of one record of func_info, line_info or CO-RE relocations.
///
/// Source: `MAX_FUNCINFO_REC_SIZE`, kernel/bpf/verifier.c.
#[doc(alias = "MAX_FUNCINFO_REC_SIZE")]
pub const RECORD_BYTES: u32 = 252;

/// Bytes of the verifier's log buffer.
///
/// Source: kernel/bpf/log.c.
pub const LOG_BYTES: u32 = u32::MAX / 4;
