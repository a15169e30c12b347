//! Maps: what is stored under a key, queues, maps inside of maps.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::dynamic::{self, Arg, MapArg, MaybeNull};
use super::error::{Error, site};
use super::func::Func;
use super::ir::At;
use super::place::{AsPtr, Place};
use super::record::{Brand, MapArgument, MapId, Pointer, Region};
use super::value::Value;
use crate::base::Helper;
use crate::base::flags::ElemFlags;
use crate::dsl::types::Layout;
use crate::object::MapRef;

/// Maps, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// The value stored under a key (`bpf_map_lookup_elem`).
    #[doc(alias = "bpf_map_lookup_elem")]
    #[track_caller]
    pub fn map_lookup(
        self,
        map: MapArg<'f>,
        key: dynamic::Place<'f>,
    ) -> MaybeNull<'f, dynamic::Place<'f>, R> {
        self.check_inner(map, false, Location::caller());
        self.call(Helper::MAP_LOOKUP_ELEM, &[map.into(), key.into()]).maybe_null()
    }

    /// The map stored under a key of a map of maps (`bpf_map_lookup_elem`).
    #[track_caller]
    pub fn map_inner(self, map: MapArg<'f>, key: dynamic::Place<'f>) -> MaybeNull<'f, MapArg<'f>, R> {
        let at = Location::caller();
        self.check_inner(map, true, at);
        let found = self.call(Helper::MAP_LOOKUP_ELEM, &[map.into(), key.into()]).maybe_null();
        let (brand, id) = (self.brand(), map.id());
        found.map(|place| {
            let pointer = place.pointer();
            let operand = brand.with(|state| state.address(pointer, at));
            let id = match id {
                MapId::Object(index) | MapId::InnerOf(index) => MapId::InnerOf(index),
            };
            MapArg::new(brand, MapArgument { id, pointer: Some((operand, pointer.scope)) })
        })
    }

    /// Sets the value stored under a key (`bpf_map_update_elem`): 0 or a negative error number.
    #[doc(alias = "bpf_map_update_elem")]
    #[track_caller]
    pub fn map_update(
        self,
        map: MapArg<'f>,
        key: dynamic::Place<'f>,
        value: dynamic::Place<'f>,
        flags: ElemFlags,
    ) -> dynamic::Value<'f> {
        let flags = Arg::number(flags.bits().cast_signed());
        self.call(Helper::MAP_UPDATE_ELEM, &[map.into(), key.into(), value.into(), flags]).value()
    }

    /// Removes a key (`bpf_map_delete_elem`): 0 or a negative error number.
    #[doc(alias = "bpf_map_delete_elem")]
    #[track_caller]
    pub fn map_delete(self, map: MapArg<'f>, key: dynamic::Place<'f>) -> dynamic::Value<'f> {
        self.call(Helper::MAP_DELETE_ELEM, &[map.into(), key.into()]).value()
    }

    /// Puts a value into a queue, a stack or a bloom filter (`bpf_map_push_elem`, since 4.20): 0 or a negative error number. With
    /// [`ElemFlags::EXIST`] the oldest value makes room.
    #[doc(alias = "bpf_map_push_elem")]
    #[track_caller]
    pub fn map_push(
        self,
        map: MapArg<'f>,
        value: dynamic::Place<'f>,
        flags: ElemFlags,
    ) -> dynamic::Value<'f> {
        let flags = Arg::number(flags.bits().cast_signed());
        self.call(Helper::MAP_PUSH_ELEM, &[map.into(), value.into(), flags]).value()
    }

    /// Takes a value out of a queue or a stack (`bpf_map_pop_elem`, since 4.20): 0 or a negative error number.
    #[doc(alias = "bpf_map_pop_elem")]
    #[track_caller]
    pub fn map_pop(self, map: MapArg<'f>, into: dynamic::Place<'f>) -> dynamic::Value<'f> {
        self.call(Helper::MAP_POP_ELEM, &[map.into(), into.into()]).value()
    }

    /// Copies the next value of a queue or a stack (`bpf_map_peek_elem`, since 4.20); of a bloom filter, tells whether it may hold
    /// the value: 0 or a negative error number.
    #[doc(alias = "bpf_map_peek_elem")]
    #[track_caller]
    pub fn map_peek(self, map: MapArg<'f>, into: dynamic::Place<'f>) -> dynamic::Value<'f> {
        self.call(Helper::MAP_PEEK_ELEM, &[map.into(), into.into()]).value()
    }

    fn check_inner(self, map: MapArg<'f>, wanted: bool, at: At) {
        self.brand().with(|state| {
            let Some(def) = state.map_def(map.id()).filter(|def| def.kind.has_inner() != wanted) else {
                return;
            };
            let what =
                if wanted { "holds no maps" } else { "holds maps, not values: `map_inner` gives them" };
            let error = Error::MapShape { map: def.name.clone(), what: what.into(), site: site(at) };
            state.fail(error);
        });
    }
}

/// A map that the function has got: the one a callback belongs to, or one inside of another.
pub struct MapParam<'f, K, V> {
    map: MapArg<'f>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for MapParam<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for MapParam<'_, K, V> {}

impl<K, V> fmt::Debug for MapParam<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}

impl<'f, K, V> MapParam<'f, K, V> {
    pub(crate) const fn new(map: MapArg<'f>) -> Self {
        Self { map, types: PhantomData }
    }

    /// The same map, with types known at run time only.
    #[must_use]
    pub const fn dynamic(self) -> MapArg<'f> {
        self.map
    }
}

/// A map with keys `K` and values `V`, by reference: one of the object, or one that the function has got.
#[diagnostic::on_unimplemented(
    message = "a reference to a map of `{K}` to `{V}` is expected, `{Self}` is not one"
)]
pub trait AsMap<'f, K, V> {
    #[doc(hidden)]
    fn map_arg(self, brand: Brand<'f>, at: At) -> MapArg<'f>;
}

impl<'f, K, V> AsMap<'f, K, V> for &MapRef<K, V> {
    fn map_arg(self, brand: Brand<'f>, at: At) -> MapArg<'f> {
        map_of(brand, self.untyped(), at)
    }
}

impl<'f, K, V> AsMap<'f, K, V> for &MapParam<'f, K, V> {
    fn map_arg(self, _: Brand<'f>, _: At) -> MapArg<'f> {
        self.map
    }
}

/// A map of the object.
pub(crate) fn map_of(brand: Brand<'_>, map: MapRef, at: At) -> MapArg<'_> {
    let id = brand.with(|state| {
        let owner = state.object.recorder().owner;
        map.index_in(owner).map(MapId::Object).unwrap_or_else(|| {
            state.fail(Error::Foreign { what: "map", site: site(at) });
            MapId::Object(usize::MAX)
        })
    });
    MapArg::new(brand, MapArgument { id, pointer: None })
}

/// Maps.
impl<'f, R> Func<'f, R> {
    /// The value stored under a key (`bpf_map_lookup_elem`).
    #[doc(alias = "bpf_map_lookup_elem")]
    #[track_caller]
    pub fn map_lookup<K, V>(
        self,
        map: impl AsMap<'f, K, V>,
        key: impl AsPtr<'f, K>,
    ) -> MaybeNull<'f, Place<'f, V>, R> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_lookup(map, key.place()).map(Place::new)
    }

    /// The map stored under a key of a map of maps (`bpf_map_lookup_elem`). `A` and `B` are the keys and values of the maps inside.
    #[track_caller]
    pub fn map_inner<K, A, B>(
        self,
        map: impl AsMap<'f, K, ()>,
        key: impl AsPtr<'f, K>,
    ) -> MaybeNull<'f, MapParam<'f, A, B>, R> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_inner(map, key.place()).map(MapParam::new)
    }

    /// Sets the value stored under a key (`bpf_map_update_elem`): 0 or a negative error number.
    ///
    /// Key and value have the types of the map:
    ///
    /// ```compile_fail,E0277
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, UpdateFlags, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     f.map_update(&elems, &f.local(0u32), &f.zeroed::<u32>(), UpdateFlags::ANY);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, UpdateFlags, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     f.map_update(&elems, &f.local(0u32), &f.zeroed::<Elem>(), UpdateFlags::ANY);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[doc(alias = "bpf_map_update_elem")]
    #[track_caller]
    pub fn map_update<K, V>(
        self,
        map: impl AsMap<'f, K, V>,
        key: impl AsPtr<'f, K>,
        value: impl AsPtr<'f, V>,
        flags: ElemFlags,
    ) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_update(map, key.place(), value.place(), flags).typed()
    }

    /// Removes a key (`bpf_map_delete_elem`): 0 or a negative error number.
    #[doc(alias = "bpf_map_delete_elem")]
    #[track_caller]
    pub fn map_delete<K, V>(self, map: impl AsMap<'f, K, V>, key: impl AsPtr<'f, K>) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_delete(map, key.place()).typed()
    }

    /// Puts a value into a queue, a stack or a bloom filter (`bpf_map_push_elem`, since 4.20): 0 or a negative error number. With
    /// [`ElemFlags::EXIST`] the oldest value makes room.
    #[doc(alias = "bpf_map_push_elem")]
    #[track_caller]
    pub fn map_push<V>(
        self,
        map: impl AsMap<'f, (), V>,
        value: impl AsPtr<'f, V>,
        flags: ElemFlags,
    ) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_push(map, value.place(), flags).typed()
    }

    /// Takes a value out of a queue or a stack (`bpf_map_pop_elem`, since 4.20): 0 or a negative error number.
    #[doc(alias = "bpf_map_pop_elem")]
    #[track_caller]
    pub fn map_pop<V>(self, map: impl AsMap<'f, (), V>, into: impl AsPtr<'f, V>) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_pop(map, into.place()).typed()
    }

    /// Copies the next value of a queue or a stack (`bpf_map_peek_elem`, since 4.20); of a bloom filter, tells whether it may hold
    /// the value: 0 or a negative error number.
    #[doc(alias = "bpf_map_peek_elem")]
    #[track_caller]
    pub fn map_peek<V>(self, map: impl AsMap<'f, (), V>, into: impl AsPtr<'f, V>) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().map_peek(map, into.place()).typed()
    }
}

/// What a callback gets in r1 to r3: its map, a key, the value.
pub(crate) fn callback_params<'f, R>(
    f: dynamic::Func<'f, R>,
    id: MapId,
) -> (MapArg<'f>, dynamic::Place<'f>, dynamic::Place<'f>) {
    let brand = f.brand();
    brand.with(|state| {
        let scope = state.scope();
        let (key, value) = (state.key_layout(id), state.value_layout(id));
        let place =
            |index, layout: Layout, region| Pointer::new(state.param_base(index), layout, region, scope);
        let pointer = Some((state.param(0), scope));
        (
            MapArg::new(brand, MapArgument { id, pointer }),
            dynamic::Place::new(brand, place(1, key, Region::MapKey).read_only()),
            dynamic::Place::new(brand, place(2, value, Region::MapValue).in_map(id)),
        )
    })
}
