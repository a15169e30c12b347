//! What every load of an object needs of its programs, made once: bytes, and what a kernel has to have.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::sync::Arc;

use super::linker::{LinkedProgram, OpenReloc, Placed};
use super::parts::Parts;
use crate::asm::{Helper, Insn, Isa, MapRef, RelocKind, Slot, limits};
use crate::base::KernelVersion;
use crate::btf::special::FieldKind;
use crate::map::MapDef;

/// A program as the bytes a load takes, in the object's byte order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ready {
    /// The instructions, their maps by index into `fd_array`; every other relocation is still open.
    pub(crate) insns: Arc<[u8]>,
    /// What belongs into `fd_array`: maps by their place in the object, in the order of their first use.
    pub(crate) maps: Box<[usize]>,
    /// Whether nothing but the maps was open.
    pub(crate) complete: bool,
    /// Whether a kernel that has everything can have nothing against it: neither its length nor its timers.
    pub(crate) ordinary: bool,
    /// `func_info`.
    pub(crate) func_info: Arc<[u8]>,
    /// `line_info`.
    pub(crate) line_info: Arc<[u8]>,
    /// `core_relos`.
    pub(crate) core_relos: Arc<[u8]>,
}

impl Ready {
    pub(super) fn of(program: &LinkedProgram, object: &Parts) -> Self {
        let mut slots = program.slots.clone();
        let (mut maps, mut complete) = (Vec::new(), true);
        let mut indexes = vec![None; object.maps.len()];
        for reloc in &program.relocs {
            match (reloc.kind, object.names.maps.index(&reloc.symbol)) {
                (RelocKind::Map | RelocKind::MapValue { .. }, Some(map)) => {
                    let index = *indexes[map].get_or_insert_with(|| {
                        maps.push(map);
                        maps.len() - 1
                    });
                    set_map_index(&mut slots, reloc.slot, index);
                }
                _ => complete = false,
            }
        }
        let endian = object.endian;
        Self {
            insns: bytes(slots.iter().map(|slot| slot.to_bytes(endian))),
            ordinary: slots.len() <= limits::INSNS as usize
                && (program.def.kind.timers().is_some() || !timers(program, object)),
            maps: maps.into(),
            complete,
            func_info: bytes(program.func_info.iter().map(|record| record.to_bytes(endian))),
            line_info: bytes(program.line_info.iter().map(|record| record.to_bytes(endian))),
            core_relos: bytes(program.core_relos.iter().map(|record| record.to_bytes(endian))),
        }
    }
}

/// Whether the program starts timers or names a map that holds some.
fn timers(program: &LinkedProgram, object: &Parts) -> bool {
    let is_timer = |used: &Use| matches!(used.what, Used::Helper(helper) if helper.is_timer());
    let holds_timer = |map: &MapDef| map.fields.iter().any(|field| field.kind == FieldKind::Timer);
    let names_timer = |reloc: &OpenReloc| object.map(&reloc.symbol).is_some_and(holds_timer);
    program.uses.iter().any(is_timer) || program.relocs.iter().any(names_timer)
}

/// The names of an object, to be shared by every plan of it.
pub(crate) struct Labels {
    /// The object's.
    pub(crate) object: Arc<str>,
    /// The licence.
    pub(crate) license: Arc<CStr>,
    /// Those of its maps, in their order.
    pub(crate) maps: Box<[Label]>,
    /// Those of its programs, in their order.
    pub(crate) programs: Box<[Label]>,
}

impl Labels {
    pub(super) fn of(object: &Parts) -> Self {
        Self {
            object: object.name.as_str().into(),
            // The rules of an object allow no NUL in it.
            license: CString::new(object.license.as_str()).unwrap_or_default().into(),
            maps: object.maps.iter().map(|map| Label::new(&map.name)).collect(),
            programs: object.programs.iter().map(|program| Label::new(&program.name)).collect(),
        }
    }
}

/// A name, and what of it the kernel is told.
pub(crate) struct Label {
    pub(crate) name: Arc<str>,
    /// What the kernel allows in a name (`bpf_obj_name_cpy`): 15 letters, digits, `_` and `.`.
    pub(crate) kernel: Arc<str>,
}

impl Label {
    pub(crate) fn new(name: &str) -> Self {
        const LONGEST: usize = limits::OBJ_NAME_BYTES - 1;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        let shared: Arc<str> = name.into();
        if name.len() <= LONGEST && name.bytes().all(allowed) {
            return Self { name: Arc::clone(&shared), kernel: shared };
        }
        let replaced = |c: char| if u8::try_from(c).is_ok_and(allowed) { c } else { '_' };
        let kernel: String = name.chars().take(LONGEST).map(replaced).collect();
        Self { name: shared, kernel: kernel.into() }
    }
}

/// Makes the load of a map at `slot` one by index into `fd_array`.
pub(crate) fn set_map_index(slots: &mut [Slot], slot: u32, index: usize) {
    let map = MapRef::Index(u32::try_from(index).unwrap_or(u32::MAX));
    let Some(pair) = slots.get_mut(slot as usize..slot as usize + 2) else { return };
    let by_index = match Insn::decode(pair) {
        Ok((Insn::LoadMap { dst, .. }, _)) => Insn::LoadMap { dst, map },
        Ok((Insn::LoadMapValue { dst, offset, .. }, _)) => Insn::LoadMapValue { dst, map, offset },
        _ => return,
    };
    pair.iter_mut().zip(by_index.encode()).for_each(|(slot, new)| *slot = new);
}

/// Records one after another.
pub(crate) fn bytes<const SIZE: usize>(records: impl Iterator<Item = [u8; SIZE]>) -> Arc<[u8]> {
    records.collect::<Vec<_>>().into_flattened().into()
}

/// The first use of a group of instructions, or of a helper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Use {
    /// The slot, counted from the start of the program.
    pub(crate) slot: u32,
    /// What is used.
    pub(crate) what: Used,
    /// The release it came with.
    pub(crate) since: KernelVersion,
}

/// What an instruction asks of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Used {
    /// That it knows a group of instructions.
    Group(Isa),
    /// That it has a helper.
    Helper(Helper),
}

/// What the functions of a program use, in the order of first use; what came with no known release is left out.
pub(super) fn uses(functions: &[Placed]) -> Vec<Use> {
    let mut list = Uses::default();
    for placed in functions {
        let insns = placed.def.code.insns().filter_map(|(inside, insn)| Some((inside, insn.ok()?)));
        insns.for_each(|(inside, insn)| list.add(placed.start + inside as u32, insn));
    }
    list.list
}

struct Uses {
    list: Vec<Use>,
    groups: Isa,
    helpers: BTreeSet<u32>,
}

impl Default for Uses {
    fn default() -> Self {
        Self { list: Vec::new(), groups: Isa::empty(), helpers: BTreeSet::new() }
    }
}

impl Uses {
    fn add(&mut self, slot: u32, insn: Insn) {
        let groups = insn.isa() - self.groups;
        self.groups |= groups;
        let groups = groups.iter().filter_map(|group| Some((Used::Group(group), group.since()?)));
        self.list.extend(groups.map(|(what, since)| Use { slot, what, since }));
        if let Insn::Call { helper } = insn
            && let Some(since) = helper.since()
            && self.helpers.insert(helper.number())
        {
            self.list.push(Use { slot, what: Used::Helper(helper), since });
        }
    }
}
