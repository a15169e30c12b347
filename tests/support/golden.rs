//! The smallest object with a timer and its callback: the object behind the golden vector.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{self, R0, R1, R2, R3, R6};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, LocId, Size};
use bpfsmith::base::Endian;
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;

#[derive(BtfType)]
#[btf(name = "val")]
#[repr(C)]
pub struct Value {
    pub t: Timer,
}

/// The map `m` with one timer, and the program `main` that arms it for a millisecond.
pub fn object(endian: Endian) -> Object {
    let mut object = ObjectBuilder::new("golden").license("GPL").endian(endian);
    object.add_map(MapSpec::typed::<i32, Value>(MapKind::ARRAY, "m").max_entries(1));
    object.add_program(ProgramSpec::new("main", ProgramKind::SOCKET_FILTER), main().map(without_lines));
    object.add_function("cb", Assembler::new().mov(R0, 0).exit().finish().map(without_lines));
    object.finish().unwrap()
}

fn main() -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, Reg::FP, -4, 0).load_map(R1, "m").mov(R2, Reg::FP).add(R2, -4);
    a.call(Helper::MAP_LOOKUP_ELEM).jeq(R0, 0, out).mov(R6, R0);
    a.mov(R1, R6).load_map(R2, "m").mov(R3, 1).call(Helper::TIMER_INIT);
    a.mov(R1, R6).load_function(R2, "cb").call(Helper::TIMER_SET_CALLBACK);
    a.mov(R1, R6).mov(R2, 1_000_000).mov(R3, 0).call(Helper::TIMER_START);
    a.mov(R0, 0).bind(out).exit();
    a.finish()
}

/// Lines would put names of files and texts into the BTF.
fn without_lines(code: Code) -> Code {
    let slots = code.slots().map(|slot| (slot, LocId::UNKNOWN)).collect();
    let symbols = code.symbols().map(Into::into).collect();
    Code::from_parts(slots, Vec::new(), code.relocs().to_vec(), symbols).unwrap()
}
