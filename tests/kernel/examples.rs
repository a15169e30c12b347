//! The packets of the example `dns_ttl` in the running kernel.
#![allow(clippy::duplicate_mod)]

#[path = "../examples/dns.rs"]
mod dns;
#[path = "../../examples/dns_ttl.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod dns_ttl;

use bpfsmith::backend::{Backend, Kernel};

use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

type Scenario = fn(&mut dyn Backend);

pub fn add(suite: &mut Suite) {
    let scenarios: [(&str, Scenario); 4] = [
        ("answers are remembered", dns::answers_are_remembered),
        ("aliases lead to the address", dns::aliases_lead_to_the_address),
        ("records go when their time is over", dns::records_go_when_their_time_is_over),
        ("what is malformed is passed on", dns::what_is_malformed_is_passed_on),
    ];
    for (name, scenario) in scenarios {
        let condition = all(&[has_cap_bpf, has_cap_perfmon, has_cap_net_admin]);
        suite.test_if(condition, &format!("dns_ttl: {name}"), move || {
            scenario(&mut Kernel::new(&dns_ttl::object().unwrap()).unwrap());
        });
    }
}
