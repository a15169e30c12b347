//! What the programs executed: instructions, helpers, kinds of maps.

use std::collections::{BTreeMap, BTreeSet};

use bpfsmith::asm::{Helper, Insn, Slot, walk};
use bpfsmith::map::MapKind;
use bpfsmith::object::Object;
use bpfsmith::sim::{self, Machine};

use crate::helpers::LEFT_OUT;
use crate::maps;

/// An operation: the opcode and what else tells it from others.
type Key = (u8, i32);

/// Each is counted once a program that executed it.
#[derive(Default)]
pub struct Hits {
    insns: BTreeMap<Key, u64>,
    helpers: BTreeMap<Helper, u64>,
    kinds: BTreeMap<MapKind, u64>,
}

const BPF_ALU: u8 = 0x04;
const BPF_ALU64: u8 = 0x07;
const BPF_STX_ATOMIC: u8 = 0xc3;

fn key(slot: Slot) -> Key {
    let opcode = slot.opcode();
    let more = match opcode {
        // Byte swaps: how many bits. Signed division, moves that extend the sign: the offset.
        0xd4 | 0xdc | 0xd7 => slot.imm(),
        _ if matches!(opcode & 7, BPF_ALU | BPF_ALU64) => slot.off().into(),
        _ if opcode & 0xe7 == BPF_STX_ATOMIC => slot.imm(),
        // Which sort of number, which sort of call.
        0x18 | 0x85 => slot.src().into(),
        _ => 0,
    };
    (opcode, more)
}

/// Instructions that no program here can have, and why.
fn is_out_of_reach(insn: &Insn) -> Option<&'static str> {
    Some(match insn {
        Insn::AddrSpaceCast { .. } => "needs an arena, which the simulator does not have",
        Insn::LoadArg { .. } | Insn::StoreArg { .. } | Insn::StoreArgImm { .. } => "Linux 7.1",
        Insn::Gotox { .. } => "Linux 6.19",
        Insn::CallKfunc { .. } => "the simulator has no functions of the kernel",
        Insn::LoadBtfId { .. } => "an address of the kernel's",
        Insn::LoadMap { map, .. } | Insn::LoadMapValue { map, .. }
            if *map != bpfsmith::asm::MapRef::Fd(0) =>
        {
            "descriptors are what the loader writes"
        }
        _ => return None,
    })
}

impl Hits {
    /// What a program executed, by the machine's counts.
    pub fn add(&mut self, object: &Object, machine: &Machine) {
        let (mut insns, mut helpers, mut kinds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (place, count) in machine.coverage().insns() {
            let function = if place.function.is_empty() { &place.program } else { &place.function };
            let Some(function) = object.function(function).filter(|_| *count > 0) else { continue };
            let slots: Vec<Slot> =
                function.code.lines().map(|(slot, _)| slot).skip(place.slot).take(2).collect();
            let Ok((insn, _)) = Insn::decode(&slots) else { continue };
            insns.insert(key(slots[0]));
            if let Insn::Call { helper } = insn {
                helpers.insert(helper);
            }
            let symbol = function.code.relocs().iter().find(|reloc| reloc.slot as usize == place.slot);
            if let Some(map) = symbol.and_then(|reloc| map_of(object, function, reloc)) {
                kinds.insert(map);
            }
        }
        insns.into_iter().for_each(|key| *self.insns.entry(key).or_default() += 1);
        helpers.into_iter().for_each(|helper| *self.helpers.entry(helper).or_default() += 1);
        kinds.into_iter().for_each(|kind| *self.kinds.entry(kind).or_default() += 1);
    }

    /// Every instruction, helper and kind of map that can be hit, and how often it was; the least first.
    pub fn all(&self) -> Vec<(u64, String)> {
        let insns = walk::all().filter(|insn| is_out_of_reach(insn).is_none()).map(|insn| {
            let hits = self.insns.get(&key(insn.encode().first())).copied().unwrap_or(0);
            (hits, format!("instruction {insn}"))
        });
        let left_out = |helper: &Helper| LEFT_OUT.iter().any(|(left, _)| left == helper);
        let helpers = sim::helpers()
            .filter(|helper| !left_out(helper))
            .map(|helper| (self.helpers.get(&helper).copied().unwrap_or(0), format!("helper {helper}")));
        let kinds = kinds()
            .into_iter()
            .map(|kind| (self.kinds.get(&kind).copied().unwrap_or(0), format!("map kind {kind}")));
        let mut all: Vec<_> = insns.chain(helpers).chain(kinds).collect();
        all.sort();
        all
    }
}

fn kinds() -> BTreeSet<MapKind> {
    let mut object = bpfsmith::object::ObjectBuilder::new("kinds").license("GPL");
    maps::ALL.iter().filter(|name| **name != "programs").for_each(|name| maps::add(&mut object, name));
    let object = object.finish().unwrap();
    object.maps().iter().map(|map| map.kind).chain([MapKind::PROG_ARRAY]).collect()
}

fn map_of(
    object: &Object,
    function: &bpfsmith::object::FunctionDef,
    reloc: &bpfsmith::asm::Reloc,
) -> Option<MapKind> {
    let name = function.code.symbols().nth(reloc.symbol.0 as usize)?;
    object.map(name).map(|map| map.kind)
}

/// What is out of reach, a line each.
pub fn out_of_reach() -> Vec<String> {
    let insns =
        walk::all().filter_map(|insn| Some(format!("instruction {insn}: {}", is_out_of_reach(&insn)?)));
    let helpers = LEFT_OUT.iter().map(|(helper, why)| format!("helper {helper}: {why}"));
    let kinds = maps::UNREACHED.iter().map(|(kind, why)| format!("map kind {kind}: {why}"));
    let masked = crate::helpers::MASKED.iter().map(|(helper, why)| format!("result of {helper}: {why}"));
    insns.chain(helpers).chain(kinds).chain(masked).collect()
}
