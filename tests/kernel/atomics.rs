//! Every atomic does in the kernel what its name says, to memory and to registers.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};

use bpfsmith::asm::Reg::{R0, R1, R6, R7, R8};
use bpfsmith::asm::{Assembler, AtomicOp, Isa, Size};
use bpfsmith::dsl::Syscall;
use bpfsmith::dsl::dynamic::{Layout, Place, ScalarType, Value};
use bpfsmith::kernel::Loaded;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;

use crate::common::{Assembled, builder, load, run_on};
use crate::dialect::{Dialect, add_dialects};
use crate::support::{Suite, has_cap_bpf, may_use};

pub fn add(suite: &mut Suite) {
    for (bits, size) in [(32, Size::W), (64, Size::DW)] {
        let name = format!("atomics: every operation on {bits} bits gives memory and registers their values");
        add_dialects(suite, has_cap_bpf, &name, move || {
            AtomicOp::ALL.iter().for_each(|&op| operation(op, size))
        });
    }
    add_dialects(
        suite,
        may_use(Isa::ACQUIRE_RELEASE),
        "atomics: a load with acquire reads what is there, every size",
        load_acquire,
    );
    add_dialects(
        suite,
        may_use(Isa::ACQUIRE_RELEASE),
        "atomics: a store with release writes so much and no more, every size",
        store_release,
    );
}

/// What an operation finds, and what it leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State<T = u64> {
    memory: u64,
    src: T,
    r0: T,
}

const CASES: [State; 6] = [
    State { memory: 0, src: 0, r0: 0 },
    State { memory: 0xffff_ffff_ffff_ffff, src: 1, r0: 7 },
    State { memory: 0x1122_3344_5566_7788, src: 0x99aa_bbcc_ddee_ff00, r0: 0x1122_3344_5566_7788 },
    State { memory: 0x1122_3344_5566_7788, src: 0x0f0f_0f0f_f0f0_f0f0, r0: 0xdead_beef_5566_7788 },
    State { memory: 0x7fff_ffff_7fff_ffff, src: 0x0000_0001_8000_0001, r0: 0x7fff_ffff_7fff_fffe },
    State { memory: 5, src: 0xffff_ffff_ffff_fffb, r0: 5 },
];

/// The word lies between two others, which stay as they are.
const GUARD: u64 = 0xa5a5_a5a5_a5a5_a5a5;

fn operation(op: AtomicOp, size: Size) {
    let made = Dialect::current().object(|| object(atomic(op, size)), || closure(size, |c| c.atomic(op)));
    let loaded = load(&made);
    for before in CASES {
        let after = run(&loaded, before);
        let expected = if size == Size::W { expected32(op, before) } else { expected64(op, before) };
        assert_eq!(after, expected, "{op:?} {size:?} {before:x?}");
    }
}

fn object(code: Assembled) -> Object {
    let mut object = builder();
    object.add_map(MapSpec::array::<[u64; 3]>("memory").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), code);
    object.finish().unwrap()
}

/// r6 = the context, r7 = the word; r8 and r0 as the case has them.
fn prologue() -> Assembler {
    let mut a = Assembler::with_isa(Isa::V3 | Isa::ACQUIRE_RELEASE);
    a.mov(R6, R1).load_map_value(R7, "memory", 8);
    a.ldx(Size::DW, R8, R6, 0).ldx(Size::DW, R0, R6, 8);
    a
}

fn epilogue(mut a: Assembler) -> Assembled {
    a.stx(Size::DW, R6, 0, R8).stx(Size::DW, R6, 8, R0).mov(R0, 0).exit();
    a.finish()
}

fn atomic(op: AtomicOp, size: Size) -> Assembled {
    let mut a = prologue();
    match op {
        AtomicOp::Add => a.atomic_add(size, R7, 0, R8),
        AtomicOp::Or => a.atomic_or(size, R7, 0, R8),
        AtomicOp::And => a.atomic_and(size, R7, 0, R8),
        AtomicOp::Xor => a.atomic_xor(size, R7, 0, R8),
        AtomicOp::FetchAdd => a.fetch_add(size, R7, 0, R8),
        AtomicOp::FetchOr => a.fetch_or(size, R7, 0, R8),
        AtomicOp::FetchAnd => a.fetch_and(size, R7, 0, R8),
        AtomicOp::FetchXor => a.fetch_xor(size, R7, 0, R8),
        AtomicOp::Xchg => a.xchg(size, R7, 0, R8),
        AtomicOp::CmpXchg => a.cmpxchg(size, R7, 0, R8),
    };
    epilogue(a)
}

/// A closure while it is recorded: the word, and what the registers of the other dialect hold.
#[derive(Clone, Copy)]
struct Closure<'f> {
    word: Place<'f>,
    state: State<Value<'f>>,
}

impl<'f> Closure<'f> {
    /// So much of it as the word holds.
    fn word_of(self, value: Value<'f>) -> Value<'f> {
        value.convert(self.word.get().ty())
    }

    fn atomic(self, op: AtomicOp) -> State<Value<'f>> {
        let Self { word, state } = self;
        let [src, r0] = [state.src, state.r0].map(|value| self.word_of(value));
        match op {
            AtomicOp::Add | AtomicOp::FetchAdd => self.returned(op, word.fetch_add(src)),
            AtomicOp::Or | AtomicOp::FetchOr => self.returned(op, word.fetch_or(src)),
            AtomicOp::And | AtomicOp::FetchAnd => self.returned(op, word.fetch_and(src)),
            AtomicOp::Xor | AtomicOp::FetchXor => self.returned(op, word.fetch_xor(src)),
            AtomicOp::Xchg => self.returned(op, word.swap(src)),
            AtomicOp::CmpXchg => self.returned(op, word.compare_exchange(r0, src)),
        }
    }

    /// What nobody uses is not fetched.
    fn returned(self, op: AtomicOp, old: Value<'f>) -> State<Value<'f>> {
        match op {
            AtomicOp::Add | AtomicOp::Or | AtomicOp::And | AtomicOp::Xor => self.state,
            AtomicOp::CmpXchg => State { r0: old, ..self.state },
            _ => State { src: old, ..self.state },
        }
    }
}

fn closure(size: Size, body: impl for<'f> FnOnce(Closure<'f>) -> State<Value<'f>>) -> Object {
    let ty = match size {
        Size::B => ScalarType::U8,
        Size::H => ScalarType::U16,
        Size::W => ScalarType::U32,
        Size::DW => ScalarType::U64,
    };
    let mut object = builder().isa(Isa::V3 | Isa::ACQUIRE_RELEASE);
    let memory = object.map(MapSpec::array::<[u64; 3]>("memory").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, ctx| {
        let context = ctx.args::<[u64; 2]>();
        let [src, r0] = [0, 1].map(|index| context.at(index).get().dynamic());
        let memory = f.map_lookup(&memory, &f.local(0u32)).or_return(1);
        let word = memory.dynamic().offset(8, Layout::Scalar(ty));
        let after = body(Closure { word, state: State { memory: 0, src, r0 } });
        context.at(0).set(after.src.convert(ScalarType::U64).typed::<u64>());
        context.at(1).set(after.r0.convert(ScalarType::U64).typed::<u64>());
        f.return_(0)
    });
    object.finish().unwrap()
}

fn run(loaded: &Loaded, before: State) -> State {
    let map = loaded.typed_map::<u32, [u64; 3]>("memory").unwrap();
    map.set(&0, &[GUARD, before.memory, GUARD]).unwrap();
    let context = run_on(loaded.program("prog").unwrap(), &[before.src, before.r0]);
    let [left, memory, right] = map.get(&0).unwrap().unwrap();
    assert_eq!([left, right], [GUARD; 2]);
    State { memory, src: context[0], r0: context[1] }
}

/// The processor's own atomics say what is right. The upper half of the memory stays, that of a register that receives
/// something becomes zero.
fn expected32(op: AtomicOp, before: State) -> State {
    let word = AtomicU32::new(before.memory as u32);
    let (src, r0) = (before.src as u32, before.r0 as u32);
    let old = match op {
        AtomicOp::Add | AtomicOp::FetchAdd => word.fetch_add(src, SeqCst),
        AtomicOp::Or | AtomicOp::FetchOr => word.fetch_or(src, SeqCst),
        AtomicOp::And | AtomicOp::FetchAnd => word.fetch_and(src, SeqCst),
        AtomicOp::Xor | AtomicOp::FetchXor => word.fetch_xor(src, SeqCst),
        AtomicOp::Xchg => word.swap(src, SeqCst),
        AtomicOp::CmpXchg => word.compare_exchange(r0, src, SeqCst, SeqCst).unwrap_or_else(|old| old),
    };
    let memory = before.memory >> 32 << 32 | u64::from(word.into_inner());
    returned(op, State { memory, ..before }, old.into())
}

fn expected64(op: AtomicOp, before: State) -> State {
    let word = AtomicU64::new(before.memory);
    let State { src, r0, .. } = before;
    let old = match op {
        AtomicOp::Add | AtomicOp::FetchAdd => word.fetch_add(src, SeqCst),
        AtomicOp::Or | AtomicOp::FetchOr => word.fetch_or(src, SeqCst),
        AtomicOp::And | AtomicOp::FetchAnd => word.fetch_and(src, SeqCst),
        AtomicOp::Xor | AtomicOp::FetchXor => word.fetch_xor(src, SeqCst),
        AtomicOp::Xchg => word.swap(src, SeqCst),
        AtomicOp::CmpXchg => word.compare_exchange(r0, src, SeqCst, SeqCst).unwrap_or_else(|old| old),
    };
    returned(op, State { memory: word.into_inner(), ..before }, old)
}

/// Where the old value goes.
fn returned(op: AtomicOp, state: State, old: u64) -> State {
    match op {
        AtomicOp::Add | AtomicOp::Or | AtomicOp::And | AtomicOp::Xor => state,
        AtomicOp::CmpXchg => State { r0: old, ..state },
        _ => State { src: old, ..state },
    }
}

fn load_acquire() {
    for &size in Size::ALL {
        let assembler = || {
            let mut a = prologue();
            a.load_acquire(size, R8, R7, 0);
            object(epilogue(a))
        };
        let dsl = || closure(size, |c| State { src: c.word.load_acquire(), ..c.state });
        let loaded = load(&Dialect::current().object(assembler, dsl));
        for before in CASES {
            let src = low(before.memory, size);
            assert_eq!(run(&loaded, before), State { src, ..before }, "{size:?} {before:x?}");
        }
    }
}

fn store_release() {
    for &size in Size::ALL {
        let assembler = || {
            let mut a = prologue();
            a.store_release(size, R7, 0, R8);
            object(epilogue(a))
        };
        let dsl = || {
            closure(size, |c| {
                c.word.store_release(c.word_of(c.state.src));
                c.state
            })
        };
        let loaded = load(&Dialect::current().object(assembler, dsl));
        for before in CASES {
            let kept = before.memory - low(before.memory, size);
            let memory = kept | low(before.src, size);
            assert_eq!(run(&loaded, before), State { memory, ..before }, "{size:?} {before:x?}");
        }
    }
}

/// The bytes that lie at the address of a little-endian number.
fn low(number: u64, size: Size) -> u64 {
    const { assert!(cfg!(target_endian = "little"), "these tests read memory as a little-endian machine has it") };
    number & u64::MAX >> (64 - 8 * u32::from(size.bytes()))
}
