//! The spin lock that is held: it is let go on every way out.

use super::call::Argument;
use super::{Pointer, State};
use crate::base::Helper;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::At;

/// A lock that what is recorded now holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    place: Pointer,
    /// How many loops were open when it was taken.
    loops: usize,
    at: At,
}

impl State {
    /// Takes a lock.
    pub(crate) fn lock_begin(&mut self, place: Pointer, at: At) {
        self.refuse_locked("a second lock", at);
        self.call_helper(Helper::SPIN_LOCK, &[Argument::Pointer(place)], at);
        self.lock = Some(Lock { place, loops: self.loops_open(), at });
    }

    /// Lets it go.
    pub(crate) fn lock_end(&mut self, at: At) {
        self.unlock(at);
        self.lock = None;
    }

    /// Lets the lock go before a return.
    pub(crate) fn unlock_to_return(&mut self, at: At) {
        self.unlock(at);
    }

    /// Lets the lock go before a jump that leaves what holds it: to a loop that was open before.
    pub(crate) fn unlock_to_jump(&mut self, at: At) {
        if self.lock.is_some_and(|lock| lock.loops == self.loops_open()) {
            self.unlock(at);
        }
    }

    fn unlock(&mut self, at: At) {
        let Some(lock) = self.lock.filter(|_| self.is_live()) else { return };
        self.lock = None;
        self.call_helper(Helper::SPIN_UNLOCK, &[Argument::Pointer(lock.place)], at);
        self.lock = Some(lock);
    }

    /// Nothing may be called while a lock is held.
    pub(crate) fn refuse_locked(&mut self, what: &str, at: At) {
        if let Some(Lock { at: taken, .. }) = self.lock {
            let (what, site, lock) = (what.to_owned(), site(at), site(taken));
            self.fail(Error::Locked { what, lock, site });
        }
    }
}
