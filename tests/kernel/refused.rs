//! A program the kernel refuses, in a file of its own: reports show its lines with their numbers.

use bpfsmith::asm::Reg::{R0, R1, R2, R6};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;

use crate::common::{FP, builder};

/// A look-up whose result is used without a check.
pub fn unchecked_look_up() -> Object {
    let mut a = Assembler::new();
    a.st(Size::W, FP, -4, 0);
    a.load_map(R1, "numbers").mov(R2, FP).add(R2, -4);
    a.call(Helper::MAP_LOOKUP_ELEM).mov(R6, R0);
    a.mov(R0, 0).stx(Size::DW, R6, 0, R0);
    a.exit();

    let mut object = builder();
    object.add_map(MapSpec::hash::<u32, u64>("numbers").max_entries(1));
    object.add_program(ProgramSpec::new("unchecked", ProgramKind::SOCKET_FILTER), a.finish());
    object.finish().unwrap()
}
