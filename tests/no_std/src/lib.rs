//! bpfsmith-asm with nothing below it: no std, no allocator worth the name.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use bpfsmith_asm::{Insn, Slot};

struct Never;

// SAFETY: it never hands out memory, and a null pointer is how an allocator says so.
unsafe impl GlobalAlloc for Never {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Never = Never;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Keeps the crate linked: encodes `exit` and reads it back.
#[unsafe(no_mangle)]
pub extern "C" fn exit_is_exit() -> bool {
    let slot: Slot = Insn::Exit.encode().first();
    Insn::decode(&[slot]) == Ok((Insn::Exit, 1))
}
