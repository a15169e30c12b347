//! Running a program once.

use super::{Attributes, Show};
use crate::base::flags::TestFlags;
use crate::plan::Fd;

/// Attributes of `BPF_PROG_TEST_RUN` (since 4.12), also called `BPF_PROG_RUN`. What came out of it is
/// [`Reply::TestRun`](crate::plan::Reply::TestRun).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_TEST_RUN")]
#[doc(alias = "BPF_PROG_RUN")]
pub struct ProgTestRun {
    /// `test.prog_fd`.
    pub program: Fd,
    /// `test.data_in`: the packet. Types that run on packets want 14 bytes at least, others none.
    pub data: Vec<u8>,
    /// `test.data_size_out`: how many bytes of the packet there is room for afterwards.
    pub data_room: u32,
    /// `test.ctx_in` (5.2): the context; a syscall program's is written back into it.
    pub context: Vec<u8>,
    /// `test.ctx_size_out` (5.2): how many bytes of the context there is room for afterwards.
    pub context_room: u32,
    /// `test.repeat`: how often; 0 is once.
    pub repeat: u32,
    /// `test.flags` (5.10); the one that says there is a CPU is set with it.
    pub flags: TestFlags,
    /// `test.cpu` (5.10).
    pub cpu: Option<u32>,
    /// `test.batch_size` (5.18).
    pub batch_size: u32,
}

impl ProgTestRun {
    /// A run without input.
    #[must_use]
    pub const fn new(program: Fd) -> Self {
        Self {
            program,
            data: Vec::new(),
            data_room: 0,
            context: Vec::new(),
            context_room: 0,
            repeat: 0,
            flags: TestFlags::empty(),
            cpu: None,
            batch_size: 0,
        }
    }
}

impl Attributes for ProgTestRun {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("test.prog_fd", self.program);
        show.blob("test.data_in", &self.data);
        show.number("test.data_size_out", self.data_room);
        show.number("test.repeat", self.repeat);
        show.blob("test.ctx_in", &self.context);
        show.number("test.ctx_size_out", self.context_room);
        show.flags("test.flags", &self.flags);
        if let Some(cpu) = self.cpu {
            show.word("test.cpu", cpu);
        }
        show.number("test.batch_size", self.batch_size);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.program)
    }
}
