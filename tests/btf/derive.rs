//! `#[derive(BtfType)]`: layout, bytes, names.

use bpfsmith::base::Endian;
use bpfsmith::btf::{Be, Btf, BtfType, Builder, Field, SpinLock, Timer, Type, TypeId};

/// The value of the bpf_timer documentation: 4 bytes of padding between its members.
#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[btf(name = "map_elem")]
struct Elem {
    counter: i32,
    timer: Timer,
}

/// A key with padding in the middle and at the end.
#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Key {
    proto: u8,
    port: Be<u16>,
    address: [u8; 4],
    cookie: u64,
    flag: bool,
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Pair<T, const N: usize> {
    first: T,
    rest: [T; N],
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Outer {
    lock: SpinLock,
    r#type: u16,
    elem: Elem,
    #[btf(name = "state_")]
    state: State,
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
enum State {
    Idle,
    #[btf(name = "STATE_BUSY")]
    Busy = 7,
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C, packed)]
struct Packed {
    one: u8,
    four: u32,
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(i64)]
enum Wide {
    Low = i64::MIN,
    High = i64::MAX,
}

#[derive(BtfType)]
#[repr(C)]
struct Empty {}

fn build<T: BtfType>() -> (Btf, TypeId) {
    let mut builder = Builder::new();
    let id = T::btf(&mut builder).unwrap();
    (builder.finish().unwrap(), id)
}

fn members<T: BtfType>() -> Vec<(String, u32)> {
    let (btf, id) = build::<T>();
    assert_eq!(btf.size_of(id).unwrap() as usize, T::SIZE);
    let Type::Struct(def) = btf.get(id).unwrap() else { panic!("no struct") };
    def.members.map(|member| (member.name.to_string(), member.byte_offset().unwrap())).collect()
}

#[test]
fn the_padded_struct_of_the_timers_page() {
    assert_eq!(Elem::SIZE, 24);
    assert_eq!(Elem::COUNTER.offset(), 0);
    assert_eq!(Elem::TIMER, Field::at(8));
    assert_eq!(members::<Elem>(), [("counter".into(), 0), ("timer".into(), 8)]);
    let (btf, id) = build::<Elem>();
    assert_eq!(btf.get(id).unwrap().name(), "map_elem");
    let elem = Elem { counter: 0x0102_0304, timer: Timer::new() };
    let mut expected = [0; 24];
    expected[..4].copy_from_slice(&[4, 3, 2, 1]);
    assert_eq!(elem.to_bytes(Endian::Little), expected);
    expected[..4].reverse();
    assert_eq!(elem.to_bytes(Endian::Big), expected);
    expected[8..].fill(0xaa);
    assert_eq!(Elem::read_from(&expected, Endian::Big), Some(elem));
    assert_eq!(Elem::read_from(&expected[..23], Endian::Big), None);
}

#[test]
fn a_key_with_padding() {
    let key = Key { proto: 6, port: Be::new(80), address: [10, 0, 0, 1], cookie: 0x1122, flag: true };
    let bytes = key.to_bytes(Endian::Little);
    assert_eq!(
        bytes,
        [6, 0, 0, 80, 10, 0, 0, 1, 0x22, 0x11, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        "padding is zero, the port is in network order"
    );
    assert_eq!(Key::read_from(&bytes, Endian::Little), Some(key));
    let mut odd = bytes;
    odd[16] = 2;
    assert_eq!(Key::read_from(&odd, Endian::Little), None, "2 is no bool");
    assert_eq!(
        members::<Key>(),
        [("proto", 0), ("port", 2), ("address", 4), ("cookie", 8), ("flag", 16)]
            .map(|(n, o)| (n.to_owned(), o))
    );
}

#[test]
fn a_place_beyond_any_offset_stays_beyond() {
    let far = Field::<(), u8>::at((1 << 32) + 8);
    assert_eq!((far.offset(), far.off()), ((1 << 32) + 8, i32::MAX));
}

#[test]
fn generics_nesting_and_names() {
    assert_eq!(members::<Pair<u16, 3>>(), [("first".into(), 0), ("rest".into(), 2)]);
    assert_eq!(Pair::<u64, 2>::REST.offset(), 8);
    assert_eq!(Pair::<u64, 2>::REST.index(1).unwrap().offset(), 16);
    assert_eq!(Pair::<u64, 2>::REST.index(2), None);
    let names: Vec<_> = members::<Outer>().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["lock", "type", "elem", "state_"]);
    assert_eq!(Outer::TYPE.offset(), 4);
    assert_eq!(Outer::ELEM.then(Elem::TIMER).offset(), 16);
    let outer = Outer {
        lock: SpinLock::new(),
        r#type: 3,
        elem: Elem { counter: 1, timer: Timer::new() },
        state: State::Busy,
    };
    assert_eq!(Outer::read_from(&outer.to_bytes(Endian::Big), Endian::Big), Some(outer));
}

#[test]
fn enums() {
    let (btf, id) = build::<State>();
    let Type::Enum(def) = btf.get(id).unwrap() else { panic!("no enum") };
    assert_eq!((def.size, def.signed), (1, false));
    let values: Vec<_> = def.values.map(|value| (value.name.to_string(), value.value)).collect();
    assert_eq!(values, [("Idle".to_owned(), 0), ("STATE_BUSY".to_owned(), 7)]);
    assert_eq!(State::read_from(&[7], Endian::Little), Some(State::Busy));
    assert_eq!(State::read_from(&[1], Endian::Little), None);
    let (btf, id) = build::<Wide>();
    let Type::Enum64(def) = btf.get(id).unwrap() else { panic!("no enum64") };
    assert_eq!(def.values.map(|value| value.value as i64).collect::<Vec<_>>(), [i64::MIN, i64::MAX]);
}

#[test]
fn packed_and_empty() {
    assert_eq!(members::<Packed>(), [("one".into(), 0), ("four".into(), 1)]);
    let packed = Packed { one: 1, four: 2 };
    assert_eq!(packed.to_bytes(Endian::Big), [1, 0, 0, 0, 2]);
    assert_eq!(Packed::read_from(&[1, 0, 0, 0, 2], Endian::Big), Some(packed));
    assert_eq!(Empty::SIZE, 0);
    assert!(Empty::read_from(&[], Endian::Big).is_some());
}

#[test]
fn a_type_is_added_once() {
    let mut builder = Builder::new();
    let first = Outer::btf(&mut builder).unwrap();
    let count = builder.view().len();
    assert_eq!(Outer::btf(&mut builder).unwrap(), first);
    assert_eq!(builder.view().len(), count);
}

/// A name of our own for the crate, as a crate that re-exports it would have.
mod re_export {
    pub(crate) use bpfsmith as smith;

    #[derive(smith::btf::BtfType)]
    #[repr(C)]
    #[btf(crate = crate::derive::re_export::smith)]
    pub(crate) struct Inner {
        pub(crate) value: u32,
    }
}

#[test]
fn the_crate_may_be_elsewhere() {
    assert_eq!(re_export::Inner::VALUE.offset(), 0);
    assert_eq!(re_export::Inner { value: 3 }.to_bytes(Endian::Little), [3, 0, 0, 0]);
}

/// The derive on a type that a macro makes.
macro_rules! value {
    ($name:ident, $field:ident, $ty:ty) => {
        #[derive(BtfType)]
        #[repr(C)]
        struct $name {
            $field: $ty,
        }
    };
}

value!(FromMacro, out, u32);

#[test]
fn inside_of_macros() {
    assert_eq!(FromMacro { out: 1 }.to_bytes(Endian::Little), [1, 0, 0, 0]);
}
