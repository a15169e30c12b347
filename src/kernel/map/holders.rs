//! Who keeps the timers of a map running, as far as this process can tell.
//!
//! The kernel counts the *users* of a map: descriptors and pins. When there is none, it cancels and frees every timer in the
//! map; programs, outer maps and links that use the map do not count. The count itself it shows to nobody.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Map, MapError};
use crate::btf::special::{FieldKind, FieldKinds, scan};
use crate::btf::{TypeId, View};
use crate::kernel::pin;
use crate::map::{MapDef, MapKind, MapSource};
use crate::sys;
use crate::sys::abi::MapInfo;

/// What becomes of a map's timers when a handle of it is dropped; see [`Map::on_drop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "timers may stop"]
pub enum OnDrop {
    /// Nothing: its values hold no timers.
    NoTimers,
    /// They go on: this process has another handle of the map, or its pin is there.
    TimersGoOn,
    /// They are cancelled and freed, their callbacks never called again: nobody else is known to hold the map. That another
    /// process has a descriptor of it, or pinned it elsewhere, cannot be seen.
    TimersStop,
}

impl fmt::Display for OnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTimers => "its values hold no timers",
            Self::TimersGoOn => "its timers go on: another handle or a pin keeps them",
            Self::TimersStop => "its timers stop: keep a handle, or pin the map",
        })
    }
}

/// What this process knows of a map beyond its descriptor. Clones are of handles of the same map.
#[derive(Clone, Debug, Default)]
pub(in crate::kernel) struct Holders {
    /// Where it is, or was, pinned; shared by all handles that come from one another.
    pins: Arc<Mutex<Vec<PathBuf>>>,
    timer: Timer,
}

/// Where in a value its timer is: known from the start, or asked for once.
#[derive(Clone, Debug)]
enum Timer {
    Known(Option<u32>),
    Asked(OnceLock<Option<u32>>),
}

impl Default for Timer {
    fn default() -> Self {
        Self::Asked(OnceLock::new())
    }
}

impl Holders {
    pub(in crate::kernel) fn pinned_at(path: &Path) -> Self {
        let holders = Self::default();
        holders.add_pin(path);
        holders
    }

    pub(in crate::kernel) fn add_pin(&self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut pins = self.pins();
        if !pins.contains(&path) {
            pins.push(path);
        }
    }

    /// Of a map that was made from this description.
    pub(in crate::kernel) fn of(def: &MapDef) -> Self {
        match &def.source {
            MapSource::Create => {
                let field = def.fields.iter().find(|field| field.kind == FieldKind::Timer);
                Self { timer: Timer::Known(field.map(|field| field.offset)), pins: Arc::default() }
            }
            MapSource::Pinned { path } => Self::pinned_at(Path::new(path)),
            MapSource::Supplied => Self::default(),
        }
    }

    fn pins(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_others(&self) -> bool {
        Arc::strong_count(&self.pins) > 1
    }
}

impl Map {
    /// Where in a value its timer is, in bytes; `None`: values hold no timer.
    ///
    /// Of a map that was created by loading an object, it is known. Of any other the kernel is asked, once: two calls, and two
    /// more where the map has BTF.
    ///
    /// # Errors
    /// [`MapError::Kernel`]: EPERM where the map has BTF and `CAP_SYS_ADMIN` is missing; EINVAL where that BTF cannot be read.
    pub fn timer_offset(&self) -> Result<Option<u32>, MapError> {
        let cell = match &self.holders.timer {
            Timer::Known(offset) => return Ok(*offset),
            Timer::Asked(cell) => cell,
        };
        if let Some(known) = cell.get() {
            return Ok(*known);
        }
        let asked = self.ask_for_timer()?;
        Ok(*cell.get_or_init(|| asked))
    }

    /// Whether its values hold timers.
    ///
    /// # Errors
    /// As [`timer_offset`](Self::timer_offset).
    pub fn has_timers(&self) -> Result<bool, MapError> {
        self.timer_offset().map(|offset| offset.is_some())
    }

    /// What becomes of its timers when this handle is dropped.
    ///
    /// Counted are the handles that were cloned from one another in this process, and the pins made or opened through them, which
    /// are looked for (two calls each). To keep timers running, keep a handle or [`pin`](Self::pin) the map; a program that uses
    /// it is not enough.
    ///
    /// ```no_run
    /// # use bpfsmith::kernel::{self, OnDrop};
    /// # fn keep(object: &bpfsmith::object::Object) -> Result<(), Box<dyn std::error::Error>> {
    /// let loaded = kernel::load(object)?;
    /// let timers = loaded.map("timers")?;
    /// assert_eq!(timers.on_drop()?, OnDrop::TimersStop);
    /// timers.pin("/sys/fs/bpf/timers")?;
    /// assert_eq!(timers.on_drop()?, OnDrop::TimersGoOn);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`timer_offset`](Self::timer_offset).
    #[doc(alias = "usercnt")]
    pub fn on_drop(&self) -> Result<OnDrop, MapError> {
        if !self.has_timers()? {
            return Ok(OnDrop::NoTimers);
        }
        let kept = self.holders.has_others() || self.is_pinned()?;
        Ok(if kept { OnDrop::TimersGoOn } else { OnDrop::TimersStop })
    }

    /// Whether one of the known pins is there and is this map's.
    fn is_pinned(&self) -> Result<bool, MapError> {
        let pins = self.holders.pins().clone();
        if pins.is_empty() {
            return Ok(false);
        }
        let id = self.id()?;
        let is_this = |path: &PathBuf| {
            let pinned = pin::get_map(path).and_then(|fd| sys::info::map(&fd));
            pinned.is_ok_and(|info| info.id == id)
        };
        Ok(pins.iter().any(is_this))
    }

    fn ask_for_timer(&self) -> Result<Option<u32>, MapError> {
        if !MapKind(self.fd.shape().map_type()).special().contains(FieldKinds::TIMER) {
            return Ok(None);
        }
        let info = sys::info::map(&self.fd).map_err(|errno| self.error("OBJ_GET_INFO_BY_FD", errno))?;
        if info.btf_value_type_id == 0 {
            return Ok(None);
        }
        let bytes = self.btf_of(&info)?;
        let unreadable = |_| self.error("BTF_GET_FD_BY_ID", crate::base::Errno::EINVAL);
        let btf = View::new(&bytes).map_err(unreadable)?;
        // Where the rules are broken the kernel sees no field at all.
        let fields = scan(&btf, TypeId(info.btf_value_type_id)).unwrap_or_default();
        Ok(fields.iter().find(|field| field.kind == FieldKind::Timer).map(|field| field.offset))
    }

    fn btf_of(&self, info: &MapInfo) -> Result<Vec<u8>, MapError> {
        let fail = |errno| self.error("BTF_GET_FD_BY_ID", errno);
        let fd = sys::ids::btf_fd(info.btf_id, None).map_err(fail)?;
        let size = sys::info::btf(&fd, &mut [], &mut []).map_err(fail)?.size;
        let mut bytes = vec![0; size as usize];
        sys::info::btf(&fd, &mut bytes, &mut []).map_err(fail)?;
        Ok(bytes)
    }
}
