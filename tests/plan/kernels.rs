//! The same objects for kernels old and new: what is left out, what is replaced, what is refused by name.

use std::fmt::Write;

use bpfsmith::base::{Endian, KernelVersion};
use bpfsmith::btf::{Kind, Linkage, Type, View};
use bpfsmith::plan::{Command, Plan, PlanError};
use bpfsmith::target::{Fact, Feature, Subject, Target};

use crate::samples;

const KERNELS: [(u16, u16); 10] =
    [(4, 18), (5, 4), (5, 10), (5, 13), (5, 15), (6, 1), (6, 12), (6, 18), (7, 0), (7, 2)];

/// Each command with the names of its attributes, or the error.
fn outline(plan: Result<Plan, PlanError>) -> String {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return format!("  {error}\n"),
    };
    let mut out = String::new();
    for command in plan.commands() {
        let text = command.to_string();
        let names: Vec<_> = text.lines().skip(1).filter_map(|line| line.trim().split(" = ").next()).collect();
        writeln!(out, "  {}: {}", command.name(), names.join(" ")).unwrap();
    }
    out
}

#[test]
fn the_samples_on_every_kernel() {
    for (name, object) in samples::all() {
        let mut out = String::new();
        for (major, minor) in KERNELS {
            writeln!(out, "Linux {major}.{minor}").unwrap();
            out += &outline(Plan::new(&object, &samples::answers(major, minor)));
        }
        insta::assert_snapshot!(format!("kernels_{name}"), out);
    }
}

#[test]
fn old_kernels_get_only_kinds_they_know() {
    let object = samples::every_kind();
    let kernels = [(4, 18), (5, 0), (5, 2), (5, 6), (5, 13), (5, 16), (5, 17), (6, 0), (6, 18)];
    for (major, minor) in kernels {
        let target = Target::of_kernel(major, minor).with_endian(Endian::Little);
        let bytes = samples::loaded_btf(&object, &target);
        let view = View::new(&bytes).unwrap();
        view.check().unwrap();
        for id in view.ids() {
            let ty = view.get(id).unwrap();
            assert!(target.since(ty.kind().unwrap().since()) != Fact::No, "{major}.{minor} {id}: {ty:?}");
            if let Type::Func(func) = ty {
                assert!((major, minor) >= (5, 6) || func.linkage == Linkage::Static);
            }
        }
        insta::assert_snapshot!(format!("btf_for_{major}_{minor}"), view.listing().to_string());
    }
}

#[test]
fn replacing_keeps_numbers_and_sizes() {
    let object = samples::every_kind();
    let (old, new) = (Target::of_kernel(4, 18), Target::of_kernel(6, 18));
    let [old, new] =
        [old, new].map(|target| samples::loaded_btf(&object, &target.with_endian(Endian::Little)));
    let (old, new) = (View::new(&old).unwrap(), View::new(&new).unwrap());
    assert_eq!(old.len(), new.len());
    for id in new.ids() {
        let sized = !matches!(
            new.kind_of(id).unwrap(),
            Kind::Func | Kind::FuncProto | Kind::Var | Kind::DeclTag | Kind::Fwd
        );
        if sized {
            assert_eq!(old.size_of(id), new.size_of(id), "{id}");
        }
    }
}

#[test]
fn a_kernel_that_has_everything_gets_the_object_as_it_is() {
    let object = samples::every_kind();
    let linked = object.linked();
    let newest = samples::answers(7, 2);
    assert_eq!(samples::loaded_btf(&object, &newest), linked.btf.encode(Endian::Little));
    let unknown = Target::unknown(Endian::Little);
    assert_eq!(samples::loaded_btf(&object, &unknown), linked.btf.encode(Endian::Little));
}

#[test]
fn what_is_not_known_counts_as_present_and_is_noted() {
    let target = samples::answering(Target::unknown(Endian::Little));
    let plan = Plan::new(&samples::asm_map_elem::object().unwrap(), &target).unwrap();
    let load = plan.steps().iter().find(|step| step.command.name() == "PROG_LOAD").unwrap();
    let noted = |subject| load.assumptions.iter().any(|assumption| assumption.subject == subject);
    assert!(noted(Subject::Feature(Feature::FdArray)) && noted(Subject::Feature(Feature::Timers)));
    let known = samples::answering(Target::of_kernel(6, 18));
    let plan = Plan::new(&samples::asm_map_elem::object().unwrap(), &known).unwrap();
    assert!(plan.steps().iter().all(|step| step.assumptions.is_empty()));
}

/// A release that uname tells proves no absence, but what every kernel takes is the better guess.
#[test]
fn a_hint_is_enough_to_go_the_older_way() {
    let fd_arrays = |minor| {
        let target = Target::unknown(Endian::Little).with_release_hint(KernelVersion::new(5, minor));
        let plan = Plan::new(&samples::maps(), &samples::answering(target)).unwrap();
        let arrays: Vec<_> = plan
            .commands()
            .filter_map(|command| match command {
                Command::ProgLoad(load) => Some(load.fd_array.len()),
                _ => None,
            })
            .collect();
        arrays
    };
    assert_eq!(fd_arrays(13), [0]);
    assert_eq!(fd_arrays(14).len(), 1);
    assert_ne!(fd_arrays(14), [0]);
}

#[test]
fn without_fd_array_the_numbers_go_into_the_instructions() {
    let target = samples::answers(6, 18).with_fact(Subject::Feature(Feature::FdArray), Fact::No);
    let plan = Plan::new(&samples::maps(), &target).unwrap();
    let load = plan.commands().find_map(|command| match command {
        Command::ProgLoad(load) => Some(load.clone()),
        _ => None,
    });
    let load = load.unwrap();
    assert!(load.fd_array.is_empty());
    assert_eq!(load.fd_slots.len(), 4);
}

/// A load plans what needs nothing of the running kernel for one that has everything: nothing may come out differently, but
/// that it has no assumptions. A hint at a release that lacks something makes the plan take the older way, if there is one.
#[test]
fn a_release_that_is_a_hint_changes_no_command_if_it_is_new_enough() {
    let everything = Target::of_kernel(u16::MAX, u16::MAX).with_endian(Endian::Little);
    let unknown = || Target::unknown(Endian::Little);
    let hints = [
        unknown(),
        unknown().with_release_hint(KernelVersion::new(5, 14)),
        Target::simulated().with_endian(Endian::Little),
    ];
    let mut compared = 0;
    for (name, object) in samples::all().into_iter().filter(|(_, object)| object.needs().is_empty()) {
        let expected = Plan::new(&object, &everything).unwrap();
        assert!(expected.steps().iter().all(|step| step.assumptions.is_empty()), "{name}");
        for target in &hints {
            let plan = Plan::new(&object, target).unwrap();
            assert!(plan.commands().eq(expected.commands()), "{name} for {target}\n{plan}\n{expected}");
        }
        compared += 1;
    }
    assert!(compared > 4, "{compared} objects");
}
