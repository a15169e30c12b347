//! BTF: builder, reader, rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "btf/build.rs"]
mod build;
#[path = "btf/derive.rs"]
mod derive;
#[path = "btf/ext.rs"]
mod ext;
