//! Programs as Rust closures: typed values and structured control flow, with registers allocated.

mod ir;
