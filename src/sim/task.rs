//! The task that programs run in, and its memory.

/// The task that programs find themselves in (`current`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentTask {
    /// Its number: what the kernel calls pid, and user space a thread.
    pub pid: u32,
    /// Its group: what user space calls a process.
    pub tgid: u32,
    /// Its user.
    pub uid: u32,
    /// Its group of users.
    pub gid: u32,
    /// Its name, at most 15 bytes of it.
    pub comm: Vec<u8>,
    /// The cgroups it is in, by id, from the root down.
    pub cgroups: Vec<u64>,
}

impl CurrentTask {
    /// Process 1 of root, in the root cgroup.
    #[must_use]
    pub fn new() -> Self {
        Self { pid: 1, tgid: 1, uid: 0, gid: 0, comm: b"init".to_vec(), cgroups: vec![1] }
    }
}

impl Default for CurrentTask {
    fn default() -> Self {
        Self::new()
    }
}

/// The memory of user space, as far as it was given.
#[derive(Clone, Debug, Default)]
pub(super) struct UserMemory(Vec<(u64, Vec<u8>)>);

impl UserMemory {
    /// Bytes at an address; those that were there are gone.
    pub(super) fn map(&mut self, address: u64, bytes: &[u8]) {
        self.0.insert(0, (address, bytes.to_vec()));
    }

    pub(super) fn get(&self, address: u64) -> Option<u8> {
        let inside = |(start, bytes): &(u64, Vec<u8>)| {
            bytes.get(usize::try_from(address.checked_sub(*start)?).ok()?).copied()
        };
        self.0.iter().find_map(inside)
    }

    /// Writes where all of it is in one piece.
    pub(super) fn write(&mut self, address: u64, new: &[u8]) -> bool {
        let room = self.0.iter_mut().find_map(|(start, bytes)| {
            let at = usize::try_from(address.checked_sub(*start)?).ok()?;
            bytes.get_mut(at..at.checked_add(new.len())?)
        });
        let found = room.is_some();
        if let Some(room) = room {
            room.copy_from_slice(new);
        }
        found
    }
}
