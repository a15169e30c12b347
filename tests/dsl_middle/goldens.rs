//! What each stage makes of the functions in `programs`.

use std::fmt::Write;

use crate::asm::{Code, Isa};
use crate::dsl::lower::{Stages, compile};
use crate::programs::PROGRAMS;
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    for (name, program) in PROGRAMS {
        suite.test(&format!("golden: {name}"), move || {
            let mut text = String::new();
            for (isa, title) in [(Isa::V3, "v3"), (Isa::V4, "v4")] {
                let mut stages = Stages::default();
                let code = compile(program(), isa, Some(&mut stages)).unwrap();
                if isa == Isa::V3 {
                    write!(text, "recorded\n{}\noptimised\n{}\n", stages.recorded, stages.optimised).unwrap();
                }
                let slots = code.len();
                write!(text, "{title}: allocated\n{}\n{title}: {slots} slots\n{}", stages.allocated, listing(&code)).unwrap();
            }
            insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, text);
            });
        });
    }
}

fn listing(code: &Code) -> String {
    let mut text = String::new();
    for (slot, insn) in code.insns() {
        let names: Vec<_> = code.relocs().iter().filter(|reloc| reloc.slot as usize == slot).collect();
        write!(text, "{slot:>5}: {}", insn.unwrap()).unwrap();
        for reloc in names {
            write!(text, " ; {}", code.symbol(reloc.symbol)).unwrap();
        }
        text.push('\n');
    }
    text
}
