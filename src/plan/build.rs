//! Writes the commands, in the order the kernel needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::require::Requirements;
use super::{
    BtfLoad, Command, ElemValue, Fd, FdInfo, FdKind, Log, MapBtf, MapCreate, MapFreeze, MapShape,
    MapUpdateElem, ObjGet, ObjGetInfoByFd, ObjPin, Plan, PlanError, ProgBtf, ProgLoad, Step, When,
};
use crate::asm::{Insn, MapRef, RelocKind, Slot};
use crate::base::flags::{Access, ElemFlags};
use crate::map::{Entry, EntryValue, MapDef, MapSource};
use crate::object::Object;
use crate::object::linker::{self, Linked, LinkedProgram};
use crate::relocate::Resolver;
use crate::target::{Feature, Target};

pub(super) fn plan(object: &Object, target: &Target) -> Result<Plan, PlanError> {
    plan_with_layout(object, target).map(|(plan, _)| plan)
}

pub(super) fn plan_with_layout<'a>(
    object: &'a Object,
    target: &Target,
) -> Result<(Plan, Linked<'a>), PlanError> {
    let linked = linker::link(object)?;
    let mut planner = Planner {
        object,
        target,
        requirements: Requirements::new(object, target)?,
        resolver: Resolver::new(target),
        fds: Vec::new(),
        steps: Vec::new(),
        maps: Vec::new(),
        programs: Vec::new(),
        btf: None,
    };
    planner.btf(&linked)?;
    planner.maps()?;
    planner.entries(|value| !matches!(value, EntryValue::Program(_)))?;
    linked.programs.iter().try_for_each(|program| planner.program(program))?;
    planner.entries(|value| matches!(value, EntryValue::Program(_)))?;
    planner.freeze_and_pin();
    let Planner { fds, steps, .. } = planner;
    let (name, target, endian) = (object.name().to_owned(), target.called(), object.endian());
    Ok((Plan { name, target, endian, fds, steps }, linked))
}

struct Planner<'a> {
    object: &'a Object,
    target: &'a Target,
    requirements: Requirements<'a>,
    resolver: Resolver<'a>,
    fds: Vec<FdInfo>,
    steps: Vec<Step>,
    /// The descriptor of each map and each program of the object, by their index.
    maps: Vec<Fd>,
    programs: Vec<Fd>,
    btf: Option<Fd>,
}

impl<'a> Planner<'a> {
    fn fd(&mut self, kind: FdKind, name: &str) -> Fd {
        let index = u32::try_from(self.fds.len()).unwrap_or(u32::MAX);
        self.fds.push(FdInfo { kind, name: name.to_owned() });
        Fd(index)
    }

    fn step(&mut self, when: When, command: Command) {
        let assumptions = self.requirements.take_assumptions();
        self.steps.push(Step { command, when, wanted: None, assumptions });
    }

    /// BTF is loaded when a map has types, or a program cannot do without; a trivial program needs none.
    fn btf(&mut self, linked: &Linked<'_>) -> Result<(), PlanError> {
        let maps = self.object.maps().iter().filter(|map| map.source != MapSource::Supplied);
        let typed =
            maps.clone().any(|map| map.has_btf() || map.inner.as_ref().is_some_and(|inner| inner.has_btf()));
        let needed = maps.clone().any(|map| !map.fields.is_empty())
            || linked.programs.iter().any(|program| program.needs_btf || !program.core_relos.is_empty());
        if !(typed || needed) || !self.requirements.btf(needed)? {
            return Ok(());
        }
        let out = self.fd(FdKind::Btf, self.object.name());
        let bytes: Arc<[u8]> = linked.btf.encode(self.object.endian()).into();
        self.step(When::Always, Command::BtfLoad(BtfLoad { bytes, log: Log::default(), token: None, out }));
        self.btf = Some(out);
        Ok(())
    }

    fn maps(&mut self) -> Result<(), PlanError> {
        for map in self.object.maps() {
            let out = self.fd(FdKind::Map, &map.name);
            self.maps.push(out);
            match &map.source {
                MapSource::Supplied => {}
                MapSource::Create => self.create_map(map, out, When::Always)?,
                MapSource::Pinned { path } => {
                    self.open_pin(map, path, out)?;
                    self.create_map(map, out, When::Missing(out))?;
                }
            }
        }
        Ok(())
    }

    fn open_pin(&mut self, map: &MapDef, path: &str, out: Fd) -> Result<(), PlanError> {
        self.step(
            When::Always,
            Command::ObjGet(ObjGet {
                path: path.to_owned(),
                at: None,
                access: Access::ReadWrite,
                kind: FdKind::Map,
                out,
            }),
        );
        let wanted = MapShape {
            kind: map.kind.0,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: self.requirements.max_entries(map)?,
            flags: self.requirements.reported_flags(map).bits(),
        };
        let command = Command::ObjGetInfoByFd(ObjGetInfoByFd { fd: out });
        self.steps.push(Step {
            command,
            when: When::Found(out),
            wanted: Some(wanted),
            assumptions: Vec::new(),
        });
        Ok(())
    }

    fn create_map(&mut self, map: &MapDef, out: Fd, when: When) -> Result<(), PlanError> {
        let inner = match &map.inner {
            None => None,
            Some(template) => {
                let inner = self.fd(FdKind::InnerMap, &template.name);
                self.create_map(template, inner, when)?;
                Some(inner)
            }
        };
        self.requirements.map(map)?;
        let btf =
            self.btf.filter(|_| map.has_btf()).map(|btf| MapBtf { btf, key: map.key.0, value: map.value.0 });
        let create = MapCreate {
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: self.requirements.max_entries(map)?,
            flags: map.flags,
            inner,
            numa_node: map.numa_node,
            name: self.kernel_name(&map.name),
            btf,
            extra: map.extra,
            ..MapCreate::new(map.kind, out)
        };
        self.step(when, Command::MapCreate(Box::new(create)));
        Ok(())
    }

    /// A reused map keeps what it holds: entries are written only to maps this plan made.
    fn entries(&mut self, which: impl Fn(&EntryValue) -> bool) -> Result<(), PlanError> {
        let object = self.object;
        for (index, map) in object.maps().iter().enumerate() {
            let fd = self.maps[index];
            for entry in map.entries.iter().filter(|entry| which(&entry.value)) {
                let value = self.value(entry, map)?;
                let update =
                    MapUpdateElem { map: fd, key: entry.key.clone(), value, flags: ElemFlags::empty() };
                self.step(when_made(map, fd), Command::MapUpdateElem(update));
            }
        }
        Ok(())
    }

    fn value(&self, entry: &Entry, map: &MapDef) -> Result<ElemValue, PlanError> {
        let missing = || PlanError::Entry { map: map.name.clone() };
        Ok(match &entry.value {
            EntryValue::Bytes(bytes) => ElemValue::Bytes(bytes.clone()),
            EntryValue::Map(name) => {
                let index = self.object.map_index(name).ok_or_else(missing)?;
                ElemValue::Fd(self.maps[index])
            }
            EntryValue::Program(name) => {
                let index = self.object.program_index(name).ok_or_else(missing)?;
                ElemValue::Fd(self.programs[index])
            }
        })
    }

    fn freeze_and_pin(&mut self) {
        let object = self.object;
        for (index, map) in object.maps().iter().enumerate() {
            let fd = self.maps[index];
            if map.freeze {
                self.requirements.assume(Feature::GlobalData);
                self.step(when_made(map, fd), Command::MapFreeze(MapFreeze { map: fd }));
            }
            if let MapSource::Pinned { path } = &map.source {
                self.step(When::Missing(fd), Command::ObjPin(ObjPin { path: path.clone(), at: None, fd }));
            }
        }
    }

    fn program(&mut self, program: &LinkedProgram<'a>) -> Result<(), PlanError> {
        self.requirements.program(program)?;
        let by_index = self.requirements.fd_array();
        let mut body = Body {
            slots: program.slots.clone(),
            fd_array: Vec::new(),
            index: BTreeMap::new(),
            fd_slots: Vec::new(),
        };
        for reloc in &program.relocs {
            match reloc.kind {
                RelocKind::Map | RelocKind::MapValue { .. } => {
                    let Some(map) = self.object.map_index(reloc.symbol) else { continue };
                    body.map(reloc.slot, self.maps[map], by_index);
                }
                _ => self.resolver.apply(&mut body.slots, program, reloc)?,
            }
        }
        let endian = self.object.endian();
        let btf = self.btf.map(|btf| prog_btf(btf, program, endian, self.requirements.line_info()));
        let attach_btf_id = self.resolver.attach_target(program.def)?;
        let out = self.fd(FdKind::Program, &program.def.name);
        self.programs.push(out);
        let insns = bytes(body.slots.iter().map(|slot| slot.to_bytes(endian)));
        let load = ProgLoad {
            fd_slots: body.fd_slots,
            license: self.object.license().to_owned(),
            flags: program.def.flags,
            name: self.kernel_name(&program.def.name),
            expected_attach_type: program.def.kind.expected_attach_type(),
            btf: btf.filter(|_| self.requirements.func_info()),
            attach_btf_id,
            fd_array: body.fd_array,
            ..ProgLoad::new(program.def.kind.prog_type(), insns, out)
        };
        self.step(When::Always, Command::ProgLoad(Box::new(load)));
        Ok(())
    }

    /// What the kernel allows in a name (`bpf_obj_name_cpy`): 15 letters, digits, `_` and `.`.
    fn kernel_name(&self, name: &str) -> String {
        const LONGEST: usize = 15;
        if !self.target.feature(Feature::ObjectNames).counts_as_present() {
            return String::new();
        }
        let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '.' { c } else { '_' };
        name.chars().take(LONGEST).map(allowed).collect()
    }
}

/// The instructions of a program while its maps are put in.
struct Body {
    slots: Vec<Slot>,
    fd_array: Vec<Fd>,
    index: BTreeMap<Fd, u32>,
    fd_slots: Vec<(u32, Fd)>,
}

impl Body {
    /// With fd_array the bytes of a program do not depend on the numbers of descriptors.
    fn map(&mut self, slot: u32, map: Fd, by_index: bool) {
        if !by_index {
            self.fd_slots.push((slot, map));
            return;
        }
        let next = u32::try_from(self.fd_array.len()).unwrap_or(u32::MAX);
        let index = *self.index.entry(map).or_insert_with(|| {
            self.fd_array.push(map);
            next
        });
        let Some(pair) = self.slots.get_mut(slot as usize..slot as usize + 2) else { return };
        let by_index = match Insn::decode(pair) {
            Ok((Insn::LoadMap { dst, .. }, _)) => Insn::LoadMap { dst, map: MapRef::Index(index) },
            Ok((Insn::LoadMapValue { dst, offset, .. }, _)) => {
                Insn::LoadMapValue { dst, map: MapRef::Index(index), offset }
            }
            _ => return,
        };
        pair.iter_mut().zip(by_index.encode()).for_each(|(slot, new)| *slot = new);
    }
}

fn when_made(map: &MapDef, fd: Fd) -> When {
    match map.source {
        MapSource::Pinned { .. } => When::Missing(fd),
        _ => When::Always,
    }
}

fn prog_btf(btf: Fd, program: &LinkedProgram<'_>, endian: crate::base::Endian, lines: bool) -> ProgBtf {
    let line_info: &[_] = if lines { &program.line_info } else { &[] };
    ProgBtf {
        btf,
        func_info: bytes(program.func_info.iter().map(|record| record.to_bytes(endian))),
        line_info: bytes(line_info.iter().map(|record| record.to_bytes(endian))),
        core_relos: bytes(program.core_relos.iter().map(|record| record.to_bytes(endian))),
    }
}

/// Records one after another; their number is known, so that there is one allocation.
fn bytes<const SIZE: usize>(records: impl ExactSizeIterator<Item = [u8; SIZE]>) -> Vec<u8> {
    records.collect::<Vec<_>>().into_flattened()
}
