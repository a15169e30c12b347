//! The limit: the calls of a plan with nothing around them, the closing of what is of no use afterwards among them.

use std::os::fd::{AsRawFd, OwnedFd};

use bpfsmith::plan::{BtfLoad, Command, MapCreate, Plan, ProgLoad};

use crate::Outcome;
use crate::raw::{self, attr};

/// A plan of BTF, a map and a program, as the kernel is told them.
pub struct Replay {
    btf: BtfLoad,
    map: MapCreate,
    program: ProgLoad,
    license: Vec<u8>,
}

impl Replay {
    pub fn of(plan: &Plan) -> Outcome<Self> {
        let commands: Vec<_> = plan.commands().collect();
        match commands.as_slice() {
            [Command::BtfLoad(btf), Command::MapCreate(map), Command::ProgLoad(program)] => Ok(Self {
                btf: btf.clone(),
                map: (**map).clone(),
                program: (**program).clone(),
                license: [program.license.as_bytes(), b"\0"].concat(),
            }),
            _ => Err(format!("the plan is another one:\n{plan}")),
        }
    }

    pub fn run(&self) -> Outcome<[OwnedFd; 2]> {
        self.calls().map_err(|error| match error.raw_os_error() {
            Some(libc::EPERM) => "needs CAP_BPF".to_owned(),
            _ => error.to_string(),
        })
    }

    fn calls(&self) -> std::io::Result<[OwnedFd; 2]> {
        let btf = self.load_btf()?;
        let map = self.create_map(&btf)?;
        let program = self.load_program(&btf, &map)?;
        Ok([map, program])
    }

    fn load_btf(&self) -> std::io::Result<OwnedFd> {
        let mut load = attr::BtfLoad {
            btf: self.btf.bytes.as_ptr().expose_provenance() as u64,
            btf_size: self.btf.bytes.len() as u32,
            ..Default::default()
        };
        // SAFETY: `btf` points to `btf_size` bytes.
        unsafe { raw::bpf_fd(raw::BTF_LOAD, &mut load) }
    }

    fn create_map(&self, btf: &OwnedFd) -> std::io::Result<OwnedFd> {
        let mut create = attr::MapCreate {
            map_type: self.map.kind.0,
            key_size: self.map.key_size,
            value_size: self.map.value_size,
            max_entries: self.map.max_entries,
            map_flags: self.map.flags.bits(),
            map_name: name(&self.map.name),
            ..Default::default()
        };
        if let Some(types) = &self.map.btf {
            create.btf_fd = btf.as_raw_fd() as u32;
            (create.btf_key_type_id, create.btf_value_type_id) = (types.key, types.value);
        }
        // SAFETY: there are no pointers.
        unsafe { raw::bpf_fd(raw::MAP_CREATE, &mut create) }
    }

    fn load_program(&self, btf: &OwnedFd, map: &OwnedFd) -> std::io::Result<OwnedFd> {
        let maps = [map.as_raw_fd()];
        let address = |bytes: &[u8]| bytes.as_ptr().expose_provenance() as u64;
        let mut load = attr::ProgLoad {
            prog_type: self.program.prog_type.0,
            insn_cnt: self.program.insns.len() as u32 / 8,
            insns: address(&self.program.insns),
            license: address(&self.license),
            prog_flags: self.program.flags.bits(),
            prog_name: name(&self.program.name),
            fd_array: maps.as_ptr().expose_provenance() as u64,
            ..Default::default()
        };
        if let Some(info) = &self.program.btf {
            load.prog_btf_fd = btf.as_raw_fd() as u32;
            (load.func_info, load.func_info_rec_size) = (address(&info.func_info), 8);
            load.func_info_cnt = info.func_info.len() as u32 / 8;
            (load.line_info, load.line_info_rec_size) = (address(&info.line_info), 16);
            load.line_info_cnt = info.line_info.len() as u32 / 16;
        }
        // SAFETY: every pointer is to as many records as its count says; the licence ends with NUL.
        unsafe { raw::bpf_fd(raw::PROG_LOAD, &mut load) }
    }
}

fn name(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name.bytes().take(15)).for_each(|(to, from)| *to = from);
    bytes
}
