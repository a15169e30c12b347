//! What holds for any BTF, and for any bytes.

use bpfsmith::base::Endian;
use bpfsmith::btf::{
    Btf, Builder, IntEncoding, Kind, Linkage, StructDef, Type, TypeId, VarSecInfo, View, special,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

/// Something to add, its references taken modulo what is there.
#[derive(Clone, Debug)]
enum Op {
    Int(u8, u8),
    Modifier(u8, u32),
    Array(u32, u16),
    Struct(Vec<(u32, Option<u8>)>, bool, bool),
    Enum(Vec<i32>, bool),
    Enum64(Vec<u64>),
    Fwd(bool),
    Float(u8),
    Func(Vec<u32>),
    Var(u32),
    Tag(u32),
    List(Vec<u32>),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0u8..5, 0u8..4).prop_map(|(size, encoding)| Op::Int(size, encoding)),
        (0u8..6, any::<u32>()).prop_map(|(kind, target)| Op::Modifier(kind, target)),
        (any::<u32>(), 0u16..40).prop_map(|(element, len)| Op::Array(element, len)),
        (vec((any::<u32>(), proptest::option::of(1u8..33)), 0..6), any::<bool>(), any::<bool>())
            .prop_map(|(members, union, packed)| Op::Struct(members, union, packed)),
        (vec(any::<i32>(), 0..4), any::<bool>()).prop_map(|(values, signed)| Op::Enum(values, signed)),
        vec(any::<u64>(), 0..4).prop_map(Op::Enum64),
        any::<bool>().prop_map(Op::Fwd),
        (0u8..4).prop_map(Op::Float),
        vec(any::<u32>(), 0..4).prop_map(Op::Func),
        any::<u32>().prop_map(Op::Var),
        any::<u32>().prop_map(Op::Tag),
        vec(any::<u32>(), 0..4).prop_map(Op::List),
    ]
}

/// What can be added is; what cannot is refused, and leaves nothing behind.
fn apply(b: &mut Builder, op: &Op, index: usize) {
    let end = b.view().ids().last().map_or(0, |id| id.0) + 1;
    let id = |any: u32| TypeId(any % end);
    let name = format!("name{}", index % 7);
    let _ = match op {
        Op::Int(size, encoding) => {
            let encodings = [IntEncoding::empty(), IntEncoding::SIGNED, IntEncoding::CHAR, IntEncoding::BOOL];
            b.int(&name, 1 << size, encodings[usize::from(*encoding)])
        }
        Op::Modifier(kind, target) => match kind {
            0 => b.ptr(id(*target)),
            1 => b.constant(id(*target)),
            2 => b.volatile(id(*target)),
            3 => b.restrict(id(*target)),
            4 => b.typedef(&name, id(*target)),
            _ => b.type_tag(&name, id(*target)),
        },
        Op::Array(element, len) => b.array(id(*element), (*len).into()),
        Op::Struct(members, union, packed) => {
            let def = if *union { StructDef::union(name) } else { StructDef::new(name) };
            let def = if *packed { def.packed() } else { def };
            let def = members.iter().enumerate().fold(def, |def, (index, (ty, bits))| match bits {
                Some(bits) => def.bits(format!("m{index}"), id(*ty), *bits),
                None => def.member(format!("m{index}"), id(*ty)),
            });
            b.structure(def)
        }
        Op::Enum(values, signed) => {
            let values: Vec<_> = values.iter().map(|&value| ("VALUE", value)).collect();
            b.enumeration(&name, 4, *signed, &values)
        }
        Op::Enum64(values) => {
            let values: Vec<_> = values.iter().map(|&value| ("VALUE", value)).collect();
            b.enumeration64("", 8, index.is_multiple_of(2), &values)
        }
        Op::Fwd(union) => b.fwd(&name, *union),
        Op::Float(size) => b.float(&name, 2 << size),
        Op::Func(params) => {
            let params: Vec<_> = params.iter().map(|&param| ("param", id(param))).collect();
            b.func_proto(TypeId::VOID, &params).and_then(|proto| b.func(&name, proto, Linkage::Static))
        }
        Op::Var(ty) => b.var(&name, id(*ty), Linkage::Global).and_then(|var| {
            let size = b.view().size_of(id(*ty))?;
            b.datasec(".data", size.saturating_add(8), &[VarSecInfo { var, offset: 4, size }])
        }),
        Op::Tag(target) => b.decl_tag("tag", id(*target), None),
        Op::List(members) => b.declare("list", false).and_then(|list| {
            let next = b.ptr(list)?;
            let def = members
                .iter()
                .fold(StructDef::new("").member("next", next), |def, &ty| def.member("m", id(ty)));
            if b.define(list, def).is_err() {
                b.define(list, StructDef::new("").member("next", next))?;
            }
            Ok(list)
        }),
    };
}

fn built(ops: &[Op], base: Option<Arc<Btf>>) -> Option<Btf> {
    let mut builder = base.map_or_else(Builder::new, Builder::split);
    ops.iter().enumerate().for_each(|(index, op)| apply(&mut builder, op, index));
    // Type tags may stand behind other modifiers, which only the whole shows.
    builder.finish().ok()
}

fn walk(view: &View<'_>) {
    let _ = (view.listing().to_string(), view.all_to_c(), view.check(), format!("{view:?}"));
    for id in view.ids() {
        let _ =
            (view.size_of(id), view.align_of(id), view.resolve(id), view.to_c(id), special::scan(view, id));
        if let Ok(ty) = view.get(id) {
            let _ = (
                view.find_all(&ty.name().to_string()).count(),
                view.find(Kind::Struct, &ty.name().to_string()),
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_undoes_encoding(ops in vec(op(), 0..40)) {
        if let Some(btf) = built(&ops, None) {
            for endian in [Endian::Little, Endian::Big] {
                let bytes = btf.encode(endian);
                let view = View::new(&bytes).unwrap();
                prop_assert_eq!(&view, &btf);
                prop_assert_eq!(view.encode(endian), &bytes[..]);
                prop_assert!(view.ids().all(|id| view.get(id).unwrap() == btf.get(id).unwrap()));
                prop_assert!(view.check().is_ok());
                prop_assert_eq!(&view.into_owned(), &btf);
            }
            walk(&btf);
        }
    }

    #[test]
    fn split_btf_goes_on_from_its_base(first in vec(op(), 1..20), second in vec(op(), 0..20)) {
        let Some(base) = built(&first, None) else { return Ok(()) };
        let Some(btf) = built(&second, Some(Arc::new(base.clone()))) else { return Ok(()) };
        let bytes = btf.encode(Endian::Big);
        let view = View::split(Arc::new(base.clone()), &bytes).unwrap();
        prop_assert_eq!(view.first_id().0 as usize, base.len() + 1);
        prop_assert_eq!(&view, &btf);
        prop_assert!(base.ids().all(|id| view.get(id).unwrap() == base.get(id).unwrap()));
        prop_assert!(view.check().is_ok());
        walk(&view);
    }

    #[test]
    fn a_builder_that_goes_on_finds_what_is_there(ops in vec(op(), 1..30)) {
        let Some(btf) = built(&ops, None) else { return Ok(()) };
        let mut again = Builder::from(View::new(&btf.encode(Endian::Big)).unwrap().into_owned());
        for id in btf.ids() {
            let ty = btf.get(id).unwrap();
            let declares = matches!(ty, Type::Func(_) | Type::Var(_) | Type::DataSec(_));
            if !declares {
                prop_assert!(again.add(&ty).unwrap() <= id);
            }
        }
        prop_assert_eq!(again.view().len(), btf.len());
    }

    #[test]
    fn names_are_found_in_order(ops in vec(op(), 1..60)) {
        let Some(btf) = built(&ops, None) else { return Ok(()) };
        for id in btf.ids() {
            let (ty, name) = (btf.get(id).unwrap(), btf.get(id).unwrap().name().to_string());
            let all: Vec<_> = btf.find_all(&name).collect();
            let expected: Vec<_> =
                btf.ids().filter(|&id| !name.is_empty() && btf.get(id).unwrap().name() == name.as_str()).collect();
            prop_assert_eq!(&all, &expected);
            let first = all.into_iter().find(|&other| btf.kind_of(other) == ty.kind());
            prop_assert_eq!(btf.find(ty.kind().unwrap(), &name), first);
        }
    }

    /// The reader takes whatever comes, and so does all that stands on it.
    #[test]
    fn no_bytes_panic(ops in vec(op(), 1..20), hits in vec((any::<usize>(), any::<u32>()), 1..5), cut in any::<usize>()) {
        let Some(btf) = built(&ops, None) else { return Ok(()) };
        let mut bytes = btf.encode(if cut % 2 == 0 { Endian::Little } else { Endian::Big });
        for (at, value) in hits {
            let at = (at % bytes.len()) & !3;
            let small = if value % 2 == 0 { value >> 1 } else { (value >> 1) & 63 };
            bytes[at..].iter_mut().zip(small.to_le_bytes()).for_each(|(byte, value)| *byte = value);
        }
        if cut % 8 == 0 {
            bytes.truncate(cut / 8 % bytes.len());
        }
        if let Ok(view) = View::new(&bytes) {
            walk(&view);
        }
    }

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..200)) {
        let _ = View::new(&bytes).map(|view| walk(&view));
    }
}
