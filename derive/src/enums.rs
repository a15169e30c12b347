//! Enums without fields: the integer they are made of, and its values by name.

use crate::attributes::{Btf, Repr};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Result, Variant};

pub(crate) fn expand(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    let int = integer(input)?;
    let attributes = Btf::of_type(&input.attrs)?;
    let btf = attributes.module();
    let (ident, name) = (&input.ident, attributes.name(&input.ident)?);
    let variants = data.variants.iter().map(variant).collect::<Result<Vec<_>>>()?;
    let idents: Vec<_> = variants.iter().map(|(ident, _)| ident).collect();
    let wide = int == "u64" || int == "i64";
    let signed = int.to_string().starts_with('i');
    let (method, value) =
        if wide { (quote!(enumeration64), quote!(u64)) } else { (quote!(enumeration), quote!(i32)) };
    let values = variants.iter().map(|(ident, name)| quote!((#name, Self::#ident as #int as #value)));
    Ok(quote! {
        #[automatically_derived]
        impl #btf::BtfType for #ident {
            const SIZE: usize = ::core::mem::size_of::<Self>();

            fn btf(builder: &mut #btf::Builder) -> ::core::result::Result<#btf::TypeId, #btf::BtfError> {
                builder.#method(#name, ::core::mem::size_of::<Self>() as u32, #signed, &[#(#values),*])
            }

            fn write_to(&self, out: &mut [u8], endian: #btf::Endian) {
                let value = match self {
                    #(Self::#idents => Self::#idents as #int,)*
                };
                #btf::BtfType::write_to(&value, out, endian);
            }

            fn read_from(bytes: &[u8], endian: #btf::Endian) -> ::core::option::Option<Self> {
                let value = <#int as #btf::BtfType>::read_from(bytes, endian)?;
                #(if value == Self::#idents as #int {
                    return ::core::option::Option::Some(Self::#idents);
                })*
                ::core::option::Option::None
            }
        }
    })
}

const INTEGERS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];

fn integer(input: &DeriveInput) -> Result<Ident> {
    match Repr::parse(&input.attrs)?.int {
        Some(int) if INTEGERS.iter().any(|known| int == known) => Ok(int),
        _ => Err(Error::new(
            input.ident.span(),
            "BtfType needs an enum with the size of an integer: `#[repr(u32)]`, or another of u8 to u64 and i8 to i64",
        )),
    }
}

fn variant(variant: &Variant) -> Result<(&Ident, syn::LitStr)> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new(
            variant.ident.span(),
            "BtfType needs variants without fields: C has no others",
        ));
    }
    Ok((&variant.ident, Btf::of_member(&variant.attrs)?.name(&variant.ident)?))
}
