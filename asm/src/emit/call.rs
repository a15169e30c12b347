//! Calls, and addresses of what has a name: functions, maps, kernel symbols, types.

use core::panic::Location;

use crate::{
    AluOp, Assembler, BtfScope, CoreKind, CoreReloc, Helper, Insn, MapRef, Reg, RelocKind, Source, Width,
    reloc::is_text,
};

impl Assembler {
    /// `call helper`: arguments in `R1` to `R5`, which are lost; the result in `R0`.
    #[doc(alias = "BPF_CALL")]
    #[track_caller]
    #[inline]
    pub fn call(&mut self, helper: Helper) -> &mut Self {
        self.emit(Insn::Call { helper }, Location::caller())
    }

    /// `call name`: a function of the same object. Since Linux 4.16.
    #[doc(alias = "BPF_PSEUDO_CALL")]
    #[track_caller]
    pub fn call_function(&mut self, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::CallFunction { off: 0 };
        self.emit_reloc(insn, RelocKind::CallFunction, name.as_ref(), Location::caller())
    }

    /// `call name`: a function of the kernel or of one of its modules. Since Linux 5.13.
    #[doc(alias = "BPF_PSEUDO_KFUNC_CALL")]
    #[track_caller]
    pub fn call_kfunc(&mut self, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::CallKfunc { id: 0, btf_index: 0 };
        self.emit_reloc(insn, RelocKind::Kfunc, name.as_ref(), Location::caller())
    }

    /// `dst = name ll`: the address of a function of the same object, as a callback. Since Linux 5.13.
    #[doc(alias = "BPF_PSEUDO_FUNC")]
    #[track_caller]
    pub fn load_function(&mut self, dst: Reg, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::LoadFunction { dst, off: 0 };
        self.emit_reloc(insn, RelocKind::LoadFunction, name.as_ref(), Location::caller())
    }

    /// `dst = name ll`: a map.
    #[doc(alias = "BPF_PSEUDO_MAP_FD")]
    #[track_caller]
    pub fn load_map(&mut self, dst: Reg, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::LoadMap { dst, map: MapRef::Fd(0) };
        self.emit_reloc(insn, RelocKind::Map, name.as_ref(), Location::caller())
    }

    /// `dst = name + offset ll`: an address in the value of a map that has one entry; `offset` is in bytes. Since Linux
    /// 5.2.
    #[doc(alias = "BPF_PSEUDO_MAP_VALUE")]
    #[track_caller]
    pub fn load_map_value(&mut self, dst: Reg, name: impl AsRef<str>, offset: u32) -> &mut Self {
        let insn = Insn::LoadMapValue { dst, map: MapRef::Fd(0), offset };
        self.emit_reloc(insn, RelocKind::MapValue { offset }, name.as_ref(), Location::caller())
    }

    /// `dst = name ll`: the address of a kernel symbol, a plain number to the verifier.
    #[track_caller]
    pub fn load_ksym(&mut self, dst: Reg, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::LoadImm64 { dst, value: 0 };
        self.emit_reloc(insn, RelocKind::Ksym { typed: false }, name.as_ref(), Location::caller())
    }

    /// `dst = name ll`: the address of a kernel variable whose type the verifier knows. Since Linux 5.10.
    #[doc(alias = "BPF_PSEUDO_BTF_ID")]
    #[track_caller]
    pub fn load_ksym_typed(&mut self, dst: Reg, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::LoadBtfId { dst, id: 0, btf_fd: 0 };
        self.emit_reloc(insn, RelocKind::Ksym { typed: true }, name.as_ref(), Location::caller())
    }

    /// `dst = id`: the BTF id of a type, named as in C (`struct task_struct`).
    #[track_caller]
    pub fn load_btf_id(&mut self, dst: Reg, scope: BtfScope, name: impl AsRef<str>) -> &mut Self {
        let insn = Insn::Alu { op: AluOp::Mov, width: Width::Bits64, dst, src: Source::Imm(0) };
        self.emit_reloc(insn, RelocKind::BtfId(scope), name.as_ref(), Location::caller())
    }

    /// Emits `insn` with a field that depends on the kernel's types: an offset in memory, an immediate, or a 64-bit
    /// immediate, whichever the instruction has.
    ///
    /// `type_id` is the type in the program's own BTF and `name` its name; `access` is the way to the field or
    /// enumerator, indexes with colons between them (`0:1:2`). An anonymous type has an empty name.
    #[doc(alias = "bpf_core_relo")]
    #[track_caller]
    pub fn core(
        &mut self,
        insn: Insn,
        kind: CoreKind,
        name: impl AsRef<str>,
        type_id: u32,
        access: impl AsRef<str>,
    ) -> &mut Self {
        self.core_at(insn, kind, name, type_id, access, Location::caller())
    }

    /// The same, as if `at` had called [`core`](Self::core).
    pub fn core_at(
        &mut self,
        insn: Insn,
        kind: CoreKind,
        name: impl AsRef<str>,
        type_id: u32,
        access: impl AsRef<str>,
        at: &'static Location<'static>,
    ) -> &mut Self {
        let access = access.as_ref();
        if !is_text(access) {
            return self.no_such_name(access, at);
        }
        let core = CoreReloc { kind, type_id, access: self.symbol_id(access) };
        self.emit_reloc(insn, RelocKind::Core(core), name.as_ref(), at)
    }

    /// Emits any instruction with something to fill in, as if `at` had called one of the mnemonics.
    pub fn reloc_at(
        &mut self,
        insn: Insn,
        kind: RelocKind,
        name: impl AsRef<str>,
        at: &'static Location<'static>,
    ) -> &mut Self {
        self.emit_reloc(insn, kind, name.as_ref(), at)
    }
}
