//! Small maps and programs to try the calls on.

use bpfsmith::sys::map::Create;
use bpfsmith::sys::prog::Load;
use bpfsmith::sys::{Log, MapFd, ProgFd, map, prog};

pub const HASH: u32 = 1;
pub const ARRAY: u32 = 2;
pub const PERCPU_HASH: u32 = 5;
pub const PERCPU_ARRAY: u32 = 6;
pub const QUEUE: u32 = 22;
pub const RINGBUF: u32 = 27;

pub const SOCKET_FILTER: u32 = 1;
pub const CGROUP_SKB: u32 = 8;
pub const TRACING: u32 = 26;
pub const SYSCALL: u32 = 31;

pub const CGROUP_INET_EGRESS: u32 = 1;
pub const TRACE_ITER: u32 = 28;
pub const SLEEPABLE: u32 = 1 << 4;

pub fn create(map_type: u32, key_size: u32, value_size: u32, max_entries: u32) -> MapFd {
    map::create(&Create {
        map_type,
        key_size,
        value_size,
        max_entries,
        name: b"sample",
        ..Default::default()
    })
    .unwrap()
}

/// One instruction in the byte order of this machine.
pub fn insn(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> [u8; 8] {
    let registers = if cfg!(target_endian = "little") { src << 4 | dst } else { dst << 4 | src };
    let [off0, off1] = off.to_ne_bytes();
    let [imm0, imm1, imm2, imm3] = imm.to_ne_bytes();
    [opcode, registers, off0, off1, imm0, imm1, imm2, imm3]
}

/// `r0 = value; exit`
pub fn returns(value: i32) -> Vec<u8> {
    [insn(0xb7, 0, 0, 0, value), insn(0x95, 0, 0, 0, 0)].concat()
}

pub fn load(prog_type: u32, expected_attach_type: u32, insns: &[u8]) -> ProgFd {
    let flags = if prog_type == SYSCALL { SLEEPABLE } else { 0 };
    let program = Load {
        prog_type,
        expected_attach_type,
        flags,
        insns,
        license: c"GPL",
        name: b"sample",
        ..Default::default()
    };
    prog::load(&program, &mut Log::none()).unwrap()
}

/// BTF of one `int`.
pub fn int_btf() -> Vec<u8> {
    let mut btf = Vec::new();
    btf.extend(0xeb9fu16.to_ne_bytes());
    btf.extend([1, 0]);
    for word in [24u32, 0, 16, 16, 5] {
        btf.extend(word.to_ne_bytes());
    }
    for word in [1u32, 1 << 24, 4, 1 << 24 | 32] {
        btf.extend(word.to_ne_bytes());
    }
    btf.extend(b"\0int\0");
    btf
}
