//! Lays out the functions a program reaches, fixes their calls, and makes func_info and line_info.
//!
//! This is the one place that does; the planner, the simulator and the ELF writer call it.

use super::{FunctionDef, Object, ObjectError, by_c_name};
use crate::asm::{BtfScope, Loc, RelocKind, Slot, limits};
use crate::btf::ext::{CoreRelo, FuncInfo, LineInfo};
use crate::btf::{Btf, BtfError, Builder, Linkage, TypeId};
use crate::program::ProgramDef;
use crate::site::Site;

/// All programs of an object, laid out, and the BTF that describes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked<'a> {
    /// The object's types, its functions, and the strings of their lines.
    pub btf: Btf,
    /// The programs, in the object's order.
    pub programs: Vec<LinkedProgram<'a>>,
}

/// One program: its entry function, then every function it reaches, in the order they are first used.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedProgram<'a> {
    /// The program.
    pub def: &'a ProgramDef,
    /// Its functions and where each starts.
    pub functions: Vec<Placed<'a>>,
    /// The instructions; calls between functions are fixed, the relocations below are not.
    pub slots: Vec<Slot>,
    /// What is still open: maps, kfuncs, ksyms, BTF ids. Slots count from the start of the program.
    pub relocs: Vec<OpenReloc<'a>>,
    /// One record for each function (`struct bpf_func_info`).
    pub func_info: Vec<FuncInfo>,
    /// The source lines (`struct bpf_line_info`); empty where no line is known.
    pub line_info: Vec<LineInfo>,
    /// CO-RE relocations (`struct bpf_core_relo`), for the kernel or a relocator to apply.
    pub core_relos: Vec<CoreRelo>,
    /// Whether the program takes the address of a function or calls one of the kernel's: then it cannot be loaded without
    /// its BTF.
    pub needs_btf: bool,
    /// Whether the program calls a global function. Without BTF, or before 5.6, it is verified as a static one.
    pub calls_global: bool,
}

/// A function inside a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed<'a> {
    /// The function.
    pub def: &'a FunctionDef,
    /// The slot it starts at.
    pub start: u32,
    /// Its FUNC in [`Linked::btf`].
    pub func: TypeId,
}

/// A relocation that the linker leaves to the door out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenReloc<'a> {
    /// The slot, counted from the start of the program.
    pub slot: u32,
    /// What kind.
    pub kind: RelocKind,
    /// The name it stands for.
    pub symbol: &'a str,
}

impl<'a> LinkedProgram<'a> {
    /// The function that holds slot `index` of the program, and the slot inside of it.
    #[must_use]
    pub fn function_at(&self, index: usize) -> Option<(Placed<'a>, usize)> {
        let after = self.functions.partition_point(|placed| placed.start as usize <= index);
        let placed = *self.functions.get(after.checked_sub(1)?)?;
        let inside = index - placed.start as usize;
        (inside < placed.def.code.len()).then_some((placed, inside))
    }

    /// The Rust line that emitted slot `index` of the program.
    #[must_use]
    pub fn loc(&self, index: usize) -> Option<&'a Loc> {
        let (placed, inside) = self.function_at(index)?;
        placed.def.code.loc(inside)
    }
}

/// Links every program of `object`.
///
/// # Errors
/// [`ObjectError::Btf`] when the BTF outgrows what the kernel's format can hold, [`ObjectError::TooManyFunctions`].
pub fn link(object: &Object) -> Result<Linked<'_>, ObjectError> {
    let mut linker = Linker {
        object,
        btf: object.types.0.clone(),
        funcs: vec![None; object.functions().len()],
        default_proto: None,
        starts: vec![None; object.functions().len()],
    };
    let programs =
        object.programs().iter().map(|program| linker.program(program)).collect::<Result<_, _>>()?;
    let btf = |source: BtfError| ObjectError::Btf { source: source.into(), site: Site::unknown() };
    Ok(Linked { programs, btf: linker.btf.finish_functions().map_err(btf)? })
}

struct Linker<'a> {
    object: &'a Object,
    btf: Builder,
    /// The FUNC of each function of the object, once made.
    funcs: Vec<Option<TypeId>>,
    default_proto: Option<TypeId>,
    /// Where each function of the object starts in the program at hand; none between programs.
    starts: Vec<Option<u32>>,
}

impl<'a> Linker<'a> {
    fn program(&mut self, def: &'a ProgramDef) -> Result<LinkedProgram<'a>, ObjectError> {
        let program = self
            .linked(def)
            .map_err(|source| ObjectError::Btf { source: source.into(), site: def.site.clone() })?;
        let count = program.functions.len();
        if count > limits::SUBPROGS as usize {
            let (program, site) = (def.name.clone(), def.site.clone());
            return Err(ObjectError::TooManyFunctions { program, count, site });
        }
        Ok(program)
    }

    fn linked(&mut self, def: &'a ProgramDef) -> Result<LinkedProgram<'a>, BtfError> {
        let mut program = LinkedProgram {
            def,
            functions: Vec::new(),
            slots: Vec::new(),
            relocs: Vec::new(),
            func_info: Vec::new(),
            line_info: Vec::new(),
            core_relos: Vec::new(),
            needs_btf: false,
            calls_global: false,
        };
        let mut starts = std::mem::take(&mut self.starts);
        let placed = self.place_reached(&mut program, &mut starts)?;
        self.fix(&mut program, &starts)?;
        self.describe(&mut program)?;
        placed.into_iter().for_each(|index| starts[index] = None);
        self.starts = starts;
        Ok(program)
    }

    /// Breadth first: the entry, what it uses, what that uses.
    fn place_reached(
        &mut self,
        program: &mut LinkedProgram<'a>,
        starts: &mut [Option<u32>],
    ) -> Result<Vec<usize>, BtfError> {
        let mut queue: Vec<usize> = Vec::new();
        let enqueue = |queue: &mut Vec<usize>, starts: &mut [Option<u32>], name: &str| {
            if let Some(index) = self.object.function_index(name)
                && let Some(start @ None) = starts.get_mut(index)
            {
                *start = Some(0);
                queue.push(index);
            }
        };
        enqueue(&mut queue, starts, &program.def.entry);
        let mut next = 0;
        while let Some(&index) = queue.get(next) {
            next += 1;
            let code = &self.object.functions()[index].code;
            for reloc in code.relocs().iter().filter(|reloc| is_function(reloc.kind)) {
                enqueue(&mut queue, starts, code.symbol(reloc.symbol));
            }
        }
        for &index in &queue {
            starts[index] = Some(self.place(program, index)?);
        }
        Ok(queue)
    }

    fn place(&mut self, program: &mut LinkedProgram<'a>, index: usize) -> Result<u32, BtfError> {
        let def = &self.object.functions()[index];
        let start = slot_index(program.slots.len());
        let func = self.func(index)?;
        program.functions.push(Placed { def, start, func });
        program.slots.extend(def.code.slots());
        Ok(start)
    }

    fn func(&mut self, index: usize) -> Result<TypeId, BtfError> {
        if let Some(func) = self.funcs[index] {
            return Ok(func);
        }
        let def = &self.object.functions()[index];
        let proto = if def.proto == TypeId::VOID { self.int_void()? } else { def.proto };
        let func = self.btf.func(&def.name, proto, def.linkage)?;
        self.funcs[index] = Some(func);
        Ok(func)
    }

    /// `int (void)`: what the kernel takes for entry functions, static functions and callbacks alike.
    fn int_void(&mut self) -> Result<TypeId, BtfError> {
        if let Some(proto) = self.default_proto {
            return Ok(proto);
        }
        let int = <i32 as crate::btf::BtfType>::btf(&mut self.btf)?;
        let proto = self.btf.func_proto(int, &[])?;
        self.default_proto = Some(proto);
        Ok(proto)
    }

    fn fix(&mut self, program: &mut LinkedProgram<'a>, starts: &[Option<u32>]) -> Result<(), BtfError> {
        let placed = program.functions.clone();
        for Placed { def, start, .. } in placed {
            for reloc in def.code.relocs() {
                let slot = start + reloc.slot;
                let symbol = def.code.symbol(reloc.symbol);
                match reloc.kind {
                    kind if is_function(kind) => self.fix_call(program, starts, slot, kind, symbol),
                    RelocKind::Core(core) => {
                        let access = self.btf.string(def.code.symbol(core.access))?;
                        program.core_relos.push(CoreRelo::new(slot * 8, core.type_id, access, core.kind));
                    }
                    RelocKind::BtfId(BtfScope::Program) => self.fix_type(program, slot, symbol),
                    kind => {
                        program.needs_btf |= matches!(kind, RelocKind::Kfunc);
                        program.relocs.push(OpenReloc { slot, kind, symbol });
                    }
                }
            }
        }
        Ok(())
    }

    /// Both forms count from the slot after the instruction's first one.
    fn fix_call(
        &self,
        program: &mut LinkedProgram<'a>,
        starts: &[Option<u32>],
        slot: u32,
        kind: RelocKind,
        name: &str,
    ) {
        let callee = self.object.function_index(name);
        let (Some(index), Some(insn)) = (callee, program.slots.get_mut(slot as usize)) else { return };
        let Some(start) = starts[index] else { return };
        *insn = insn.with_imm(start.wrapping_sub(slot).wrapping_sub(1).cast_signed());
        let global = self.object.functions()[index].linkage == Linkage::Global;
        program.calls_global |= global && kind == RelocKind::CallFunction;
        program.needs_btf |= kind == RelocKind::LoadFunction;
    }

    /// The number of a type of the object's own BTF, which linking adds to and never changes.
    fn fix_type(&self, program: &mut LinkedProgram<'a>, slot: u32, name: &str) {
        let id = by_c_name(self.object.btf(), name);
        if let (Some(id), Some(insn)) = (id, program.slots.get_mut(slot as usize)) {
            *insn = insn.with_imm(id.0.cast_signed());
        }
    }

    fn describe(&mut self, program: &mut LinkedProgram<'a>) -> Result<(), BtfError> {
        for &Placed { def, start, func } in &program.functions {
            program.func_info.push(FuncInfo { insn_off: start, type_id: func });
            crate::btf::ext::append_lines(&def.code, start, &mut self.btf, &mut program.line_info)?;
        }
        // The kernel wants a line at the start of every function, or none at all.
        let starts = program.functions.iter().map(|placed| placed.start);
        let complete = starts
            .clone()
            .all(|start| program.line_info.binary_search_by_key(&start, |line| line.insn_off).is_ok());
        if !complete {
            program.line_info.clear();
        }
        Ok(())
    }
}

fn is_function(kind: RelocKind) -> bool {
    matches!(kind, RelocKind::CallFunction | RelocKind::LoadFunction)
}

/// Slots are counted in 32 bits; a program of 2^32 slots cannot be held in memory that the kernel would take.
fn slot_index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
