//! Programs as Rust closures: typed values and structured control flow, with registers allocated.

// The front that calls most of it comes next.
#![allow(dead_code)]

mod eval;
mod ir;
mod lower;
mod opt;
