//! The programs of `programs`, each as its C says.

mod checksum_fold;
mod compare16;
mod device_table;
mod dns_name;
mod early_returns;
mod ipv4_options;
mod log2_histogram;
mod loop_sum;
mod lpm_lookup;
mod mixed_width;
mod nested_lookup;
mod percpu_add;
mod ringbuf_submit;
mod signed_division;
mod spin_counter;
mod switch3;
mod tail_dispatch;
mod tcp_options;
mod timer_arm;
mod token_bucket;

use bpfsmith::asm::Isa;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};

/// The name of a program, and what records it.
pub type Twin = (&'static str, fn(&mut ObjectBuilder));

macro_rules! twins {
    ($($name:ident)*) => {
        /// In the order of the table.
        pub const ALL: &[Twin] = &[$((stringify!($name), $name::record)),*];
    };
}

twins! {
    ipv4_options
    checksum_fold
    nested_lookup
    switch3
    token_bucket
    log2_histogram
    compare16
    lpm_lookup
    ringbuf_submit
    tail_dispatch
    loop_sum
    spin_counter
    percpu_add
    tcp_options
    dns_name
    timer_arm
    device_table
    mixed_width
    signed_division
    early_returns
}

pub fn object((name, record): Twin, isa: Isa) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new(name).license("GPL").isa(isa);
    record(&mut object);
    object.finish()
}
