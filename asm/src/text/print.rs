//! Instructions and functions to text.

mod code;
mod kernel;
mod llvm;

use core::fmt;

pub use code::DisplayCode;

use crate::Insn;

/// How instructions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// LLVM's assembler syntax with decimal numbers and names of helpers: `r1 = *(u32 *)(r10 - 4)`,
    /// `call bpf_timer_init`. It can be read back.
    #[default]
    Llvm,
    /// The same as `llvm-objdump` prints it, with hexadecimal numbers: `r1 = *(u32 *)(r10 - 0x4)`, `call 0xa9`.
    Hex,
    /// As the kernel's verifier writes its log: `(61) r1 = *(u32 *)(r10 -4)`, `(85) call bpf_timer_init#169`.
    Kernel,
}

impl Insn {
    /// The instruction as text in one of the forms.
    ///
    /// ```
    /// use bpfsmith_asm::{Form, Insn, Reg, Size};
    ///
    /// let load = Insn::Load { size: Size::W, dst: Reg::R1, base: Reg::FP, off: -4 };
    /// assert_eq!(load.to_string(), "r1 = *(u32 *)(r10 - 4)");
    /// assert_eq!(load.display(Form::Hex).to_string(), "r1 = *(u32 *)(r10 - 0x4)");
    /// assert_eq!(load.display(Form::Kernel).to_string(), "(61) r1 = *(u32 *)(r10 -4)");
    /// ```
    #[must_use]
    pub const fn display(self, form: Form) -> DisplayInsn {
        DisplayInsn { insn: self, form }
    }
}

impl fmt::Display for Insn {
    /// LLVM's assembler syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(Form::Llvm).fmt(f)
    }
}

/// An instruction that prints itself; made by [`Insn::display`].
#[derive(Clone, Copy, Debug)]
pub struct DisplayInsn {
    insn: Insn,
    form: Form,
}

impl fmt::Display for DisplayInsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Llvm => llvm::write(f, self.insn, false),
            Form::Hex => llvm::write(f, self.insn, true),
            Form::Kernel => kernel::write(f, self.insn),
        }
    }
}
