//! The instructions, ten different ones over and over, in the words of every builder.

use std::hint::black_box;

use bpfsmith::asm::{Assembler, Reg::*, Size};
use rbpf::insn_builder::{Arch, BpfCode, Instruction, IntoBytes, MemSize, Source};

use super::INSTRUCTIONS;

pub fn plain(a: &mut Assembler) {
    for index in 0..(INSTRUCTIONS / 10) as i32 {
        a.mov(R0, index)
            .add(R0, R1)
            .ldx(Size::W, R2, R1, 8)
            .and(R2, 0xff)
            .stx(Size::DW, R10, -8, R2)
            .lsh(R2, 3)
            .xor32(R3, R4)
            .sub(R3, index)
            .st(Size::W, R10, -16, 1)
            .mov(R5, R0);
    }
}

pub fn varied(a: &mut Assembler) {
    for index in 0..(INSTRUCTIONS / 5) as i32 {
        let (dst, src) = (black_box(R1), black_box(R2));
        a.mov(dst, index).add(dst, src).ldx(Size::W, src, dst, index % 64).or(dst, index).mov32(src, dst);
    }
}

pub fn labelled(a: &mut Assembler) {
    for index in 0..(INSTRUCTIONS / 4) as i32 {
        let skip = a.label();
        a.mov(R0, index).jeq(R0, 7, skip).add(R0, R1).bind(skip).mov(R2, R0);
    }
}

/// Two jumps in a thousand that reach over everything, one ahead and one back.
pub fn far(a: &mut Assembler) {
    let (start, end) = (a.label(), a.label());
    a.bind(start);
    for index in 0..(INSTRUCTIONS / 1000) as i32 {
        a.jeq(R0, index, end).jset(R0, index, start);
        for step in 0..249 {
            let skip = a.label();
            a.mov(R0, step).jeq(R0, 7, skip).add(R0, R1).mov(R2, R0).bind(skip);
        }
        a.mov(R0, 0).mov(R1, 0);
    }
    a.bind(end).exit();
}

pub fn rbpf() -> Vec<u8> {
    let mut code = BpfCode::new();
    for index in 0..(INSTRUCTIONS / 10) as i32 {
        code.mov(Source::Imm, Arch::X64).set_dst(0).set_imm(index).push();
        code.add(Source::Reg, Arch::X64).set_dst(0).set_src(1).push();
        code.load_x(MemSize::Word).set_dst(2).set_src(1).set_off(8).push();
        code.bit_and(Source::Imm, Arch::X64).set_dst(2).set_imm(0xff).push();
        code.store_x(MemSize::DoubleWord).set_dst(10).set_src(2).set_off(-8).push();
        code.left_shift(Source::Imm, Arch::X64).set_dst(2).set_imm(3).push();
        code.bit_xor(Source::Reg, Arch::X32).set_dst(3).set_src(4).push();
        code.sub(Source::Imm, Arch::X64).set_dst(3).set_imm(index).push();
        code.store(MemSize::Word).set_dst(10).set_off(-16).set_imm(1).push();
        code.mov(Source::Reg, Arch::X64).set_dst(5).set_src(0).push();
    }
    code.into_bytes().to_vec()
}

/// `struct bpf_insn`, registers in one byte.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Raw {
    code: u8,
    regs: u8,
    off: i16,
    imm: i32,
}

const fn raw(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
    Raw { code, regs: src << 4 | dst, off, imm }
}

pub fn array(array: &mut [Raw]) {
    for (index, ten) in (0..).zip(array.as_chunks_mut::<10>().0) {
        *ten = [
            raw(0xb7, 0, 0, 0, index),
            raw(0x0f, 0, 1, 0, 0),
            raw(0x61, 2, 1, 8, 0),
            raw(0x57, 2, 0, 0, 0xff),
            raw(0x7b, 10, 2, -8, 0),
            raw(0x67, 2, 0, 0, 3),
            raw(0xac, 3, 4, 0, 0),
            raw(0x17, 3, 0, 0, index),
            raw(0x62, 10, 0, -16, 1),
            raw(0xbf, 5, 0, 0, 0),
        ];
    }
    black_box(array);
}

/// As many bytes as the program has, not all the same.
pub fn bytes(out: &mut Vec<u8>) {
    out.resize(INSTRUCTIONS * 8, 0);
    for (index, slot) in (0..).zip(out.as_chunks_mut::<8>().0) {
        *slot = (0xb7_u64 | index << 32).to_le_bytes();
    }
    black_box(out);
}
