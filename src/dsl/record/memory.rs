//! Places in memory: what they lie in, where, and what is there.

use super::{Comparison, Datum, Scope, State};
use crate::asm::{AluOp, Size, SwapBits, SwapOp, Width};
use crate::base::Endian;
use crate::btf::{BtfError, Builder, TypeId};
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{Addr, At, Base, Memory, Op, Operand};
use crate::dsl::types::{Layout, ScalarType};
use crate::map::MapDef;

/// What a pointer points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    Stack,
    /// The stack of a function that has called this one, or had it called.
    CallerStack,
    MapValue,
    MapKey,
    Context,
    Packet,
    /// A record of a ring buffer.
    Record,
    /// Memory of the kernel, which can only be read.
    Kernel,
}

impl Region {
    pub(super) const fn memory(self) -> Memory {
        match self {
            Self::Stack => Memory::Stack,
            Self::MapValue => Memory::Map,
            Self::Context => Memory::Context,
            Self::Packet => Memory::Packet,
            // A key that a callback gets may lie in the map.
            Self::CallerStack | Self::MapKey | Self::Record | Self::Kernel => Memory::Other,
        }
    }

    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Stack => "a place on the stack",
            Self::CallerStack => "a place on the caller's stack",
            Self::MapValue => "a place in a map's value",
            Self::MapKey => "a place in a map's key",
            Self::Context => "a place in the context",
            Self::Packet => "a place in the packet",
            Self::Record => "a place in a record",
            Self::Kernel => "memory of the kernel",
        }
    }
}

/// A map of the object, or the ones inside of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapId {
    Object(usize),
    InnerOf(usize),
}

/// A pointer that is not null, and what it points to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointer {
    pub(crate) base: Base,
    pub(crate) off: i32,
    pub(crate) layout: Layout,
    pub(crate) region: Region,
    pub(crate) writable: bool,
    /// The map it points into, where that is one map for sure.
    pub(crate) map: Option<MapId>,
    pub(crate) scope: Scope,
    /// What its base is a multiple of, at most 8.
    pub(crate) align: u8,
}

impl Pointer {
    /// The start of something.
    pub(crate) const fn new(base: Base, layout: Layout, region: Region, scope: Scope) -> Self {
        Self { base, off: 0, layout, region, writable: true, map: None, scope, align: 8 }
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    pub(crate) const fn in_map(mut self, map: MapId) -> Self {
        self.map = Some(map);
        self
    }

    pub(super) const fn addr(self) -> Addr {
        Addr { base: self.base, off: self.off }
    }
}

impl State {
    /// The number at a place.
    pub(crate) fn load(&mut self, from: Pointer, at: At) -> Datum {
        self.check_scope(from.scope, at);
        let (scalar, network) = self.number_at(from, at);
        let loaded =
            self.push(Op::Load { size: scalar.size(), addr: from.addr(), memory: from.region.memory() }, at);
        let value = if network { self.swap(loaded, scalar, at) } else { loaded };
        self.loaded(value, scalar, at)
    }

    /// What a load left, as its type has it.
    pub(super) fn loaded(&mut self, value: Operand, ty: ScalarType, at: At) -> Datum {
        let narrow = ty.is_signed() && ty.is_narrow();
        let value = if narrow { self.extended(value, ty, at) } else { value };
        self.made(value, ty)
    }

    /// Writes a number to a place.
    pub(crate) fn store(&mut self, to: Pointer, value: Datum, at: At) {
        self.check_scope(to.scope, at);
        self.check_writable(to, at);
        let (scalar, network) = self.number_at(to, at);
        if scalar != value.ty {
            self.mismatch(scalar, value.ty, at);
        }
        let operand = self.use_of(value, at);
        let operand = if network { self.swap(operand, scalar, at) } else { operand };
        let (size, memory) = (scalar.size(), to.region.memory());
        self.push(Op::Store { size, addr: to.addr(), memory, value: operand }, at);
    }

    pub(crate) fn check_writable(&mut self, to: Pointer, at: At) {
        if !to.writable {
            self.fail(Error::ReadOnly { what: to.region.describe(), site: site(at) });
        }
    }

    fn number_at(&mut self, place: Pointer, at: At) -> (ScalarType, bool) {
        match place.layout {
            Layout::Scalar(scalar) => (scalar, false),
            Layout::Network(scalar) => (scalar, true),
            other => {
                let what = other.describe(self.btf().view());
                self.fail(Error::NoNumber { what, site: site(at) });
                (ScalarType::U64, false)
            }
        }
    }

    /// A number between the order of the network and that of the machine the object is for. It has zeros above its bits, or is stored.
    fn swap(&mut self, value: Operand, ty: ScalarType, at: At) -> Operand {
        let bits = match ty.bits() {
            16 => SwapBits::B16,
            32 => SwapBits::B32,
            64 => SwapBits::B64,
            _ => return value,
        };
        if self.object.byte_order() == Endian::Big {
            return value;
        }
        self.push(Op::Swap { op: SwapOp::ToBe, bits, a: value }, at)
    }

    fn extended(&mut self, value: Operand, ty: ScalarType, at: At) -> Operand {
        self.push(Op::SignExtend { bits: ty.bits(), width: Width::Bits32, a: value }, at)
    }

    /// The address of a place, for a call or a comparison.
    pub(crate) fn address(&mut self, place: Pointer, at: At) -> Operand {
        self.check_scope(place.scope, at);
        match place.base {
            Base::Local(local) => self.push(Op::LocalAddr { local, off: place.off }, at),
            Base::Val(value) if place.off == 0 => Operand::Val(value),
            Base::Val(value) => {
                let (a, b) = (Operand::Val(value), Operand::Imm(i64::from(place.off)));
                self.push(Op::Alu { op: AluOp::Add, width: Width::Bits64, a, b }, at)
            }
        }
    }

    /// Room on the stack, with nothing in it yet.
    pub(crate) fn local(&mut self, layout: Layout, at: At) -> Pointer {
        let size = layout.size().max(1);
        let local = self.ir.local(size, size.next_power_of_two().min(8), at);
        Pointer::new(Base::Local(local), layout, Region::Stack, self.scope())
    }

    /// Writes zeros to all of a place on the stack, or of a value.
    pub(crate) fn zero(&mut self, place: Pointer, at: At) {
        let (mut off, end) = (place.off, place.off.saturating_add_unsigned(place.layout.size()));
        while off < end {
            let size = widest(end - off);
            let addr = Addr { base: place.base, off };
            self.push(Op::Store { size, addr, memory: place.region.memory(), value: Operand::Imm(0) }, at);
            off += size.bytes() as i32;
        }
    }

    /// Something of this layout within a place, so many bytes from its start.
    pub(crate) fn inside(&mut self, place: Pointer, offset: u64, layout: Layout, at: At) -> Pointer {
        let (size, len) = (layout.size(), place.layout.size());
        if offset.saturating_add(u64::from(size)) > u64::from(len) {
            let what = place.layout.describe(self.btf().view());
            let offset = i64::try_from(offset).unwrap_or(i64::MAX);
            self.fail(Error::Outside { what, offset, size, len, site: site(at) });
        }
        let off = place.off.saturating_add(i32::try_from(offset).unwrap_or(i32::MAX));
        Pointer { off, layout, ..place }
    }

    /// The member of a struct with this name.
    pub(crate) fn member(&mut self, place: Pointer, name: &str, at: At) -> Result<Pointer, Error> {
        let btf = self.btf().view();
        match place.layout.member(btf, name) {
            Some((offset, layout)) => Ok(self.inside(place, u64::from(offset), layout, at)),
            None => {
                let of = place.layout.describe(btf);
                Err(Error::NoField { of, field: name.to_owned(), site: site(at) })
            }
        }
    }

    /// What an array holds, and how often.
    pub(crate) fn elements(&mut self, place: Pointer, at: At) -> (Layout, u32) {
        let btf = self.btf().view();
        let Some(elements) = place.layout.element(btf) else {
            let what = place.layout.describe(btf);
            self.fail(Error::NoArray { what, site: site(at) });
            return (place.layout, 1);
        };
        elements
    }

    /// The element at an index, which has to be known to be below the number of elements, to the verifier as well.
    pub(crate) fn element(
        &mut self,
        array: Pointer,
        (layout, len): (Layout, u32),
        index: Datum,
        at: At,
    ) -> Pointer {
        if index.number().map_or(index.most >= u64::from(len), |n| n < 0 || n >= i128::from(len)) {
            let most = index.number().map_or(index.most, |n| u64::try_from(n).unwrap_or(u64::MAX));
            self.fail(Error::Index { most, len, site: site(at) });
        }
        match index.operand {
            Operand::Imm(index) => {
                let offset = index.cast_unsigned().saturating_mul(u64::from(layout.size()));
                self.inside(
                    array,
                    if offset < u64::from(array.layout.size()) { offset } else { 0 },
                    layout,
                    at,
                )
            }
            Operand::Val(_) => self.variable_element(array, layout, index, at),
        }
    }

    fn variable_element(&mut self, array: Pointer, layout: Layout, index: Datum, at: At) -> Pointer {
        let index = self.use_of(index, at);
        let start = self.address(array, at);
        let (width, size) = (Width::Bits64, Operand::Imm(i64::from(layout.size())));
        let distance = self.push(Op::Alu { op: AluOp::Mul, width, a: index, b: size }, at);
        let sum = self.push(Op::Alu { op: AluOp::Add, width, a: start, b: distance }, at);
        let base = self.base(sum, at);
        let align = (layout.size() | u32::from(array.align) | array.off.cast_unsigned()).trailing_zeros();
        Pointer { base, off: 0, layout, scope: self.scope(), align: 1 << align.min(3), ..array }
    }

    /// The element at an index, or null where that is behind the end.
    pub(crate) fn checked_element(
        &mut self,
        array: Pointer,
        (layout, len): (Layout, u32),
        index: Datum,
        at: At,
    ) -> Pointer {
        let index = self.convert(index, ScalarType::U64, at);
        let inside = self.compare(Comparison::Lt, index, Datum::constant(len.into(), ScalarType::U64), at);
        let inside = self.comparison(inside);
        let found = self.ir.variable();
        self.ir.set(found, Operand::Imm(0));
        let arm = self.if_begin(inside, false, at);
        let element = self.variable_element(array, layout, index, at);
        let address = self.address(element, at);
        self.ir.set(found, address);
        self.if_end(&arm, at);
        let address = self.ir.get(found);
        let base = self.base(address, at);
        Pointer { base, scope: self.scope(), ..element }
    }

    /// An address in a register.
    pub(crate) fn base(&mut self, address: Operand, at: At) -> Base {
        match address {
            Operand::Val(value) => Base::Val(value),
            // A pointer is never a number; what stands here belongs to a mistake that has been noted.
            Operand::Imm(_) => self.local(Layout::Bytes(8), at).base,
        }
    }

    /// The address of a section of global variables.
    pub(crate) fn section_base(&mut self, section: &str, at: At) -> Base {
        let map = self.ir.symbol(section);
        let address = self.push(Op::MapValueAddr { map, off: 0 }, at);
        self.base(address, at)
    }

    pub(crate) fn btf(&mut self) -> &mut Builder {
        self.object.btf()
    }

    /// The layout of a Rust type, by its BTF.
    pub(crate) fn layout_of(
        &mut self,
        describe: fn(&mut Builder) -> Result<TypeId, BtfError>,
        size: u32,
        at: At,
    ) -> Layout {
        match describe(self.btf()) {
            Ok(id) => Layout::of(self.btf().view(), id).unwrap_or(Layout::Bytes(size)),
            Err(source) => {
                self.fail(Error::Btf { source, site: site(at) });
                Layout::Bytes(size)
            }
        }
    }
}

/// Maps.
impl State {
    pub(crate) fn map_def(&self, map: MapId) -> Option<&MapDef> {
        match map {
            MapId::Object(index) => self.object.map_defs().get(index),
            MapId::InnerOf(index) => self.object.map_defs().get(index)?.inner.as_deref(),
        }
    }

    /// What the keys of a map are; no bytes where it has none.
    pub(crate) fn key_layout(&mut self, map: MapId) -> Layout {
        let Some(def) = self.map_def(map) else { return Layout::Bytes(0) };
        let (id, size) = (def.key, def.key_size);
        Layout::of(self.btf().view(), id).filter(|_| !id.is_void()).unwrap_or(Layout::Bytes(size))
    }

    /// What the values of a map are.
    pub(crate) fn value_layout(&mut self, map: MapId) -> Layout {
        let Some(def) = self.map_def(map) else { return Layout::Bytes(0) };
        let (id, size) = (def.value, def.value_size);
        Layout::of(self.btf().view(), id).filter(|_| !id.is_void()).unwrap_or(Layout::Bytes(size))
    }
}

pub(super) const fn widest(bytes: i32) -> Size {
    match bytes {
        8.. => Size::DW,
        4..8 => Size::W,
        2..4 => Size::H,
        _ => Size::B,
    }
}
