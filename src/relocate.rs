//! Fills in what only a kernel knows: kfuncs, ksyms, BTF ids of types, attach targets. Pure.

mod error;

pub use error::RelocateError;

use crate::asm::{BtfScope, RelocKind, Slot};
use crate::btf::{Kind, TypeId, View};
use crate::kind::AttachType;
use crate::object::Need;
use crate::object::linker::{LinkedProgram, OpenReloc};
use crate::program::ProgramDef;
use crate::site::Site;
use crate::target::Target;

/// Answers names from a target; its BTF is indexed once, when the first name is asked for.
pub(crate) struct Resolver<'a> {
    target: &'a Target,
    view: Option<View<'a>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        Self { target, view: None }
    }

    /// Fills in one relocation that is not of a map.
    pub(crate) fn apply(
        &mut self,
        slots: &mut [Slot],
        program: &LinkedProgram<'_>,
        reloc: &OpenReloc<'_>,
    ) -> Result<(), RelocateError> {
        let site = || Site::from(program.loc(reloc.slot as usize));
        let name = || reloc.symbol.to_owned();
        let index = reloc.slot as usize;
        match reloc.kind {
            RelocKind::Kfunc => {
                let id = self.find(&[Kind::Func], reloc.symbol, || Need::Kfunc(name()), &site)?;
                set(slots, index, id.0.cast_signed());
            }
            RelocKind::Ksym { typed: true } => {
                let need = || Need::Ksym { name: name(), typed: true };
                let id = self.find(&[Kind::Var, Kind::Func], reloc.symbol, need, &site)?;
                set(slots, index, id.0.cast_signed());
            }
            RelocKind::Ksym { typed: false } => {
                let need = || Need::Ksym { name: name(), typed: false };
                let address = self.target.symbol(reloc.symbol);
                let address =
                    address.ok_or_else(|| RelocateError::Unanswered { need: need(), site: site() })?;
                let (low, high) = halves(address);
                set(slots, index, low);
                set(slots, index + 1, high);
            }
            RelocKind::BtfId(BtfScope::Kernel) => {
                let id = self.find_type(reloc.symbol, || Need::KernelType(name()), &site)?;
                set(slots, index, id.0.cast_signed());
            }
            _ => return Err(RelocateError::Unsupported { name: name(), site: site() }),
        }
        Ok(())
    }

    /// `attach_btf_id`: what a program is verified against, where its kind asks for that.
    pub(crate) fn attach_target(&mut self, program: &ProgramDef) -> Result<u32, RelocateError> {
        let Some(target) = &program.target else { return Ok(0) };
        let (kind, name) = match program.kind.expected_attach_type() {
            Some(AttachType::TRACE_RAW_TP) => (Kind::Typedef, format!("btf_trace_{target}")),
            Some(AttachType::TRACE_ITER) => (Kind::Func, format!("bpf_iter_{target}")),
            Some(AttachType::LSM_MAC | AttachType::LSM_CGROUP) => (Kind::Func, format!("bpf_lsm_{target}")),
            _ if program.kind.name() == "struct_ops" => (Kind::Struct, target.clone()),
            _ => (Kind::Func, target.clone()),
        };
        let need = || Need::AttachTarget { program: program.name.clone(), target: target.clone() };
        self.find(&[kind], &name, need, &|| program.site.clone()).map(|id| id.0)
    }

    fn find(
        &mut self,
        kinds: &[Kind],
        name: &str,
        need: impl Fn() -> Need,
        site: &impl Fn() -> Site,
    ) -> Result<TypeId, RelocateError> {
        let view = self.view(&need, site)?;
        let found = kinds.iter().find_map(|&kind| view.find(kind, name));
        found.ok_or_else(|| RelocateError::NotInKernel { need: need(), site: site() })
    }

    /// A type by its C name: `struct task_struct`, `union x`, `enum y`, or the name of a typedef or integer.
    fn find_type(
        &mut self,
        name: &str,
        need: impl Fn() -> Need,
        site: &impl Fn() -> Site,
    ) -> Result<TypeId, RelocateError> {
        let (kinds, name): (&[Kind], _) = match name.split_once(' ') {
            Some(("struct", name)) => (&[Kind::Struct], name),
            Some(("union", name)) => (&[Kind::Union], name),
            Some(("enum", name)) => (&[Kind::Enum, Kind::Enum64], name),
            _ => (&[Kind::Typedef, Kind::Int, Kind::Struct], name),
        };
        self.find(kinds, name, need, site)
    }

    fn view(
        &mut self,
        need: &impl Fn() -> Need,
        site: &impl Fn() -> Site,
    ) -> Result<&View<'a>, RelocateError> {
        if self.view.is_none() {
            let bytes = self.target.kernel_btf();
            let bytes = bytes.ok_or_else(|| RelocateError::Unanswered { need: need(), site: site() })?;
            self.view = Some(View::new(bytes).map_err(RelocateError::KernelBtf)?);
        }
        self.view.as_ref().ok_or_else(|| RelocateError::Unanswered { need: need(), site: site() })
    }
}

fn set(slots: &mut [Slot], index: usize, imm: i32) {
    if let Some(slot) = slots.get_mut(index) {
        *slot = slot.with_imm(imm);
    }
}

fn halves(number: u64) -> (i32, i32) {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    (i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes([e, f, g, h]))
}
