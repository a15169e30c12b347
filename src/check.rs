//! Says before the verifier does what it will not take, and what may be a mistake, on the Rust line.
//!
//! [`check`] walks every path of every program with what is known on it: which registers hold what, what may be null,
//! how far pointers may go. A finding is *rejected* when it is proved that the kernel refuses the program, and
//! *suspect* when it is not; a program the kernel takes is never rejected.

mod alu;
mod args;
mod branch;
mod call;
mod cfg;
mod context;
mod depth;
mod dynptr;
mod exit;
mod findings;
mod live;
mod map_rules;
mod memory;
mod merge;
mod packet;
mod points;
mod program;
mod report;
mod rule;
mod scalar;
mod state;
mod timer;
mod value;
mod walk;

pub use report::{Finding, Report, Severity};
pub use rule::Rule;

use crate::base::KernelVersion;
use crate::object::Object;
use crate::target::Target;
use findings::Findings;
use program::{Maps, Program};
use walk::Walked;

/// The last release that what programs may use was compared with: of later ones it is not said what they lack.
const TABLES_END: KernelVersion = KernelVersion::new(6, 18);

/// Checks every program of `object` against what is known of the kernel it is meant for.
///
/// It is a pure function, and its work grows with the size of the program, not with the number of its paths: where those
/// are too many they are merged, and what is found on merged ones is suspect. A program that is too much all the same is
/// [unfinished](Report::unfinished), never rejected for it.
#[must_use]
pub fn check(object: &Object, target: &Target) -> Report {
    let mut report = Report::default();
    let maps = Maps::new(object);
    for linked in &object.linked().programs {
        check_program(&Program::new(object, &maps, linked, target), &mut report);
    }
    report
}

fn check_program(program: &Program<'_>, report: &mut Report) {
    let mut findings = Findings::new(program);
    let shape = cfg::check(program, &mut findings);
    timer::check_kind(program, &mut findings);
    timer::check_locks(program, &mut findings);
    if shape.sound {
        let (walked, used) = walk::walk(program, &shape, &mut findings);
        depth::check(program, &used, &mut findings);
        if walked == Walked::InPart {
            report.unfinished.push(program.linked.def.name.clone());
        }
    }
    report.findings.extend(findings.into_findings());
}
