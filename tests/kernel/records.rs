//! func_info and line_info as the kernel gives them back, record by record beside what it was sent.

use std::os::fd::AsFd;

use bpfsmith::base::Endian;
use bpfsmith::btf::ext::{FuncInfo, LineInfo};
use bpfsmith::kernel;
use bpfsmith::object::Object;
use bpfsmith::object::linker::LinkedProgram;
use bpfsmith::sys::ProgFd;
use bpfsmith::sys::info::{ProgParts, program, program_parts};

use crate::samples;
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    let needed = || all(&[has_cap_bpf, has_cap_perfmon]);
    for (name, object) in [
        ("asm_map_elem", samples::asm_map_elem::object as fn() -> _),
        ("asm_shared_map", samples::asm_shared_map::object),
        ("asm_timer_cancel", || samples::asm_timer_cancel::object(true)),
        ("map_elem", samples::map_elem::object),
        ("shared_map", samples::shared_map::object),
        ("timer_cancel", || samples::timer_cancel::object(true)),
        ("functions", || Ok(samples::functions())),
    ] {
        suite.test_if(
            needed(),
            &format!("records: the kernel gives back the functions and lines of `{name}`"),
            move || given_back(&object().unwrap()),
        );
    }
}

fn given_back(object: &Object) {
    let loaded = kernel::load(object).unwrap();
    let mut records = 0;
    for linked in &object.linked().programs {
        let fd = loaded.program(&linked.def.name).unwrap().as_fd().try_clone_to_owned().unwrap();
        records += Told::of(&ProgFd::try_from(fd).unwrap()).compare(linked);
    }
    assert!(records > 0, "the object has no records");
}

/// What the kernel tells of a program.
struct Told {
    slots: usize,
    func_info: Vec<[u8; 8]>,
    line_info: Vec<[u8; 16]>,
    functions: Vec<u64>,
    lengths: Vec<u32>,
    lines: Vec<u64>,
}

impl Told {
    fn of(fd: &ProgFd) -> Self {
        let counts = program(fd).unwrap();
        let mut told = Self {
            slots: counts.xlated_prog_len as usize / 8,
            func_info: vec![[0; 8]; counts.nr_func_info as usize],
            line_info: vec![[0; 16]; counts.nr_line_info as usize],
            functions: vec![0; counts.nr_jited_ksyms as usize],
            lengths: vec![0; counts.nr_jited_func_lens as usize],
            lines: vec![0; counts.nr_jited_line_info as usize],
        };
        let mut parts = ProgParts {
            func_info: &mut told.func_info,
            line_info: &mut told.line_info,
            jited_ksyms: &mut told.functions,
            jited_func_lens: &mut told.lengths,
            jited_line_info: &mut told.lines,
            ..Default::default()
        };
        program_parts(fd, &mut parts).unwrap();
        told
    }

    /// How many records there are, all as they were sent.
    fn compare(&self, sent: &LinkedProgram) -> usize {
        let name = &sent.def.name;
        let functions: Vec<_> = self.func_info.iter().map(words).collect();
        let lines: Vec<_> = self.line_info.iter().map(words).collect();
        let types = |records: &[FuncInfo]| records.iter().map(|record| record.type_id.0).collect::<Vec<_>>();
        assert_eq!(
            functions.iter().map(|record| record[1]).collect::<Vec<_>>(),
            types(&sent.func_info),
            "{name}"
        );
        let places = |records: &[LineInfo]| records.iter().map(place).collect::<Vec<_>>();
        assert_eq!(
            lines.iter().map(|record| record[1..].to_vec()).collect::<Vec<_>>(),
            places(&sent.line_info),
            "{name}"
        );
        let function_slots: Vec<_> = sent.func_info.iter().map(|record| record.insn_off).collect();
        let line_slots: Vec<_> = sent.line_info.iter().map(|record| record.insn_off).collect();
        self.offsets(&functions.iter().map(|record| record[0]).collect::<Vec<_>>(), &function_slots, sent);
        self.offsets(&lines.iter().map(|record| record[0]).collect::<Vec<_>>(), &line_slots, sent);
        self.machine_code(name);
        functions.len() + lines.len()
    }

    /// The kernel replaces instructions, calls of helpers most of all, by more of them: what comes behind moves on, by no less
    /// than what came before. Where it replaced none, nothing has moved.
    fn offsets(&self, told: &[u32], sent: &[u32], program: &LinkedProgram) {
        let moved: Vec<_> =
            told.iter().zip(sent).map(|(told, sent)| told.checked_sub(*sent).unwrap()).collect();
        assert!(moved.is_sorted(), "{}: {told:?} was {sent:?}", program.def.name);
        let grown = self.slots.checked_sub(program.slots.len()).unwrap();
        assert!(moved.iter().all(|moved| *moved as usize <= grown), "{}: {moved:?}", program.def.name);
        assert_eq!(moved.first().copied().unwrap_or(0), 0, "{}", program.def.name);
    }

    /// With a JIT, each line lies in the machine code of a function, and each function begins with one.
    fn machine_code(&self, name: &str) {
        assert_eq!(self.lengths.len(), self.functions.len(), "{name}");
        // Addresses that this process may not know are zero.
        if self.functions.contains(&0) || self.lines.is_empty() {
            return;
        }
        assert_eq!(self.functions.len(), self.func_info.len(), "{name}");
        assert_eq!(self.lines.len(), self.line_info.len(), "{name}");
        let ranges: Vec<_> = self
            .functions
            .iter()
            .zip(&self.lengths)
            .map(|(start, length)| *start..*start + u64::from(*length))
            .collect();
        for line in &self.lines {
            assert!(
                ranges.iter().any(|range| range.contains(line)),
                "{name}: a line outside of every function"
            );
        }
        for range in ranges {
            assert!(self.lines.iter().any(|line| range.contains(line)), "{name}: a function without a line");
        }
    }
}

/// The words of a record behind its offset.
fn place(line: &LineInfo) -> Vec<u32> {
    words::<16>(&line.to_bytes(Endian::NATIVE))[1..].to_vec()
}

fn words<const SIZE: usize>(record: &[u8; SIZE]) -> Vec<u32> {
    record.as_chunks::<4>().0.iter().map(|word| u32::from_ne_bytes(*word)).collect()
}
