//! The limit: the calls of a plan with nothing around them, the closing of what is of no use afterwards among them.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use bpfsmith::plan::{BtfLoad, Command, MapCreate, Plan, ProgLoad};

use crate::Outcome;
use crate::raw::{self, attr};

/// A plan of BTF, a map and a program, as a user of raw bpf(2) has it: numbers and bytes.
pub struct Replay {
    numbers: [u32; NUMBERS],
    blobs: [Vec<u8>; BLOBS],
}

const NUMBERS: usize = 9;
const BLOBS: usize = 7;

impl Replay {
    pub fn of(plan: &Plan) -> Outcome<Self> {
        let commands: Vec<_> = plan.commands().collect();
        match commands.as_slice() {
            [Command::BtfLoad(btf), Command::MapCreate(map), Command::ProgLoad(program)] => {
                Self::of_three(btf, map, program).ok_or_else(|| "the plan has no types".to_owned())
            }
            _ => Err(format!("the plan is another one:\n{plan}")),
        }
    }

    fn of_three(btf: &BtfLoad, map: &MapCreate, program: &ProgLoad) -> Option<Self> {
        let (types, info) = (map.btf.as_ref()?, program.btf.as_ref()?);
        Some(Self {
            numbers: [
                map.kind.0,
                map.key_size,
                map.value_size,
                map.max_entries,
                map.flags.bits(),
                types.key,
                types.value,
                program.prog_type.0,
                program.flags.bits(),
            ],
            blobs: [
                map.name.as_bytes().to_vec(),
                program.name.as_bytes().to_vec(),
                program.license.to_bytes_with_nul().to_vec(),
                btf.bytes.to_vec(),
                program.insns.to_vec(),
                info.func_info.to_vec(),
                info.line_info.to_vec(),
            ],
        })
    }

    /// For a process that makes no plan of its own.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        self.numbers.iter().try_for_each(|number| to.write_all(&number.to_ne_bytes()))?;
        self.blobs.iter().try_for_each(|blob| {
            to.write_all(&(blob.len() as u32).to_ne_bytes())?;
            to.write_all(blob)
        })
    }

    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut replay = Self { numbers: [0; NUMBERS], blobs: [const { Vec::new() }; BLOBS] };
        for number in &mut replay.numbers {
            *number = word(from)?;
        }
        for blob in &mut replay.blobs {
            blob.resize(word(from)? as usize, 0);
            from.read_exact(blob)?;
        }
        Ok(replay)
    }

    pub fn run(&self) -> Outcome<[OwnedFd; 2]> {
        self.calls().map_err(|error| match error.raw_os_error() {
            Some(libc::EPERM) => "needs CAP_BPF".to_owned(),
            _ => error.to_string(),
        })
    }

    fn calls(&self) -> io::Result<[OwnedFd; 2]> {
        let btf = self.load_btf()?;
        let map = self.create_map(&btf)?;
        let program = self.load_program(&btf, &map)?;
        Ok([map, program])
    }

    fn load_btf(&self) -> io::Result<OwnedFd> {
        let [_, _, _, btf, ..] = &self.blobs;
        let mut load = attr::BtfLoad { btf: address(btf), btf_size: btf.len() as u32, ..Default::default() };
        // SAFETY: `btf` points to `btf_size` bytes.
        unsafe { raw::bpf_fd(raw::BTF_LOAD, &mut load) }
    }

    fn create_map(&self, btf: &OwnedFd) -> io::Result<OwnedFd> {
        let [map_type, key_size, value_size, max_entries, map_flags, key, value, ..] = self.numbers;
        let mut create = attr::MapCreate {
            map_type,
            key_size,
            value_size,
            max_entries,
            map_flags,
            map_name: name(&self.blobs[0]),
            btf_fd: btf.as_raw_fd() as u32,
            btf_key_type_id: key,
            btf_value_type_id: value,
            ..Default::default()
        };
        // SAFETY: there are no pointers.
        unsafe { raw::bpf_fd(raw::MAP_CREATE, &mut create) }
    }

    fn load_program(&self, btf: &OwnedFd, map: &OwnedFd) -> io::Result<OwnedFd> {
        let [_, _, _, _, _, _, _, prog_type, prog_flags] = self.numbers;
        let [_, prog_name, license, _, insns, func_info, line_info] = &self.blobs;
        let maps = [map.as_raw_fd()];
        let mut load = attr::ProgLoad {
            prog_type,
            insn_cnt: insns.len() as u32 / 8,
            insns: address(insns),
            license: address(license),
            prog_flags,
            prog_name: name(prog_name),
            fd_array: maps.as_ptr().expose_provenance() as u64,
            prog_btf_fd: btf.as_raw_fd() as u32,
            func_info: address(func_info),
            func_info_rec_size: 8,
            func_info_cnt: func_info.len() as u32 / 8,
            line_info: address(line_info),
            line_info_rec_size: 16,
            line_info_cnt: line_info.len() as u32 / 16,
            ..Default::default()
        };
        // SAFETY: every pointer is to as many records as its count says; the licence ends with NUL.
        unsafe { raw::bpf_fd(raw::PROG_LOAD, &mut load) }
    }
}

fn word(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes))
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().expose_provenance() as u64
}

fn name(name: &[u8]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name.iter().take(15)).for_each(|(to, from)| *to = *from);
    bytes
}
