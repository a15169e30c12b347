//! What user space holds: descriptors and pins of maps, descriptors of programs. Timers end with the last user of their map,
//! and hold the programs their functions are in.

use super::Machine;
use crate::sim::error::RunError;

impl Machine {
    /// How many descriptors and pins of a map user space holds (`usercnt`): one from the start. Programs, outer maps and links
    /// do not count.
    ///
    /// # Errors
    /// [`RunError::NoMap`].
    pub fn map_users(&self, map: &str) -> Result<u32, RunError> {
        Ok(self.world.maps[self.map_number(map)? as usize].users)
    }

    /// One more descriptor of a map (`BPF_MAP_GET_FD_BY_ID`, `BPF_OBJ_GET`). Timers may be initialised again.
    ///
    /// # Errors
    /// [`RunError::NoMap`].
    #[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
    pub fn open_map(&mut self, map: &str) -> Result<(), RunError> {
        let map = self.map_number(map)?;
        self.world.maps[map as usize].users += 1;
        Ok(())
    }

    /// Closes a descriptor of a map. With the last descriptor and pin its timers are cancelled and freed, and
    /// `bpf_timer_init` is -EPERM from then on. Closing more than are open is nothing. What the map holds can still be looked
    /// at.
    ///
    /// # Errors
    /// [`RunError::NoMap`].
    pub fn close_map(&mut self, map: &str) -> Result<(), RunError> {
        let map = self.map_number(map)?;
        let pins = self.pins.values().filter(|pinned| **pinned == map).count();
        if self.world.maps[map as usize].users as usize > pins {
            self.leave(map);
        }
        Ok(())
    }

    /// Pins a map (`BPF_OBJ_PIN`): a user that stays when descriptors are closed. Whether the path was free.
    ///
    /// # Errors
    /// [`RunError::NoMap`].
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin_map(&mut self, map: &str, path: &str) -> Result<bool, RunError> {
        let number = self.map_number(map)?;
        if self.pins.contains_key(path) {
            return Ok(false);
        }
        self.pins.insert(path.to_owned(), number);
        self.world.maps[number as usize].users += 1;
        Ok(true)
    }

    /// Removes a pin. Whether there was one.
    pub fn unpin(&mut self, path: &str) -> bool {
        let Some(map) = self.pins.remove(path) else { return false };
        self.leave(map);
        true
    }

    /// Closes the descriptor of a program: it cannot be run any more, and goes unless a timer holds it.
    ///
    /// # Errors
    /// [`RunError::NoProgram`].
    pub fn close_program(&mut self, program: &str) -> Result<(), RunError> {
        let index = self.program_number(program)?;
        self.opened[index] = false;
        Ok(())
    }

    /// How many hold a program: its descriptor, and every timer whose function is in it. With none, the kernel frees it.
    ///
    /// # Errors
    /// [`RunError::NoProgram`].
    pub fn program_references(&self, program: &str) -> Result<usize, RunError> {
        let index = self.program_number(program)?;
        let timers = self.world.timers.callbacks().filter(|(function, _)| {
            let op = self.text.function(*function).ok();
            op.and_then(|op| self.text.program_of(op)) == Some(index)
        });
        Ok(timers.count() + usize::from(self.opened[index]))
    }

    /// A user is gone.
    pub(super) fn leave(&mut self, map: u32) {
        let users = &mut self.world.maps[map as usize].users;
        *users = users.saturating_sub(1);
        if *users == 0 {
            crate::sim::user::RawMap::new(&mut self.world, map).drop_users();
        }
    }

    pub(super) fn map_number(&self, map: &str) -> Result<u32, RunError> {
        let index = self.object.map_index(map).ok_or_else(|| RunError::NoMap(map.to_owned()))?;
        Ok(index as u32)
    }

    fn program_number(&self, program: &str) -> Result<usize, RunError> {
        self.object.program_index(program).ok_or_else(|| RunError::NoProgram(program.to_owned()))
    }
}
