//! `#[btf(…)]` and `#[repr(…)]`.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Error, LitStr, Path, Result, ext::IdentExt, parse_quote};

/// What `#[btf(…)]` says.
#[derive(Default)]
pub(crate) struct Btf {
    name: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    krate: Option<Path>,
}

impl Btf {
    /// The attributes on a struct or enum.
    pub(crate) fn of_type(attributes: &[Attribute]) -> Result<Self> {
        Self::parse(attributes, true)
    }

    /// The attributes on a field or variant.
    pub(crate) fn of_member(attributes: &[Attribute]) -> Result<Self> {
        Self::parse(attributes, false)
    }

    fn parse(attributes: &[Attribute], is_type: bool) -> Result<Self> {
        let mut parsed = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("btf")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    parsed.name = Some(identifier(meta.value()?.parse()?)?);
                } else if meta.path.is_ident("tag") {
                    parsed.tags.push(meta.value()?.parse()?);
                } else if meta.path.is_ident("crate") && is_type {
                    parsed.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
                } else if is_type {
                    return Err(meta.error("expected `name = \"…\"`, `tag = \"…\"` or `crate = path`"));
                } else {
                    return Err(meta.error("expected `name = \"…\"` or `tag = \"…\"`"));
                }
                Ok(())
            })?;
        }
        Ok(parsed)
    }

    /// The name in BTF.
    pub(crate) fn name(&self, ident: &Ident) -> Result<LitStr> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => identifier(LitStr::new(&ident.unraw().to_string(), ident.span())),
        }
    }

    /// The path of the module `btf`.
    pub(crate) fn module(&self) -> Path {
        match &self.krate {
            Some(krate) => parse_quote!(#krate::btf),
            None => parse_quote!(::bpfsmith::btf),
        }
    }
}

/// The kernel's rule for names.
fn identifier(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let starts = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.');
    let valid = text.starts_with(starts) && text.chars().all(|c| starts(c) || c.is_ascii_digit());
    if valid && text.len() <= 512 {
        return Ok(name);
    }
    let rule = "a name in BTF is ASCII letters, digits, `_` and `.`; give one with `#[btf(name = \"…\")]`";
    Err(Error::new(name.span(), rule))
}

/// What `#[repr(…)]` says.
#[derive(Default)]
pub(crate) struct Repr {
    pub(crate) c: bool,
    pub(crate) packed: bool,
    /// The integer of an enum.
    pub(crate) int: Option<Ident>,
}

impl Repr {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut repr = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("C") {
                    repr.c = true;
                } else if meta.path.is_ident("packed") {
                    repr.packed = true;
                } else if let Some(ident) = meta.path.get_ident().filter(|ident| *ident != "align") {
                    repr.int = Some(ident.clone());
                }
                if meta.input.peek(syn::token::Paren) {
                    let argument;
                    syn::parenthesized!(argument in meta.input);
                    argument.parse::<proc_macro2::TokenStream>()?;
                }
                Ok(())
            })?;
        }
        Ok(repr)
    }
}

/// The name of the constant for a field.
pub(crate) fn constant(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string().to_uppercase();
    Ident::new(&name, ident.span().resolved_at(Span::call_site()))
}
