//! Packets: how far from their start something is, and whether it is there.

use super::{CondId, Datum, Pointer, Region, Scope, State};
use crate::asm::{AluOp, Cond, Size, Width};
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{Addr, At, Base, Compare, Memory, Op, Operand};
use crate::dsl::types::{Layout, ScalarType};
use crate::kind::ContextField;

/// The kernel follows pointers this far into a packet (`MAX_PACKET_OFF`).
const FARTHEST: u64 = 0xffff;

/// A point in a packet, and where the packet ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketPoint {
    base: Base,
    /// Bytes from there, known now.
    off: u64,
    /// The most that has been added to the start by numbers that are not.
    moved: u64,
    end: Operand,
    scope: Scope,
    writable: bool,
}

impl State {
    /// From what one field of the context points to, to what another one does.
    pub(crate) fn packet(
        &mut self,
        context: Pointer,
        (start, end): (&ContextField, &ContextField),
        at: At,
    ) -> PacketPoint {
        let start = self.context_pointer(context, start, at);
        let end = self.context_pointer(context, end, at);
        let base = self.base(start, at);
        let writable = !self.kind.is_some_and(|kind| kind.prog_type().has_read_only_packet());
        PacketPoint { base, off: 0, moved: 0, end, scope: self.scope(), writable }
    }

    /// A point in no packet, after a mistake.
    pub(crate) fn no_packet(&mut self, at: At) -> PacketPoint {
        let base = self.local(Layout::Bytes(8), at).base;
        PacketPoint { base, off: 0, moved: 0, end: Operand::Imm(0), scope: self.scope(), writable: true }
    }

    fn context_pointer(&mut self, context: Pointer, field: &ContextField, at: At) -> Operand {
        self.check_scope(context.scope, at);
        let size = if field.size == 8 { Size::DW } else { Size::W };
        let off = context.off.saturating_add_unsigned(field.offset);
        self.push(Op::Load { size, addr: Addr { base: context.base, off }, memory: Memory::Context }, at)
    }

    /// So many bytes further on. The kernel has to know a bound of the number.
    pub(crate) fn packet_at(&mut self, point: PacketPoint, by: Datum, at: At) -> PacketPoint {
        self.check_scope(point.scope, at);
        match by.number() {
            Some(number) => match u64::try_from(number) {
                Ok(number) => {
                    self.within(PacketPoint { off: point.off.saturating_add(number), ..point }, 0, at)
                }
                Err(_) => self.too_far(point, u64::MAX, at),
            },
            None => self.packet_moved(point, by, at),
        }
    }

    fn packet_moved(&mut self, point: PacketPoint, by: Datum, at: At) -> PacketPoint {
        let (Base::Val(start), most) = (point.base, by.most) else { return point };
        let by = self.convert(by, ScalarType::U64, at);
        let b = self.use_of(by, at);
        let sum = self.push(Op::Alu { op: AluOp::Add, width: Width::Bits64, a: start.into(), b }, at);
        let base = self.base(sum, at);
        let moved = point.moved.saturating_add(most.max(by.most));
        self.within(PacketPoint { base, moved, scope: self.scope(), ..point }, 0, at)
    }

    /// What lies there, and the condition that it does not.
    pub(crate) fn packet_view(
        &mut self,
        point: PacketPoint,
        offset: u64,
        layout: Layout,
        at: At,
    ) -> (Pointer, CondId) {
        self.check_scope(point.scope, at);
        let from = PacketPoint { off: point.off.saturating_add(offset), ..point };
        let from = self.within(from, layout.size(), at);
        let off = i32::try_from(from.off).unwrap_or(0);
        let pointer = Pointer { off, ..Pointer::new(from.base, layout, Region::Packet, from.scope) };
        let behind = self.inside_of_any(pointer, layout.size());
        let past = self.address(behind, at);
        let beyond = Compare { cond: Cond::Gt, width: Width::Bits64, a: past, b: from.end };
        let pointer = if from.writable { pointer } else { pointer.read_only() };
        (pointer, self.comparison(beyond))
    }

    fn inside_of_any(&self, pointer: Pointer, by: u32) -> Pointer {
        Pointer { off: pointer.off.saturating_add_unsigned(by), ..pointer }
    }

    /// How many bytes there are from here to the end, as the machine subtracts pointers: less than 0 if the point lies beyond.
    pub(crate) fn packet_len(&mut self, point: PacketPoint, at: At) -> Datum {
        self.check_scope(point.scope, at);
        let here = Pointer {
            off: i32::try_from(point.off).unwrap_or(0),
            ..Pointer::new(point.base, Layout::Bytes(0), Region::Packet, point.scope)
        };
        let b = self.address(here, at);
        let len = self.push(Op::Alu { op: AluOp::Sub, width: Width::Bits64, a: point.end, b }, at);
        self.made(len, ScalarType::I64)
    }

    fn within(&mut self, point: PacketPoint, size: u32, at: At) -> PacketPoint {
        let most = point.off.saturating_add(point.moved).saturating_add(size.into());
        if most > FARTHEST { self.too_far(point, most, at) } else { point }
    }

    fn too_far(&mut self, point: PacketPoint, most: u64, at: At) -> PacketPoint {
        self.fail(Error::PacketOffset { most, farthest: FARTHEST, site: site(at) });
        PacketPoint { off: 0, ..point }
    }
}
