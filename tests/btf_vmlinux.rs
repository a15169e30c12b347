//! The running kernel's own BTF: read, looked up, written again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bpfsmith::base::Endian;
use bpfsmith::btf::{Builder, Kind, Type, View};
use libtest_mimic::{Arguments, Failed, Trial};

const PATH: &str = "/sys/kernel/btf/vmlinux";

fn main() {
    let readable = std::fs::read(PATH).ok().map(|bytes| &*bytes.leak());
    let reason = if readable.is_some() { "" } else { "because /sys/kernel/btf/vmlinux cannot be read" };
    let trial = |name: &str, test: fn(&'static [u8])| {
        let name = if reason.is_empty() { name.to_owned() } else { format!("{name} (ignored, {reason})") };
        let run = move || -> Result<(), Failed> {
            test(readable.unwrap_or_default());
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(readable.is_none())
    };
    let trials = vec![
        trial("every_type_reads", every_type_reads),
        trial("it_is_written_as_it_was_read", round_trip),
        trial("names_are_found", names_are_found),
        trial("a_builder_goes_on_from_it", a_builder_goes_on),
        trial("rebuilt_type_by_type", rebuilt),
        trial("it_passes_the_check", passes_the_check),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn every_type_reads(bytes: &'static [u8]) {
    let view = View::new(bytes).unwrap();
    let mut members = 0;
    for id in view.ids() {
        if let Type::Struct(def) | Type::Union(def) = view.get(id).unwrap() {
            members += def.members.count();
        }
    }
    assert!(view.len() > 10_000 && members > 10_000);
}

fn round_trip(bytes: &'static [u8]) {
    let view = View::new(bytes).unwrap();
    assert!(view.encode(view.endian()) == bytes);
    let big = view.encode(Endian::Big);
    let turned = View::new(&big).unwrap();
    assert!(turned == view);
    assert!(turned.into_owned().encode(Endian::Little) == bytes);
}

fn names_are_found(bytes: &'static [u8]) {
    let view = View::new(bytes).unwrap();
    let id = view.find(Kind::Struct, "task_struct").unwrap();
    assert_eq!(view.get(id).unwrap().name(), "task_struct");
    assert_eq!(view.find(Kind::Struct, "bpfsmith_is_not_in_the_kernel"), None);
    assert_eq!(view.find(Kind::Struct, ""), None);
    let mut first = std::collections::HashMap::new();
    for id in view.ids() {
        let ty = view.get(id).unwrap();
        if !ty.name().is_empty() {
            first.entry((ty.kind(), ty.name())).or_insert(id);
        }
    }
    for ((kind, name), id) in first {
        assert_eq!(view.find(kind.unwrap(), name.as_str().unwrap()), Some(id), "{name}");
    }
}

fn a_builder_goes_on(bytes: &'static [u8]) {
    let view = View::new(bytes).unwrap().into_owned();
    let count = view.len();
    let mut builder = Builder::from(view);
    let int = builder.int("int", 4, bpfsmith::btf::IntEncoding::SIGNED).unwrap();
    assert!((int.0 as usize) < count, "int is there already");
    builder.typedef("bpfsmith_is_not_in_the_kernel", int).unwrap();
    assert_eq!(builder.view().len(), count + 1);
    assert!(builder.view().find(Kind::Typedef, "bpfsmith_is_not_in_the_kernel").is_some());
}

/// Every type goes through `Type` and the encoder; forward references need the numbers to be there already.
fn rebuilt(bytes: &'static [u8]) {
    let view = View::new(bytes).unwrap().into_owned();
    let mut builder = Builder::from(view.clone());
    for id in view.ids() {
        let ty = view.get(id).unwrap();
        let declares = matches!(ty.kind(), Some(Kind::Func | Kind::Var | Kind::DataSec));
        if !declares
            && !matches!(ty, Type::Struct(def) | Type::Union(def) if def.members.iter().all(|m| m.bits == 0))
        {
            let again = builder.add(&ty).unwrap();
            assert!(again <= id, "{id} {ty:?} became {again}");
        }
    }
}

fn passes_the_check(bytes: &'static [u8]) {
    View::new(bytes).unwrap().check().unwrap();
}
