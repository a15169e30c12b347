//! Special fields: where the kernel finds them, and what it makes of the rest. The verdicts were compared with
//! Linux 6.18: a map with special fields cannot be frozen (ENOTSUPP), one whose fields it does not see can.

use bpfsmith::btf::special::{FieldKind, FieldKinds, scan};
use bpfsmith::btf::{
    BtfError, BtfType, Builder, IntEncoding, Linkage, ListHead, ListNode, RbRoot, RefCount, ResSpinLock,
    SpinLock, StructDef, Timer, TypeId, VarSecInfo, WorkQueue,
};

type Build = fn(&mut Builder) -> Result<TypeId, BtfError>;

/// What is found in each of these values, or what is wrong with it.
fn told(cases: &[(&str, Build)]) -> String {
    let mut text = String::new();
    for (name, case) in cases {
        let mut b = Builder::new();
        let value = case(&mut b).expect(name);
        let verdict = match scan(b.view(), value) {
            Ok(fields) if fields.is_empty() => "nothing special".to_owned(),
            Ok(fields) => {
                let told =
                    fields.iter().map(|field| format!("{} {} at {}", field.path, field.kind, field.offset));
                told.collect::<Vec<_>>().join(", ")
            }
            Err(error) => format!("ERROR {error}"),
        };
        text.push_str(&format!("{name}\n    {verdict}\n"));
    }
    text
}

fn int(b: &mut Builder) -> TypeId {
    b.int("int", 4, IntEncoding::SIGNED).unwrap()
}

fn timer(b: &mut Builder) -> TypeId {
    Timer::btf(b).unwrap()
}

/// `struct elem { int counter; <member> }`.
fn elem(b: &mut Builder, ty: TypeId) -> Result<TypeId, BtfError> {
    let int = int(b);
    b.structure(StructDef::new("elem").member("counter", int).member("t", ty))
}

fn kptr(b: &mut Builder, tag: &str) -> TypeId {
    let int = int(b);
    let item = b.structure(StructDef::new("item").member("value", int)).unwrap();
    let tag = b.type_tag(tag, item).unwrap();
    b.ptr(tag).unwrap()
}

#[test]
fn well_placed() {
    insta::assert_snapshot!(told(&[
        ("plain", |b| <[u64; 4]>::btf(b)),
        ("behind padding", |b| {
            let timer = timer(b);
            elem(b, timer)
        }),
        ("in a struct in a struct", |b| {
            let timer = timer(b);
            let inner = elem(b, timer)?;
            let anonymous = b.structure(StructDef::new("").member("inner", inner))?;
            b.structure(StructDef::new("outer").member("", anonymous))
        }),
        ("in an array of one", |b| {
            let timer = timer(b);
            let one = b.array(timer, 1)?;
            let one = b.array(one, 1)?;
            elem(b, one)
        }),
        ("the value behind a typedef and const", |b| {
            let timer = timer(b);
            let value = elem(b, timer)?;
            let value = b.typedef("elem_t", value)?;
            b.constant(value)
        }),
        ("three kinds", |b| {
            let (lock, timer, queue) = (SpinLock::btf(b)?, timer(b), WorkQueue::btf(b)?);
            b.structure(
                StructDef::new("elem").member("lock", lock).member("timer", timer).member("queue", queue),
            )
        }),
        ("pointers in an array", |b| {
            let kptr = kptr(b, "kptr");
            let three = b.array(kptr, 3)?;
            elem(b, three)
        }),
        ("a volatile pointer", |b| {
            let kptr = kptr(b, "kptr_untrusted");
            let volatile = b.volatile(kptr)?;
            elem(b, volatile)
        }),
        ("structs with pointers in an array", |b| {
            let kptr = kptr(b, "percpu_kptr");
            let inner = b.structure(StructDef::new("inner").member("a", kptr).member("b", kptr))?;
            let two = b.array(inner, 2)?;
            elem(b, two)
        }),
        ("a bit-field and nothing special", |b| {
            let int = int(b);
            b.structure(StructDef::new("elem").bits("a", int, 3).bits("b", int, 3))
        }),
        ("a node, which only objects have", |b| {
            let node = ListNode::btf(b)?;
            elem(b, node)
        }),
        ("a section", |b| {
            let timer = timer(b);
            let var = b.var("t", timer, Linkage::Global)?;
            b.datasec(".timers", 24, &[VarSecInfo { var, offset: 8, size: 16 }])
        }),
        ("a list", |b| {
            let (node, int) = (ListNode::btf(b)?, int(b));
            b.structure(StructDef::new("item").member("value", int).member("node", node))?;
            let (lock, head) = (SpinLock::btf(b)?, ListHead::btf(b)?);
            let elem = b.structure(StructDef::new("elem").member("lock", lock).member("items", head))?;
            b.decl_tag("contains:item:node", elem, Some(1))?;
            Ok(elem)
        }),
    ]));
}

#[test]
fn badly_placed() {
    insta::assert_snapshot!(told(&[
        ("void", |b| Ok([int(b), TypeId::VOID][1])),
        ("a forward declaration", |b| b.fwd("later", false)),
        ("the value itself", |b| Ok(timer(b))),
        ("an array as value", |b| {
            let timer = timer(b);
            b.array(timer, 1)
        }),
        ("in a union", |b| {
            let (timer, int) = (timer(b), int(b));
            let either = b.structure(StructDef::union("either").member("i", int).member("t", timer))?;
            elem(b, either)
        }),
        ("behind a typedef", |b| {
            let timer = timer(b);
            let typedef = b.typedef("my_timer", timer)?;
            elem(b, typedef)
        }),
        ("behind const", |b| {
            let timer = timer(b);
            let constant = b.constant(timer)?;
            elem(b, constant)
        }),
        ("in a struct behind volatile, in an array", |b| {
            let timer = timer(b);
            let inner = elem(b, timer)?;
            let volatile = b.volatile(inner)?;
            let one = b.array(volatile, 1)?;
            b.structure(StructDef::new("outer").member("v", one))
        }),
        ("in an array of two", |b| {
            let timer = timer(b);
            let two = b.array(timer, 2)?;
            elem(b, two)
        }),
        ("in a struct in an array of two", |b| {
            let timer = timer(b);
            let inner = elem(b, timer)?;
            let two = b.array(inner, 2)?;
            b.structure(StructDef::new("outer").member("v", two))
        }),
        ("in an array of none", |b| {
            let timer = timer(b);
            let none = b.array(timer, 0)?;
            elem(b, none)
        }),
        ("misaligned", |b| {
            let (timer, int) = (timer(b), int(b));
            b.structure(StructDef::new("elem").member("counter", int).member_at("t", timer, 4))
        }),
        ("misaligned in its struct, aligned in the value", |b| {
            let (timer, int) = (timer(b), int(b));
            let inner = b.structure(StructDef::new("inner").packed().member("a", int).member("t", timer))?;
            b.structure(StructDef::new("elem").packed().member("counter", int).member("inner", inner))
        }),
        ("of another size", |b| {
            let long = b.structure(StructDef::new("bpf_timer").size(24))?;
            b.structure(StructDef::new("elem").member("t", long))
        }),
        ("a union of its name", |b| {
            let union = b.structure(StructDef::union("bpf_timer").size(16))?;
            b.structure(StructDef::new("elem").member("t", union))
        }),
        ("a typedef of its name", |b| {
            let timer = timer(b);
            let typedef = b.typedef("bpf_timer", timer)?;
            elem(b, typedef)
        }),
        ("two timers", |b| {
            let timer = timer(b);
            let inner = elem(b, timer)?;
            b.structure(StructDef::new("outer").member("one", inner).member("two", inner))
        }),
        ("two kinds of locks", |b| {
            let (one, two) = (ResSpinLock::btf(b)?, SpinLock::btf(b)?);
            b.structure(StructDef::new("elem").member("one", one).member("two", two))
        }),
        ("twelve pointers", |b| {
            let kptr = kptr(b, "kptr");
            let twelve = b.array(kptr, 12)?;
            elem(b, twelve)
        }),
        ("a bit-field beside it", |b| {
            let (timer, int) = (timer(b), int(b));
            b.structure(StructDef::new("elem").bits("a", int, 3).bits("b", int, 3).member("t", timer))
        }),
        ("a tag nobody knows beside it", |b| {
            let (timer, user) = (timer(b), kptr(b, "user"));
            b.structure(StructDef::new("elem").member("t", timer).member("p", user))
        }),
        ("a pointer with two tags", |b| {
            let int = int(b);
            let item = b.structure(StructDef::new("item").member("value", int))?;
            let tag = b.type_tag("user", item)?;
            let tag = b.type_tag("kptr", tag)?;
            let ptr = b.ptr(tag)?;
            elem(b, ptr)
        }),
        ("a pointer to a number", |b| {
            let int = int(b);
            let tag = b.type_tag("kptr", int)?;
            let ptr = b.ptr(tag)?;
            elem(b, ptr)
        }),
        ("a pointer behind a typedef", |b| {
            let kptr = kptr(b, "kptr");
            let typedef = b.typedef("item_ptr", kptr)?;
            elem(b, typedef)
        }),
        ("one place, two fields", |b| {
            let (timer, queue) = (timer(b), WorkQueue::btf(b)?);
            b.structure(StructDef::new("elem").member("t", timer).member_at("q", queue, 8))
        }),
        ("a variable with too much room", |b| {
            let timer = timer(b);
            let var = b.var("t", timer, Linkage::Global)?;
            b.datasec(".timers", 32, &[VarSecInfo { var, offset: 0, size: 24 }])
        }),
    ]));
}

/// Lists and trees are checked when the BTF is loaded, so the builder refuses what [`scan`] would.
#[test]
fn lists_and_trees() {
    let list = |tags: &[&str], lock: bool| {
        let mut b = Builder::new();
        let (node, int) = (ListNode::btf(&mut b).unwrap(), int(&mut b));
        b.structure(StructDef::new("item").member("value", int).member("node", node)).unwrap();
        let (spin, head) = (SpinLock::btf(&mut b).unwrap(), ListHead::btf(&mut b).unwrap());
        let def = StructDef::new("elem").member("items", head);
        let elem = b.structure(if lock { def.member("lock", spin) } else { def }).unwrap();
        for tag in tags {
            b.decl_tag(tag, elem, Some(0)).unwrap();
        }
        b.finish().map(|_| "fine".to_owned()).unwrap_or_else(|error| error.to_string())
    };
    let both = |count: bool| {
        let mut b = Builder::new();
        let (node, tree) = (ListNode::btf(&mut b).unwrap(), bpfsmith::btf::RbNode::btf(&mut b).unwrap());
        let owners = RefCount::btf(&mut b).unwrap();
        let def = StructDef::new("item").member("node", node).member("tree", tree);
        b.structure(if count { def.member("owners", owners) } else { def }).unwrap();
        b.finish().map(|_| "fine".to_owned()).unwrap_or_else(|error| error.to_string())
    };
    insta::assert_snapshot!(
        [
            list(&["contains:item:node"], true),
            list(&["contains:item:node"], false),
            list(&[], true),
            list(&["contains:item:node", "contains:item:value"], true),
            list(&["contains:item"], true),
            list(&["contains:item:value"], true),
            list(&["contains:nobody:node"], true),
            both(true),
            both(false),
        ]
        .join("\n")
    );
}

#[test]
fn the_table() {
    for kind in FieldKind::ALL {
        assert_eq!(kind.size() % kind.align(), 0, "{kind}");
        assert!(FieldKinds::MAP_VALUE.union(FieldKinds::OBJECT).contains(kind.set()));
        assert!((1..=11).contains(&kind.max_per_value()));
    }
    assert_eq!(FieldKind::Timer.since().to_string(), "5.15");
    assert!(!FieldKinds::MAP_VALUE.intersects(FieldKinds::LIST_NODE | FieldKinds::RB_NODE));
    assert_eq!(RbRoot::SIZE, FieldKind::RbRoot.size() as usize);
}
