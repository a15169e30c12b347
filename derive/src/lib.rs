//! `#[derive(BtfType)]`: a Rust struct as a map key or value, with its BTF. `bpfsmith::btf::BtfType` documents it.

mod attributes;
mod enums;
mod structs;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, Result, parse_macro_input};

/// Implements `bpfsmith::btf::BtfType`.
#[proc_macro_derive(BtfType, attributes(btf))]
pub fn derive_btf_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<proc_macro2::TokenStream> {
    match &input.data {
        Data::Struct(data) => structs::expand(input, data),
        Data::Enum(data) => enums::expand(input, data),
        Data::Union(data) => Err(Error::new(
            data.union_token.span,
            "BtfType cannot be derived for a union: reading one is unsafe; build its BTF with StructDef::union",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::expand;

    /// What the compiler would say, and the source it would say it of.
    fn refused(source: &str) -> (String, String) {
        let error = expand(&syn::parse_str(source).unwrap()).expect_err(source);
        (error.to_string(), error.span().source_text().unwrap_or_default())
    }

    #[test]
    fn every_refusal_says_why_and_where() {
        let cases = [
            ("struct Key { a: u32 }", "BtfType needs `#[repr(C)]`", "Key"),
            ("#[repr(C)] struct Key(u32);", "BtfType needs named fields", "Key"),
            ("#[repr(C)] struct Key;", "BtfType needs named fields", "Key"),
            ("#[repr(C)] union Key { a: u32 }", "BtfType cannot be derived for a union", "union"),
            ("enum Key { A }", "BtfType needs an enum with the size of an integer", "Key"),
            ("#[repr(C)] enum Key { A }", "BtfType needs an enum with the size of an integer", "Key"),
            ("#[repr(u128)] enum Key { A }", "BtfType needs an enum with the size of an integer", "Key"),
            ("#[repr(u8)] enum Key { A(u32) }", "BtfType needs variants without fields", "A"),
            ("#[repr(C)] struct Größe { a: u32 }", "a name in BTF is ASCII letters", "Größe"),
            ("#[repr(C)] #[btf(name = \"a b\")] struct Key {}", "a name in BTF is ASCII letters", "\"a b\""),
            (
                "#[repr(C)] struct Key { #[btf(name = \"\")] a: u32 }",
                "a name in BTF is ASCII letters",
                "\"\"",
            ),
            (
                "#[repr(C)] struct Key { #[btf(crate = x)] a: u32 }",
                "expected `name = \"…\"` or `tag",
                "crate",
            ),
            ("#[repr(C)] #[btf(size = 3)] struct Key {}", "expected `name = \"…\"`, `tag", "size"),
        ];
        for (source, message, place) in cases {
            let (told, at) = refused(source);
            assert!(told.starts_with(message), "{source}: {told}");
            assert_eq!(at, place, "{source}");
        }
    }

    #[test]
    fn attributes_of_others_do_not_disturb() {
        let source = "#[repr(C, align(16))] #[derive(Clone)] /// Doc. \n struct Key<'a, T: Copy> where T: Sized { a: &'a T }";
        let expanded = expand(&syn::parse_str(source).unwrap()).unwrap().to_string();
        assert!(
            expanded.contains("impl < 'a , T : Copy >")
                && expanded.contains("& 'a T : :: bpfsmith :: btf :: BtfType")
        );
    }
}
