//! One row a way to call a helper, its arguments well-formed, or wrong in ways that only the run shows.

use bpfsmith::asm::Reg::{self, R0, R1, R2, R3, R4, R5, R6, R7, R8};
use bpfsmith::asm::{Helper as H, Size};
use bpfsmith::kind::ProgramKind;

use crate::generate::{DYNPTR, Maker, SCRATCH, assembler};

/// A helper, the map it works on, and how it is called.
pub struct Row {
    pub helper: H,
    pub map: Option<&'static str>,
    pub emit: fn(&mut Maker<'_>, &Row),
}

const fn row(helper: H, emit: fn(&mut Maker<'_>, &Row)) -> Row {
    Row { helper, map: None, emit }
}

const fn on(helper: H, map: &'static str, emit: fn(&mut Maker<'_>, &Row)) -> Row {
    Row { helper, map: Some(map), emit }
}

/// What is not compared, and why.
pub const MASKED: &[(H, &str)] = &[
    (H::KTIME_GET_NS, "its result is the time"),
    (H::KTIME_GET_BOOT_NS, "its result is the time"),
    (H::KTIME_GET_COARSE_NS, "its result is the time"),
    (H::KTIME_GET_TAI_NS, "its result is the time"),
    (H::JIFFIES64, "its result is the time"),
    (H::GET_PRANDOM_U32, "its result is random"),
    (H::GET_CURRENT_TASK, "its result is an address"),
    (H::GET_CURRENT_CGROUP_ID, "which cgroup the test runs in is not the machine's to know"),
    (H::GET_CURRENT_ANCESTOR_CGROUP_ID, "only levels that no cgroup has are compared"),
    (H::GET_SOCKET_COOKIE, "its result depends on who asked before"),
    (H::GET_NETNS_COOKIE, "its result depends on who asked before"),
    (H::SKB_CGROUP_ID, "the cgroup of a test run's socket is the kernel's default"),
    (H::SKB_ANCESTOR_CGROUP_ID, "only levels that no cgroup has are compared"),
    (H::SK_CGROUP_ID, "the cgroup of a test run's socket is the kernel's default"),
    (H::SK_ANCESTOR_CGROUP_ID, "only levels that no cgroup has are compared"),
];

/// Helpers of the simulator that need not be hit, and why.
pub const LEFT_OUT: &[(H, &str)] = &[
    (H::KPTR_XCHG, "needs pointers that only kfuncs give"),
    (H::PROBE_WRITE_USER, "kernels that are locked down refuse it"),
];

pub const ROWS: &[&[Row]] = &[MAPS, NUMBERS, MEMORY, RINGS, CALLS, SKB, XDP, TASKS];

const MAPS: &[Row] = &[
    on(H::MAP_LOOKUP_ELEM, "array", lookup),
    on(H::MAP_LOOKUP_ELEM, "hash", lookup),
    on(H::MAP_LOOKUP_ELEM, "percpu_array", lookup),
    on(H::MAP_LOOKUP_ELEM, "percpu_hash", lookup),
    on(H::MAP_LOOKUP_ELEM, "lru", lookup),
    on(H::MAP_LOOKUP_ELEM, "lru_percpu", lookup),
    on(H::MAP_LOOKUP_ELEM, "trie", lookup),
    on(H::MAP_LOOKUP_ELEM, "array_of_maps", lookup_inner),
    on(H::MAP_LOOKUP_ELEM, "hash_of_maps", lookup_inner),
    on(H::MAP_LOOKUP_ELEM, "devmap", lookup_plain),
    on(H::MAP_LOOKUP_ELEM, "devmap_hash", lookup_plain),
    on(H::MAP_LOOKUP_ELEM, "xskmap", lookup_plain),
    on(H::MAP_UPDATE_ELEM, "array", update),
    on(H::MAP_UPDATE_ELEM, "hash", update),
    on(H::MAP_UPDATE_ELEM, "percpu_array", update),
    on(H::MAP_UPDATE_ELEM, "percpu_hash", update),
    on(H::MAP_UPDATE_ELEM, "lru", update),
    on(H::MAP_UPDATE_ELEM, "lru_percpu", update),
    on(H::MAP_UPDATE_ELEM, "trie", update),
    on(H::MAP_DELETE_ELEM, "array", delete),
    on(H::MAP_DELETE_ELEM, "hash", delete),
    on(H::MAP_DELETE_ELEM, "percpu_array", delete),
    on(H::MAP_DELETE_ELEM, "percpu_hash", delete),
    on(H::MAP_DELETE_ELEM, "lru", delete),
    on(H::MAP_DELETE_ELEM, "lru_percpu", delete),
    on(H::MAP_DELETE_ELEM, "trie", delete),
    on(H::MAP_DELETE_ELEM, "sockmap", delete),
    on(H::MAP_DELETE_ELEM, "sockhash", delete),
    on(H::MAP_PUSH_ELEM, "queue", push),
    on(H::MAP_PUSH_ELEM, "stack", push),
    on(H::MAP_PUSH_ELEM, "bloom", push),
    on(H::MAP_POP_ELEM, "queue", pop),
    on(H::MAP_POP_ELEM, "stack", pop),
    on(H::MAP_PEEK_ELEM, "queue", peek),
    on(H::MAP_PEEK_ELEM, "stack", peek),
    on(H::MAP_PEEK_ELEM, "bloom", peek),
    on(H::MAP_LOOKUP_PERCPU_ELEM, "percpu_array", lookup_of_cpu),
    on(H::MAP_LOOKUP_PERCPU_ELEM, "percpu_hash", lookup_of_cpu),
    on(H::MAP_LOOKUP_PERCPU_ELEM, "lru_percpu", lookup_of_cpu),
    on(H::GET_LOCAL_STORAGE, "cgroup_storage", local_storage),
    on(H::GET_LOCAL_STORAGE, "percpu_cgroup_storage", local_storage),
    on(H::SK_STORAGE_GET, "sk_storage", sk_storage),
    on(H::SK_STORAGE_DELETE, "sk_storage", sk_storage),
    on(H::TASK_STORAGE_GET, "task_storage", task_storage),
    on(H::TASK_STORAGE_DELETE, "task_storage", task_storage),
    on(H::SPIN_LOCK, "locked", lock),
    on(H::SPIN_UNLOCK, "locked", lock),
    on(H::TIMER_INIT, "timers", timer),
    on(H::TIMER_SET_CALLBACK, "timers", timer),
    on(H::TIMER_START, "timers", timer),
    on(H::TIMER_CANCEL, "timers", timer),
];

/// A key in the scratch space; now and then one that no map has.
fn key(m: &mut Maker<'_>, map: &str) {
    if map == "trie" {
        let bits = m.random.pick(&[0, 8, 16, 24, 32, 33]);
        let bytes = m.random.pick(&[0_u32, 0xff, 0xff80, 0x80, 0x0102_0380]);
        m.a.st(Size::W, Reg::FP, SCRATCH, bits).st(Size::W, Reg::FP, SCRATCH + 4, bytes.cast_signed());
    } else {
        let key = m.random.below(KEYS as usize + 2) as i32;
        m.a.st(Size::W, Reg::FP, SCRATCH, key);
    }
}

/// Keys below this one are tried.
pub const KEYS: u32 = 8;

fn with_key(m: &mut Maker<'_>, row: &Row) {
    let map = row.map.unwrap_or("array");
    key(m, map);
    m.with_map(R1, map).scratch(R2, 0);
}

/// Reads and changes the value that `r0` points to, if it points to one.
fn touch(m: &mut Maker<'_>) {
    let none = m.label();
    m.a.jeq(R0, 0, none).ldx(Size::DW, R1, R0, 0);
    m.note(R1);
    m.a.ldx(Size::W, R1, R0, 12);
    m.note(R1);
    m.any(R1);
    match m.random.below(3) {
        0 => m.a.stx(Size::DW, R0, 0, R1),
        1 => m.a.fetch_add(Size::DW, R0, 8, R1),
        _ => m.a.st(Size::H, R0, 3, 0x1234),
    };
    m.a.bind(none);
}

fn lookup(m: &mut Maker<'_>, row: &Row) {
    with_key(m, row);
    m.a.call(row.helper);
    touch(m);
}

fn lookup_inner(m: &mut Maker<'_>, row: &Row) {
    m.uses("array");
    with_key(m, row);
    let none = m.label();
    m.a.call(row.helper).jeq(R0, 0, none);
    m.a.mov(R1, R0);
    key(m, "array");
    m.scratch(R2, 0);
    m.a.call(row.helper);
    touch(m);
    m.a.bind(none);
}

fn lookup_plain(m: &mut Maker<'_>, row: &Row) {
    with_key(m, row);
    let none = m.label();
    m.a.call(row.helper).jeq(R0, 0, none).mov(R0, 1).bind(none);
    m.note(R0);
}

fn update(m: &mut Maker<'_>, row: &Row) {
    m.fill(16, 16);
    with_key(m, row);
    m.scratch(R3, 16).one_of(R4, &[0, 0, 0, 1, 2, 3, 4]).call(row.helper);
}

fn delete(m: &mut Maker<'_>, row: &Row) {
    with_key(m, row);
    m.call(row.helper);
}

/// Numbers are few, so that filters are asked for what they hold.
fn small(m: &mut Maker<'_>) {
    let number = m.random.below(12) as u64;
    m.put(16, number).put(24, 0);
}

fn push(m: &mut Maker<'_>, row: &Row) {
    small(m);
    m.with_map(R1, row.map.unwrap_or("queue")).scratch(R2, 16).one_of(R3, &[0, 0, 0, 2, 1, 4]);
    m.call(row.helper);
}

fn pop(m: &mut Maker<'_>, row: &Row) {
    small(m);
    m.with_map(R1, row.map.unwrap_or("queue")).scratch(R2, 16).call(row.helper).note_scratch(16);
}

fn peek(m: &mut Maker<'_>, row: &Row) {
    pop(m, row);
}

fn lookup_of_cpu(m: &mut Maker<'_>, row: &Row) {
    with_key(m, row);
    m.one_of(R3, &[0, 0, 1, 1000, -1]);
    m.a.call(row.helper);
    touch(m);
}

fn local_storage(m: &mut Maker<'_>, row: &Row) {
    m.with_map(R1, row.map.unwrap_or("cgroup_storage"));
    m.a.mov(R2, 0).call(row.helper);
    touch(m);
}

/// The socket of the context in `r1`; jumps where there is none.
fn socket(m: &mut Maker<'_>, none: bpfsmith::asm::Label) {
    m.a.ldx(Size::DW, R1, R6, 168).jeq(R1, 0, none);
}

fn sk_storage(m: &mut Maker<'_>, row: &Row) {
    m.fill(16, 16);
    let none = m.label();
    socket(m, none);
    m.a.call(H::SK_FULLSOCK).jeq(R0, 0, none).mov(R2, R0);
    storage(m, row, H::SK_STORAGE_GET);
    m.a.bind(none);
}

fn task_storage(m: &mut Maker<'_>, row: &Row) {
    m.fill(16, 16);
    m.a.call(H::GET_CURRENT_TASK_BTF).mov(R2, R0);
    storage(m, row, H::TASK_STORAGE_GET);
}

fn storage(m: &mut Maker<'_>, row: &Row, get: H) {
    m.with_map(R1, row.map.unwrap_or("task_storage"));
    if row.helper == get {
        if m.random.one_in(2) {
            m.a.mov(R3, 0);
        } else {
            m.scratch(R3, 16);
        }
        m.one_of(R4, &[0, 1, 1]);
        m.a.call(row.helper);
        touch(m);
    } else {
        m.call(row.helper);
    }
}

fn lock(m: &mut Maker<'_>, row: &Row) {
    m.a.st(Size::W, Reg::FP, SCRATCH, 0);
    m.with_map(R1, row.map.unwrap_or("locked")).scratch(R2, 0);
    let none = m.label();
    m.a.call(H::MAP_LOOKUP_ELEM).jeq(R0, 0, none).mov(R8, R0).mov(R1, R0).call(H::SPIN_LOCK);
    m.a.ldx(Size::DW, R2, R8, 8).add(R2, 3).stx(Size::DW, R8, 8, R2).mov(R1, R8).call(H::SPIN_UNLOCK);
    m.a.bind(none);
}

/// None of these timers fires while the test runs.
fn timer(m: &mut Maker<'_>, row: &Row) {
    let callback = returning(m, 0);
    key(m, "timers");
    m.with_map(R1, "timers").scratch(R2, 0);
    let none = m.label();
    m.a.call(H::MAP_LOOKUP_ELEM).jeq(R0, 0, none).mov(R1, R0).add(R1, 8);
    match row.helper {
        H::TIMER_INIT => {
            m.with_map(R2, "timers").one_of(R3, &[0, 1, 7]);
        }
        H::TIMER_SET_CALLBACK => {
            m.a.load_function(R2, callback);
        }
        H::TIMER_START => {
            m.one_of(R2, &[1 << 50, 1 << 60]).one_of(R3, &[0, 0, 2, 4]);
        }
        _ => {}
    }
    m.call(row.helper);
    m.a.bind(none);
}

/// A function that notes its first argument, if it is a number, and returns a number.
fn returning(m: &mut Maker<'_>, number: i32) -> String {
    let mut a = assembler();
    a.mov(R0, number).exit();
    m.add_function(a.finish())
}

const NUMBERS: &[Row] = &[
    row(H::KTIME_GET_NS, quiet),
    row(H::KTIME_GET_BOOT_NS, quiet),
    row(H::KTIME_GET_COARSE_NS, quiet),
    row(H::KTIME_GET_TAI_NS, quiet),
    row(H::JIFFIES64, quiet),
    row(H::GET_PRANDOM_U32, quiet),
    row(H::GET_SMP_PROCESSOR_ID, plain),
    row(H::GET_NUMA_NODE_ID, plain),
    row(H::CSUM_DIFF, csum_diff),
    row(H::STRTOL, number_of_text),
    row(H::STRTOUL, number_of_text),
    on(H::STRNCMP, "text", compare_text),
];

fn quiet(m: &mut Maker<'_>, row: &Row) {
    m.a.call(row.helper);
}

fn plain(m: &mut Maker<'_>, row: &Row) {
    m.call(row.helper);
}

fn csum_diff(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 32);
    m.scratch(R1, 0).one_of(R2, &[0, 4, 8, 12, 2]).scratch(R3, 16).one_of(R4, &[0, 4, 8, 16, 3]).any(R5);
    m.call(row.helper);
}

fn text(m: &mut Maker<'_>, offset: i32, texts: &[&str]) {
    let mut bytes = m.random.pick(texts).as_bytes().to_vec();
    bytes.resize(24, 0);
    for (at, word) in (0..).step_by(8).zip(bytes.chunks_exact(8)) {
        m.put(offset + at, word.try_into().map_or(0, u64::from_le_bytes));
    }
}

fn number_of_text(m: &mut Maker<'_>, row: &Row) {
    text(
        m,
        0,
        &["42", "-17", " 0x1f", "017", "x", "", "99999999999999999999", "-9223372036854775808", "0xg"],
    );
    m.put(32, 7);
    m.scratch(R1, 0).one_of(R2, &[24, 8, 1, 2]).one_of(R3, &[0, 8, 10, 16, 5]).scratch(R4, 32);
    m.call(row.helper).note_scratch(32);
}

fn compare_text(m: &mut Maker<'_>, row: &Row) {
    text(m, 0, &["%d %u", "%d", "", "a", "%d %x %s"]);
    m.scratch(R1, 0).one_of(R2, &[1, 3, 8, 24]);
    m.a.load_map_value(R3, "text", 0);
    m.call(row.helper);
}

const MEMORY: &[Row] = &[
    row(H::TRACE_PRINTK, printk),
    row(H::TRACE_VPRINTK, vprintk),
    on(H::SNPRINTF, "text", snprintf),
    row(H::PROBE_READ, probe),
    row(H::PROBE_READ_KERNEL, probe),
    row(H::PROBE_READ_USER, probe),
    row(H::PROBE_READ_STR, probe),
    row(H::PROBE_READ_KERNEL_STR, probe),
    row(H::PROBE_READ_USER_STR, probe),
    row(H::COPY_FROM_USER, probe_nowhere),
    row(H::PROBE_WRITE_USER, write_nowhere),
    row(H::DYNPTR_FROM_MEM, dynptr),
    row(H::DYNPTR_READ, dynptr),
    row(H::DYNPTR_WRITE, dynptr),
    row(H::DYNPTR_DATA, dynptr),
];

fn printk(m: &mut Maker<'_>, row: &Row) {
    text(m, 0, &["%d %x", "%u", "none", "%lld %d %d"]);
    m.scratch(R1, 0).one_of(R2, &[24, 12]).any(R3).any(R4).any(R5).call(row.helper);
}

fn vprintk(m: &mut Maker<'_>, row: &Row) {
    text(m, 0, &["%d %x", "%u", "none", "%lld %d %d"]);
    m.fill(32, 32);
    m.scratch(R1, 0).one_of(R2, &[24, 12]).scratch(R3, 32).one_of(R4, &[0, 8, 16, 24, 12]).call(row.helper);
}

fn snprintf(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 64);
    m.scratch(R1, 0).one_of(R2, &[1, 8, 24, 32]);
    m.a.load_map_value(R3, "text", 0);
    m.scratch(R4, 32);
    m.a.mov(R5, 16);
    m.call(row.helper).note_scratch(0).note_scratch(8).note_scratch(16);
}

fn probe(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 32);
    m.scratch(R1, 0).one_of(R2, &[1, 3, 8, 16]);
    if m.random.one_in(3) {
        m.a.mov(R3, 8);
    } else {
        m.scratch(R3, 16);
    }
    m.call(row.helper).note_scratch(0).note_scratch(8);
}

fn probe_nowhere(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 16);
    m.scratch(R1, 0).one_of(R2, &[1, 3, 8, 16]);
    m.a.mov(R3, 8);
    m.call(row.helper).note_scratch(0);
}

fn write_nowhere(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 16);
    m.a.mov(R1, 8);
    m.scratch(R2, 0).one_of(R3, &[1, 8]).call(row.helper);
}

fn dynptr(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 16);
    m.a.mov(R1, R7).add(R1, 128);
    m.one_of(R2, &[32, 16, 40]).one_of(R3, &[0]);
    m.a.mov(R4, Reg::FP).add(R4, DYNPTR);
    m.call(H::DYNPTR_FROM_MEM);
    let offset = [0, 3, 8, 24, 30, 40, -1];
    match row.helper {
        H::DYNPTR_READ => {
            m.scratch(R1, 0).one_of(R2, &[1, 8, 16]);
            m.a.mov(R3, Reg::FP).add(R3, DYNPTR);
            m.one_of(R4, &offset).one_of(R5, &[0, 0, 1]).call(row.helper).note_scratch(0).note_scratch(8);
        }
        H::DYNPTR_WRITE => {
            m.a.mov(R1, Reg::FP).add(R1, DYNPTR);
            m.one_of(R2, &offset)
                .scratch(R3, 0)
                .one_of(R4, &[1, 8, 16])
                .one_of(R5, &[0, 0, 1])
                .call(row.helper);
        }
        H::DYNPTR_DATA => {
            let none = m.label();
            m.a.mov(R1, Reg::FP).add(R1, DYNPTR);
            m.one_of(R2, &offset);
            m.a.mov(R3, 8).call(row.helper).jeq(R0, 0, none).ldx(Size::DW, R0, R0, 0).bind(none);
            m.note(R0);
        }
        _ => {}
    }
}

const RINGS: &[Row] = &[
    on(H::RINGBUF_OUTPUT, "ring", ring_output),
    on(H::RINGBUF_RESERVE, "ring", ring_reserve),
    on(H::RINGBUF_SUBMIT, "ring", ring_reserve),
    on(H::RINGBUF_DISCARD, "ring", ring_reserve),
    on(H::RINGBUF_QUERY, "ring", ring_query),
    on(H::RINGBUF_RESERVE_DYNPTR, "ring", ring_dynptr),
    on(H::RINGBUF_SUBMIT_DYNPTR, "ring", ring_dynptr),
    on(H::RINGBUF_DISCARD_DYNPTR, "ring", ring_dynptr),
    on(H::PERF_EVENT_OUTPUT, "perf", perf_output),
    on(H::USER_RINGBUF_DRAIN, "user_ring", drain),
];

fn ring_output(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 32);
    m.with_map(R1, "ring")
        .scratch(R2, 0)
        .one_of(R3, &[1, 8, 20, 32])
        .one_of(R4, &[0, 1, 2, 3, 4])
        .call(row.helper);
}

fn ring_reserve(m: &mut Maker<'_>, row: &Row) {
    let none = m.label();
    m.with_map(R1, "ring");
    m.a.mov(R2, 16).mov(R3, 0).call(H::RINGBUF_RESERVE).jeq(R0, 0, none).mov(R1, R0);
    m.a.st(Size::DW, R0, 0, 5).st(Size::DW, R0, 8, 6);
    let end = if row.helper == H::RINGBUF_DISCARD { H::RINGBUF_DISCARD } else { H::RINGBUF_SUBMIT };
    m.one_of(R2, &[0, 1, 2]);
    m.a.call(end).bind(none);
}

fn ring_query(m: &mut Maker<'_>, row: &Row) {
    m.with_map(R1, "ring").one_of(R2, &[0, 1, 2, 3, 4, 9]).call(row.helper);
}

fn ring_dynptr(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 16);
    m.with_map(R1, "ring").one_of(R2, &[16, 1, 5000, 0]).one_of(R3, &[0, 0, 1]);
    m.a.mov(R4, Reg::FP).add(R4, DYNPTR);
    m.call(H::RINGBUF_RESERVE_DYNPTR);
    m.a.mov(R1, Reg::FP).add(R1, DYNPTR).mov(R2, 0);
    m.scratch(R3, 0);
    m.a.mov(R4, 16).mov(R5, 0);
    m.call(H::DYNPTR_WRITE);
    m.a.mov(R1, Reg::FP).add(R1, DYNPTR);
    let discard = row.helper == H::RINGBUF_DISCARD_DYNPTR;
    m.one_of(R2, &[0, 1, 2]);
    m.a.call(if discard { H::RINGBUF_DISCARD_DYNPTR } else { H::RINGBUF_SUBMIT_DYNPTR });
}

fn perf_output(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 16);
    m.with_context().with_map(R2, "perf").one_of(R3, &[0, 1, 0xffff_ffff, 5000]).scratch(R4, 0);
    m.a.mov(R5, 16);
    m.call(row.helper);
}

fn drain(m: &mut Maker<'_>, row: &Row) {
    let callback = returning(m, 0);
    m.with_map(R1, "user_ring");
    m.a.load_function(R2, callback);
    m.scratch(R3, 0).one_of(R4, &[0, 1, 2, 8]).call(row.helper);
}

const CALLS: &[Row] = &[
    row(H::LOOP, repeat),
    on(H::FOR_EACH_MAP_ELEM, "array", for_each),
    on(H::FOR_EACH_MAP_ELEM, "hash", for_each),
    on(H::FOR_EACH_MAP_ELEM, "percpu_array", for_each),
    on(H::FOR_EACH_MAP_ELEM, "percpu_hash", for_each),
    on(H::FOR_EACH_MAP_ELEM, "lru", for_each),
    on(H::FOR_EACH_MAP_ELEM, "lru_percpu", for_each),
    on(H::TAIL_CALL, "programs", tail_call),
];

fn repeat(m: &mut Maker<'_>, row: &Row) {
    let mut a = assembler();
    let last = m.random.below(6) as i32;
    let end = a.label();
    a.load_map_value(R3, "notes", 128).fetch_add(Size::DW, R3, 0, R1).atomic_xor(Size::W, R2, 4, R1);
    a.mov(R0, 0).jne(R1, last, end).mov(R0, 1).bind(end).exit();
    let callback = m.add_function(a.finish());
    m.fill(0, 8).one_of(R1, &[0, 1, 3, 5, 20, 0x80_0001]);
    m.a.load_function(R2, callback);
    m.scratch(R3, 0).one_of(R4, &[0, 0, 0, 1]).call(row.helper).note_scratch(0);
}

/// What is summed up does not depend on the order.
fn for_each(m: &mut Maker<'_>, row: &Row) {
    let mut a = assembler();
    a.ldx(Size::W, R2, R2, 0)
        .ldx(Size::DW, R3, R3, 8)
        .add(R3, R2)
        .fetch_add(Size::DW, R4, 0, R3)
        .mov(R0, 0)
        .exit();
    let callback = m.add_function(a.finish());
    m.fill(0, 8).with_map(R1, row.map.unwrap_or("array"));
    m.a.load_function(R2, callback);
    m.scratch(R3, 0).one_of(R4, &[0, 0, 0, 1]).call(row.helper).note_scratch(0);
}

fn tail_call(m: &mut Maker<'_>, row: &Row) {
    m.with_context().with_map(R2, "programs");
    if m.random.one_in(2) {
        m.one_of(R3, &[0, 1, 2, 5, -1]);
    } else {
        m.any(R3);
        m.a.and(R3, 3);
    }
    // Where the call fails, the kernel leaves anything in r0.
    m.a.call(row.helper);
}

const SKB: &[Row] = &[
    row(H::L3_CSUM_REPLACE, csum_replace),
    row(H::L4_CSUM_REPLACE, csum_replace),
    row(H::CSUM_UPDATE, with_number),
    row(H::CSUM_LEVEL, with_small),
    row(H::SKB_LOAD_BYTES, load_bytes),
    row(H::SKB_LOAD_BYTES_RELATIVE, load_relative),
    row(H::SKB_STORE_BYTES, store_bytes),
    row(H::SKB_PULL_DATA, with_length),
    row(H::SKB_CHANGE_TYPE, with_small),
    row(H::GET_HASH_RECALC, hash),
    row(H::SET_HASH, with_number),
    row(H::SET_HASH_INVALID, with_small),
    row(H::SKB_SET_TSTAMP, with_small_pair),
    row(H::GET_CGROUP_CLASSID, with_small),
    row(H::SKB_CGROUP_CLASSID, with_small),
    row(H::GET_ROUTE_REALM, with_small),
    row(H::GET_SOCKET_UID, with_small),
    row(H::GET_SOCKET_COOKIE, with_context_quiet),
    row(H::GET_NETNS_COOKIE, with_context_quiet),
    row(H::SKB_CGROUP_ID, with_context_quiet),
    row(H::SKB_ANCESTOR_CGROUP_ID, ancestor_of_skb),
    row(H::SK_CGROUP_ID, of_socket_quiet),
    row(H::SK_ANCESTOR_CGROUP_ID, ancestor_of_socket),
    row(H::SK_FULLSOCK, of_socket),
    row(H::TCP_SOCK, of_socket),
    row(H::GET_LISTENER_SOCK, of_socket),
    row(H::SKB_CHANGE_HEAD, change_head),
    row(H::SKB_CHANGE_TAIL, with_length),
    row(H::SKB_CHANGE_PROTO, change_proto),
    row(H::SKB_ADJUST_ROOM, adjust_room),
    row(H::SKB_VLAN_PUSH, vlan_push),
    row(H::SKB_VLAN_POP, with_small),
    row(H::REDIRECT, redirect),
    row(H::REDIRECT_PEER, redirect),
    row(H::REDIRECT_NEIGH, redirect_neigh),
    row(H::CLONE_REDIRECT, clone_redirect),
    row(H::FIB_LOOKUP, fib_lookup),
];

fn csum_replace(m: &mut Maker<'_>, row: &Row) {
    let flags = [0, 2, 4, 0x10, 0x12, 0x14, 0x20, 0x22, 0x80, 0x100];
    m.with_context()
        .one_of(R2, &[24, 16, 40, 52, 23, 0x1_0000])
        .any(R3)
        .any(R4)
        .one_of(R5, &flags)
        .call(row.helper);
}

/// A hash that was set: the kernel computes others with a random number of its own.
fn hash(m: &mut Maker<'_>, row: &Row) {
    m.with_context()
        .one_of(R2, &[1, 0x1234_5678, 0xffff_ffff])
        .call(H::SET_HASH)
        .with_context()
        .call(row.helper);
}

fn with_number(m: &mut Maker<'_>, row: &Row) {
    m.with_context().any(R2).call(row.helper);
}

fn with_small(m: &mut Maker<'_>, row: &Row) {
    m.with_context().one_of(R2, &[0, 1, 2, 3, 4]).call(row.helper);
}

fn with_small_pair(m: &mut Maker<'_>, row: &Row) {
    m.with_context().one_of(R2, &[0, 5, 1 << 40]).one_of(R3, &[0, 1, 2, 3]).call(row.helper);
}

fn with_length(m: &mut Maker<'_>, row: &Row) {
    m.with_context()
        .one_of(R2, &[0, 14, 20, 30, 50, 90, 300, 5000, 20_000])
        .one_of(R3, &[0, 0, 0, 1])
        .call(row.helper);
}

fn with_context_quiet(m: &mut Maker<'_>, row: &Row) {
    m.with_context().a.call(row.helper);
}

fn ancestor_of_skb(m: &mut Maker<'_>, row: &Row) {
    m.with_context().one_of(R2, &[1000, -1]).call(row.helper);
}

/// A socket for a helper, whose answer is noted as null or not.
fn with_socket(m: &mut Maker<'_>, row: &Row, full: bool, level: bool, noted: bool) {
    let none = m.label();
    socket(m, none);
    if full {
        m.a.call(H::SK_FULLSOCK).jeq(R0, 0, none).mov(R1, R0);
    }
    if level {
        m.one_of(R2, &[1000, -1]);
    }
    m.a.call(row.helper);
    if noted {
        let null = m.label();
        m.a.jeq(R0, 0, null).mov(R0, 1).bind(null);
        m.note(R0);
    }
    m.a.bind(none);
}

fn of_socket(m: &mut Maker<'_>, row: &Row) {
    let full = m.random.one_in(2);
    with_socket(m, row, full, false, true);
}

fn of_socket_quiet(m: &mut Maker<'_>, row: &Row) {
    with_socket(m, row, true, false, false);
}

fn ancestor_of_socket(m: &mut Maker<'_>, row: &Row) {
    with_socket(m, row, true, true, false);
}

fn bytes(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 16);
    m.with_context().one_of(R2, &[0, 2, 14, 20, 38, 50, 60, 0x1_0000, -1]).scratch(R3, 0);
    m.one_of(R4, &[1, 3, 8, 16]);
    let _ = row;
}

fn load_bytes(m: &mut Maker<'_>, row: &Row) {
    bytes(m, row);
    m.call(row.helper).note_scratch(0).note_scratch(8);
}

fn load_relative(m: &mut Maker<'_>, row: &Row) {
    bytes(m, row);
    m.one_of(R5, &[0, 1, 2]).call(row.helper).note_scratch(0).note_scratch(8);
}

fn store_bytes(m: &mut Maker<'_>, row: &Row) {
    bytes(m, row);
    m.one_of(R5, &[0, 1, 2, 3, 4]).call(row.helper);
}

fn change_head(m: &mut Maker<'_>, row: &Row) {
    m.with_context().one_of(R2, &[0, 4, 14, 60, 20_000, -1]).one_of(R3, &[0, 0, 0, 1]).call(row.helper);
}

fn change_proto(m: &mut Maker<'_>, row: &Row) {
    let protocols = [0x0800_u16, 0x86dd, 0x8100].map(|number| i64::from(number.to_be()));
    m.with_context().one_of(R2, &protocols).one_of(R3, &[0, 0, 1]).call(row.helper);
}

fn adjust_room(m: &mut Maker<'_>, row: &Row) {
    let flags = [0, 1, 2, 4, 6, 8, 0x10, 0x18, 0x20, 0x40, 0x80, 0x100, 0x200, 0x102];
    m.with_context()
        .one_of(R2, &[8, 20, -8, -20, 4, 0, 0x1000, -0x1000])
        .one_of(R3, &[0, 1, 2])
        .one_of(R4, &flags);
    m.call(row.helper);
}

fn vlan_push(m: &mut Maker<'_>, row: &Row) {
    let protocols = [0x8100_u16, 0x88a8, 0x1234].map(|number| i64::from(number.to_be()));
    m.with_context().one_of(R2, &protocols).one_of(R3, &[0, 1, 5, 0x1fff, 0x1_0007]).call(row.helper);
}

fn redirect(m: &mut Maker<'_>, row: &Row) {
    m.a.mov(R1, 1);
    m.one_of(R2, &[0, 1, 2, 1 << 16]).call(row.helper);
}

fn redirect_neigh(m: &mut Maker<'_>, row: &Row) {
    m.a.mov(R1, 1).mov(R2, 0).mov(R3, 0);
    m.one_of(R4, &[0, 1]).call(row.helper);
}

/// Nothing is sent: the flags are wrong, or there is no such interface.
fn clone_redirect(m: &mut Maker<'_>, row: &Row) {
    m.with_context();
    if m.random.one_in(2) {
        m.a.mov(R2, 1).mov(R3, 2);
    } else {
        m.a.mov(R2, 0).mov(R3, 0);
    }
    m.call(row.helper);
}

/// A family that no routes are kept of.
fn fib_lookup(m: &mut Maker<'_>, row: &Row) {
    for offset in (0..64).step_by(8) {
        m.put(offset, 0);
    }
    m.with_context().scratch(R2, 0).one_of(R3, &[64, 8]).one_of(R4, &[0, 1, 1 << 20]).call(row.helper);
}

const XDP: &[Row] = &[
    row(H::XDP_ADJUST_HEAD, move_end),
    row(H::XDP_ADJUST_TAIL, move_end),
    row(H::XDP_ADJUST_META, move_end),
    row(H::XDP_LOAD_BYTES, load_bytes),
    row(H::XDP_STORE_BYTES, load_bytes),
    row(H::XDP_GET_BUFF_LEN, with_small),
    on(H::REDIRECT_MAP, "devmap", redirect_map),
    on(H::REDIRECT_MAP, "devmap_hash", redirect_map),
    on(H::REDIRECT_MAP, "cpumap", redirect_map),
    on(H::REDIRECT_MAP, "xskmap", redirect_map),
];

fn move_end(m: &mut Maker<'_>, row: &Row) {
    let by = [4, 8, -4, -8, 5, -20, 20, -200, -300, 40, 300, 3400, 4000, 0];
    m.with_context().one_of(R2, &by).call(row.helper);
}

fn redirect_map(m: &mut Maker<'_>, row: &Row) {
    m.with_map(R1, row.map.unwrap_or("devmap")).one_of(R2, &[0, 3, 9]).one_of(R3, &[0, 1, 2, 3, 4, 8]);
    m.call(row.helper);
}

const TASKS: &[Row] = &[
    row(H::GET_CURRENT_PID_TGID, plain),
    row(H::GET_CURRENT_UID_GID, plain),
    row(H::GET_CURRENT_COMM, comm),
    row(H::GET_CURRENT_TASK, quiet),
    row(H::GET_CURRENT_TASK_BTF, quiet),
    row(H::GET_CURRENT_CGROUP_ID, quiet),
    row(H::GET_CURRENT_ANCESTOR_CGROUP_ID, ancestor),
    row(H::GET_NS_CURRENT_PID_TGID, namespace),
    row(H::SEND_SIGNAL, signal),
    row(H::SEND_SIGNAL_THREAD, signal),
];

fn comm(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 24);
    m.scratch(R1, 0).one_of(R2, &[1, 4, 8, 16, 20]).call(row.helper);
    m.note_scratch(0).note_scratch(8).note_scratch(16);
}

fn ancestor(m: &mut Maker<'_>, row: &Row) {
    m.one_of(R1, &[1000, -1]).call(row.helper);
}

fn namespace(m: &mut Maker<'_>, row: &Row) {
    m.fill(0, 8);
    m.a.mov(R1, 0).mov(R2, 0);
    m.scratch(R3, 0).one_of(R4, &[8]).call(row.helper).note_scratch(0);
}

/// Signal 0 only asks whether one could be sent.
fn signal(m: &mut Maker<'_>, row: &Row) {
    m.one_of(R1, &[0, 65, -1]).call(row.helper);
}

/// Kinds that programs are made of.
pub const KINDS: [ProgramKind; 6] = [
    ProgramKind::SYSCALL,
    ProgramKind::XDP,
    ProgramKind::SCHED_CLS,
    ProgramKind::SOCKET_FILTER,
    ProgramKind::CGROUP_SKB_EGRESS,
    ProgramKind::RAW_TRACEPOINT,
];
