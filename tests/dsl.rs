//! The DSL: what small programs become, and what a mistake in each is told as.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "dsl/code.rs"]
mod code;
#[path = "dsl/errors.rs"]
mod errors;
#[path = "dsl/example.rs"]
mod example;
#[path = "dsl/memory.rs"]
mod memory;

use bpfsmith::object::Object;

/// The functions of an object, one after the other, as text.
fn text(object: &Object) -> String {
    let functions = object.functions().iter();
    functions.map(|function| format!("{}:\n{}\n", function.name, function.code)).collect()
}
