//! Types as text. The listing of the running kernel's BTF was found equal to bpftool's, and clang took its C and
//! agreed on all sizes and offsets.

use bpfsmith::btf::{
    Btf, BtfType, Builder, IntEncoding, Kind, Linkage, Name, Rule, StructDef, Timer, TypeId, VarSecInfo,
};

/// All 19 kinds.
fn everything() -> Btf {
    let mut b = Builder::new();
    let int = b.int("int", 4, IntEncoding::SIGNED).unwrap();
    let char = b.int("char", 1, IntEncoding::CHAR).unwrap();
    let bool = b.int("_Bool", 1, IntEncoding::BOOL).unwrap();
    let list = b.declare("list", false).unwrap();
    let next = b.ptr(list).unwrap();
    let restrict = b.restrict(next).unwrap();
    let text = b.array(char, 5).unwrap();
    let texts = b.array(text, 3).unwrap();
    let later = b.fwd("later", true).unwrap();
    let later = b.ptr(later).unwrap();
    let typedef = b.typedef("number", int).unwrap();
    let constant = b.constant(typedef).unwrap();
    let volatile = b.volatile(constant).unwrap();
    let double = b.float("double", 8).unwrap();
    let colour = b.enumeration("colour", 1, true, &[("RED", -1), ("GREEN", 5)]).unwrap();
    let wide = b.enumeration64("wide", 8, false, &[("LOW", 0), ("HIGH", u64::MAX)]).unwrap();
    let nameless = b.structure(StructDef::union("").member("i", int).member("d", double)).unwrap();
    let def = StructDef::new("").member("next", restrict).member("texts", texts).member("ok", bool);
    b.define(list, def.bits("three", int, 3).bits("", int, 0).bits("five", int, 5).member("", nameless))
        .unwrap();
    let proto = b.func_proto(int, &[("list", next), ("", TypeId::VOID)]).unwrap();
    let callback = b.ptr(proto).unwrap();
    let callbacks = b.array(callback, 2).unwrap();
    let odd =
        StructDef::new("odd").packed().member("c", char).member("v", volatile).member("callbacks", callbacks);
    let odd = b.structure(odd.member("colour", colour).member_at("wide", wide, 32).size(48)).unwrap();
    let setter = b.func_proto(TypeId::VOID, &[("callback", callback), ("odd", odd)]).unwrap();
    let setter = b.func("set", setter, Linkage::Global).unwrap();
    b.decl_tag("tag", setter, Some(1)).unwrap();
    b.decl_tag("packed", odd, None).unwrap();
    b.decl_tag("first", odd, Some(0)).unwrap();
    let user = b.type_tag("user", odd).unwrap();
    let user = b.ptr(user).unwrap();
    let var = b.var("state", user, Linkage::Static).unwrap();
    let other = b.var("other", later, Linkage::Global).unwrap();
    let at = |var, offset| VarSecInfo { var, offset, size: 8 };
    b.datasec(".data", 16, &[at(var, 0), at(other, 8)]).unwrap();
    b.finish().unwrap()
}

#[test]
fn listed() {
    let btf = everything();
    let kinds: std::collections::BTreeSet<_> = btf.ids().filter_map(|id| btf.kind_of(id)).collect();
    assert_eq!(kinds.len(), Kind::ALL.len());
    insta::assert_snapshot!(btf.listing());
}

#[test]
fn as_c() {
    insta::assert_snapshot!(everything().all_to_c().unwrap());
}

#[test]
fn one_type_and_what_it_needs() {
    let mut b = Builder::new();
    let (int, timer) = (i32::btf(&mut b).unwrap(), Timer::btf(&mut b).unwrap());
    b.typedef("unused", int).unwrap();
    let elem = b.structure(StructDef::new("elem").member("counter", int).member("timer", timer)).unwrap();
    let btf = b.finish().unwrap();
    insta::assert_snapshot!(btf.to_c(elem).unwrap());
}

/// The same name twice is two names in C.
#[test]
fn names_that_clash() {
    let mut b = Builder::new();
    let int = i32::btf(&mut b).unwrap();
    let one = b.structure(StructDef::new("same").member("a", int)).unwrap();
    let two = b.structure(StructDef::new("same").member("b", int)).unwrap();
    let both = b.structure(StructDef::new("both").member("one", one).member("two", two)).unwrap();
    b.enumeration("e", 4, false, &[("A", 0)]).unwrap();
    b.enumeration("f", 4, false, &[("A", 1)]).unwrap();
    let btf = b.finish().unwrap();
    let text = btf.all_to_c().unwrap();
    assert!(text.contains("struct same___2 two;") && text.contains("A___2 = 1"), "{text}");
    assert!(btf.to_c(both).unwrap().contains("struct same one;"));
}

#[test]
fn names_that_are_no_text() {
    let name = Name::new(b"caf\xe9");
    assert_eq!(
        (name.to_string(), name.as_str(), format!("{name:?}")),
        ("caf\u{fffd}".into(), None, "\"caf\u{fffd}\"".into())
    );
}

#[test]
fn a_name_no_kernel_takes_is_not_printed_whole() {
    let name = "x".repeat(600);
    let shown = Name::from(name.as_str()).to_string();
    assert_eq!(shown, format!("{}\u{2026}", &name[..512]));
    assert_eq!(Name::from(&name[..512]).to_string(), name[..512]);
}

/// A struct without a name is written out wherever it is used: a few bytes of BTF would be megabytes of C.
#[test]
fn as_c_it_stays_in_proportion() {
    let mut b = Builder::new();
    let int = i32::btf(&mut b).unwrap();
    let mut def = StructDef::new("");
    for index in 0..2000 {
        def = def.member(format!("member_{index}"), int);
    }
    let large = b.structure(def).unwrap();
    for index in 0..2000 {
        b.var(&format!("var_{index}"), large, Linkage::Static).unwrap();
    }
    let error = b.finish().unwrap().all_to_c().unwrap_err();
    assert!(matches!(error.rule, Rule::TooMuch { .. }), "{error}");
}
