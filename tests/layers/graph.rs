//! Who may import whom: DESIGN's table, and what follows from it.

/// A module of the root crate, and the modules it may name; those may bring what they may name themselves.
/// What stands in no row does not exist.
pub(crate) const MODULES: &[(&str, &[&str])] = &[
    ("base", &["asm"]),
    ("site", &["asm"]),
    ("asm", &[]),
    ("sys", &[]),
    ("kind", &[]),
    ("btf", &[]),
    ("btf::ext", &["asm", "btf"]),
    ("target", &["btf", "kind"]),
    ("program", &["asm", "kind"]),
    ("map", &["btf"]),
    ("object", &["asm", "kind", "btf", "btf::ext", "program", "map"]),
    ("dsl", &["object", "check"]),
    ("relocate", &["object", "target"]),
    ("check", &["object", "target"]),
    ("elf", &["object"]),
    ("plan", &["relocate", "check"]),
    ("sim", &["relocate", "check"]),
    ("kernel", &["plan", "sys"]),
    ("link", &["kernel", "sys"]),
    ("ringbuf", &["kernel", "sys"]),
    ("perf", &["kernel", "sys"]),
    ("backend", &["sim", "kernel"]),
    ("error", &["dsl", "elf", "sim", "link", "ringbuf", "perf"]),
    ("cli", &["error"]),
    // Pages of documentation: no code.
    ("guide", &[]),
];

/// The shared vocabulary: open to all, and bringing nothing (who names `base` does not get `asm` by that).
pub(crate) const SHARED: &[&str] = &["base", "site"];

/// Modules that may name what only some systems have.
pub(crate) const SYSTEM: &[&str] = &["kernel", "link", "sys", "cli"];

/// What only some systems have.
pub(crate) const SYSTEM_PATHS: &[&[&str]] = &[&["libc"], &["nix"], &["std", "os"], &["std", "fs"]];

/// Other names of modules in the table.
pub(crate) const ALIASES: &[(&str, &str)] = &[("bpfsmith_asm", "asm")];

/// The row a path inside the crate belongs to: `btf::ext::FuncInfo` to `btf::ext`, `btf::Type` to `btf`.
pub(crate) fn module_of(path: &[String]) -> Option<&'static str> {
    let rows = MODULES.iter().map(|(name, _)| *name);
    rows.filter(|name| name.split("::").enumerate().all(|(i, part)| path.get(i).is_some_and(|p| p == part)))
        .max_by_key(|name| name.len())
}

/// Whether one row may name another.
pub(crate) fn may_import(from: &str, to: &str) -> bool {
    from == to || (SHARED.contains(&to) && from != "asm") || reaches(from, to)
}

fn reaches(from: &str, to: &str) -> bool {
    direct(from).iter().any(|next| *next == to || (!SHARED.contains(next) && reaches(next, to)))
}

fn direct(module: &str) -> &'static [&'static str] {
    MODULES.iter().find(|(name, _)| *name == module).map_or(&[], |(_, allowed)| allowed)
}
