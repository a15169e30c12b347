//! What a check found, and how it is printed.

use std::fmt;

use super::Rule;
use crate::site::Site;

/// What [`check`](super::check) found in an object, in the order of programs and instructions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(super) findings: Vec<Finding>,
    pub(super) unfinished: Vec<String>,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Proved: the kernel refuses the program.
    Rejected,
    /// Not proved, or a mistake that shows at run time only: it is printed and stops nothing.
    Suspect,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub rule: Rule,
    /// How sure that is.
    pub severity: Severity,
    /// The program it was found in.
    pub program: String,
    /// The function of that program.
    pub function: String,
    /// The slot inside of the function.
    pub slot: usize,
    /// The instruction, as text.
    pub instruction: String,
    /// The Rust line that emitted it.
    pub site: Site,
    /// Why it is wrong here.
    pub reason: String,
}

impl Report {
    /// Everything that was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the kernel refuses for sure.
    pub fn rejected(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Rejected)
    }

    /// What may be a mistake.
    pub fn suspects(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Suspect)
    }

    /// Whether the kernel refuses a program of the object for sure.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.rejected().next().is_some()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The programs that have more paths than were walked: mistakes may be left on the others.
    #[must_use]
    pub fn unfinished(&self) -> &[String] {
        &self.unfinished
    }
}

impl Finding {
    /// What to do about it.
    #[must_use]
    pub fn suggestion(&self) -> &'static str {
        self.rule.suggestion()
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rejected => "rejected",
            Self::Suspect => "suspect",
        })
    }
}

/// Four lines: what, where, why, and what to do.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.rule, self.rule.title())?;
        write!(f, "  program `{}`, ", self.program)?;
        if self.function != self.program {
            write!(f, "function `{}`, ", self.function)?;
        }
        writeln!(f, "instruction {}: {}{}", self.slot, self.instruction, self.site)?;
        writeln!(f, "  {}", self.reason)?;
        write!(f, "  help: {}", self.suggestion())
    }
}

/// Every finding, separated by empty lines; one line where there is none.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.findings.is_empty() {
            f.write_str("nothing found")?;
        }
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            finding.fmt(f)?;
        }
        for program in &self.unfinished {
            write!(f, "\n\nprogram `{program}` has more paths than were walked")?;
        }
        Ok(())
    }
}
