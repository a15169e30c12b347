//! The programs of the examples in the simulator: what they decide, held against plain Rust.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::duplicate_mod)]

#[path = "../examples/device_filter.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod device_filter;
#[path = "../examples/dns_ttl.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod dns_ttl;
#[path = "../examples/syscall_count.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod syscall_count;

#[path = "examples/dns.rs"]
mod dns;

use bpfsmith::backend::{Backend, Input, Simulated};
use device_filter::{BLOCK, CHARACTER, MAKE, READ, Rule, RuleError, WRITE};
use proptest::prelude::*;

/// What a list of rules says of an access, without any program.
fn allowed(rules: &[Rule], kind: u32, access: u32, major: u32, minor: u32) -> bool {
    let is = |wanted: Option<u32>, number: u32| wanted.is_none_or(|wanted| wanted == number);
    let matches = |rule: &&Rule| {
        let asked = if rule.allow { access & !rule.access == 0 } else { access & rule.access != 0 };
        asked && is(rule.kind, kind) && is(rule.major, major) && is(rule.minor, minor)
    };
    rules.iter().rev().find(matches).is_some_and(|rule| rule.allow)
}

fn filter(rules: &[Rule]) -> Simulated {
    Simulated::new(&device_filter::object(rules).unwrap()).unwrap()
}

fn passes(filter: &mut Simulated, kind: u32, access: u32, major: u32, minor: u32) -> bool {
    let context = device_filter::context(kind, access, major, minor);
    filter.run("device_filter", &Input::context(&context)).unwrap().retval == 1
}

fn parsed(text: &str) -> Rule {
    text.parse().unwrap()
}

#[test]
fn without_a_rule_nothing_is_allowed() {
    let mut filter = filter(&[]);
    assert!(!passes(&mut filter, CHARACTER, READ, 1, 3));
    assert!(!passes(&mut filter, BLOCK, MAKE, 8, 0));
}

#[test]
fn the_last_rule_that_matches_decides() {
    let mut filter = filter(&["a", "deny c 1:* rw", "c 1:3 rwm"].map(parsed));
    assert!(passes(&mut filter, CHARACTER, READ | WRITE, 1, 3));
    assert!(!passes(&mut filter, CHARACTER, READ, 1, 5));
    assert!(passes(&mut filter, CHARACTER, MAKE, 1, 5));
    assert!(passes(&mut filter, BLOCK, READ, 1, 5));
}

#[test]
fn an_allowing_rule_has_to_allow_all_that_is_asked() {
    let mut filter = filter(&["c 1:3 r", "c 1:3 w"].map(parsed));
    assert!(passes(&mut filter, CHARACTER, READ, 1, 3));
    assert!(passes(&mut filter, CHARACTER, WRITE, 1, 3));
    assert!(!passes(&mut filter, CHARACTER, READ | WRITE, 1, 3));
}

#[test]
fn rules_are_read_as_container_runtimes_write_them() {
    let rule = |allow, kind, major, minor, access| Rule { allow, kind, major, minor, access };
    assert_eq!(parsed("c 1:3 rwm"), rule(true, Some(CHARACTER), Some(1), Some(3), READ | WRITE | MAKE));
    assert_eq!(parsed("b *:* m"), rule(true, Some(BLOCK), None, None, MAKE));
    assert_eq!(parsed(" a  4294967295:* w "), rule(true, None, Some(u32::MAX), None, WRITE));
    assert_eq!(parsed("a"), rule(true, None, None, None, READ | WRITE | MAKE));
    assert_eq!(parsed("deny c *:5 r"), rule(false, Some(CHARACTER), None, Some(5), READ));
}

#[test]
fn what_is_no_rule_is_told() {
    let wrong = |text: &str| text.parse::<Rule>().unwrap_err();
    assert_eq!(wrong(""), RuleError::Words(0));
    assert_eq!(wrong("deny"), RuleError::Words(0));
    assert_eq!(wrong("c 1:3"), RuleError::Words(2));
    assert_eq!(wrong("c 1:3 r w"), RuleError::Words(4));
    assert_eq!(wrong("d 1:3 r"), RuleError::Kind("d".into()));
    assert_eq!(wrong("c 13 r"), RuleError::Numbers("13".into()));
    assert_eq!(wrong("c 1: r"), RuleError::Number("".into()));
    assert_eq!(wrong("c +1:3 r"), RuleError::Number("+1".into()));
    assert_eq!(wrong("c 1:4294967296 r"), RuleError::Number("4294967296".into()));
    assert_eq!(wrong("c 1:3 rr"), RuleError::Access("rr".into()));
    assert_eq!(wrong("c 1:3 x"), RuleError::Access("x".into()));
}

fn number() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![Just(None), (0u32..3).prop_map(Some), Just(Some(0x8000_0000)), Just(Some(u32::MAX))]
}

fn rule() -> impl Strategy<Value = Rule> {
    let kind = prop_oneof![Just(None), Just(Some(BLOCK)), Just(Some(CHARACTER))];
    (any::<bool>(), kind, number(), number(), 1u32..8).prop_map(|(allow, kind, major, minor, access)| Rule {
        allow,
        kind,
        major,
        minor,
        access,
    })
}

proptest! {
    #[test]
    fn the_program_decides_as_the_rules_do(rules in prop::collection::vec(rule(), 0..12)) {
        let mut filter = filter(&rules);
        let numbers = [0, 1, 2, 3, 0x8000_0000, u32::MAX];
        for (kind, access) in [BLOCK, CHARACTER].into_iter().flat_map(|kind| (0..8).map(move |access| (kind, access))) {
            for (major, minor) in numbers.into_iter().flat_map(|major| numbers.map(|minor| (major, minor))) {
                let expected = allowed(&rules, kind, access, major, minor);
                prop_assert_eq!(passes(&mut filter, kind, access, major, minor), expected);
            }
        }
    }
}

#[test]
fn calls_are_counted_by_their_number() {
    let mut running = syscall_count::support::Running::Simulator(Box::new(
        Simulated::new(&syscall_count::object().unwrap()).unwrap(),
    ));
    for number in [7, 3, 7, 1 << 40, 7, 3] {
        running.run("count", &Input::context(&syscall_count::context(number))).unwrap();
    }
    assert_eq!(syscall_count::counts(&mut running).unwrap(), [(7, 3), (3, 2), (1 << 40, 1)]);
}

#[test]
fn answers_are_remembered_as_long_as_they_are_valid() {
    let scenarios = [
        dns::answers_are_remembered,
        dns::aliases_lead_to_the_address,
        dns::records_go_when_their_time_is_over,
        dns::what_is_malformed_is_passed_on,
    ];
    for scenario in scenarios {
        scenario(&mut Simulated::new(&dns_ttl::object().unwrap()).unwrap());
    }
}
