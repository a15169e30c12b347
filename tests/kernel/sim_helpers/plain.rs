//! Helpers that work on memory alone.

use super::Test;

pub(super) const TESTS: &[Test] = &[];
