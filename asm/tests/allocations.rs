//! Emitting and printing do not allocate for each instruction, and reading text does not either.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use bpfsmith_asm::{Assembler, Code, Endian, Form, Insn, Isa, Reg::*, walk};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator; counting does not allocate, since the counter
// is a constant-initialised thread local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the pointer came from `alloc` above, so from the system's allocator.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    run();
    COUNT.with(Cell::get) - before
}

/// `count` times 10 instructions, with a label, a jump and a map.
fn emit(a: &mut Assembler, count: usize) {
    for index in 0..count as i32 {
        let skip = a.label();
        a.mov(R0, index).jeq(R0, 7, skip).load_map(R1, "map").add(R0, R1).sub(R0, 1).and(R0, 255);
        a.or32(R2, R3).xor(R2, R0).lsh(R2, 3).bind(skip).mov(R0, 0);
    }
    a.exit();
}

#[test]
fn they_grow_with_the_logarithm_of_the_length() {
    let measure = |count: usize| {
        allocations(|| {
            let mut a = Assembler::new();
            emit(&mut a, count);
            drop(a.finish().unwrap().encode(Endian::Little));
        })
    };
    let (small, middle, large) = (measure(1 << 6), measure(1 << 10), measure(1 << 14));
    // Each of the assembler's five tables doubles when it is full.
    assert!(middle - small <= 5 * 4, "{small} {middle}");
    assert!(large - middle <= 5 * 4, "{middle} {large}");
    assert!(large < 150, "{large}");
}

#[test]
fn there_are_none_when_everything_is_reused() {
    let mut a = Assembler::new();
    let (mut code, mut bytes) = (Code::default(), Vec::new());
    let mut pass = || {
        a.clear();
        for index in 0..10_000 {
            let skip = a.label();
            a.mov(R0, index).jeq(R0, 7, skip).add(R0, R1).bind(skip);
        }
        a.exit();
        a.finish_into(&mut code).unwrap();
        code.encode_into(Endian::Little, &mut bytes);
    };
    pass();
    let again = allocations(pass);
    // The map behind the cache of places has a node again.
    assert!(again <= 2, "{again}");
}

/// Takes what is written, and keeps nothing.
struct Sink(usize);

impl std::fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// Every instruction there is, and every name.
fn everything() -> Code {
    let mut a = Assembler::with_isa(Isa::all());
    for slot in walk::all().flat_map(Insn::encode) {
        a.raw(slot);
    }
    a.load_map(R1, "map").load_map_value(R1, "two words", 8).load_function(R1, "tick").call_function("tick");
    a.call_kfunc("kfunc").load_ksym(R1, "jiffies").load_ksym_typed(R1, "runqueues").exit();
    a.finish().unwrap()
}

#[test]
fn printing_needs_none() {
    let code = everything();
    let mut sink = Sink(0);
    for form in [Form::Llvm, Form::Hex, Form::Kernel] {
        let count =
            allocations(|| std::fmt::write(&mut sink, format_args!("{}", code.display(form))).unwrap());
        assert_eq!(count, 0, "{form:?}");
    }
    assert!(sink.0 > 10_000);
}

#[cfg(feature = "text")]
#[test]
fn reading_needs_few() {
    let text = everything().to_string();
    let measure = |count: usize| {
        let text = text.repeat(count);
        allocations(|| drop(text.parse::<Code>().unwrap()))
    };
    let (small, middle, large) = (measure(1), measure(16), measure(256));
    assert!(middle - small <= 5 * 4, "{small} {middle}");
    assert!(large - middle <= 5 * 4, "{middle} {large}");
}
