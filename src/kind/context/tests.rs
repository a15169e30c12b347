#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::rules::Layout;
use super::*;
use crate::base::KernelVersion;
use crate::kind::ProgType;

/// Every context once, with the kinds that have it.
fn contexts() -> Vec<(Context, Vec<ProgramKind>)> {
    let mut contexts: Vec<(Context, Vec<ProgramKind>)> = Vec::new();
    for &kind in ProgramKind::ALL {
        let context = kind.context();
        match contexts.iter_mut().find(|(known, _)| std::ptr::eq(known.0, context.0)) {
            Some((_, kinds)) => kinds.push(kind),
            None => contexts.push((context, vec![kind])),
        }
    }
    contexts
}

#[test]
fn rows_are_in_order_and_fit_the_bits() {
    for (context, _) in contexts() {
        let Layout { fields, .. } = context.0.layout;
        assert!(fields.len() <= 64, "{context:?}");
        assert!(fields.is_sorted_by_key(|field| field.offset), "{context:?}");
        for field in *fields {
            assert!(field.size > 0 && !field.reads.is_empty(), "{context:?} {}", field.name);
            assert!(field.since >= KernelVersion::new(4, 1), "{context:?} {}", field.name);
        }
    }
}

#[test]
fn accesses_stay_inside_and_aligned() {
    let context = ProgramKind::SOCKET_FILTER.context();
    let access = |direction, offset, width| context.access(direction, offset, width);
    assert!(matches!(access(Direction::Read, 0, 4), ContextAccess::Allowed(field) if field.name == "len"));
    assert!(matches!(access(Direction::Write, 48, 8), ContextAccess::Allowed(field) if field.name == "cb"));
    for (offset, width) in [(64, 8), (47, 2), (49, 2), (1, 4), (48, 3), (48, 0), (48, 16), (48, u32::MAX)] {
        assert_eq!(access(Direction::Write, offset, width), ContextAccess::Refused, "{offset} {width}");
    }
    assert_eq!(access(Direction::Read, u32::MAX, 1), ContextAccess::Refused);
    assert_eq!(access(Direction::Read, u32::MAX - 7, 8), ContextAccess::Refused);
}

#[test]
fn what_is_not_known_is_not_refused() {
    let access =
        |kind: ProgramKind, direction, offset, width| kind.context().access(direction, offset, width);
    assert_eq!(access(ProgramKind::FENTRY, Direction::Read, 800, 8), ContextAccess::Unknown);
    assert_eq!(access(ProgramKind::FENTRY, Direction::Read, 4, 4), ContextAccess::Refused);
    assert_eq!(access(ProgramKind::FENTRY, Direction::Write, 0, 8), ContextAccess::Refused);
    assert_eq!(access(ProgramKind::EXT, Direction::Write, 0, 8), ContextAccess::Unknown);
    assert_eq!(access(ProgramKind::KPROBE, Direction::Read, 264, 8), ContextAccess::Unknown);
    assert_eq!(access(ProgramKind::KPROBE, Direction::Write, 0, 8), ContextAccess::Unknown);
    assert_eq!(access(ProgramKind::PERF_EVENT, Direction::Write, 0, 8), ContextAccess::Refused);
}

#[test]
fn every_type_but_those_of_functions_has_fields() {
    for &kind in ProgramKind::ALL {
        let by_btf = [ProgType::TRACING, ProgType::LSM, ProgType::STRUCT_OPS, ProgType::EXT]
            .contains(&kind.prog_type());
        assert_eq!(kind.context().fields().next().is_none(), by_btf, "{kind}");
        assert_eq!(kind.context().size() == 0, by_btf, "{kind}");
    }
}

#[test]
fn the_whole_table() {
    let mut text = String::new();
    for (context, kinds) in contexts() {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        text += &format!("{} ({:?}): {}\n", context.name(), context.known(), kinds.join(", "));
        context.fields().for_each(|field| text += &line(&field));
    }
    insta::assert_snapshot!(text);
}

fn line(field: &ContextField) -> String {
    format!(
        "  {:5}+{:<5} {:22} r {:7} w {:7} {}{}{}\n",
        field.offset,
        field.size,
        field.name,
        widths(field.reads),
        widths(field.writes),
        field.since,
        if field.at_start { " at its start" } else { "" },
        field.pointer.map_or_else(String::new, |pointer| format!(" {pointer:?}")),
    )
}

fn widths(widths: Widths) -> String {
    let list: Vec<_> = widths.iter().map(|width| width.bits().to_string()).collect();
    if list.is_empty() { "-".into() } else { list.join(",") }
}
