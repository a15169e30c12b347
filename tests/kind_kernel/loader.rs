//! Loads small programs of one kind.

use std::collections::BTreeMap;

use bpfsmith::asm::{Assembler, Reg};
use bpfsmith::base::{Endian, Errno};
use bpfsmith::btf::{Kind as BtfKind, View};
use bpfsmith::kind::{ProgType, ProgramKind};
use bpfsmith::program::ProgramFlags;
use bpfsmith::sys::abi::LogLevel;
use bpfsmith::sys::{Log, host, prog};

/// The kinds, those together that differ only in how they are attached.
pub fn that_load_alike() -> Vec<Vec<ProgramKind>> {
    let mut groups: BTreeMap<_, Vec<ProgramKind>> = BTreeMap::new();
    for &kind in ProgramKind::ALL {
        let attach = kind.expected_attach_type().map(|attach| attach.0);
        let key = (kind.prog_type().0, attach, kind.sleepable(), kind.xdp_frags());
        groups.entry(key).or_default().push(kind);
    }
    groups.into_values().collect()
}

pub struct Loader {
    pub kind: ProgramKind,
    /// A type in the kernel's BTF that programs of the kind can attach to.
    target: u32,
}

/// What the kernel says of a program.
pub struct Verdict {
    pub result: Result<(), Errno>,
    pub log: String,
}

impl Verdict {
    pub fn is_taken(&self) -> bool {
        self.result.is_ok()
    }
}

impl Loader {
    pub fn new(kind: ProgramKind) -> Result<Self, String> {
        Ok(Self { kind, target: target(kind)? })
    }

    /// The kernel's verdict on what `body` assembles; a legal return comes after it.
    pub fn try_body(&self, body: impl FnOnce(&mut Assembler)) -> Verdict {
        let legal = self.legal_return();
        self.try_program(|a| {
            body(a);
            a.mov(Reg::R0, legal).exit();
        })
    }

    /// What programs of the kind may return; of a security hook, which tells itself what it takes, no error.
    pub fn legal_return(&self) -> i32 {
        match self.kind.return_range() {
            Some(range) if !range.contains(&1) => *range.start(),
            None if self.kind.prog_type() == ProgType::LSM => 0,
            _ => 1,
        }
    }

    pub fn try_program(&self, program: impl FnOnce(&mut Assembler)) -> Verdict {
        let mut a = Assembler::new();
        program(&mut a);
        self.try_bytes(&a.finish().unwrap().encode(Endian::NATIVE))
    }

    pub fn try_bytes(&self, insns: &[u8]) -> Verdict {
        self.try_logged(insns, 1)
    }

    /// As [`try_body`](Self::try_body); the log tells the registers after every instruction.
    pub fn trace_body(&self, body: impl FnOnce(&mut Assembler)) -> Verdict {
        let mut a = Assembler::new();
        body(&mut a);
        a.mov(Reg::R0, self.legal_return()).exit();
        self.try_logged(&a.finish().unwrap().encode(Endian::NATIVE), 2)
    }

    fn try_logged(&self, insns: &[u8], level: u32) -> Verdict {
        let mut flags = ProgramFlags::empty();
        flags.set(ProgramFlags::SLEEPABLE, self.kind.sleepable());
        flags.set(ProgramFlags::XDP_HAS_FRAGS, self.kind.xdp_frags());
        let load = prog::Load {
            prog_type: self.kind.prog_type().0,
            insns,
            license: c"GPL",
            expected_attach_type: self.kind.expected_attach_type().map_or(0, |attach| attach.0),
            attach_btf_id: self.target,
            flags: flags.bits(),
            ..Default::default()
        };
        let mut buffer = vec![0; 1 << 16];
        let mut log = Log::new(LogLevel::from_bits_retain(level), &mut buffer);
        let result = prog::load(&load, &mut log).map(drop);
        Verdict { result, log: String::from_utf8_lossy(log.text()).into_owned() }
    }

    /// Whether the verifier comes to see programs of the kind at all.
    pub fn takes_the_empty_program(&self) -> Result<(), String> {
        let verdict = self.try_body(|_| {});
        match verdict.result {
            Err(errno) if verdict.log.is_empty() => {
                Err(format!("the kernel refuses the empty program before its verifier looks at it: {errno}"))
            }
            Err(_) if verdict.log.contains(" is not sleepable") => {
                Err("the kernel is built without functions that may sleep and be traced".into())
            }
            _ => Ok(()),
        }
    }
}

fn target(kind: ProgramKind) -> Result<u32, String> {
    let (btf_kind, name) = match (kind.prog_type(), kind.name()) {
        (ProgType::EXT, _) => return Err("it needs a program to replace".into()),
        (ProgType::STRUCT_OPS, _) => (BtfKind::Struct, "tcp_congestion_ops"),
        (_, "tp_btf") => (BtfKind::Typedef, "btf_trace_sched_switch"),
        (_, "iter" | "iter.s") => (BtfKind::Func, "bpf_iter_task"),
        (_, "lsm" | "lsm.s") => (BtfKind::Func, "bpf_lsm_file_open"),
        (_, "lsm_cgroup") => (BtfKind::Func, "bpf_lsm_socket_bind"),
        // Since 6.2 or so this one may sleep; of the others that depends on how the kernel was built.
        (ProgType::TRACING, "fentry.s" | "fexit.s" | "fmod_ret.s") => (BtfKind::Func, "bpf_fentry_test1"),
        (_, "fmod_ret") => (BtfKind::Func, "security_file_open"),
        (ProgType::TRACING, _) => (BtfKind::Func, "__x64_sys_getpgid"),
        _ => return Ok(0),
    };
    let btf = host::vmlinux_btf().map_err(|errno| format!("the kernel's BTF cannot be read: {errno}"))?;
    let view = View::new(&btf).map_err(|error| error.to_string())?;
    view.find(btf_kind, name).map(|id| id.0).ok_or_else(|| format!("the kernel has no {name}"))
}
