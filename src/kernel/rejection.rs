//! A program the verifier refused, as a value: which function, which instruction, which line of Rust, and why.

use core::fmt;

use bpfsmith_asm::Loc;

use super::log::{Place, Register, VerifierLog, printable};
use crate::base::Errno;

/// The verifier refused a program.
///
/// `Display` is one short line, position and reason, and touches no file. `report` (feature `report`) draws the
/// rejection on the source line.
#[derive(Clone, PartialEq)]
pub struct Rejection {
    program: String,
    position: Option<Position>,
    errno: Errno,
    log: VerifierLog,
    raw: Vec<u8>,
    lacking: Box<[String]>,
}

/// An instruction in the terms of the object it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// The function it is in.
    pub function: String,
    /// Its slot inside that function; `None` when the whole function is meant.
    pub instruction: Option<u32>,
    /// The line that emitted it, where that is known.
    pub loc: Option<Loc>,
}

impl Rejection {
    /// Reads the log of a refused `BPF_PROG_LOAD`; `locate` turns the place in the whole program into one in a function.
    #[must_use]
    pub fn new(
        program: impl Into<String>,
        errno: Errno,
        raw: Vec<u8>,
        locate: impl FnOnce(Place) -> Option<Position>,
    ) -> Self {
        let log = VerifierLog::parse(&raw);
        Rejection {
            program: program.into(),
            position: locate(log.place()),
            errno,
            log,
            raw,
            lacking: Box::default(),
        }
    }

    /// Names what the program uses and the kernel, asked after it had refused, turned out not to have.
    #[must_use]
    pub fn with_lacking(mut self, lacking: impl IntoIterator<Item = String>) -> Self {
        self.lacking = lacking.into_iter().collect();
        self
    }

    /// The program's name in the object.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Where it was refused; `None` when the log blames no instruction or function.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The function that was refused.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.position.as_ref().map(|position| position.function.as_str())
    }

    /// The slot, inside its function, that was refused.
    #[must_use]
    pub fn instruction(&self) -> Option<u32> {
        self.position.as_ref().and_then(|position| position.instruction)
    }

    /// The line that emitted the refused instruction.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        self.position.as_ref().and_then(|position| position.loc.as_ref())
    }

    /// What bpf(2) returned, at the first attempt.
    #[must_use]
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// The verifier's message, its lines joined by `; `, lossy where it is not UTF-8. Empty when there is no log: then the
    /// kernel refused the program before the verifier looked at it.
    #[must_use]
    pub fn reason(&self) -> String {
        let lines = self.log.reason().split(|&b| b == b'\n');
        let lines: Vec<_> = lines.map(|line| printable(line.trim_ascii())).collect();
        lines.join("; ")
    }

    /// What to do about it, for the messages we know.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.log.hint()
    }

    /// What the program uses, the target was not known to have, and the kernel turned out not to have.
    #[must_use]
    pub fn lacking(&self) -> &[String] {
        &self.lacking
    }

    /// What the verifier knew of registers and stack before the refused instruction.
    #[must_use]
    pub fn registers(&self) -> &[Register] {
        self.log.registers()
    }

    /// The log, taken apart.
    #[must_use]
    pub fn log(&self) -> &VerifierLog {
        &self.log
    }

    /// The log as the kernel wrote it. Not always UTF-8.
    #[must_use]
    pub fn raw_log(&self) -> &[u8] {
        &self.raw
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.log.reason().is_empty() {
            return write!(f, "the kernel refused program `{}` without a log: {}", self.program, self.errno);
        }
        write!(f, "the verifier refused program `{}`", self.program)?;
        if let Some(position) = &self.position {
            write!(f, " at {position}")?;
        }
        write!(f, ": {}", self.reason())?;
        self.lacking.iter().try_for_each(|what| write!(f, "; the kernel lacks {what}"))
    }
}

/// Short too: the log is for [`raw_log`](Rejection::raw_log).
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Rejection");
        fields.field("program", &self.program).field("errno", &self.errno).field("position", &self.position);
        fields.field("reason", &self.reason()).field("lacking", &self.lacking).finish_non_exhaustive()
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instruction {
            Some(slot) => write!(f, "instruction {slot} of `{}`", self.function)?,
            None => write!(f, "function `{}`", self.function)?,
        }
        self.loc.as_ref().map_or(Ok(()), |loc| write!(f, ", {loc}"))
    }
}
