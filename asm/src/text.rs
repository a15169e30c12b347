//! Instructions as text: printed in three forms, and read back.
//!
//! The text is LLVM's assembler syntax, which `llvm-mc` takes where LLVM has the instruction. What it has no words for
//! is written as follows.
//!
//! | text | meaning |
//! |---|---|
//! | `call bpf_timer_init` | a helper by its name (LLVM: by its number) |
//! | `call tick` | a function of the program |
//! | `call func(bpf_loop)` | the same, where the name is a helper's |
//! | `call func(+3)` | the same as a distance (LLVM reads `call +3` as helper 3, so it is an error here) |
//! | `call kfunc(bpf_task_acquire)` | a function of the kernel; `kfunc(17)`, `kfunc(17, 1)` by BTF id and index |
//! | `r1 = hmap ll` | the address of a map |
//! | `r1 = value(counters) + 16 ll` | an address in a map's value |
//! | `r1 = func(tick) ll` | the address of a function of the program |
//! | `r1 = ksym(jiffies) ll`, `r1 = typed_ksym(runqueues) ll` | the address of a kernel symbol |
//! | `ld_pseudo r1, 1, 5` | a 64-bit load with this source field; a fourth number is the second half |
//! | `r0 = *(u32 *)skb[r3 + 4]` | a packet load with a register and an offset |
//! | `r1 = *(u64 *)(r11 + 8)` | an argument on the stack (Linux 7.2) |
//! | `.byte 0x8d, 0x01, ...` | eight bytes that are no instruction, as they lie in a little-endian file |
//! | `... reloc core(field_byte_offset, 7, "0:1", task_struct)` | what is to be filled in, if nothing above says it |
//!
//! A name that would be read as something else stands in double quotes.

#[cfg(feature = "text")]
mod parse;
mod print;
mod words;

#[cfg(feature = "text")]
pub use parse::{Number, TextError, TextErrorKind};
pub use print::{DisplayCode, DisplayInsn, Form};
