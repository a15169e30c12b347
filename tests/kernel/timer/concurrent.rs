//! A callback that runs on another CPU while its element goes.

use std::thread;

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4};
use bpfsmith::asm::{Assembler, Helper};
use bpfsmith::base::KernelVersion;
use bpfsmith::sys::host;

use super::closures::Tick;
use super::deadlines::{can_choose_cpus, online, stay_on};
use super::rig::{Callback, HASH, MILLISECOND, Rig, Setup, keep};
use crate::common::wait_until;
use crate::dialect::add_dialects;
use crate::support::{Suite, has_since};

pub fn add(suite: &mut Suite) {
    let may = || has_since(KernelVersion::new(5, 17), "bpf_loop").and_then(|()| can_choose_cpus());
    add_dialects(
        suite,
        may,
        "timer concurrent: an update waits for the callback before 7.0, and not since",
        update,
    );
    add_dialects(suite, may, "timer concurrent: cancel waits for the callback", cancel);
}

/// Says that it runs, takes long, and says that it ran.
fn slow(a: &mut Assembler) {
    a.mov(R0, 1);
    keep(a, 0);
    a.mov(R1, 1 << 23).load_function(R2, "nothing").mov(R3, 0).mov(R4, 0).call(Helper::LOOP);
    a.mov(R0, 1);
    keep(a, 1);
}

fn slow_dsl(tick: Tick<'_>) {
    tick.reach(0);
    tick.f.bpf_loop(1 << 23, (), |_, _, ()| {});
    tick.reach(1);
}

fn runs(rig: &Rig) -> bool {
    rig.own::<2>()[0] == 1
}

fn has_run(rig: &Rig) -> bool {
    rig.own::<2>()[1] == 1
}

/// Whether the callback, which ran when `act` was called, has run when that comes back; and what `act` gave.
fn meanwhile<T: Send>(act: impl Fn(&Rig) -> T + Send + Sync) -> (bool, T) {
    let rig = Setup { callback: Callback { asm: slow, dsl: slow_dsl }, ..HASH }.load();
    let cpus = online();
    thread::scope(|scope| {
        scope.spawn(|| {
            stay_on(cpus[0]);
            rig.first().arm(MILLISECOND);
        });
        let outcome = scope.spawn(|| {
            stay_on(cpus[1]);
            wait_until("the callback runs", || runs(&rig));
            let answer = act(&rig);
            (has_run(&rig), answer)
        });
        let outcome = outcome.join().unwrap();
        wait_until("the callback has run", || has_run(&rig));
        outcome
    })
}

/// Once the timer is not waited for, the callback still works on the value that was replaced.
fn update() {
    let waited: Vec<_> = (0..10).map(|_| meanwhile(|rig| rig.insert(0)).0).collect();
    if host::kernel_version().unwrap() < KernelVersion::new(7, 0) {
        assert_eq!(waited, [true; 10]);
    } else {
        assert!(waited.contains(&false), "{waited:?}");
    }
}

/// It was not queued any more.
fn cancel() {
    for _ in 0..3 {
        assert_eq!(meanwhile(|rig| rig.first().cancel()), (true, 0));
    }
}
