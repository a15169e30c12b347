//! Global variables and constants as places.

use std::panic::Location;

use super::dynamic::{self, Layout};
use super::error::{Error, site};
use super::func::Func;
use super::ir::At;
use super::place::{Place, Ro, size_of_type};
use super::record::{Brand, Pointer, Region};
use crate::btf::BtfType;
use crate::object::{Constant, Global, Section};

impl<'f, R> dynamic::Func<'f, R> {
    /// The global variable or constant `name` of the object.
    ///
    /// # Errors
    /// It has none of this name.
    #[track_caller]
    pub fn global(self, name: &str) -> Result<dynamic::Place<'f>, Error> {
        let (brand, at) = (self.brand(), Location::caller());
        let found = brand.with(|state| {
            let known = state.object.variables().iter().find(|known| known.name == name)?;
            let (section, offset, ty) = (known.section, known.offset, known.ty);
            let layout = Layout::of(state.btf().view(), ty)?;
            Some((section, offset, layout))
        });
        let Some((section, offset, layout)) = found else {
            return Err(Error::NoGlobal { name: name.to_owned(), site: site(at) });
        };
        Ok(variable(brand, (section, offset), layout, at))
    }
}

/// Global variables.
impl<'f, R> Func<'f, R> {
    /// A global variable of the object.
    ///
    /// ```
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test");
    /// let packets = object.global("packets", &0u64); // static volatile __u64 packets;
    /// let limit = object.constant("limit", &1000u64); // const volatile __u64 limit = 1000;
    /// object.program("count", Xdp::XDP, |f, _| {
    ///     let seen = f.global(packets).fetch_add(1);
    ///     f.if_(seen.ge(f.constant(limit).get()), || f.return_(XdpAction::DROP));
    ///     f.return_(XdpAction::PASS)
    /// });
    /// # object.finish()?;
    /// # Ok::<(), bpfsmith::object::ObjectError>(())
    /// ```
    #[track_caller]
    pub fn global<T: BtfType>(self, global: Global<T>) -> Place<'f, T> {
        let at = Location::caller();
        let same = self.brand().with(|state| global.is_of(state.object.recorder().owner));
        self.own(same, at);
        let layout = Layout::Bytes(size_of_type::<T>());
        Place::new(variable(self.brand(), (global.section(), global.offset()), layout, at))
    }

    /// A constant of the object, which nobody can write:
    ///
    /// ```compile_fail,E0599
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test");
    /// let limit = object.constant("limit", &1000u64);
    /// object.program("count", Xdp::XDP, |f, _| {
    ///     f.constant(limit).set(1);
    ///     f.return_(XdpAction::PASS)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test");
    /// let limit = object.global("limit", &1000u64);
    /// object.program("count", Xdp::XDP, |f, _| {
    ///     f.global(limit).set(1);
    ///     f.return_(XdpAction::PASS)
    /// });
    /// ```
    #[track_caller]
    pub fn constant<T: BtfType>(self, constant: Constant<T>) -> Place<'f, T, Ro> {
        let at = Location::caller();
        let same = self.brand().with(|state| constant.is_of(state.object.recorder().owner));
        self.own(same, at);
        let layout = Layout::Bytes(size_of_type::<T>());
        Place::new(variable(self.brand(), (constant.section(), constant.offset()), layout, at))
    }

    fn own(self, same: bool, at: At) {
        if !same {
            self.brand().with(|state| state.fail(Error::Foreign { what: "global variable", site: site(at) }));
        }
    }
}

fn variable<'f>(
    brand: Brand<'f>,
    (section, offset): (Section, u32),
    layout: Layout,
    at: At,
) -> dynamic::Place<'f> {
    let pointer = brand.with(|state| {
        let base = state.section_base(section.name(), at);
        let off = i32::try_from(offset).unwrap_or(i32::MAX);
        let pointer = Pointer { off, ..Pointer::new(base, layout, Region::MapValue, state.scope()) };
        if section == Section::RoData { pointer.read_only() } else { pointer }
    });
    dynamic::Place::new(brand, pointer)
}
