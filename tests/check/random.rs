//! Programs by the thousand, the same each time: good ones, mutations of them, and made-up ones.

use bpfsmith::asm::Reg::{self, R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};
use bpfsmith::asm::{AluOp, Assembler, Code, Cond, Helper, Insn, Label, LocId, Size, Slot, Width};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::Object;

use crate::cases;
use crate::good::{Function, double, good, tick};
use crate::objects::{code, example_of, object};
use crate::samples;
use crate::typed::{self, Context};

/// A sequence of numbers that look random (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const KINDS: [ProgramKind; 4] =
    [ProgramKind::SOCKET_FILTER, ProgramKind::CGROUP_SKB_EGRESS, ProgramKind::XDP, ProgramKind::SCHED_CLS];

/// A number from the environment, or 1.
fn asked(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// All of them. `SEED` makes others, `TIMES` more.
pub(crate) fn objects() -> Vec<Object> {
    let mut random = Random(asked("SEED"));
    let times = asked("TIMES");
    let mut objects: Vec<Object> =
        cases::cases().into_iter().filter(|case| case.target.is_none()).map(|case| case.object).collect();
    let good = good();
    objects.extend(samples::all().into_iter().map(|(_, object)| object));
    for (kind, main, functions) in &good {
        objects.extend(object(*kind, "GPL", main.clone(), functions.clone()));
    }
    for _ in 0..1600 * times {
        let (kind, main, functions) = &good[random.below(good.len())];
        let mutated = mutate(&mut random, main);
        objects.extend(object(*kind, "GPL", mutated, functions.clone()));
    }
    for _ in 0..400 * times {
        let with_callback: Vec<_> = good.iter().filter(|(_, _, functions)| !functions.is_empty()).collect();
        let (kind, main, functions) = with_callback[random.below(with_callback.len())];
        let mut functions = functions.clone();
        let which = random.below(functions.len());
        functions[which].1 = mutate(&mut random, &functions[which].1);
        objects.extend(object(*kind, "GPL", main.clone(), functions));
    }
    for _ in 0..400 * times {
        objects.extend(mutated_example(&mut random));
    }
    for _ in 0..4000 * times {
        let kind = random.pick(&KINDS);
        let context = match kind {
            ProgramKind::XDP => Context { number: 16, packet: Some((0, 4)) },
            ProgramKind::SOCKET_FILTER => Context { number: 0, packet: None },
            _ => Context { number: 0, packet: Some((76, 80)) },
        };
        let made = typed::generate(&mut random, context);
        objects.extend(object(kind, "GPL", made, functions()));
    }
    for _ in 0..800 * times {
        let kind = random.pick(&KINDS);
        let made = generate(&mut random);
        objects.extend(object(kind, "GPL", made, functions()));
    }
    objects
}

/// What made-up programs call.
fn functions() -> Vec<Function> {
    vec![("tick", code(tick)), ("double", code(double))]
}

/// One of the examples with a mistake in one of its functions.
fn mutated_example(random: &mut Random) -> Option<Object> {
    let example = match random.below(3) {
        0 => samples::asm_map_elem::object().unwrap(),
        n => samples::asm_timer_cancel::object(n == 1).unwrap(),
    };
    let which = random.below(example.functions().len());
    let mut codes: Vec<Code> = example.functions().iter().map(|function| function.code.clone()).collect();
    codes[which] = mutate(random, &codes[which]);
    example_of(&example, codes).ok()
}

/// Changes one or two fields so that what comes out is still an instruction.
fn mutate(random: &mut Random, code: &Code) -> Code {
    let mut lines: Vec<(Slot, LocId)> = code.lines().collect();
    let relocs = code.relocs().to_vec();
    let symbols: Vec<_> = code.symbols().map(std::sync::Arc::from).collect();
    for _ in 0..=random.below(2) {
        for _ in 0..50 {
            let at = random.below(lines.len());
            let old = lines[at].0;
            let relocated =
                relocs.iter().any(|reloc| reloc.slot as usize == at || reloc.slot as usize + 1 == at);
            let Some(new) = mutation(random, old, relocated) else { continue };
            if new == old || (at > 0 && lines[at - 1].0.opcode() == 0x18) {
                continue;
            }
            let second = lines.get(at + 1).map(|line| line.0);
            let slots: Vec<Slot> = std::iter::once(new).chain(second).collect();
            if Insn::decode(&slots)
                .is_ok_and(|(insn, _)| (insn.encode().len() == 2) == (old.opcode() == 0x18))
            {
                lines[at].0 = new;
                break;
            }
        }
    }
    Code::from_parts(lines, code.locs().to_vec(), relocs, symbols).unwrap()
}

fn mutation(random: &mut Random, old: Slot, relocated: bool) -> Option<Slot> {
    let register = random.below(11) as u8;
    let (opcode, dst, src, off, imm) = (old.opcode(), old.dst(), old.src(), old.off(), old.imm());
    let numbers =
        [0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 24, 32, 63, 64, 100, 512, -4, -8, -16, 4096, i32::MAX, i32::MIN];
    let offsets = [0, 1, 2, 3, -1, 4, 8, -4, -8, 12, 16, 20, 24, -16, 32, -512, -520, 76, 80, 200];
    match random.below(if relocated { 1 } else { 6 }) {
        0 => Slot::new(opcode, register, src, off, imm),
        1 => Slot::new(opcode, dst, register, off, imm),
        2 => Slot::new(opcode, dst, src, random.pick(&offsets), imm),
        3 => Slot::new(opcode, dst, src, off, random.pick(&numbers)),
        4 => Slot::new(random.next() as u8, dst, src, off, imm),
        _ => Slot::new(opcode ^ (1 << random.below(8)), dst, src, off, imm),
    }
}

/// A program out of pieces that fit together most of the time.
fn generate(random: &mut Random) -> Code {
    let mut a = Assembler::new();
    let out = a.label();
    let mut written = vec![R1, R10];
    if random.one_in(2) {
        a.mov(R9, R1);
        written.push(R9);
    }
    for _ in 0..2 + random.below(14) {
        piece(random, &mut a, &mut written, out);
    }
    if random.one_in(12) {
        a.bind(out).exit();
    } else {
        a.bind(out).mov(R0, random.pick(&[0, 0, 1, 1, 1, 2, -1])).exit();
    }
    a.finish().unwrap_or_else(|_| {
        code(|a| {
            a.exit();
        })
    })
}

fn any_register(random: &mut Random, written: &[Reg]) -> Reg {
    if random.one_in(25) { Reg::ALL[random.below(10)] } else { random.pick(written) }
}

fn target(random: &mut Random, written: &mut Vec<Reg>) -> Reg {
    let reg = random.pick(&[R0, R2, R3, R4, R6, R7, R8]);
    if !written.contains(&reg) {
        written.push(reg);
    }
    reg
}

fn after_call(written: &mut Vec<Reg>) {
    written.retain(|reg| ![R1, R2, R3, R4, Reg::R5].contains(reg));
    if !written.contains(&R0) {
        written.push(R0);
    }
}

fn piece(random: &mut Random, a: &mut Assembler, written: &mut Vec<Reg>, out: Label) {
    let size = random.pick(&[Size::B, Size::H, Size::W, Size::DW]);
    let width = random.pick(&[Width::Bits32, Width::Bits64, Width::Bits64]);
    let bytes = i32::from(size.bytes());
    match random.below(16) {
        0 | 1 => {
            let dst = target(random, written);
            a.mov(dst, random.pick(&[0, 1, 2, 7, 8, 16, 255, -1, 4096]));
        }
        2 => {
            let src = any_register(random, written);
            let dst = target(random, written);
            a.alu(AluOp::Mov, width, dst, src);
        }
        3 | 4 => {
            let op = random.pick(AluOp::ALL);
            let dst = any_register(random, written);
            let imm = random.pick(&[1, 2, 3, 4, 7, 8, 15, 31, -8, -16]);
            if op.shifts() {
                a.alu(op, width, dst, imm & 31);
            } else {
                a.alu(op, width, dst, imm);
            }
        }
        5 => {
            let op = random.pick(&[AluOp::Add, AluOp::Sub, AluOp::And, AluOp::Or, AluOp::Xor, AluOp::Mul]);
            let (dst, src) = (any_register(random, written), any_register(random, written));
            a.alu(op, width, dst, src);
        }
        6 | 7 => {
            let src = any_register(random, written);
            let off = if random.one_in(10) {
                random.pick(&[0, 8, -516])
            } else {
                -bytes * (1 + random.below(8) as i32)
            };
            a.stx(size, R10, off, src);
        }
        8 => {
            let dst = target(random, written);
            a.ldx(size, dst, R10, -bytes * (1 + random.below(8) as i32));
        }
        9 => {
            let base = any_register(random, written);
            let dst = target(random, written);
            a.ldx(size, dst, base, bytes * random.below(6) as i32);
        }
        10 => {
            let (base, src) = (any_register(random, written), any_register(random, written));
            a.stx(size, base, bytes * random.below(4) as i32, src);
        }
        11 => {
            let dst = any_register(random, written);
            let label = if random.one_in(2) { out } else { a.label() };
            let cond = random.pick(Cond::ALL);
            a.jump_if(cond, width, dst, random.pick(&[0, 1, 8, 100, -1]), label);
            if label != out {
                let mut inside = written.clone();
                for _ in 0..random.below(3) {
                    let dst = target(random, &mut inside);
                    a.mov(dst, random.pick(&[0, 1, 3]));
                }
                a.bind(label);
            }
        }
        12 => {
            let map =
                random.pick(&["array", "hash", "timers", "other", "global", "locks", "constant", "queue"]);
            a.st(Size::W, R10, -4, random.pick(&[0, 1, 9]));
            a.load_map(R1, map).mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
            after_call(written);
            if !random.one_in(4) {
                a.jeq(R0, 0, out);
            }
            let dst = random.pick(&[R6, R7, R8]);
            a.mov(dst, R0);
            written.push(dst);
        }
        13 => {
            let helper = random.pick(&[
                Helper::KTIME_GET_NS,
                Helper::GET_PRANDOM_U32,
                Helper::GET_SMP_PROCESSOR_ID,
                Helper::TIMER_CANCEL,
                Helper::TIMER_START,
                Helper::TIMER_INIT,
                Helper::MAP_DELETE_ELEM,
                Helper::GET_SOCKET_COOKIE,
                Helper::SKB_LOAD_BYTES,
                Helper::RINGBUF_QUERY,
            ]);
            a.call(helper);
            after_call(written);
        }
        14 => {
            let value = any_register(random, written);
            a.mov(R1, value).add(R1, random.pick(&[0, 8, 8, 16]));
            match random.below(3) {
                0 => a.load_map(R2, random.pick(&["timers", "other"])).mov(R3, 1).call(Helper::TIMER_INIT),
                1 => a.load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK),
                _ => a.mov(R2, 1).mov(R3, 0).call(Helper::TIMER_START),
            };
            after_call(written);
        }
        _ => {
            let value = any_register(random, written);
            a.mov(R1, value).call_function("double");
            after_call(written);
        }
    }
}
