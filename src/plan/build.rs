//! Writes the commands, in the order the kernel needs them.

use std::borrow::Cow;
use std::sync::Arc;

use super::body::{Body, Instructions};
use super::require::Requirements;
use super::{
    BtfLoad, Command, ElemValue, Fd, FdById, FdInfo, FdKind, Log, MapBtf, MapCreate, MapFreeze, MapShape,
    MapUpdateElem, ObjGet, ObjGetInfoByFd, ObjPin, Plan, PlanError, ProgBtf, ProgLoad, Step, When,
};
use crate::asm::RelocKind;
use crate::base::flags::{Access, ElemFlags};
use crate::btf::Kind;
use crate::map::{Entry, EntryValue, MapDef, MapSource};
use crate::object::Object;
use crate::object::linker::{Linked, LinkedProgram};
use crate::object::ready::{Label, Ready};
use crate::relocate::{Answer, Found, Resolver, sanitize};
use crate::target::{Feature, Target};

pub(super) fn plan(object: &Object, target: &Target) -> Result<Plan, PlanError> {
    let linked = object.linked();
    let descriptors = object.maps().len() + linked.programs.len() + 1;
    let mut planner = Planner {
        object,
        target,
        requirements: Requirements::new(object, target)?,
        resolver: Resolver::new(target),
        fds: Vec::with_capacity(descriptors),
        steps: Vec::with_capacity(descriptors),
        maps: Vec::with_capacity(object.maps().len()),
        programs: Vec::with_capacity(linked.programs.len()),
        btf: None,
        modules: Vec::new(),
    };
    planner.btf(linked)?;
    planner.maps()?;
    let plain = object.maps().iter().all(is_plain);
    if !plain {
        planner.fill(false)?;
    }
    let programs = linked.programs.iter().zip(&object.labels().programs);
    programs.into_iter().try_for_each(|(program, label)| planner.program(program, label))?;
    if !plain {
        planner.fill(true)?;
        planner.pin();
    }
    let Planner { fds, steps, .. } = planner;
    let (name, target, endian) = (Arc::clone(&object.labels().object), target.called(), object.endian());
    Ok(Plan { name, target, endian, fds, steps })
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
    /// The descriptors of modules' BTF, by their place in the target.
    modules: Vec<(usize, Fd)>,
}

impl<'a> Planner<'a> {
    fn fd(&mut self, kind: FdKind, name: &Arc<str>) -> Fd {
        let index = u32::try_from(self.fds.len()).unwrap_or(u32::MAX);
        self.fds.push(FdInfo { kind, name: Arc::clone(name) });
        Fd(index)
    }

    fn step(&mut self, when: When, command: Command) {
        let assumptions = self.requirements.take_assumptions();
        self.steps.push(Step { command, when, wanted: None, assumptions });
    }

    /// BTF is loaded when a map has types, or a program cannot do without; a trivial program needs none.
    fn btf(&mut self, linked: &Linked) -> Result<(), PlanError> {
        let maps = self.object.maps().iter().filter(|map| map.source != MapSource::Supplied);
        let typed =
            maps.clone().any(|map| map.has_btf() || map.inner.as_ref().is_some_and(|inner| inner.has_btf()));
        let needed = maps.clone().any(|map| !map.fields.is_empty())
            || linked.programs.iter().any(|program| self.requirements.needs_btf(program));
        if !(typed || needed) || !self.requirements.btf(needed)? {
            return Ok(());
        }
        let btf = sanitize(&linked.btf, self.target)
            .map_err(|source| PlanError::Btf { target: self.target.to_string(), source: Box::new(source) })?;
        let bytes = match btf {
            Cow::Borrowed(_) => Arc::clone(&linked.btf_bytes),
            Cow::Owned(btf) => btf.encode(self.object.endian()).into(),
        };
        let out = self.fd(FdKind::Btf, &self.object.labels().object);
        self.step(When::Always, Command::BtfLoad(BtfLoad { bytes, log: Log::default(), token: None, out }));
        self.btf = Some(out);
        Ok(())
    }

    fn maps(&mut self) -> Result<(), PlanError> {
        for (map, label) in self.object.maps().iter().zip(&self.object.labels().maps) {
            let out = self.fd(FdKind::Map, &label.name);
            self.maps.push(out);
            match &map.source {
                MapSource::Supplied => {}
                MapSource::Create => self.create_map(map, label, out, When::Always)?,
                MapSource::Pinned { path } => {
                    self.open_pin(map, path, out)?;
                    self.create_map(map, label, out, When::Missing(out))?;
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

    fn create_map(&mut self, map: &MapDef, label: &Label, out: Fd, when: When) -> Result<(), PlanError> {
        let inner = match &map.inner {
            None => None,
            Some(template) => Some(self.create_template(template, when)?),
        };
        self.requirements.map(map)?;
        let btf = self.btf.filter(|_| self.has_types(map)).map(|btf| MapBtf {
            btf,
            key: map.key.0,
            value: map.value.0,
        });
        let create = MapCreate {
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: self.requirements.max_entries(map)?,
            flags: map.flags,
            inner,
            numa_node: map.numa_node,
            name: self.kernel_name(label),
            btf,
            extra: map.extra,
            kind: map.kind,
            ifindex: 0,
            vmlinux_value_type: 0,
            value_type_btf: None,
            token: None,
            exclusive_to: Vec::new(),
            out,
        };
        self.step(when, Command::MapCreate(Box::new(create)));
        Ok(())
    }

    #[cold]
    fn create_template(&mut self, template: &MapDef, when: When) -> Result<Fd, PlanError> {
        let label = Label::new(&template.name);
        let inner = self.fd(FdKind::InnerMap, &label.name);
        self.create_map(template, &label, inner, when)?;
        Ok(inner)
    }

    /// A section of global variables is described by a DATASEC, for which nothing else stands in a map without keys.
    fn has_types(&self, map: &MapDef) -> bool {
        let section = map.key.is_void() && self.object.btf().kind_of(map.value) == Some(Kind::DataSec);
        map.has_btf() && (!section || self.target.prefers(Feature::GlobalData))
    }

    /// Writes the initial entries that are programs, or all others; then freezes maps.
    fn fill(&mut self, programs: bool) -> Result<(), PlanError> {
        self.entries(|value| matches!(value, EntryValue::Program(_)) == programs)?;
        self.freeze(programs)
    }

    /// A reused map keeps what it holds: entries are written only to maps this plan made.
    fn entries(&mut self, which: impl Fn(&EntryValue) -> bool) -> Result<(), PlanError> {
        let object = self.object;
        for (index, map) in object.maps().iter().enumerate() {
            let fd = self.maps[index];
            let Some(when) = when_made(map, fd) else { continue };
            for entry in map.entries.iter().filter(|entry| which(&entry.value)) {
                let value = self.value(entry, map)?;
                let update =
                    MapUpdateElem { map: fd, key: entry.key.clone(), value, flags: ElemFlags::empty() };
                self.step(when, Command::MapUpdateElem(update));
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

    /// Maps are frozen before programs are loaded, so that the verifier can go by what they hold; those that hold
    /// programs, after.
    fn freeze(&mut self, holds_programs: bool) -> Result<(), PlanError> {
        let object = self.object;
        let program = |entry: &Entry| matches!(entry.value, EntryValue::Program(_));
        for (index, map) in object.maps().iter().enumerate() {
            let fd = self.maps[index];
            let Some(when) = when_made(map, fd).filter(|_| map.freeze) else { continue };
            if map.entries.iter().any(program) == holds_programs {
                self.requirements.freeze(map)?;
                self.step(when, Command::MapFreeze(MapFreeze { map: fd }));
            }
        }
        Ok(())
    }

    fn pin(&mut self) {
        let object = self.object;
        for (index, map) in object.maps().iter().enumerate() {
            if let MapSource::Pinned { path } = &map.source {
                let fd = self.maps[index];
                self.step(When::Missing(fd), Command::ObjPin(ObjPin { path: path.clone(), at: None, fd }));
            }
        }
    }

    fn program(&mut self, program: &LinkedProgram, label: &Label) -> Result<(), PlanError> {
        self.requirements.program(self.object, program)?;
        let body = self.body(program)?;
        let btf = self.btf.filter(|_| self.requirements.func_info());
        let attach = self.resolver.attach_target(&program.def)?;
        let attach_to =
            attach.and_then(|found| found.module).map(|module| self.module(module)).transpose()?;
        let out = self.fd(FdKind::Program, &label.name);
        self.programs.push(out);
        let Instructions { insns, fd_array, fd_slots } = body;
        let load = ProgLoad {
            prog_type: program.def.kind.prog_type(),
            insns,
            fd_slots,
            license: Arc::clone(&self.object.labels().license),
            kern_version: 0,
            flags: program.def.flags,
            name: self.kernel_name(label),
            ifindex: 0,
            expected_attach_type: self.requirements.attach_type(&program.def)?,
            btf: btf.map(|btf| prog_btf(btf, program)),
            attach_btf_id: attach.map_or(0, |found| found.id.0),
            attach_to,
            fd_array,
            bind_fd_array: false,
            token: None,
            signature: None,
            log: Log::default(),
            out,
        };
        self.step(When::Always, Command::ProgLoad(Box::new(load)));
        Ok(())
    }

    /// The instructions, with everything filled in that is not a descriptor.
    fn body(&mut self, program: &LinkedProgram) -> Result<Instructions, PlanError> {
        let by_index = !program.ready.maps.is_empty() && self.requirements.fd_array();
        if program.ready.complete && (by_index || program.ready.maps.is_empty()) {
            let fds = program.ready.maps.iter().map(|&map| self.maps[map]).collect();
            return Ok(Instructions::ready(&program.ready.insns, fds));
        }
        let mut body = Body::new(program.slots.clone());
        for reloc in &program.relocs {
            if let RelocKind::Map | RelocKind::MapValue { .. } = reloc.kind {
                if let Some(map) = self.object.map_index(&reloc.symbol) {
                    body.map(reloc.slot, self.maps[map], by_index);
                }
                continue;
            }
            match self.resolver.answer(program, reloc)? {
                Answer::Number(number) => body.number(reloc.slot, number),
                Answer::Type(Found { id, module }) => {
                    let module = module.map(|module| self.module(module)).transpose()?;
                    body.type_id(reloc.slot, id, module);
                }
                Answer::Function(Found { id, module: None }) => body.function(reloc.slot, id),
                Answer::Function(Found { id, module: Some(module) }) => {
                    self.requirements.feature(program, Feature::ModuleKfuncs)?;
                    let fd = self.module(module)?;
                    body.module_function(reloc.slot, id, fd);
                }
            }
        }
        Ok(body.finish(self.object.endian()))
    }

    /// The descriptor of a module's BTF; the first use opens it.
    fn module(&mut self, module: usize) -> Result<Fd, PlanError> {
        if let Some(&(_, fd)) = self.modules.iter().find(|(known, _)| *known == module) {
            return Ok(fd);
        }
        let target = self.target;
        let (name, id, _) = target.modules().nth(module).unwrap_or_default();
        self.requirements.module(name)?;
        let out = self.fd(FdKind::ModuleBtf, &name.into());
        let open = FdById { id, access: Access::ReadWrite, token: None, out };
        self.step(When::Always, Command::BtfGetFdById(open));
        self.modules.push((module, out));
        Ok(out)
    }

    fn kernel_name(&self, label: &Label) -> Arc<str> {
        if self.requirements.names() { Arc::clone(&label.kernel) } else { Arc::default() }
    }
}

/// Whether a map that was made is as it shall be.
fn is_plain(map: &MapDef) -> bool {
    map.entries.is_empty() && !map.freeze && !matches!(map.source, MapSource::Pinned { .. })
}

/// When the plan makes the map; never, where the caller supplies it.
fn when_made(map: &MapDef, fd: Fd) -> Option<When> {
    match map.source {
        MapSource::Create => Some(When::Always),
        MapSource::Pinned { .. } => Some(When::Missing(fd)),
        MapSource::Supplied => None,
    }
}

fn prog_btf(btf: Fd, program: &LinkedProgram) -> ProgBtf {
    let Ready { func_info, line_info, core_relos, .. } = &program.ready;
    ProgBtf {
        btf,
        func_info: Arc::clone(func_info),
        line_info: Arc::clone(line_info),
        core_relos: Arc::clone(core_relos),
    }
}
