//! Spin locks in values of maps.

use std::panic::Location;

use super::dynamic;
use super::flow::End;
use super::func::Func;
use super::place::Place;
use crate::btf::SpinLock;

impl<'f, R> dynamic::Func<'f, R> {
    /// Does this while it holds a lock: see [`dsl::Func::lock`](crate::dsl::Func::lock).
    #[doc(alias = "bpf_spin_lock")]
    #[track_caller]
    pub fn lock<E: End>(self, lock: dynamic::Place<'f>, body: impl FnOnce() -> E) -> E::Out {
        let (brand, at) = (self.brand(), Location::caller());
        brand.with(|state| state.lock_begin(lock.pointer(), at));
        let end = body().out();
        brand.with(|state| state.lock_end(at));
        end
    }
}

impl<'f, R> Func<'f, R> {
    /// Does this while it holds a lock (`bpf_spin_lock`, `bpf_spin_unlock`, since 5.1). The lock is let go on every way out, also
    /// by a return, a break or a continue. Nothing can be called meanwhile, and no other lock be taken.
    ///
    /// ```
    /// # use bpfsmith::{BtfType, btf::SpinLock, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// #[derive(BtfType, Clone, Copy)]
    /// #[repr(C)]
    /// struct Counter {
    ///     lock: SpinLock,
    ///     packets: u32,
    ///     bytes: u64,
    /// }
    ///
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// let counters = object.map(MapSpec::array::<Counter>("counters").max_entries(1));
    /// object.program("count", CgroupSkb::EGRESS, |f, ctx| {
    ///     let counter = f.map_lookup(&counters, &f.local(0u32)).or_return(Verdict::ALLOW);
    ///     let (packets, bytes) = (counter.field(Counter::PACKETS), counter.field(Counter::BYTES));
    ///     let len = ctx.len().to::<u64>();
    ///     f.lock(counter.field(Counter::LOCK), || {
    ///         packets.set(packets.get() + 1);
    ///         bytes.set(bytes.get() + len);
    ///     });
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// # object.finish()?;
    /// # Ok::<(), bpfsmith::object::ObjectError>(())
    /// ```
    #[doc(alias = "bpf_spin_lock")]
    #[doc(alias = "bpf_spin_unlock")]
    #[track_caller]
    pub fn lock<E: End>(self, lock: Place<'f, SpinLock>, body: impl FnOnce() -> E) -> E::Out {
        self.dynamic().lock(dynamic::Place::new(lock.brand(), lock.pointer()), body)
    }
}
