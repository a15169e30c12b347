//! The instructions of a program while names become numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Fd;
use crate::asm::Slot;
use crate::base::Endian;
use crate::btf::TypeId;
use crate::object::ready::{bytes, set_map_index};

/// The instructions of a program, and the descriptors they use.
pub(super) struct Body {
    slots: Vec<Slot>,
    fd_array: Vec<Fd>,
    index: BTreeMap<Fd, usize>,
    fd_slots: Vec<(u32, Fd)>,
}

impl Body {
    pub(super) fn new(slots: Vec<Slot>) -> Self {
        Self { slots, fd_array: Vec::new(), index: BTreeMap::new(), fd_slots: Vec::new() }
    }

    /// A map. By index into fd_array the bytes of a program do not depend on the numbers of descriptors.
    pub(super) fn map(&mut self, slot: u32, map: Fd, by_index: bool) {
        if !by_index {
            self.fd_slots.push((slot, map));
            return;
        }
        let index = self.index_of(map);
        set_map_index(&mut self.slots, slot, index);
    }

    /// A number of 64 bits, in both slots of a load.
    pub(super) fn number(&mut self, slot: u32, number: u64) {
        let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
        self.imm(slot, i32::from_le_bytes([a, b, c, d]));
        self.imm(slot + 1, i32::from_le_bytes([e, f, g, h]));
    }

    /// The id of a type or variable; a module's descriptor goes into the second slot of the load.
    pub(super) fn type_id(&mut self, slot: u32, id: TypeId, module: Option<Fd>) {
        self.imm(slot, id.0.cast_signed());
        self.fd_slots.extend(module.map(|module| (slot + 1, module)));
    }

    /// The id of a function of the kernel.
    pub(super) fn function(&mut self, slot: u32, id: TypeId) {
        self.imm(slot, id.0.cast_signed());
    }

    /// The id of a function of a module, whose place in fd_array goes into the offset. Offset 0 is the kernel, so that no
    /// module may be first.
    pub(super) fn module_function(&mut self, slot: u32, id: TypeId, module: Fd) {
        if self.fd_array.is_empty() {
            self.fd_array.push(module);
        }
        let index = i16::try_from(self.index_of(module)).unwrap_or(i16::MAX);
        if let Some(insn) = self.slots.get_mut(slot as usize) {
            *insn = insn.with_off(index).with_imm(id.0.cast_signed());
        }
    }

    pub(super) fn finish(self, endian: Endian) -> Instructions {
        let insns = bytes(self.slots.iter().map(|slot| slot.to_bytes(endian)));
        let Self { fd_array, fd_slots, .. } = self;
        Instructions { insns, fd_array, fd_slots }
    }

    fn index_of(&mut self, fd: Fd) -> usize {
        let next = self.fd_array.len();
        *self.index.entry(fd).or_insert_with(|| {
            self.fd_array.push(fd);
            next
        })
    }

    fn imm(&mut self, slot: u32, imm: i32) {
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            *slot = slot.with_imm(imm);
        }
    }
}

/// The instructions of a program as bytes, and the descriptors they use.
pub(super) struct Instructions {
    pub(super) insns: Arc<[u8]>,
    pub(super) fd_array: Vec<Fd>,
    pub(super) fd_slots: Vec<(u32, Fd)>,
}

impl Instructions {
    /// Those that were made when the object was closed.
    pub(super) fn ready(insns: &Arc<[u8]>, fd_array: Vec<Fd>) -> Self {
        Self { insns: Arc::clone(insns), fd_array, fd_slots: Vec::new() }
    }
}
