//! Making maps, BTF objects and programs, and running programs.

use std::borrow::Cow;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::{Kernel, Open};
use crate::asm::Slot;
use crate::base::{Endian, Errno};
use crate::kind::ProgType;
use crate::plan::{
    BtfLoad, Failure, Log, MapCreate, ProgLoad, ProgStreamReadByFd, ProgTestRun, Reply, TestRunReply,
};
use crate::sys;

impl Kernel {
    pub(super) fn map_create(&mut self, command: &MapCreate) -> Result<Reply, Errno> {
        let types = match command.btf {
            Some(btf) => Some(sys::map::Types { btf: self.get(btf.btf)?, key: btf.key, value: btf.value }),
            None => None,
        };
        let map = sys::map::create(&sys::map::Create {
            map_type: command.kind.0,
            key_size: command.key_size,
            value_size: command.value_size,
            max_entries: command.max_entries,
            flags: command.flags.bits(),
            name: command.name.as_bytes(),
            inner: self.get_some(command.inner)?,
            numa_node: command.numa_node,
            ifindex: command.ifindex,
            btf: types,
            vmlinux_value_type: command.vmlinux_value_type,
            extra: command.extra,
            value_type_btf: self.get_some(command.value_type_btf)?,
            token: self.get_some(command.token)?,
            exclusive_to: &command.exclusive_to,
        })?;
        Ok(self.keep(command.out, Open::Map(map)))
    }

    pub(super) fn btf_load(&mut self, command: &BtfLoad) -> Result<Reply, Failure> {
        let mut buffer = room(command.log);
        let mut log = log_of(command.log, &mut buffer);
        let token = self.get_some(command.token)?;
        match sys::btf::load(&command.bytes, token, &mut log) {
            Ok(btf) => Ok(self.keep(command.out, Open::Btf(btf))),
            Err(errno) => Err(failure(errno, &log)),
        }
    }

    pub(super) fn prog_load(&mut self, command: &ProgLoad) -> Result<Reply, Failure> {
        let insns = self.with_descriptors(command)?;
        let mut fd_array = Vec::with_capacity(command.fd_array.len());
        for &fd in &command.fd_array {
            fd_array.push(self.get(fd)?);
        }
        let btf = match &command.btf {
            None => None,
            Some(btf) => Some(sys::prog::Btf {
                btf: self.get(btf.btf)?,
                func_info: &btf.func_info,
                line_info: &btf.line_info,
                core_relos: &btf.core_relos,
            }),
        };
        let signature = command.signature.as_ref();
        let load = sys::prog::Load {
            prog_type: command.prog_type.0,
            insns: &insns,
            license: &command.license,
            kern_version: command.kern_version,
            flags: command.flags.bits(),
            name: command.name.as_bytes(),
            ifindex: command.ifindex,
            expected_attach_type: command.expected_attach_type.map_or(0, |attach| attach.0),
            btf,
            attach_btf_id: command.attach_btf_id,
            attach_to: self.get_some(command.attach_to)?,
            fd_array: &fd_array,
            bind_fd_array: command.bind_fd_array,
            token: self.get_some(command.token)?,
            signature: signature.map(|signature| sys::prog::Signature {
                bytes: &signature.bytes,
                keyring: signature.keyring,
            }),
        };
        let mut buffer = room(command.log);
        let mut log = log_of(command.log, &mut buffer);
        match sys::prog::load(&load, &mut log) {
            Ok(program) => Ok(self.keep(command.out, Open::Program(program))),
            Err(errno) => Err(failure(errno, &log)),
        }
    }

    /// The instructions with the numbers of descriptors in their immediates, where fd_array is not used.
    fn with_descriptors<'a>(&self, command: &'a ProgLoad) -> Result<Cow<'a, [u8]>, Errno> {
        if command.fd_slots.is_empty() {
            return Ok(Cow::Borrowed(&command.insns));
        }
        let mut insns = command.insns.to_vec();
        let (slots, _) = insns.as_chunks_mut::<8>();
        for &(slot, fd) in &command.fd_slots {
            let number = self.get(fd)?.as_raw_fd();
            let bytes = slots.get_mut(slot as usize).ok_or(Errno::EINVAL)?;
            *bytes = Slot::from_bytes(*bytes, Endian::NATIVE).with_imm(number).to_bytes(Endian::NATIVE);
        }
        Ok(insns.into())
    }

    pub(super) fn test_run(&mut self, command: &ProgTestRun) -> Result<Reply, Errno> {
        let mut data = vec![0; command.data_room as usize];
        let mut context = command.context.clone();
        let mut context_out = vec![0; command.context_room as usize];
        let program = self.program(command.program)?;
        let written_back = program.prog_type() == ProgType::SYSCALL.0;
        let mut run = sys::prog::TestRun {
            data: &command.data,
            data_out: &mut data,
            context: &mut context,
            context_out: &mut context_out,
            repeat: command.repeat,
            flags: command.flags,
            cpu: command.cpu,
            batch_size: command.batch_size,
            ..Default::default()
        };
        let outcome = sys::prog::test_run(program, &mut run)?;
        data.truncate(outcome.data_size as usize);
        context_out.truncate(outcome.context_size as usize);
        Ok(Reply::TestRun(TestRunReply {
            retval: outcome.retval,
            duration: Duration::from_nanos(outcome.duration.into()),
            data,
            context: if written_back { context } else { context_out },
        }))
    }

    pub(super) fn read_stream(&mut self, command: &ProgStreamReadByFd) -> Result<Reply, Errno> {
        let mut buffer = vec![0; command.room as usize];
        let count = sys::prog::read_stream(self.program(command.program)?, command.stream, &mut buffer)?;
        buffer.truncate(count);
        Ok(Reply::Bytes(buffer))
    }
}

fn room(log: Log) -> Vec<u8> {
    if log.size == 0 { Vec::new() } else { vec![0; log.size as usize] }
}

fn log_of(log: Log, buffer: &mut [u8]) -> sys::Log<'_> {
    if log.level.is_empty() { sys::Log::none() } else { sys::Log::new(log.level, buffer) }
}

fn failure(errno: Errno, log: &sys::Log<'_>) -> Failure {
    Failure { log: log.text().to_vec(), log_true_size: log.true_size, ..Failure::of(errno) }
}
