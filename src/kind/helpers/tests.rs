#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use super::*;
use crate::kind::ProgType;

#[test]
fn sets_hold_what_was_put_in() {
    let some = [Helper::MAP_LOOKUP_ELEM, Helper::TIMER_INIT, Helper::CGRP_STORAGE_DELETE];
    let set: HelperSet = some.into_iter().collect();
    assert_eq!(set, HelperSet::of(&some));
    assert_eq!(set.iter().collect::<Vec<_>>(), some);
    assert_eq!(set.len(), 3);
    assert_eq!(HelperSet::ALL.len(), Helper::ALL.len());
    assert_eq!(HelperSet::ALL.difference(set).len(), Helper::ALL.len() - 3);
    assert!(HelperSet::of(&[Helper(256), Helper(u32::MAX)]).is_empty());
    assert!(!HelperSet::ALL.contains(Helper(0)) && !HelperSet::ALL.contains(Helper(u32::MAX)));
}

#[test]
fn every_helper_is_some_kinds() {
    let kinds = ProgramKind::ALL.iter().filter(|kind| kind.prog_type() != ProgType::EXT);
    let offered = kinds.fold(HelperSet::EMPTY, |set, kind| set.union(kind.helpers()));
    assert_eq!(offered, HelperSet::ALL);
}

#[test]
fn kinds_with_timers_may_call_the_four() {
    let four = [Helper::TIMER_INIT, Helper::TIMER_SET_CALLBACK, Helper::TIMER_START, Helper::TIMER_CANCEL];
    for &kind in ProgramKind::ALL {
        let all = four.iter().all(|&helper| kind.helpers().contains(helper));
        assert_eq!(all, kind.timers().is_some(), "{kind}");
    }
}

#[test]
fn terms_are_there_for_what_is_in_the_set() {
    for &kind in ProgramKind::ALL {
        for helper in (0..260).map(Helper) {
            assert_eq!(kind.helper(helper).is_some(), kind.helpers().contains(helper), "{kind} {helper}");
        }
    }
}

#[test]
fn terms_tell_the_first_release() {
    let since = |kind: ProgramKind, helper| kind.helper(helper).unwrap().since.to_string();
    assert_eq!(since(ProgramKind::XDP, Helper::MAP_LOOKUP_ELEM), "4.8");
    assert_eq!(since(ProgramKind::KPROBE, Helper::GET_CURRENT_COMM), "4.2");
    assert_eq!(since(ProgramKind::XDP, Helper::GET_CURRENT_COMM), "6.16");
    assert_eq!(since(ProgramKind::XDP, Helper::TIMER_INIT), "5.15");
}

/// What `netfilter` programs may call, which have no helpers of their own; and of every other kind what differs from that.
#[test]
fn the_whole_table() {
    let base = by_helper(ProgramKind::NETFILTER);
    let mut groups: Vec<(Vec<String>, Vec<&str>)> = vec![(lines(&base), vec!["netfilter"])];
    // Programs that replace another may all that the other may.
    let told = [ProgramKind::NETFILTER, ProgramKind::EXT];
    for &kind in ProgramKind::ALL.iter().filter(|kind| !told.contains(kind)) {
        let lines = lines(&differing(&base, by_helper(kind)));
        match groups.iter_mut().skip(1).find(|(known, _)| *known == lines) {
            Some((_, kinds)) => kinds.push(kind.name()),
            None => groups.push((lines, vec![kind.name()])),
        }
    }
    let text: Vec<_> =
        groups.iter().map(|(lines, kinds)| format!("{}\n{}", kinds.join(", "), lines.concat())).collect();
    insta::assert_snapshot!(text.concat());
}

type ByHelper = BTreeMap<Helper, String>;

fn differing(base: &ByHelper, mut offered: ByHelper) -> ByHelper {
    for (helper, terms) in base {
        match offered.get(helper) {
            Some(known) if known == terms => drop(offered.remove(helper)),
            Some(_) => {}
            None => drop(offered.insert(*helper, "never".into())),
        }
    }
    offered
}

fn lines(offered: &ByHelper) -> Vec<String> {
    let mut by_terms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (helper, terms) in offered {
        let name = helper.to_string().trim_start_matches("bpf_").to_owned();
        by_terms.entry(terms).or_default().push(name);
    }
    by_terms.into_iter().map(|(terms, names)| format!("  {terms}: {}\n", names.join(" "))).collect()
}

fn by_helper(kind: ProgramKind) -> ByHelper {
    kind.helpers().iter().map(|helper| (helper, words(kind, helper))).collect()
}

/// What the terms add to the helper's own and the kind's.
fn words(kind: ProgramKind, helper: Helper) -> String {
    let terms = kind.helper(helper).unwrap();
    let later = terms.since > helper.since().unwrap().max(kind.since());
    let words = [
        later.then(|| format!("since {}", terms.since)),
        (!terms.capabilities.is_empty()).then(|| terms.capabilities.to_string()),
        terms.config.map(str::to_owned),
        terms.lockdown.map(|reason| format!("not {reason}")),
        terms.only_for.map(|place| format!("for {place}")),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    if words.is_empty() { "always".into() } else { words.join(", ") }
}
