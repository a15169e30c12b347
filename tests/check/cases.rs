//! One program for each rule, with what the kernel (6.18) says of it.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R10};
use bpfsmith::asm::{Assembler, Code, Helper, Size, Slot};
use bpfsmith::base::Capabilities;
use bpfsmith::check::Rule;
use bpfsmith::check::Severity::{self, Rejected, Suspect};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::Object;
use bpfsmith::target::Target;

use crate::objects::{code, object};

#[path = "areas.rs"]
mod areas;

/// A program with a mistake.
pub(crate) struct Case {
    pub name: &'static str,
    pub rule: Rule,
    pub severity: Severity,
    /// What the kernel says; empty: it takes the program.
    pub kernel: &'static str,
    /// What it is checked against; `None`: what the running kernel is, here 6.18.
    pub target: Option<Target>,
    pub object: Object,
}

pub(crate) struct Cases(Vec<Case>);

type Body = fn(&mut Assembler);

impl Cases {
    fn add(
        &mut self,
        name: &'static str,
        rule: Rule,
        severity: Severity,
        kernel: &'static str,
        body: Body,
    ) -> &mut Case {
        self.add_with(name, rule, severity, kernel, body, &[])
    }

    fn add_with(
        &mut self,
        name: &'static str,
        rule: Rule,
        severity: Severity,
        kernel: &'static str,
        body: Body,
        functions: &[(&'static str, Body)],
    ) -> &mut Case {
        self.of_kind(name, rule, severity, kernel, ProgramKind::SOCKET_FILTER, body, functions)
    }

    #[allow(clippy::too_many_arguments)]
    fn of_kind(
        &mut self,
        name: &'static str,
        rule: Rule,
        severity: Severity,
        kernel: &'static str,
        kind: ProgramKind,
        body: Body,
        functions: &[(&'static str, Body)],
    ) -> &mut Case {
        let functions = functions.iter().map(|&(name, body)| (name, code(body))).collect();
        let object = object(kind, "GPL", code(body), functions).unwrap();
        self.0.push(Case { name, rule, severity, kernel, target: None, object });
        self.0.last_mut().unwrap()
    }

    fn of_code(&mut self, name: &'static str, rule: Rule, kernel: &'static str, code: Code) {
        let object = object(ProgramKind::SOCKET_FILTER, "GPL", code, Vec::new()).unwrap();
        self.0.push(Case { name, rule, severity: Rejected, kernel, target: None, object });
    }
}

/// r0 = the value of the key at fp - 4, or null; the map is an argument.
pub(crate) fn look_up(a: &mut Assembler, map: &str) {
    a.st(Size::W, R10, -4, 0).load_map(R1, map).mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
}

/// The same, goes on with a value only: r6.
pub(crate) fn look_up_checked(a: &mut Assembler, map: &str) {
    let found = a.label();
    look_up(a, map);
    a.jne(R0, 0, found).mov(R0, 0).exit().bind(found).mov(R6, R0);
}

/// r0 = a socket, or null.
pub(crate) fn look_up_socket(a: &mut Assembler) {
    a.st(Size::DW, R10, -16, 0)
        .st(Size::W, R10, -8, 0)
        .mov(R2, R10)
        .add(R2, -16)
        .mov(R3, 12)
        .mov(R4, -1)
        .mov(R5, 0);
    a.call(Helper::SK_LOOKUP_TCP);
}

/// r6 = the element, its timer at byte 8 initialised.
fn timer(a: &mut Assembler) {
    look_up_checked(a, "timers");
    a.mov(R1, R6).add(R1, 8).load_map(R2, "timers").mov(R3, 1).call(Helper::TIMER_INIT);
}

fn end(a: &mut Assembler) {
    a.mov(R0, 0).exit();
}

fn callback(a: &mut Assembler) {
    end(a);
}

fn set_callback(a: &mut Assembler) {
    a.mov(R1, R6).add(R1, 8).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK);
}

pub(crate) fn raw(slots: &[[i64; 5]]) -> Code {
    let lines = slots.iter().map(|&[opcode, dst, src, off, imm]| {
        let slot = Slot::new(opcode as u8, dst as u8, src as u8, off as i16, imm as i32).unwrap();
        (slot, bpfsmith::asm::LocId::UNKNOWN)
    });
    Code::from_parts(lines.collect(), Vec::new(), Vec::new(), Vec::new()).unwrap()
}

/// Every case, in the order of the rules.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    shape(&mut cases);
    registers(&mut cases);
    stack(&mut cases);
    memory(&mut cases);
    context(&mut cases);
    calls(&mut cases);
    locks(&mut cases);
    lock_kinds(&mut cases);
    exits(&mut cases);
    timers(&mut cases);
    timers_at_run_time(&mut cases);
    areas::packets(&mut cases);
    areas::dynptrs(&mut cases);
    let order = |rule: Rule| Rule::ALL.iter().position(|r| *r == rule);
    cases.0.sort_by_key(|case| order(case.rule));
    cases.0
}

fn shape(cases: &mut Cases) {
    cases.of_code(
        "after_exit",
        Rule::UnreachableCode,
        "unreachable insn 2",
        raw(&[[0xb7, 0, 0, 0, 0], [0x95, 0, 0, 0, 0], [0xb7, 0, 0, 0, 1], [0x95, 0, 0, 0, 0]]),
    );
    cases.of_code(
        "jump_beyond_the_end",
        Rule::JumpOutOfFunction,
        "jump out of range from insn 1 to 7",
        raw(&[[0xb7, 0, 0, 0, 0], [0x15, 0, 0, 5, 0], [0x95, 0, 0, 0, 0]]),
    );
    cases.of_code(
        "jump_into_a_wide_load",
        Rule::JumpIntoInstruction,
        "jump into the middle of ldimm64 insn 1",
        raw(&[
            [0x15, 1, 0, 1, 0],
            [0x18, 0, 0, 0, 0],
            [0, 0, 0, 0, 0],
            [0xb7, 0, 0, 0, 0],
            [0x95, 0, 0, 0, 0],
        ]),
    );
    cases.of_code(
        "no_exit",
        Rule::MissingExit,
        "last insn is not an exit or jmp",
        raw(&[[0xb7, 0, 0, 0, 0]]),
    );
    cases.of_code(
        "unknown_opcode",
        Rule::InvalidInstruction,
        "unknown opcode ff",
        raw(&[[0xff, 0, 0, 0, 0], [0x95, 0, 0, 0, 0]]),
    );
    cases.of_code(
        "reserved_field",
        Rule::InvalidInstruction,
        "uses reserved fields",
        raw(&[[0xb7, 0, 3, 0, 0], [0x95, 0, 0, 0, 0]]),
    );
    cases
        .add_with(
            "nine_frames",
            Rule::CallDepth,
            Rejected,
            "the call stack of 9 frames is too deep",
            |a| {
                a.call_function("f1");
                end(a);
            },
            &[
                ("f1", |a| {
                    a.call_function("f2");
                    end(a);
                }),
                ("f2", |a| {
                    a.call_function("f3");
                    end(a);
                }),
                ("f3", |a| {
                    a.call_function("f4");
                    end(a);
                }),
                ("f4", |a| {
                    a.call_function("f5");
                    end(a);
                }),
                ("f5", |a| {
                    a.call_function("f6");
                    end(a);
                }),
                ("f6", |a| {
                    a.call_function("f7");
                    end(a);
                }),
                ("f7", |a| {
                    a.call_function("f8");
                    end(a);
                }),
                ("f8", end),
            ],
        )
        .target = Some(Target::of_kernel(6, 18));
    cases.add_with(
        "two_large_frames",
        Rule::StackDepth,
        Rejected,
        "combined stack size of 2 calls is",
        |a| {
            a.st(Size::DW, R10, -400, 0).call_function("f");
            end(a);
        },
        &[("f", |a| {
            a.st(Size::DW, R10, -200, 0);
            end(a);
        })],
    );
    cases.add("goes_round", Rule::InfiniteLoop, Rejected, "infinite loop detected", |a| {
        let again = a.label();
        a.mov(R0, 0).bind(again).mov(R1, 1).ja(again);
    });
    cases.add(
        "goes_round_while_a_helper_says_so",
        Rule::InfiniteLoop,
        Rejected,
        "infinite loop detected",
        |a| {
            let again = a.label();
            a.bind(again).call(Helper::GET_PRANDOM_U32).jne(R0, 0, again);
            end(a);
        },
    );
}

fn registers(cases: &mut Cases) {
    cases.add("r0_at_exit", Rule::UninitialisedRegister, Rejected, "R0 !read_ok", |a| {
        a.exit();
    });
    cases.add("after_a_call", Rule::UninitialisedRegister, Rejected, "R2 !read_ok", |a| {
        a.mov(R2, 5).call(Helper::KTIME_GET_NS).mov(R0, R2).exit();
    });
    cases.add("on_one_path", Rule::UninitialisedRegister, Rejected, "R6 !read_ok", |a| {
        let skip = a.label();
        a.call(Helper::GET_PRANDOM_U32).jeq(R0, 7, skip).mov(R6, 1).bind(skip).mov(R0, R6).exit();
    });
    cases.of_code(
        "frame_pointer",
        Rule::FramePointerWrite,
        "frame pointer is read only",
        raw(&[[0xb7, 10, 0, 0, 0], [0xb7, 0, 0, 0, 0], [0x95, 0, 0, 0, 0]]),
    );
    cases.of_code(
        "divide_by_zero",
        Rule::DivisionByZero,
        "div by zero",
        raw(&[[0xb7, 0, 0, 0, 1], [0x37, 0, 0, 0, 0], [0x95, 0, 0, 0, 0]]),
    );
    cases.of_code(
        "shift_by_64",
        Rule::InvalidShift,
        "invalid shift 64",
        raw(&[[0xb7, 0, 0, 0, 1], [0x67, 0, 0, 0, 64], [0x95, 0, 0, 0, 0]]),
    );
    cases.add(
        "multiply_a_pointer",
        Rule::PointerArithmetic,
        Rejected,
        "pointer arithmetic with *= operator prohibited",
        |a| {
            a.mov(R2, R10).mul(R2, 2);
            end(a);
        },
    );
    cases.add("add_before_the_check", Rule::PointerArithmetic, Rejected, "null-check it first", |a| {
        look_up(a, "hash");
        a.add(R0, 8);
        end(a);
    });
    cases.add(
        "move_a_map",
        Rule::PointerArithmetic,
        Rejected,
        "pointer arithmetic on map_ptr prohibited",
        |a| {
            a.load_map(R1, "hash").add(R1, 8);
            end(a);
        },
    );
    cases.add("add_two_pointers", Rule::PointerArithmetic, Rejected, "pointer += pointer prohibited", |a| {
        a.mov(R2, R10).add(R2, R1);
        end(a);
    });
}

fn stack(cases: &mut Cases) {
    cases.add("stack_above", Rule::StackBounds, Rejected, "invalid write to stack R10 off=0 size=8", |a| {
        a.st(Size::DW, R10, 0, 0);
        end(a);
    });
    cases.add("stack_below", Rule::StackBounds, Rejected, "invalid read from stack", |a| {
        a.ldx(Size::DW, R0, R10, -520).exit();
    });
    cases.add("stack_misaligned", Rule::Misaligned, Rejected, "misaligned stack access", |a| {
        a.st(Size::W, R10, -6, 0);
        end(a);
    });
    cases.add("half_a_pointer_out", Rule::PartOfPointer, Rejected, "invalid size of register fill", |a| {
        a.stx(Size::DW, R10, -8, R1).ldx(Size::W, R0, R10, -8).exit();
    });
    cases.add("half_a_pointer_in", Rule::PartOfPointer, Rejected, "invalid size of register spill", |a| {
        a.stx(Size::W, R10, -8, R1);
        end(a);
    });
    cases.add("stack_unwritten", Rule::UninitialisedStack, Suspect, "", |a| {
        a.ldx(Size::DW, R0, R10, -8).exit();
    });
    cases
        .add(
            "stack_unwritten_before_6_3",
            Rule::UninitialisedStack,
            Rejected,
            "invalid read from stack",
            |a| {
                a.ldx(Size::DW, R0, R10, -8).exit();
            },
        )
        .target = Some(Target::of_kernel(6, 1));
    cases
        .add(
            "key_unwritten_without_perfmon",
            Rule::UninitialisedStack,
            Rejected,
            "invalid indirect read from stack",
            |a| {
                a.load_map(R1, "hash").mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
                end(a);
            },
        )
        .target = Some(Target::of_kernel(6, 18).with_capabilities(Capabilities::BPF));
}

fn memory(cases: &mut Cases) {
    cases.add("number_as_address", Rule::NotAPointer, Rejected, "invalid mem access 'scalar'", |a| {
        a.mov(R1, 4096).ldx(Size::DW, R0, R1, 0).exit();
    });
    cases.add(
        "unchecked_look_up",
        Rule::NullDereference,
        Rejected,
        "invalid mem access 'map_value_or_null'",
        |a| {
            look_up(a, "hash");
            a.ldx(Size::DW, R0, R0, 0).exit();
        },
    );
    cases.add("unchecked_look_up_in_an_array", Rule::NullDereference, Suspect, "", |a| {
        look_up(a, "array");
        a.ldx(Size::DW, R0, R0, 0).exit();
    });
    cases.add("beyond_the_value", Rule::ValueBounds, Rejected, "invalid access to map value", |a| {
        look_up_checked(a, "hash");
        a.ldx(Size::DW, R0, R6, 16).exit();
    });
    cases.add("index_without_a_bound", Rule::ValueBounds, Rejected, "unbounded memory access", |a| {
        look_up_checked(a, "hash");
        a.call(Helper::GET_PRANDOM_U32).lsh(R0, 32).rsh(R0, 32).add(R6, R0).ldx(Size::B, R0, R6, 0).exit();
    });
    cases.add(
        "index_with_a_bound_too_large",
        Rule::ValueBounds,
        Rejected,
        "max value is outside of the allowed memory range",
        |a| {
            let out = a.label();
            look_up_checked(a, "hash");
            a.call(Helper::GET_PRANDOM_U32).jgt(R0, 16, out).add(R6, R0).ldx(Size::B, R0, R6, 0).bind(out);
            end(a);
        },
    );
    cases.add_with(
        "beyond_the_key",
        Rule::KeyBounds,
        Rejected,
        "min value is outside of the allowed memory range",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.ldx(Size::DW, R1, R2, 0);
            end(a);
        })],
    );
    cases.add(
        "beyond_the_record",
        Rule::RecordBounds,
        Rejected,
        "outside of the allowed memory range",
        |a| {
            let out = a.label();
            a.load_map(R1, "ring").mov(R2, 8).mov(R3, 0).call(Helper::RINGBUF_RESERVE).jeq(R0, 0, out);
            a.st(Size::DW, R0, 8, 1).mov(R1, R0).mov(R2, 0).call(Helper::RINGBUF_SUBMIT).bind(out);
            end(a);
        },
    );
    cases.add_with(
        "write_the_key",
        Rule::KeyWrite,
        Rejected,
        "write to change key R2 not allowed",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.st(Size::W, R2, 0, 1);
            end(a);
        })],
    );
    cases.add("write_a_constant", Rule::MapAccess, Rejected, "write into map forbidden", |a| {
        look_up_checked(a, "constant");
        a.st(Size::DW, R6, 0, 1);
        end(a);
    });
    cases.add(
        "read_the_timer",
        Rule::SpecialField,
        Rejected,
        "bpf_timer cannot be accessed directly by load/store",
        |a| {
            look_up_checked(a, "timers");
            a.ldx(Size::DW, R0, R6, 8).exit();
        },
    );
    cases.add("write_a_map", Rule::ReadOnly, Rejected, "only read from", |a| {
        a.load_map(R1, "hash").st(Size::W, R1, 0, 1);
        end(a);
    });
    cases.add(
        "atomic_on_the_context",
        Rule::AtomicMemory,
        Rejected,
        "BPF_ATOMIC stores into R1 ctx is not allowed",
        |a| {
            a.mov(R2, 1).atomic_add(Size::W, R1, 8, R2);
            end(a);
        },
    );
}

fn context(cases: &mut Cases) {
    cases.add(
        "beyond_the_context",
        Rule::ContextAccess,
        Rejected,
        "invalid bpf_context access off=400 size=4",
        |a| {
            a.ldx(Size::W, R0, R1, 400).exit();
        },
    );
    cases.add("context_moved", Rule::ContextAccess, Rejected, "dereference of modified ctx ptr", |a| {
        a.add(R1, 4).ldx(Size::W, R0, R1, 0).exit();
    });
    cases.of_kind(
        "packet_unchecked",
        Rule::PacketBounds,
        Rejected,
        "invalid access to packet",
        ProgramKind::XDP,
        |a| {
            a.ldx(Size::W, R2, R1, 0).ldx(Size::B, R0, R2, 0).exit();
        },
        &[],
    );
}

fn calls(cases: &mut Cases) {
    cases.of_code(
        "helper_212",
        Rule::UnknownHelper,
        "invalid func unknown#212",
        raw(&[[0x85, 0, 0, 0, 212], [0x95, 0, 0, 0, 0]]),
    );
    cases.add(
        "not_in_this_kind",
        Rule::HelperUnavailable,
        Rejected,
        "program of this type cannot use helper",
        |a| {
            a.mov(R2, 0).call(Helper::XDP_ADJUST_HEAD);
            end(a);
        },
    );
    cases
        .add_with(
            "not_yet",
            Rule::HelperUnavailable,
            Rejected,
            "invalid func unknown#181",
            |a| {
                a.mov(R1, 1).load_function(R2, "f").mov(R3, 0).mov(R4, 0).call(Helper::LOOP);
                end(a);
            },
            &[("f", end)],
        )
        .target = Some(Target::of_kernel(5, 15));
    let gpl = code(|a| {
        timer(a);
        end(a);
    });
    cases.0.push(Case {
        name: "without_a_licence",
        rule: Rule::GplOnly,
        severity: Rejected,
        kernel: "cannot call GPL-restricted function from non-GPL compatible program",
        target: None,
        object: object(ProgramKind::SOCKET_FILTER, "Proprietary", gpl, Vec::new()).unwrap(),
    });
    cases.of_kind(
        "sleeps",
        Rule::Sleeps,
        Rejected,
        "helper call might sleep in a non-sleepable prog",
        ProgramKind::KPROBE,
        |a| {
            a.mov(R1, R10).add(R1, -8).mov(R2, 8).mov(R3, 0).call(Helper::COPY_FROM_USER);
            end(a);
        },
        &[],
    );
    cases.add("number_as_a_map", Rule::ArgumentKind, Rejected, "R1 type=scalar expected=map_ptr", |a| {
        a.st(Size::W, R10, -4, 0).mov(R1, 1).mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
        end(a);
    });
    cases.add("context_as_a_key", Rule::ArgumentKind, Rejected, "R2 type=ctx expected=fp", |a| {
        a.mov(R2, R1).load_map(R1, "hash").call(Helper::MAP_LOOKUP_ELEM);
        end(a);
    });
    cases.add_with(
        "context_in_a_callback",
        Rule::ArgumentKind,
        Rejected,
        "R1 type=map_ptr expected=ctx",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.call(Helper::GET_SOCKET_COOKIE);
            end(a);
        })],
    );
    cases.add("no_function", Rule::ArgumentKind, Rejected, "R2 type=scalar expected=func", |a| {
        timer(a);
        a.mov(R1, R6).add(R1, 8).mov(R2, 0).call(Helper::TIMER_SET_CALLBACK);
        end(a);
    });
    cases.add(
        "value_or_null_as_a_key",
        Rule::NullArgument,
        Rejected,
        "R2 type=map_value_or_null expected=fp",
        |a| {
            look_up(a, "hash");
            a.load_map(R1, "hash").mov(R2, R0).call(Helper::MAP_LOOKUP_ELEM);
            end(a);
        },
    );
    cases.add("negative_size", Rule::ArgumentSize, Rejected, "min value is negative", |a| {
        a.mov(R1, R10).add(R1, -8).mov(R2, -1).call(Helper::GET_CURRENT_COMM);
        end(a);
    });
    cases.add("no_size", Rule::ArgumentSize, Rejected, "invalid zero-sized read", |a| {
        a.mov(R1, R10).add(R1, -8).mov(R2, 0).call(Helper::TRACE_PRINTK);
        end(a);
    });
    cases.add("any_size", Rule::ArgumentSize, Rejected, "unbounded memory access", |a| {
        a.call(Helper::GET_PRANDOM_U32)
            .mov32(R2, R0)
            .add(R2, 1)
            .mov(R1, R10)
            .add(R1, -8)
            .call(Helper::TRACE_PRINTK);
        end(a);
    });
    cases.add(
        "programs_looked_up",
        Rule::MapKindForHelper,
        Rejected,
        "cannot pass map_type 3 into func bpf_map_lookup_elem#1",
        |a| {
            look_up(a, "programs");
            end(a);
        },
    );
    cases.add(
        "no_skb",
        Rule::LegacyLoad,
        Rejected,
        "at the time of BPF_LD_ABS|IND R6 != pointer to skb",
        |a| {
            a.mov(R6, 0).ld_abs(Size::W, 0).exit();
        },
    );
}

fn locks(cases: &mut Cases) {
    let kind = ProgramKind::CGROUP_SKB_EGRESS;
    cases.of_kind(
        "call_under_lock",
        Rule::CallUnderLock,
        Rejected,
        "function calls are not allowed while holding a lock",
        kind,
        |a| {
            look_up_checked(a, "locks");
            a.mov(R1, R6).call(Helper::SPIN_LOCK).call(Helper::KTIME_GET_NS);
            a.mov(R1, R6).call(Helper::SPIN_UNLOCK);
            end(a);
        },
        &[],
    );
    cases.of_kind(
        "timer_under_lock",
        Rule::CallUnderLock,
        Rejected,
        "function calls are not allowed while holding a lock",
        kind,
        |a| {
            timer(a);
            a.mov(R7, R6);
            look_up_checked(a, "locks");
            a.mov(R8, R6).mov(R1, R8).call(Helper::SPIN_LOCK);
            a.mov(R1, R7).add(R1, 8).call(Helper::TIMER_CANCEL);
            a.mov(R1, R8).call(Helper::SPIN_UNLOCK);
            end(a);
        },
        &[],
    );
    cases.of_kind(
        "locked_twice",
        Rule::LockOrder,
        Rejected,
        "function calls are not allowed while holding a lock",
        kind,
        |a| {
            look_up_checked(a, "locks");
            a.mov(R1, R6).call(Helper::SPIN_LOCK).mov(R1, R6).call(Helper::SPIN_LOCK);
            end(a);
        },
        &[],
    );
    cases.of_kind(
        "unlocked_only",
        Rule::LockOrder,
        Rejected,
        "bpf_spin_unlock without taking a lock",
        kind,
        |a| {
            look_up_checked(a, "locks");
            a.mov(R1, R6).call(Helper::SPIN_UNLOCK);
            end(a);
        },
        &[],
    );
    cases.of_kind(
        "locked_at_exit",
        Rule::LockAtExit,
        Rejected,
        "cannot be used inside bpf_spin_lock-ed region",
        kind,
        |a| {
            look_up_checked(a, "locks");
            a.mov(R1, R6).call(Helper::SPIN_LOCK).mov(R0, 1).exit();
        },
        &[],
    );
}

fn lock_kinds(cases: &mut Cases) {
    cases.add(
        "locks_in_a_socket_filter",
        Rule::LockProgramKind,
        Rejected,
        "socket filter progs cannot use bpf_spin_lock yet",
        |a| {
            look_up(a, "locks");
            end(a);
        },
    );
}

fn exits(cases: &mut Cases) {
    cases.of_kind(
        "four",
        Rule::ReturnValue,
        Rejected,
        "should have been in [0, 3]",
        ProgramKind::CGROUP_SKB_EGRESS,
        |a| {
            a.mov(R0, 4).exit();
        },
        &[],
    );
    cases.of_kind(
        "anything",
        Rule::ReturnValue,
        Rejected,
        "should have been in [0, 1]",
        ProgramKind::SK_LOOKUP,
        |a| {
            a.call(Helper::GET_PRANDOM_U32).exit();
        },
        &[],
    );
    cases.add_with(
        "callback_returns_1",
        Rule::CallbackReturn,
        Rejected,
        "should have been in [0, 0]",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.mov(R0, 1).exit();
        })],
    );
    cases.add_with(
        "callback_returns_anything",
        Rule::CallbackReturn,
        Rejected,
        "should have been in [0, 0]",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.ldx(Size::W, R0, R3, 0).exit();
        })],
    );
    cases.add_with(
        "callback_returns_a_pointer",
        Rule::CallbackReturn,
        Rejected,
        "the register R0 is not a known value",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.mov(R0, R3).exit();
        })],
    );
    cases.add_with(
        "callback_returns_nothing",
        Rule::UninitialisedRegister,
        Rejected,
        "R0 !read_ok",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.exit();
        })],
    );
    cases.add_with(
        "callback_reads_r4",
        Rule::UninitialisedRegister,
        Rejected,
        "R4 !read_ok",
        |a| {
            timer(a);
            set_callback(a);
            end(a);
        },
        &[("tick", |a| {
            a.mov(R0, R4);
            end(a);
        })],
    );
    cases.add_with(
        "stack_returned",
        Rule::StackEscape,
        Rejected,
        "cannot return stack pointer to the caller",
        |a| {
            a.call_function("f");
            end(a);
        },
        &[("f", |a| {
            a.mov(R0, R10).exit();
        })],
    );
    cases.add("record_kept", Rule::MissingRelease, Rejected, "Unreleased reference", |a| {
        a.load_map(R1, "ring").mov(R2, 8).mov(R3, 0).call(Helper::RINGBUF_RESERVE).mov(R0, 0).exit();
    });
    cases.add(
        "record_moved",
        Rule::ReleaseNotHeld,
        Rejected,
        "must have zero offset when passed to release func",
        |a| {
            let out = a.label();
            a.load_map(R1, "ring").mov(R2, 8).mov(R3, 0).call(Helper::RINGBUF_RESERVE).jeq(R0, 0, out);
            a.mov(R1, R0).add(R1, 8).mov(R2, 0).call(Helper::RINGBUF_SUBMIT).bind(out);
            end(a);
        },
    );
}

fn timers(cases: &mut Cases) {
    cases.add("timer_on_the_stack", Rule::TimerNotInMap, Rejected, "R1 type=fp expected=map_value", |a| {
        a.st(Size::DW, R10, -8, 0).st(Size::DW, R10, -16, 0);
        a.mov(R1, R10).add(R1, -16).load_map(R2, "timers").mov(R3, 1).call(Helper::TIMER_INIT);
        end(a);
    });
    cases.add(
        "timer_beside",
        Rule::TimerOffset,
        Rejected,
        "off 0 doesn't point to 'struct bpf_timer' that is at 8",
        |a| {
            look_up_checked(a, "timers");
            a.mov(R1, R6).load_map(R2, "timers").mov(R3, 1).call(Helper::TIMER_INIT);
            end(a);
        },
    );
    cases.add(
        "timer_somewhere",
        Rule::TimerOffset,
        Rejected,
        "doesn't have constant offset. bpf_timer has to be at the constant offset",
        |a| {
            look_up_checked(a, "timers");
            a.call(Helper::GET_PRANDOM_U32).and(R0, 8).add(R6, R0);
            a.mov(R1, R6).load_map(R2, "timers").mov(R3, 1).call(Helper::TIMER_INIT);
            end(a);
        },
    );
    cases.add("no_timer_in_it", Rule::MapWithoutTimer, Rejected, "has no valid bpf_timer", |a| {
        look_up_checked(a, "hash");
        a.mov(R1, R6).load_map(R2, "hash").mov(R3, 1).call(Helper::TIMER_INIT);
        end(a);
    });
    cases.add("another_map", Rule::TimerMap, Rejected, "doesn't match map pointer in R2", |a| {
        look_up_checked(a, "timers");
        a.mov(R1, R6).add(R1, 8).load_map(R2, "other").mov(R3, 1).call(Helper::TIMER_INIT);
        end(a);
    });
    cases.add(
        "timer_unchecked",
        Rule::NullArgument,
        Rejected,
        "R1 type=map_value_or_null expected=map_value",
        |a| {
            look_up(a, "other");
            a.mov(R1, R0).load_map(R2, "other").mov(R3, 1).call(Helper::TIMER_INIT);
            end(a);
        },
    );
    cases.add(
        "timer_in_the_middle_of_nowhere",
        Rule::TimerNotInMap,
        Rejected,
        "R1 type=scalar expected=map_value",
        |a| {
            a.mov(R1, 0).call(Helper::TIMER_CANCEL);
            end(a);
        },
    );
    cases
        .of_kind(
            "timer_in_a_kprobe",
            Rule::TimerProgramKind,
            Rejected,
            "tracing progs cannot use bpf_timer yet",
            ProgramKind::KPROBE,
            |a| {
                timer(a);
                end(a);
            },
            &[],
        )
        .target = Some(Target::of_kernel(6, 18));
}

fn timers_at_run_time(cases: &mut Cases) {
    cases.add("clock_3", Rule::TimerClock, Suspect, "", |a| {
        look_up_checked(a, "timers");
        a.mov(R1, R6).add(R1, 8).load_map(R2, "timers").mov(R3, 3).call(Helper::TIMER_INIT);
        end(a);
    });
    cases.add("clock_realtime", Rule::TimerClock, Suspect, "", |a| {
        look_up_checked(a, "timers");
        a.mov(R1, R6).add(R1, 8).load_map(R2, "timers").mov(R3, 0).call(Helper::TIMER_INIT);
        end(a);
    });
    cases.add_with(
        "flag_4",
        Rule::TimerFlags,
        Suspect,
        "",
        |a| {
            timer(a);
            set_callback(a);
            a.mov(R1, R6).add(R1, 8).mov(R2, 0).mov(R3, 4).call(Helper::TIMER_START);
            end(a);
        },
        &[("tick", callback)],
    );
    cases
        .add_with(
            "absolute_before_6_4",
            Rule::TimerFlags,
            Suspect,
            "",
            |a| {
                timer(a);
                set_callback(a);
                a.mov(R1, R6).add(R1, 8).mov(R2, 0).mov(R3, 1).call(Helper::TIMER_START);
                end(a);
            },
            &[("tick", callback)],
        )
        .target = Some(Target::of_kernel(6, 1));
    cases.add_with(
        "absolute_and_too_late",
        Rule::TimerDeadline,
        Suspect,
        "",
        |a| {
            timer(a);
            set_callback(a);
            a.mov(R1, R6).add(R1, 8).mov(R2, -1).mov(R3, 1).call(Helper::TIMER_START);
            end(a);
        },
        &[("tick", callback)],
    );
    cases.add_with(
        "started_after_cancel",
        Rule::TimerWithoutCallback,
        Suspect,
        "",
        |a| {
            timer(a);
            set_callback(a);
            a.mov(R1, R6).add(R1, 8).call(Helper::TIMER_CANCEL);
            a.mov(R1, R6).add(R1, 8).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
            end(a);
        },
        &[("tick", callback)],
    );
    cases.add("started_without_a_callback", Rule::TimerWithoutCallback, Suspect, "", |a| {
        timer(a);
        a.mov(R1, R6).add(R1, 8).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
        end(a);
    });
    cases
        .add("timer_at_8_without_perfmon", Rule::TimerPerfmon, Suspect, "", |a| {
            timer(a);
            end(a);
        })
        .target = Some(Target::of_kernel(6, 18).with_capabilities(Capabilities::BPF));
}
