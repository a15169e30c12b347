//! Structs: offsets are the compiler's, bytes go field by field.

use crate::attributes::{Btf, Repr, constant};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    DataStruct, DeriveInput, Error, Fields, Generics, LitStr, Path, Result, Type, Visibility, parse_quote,
};

struct Member<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    visibility: &'a Visibility,
    name: LitStr,
    tags: Vec<LitStr>,
}

pub(crate) fn expand(input: &DeriveInput, data: &DataStruct) -> Result<TokenStream> {
    let repr = Repr::parse(&input.attrs)?;
    if !repr.c {
        let message = "BtfType needs `#[repr(C)]`: without it the compiler may move fields, and the kernel could not \
                       tell where they are";
        return Err(Error::new(input.ident.span(), message));
    }
    let attributes = Btf::of_type(&input.attrs)?;
    let members = members(data, input)?;
    let btf = attributes.module();
    let generics = bounded(&input.generics, &members, &btf);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let ident = &input.ident;
    let describe = describe(&attributes, ident, &members, &btf)?;
    let write = write(&members, repr.packed, &btf);
    let read = read(&members, &btf);
    let constants = constants(&members, &btf);
    let sizes = members.iter().map(|Member { ty, .. }| {
        let message = "BtfType::SIZE of a field differs from its size in Rust";
        quote_spanned!(at(ty)=> ::core::assert!(<#ty as #btf::BtfType>::SIZE == ::core::mem::size_of::<#ty>(), #message);)
    });
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #btf::BtfType for #ident #ty_generics #where_clause {
            const SIZE: usize = {
                #(#sizes)*
                ::core::mem::size_of::<Self>()
            };
            #describe
            #write
            #read
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #impl_generics #ident #ty_generics #where_clause {
            #constants
        }
    })
}

fn members<'a>(data: &'a DataStruct, input: &DeriveInput) -> Result<Vec<Member<'a>>> {
    let Fields::Named(fields) = &data.fields else {
        let message = "BtfType needs named fields, which become the members of the C struct";
        return Err(Error::new(input.ident.span(), message));
    };
    let member = |field: &'a syn::Field| {
        let ident = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "a field without a name"))?;
        let attributes = Btf::of_member(&field.attrs)?;
        let name = attributes.name(ident)?;
        Ok(Member { ident, ty: &field.ty, visibility: &field.vis, name, tags: attributes.tags })
    };
    fields.named.iter().map(member).collect()
}

/// Every field that depends on a type parameter must be a `BtfType`.
fn bounded(generics: &Generics, members: &[Member<'_>], btf: &Path) -> Generics {
    let mut generics = generics.clone();
    if generics.type_params().next().is_some() {
        let clause = generics.make_where_clause();
        for Member { ty, .. } in members {
            clause.predicates.push(parse_quote!(#ty: #btf::BtfType));
        }
    }
    generics
}

fn describe(attributes: &Btf, ident: &Ident, members: &[Member<'_>], btf: &Path) -> Result<TokenStream> {
    let name = attributes.name(ident)?;
    let adds = members.iter().map(|Member { ident, ty, name, .. }| {
        quote_spanned! {at(ty)=>
            let member = <#ty as #btf::BtfType>::btf(builder)?;
            let def = def.member_at(#name, member, ::core::mem::offset_of!(Self, #ident) as u32);
        }
    });
    let type_tags =
        attributes.tags.iter().map(|tag| quote!(builder.decl_tag(#tag, id, ::core::option::Option::None)?;));
    let member_tags = members.iter().enumerate().flat_map(|(index, Member { tags, .. })| {
        let index = index as u32;
        tags.iter().map(move |tag| quote!(builder.decl_tag(#tag, id, ::core::option::Option::Some(#index))?;))
    });
    Ok(quote! {
        fn btf(builder: &mut #btf::Builder) -> ::core::result::Result<#btf::TypeId, #btf::BtfError> {
            let def = #btf::StructDef::new(#name).size(::core::mem::size_of::<Self>() as u32);
            #(#adds)*
            let id = builder.structure(def)?;
            #(#type_tags)*
            #(#member_tags)*
            ::core::result::Result::Ok(id)
        }
    })
}

fn write(members: &[Member<'_>], packed: bool, btf: &Path) -> TokenStream {
    let writes = members.iter().map(|Member { ident, ty, .. }| {
        let place = if packed { quote!(&{ self.#ident }) } else { quote!(&self.#ident) };
        quote_spanned! {at(ty)=>
            if let ::core::option::Option::Some(out) = out.get_mut(::core::mem::offset_of!(Self, #ident)..) {
                <#ty as #btf::BtfType>::write_to(#place, out, endian);
            }
        }
    });
    quote! {
        #[allow(unused_variables)]
        fn write_to(&self, out: &mut [u8], endian: #btf::Endian) {
            #(#writes)*
        }
    }
}

fn read(members: &[Member<'_>], btf: &Path) -> TokenStream {
    let reads = members.iter().map(|Member { ident, ty, .. }| {
        quote_spanned! {at(ty)=>
            #ident: <#ty as #btf::BtfType>::read_from(bytes.get(::core::mem::offset_of!(Self, #ident)..)?, endian)?,
        }
    });
    quote! {
        #[allow(unused_variables)]
        fn read_from(bytes: &[u8], endian: #btf::Endian) -> ::core::option::Option<Self> {
            let bytes = bytes.get(..<Self as #btf::BtfType>::SIZE)?;
            ::core::option::Option::Some(Self { #(#reads)* })
        }
    }
}

fn constants(members: &[Member<'_>], btf: &Path) -> TokenStream {
    let constants = members.iter().map(|Member { ident, ty, visibility, .. }| {
        let constant = constant(ident);
        let doc = format!("The place of `{ident}`.");
        quote! {
            #[doc = #doc]
            #visibility const #constant: #btf::Field<Self, #ty> = #btf::Field::at(::core::mem::offset_of!(Self, #ident));
        }
    });
    quote!(#(#constants)*)
}

/// Where an error about a field is shown; names mean what they mean in the rest of what is generated.
fn at(ty: &Type) -> Span {
    ty.span().resolved_at(Span::call_site())
}
