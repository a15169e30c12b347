//! What programs that trace may do with their contexts (kernel/trace/bpf_trace.c), and the rest.

use super::layouts;
use super::rules::Rules;

/// `kprobe_prog_is_valid_access`.
pub(super) static KPROBE: Rules = Rules::read_only(&layouts::PT_REGS);

/// `tp_prog_is_valid_access`.
pub(super) static TRACEPOINT: Rules = Rules::read_only(&layouts::TRACEPOINT);

/// `pe_prog_is_valid_access`.
pub(super) static PERF_EVENT: Rules = Rules::read_only(&layouts::PERF_EVENT);

/// `raw_tp_prog_is_valid_access`.
pub(super) static RAW_TRACEPOINT: Rules = Rules::read_only(&layouts::RAW_TRACEPOINT);

/// `raw_tp_writable_prog_is_valid_access`.
pub(super) static RAW_TRACEPOINT_WRITABLE: Rules = Rules::read_only(&layouts::RAW_TRACEPOINT_WRITABLE);

/// `syscall_prog_is_valid_access`.
pub(super) static SYSCALL: Rules = Rules::read_only(&layouts::SYSCALL).writing(&["args"]);

/// `lirc_mode2_is_valid_access`.
pub(super) static LIRC_MODE2: Rules = Rules::read_only(&layouts::LIRC_MODE2);

/// `bpf_tracing_btf_ctx_access`.
pub(super) static ARGUMENTS: Rules = Rules::read_only(&layouts::ARGUMENTS);

/// `lsm_verifier_ops`, kernel/bpf/bpf_lsm.c: `btf_ctx_access` and nothing more.
pub(super) static LSM: Rules = Rules::read_only(&layouts::HOOK_ARGUMENTS);

/// `bpf_extension_verifier_ops`.
pub(super) static EXT: Rules = Rules::read_only(&layouts::EXT);
