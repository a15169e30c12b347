//! Error numbers as values, on any OS.

/// A Linux error number as bpf(2) returns it (positive).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);
