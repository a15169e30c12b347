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

use bpfsmith::dsl;
use bpfsmith::object::{Object, ObjectError};

/// The functions of an object, one after the other, as text.
fn text(object: &Object) -> String {
    let functions = object.functions().iter();
    functions.map(|function| format!("{}:\n{}\n", function.name, function.code)).collect()
}

/// A mistake as its variant of `dsl::Error` and its message.
fn mistake(error: &ObjectError) -> String {
    let (ObjectError::Function { source, .. } | ObjectError::Refused { source }) = error else {
        panic!("{error} is no mistake in a function")
    };
    let source = format!("{:?}", source.downcast_ref::<dsl::Error>().expect("a mistake of the DSL"));
    let variant: String = source.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("{variant}: {error}")
}
