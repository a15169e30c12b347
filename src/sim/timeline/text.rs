//! The timeline as text.

use std::fmt;

use super::{Timeline, TimelineEntry, TimerEvent};

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped() > 0 {
            writeln!(f, "({} earlier entries were not kept)", self.dropped())?;
        }
        self.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

/// `1.000010000 cpu 0  hmap[1] fired`, and the Rust line that did it.
impl fmt::Display for TimelineEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, rest) = (self.time / 1_000_000_000, self.time % 1_000_000_000);
        write!(f, "{seconds:5}.{rest:09} cpu {}  {} {}", self.cpu, owner(&self.map, &self.key), self.event)?;
        match &self.loc {
            Some(loc) => write!(f, "  at {loc}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TimerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initialised => f.write_str("initialised"),
            Self::CallbackSet => f.write_str("callback set"),
            Self::Armed(i64::MAX) => f.write_str("armed for never"),
            Self::Armed(time) => write!(f, "armed for {}", Seconds(*time)),
            Self::Moved(i64::MAX) => f.write_str("moved to never"),
            Self::Moved(time) => write!(f, "moved to {}", Seconds(*time)),
            Self::Fired => f.write_str("fired"),
            Self::Returned => f.write_str("returned"),
            Self::Lapsed => f.write_str("lapsed: it had no callback"),
            Self::Cancelled(true) => f.write_str("cancelled"),
            Self::Cancelled(false) => f.write_str("cancelled, was not armed"),
            Self::Freed => f.write_str("freed"),
        }
    }
}

/// The place of a timer: the map, and the bytes of the key.
pub(in crate::sim) fn owner(map: &str, key: &[u8]) -> String {
    let bytes: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{map}[{}]", bytes.join(" "))
}

struct Seconds(i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:09}", time / 1_000_000_000, time % 1_000_000_000)
    }
}
