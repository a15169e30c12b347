//! Reads one source file and says what in it breaks the layers. Sees every path: in `use`, in expressions, types,
//! attributes, and in the arguments of macros.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::graph::{ALIASES, SYSTEM, SYSTEM_PATHS, may_import, module_of};

/// Which rules a file is under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Package {
    /// The root crate: the table of modules.
    Root,
    /// The instruction set: nothing from std.
    Asm,
    /// The derive macros: no unsafe code.
    Derive,
}

/// What is wrong with a file, each with its line.
pub(crate) fn violations(package: Package, module: &[&str], source: &str) -> Vec<String> {
    let file = match syn::parse_file(source) {
        Ok(file) => file,
        Err(error) => return vec![format!("does not parse: {error}")],
    };
    let module = module.iter().map(ToString::to_string).collect();
    let mut checker = Checker { package, module, lines: source.lines().collect(), found: Vec::new() };
    checker.visit_file(&file);
    checker.found
}

struct Checker<'a> {
    package: Package,
    module: Vec<String>,
    lines: Vec<&'a str>,
    found: Vec<String>,
}

/// Names that stand for a whole crate or module; another name for them would hide what is imported.
const ROOTS: &[&str] =
    &["crate", "self", "super", "std", "core", "alloc", "libc", "nix", "bpfsmith", "bpfsmith_asm"];

impl Checker<'_> {
    fn report(&mut self, span: Span, what: &str) {
        self.found.push(format!("line {}: {what}", span.start().line));
    }

    fn path(&mut self, path: &[String], span: Span) {
        match self.package {
            Package::Root => self.root_path(path, span),
            Package::Asm if path.first().is_some_and(|p| p == "std") => self.report(span, "asm names std"),
            Package::Asm | Package::Derive => {}
        }
    }

    fn root_path(&mut self, path: &[String], span: Span) {
        if path.len() == 2 && path[1] == "*" && matches!(path[0].as_str(), "crate" | "bpfsmith" | "std") {
            return self.report(span, &format!("`{}::*` hides what is imported", path[0]));
        }
        if self.module.is_empty() {
            return;
        }
        if let Some(system) = SYSTEM_PATHS.iter().find(|s| starts_with(path, s)) {
            if !SYSTEM.contains(&self.module[0].as_str()) {
                self.report(span, &format!("{} names {}", self.module.join("::"), system.join("::")));
            }
        } else if let Some(absolute) = self.absolute(path) {
            self.import(&absolute, span);
        }
    }

    /// The path from the crate's root, for paths that lead into the crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        if let Some((_, module)) = ALIASES.iter().find(|(name, _)| name == first) {
            return Some([&[(*module).to_owned()], rest].concat());
        }
        match first.as_str() {
            "crate" | "bpfsmith" => Some(rest.to_vec()),
            "self" => Some([&self.module[..], rest].concat()),
            "super" => {
                let ups = path.iter().take_while(|p| *p == "super").count();
                let kept = self.module.len().checked_sub(ups)?;
                Some([&self.module[..kept], &path[ups..]].concat())
            }
            _ => None,
        }
    }

    fn import(&mut self, absolute: &[String], span: Span) {
        let own = module_of(&self.module);
        match (own, module_of(absolute)) {
            (None, _) => self.report(span, &format!("module {} is not in the table", self.module.join("::"))),
            // What the root re-exports has its own module's path inside the crate.
            (_, None) if absolute.is_empty() => {}
            (Some(own), None) => {
                self.report(span, &format!("{own} names {}, which no row has", absolute.join("::")))
            }
            (Some(own), Some(other)) if !may_import(own, other) => {
                self.report(span, &format!("{own} names {other}"))
            }
            _ => {}
        }
    }

    fn use_tree(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, prefix)),
            syn::UseTree::Name(name) => self.use_leaf(&name.ident, prefix),
            syn::UseTree::Rename(rename) => {
                if prefix.is_empty()
                    && !self.module.is_empty()
                    && ROOTS.contains(&rename.ident.to_string().as_str())
                {
                    self.report(rename.ident.span(), &format!("another name for {}", rename.ident));
                }
                self.use_leaf(&rename.ident, prefix);
            }
            syn::UseTree::Glob(glob) => {
                let path = [&prefix[..], &["*".to_owned()]].concat();
                self.path(&path, glob.star_token.spans[0]);
            }
        }
    }

    fn use_leaf(&mut self, ident: &syn::Ident, prefix: &[String]) {
        let name = ident.to_string();
        let path = if name == "self" { prefix.to_vec() } else { [prefix, &[name]].concat() };
        self.path(&path, ident.span());
    }

    fn unsafe_code(&mut self, span: Span) {
        if self.package != Package::Root || self.module.first().is_none_or(|m| m != "sys") {
            self.report(span, "unsafe outside of sys");
        }
    }

    /// The comment right above (attributes and the head of a statement may stand between), or on the same line.
    fn has_safety_comment(&self, span: Span) -> bool {
        let line = span.start().line;
        let above = self.lines.iter().take(line.saturating_sub(1)).rev();
        let mut comments =
            above.skip_while(|l| is_between(l)).take_while(|l| l.trim_start().starts_with("//"));
        let same = self.lines.get(line.saturating_sub(1)).is_some_and(|l| l.contains("SAFETY:"));
        same || comments.any(|l| l.contains("SAFETY:"))
    }

    fn needs_safety_comment(&mut self, span: Span) {
        self.unsafe_code(span);
        if !self.has_safety_comment(span) {
            self.report(span, "unsafe without a SAFETY comment");
        }
    }

    fn tokens(&mut self, tokens: TokenStream, prefix: &[String]) {
        let trees: Vec<_> = tokens.into_iter().collect();
        let mut rest = &trees[..];
        while let Some(tree) = rest.first() {
            match tree {
                TokenTree::Ident(ident) => {
                    if ident == "unsafe" {
                        self.unsafe_code(ident.span());
                    }
                    rest = self.token_path(rest, prefix);
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream(), &[]);
                    rest = &rest[1..];
                }
                _ => rest = &rest[1..],
            }
        }
    }

    /// `a::b::c` or `a::{b, c::d}`; what follows it.
    fn token_path<'t>(&mut self, trees: &'t [TokenTree], prefix: &[String]) -> &'t [TokenTree] {
        let mut path = prefix.to_vec();
        let mut rest = trees;
        while let Some(TokenTree::Ident(ident)) = rest.first() {
            path.push(ident.to_string());
            let Some(after) = after_colons(&rest[1..]) else {
                rest = &rest[1..];
                break;
            };
            rest = after;
            if let Some(TokenTree::Group(group)) = rest.first()
                && group.delimiter() == Delimiter::Brace
            {
                self.tokens(group.stream(), &path);
                return &rest[1..];
            }
        }
        if path.len() > 1 {
            self.path(&path, trees[0].span());
        }
        rest
    }
}

fn starts_with(path: &[String], prefix: &[&str]) -> bool {
    path.len() >= prefix.len() && path.iter().zip(prefix).all(|(a, b)| a == b)
}

fn after_colons(trees: &[TokenTree]) -> Option<&[TokenTree]> {
    match trees {
        [TokenTree::Punct(a), TokenTree::Punct(b), rest @ ..]
            if a.as_char() == ':' && a.spacing() == Spacing::Joint && b.as_char() == ':' =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// A line that may stand between a SAFETY comment and the `unsafe` it speaks of.
fn is_between(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("#[") || line.ends_with('=') || line.ends_with('(')
}

/// `#[cfg(test)]`, and files that are declared under it.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("test")
            || (a.path().is_ident("cfg") && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("test")))
    })
}

fn item_attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(item_attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.attrs.iter().any(|a| a.path().is_ident("path")) {
            self.report(item.ident.span(), "#[path] hides where a module stands");
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &mut Vec::new());
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if !self.module.is_empty() {
            self.report(item.ident.span(), "extern crate outside of the crate's root");
        }
        self.use_leaf(&item.ident, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first().filter(|_| path.segments.len() > 1) {
            let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.path(&names, first.ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone(), &[]);
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone(), &[]);
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.needs_safety_comment(block.unsafe_token.span);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(token) = &item.unsafety {
            self.needs_safety_comment(token.span);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let syn::Safety::Unsafe(token) = &signature.safety {
            self.unsafe_code(token.span);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        self.unsafe_code(item.abi.extern_token.span);
        visit::visit_item_foreign_mod(self, item);
    }
}
