//! Fills in what only a kernel knows: kfuncs, ksyms, BTF ids of types, attach targets. Pure.

mod error;
mod sanitize;

use std::sync::Arc;

pub use error::RelocateError;
pub(crate) use sanitize::sanitize;

use crate::asm::{BtfScope, RelocKind};
use crate::btf::{Kind, TypeId, View};
use crate::kind::{AttachType, ProgType};
use crate::object::linker::{LinkedProgram, OpenReloc};
use crate::object::{Need, by_c_name};
use crate::program::ProgramDef;
use crate::site::Site;
use crate::target::Target;

/// A type of the kernel, and the module it is in, by its place in [`Target::modules`]; none: the kernel itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: TypeId,
    pub(crate) module: Option<usize>,
}

/// What belongs into a relocated instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The id of a function that is called; its module goes into the offset.
    Function(Found),
    /// The id of a type or variable; its module goes into the second slot of a 64-bit load.
    Type(Found),
    /// A number of 64 bits.
    Number(u64),
}

/// Answers names from a target; its BTF is indexed when the first name is asked for, a module's when the kernel's own
/// does not have a name.
pub(crate) struct Resolver<'a> {
    target: &'a Target,
    kernel: Option<Arc<View<'a>>>,
    modules: Vec<View<'a>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        Self { target, kernel: None, modules: Vec::new() }
    }

    /// What belongs into the place of one relocation that is neither a map's nor the linker's.
    pub(crate) fn answer(
        &mut self,
        program: &LinkedProgram<'_>,
        reloc: &OpenReloc<'_>,
    ) -> Result<Answer, RelocateError> {
        let site = || Site::from(program.loc(reloc.slot as usize));
        let name = reloc.symbol;
        let need = || match reloc.kind {
            RelocKind::Kfunc => Need::Kfunc(name.to_owned()),
            RelocKind::Ksym { typed } => Need::Ksym { name: name.to_owned(), typed },
            _ => Need::KernelType(name.to_owned()),
        };
        match reloc.kind {
            RelocKind::Kfunc => {
                self.find(|view| view.find(Kind::Func, name), need, site).map(Answer::Function)
            }
            RelocKind::Ksym { typed: true } => {
                let kinds = [Kind::Var, Kind::Func];
                self.find(|view| kinds.iter().find_map(|&kind| view.find(kind, name)), need, site)
                    .map(Answer::Type)
            }
            RelocKind::Ksym { typed: false } => match self.target.symbol(name) {
                Some(address) => Ok(Answer::Number(address)),
                None => Err(RelocateError::Unanswered { need: need(), site: site() }),
            },
            RelocKind::BtfId(BtfScope::Kernel) => {
                self.find(|view| by_c_name(view, name), need, site).map(Answer::Type)
            }
            _ => Err(RelocateError::Unsupported { name: name.to_owned(), site: site() }),
        }
    }

    /// `attach_btf_id`: what a program is verified against, where its kind asks for that.
    pub(crate) fn attach_target(&mut self, program: &ProgramDef) -> Result<Option<Found>, RelocateError> {
        let Some(target) = program.target.as_deref().filter(|_| program.kind.needs_attach_btf_id()) else {
            return Ok(None);
        };
        // What it replaces is a function of another program, which the caller would have to supply.
        if program.kind.prog_type() == ProgType::EXT {
            let (name, site) = (target.to_owned(), program.site.clone());
            return Err(RelocateError::Unsupported { name, site });
        }
        let (kind, name) = in_btf(program, target);
        let need = || Need::AttachTarget { program: program.name.clone(), target: target.to_owned() };
        self.find(|view| view.find(kind, &name), need, || program.site.clone()).map(Some)
    }

    fn find(
        &mut self,
        look_up: impl Fn(&View<'_>) -> Option<TypeId>,
        need: impl Fn() -> Need,
        site: impl Fn() -> Site,
    ) -> Result<Found, RelocateError> {
        let unanswered = || RelocateError::Unanswered { need: need(), site: site() };
        let kernel = self.kernel()?.ok_or_else(unanswered)?;
        if let Some(id) = look_up(&kernel) {
            return Ok(Found { id, module: None });
        }
        self.index_modules(&kernel)?;
        let found = self.modules.iter().enumerate().find_map(|(module, view)| {
            let id = look_up(view).filter(|&id| id >= view.first_id())?;
            Some(Found { id, module: Some(module) })
        });
        found.ok_or_else(|| RelocateError::NotInKernel { need: need(), site: site() })
    }

    fn kernel(&mut self) -> Result<Option<Arc<View<'a>>>, RelocateError> {
        if let (None, Some(bytes)) = (&self.kernel, self.target.kernel_btf()) {
            self.kernel = Some(Arc::new(
                View::new(bytes).map_err(|source| RelocateError::KernelBtf(Box::new(source)))?,
            ));
        }
        Ok(self.kernel.clone())
    }

    fn index_modules(&mut self, kernel: &Arc<View<'a>>) -> Result<(), RelocateError> {
        for (name, _, bytes) in self.target.modules().skip(self.modules.len()) {
            let view = View::split(Arc::clone(kernel), bytes).map_err(|source| RelocateError::ModuleBtf {
                module: name.to_owned(),
                source: Box::new(source),
            })?;
            self.modules.push(view);
        }
        Ok(())
    }
}

/// The kind and the name under which a kind of program finds its target in the kernel's BTF.
fn in_btf(program: &ProgramDef, target: &str) -> (Kind, String) {
    match program.kind.expected_attach_type() {
        Some(AttachType::TRACE_RAW_TP) => (Kind::Typedef, format!("btf_trace_{target}")),
        Some(AttachType::TRACE_ITER) => (Kind::Func, format!("bpf_iter_{target}")),
        Some(AttachType::LSM_MAC | AttachType::LSM_CGROUP) => (Kind::Func, format!("bpf_lsm_{target}")),
        _ if program.kind.prog_type() == ProgType::STRUCT_OPS => (Kind::Struct, target.to_owned()),
        _ => (Kind::Func, target.to_owned()),
    }
}
