//! The simulator and the kernel run the same calls of helpers on the same inputs: return value, packet, context and what
//! the program noted are the same, and so is what a test run refuses.

mod checksums;
mod packets;
mod plain;
mod runs;

use bpfsmith::asm::{Assembler, Reg, Size};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Errno, Helper};
use bpfsmith::kernel::TestRun;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Input, Machine, RunError};
use bpfsmith::target::Target;

use crate::common::{Assembled, FP, builder, load};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    for (name, test) in
        packets::TESTS.iter().chain(checksums::TESTS).chain(plain::TESTS).chain(runs::TESTS).copied()
    {
        suite.test_if(
            all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon]),
            &format!("simulator's helpers: {name}"),
            test,
        );
    }
}

/// A name, and what shows it.
type Test = (&'static str, fn());

/// Where a program notes what it sees; zeros before each run.
const NOTES: usize = 1024;

/// A program that notes: r6 is its context, r7 where its notes go.
struct Notes {
    a: Assembler,
    next: i32,
}

impl Notes {
    fn new() -> Self {
        let mut a = Assembler::new();
        a.mov(Reg::R6, Reg::R1).load_map_value(Reg::R7, "notes", 0);
        Self { a, next: 0 }
    }

    /// Calls a helper with r1 as the context and these numbers behind it; notes what it returns.
    fn call(&mut self, helper: Helper, arguments: &[i64]) -> &mut Self {
        self.a.mov(Reg::R1, Reg::R6);
        let registers = [Reg::R2, Reg::R3, Reg::R4, Reg::R5];
        for (register, argument) in registers.into_iter().zip(arguments) {
            self.a.load_imm64(register, argument.cast_unsigned());
        }
        self.a.call(helper);
        self.note(Reg::R0)
    }

    /// Calls a helper with whatever `arguments` prepares; notes what it returns.
    fn call_with(&mut self, helper: Helper, arguments: impl FnOnce(&mut Assembler)) -> &mut Self {
        arguments(&mut self.a);
        self.a.call(helper);
        self.note(Reg::R0)
    }

    /// Notes a register.
    fn note(&mut self, register: Reg) -> &mut Self {
        self.a.stx(Size::DW, Reg::R7, self.next, register);
        self.next += 8;
        self
    }

    /// Notes fields of the context, read in their whole width.
    fn fields(&mut self, kind: ProgramKind, names: &[&str]) -> &mut Self {
        for name in names {
            let field = kind.context().field(name).unwrap();
            let size = match field.size {
                8 => Size::DW,
                1 => Size::B,
                _ => Size::W,
            };
            let offset = i32::try_from(field.offset).unwrap();
            self.a.ldx(size, Reg::R0, Reg::R6, offset);
            self.note(Reg::R0);
        }
        self
    }

    /// Notes eight bytes under the frame pointer.
    fn stack(&mut self, offset: i32) -> &mut Self {
        self.a.ldx(Size::DW, Reg::R0, FP, offset);
        self.note(Reg::R0)
    }

    /// Sets eight bytes under the frame pointer.
    fn put(&mut self, offset: i32, bytes: [u8; 8]) -> &mut Self {
        self.a.load_imm64(Reg::R0, u64::from_ne_bytes(bytes)).stx(Size::DW, FP, offset, Reg::R0);
        self
    }

    /// The end: it returns `result`.
    fn end(&mut self, result: i32) -> Assembled {
        assert!(self.next as usize <= NOTES);
        self.a.mov(Reg::R0, result).exit();
        self.a.finish()
    }
}

fn object(kind: ProgramKind, code: Assembled) -> Object {
    let mut object = builder();
    object.add_map(MapSpec::new(MapKind::ARRAY, "notes").key_size(4).value_size(NOTES as u32).max_entries(1));
    object.add_program(ProgramSpec::new("prog", kind), code);
    object.finish().unwrap()
}

/// What a run comes to: its value, the packet, the context, the notes.
type Seen = Result<(u32, Vec<u8>, Vec<u8>, Vec<u64>), Errno>;

/// A packet, and a context; either may be empty: none.
type Given = (Vec<u8>, Vec<u8>);

/// Runs a program on both, on every input; whether each was accepted.
fn compare(name: &str, kind: ProgramKind, code: Assembled, inputs: &[Given]) -> Vec<bool> {
    compare_object(name, &object(kind, code), inputs)
}

/// As [`compare`], of the program `prog`.
fn compare_object(name: &str, object: &Object, inputs: &[Given]) -> Vec<bool> {
    let loaded = load(object);
    let (program, notes) = (loaded.program("prog").unwrap(), loaded.map("notes").unwrap());
    let real = |packet: &[u8], context: &[u8]| -> Seen {
        notes.update(&[0; 4], &[0; NOTES], ElemFlags::empty()).unwrap();
        let run = TestRun::new().data(packet).context(context);
        let run = if packet.is_empty() { run } else { run.data_room(1 << 16) };
        let outcome = program.test_run(&run).map_err(|error| error.errno)?;
        let mut noted = [0; NOTES];
        assert!(notes.lookup(&[0; 4], &mut noted).unwrap());
        Ok((outcome.retval, outcome.data, outcome.context, numbers(&noted)))
    };
    let compare_one = |(packet, context): &Given| {
        let (real, simulated) = (real(packet, context), simulated(object, packet, context));
        assert_eq!(shown(&simulated), shown(&real), "{name}: packet {packet:x?}, context {context:x?}");
        real.is_ok()
    };
    inputs.iter().map(compare_one).collect()
}

fn simulated(object: &Object, packet: &[u8], context: &[u8]) -> Seen {
    let mut machine = Machine::new(object, &Target::simulated()).unwrap();
    let input = if packet.is_empty() { Input::empty() } else { Input::packet(packet) };
    let outcome = match machine.run("prog", &input.with_context(context)) {
        Ok(outcome) => outcome,
        Err(RunError::Input { errno, .. }) => return Err(errno),
        Err(error) => panic!("{error}"),
    };
    let noted = machine.raw_map("notes").unwrap().get(&[0; 4]).unwrap().unwrap();
    // The kernel gives a context back where one went in.
    let context = if context.is_empty() { Vec::new() } else { outcome.context };
    Ok((outcome.retval, outcome.packet, context, numbers(&noted)))
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|number| u64::from_ne_bytes(number.try_into().unwrap())).collect()
}

/// So that a difference can be read.
fn shown(seen: &Seen) -> String {
    match seen {
        Err(errno) => format!("{errno}"),
        Ok((value, packet, context, notes)) => {
            let notes: Vec<i64> = notes.iter().map(|number| number.cast_signed()).collect();
            let used = notes.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
            format!("{value}\n{packet:02x?}\n{context:02x?}\n{:?}", &notes[..used])
        }
    }
}

/// An Ethernet header, and so many bytes behind it: 1, 2, 3…
fn packet(protocol: u16, len: u8) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend(protocol.to_be_bytes());
    packet.extend(1..=len);
    packet
}

fn just(packets: &[Vec<u8>]) -> Vec<Given> {
    packets.iter().map(|packet| (packet.clone(), Vec::new())).collect()
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
