//! The guide: how programs that you know in C look here, what is checked where, and how timers behave.
//!
//! - [`from_c`]: three programs of the kernel's documentation of timers, in C and in Rust, side by side.
//! - [`checked`]: what the verifier refuses, and the Rust type or the finding of [`check`](crate::check) that comes before it.
//! - [`timers`]: how long they live, what the four helpers return, clocks and deadlines.
//! - [`messages`]: what the compiler says of mistakes that it has no good words for.

#[doc = include_str!("guide/from_c.md")]
pub mod from_c {}

#[doc = include_str!("guide/checked.md")]
pub mod checked {}

#[doc = include_str!("guide/timers.md")]
pub mod timers {}

#[doc = include_str!("guide/messages.md")]
pub mod messages {}
