//! Places in variables: where paths meet, one of several.

use super::{Pointer, State};
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Operand, Variable};

/// A variable that holds places of one layout, all in memory of one kind: the verifier refuses to access different kinds of it
/// with one instruction.
#[derive(Clone, Copy, Debug)]
pub struct PlaceVariable {
    variable: Variable,
    index: usize,
}

impl State {
    pub(crate) fn place_variable(&mut self, place: Pointer, at: At) -> PlaceVariable {
        let address = self.address(place, at);
        let variable = self.ir.variable();
        self.ir.set(variable, address);
        self.places.push(Pointer { align: aligned(place), ..place });
        PlaceVariable { variable, index: self.places.len() - 1 }
    }

    /// Another place, of the same map.
    pub(crate) fn set_place(&mut self, variable: PlaceVariable, place: Pointer, at: At) {
        if self.places[variable.index].map != place.map {
            self.differ(variable, place, at);
        }
        self.meet_place(variable, place, at);
    }

    /// The place of another path; of what map it is may not be known behind that.
    pub(crate) fn meet_place(&mut self, variable: PlaceVariable, place: Pointer, at: At) {
        let known = self.places[variable.index];
        if known.region != place.region || known.layout.size() != place.layout.size() {
            self.differ(variable, place, at);
        }
        let map = known.map.filter(|map| place.map == Some(*map));
        let writable = known.writable && place.writable;
        let align = known.align.min(aligned(place));
        self.places[variable.index] = Pointer { map, writable, align, ..known };
        let address = self.address(place, at);
        self.ir.set(variable.variable, address);
    }

    pub(crate) fn get_place(&mut self, variable: PlaceVariable) -> Pointer {
        let known = self.places[variable.index];
        match self.ir.get(variable.variable) {
            Operand::Val(address) => {
                Pointer { base: super::ir::Base::Val(address), off: 0, scope: self.scope(), ..known }
            }
            // Nothing gets here.
            Operand::Imm(_) => known,
        }
    }

    fn differ(&mut self, variable: PlaceVariable, place: Pointer, at: At) {
        let what = |pointer: Pointer| {
            let map = self.map_def(pointer.map?).map(|def| def.name.clone())?;
            Some(format!("a place in a value of `{map}`"))
        };
        let text = |pointer: Pointer| {
            let place = what(pointer).unwrap_or_else(|| pointer.region.describe().into());
            format!("{place}, {} bytes", pointer.layout.size())
        };
        let (expected, found) = (text(self.places[variable.index]), text(place));
        self.fail(Error::Type { expected, found, site: site(at) });
    }
}

/// What the address of the place is a multiple of.
fn aligned(place: Pointer) -> u8 {
    1 << (u32::from(place.align) | place.off.cast_unsigned()).trailing_zeros().min(3)
}
