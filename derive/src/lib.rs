//! `#[derive(BtfType)]`: a Rust struct as a map key or value, with its BTF.
