//! What to do about a message of the verifier, for the messages we know. One flat table.

/// The hint for a reason (the message lines, separated by `\n`): the first row that matches any of its lines.
pub(crate) fn find(reason: &[u8]) -> Option<&'static str> {
    let hit = |pattern: &str| reason.split(|&b| b == b'\n').any(|line| matches(pattern, line));
    HINTS.iter().find(|(pattern, _)| hit(pattern)).map(|(_, hint)| *hint)
}

/// Whether the pattern's pieces (between `*`) stand in the line in this order, with anything around them.
fn matches(pattern: &str, line: &[u8]) -> bool {
    let mut rest = &line[..line.len().min(LONGEST_MESSAGE)];
    pattern.split('*').all(|piece| {
        let at = rest.windows(piece.len()).position(|w| w == piece.as_bytes());
        rest = at.map_or(&[], |at| &rest[at + piece.len()..]);
        at.is_some()
    })
}

/// Longer lines come from no kernel.
const LONGEST_MESSAGE: usize = 1024;

const GPL: &str = "give the object a licence the kernel counts as GPL-compatible: \"GPL\", \"GPL v2\", \"GPL and additional \
    rights\", \"Dual BSD/GPL\", \"Dual MIT/GPL\" or \"Dual MPL/GPL\"";
const NULL_CHECK: &str =
    "this pointer may be null: compare it with 0, and use it only on the path where it is not 0";
const VALUE_BOUNDS: &str = "the access reaches outside of what the pointer points to: check the offset and the size of the access against the size of the memory";
const FUNC_INFO: &str = "func_info needs one record for each function, in order of address, beginning at slot 0, each at \
    the first instruction of its function and with the id of a BTF FUNC";
const RESERVED: &str = "a field this instruction does not use must be 0";
const PERFMON: &str = "this needs CAP_PERFMON beside CAP_BPF: without it the verifier allows no such pointer arithmetic \
    and no leak of addresses";
const RETURN_RANGE: &str = "set R0 to a value in that range on every path to exit; what may be returned depends on the \
    kind of program and its attach type";
const TOO_NEW: &str = "this kernel does not know it: it came with a later kernel, or does not exist";
const UNREACHED: &str =
    "every instruction must be reachable: remove it, or bind the label that was meant to lead there";

/// Message pattern (`*` is anything) and hint; the more particular row stands first.
const HINTS: &[(&str, &str)] = &[
    // Timers.
    ("cannot call GPL-restricted function", GPL),
    ("cannot call kernel function from non-GPL compatible program", GPL),
    (
        "off * doesn't point to 'struct bpf_timer' that is at",
        "the pointer must hit the timer exactly: add the timer's offset inside the value to the value pointer, no more and no less",
    ),
    (
        "doesn't have constant offset. bpf_timer",
        "the verifier must know the timer's offset when it loads the program: add a constant, not a register",
    ),
    (
        "has to have BTF in order to use bpf_timer",
        "create the map with BTF for its key and value: the kernel finds the timer by the name of its type",
    ),
    (
        "has no valid bpf_timer",
        "the value's BTF must hold exactly one struct bpf_timer of 16 bytes, at a multiple of 8, not in a union, not behind a \
         typedef or const, not in an array of more than one; such a map can be created all the same, only its programs fail",
    ),
    (
        "timer pointer in R1 * doesn't match map pointer in R2",
        "bpf_timer_init must get the very map the timer lives in; for an inner map, the pointer the timer was looked up with",
    ),
    ("expected=map_ptr", "this argument is a map itself: load it with load_map"),
    (
        "R1 type=fp expected=map_value",
        "a timer, lock or other special field cannot live on the stack: it must be inside a map value",
    ),
    ("pointer arithmetic on *_or_null prohibited", NULL_CHECK),
    ("type=*_or_null expected=", NULL_CHECK),
    ("invalid mem access '*_or_null'", NULL_CHECK),
    ("type=* expected=func", "this argument is a function: load its address with load_function"),
    (
        "bpf_timer cannot be accessed directly by load/store",
        "only the timer helpers may touch the 16 bytes of a timer. Without CAP_PERFMON a pointer moved onto a timer counts as \
         such an access: keep the timer at offset 0 of the value, or load with CAP_PERFMON",
    ),
    (
        "cannot be accessed directly by load/store",
        "only its helpers may touch a special field; user space and programs see zeros there",
    ),
    (
        "function calls are not allowed while holding a lock",
        "unlock first: between bpf_spin_lock and bpf_spin_unlock nothing may be called",
    ),
    (
        "cannot be used inside bpf_spin_lock-ed region",
        "unlock on every path before this one leaves the locked region",
    ),
    ("At async callback return the register R0", "a timer callback must return exactly 0 on every path"),
    ("write to change key", "keys are read-only: copy the key to the stack and change the copy"),
    (
        "bpf_timer cannot be used for PREEMPT_RT",
        "this kernel is built with PREEMPT_RT and has no bpf_timer before 7.0",
    ),
    (
        "tracing progs cannot use bpf_timer yet",
        "before 7.0 tracing kinds (kprobe, tracepoint, perf event, raw tracepoint) may not even name a map with a timer: arm it \
         from another kind, such as SYSCALL or CGROUP_SKB",
    ),
    (
        "cannot use bpf_spin_lock yet",
        "this kind of program may not name a map with a spin lock: use the map from another kind",
    ),
    (
        "missing btf func_info",
        "a program with callbacks must be loaded with BTF and func_info for every function",
    ),
    ("callback function not static", "the callback's BTF FUNC must have linkage 0 (static)"),
    (
        "callback function cannot be the main program",
        "a callback must be a function of its own, not the entry",
    ),
    (
        "might sleep in a non-sleepable prog",
        "callbacks never sleep, and a program only if loaded with BPF_F_SLEEPABLE",
    ),
    (
        "sleepable helper * in non-sleepable",
        "callbacks never sleep, and a program only if loaded with BPF_F_SLEEPABLE",
    ),
    ("expected=ctx", "this helper needs the program's context in this argument; a callback has none"),
    (
        "BPF_LD_ABS|IND R6 != pointer to skb",
        "legacy packet loads need the context in R6; a callback has none",
    ),
    // Registers and returns.
    (
        "R0 !read_ok",
        "R0 is not set on this path: set it before exit; helpers set it, but a jump may have gone around them",
    ),
    (
        "!read_ok",
        "this register is not set on this path: R1 to R5 are lost by every call, a program begins with R1 alone, a timer callback \
         with R1, R2 and R3",
    ),
    ("At program exit the register R0", RETURN_RANGE),
    ("should have been in", RETURN_RANGE),
    ("frame pointer is read only", "R10 cannot be written: copy it to another register first"),
    ("leaks addr", PERFMON),
    ("prohibited for !root", PERFMON),
    ("R* is invalid", "there are only R0 to R10"),
    (
        "expected=fp",
        "this argument must point to initialised memory of the needed size, such as the stack or a map value",
    ),
    // Memory.
    (
        "invalid access to packet",
        "compare the packet pointer plus the size of the access with data_end, and access only where it is not beyond",
    ),
    (
        "unbounded memory access",
        "give the offset an upper bound the verifier can see: a comparison with a constant, or an AND with a mask",
    ),
    ("min value is negative", "the offset may be negative: use an unsigned comparison, or check for >= 0"),
    ("min value is outside of the allowed memory range", VALUE_BOUNDS),
    ("max value is outside of the allowed memory range", VALUE_BOUNDS),
    ("pointer be out of bounds", VALUE_BOUNDS),
    (
        "invalid mem access 'scalar'",
        "this is a number, not a pointer: a pointer that was loaded, masked or computed is one no longer",
    ),
    (
        "invalid bpf_context access",
        "the context of this kind of program has no such field, or it cannot be accessed with this size or written",
    ),
    ("misaligned stack access", "stack accesses must be aligned to their size"),
    ("misaligned", "the access must be aligned to its size"),
    (
        "invalid variable-offset * stack",
        "the stack can only be accessed at offsets within what was checked, and not beyond the frame",
    ),
    ("invalid write to stack", "the stack is the 512 bytes below R10: offsets -512 to -1"),
    (
        "invalid read from stack",
        "these stack bytes were not written before, or lie outside the 512 bytes below R10",
    ),
    ("invalid indirect", "these stack bytes must be written before a helper reads them"),
    ("pointer arithmetic with", "pointers can only be added to and subtracted from"),
    ("pointer += pointer prohibited", "one of the two operands must be a number"),
    ("32-bit pointer arithmetic prohibited", "use the 64-bit operation: the 32-bit one cuts the pointer"),
    ("32-bit pointer", "use the 64-bit operation: the 32-bit one cuts the pointer"),
    (
        "Unreleased reference",
        "release it on every path: submit or discard ring buffer records, release sockets and tasks",
    ),
    (
        "combined stack size of",
        "functions that call each other share 512 bytes of stack; a timer callback has its own",
    ),
    // Control flow.
    ("unreachable insn", UNREACHED),
    (
        "jump out of range",
        "jumps must stay inside their function; a jump to the very end of a function is out of it",
    ),
    ("jump into the middle of ldimm64", "a 64-bit immediate takes two slots: jump to the first"),
    ("last insn is not an exit or jmp", "every function must end with exit or an unconditional jump"),
    ("back-edge from insn", "loops need CAP_BPF and a bound the verifier can see (since 5.3), or bpf_loop"),
    (
        "infinite loop detected",
        "nothing changes from one round to the next: the loop needs a counter or condition that ends it",
    ),
    (
        "jumps is too complex",
        "too many paths are open at once: give loops smaller bounds, or use bpf_loop or may_goto",
    ),
    (
        "BPF program is too large",
        "the walk takes over a million instructions: use bpf_loop or may_goto, or split the program",
    ),
    ("call stack of * frames", "calls nest too deeply (8 frames; 16 since 7.2), or a function calls itself"),
    ("recursive call", "functions cannot call themselves, directly or through others"),
    ("call to invalid destination", "the call leads outside of the program"),
    // Instructions.
    ("unknown opcode", TOO_NEW),
    ("unknown insn class", TOO_NEW),
    ("uses reserved fields", RESERVED),
    ("invalid may_goto imm", RESERVED),
    ("unrecognized bpf_ld_imm64 insn", TOO_NEW),
    (
        "invalid atomic operand size",
        "there is no atomic operation of this kind on this size; 8 and 16 bits have only load_acquire and store_release",
    ),
    ("uses invalid atomic opcode", "there is no such atomic operation"),
    ("div by zero", "division by the constant 0"),
    ("invalid shift", "the distance must be smaller than the width: 0 to 31, or 0 to 63"),
    ("addr_space_cast insn can only be used", "the program must use an arena map"),
    // Helpers, kfuncs, maps.
    (
        "program of this type cannot use helper",
        "this kind of program does not have this helper, or the process lacks a capability it needs (CAP_BPF; CAP_PERFMON for tracing helpers)",
    ),
    ("invalid func unknown#", TOO_NEW),
    (
        "unknown func",
        "this kind of program does not have this helper, this kernel does not, or the process lacks CAP_BPF or CAP_PERFMON",
    ),
    (
        "Caller passes invalid args into",
        "a global function is checked by its BTF prototype alone: the arguments of the call must fit it",
    ),
    ("kernel btf_id", "the kfunc's BTF id is not of this kernel: ids differ from kernel to kernel"),
    ("calling kernel function * is not allowed", "this kind of program may not call this kfunc"),
    (
        "is not pointing to valid bpf_map",
        "the fd is closed or is not a map's; it must be open until the program is loaded",
    ),
    (
        "no direct value access support",
        "only array maps with one element, and arenas, can be addressed directly: look the value up",
    ),
    ("expected prog array map", "bpf_tail_call takes a map of type PROG_ARRAY"),
    ("Syscall programs can only be sleepable", "load SYSCALL programs with BPF_F_SLEEPABLE"),
    (
        "loading/calling other bpf or kernel functions are allowed for CAP_BPF",
        "functions, callbacks and kfuncs need CAP_BPF",
    ),
    // Program BTF.
    ("invalid type id * in func info", FUNC_INFO),
    ("number of funcs in func_info", FUNC_INFO),
    ("func_info BTF section doesn't match", FUNC_INFO),
    ("for the first func info record", FUNC_INFO),
    ("than previous func info record", FUNC_INFO),
    ("invalid func info rec size", FUNC_INFO),
    (
        "nonzero tailing record in func info",
        "this kernel knows fewer fields of func_info: send records of 8 bytes",
    ),
    (
        "missing bpf_line_info for",
        "line_info, if given, needs a record at the first instruction of every function",
    ),
    (
        "line_info[",
        "line_info records must be in order of address, point at instructions, and hold string offsets inside the BTF",
    ),
    // BTF_LOAD.
    (
        "Invalid func linkage",
        "functions have linkage 0 (static) or 1 (global); 2 (extern) is for object files only",
    ),
    ("Invalid name", "names are C identifiers; some kinds must have one, others must not"),
    ("exceeds struct_size", "the member does not fit into the size of its struct"),
    ("Invalid type_id", "the id names no type of this BTF, or one of a kind that cannot stand here"),
    ("No type found", "BTF needs at least one type"),
    ("Invalid magic", "BTF of the other byte order, or no BTF at all"),
    ("Invalid arg#", "every parameter of a function's prototype needs a name and a type with a size"),
];

#[cfg(test)]
mod tests {
    use super::{HINTS, find, matches};

    #[test]
    fn pieces_match_in_order() {
        assert!(matches("type=* expected=func", b"R2 type=scalar expected=func"));
        assert!(!matches("type=* expected=func", b"expected=func type=scalar"));
        assert!(!matches("abc", b""));
    }

    #[test]
    fn no_row_hides_behind_an_earlier_one() {
        for (i, (pattern, _)) in HINTS.iter().enumerate() {
            let line = pattern.replace('*', "x");
            let first = HINTS.iter().position(|(p, _)| matches(p, line.as_bytes()));
            assert_eq!(first, Some(i), "{pattern}");
        }
    }

    #[test]
    fn any_line_counts() {
        assert!(find(b"R1 type=scalar expected=fp\nunreachable insn 3").is_some());
        assert_eq!(find(b"something new"), None);
    }
}
