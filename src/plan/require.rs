//! What an object uses against what a target has.

use std::fmt;

use super::{Assumption, PlanError};
use crate::asm::{Code, Helper, Insn, Isa, RelocKind, limits};
use crate::base::KernelVersion;
use crate::btf::special::FieldKind;
use crate::kind::AttachType;
use crate::map::{EntriesRule, MapDef, MapFlags};
use crate::object::Object;
use crate::object::linker::LinkedProgram;
use crate::object::ready::{Use, Used};
use crate::program::ProgramDef;
use crate::site::Site;
use crate::target::{Fact, Feature, Subject, Target};

/// `map_extra`.
const MAP_EXTRA: KernelVersion = KernelVersion::new(5, 16);

/// Refuses what the target lacks and notes what it is only assumed to have.
pub(super) struct Requirements<'a> {
    target: &'a Target,
    /// The target has it all.
    everything: bool,
    assumptions: Vec<Assumption>,
}

impl<'a> Requirements<'a> {
    pub(super) fn new(object: &Object, target: &'a Target) -> Result<Self, PlanError> {
        if object.endian() != target.endian() {
            return Err(PlanError::Endian { object: object.endian(), target: target.endian() });
        }
        Ok(Self { target, everything: target.has_everything(), assumptions: Vec::new() })
    }

    pub(super) fn take_assumptions(&mut self) -> Vec<Assumption> {
        std::mem::take(&mut self.assumptions)
    }

    /// Whether `feature` is used, which there is an older way for.
    fn prefer(&mut self, feature: Feature) -> bool {
        self.target.prefers(feature) && self.fact(Subject::Feature(feature), feature.since())
    }

    /// Whether BTF can be loaded; an error where it is `needed` and cannot.
    pub(super) fn btf(&mut self, needed: bool) -> Result<bool, PlanError> {
        let feature = Feature::Btf;
        let there =
            if needed { self.fact(Subject::Feature(feature), feature.since()) } else { self.prefer(feature) };
        if needed && !there {
            return Err(self.lacks("the object", Feature::Btf.text(), Feature::Btf.since(), Site::unknown()));
        }
        Ok(there)
    }

    pub(super) fn names(&self) -> bool {
        self.everything || self.target.prefers(Feature::ObjectNames)
    }

    pub(super) fn func_info(&self) -> bool {
        self.everything || self.target.feature(Feature::FuncInfo).counts_as_present()
    }

    pub(super) fn fd_array(&mut self) -> bool {
        self.prefer(Feature::FdArray)
    }

    pub(super) fn map(&mut self, map: &MapDef) -> Result<(), PlanError> {
        if self.everything && self.target.page_size().is_none() { Ok(()) } else { self.known_map(map) }
    }

    fn known_map(&mut self, map: &MapDef) -> Result<(), PlanError> {
        let what = || format!("map `{}`", map.name);
        if let Some(since) = map.kind.since() {
            self.need(Subject::MapKind(map.kind.0), since, what, map.kind, &map.site)?;
        }
        for field in &map.fields {
            let since = field.kind.since();
            self.need_since(since, what, format_args!("{} in map values", field.kind), &map.site)?;
        }
        for flag in map.flags.iter() {
            if let Some(since) = flag.since() {
                self.need_since(since, what, format_args!("the map flag {flag}"), &map.site)?;
            }
        }
        if map.extra != 0 {
            self.need_since(MAP_EXTRA, what, "map_extra", &map.site)?;
        }
        self.pages(map)
    }

    fn pages(&self, map: &MapDef) -> Result<(), PlanError> {
        let rule = map.kind.max_entries();
        match self.target.page_size() {
            Some(page)
                if matches!(rule, EntriesRule::RingBytes | EntriesRule::Pages)
                    && !rule.allows(map.max_entries, page) =>
            {
                let (map, given, site) = (map.name.clone(), map.max_entries, map.site.clone());
                Err(PlanError::PageSize { map, given, page, site })
            }
            _ => Ok(()),
        }
    }

    /// The number of entries; one for each possible CPU where the kind wants that and none was given.
    pub(super) fn max_entries(&self, map: &MapDef) -> Result<u32, PlanError> {
        if map.max_entries != 0 || !map.kind.one_entry_per_cpu() {
            return Ok(map.max_entries);
        }
        let unanswered = || PlanError::Unanswered {
            need: crate::object::Need::PossibleCpus(map.name.clone()),
            site: map.site.clone(),
        };
        self.target.possible_cpus().ok_or_else(unanswered)
    }

    /// Whether a program cannot be loaded without its BTF. A global function is verified as a static one where there are
    /// none (before 5.6).
    pub(super) fn needs_btf(&self, program: &LinkedProgram) -> bool {
        let global_functions =
            || self.everything || self.target.feature(Feature::GlobalFunctions).counts_as_present();
        program.needs_btf || !program.core_relos.is_empty() || program.calls_global && global_functions()
    }

    /// `expected_attach_type`; a kernel without (before 4.17) knows some kinds all the same.
    pub(super) fn attach_type(&mut self, program: &ProgramDef) -> Result<Option<AttachType>, PlanError> {
        let Some(attach_type) = program.kind.expected_attach_type() else { return Ok(None) };
        let feature = Feature::ExpectedAttachType;
        if self.everything || self.target.feature(feature).counts_as_present() {
            return Ok(Some(attach_type));
        }
        if program.kind.attach_type_is_optional() {
            return Ok(None);
        }
        let what = format!("program `{}`", program.name);
        Err(self.lacks(&what, feature.text(), feature.since(), program.site.clone()))
    }

    /// A map that stays writable is not what was asked for, so a kernel that cannot freeze is refused.
    pub(super) fn freeze(&mut self, map: &MapDef) -> Result<(), PlanError> {
        let feature = Feature::GlobalData;
        let what = || format!("map `{}`", map.name);
        self.need(Subject::Feature(feature), feature.since(), what, feature.text(), &map.site)
    }

    /// The BTF of a kernel module.
    pub(super) fn module(&mut self, name: &str) -> Result<(), PlanError> {
        let feature = Feature::ModuleBtf;
        let what = || format!("a name of the kernel module `{name}`");
        self.need(Subject::Feature(feature), feature.since(), what, feature.text(), &Site::unknown())
    }

    /// What the kernel will say of the flags of a map that was made as the object has it.
    pub(super) fn reported_flags(&self, map: &MapDef) -> MapFlags {
        const ADDED_SINCE: KernelVersion = KernelVersion::new(5, 3);
        if self.target.since(ADDED_SINCE).counts_as_present() {
            map.flags | map.kind.added_flags()
        } else {
            map.flags
        }
    }

    pub(super) fn program(&mut self, object: &Object, program: &LinkedProgram) -> Result<(), PlanError> {
        if self.everything && program.ready.ordinary {
            return Ok(());
        }
        self.known_program(program)?;
        self.timer_maps(object, program)
    }

    fn known_program(&mut self, program: &LinkedProgram) -> Result<(), PlanError> {
        let kind = program.def.kind;
        let what = || format!("program `{}`", program.def.name);
        self.need(Subject::ProgType(kind.prog_type().0), kind.since(), what, kind.name(), &program.def.site)?;
        self.instructions(program)?;
        if self.needs_btf(program) {
            self.feature(program, Feature::FuncInfo)?;
        }
        if program.def.kind.needs_attach_btf_id() {
            self.feature(program, Feature::AttachBtfId)?;
        }
        self.flags(program)?;
        self.length(program)?;
        if program.functions.len() > 1 {
            self.feature(program, Feature::FunctionCalls)?;
        }
        if !program.core_relos.is_empty() {
            self.feature(program, Feature::KernelCore)?;
        }
        Ok(())
    }

    fn flags(&mut self, program: &LinkedProgram) -> Result<(), PlanError> {
        let what = || format!("program `{}`", program.def.name);
        for flag in program.def.flags.iter() {
            if let Some(since) = flag.since() {
                self.need_since(since, what, format_args!("the program flag {flag}"), &program.def.site)?;
            }
        }
        Ok(())
    }

    /// A million instructions since 5.2; before, and without `CAP_BPF`, 4096.
    fn length(&self, program: &LinkedProgram) -> Result<(), PlanError> {
        const MILLION: KernelVersion = KernelVersion::new(5, 2);
        let old = self.target.since(MILLION) == Fact::No;
        let limit = if old { limits::INSNS_UNPRIVILEGED } else { limits::INSNS };
        if program.slots.len() <= limit as usize {
            return Ok(());
        }
        Err(PlanError::TooLong {
            program: program.def.name.clone(),
            slots: program.slots.len(),
            limit,
            target: self.target.to_string(),
            site: program.def.site.clone(),
        })
    }

    pub(super) fn feature(&mut self, program: &LinkedProgram, feature: Feature) -> Result<(), PlanError> {
        let what = || format!("program `{}`", program.def.name);
        self.need(Subject::Feature(feature), feature.since(), what, feature.text(), &program.def.site)
    }

    fn instructions(&mut self, program: &LinkedProgram) -> Result<(), PlanError> {
        for &Use { slot, what, since } in &program.uses {
            let slot = slot as usize;
            match what {
                Used::Helper(helper) => self.helper(program, slot, helper, since)?,
                Used::Group(group) if self.fact(Subject::Isa(group.bits()), since) => {}
                Used::Group(group) => return Err(self.lacks_instruction(program, slot, group)),
            }
        }
        Ok(())
    }

    fn helper(
        &mut self,
        program: &LinkedProgram,
        index: usize,
        helper: Helper,
        since: KernelVersion,
    ) -> Result<(), PlanError> {
        let kind = program.def.kind;
        let subject = Subject::Helper { helper: helper.number(), prog_type: kind.prog_type().0 };
        if self.fact(subject, since) {
            return self.timer(program, index, helper);
        }
        Err(self.lacks(&at(program, index), &format!("the helper {helper}"), since, site(program, index)))
    }

    fn timer(&mut self, program: &LinkedProgram, index: usize, helper: Helper) -> Result<(), PlanError> {
        if helper.is_timer() { self.timers(program, index) } else { Ok(()) }
    }

    /// Programs that may have no timers may not even name a map that holds some (`check_map_prog_compatibility`).
    fn timer_maps(&mut self, object: &Object, program: &LinkedProgram) -> Result<(), PlanError> {
        if program.def.kind.timers() == Some(Feature::Timers.since()) {
            return Ok(());
        }
        let holds_timer = |map: &MapDef| map.fields.iter().any(|field| field.kind == FieldKind::Timer);
        for reloc in &program.relocs {
            let names_map = matches!(reloc.kind, RelocKind::Map | RelocKind::MapValue { .. });
            if names_map && object.map(&reloc.symbol).is_some_and(holds_timer) {
                self.timers(program, reloc.slot as usize)?;
            }
        }
        Ok(())
    }

    /// Timers have been kept from tracing programs from 5.16 to 6.19.
    fn timers(&mut self, program: &LinkedProgram, index: usize) -> Result<(), PlanError> {
        let kind = program.def.kind;
        let Some(since) = kind.timers() else {
            return Err(PlanError::NeverHas {
                what: at(program, index),
                feature: format!("timers in {} programs", kind.name()),
                site: site(program, index),
            });
        };
        let subject = Subject::Feature(if since > Feature::Timers.since() {
            Feature::TracingTimers
        } else {
            Feature::Timers
        });
        if self.fact(subject, since) {
            return Ok(());
        }
        let feature = format!("timers in {} programs", kind.name());
        Err(self.lacks(&at(program, index), &feature, since, site(program, index)))
    }

    /// The instruction at slot `index`, which is of a group that is missing.
    fn lacks_instruction(&self, program: &LinkedProgram, index: usize, group: Isa) -> PlanError {
        let insn = program.function_at(index).and_then(|(placed, inside)| insn_at(&placed.def.code, inside));
        let groups = insn.map_or(group, |insn| insn.isa());
        let since = groups.since().unwrap_or(KernelVersion::new(0, 0));
        let what = match (feature_of(groups), insn) {
            (Some(feature), _) => feature.text().to_owned(),
            (None, Some(insn)) => format!("the instruction `{insn}`"),
            (None, None) => "an instruction".to_owned(),
        };
        self.lacks(&at(program, index), &what, since, site(program, index))
    }

    fn need(
        &mut self,
        subject: Subject,
        since: KernelVersion,
        what: impl Fn() -> String,
        feature: impl fmt::Display,
        site: &Site,
    ) -> Result<(), PlanError> {
        if self.fact(subject, since) {
            Ok(())
        } else {
            Err(self.lacks(&what(), &feature.to_string(), since, site.clone()))
        }
    }

    fn need_since(
        &mut self,
        since: KernelVersion,
        what: impl Fn() -> String,
        feature: impl fmt::Display,
        site: &Site,
    ) -> Result<(), PlanError> {
        match self.target.since(since) {
            Fact::No => Err(self.lacks(&what(), &feature.to_string(), since, site.clone())),
            _ => Ok(()),
        }
    }

    /// Whether the target may have `subject`; noted as assumed where it is not known to.
    fn fact(&mut self, subject: Subject, since: KernelVersion) -> bool {
        self.everything || self.known_fact(subject, since)
    }

    fn known_fact(&mut self, subject: Subject, since: KernelVersion) -> bool {
        match self.target.fact(subject, since) {
            Fact::Yes => true,
            Fact::No => false,
            Fact::NotPermitted | Fact::Unknown => {
                let assumption = Assumption { subject, since };
                if !self.assumptions.contains(&assumption) {
                    self.assumptions.push(assumption);
                }
                true
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn lacks(&self, what: &str, feature: &str, since: KernelVersion, site: Site) -> PlanError {
        PlanError::Lacks {
            what: what.to_owned(),
            feature: feature.to_owned(),
            since,
            target: self.target.to_string(),
            site,
        }
    }
}

/// What the groups are about that belong to loading: their instructions have names still to be filled in.
fn feature_of(group: Isa) -> Option<Feature> {
    let features = [
        (Isa::KFUNC_CALL, Feature::Kfuncs),
        (Isa::FUNCTION_ADDRESS, Feature::Callbacks),
        (Isa::FUNCTION_CALL, Feature::FunctionCalls),
        (Isa::MAP_VALUE, Feature::GlobalData),
    ];
    features.into_iter().find(|(part, _)| group.intersects(*part)).map(|(_, feature)| feature)
}

fn insn_at(code: &Code, slot: usize) -> Option<Insn> {
    let slots: Vec<_> = [slot, slot + 1].into_iter().filter_map(|slot| code.slot(slot)).collect();
    Insn::decode(&slots).ok().map(|(insn, _)| insn)
}

fn at(program: &LinkedProgram, index: usize) -> String {
    match program.function_at(index) {
        Some((placed, inside)) => format!("function `{}`, instruction {inside}", placed.def.name),
        None => format!("program `{}`, instruction {index}", program.def.name),
    }
}

fn site(program: &LinkedProgram, index: usize) -> Site {
    program.loc(index).into()
}
