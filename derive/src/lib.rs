//! `#[derive(BtfType)]`: a Rust struct as a map key or value, with its BTF. `bpfsmith::btf::BtfType` documents it.

mod attributes;
mod enums;
mod structs;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, parse_macro_input};

/// Implements `bpfsmith::btf::BtfType`.
#[proc_macro_derive(BtfType, attributes(btf))]
pub fn derive_btf_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let expanded = match &input.data {
        Data::Struct(data) => structs::expand(&input, data),
        Data::Enum(data) => enums::expand(&input, data),
        Data::Union(data) => Err(Error::new(
            data.union_token.span,
            "BtfType cannot be derived for a union: reading one is unsafe; build its BTF with StructDef::union",
        )),
    };
    expanded.unwrap_or_else(Error::into_compile_error).into()
}
