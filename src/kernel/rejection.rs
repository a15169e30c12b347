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
    site: Option<Site>,
    errno: Errno,
    log: VerifierLog,
    raw: Vec<u8>,
}

/// An instruction in the terms of the object it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
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
        locate: impl FnOnce(Place) -> Option<Site>,
    ) -> Self {
        let log = VerifierLog::parse(&raw);
        Rejection { program: program.into(), site: locate(log.place()), errno, log, raw }
    }

    /// The program's name in the object.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Where it was refused; `None` when the log blames no instruction or function.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// The function that was refused.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.site.as_ref().map(|site| site.function.as_str())
    }

    /// The slot, inside its function, that was refused.
    #[must_use]
    pub fn instruction(&self) -> Option<u32> {
        self.site.as_ref().and_then(|site| site.instruction)
    }

    /// The line that emitted the refused instruction.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        self.site.as_ref().and_then(|site| site.loc.as_ref())
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
        if let Some(site) = &self.site {
            write!(f, " at {site}")?;
        }
        write!(f, ": {}", self.reason())
    }
}

/// Short too: the log is for [`raw_log`](Rejection::raw_log).
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Rejection");
        fields.field("program", &self.program).field("errno", &self.errno).field("site", &self.site);
        fields.field("reason", &self.reason()).finish_non_exhaustive()
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instruction {
            Some(slot) => write!(f, "instruction {slot} of `{}`", self.function)?,
            None => write!(f, "function `{}`", self.function)?,
        }
        self.loc.as_ref().map_or(Ok(()), |loc| write!(f, ", {loc}"))
    }
}
