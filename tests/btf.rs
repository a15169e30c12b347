//! BTF: builder, reader, rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "btf/build.rs"]
mod build;
#[path = "btf/derive.rs"]
mod derive;
#[path = "btf/errors.rs"]
mod errors;
#[path = "btf/ext.rs"]
mod ext;
#[path = "btf/layout.rs"]
mod layout;
#[path = "btf/print.rs"]
mod print;
#[path = "btf/properties.rs"]
mod properties;
#[path = "btf/special.rs"]
mod special;
