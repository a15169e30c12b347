//! Runs code in the kernel.

use bpfsmith::asm::{Code, Form};
use bpfsmith::kernel::{self, Loaded, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;

use crate::interpreter::Outcome;

/// Loads a program on a context of bytes of its own; the verifier's log if it is refused.
pub fn load(code: Code) -> Result<Loaded, String> {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), Ok(code));
    let object = object.finish().map_err(|error| error.to_string())?;
    kernel::load(&object).map_err(|error| match error.rejection() {
        Some(rejection) => String::from_utf8_lossy(rejection.raw_log()).into_owned(),
        None => error.to_string(),
    })
}

/// Runs it once.
pub fn run(loaded: &Loaded, context: &[u8]) -> Outcome {
    let program = loaded.program("prog").unwrap();
    let outcome = program.test_run(&TestRun::new().context(context.to_vec())).unwrap();
    Outcome { returned: outcome.retval.into(), context: outcome.context }
}
