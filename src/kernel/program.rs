//! Programs in the kernel: run on test input, attached, pinned.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::base::Errno;
use crate::sys::{self, ProgFd};

/// A program in the kernel.
///
/// It lives as long as anything refers to it: a descriptor, a pin, a link, a timer whose callback it holds.
#[derive(Debug)]
pub struct Program {
    name: Arc<str>,
    fd: ProgFd,
}

/// What an operation on a program came to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("program `{program}`: {operation}: {errno}")]
pub struct ProgramError {
    /// The program.
    pub program: String,
    /// The command.
    pub operation: &'static str,
    /// Why.
    pub errno: Errno,
}

/// Input of a test run (`BPF_PROG_TEST_RUN`, since 4.12).
#[derive(Clone, Debug, Default)]
#[must_use = "it is input for Program::test_run"]
pub struct TestRun {
    data: Vec<u8>,
    data_room: Option<usize>,
    context: Vec<u8>,
    repeat: u32,
    cpu: Option<u32>,
}

impl TestRun {
    /// Nothing in.
    pub fn new() -> Self {
        Self::default()
    }

    /// The packet. Kinds that run on packets take at least an Ethernet header, 14 bytes.
    pub fn data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = data.into();
        self
    }

    /// Room for the packet as the program leaves it, in bytes; as much as went in plus 256 unless said.
    pub fn data_room(mut self, bytes: usize) -> Self {
        self.data_room = Some(bytes);
        self
    }

    /// The context (since 5.2), laid out as the kind has it: `struct __sk_buff`, `struct xdp_md`, what a
    /// syscall program's author likes.
    pub fn context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.context = context.into();
        self
    }

    /// How often to run; 0 is once.
    pub fn repeat(mut self, times: u32) -> Self {
        self.repeat = times;
        self
    }

    /// The CPU to run on (since 5.10; raw tracepoints only).
    pub fn cpu(mut self, cpu: u32) -> Self {
        self.cpu = Some(cpu);
        self
    }
}

/// What a test run gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestOutcome {
    /// What the program returned.
    pub retval: u32,
    /// The time of one run, on average.
    pub duration: Duration,
    /// The packet as the program left it.
    pub data: Vec<u8>,
    /// The context as the program left it: the kernel's whole struct, also where less of it went in; empty where none did.
    pub context: Vec<u8>,
}

impl Program {
    pub(super) fn new(name: impl Into<Arc<str>>, fd: ProgFd) -> Self {
        Self { name: name.into(), fd }
    }

    /// Opens the program pinned at `path` in a bpffs (`BPF_OBJ_GET`, since 4.4).
    ///
    /// # Errors
    /// [`ProgramError`]: ENOENT where nothing is pinned, EINVAL where it is no program.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ProgramError> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match super::pin::get(path).and_then(ProgFd::try_from) {
            Ok(fd) => Ok(Self::new(name, fd)),
            Err(errno) => Err(ProgramError { program: name, operation: "OBJ_GET", errno }),
        }
    }

    /// Takes over the descriptor of a program that came from elsewhere.
    ///
    /// # Errors
    /// [`ProgramError`] where it is not a program's.
    pub fn from_fd(name: impl Into<String>, fd: OwnedFd) -> Result<Self, ProgramError> {
        let name = name.into();
        match ProgFd::try_from(fd) {
            Ok(fd) => Ok(Self::new(name, fd)),
            Err(errno) => Err(ProgramError { program: name, operation: "OBJ_GET_INFO_BY_FD", errno }),
        }
    }

    /// Opens the program with the id `id` (`BPF_PROG_GET_FD_BY_ID`, since 4.13; `CAP_SYS_ADMIN`).
    ///
    /// # Errors
    /// [`ProgramError`]: ENOENT where there is none, EPERM.
    #[doc(alias = "BPF_PROG_GET_FD_BY_ID")]
    pub fn from_id(id: u32) -> Result<Self, ProgramError> {
        let name = format!("#{id}");
        match sys::ids::prog_fd(id) {
            Ok(fd) => Ok(Self::new(name, fd)),
            Err(errno) => Err(ProgramError { program: name, operation: "PROG_GET_FD_BY_ID", errno }),
        }
    }

    /// Its name in the object it was loaded from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `prog_type`, `enum bpf_prog_type`.
    #[must_use]
    pub fn prog_type(&self) -> crate::kind::ProgType {
        crate::kind::ProgType(self.fd.prog_type())
    }

    /// The program's id (`struct bpf_prog_info`).
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn id(&self) -> Result<u32, ProgramError> {
        sys::info::program(&self.fd)
            .map(|info| info.id)
            .map_err(|errno| self.error("OBJ_GET_INFO_BY_FD", errno))
    }

    /// How many instructions the verifier looked at (`struct bpf_prog_info`, since 5.16; 0 before).
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn verified_insns(&self) -> Result<u32, ProgramError> {
        sys::info::program(&self.fd)
            .map(|info| info.verified_insns)
            .map_err(|errno| self.error("OBJ_GET_INFO_BY_FD", errno))
    }

    /// Pins the program at `path` in a bpffs (`BPF_OBJ_PIN`, since 4.4).
    ///
    /// # Errors
    /// [`ProgramError`]: EEXIST, ENOENT, EPERM where the path is not in a bpffs.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), ProgramError> {
        super::pin::pin(self.fd.as_fd(), path.as_ref()).map_err(|errno| self.error("OBJ_PIN", errno))
    }

    /// Runs the program once, or as often as `input` says, without attaching it (`BPF_PROG_TEST_RUN`, since 4.12).
    /// A syscall program's context comes back as it was left.
    ///
    /// # Errors
    /// [`ProgramError`]: ENOTSUPP where the kind has no test run, EINVAL where it does not take this input,
    /// ENOSPC where there was too little room for the packet.
    #[doc(alias = "BPF_PROG_TEST_RUN")]
    #[doc(alias = "BPF_PROG_RUN")]
    pub fn test_run(&self, input: &TestRun) -> Result<TestOutcome, ProgramError> {
        // Room the packet may grow by: the headroom the kernel itself gives a test packet.
        const GROWTH: usize = 256;
        // The kernel writes its whole struct, however little of it was given: at most `struct __sk_buff`, 192 bytes.
        const LARGEST_CONTEXT: usize = 256;
        // These give no context back; what a syscall program leaves is in the one that went in.
        let in_place = matches!(
            self.prog_type(),
            crate::kind::ProgType::SYSCALL | crate::kind::ProgType::RAW_TRACEPOINT
        );
        let room = if input.data.is_empty() { 0 } else { input.data.len() + GROWTH };
        let mut data = vec![0; input.data_room.unwrap_or(room)];
        let mut context = input.context.clone();
        let context_room =
            if in_place || context.is_empty() { 0 } else { context.len().max(LARGEST_CONTEXT) };
        let mut context_out = vec![0; context_room];
        let mut run = sys::prog::TestRun {
            data: &input.data,
            data_out: &mut data,
            context: &mut context,
            context_out: &mut context_out,
            repeat: input.repeat,
            cpu: input.cpu,
            ..Default::default()
        };
        let outcome =
            sys::prog::test_run(&self.fd, &mut run).map_err(|errno| self.error("PROG_TEST_RUN", errno))?;
        data.truncate(outcome.data_size as usize);
        context_out.truncate(outcome.context_size as usize);
        Ok(TestOutcome {
            retval: outcome.retval,
            duration: Duration::from_nanos(outcome.duration.into()),
            data,
            context: if in_place { context } else { context_out },
        })
    }

    fn error(&self, operation: &'static str, errno: Errno) -> ProgramError {
        ProgramError { program: self.name.to_string(), operation, errno }
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
