//! Building and encoding a program of 100,000 instructions.

mod mix;
mod text;

use bpfsmith::asm::{Assembler, Code, Endian, Isa};

use crate::rounds::{Contender, Role, table};
use crate::{Outcome, told};

/// How many instructions every program has.
pub const INSTRUCTIONS: usize = 100_000;

pub fn tables() {
    plain();
    labels();
    text::table();
}

fn plain() {
    let mut bytes = Vec::new();
    let mut array = vec![mix::Raw::default(); INSTRUCTIONS];
    let mut ours = Reused::default();
    let mut fresh = Reused::default();
    table(
        "emit: build and encode 100,000 instructions, each",
        INSTRUCTIONS,
        vec![
            Contender::new("writing the bytes", Role::Limit, || {
                mix::bytes(&mut bytes);
                Ok(())
            }),
            Contender::new("struct literals into an array, as C macros do", Role::Peer, || {
                mix::array(&mut array);
                Ok(())
            }),
            Contender::new("bpfsmith, everything reused", Role::Ours, move || ours.pass(mix::plain)),
            Contender::new("bpfsmith, everything new", Role::Peer, || Reused::default().pass(mix::plain)),
            Contender::new("bpfsmith, operands unknown at compile time", Role::Peer, move || {
                fresh.pass(mix::varied)
            }),
            Contender::new("rbpf's builder", Role::Peer, || Ok(mix::rbpf())),
        ],
    );
}

fn labels() {
    let mut bytes = Vec::new();
    let mut ours = Reused::default();
    let (mut islands, mut long) = (Reused::of(Isa::V3), Reused::of(Isa::V4));
    table(
        "emit with a label every 4 instructions, each",
        INSTRUCTIONS,
        vec![
            Contender::new("writing the bytes", Role::Limit, || {
                mix::bytes(&mut bytes);
                Ok(())
            }),
            Contender::new("bpfsmith, everything reused", Role::Ours, move || ours.pass(mix::labelled)),
            Contender::new("… and 2 long jumps every 1000, over islands", Role::Peer, move || {
                islands.assemble(mix::far)
            }),
            Contender::new("… and 2 long jumps every 1000, by gotol", Role::Peer, move || {
                long.assemble(mix::far)
            }),
        ],
    );
}

/// The assembler, the code and the bytes of the pass before.
#[derive(Default)]
struct Reused {
    assembler: Assembler,
    code: Code,
    bytes: Vec<u8>,
}

impl Reused {
    fn of(isa: Isa) -> Self {
        Self { assembler: Assembler::with_isa(isa), ..Self::default() }
    }

    fn pass(&mut self, emit: fn(&mut Assembler)) -> Outcome<()> {
        self.assemble(emit)?;
        if self.bytes.len() == INSTRUCTIONS * 8 { Ok(()) } else { Err(format!("{} bytes", self.bytes.len())) }
    }

    fn assemble(&mut self, emit: fn(&mut Assembler)) -> Outcome<()> {
        self.assembler.clear();
        emit(&mut self.assembler);
        self.assembler.finish_into(&mut self.code).map_err(told)?;
        self.bytes.clear();
        self.code.encode_into(Endian::Little, &mut self.bytes);
        std::hint::black_box(&self.bytes);
        Ok(())
    }
}
