//! Finding what is there already: a hash table of numbers whose contents live elsewhere.

/// Open addressing with linear probing; 0 is an empty slot. What a number stands for, and its hash, the caller
/// knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dedup {
    slots: Vec<u32>,
    used: usize,
}

impl Dedup {
    /// The number with this hash that is the one looked for.
    pub(crate) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return None,
                number if same(number) => return Some(number),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// Adds a number that is not there yet.
    pub(crate) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if self.used * 4 >= self.slots.len() * 3 {
            let bigger = (self.slots.len() * 2).max(16);
            let old = std::mem::replace(&mut self.slots, vec![0; bigger]);
            old.into_iter()
                .filter(|&number| number != 0)
                .for_each(|number| self.place(hash_of(number), number));
        }
        self.place(hash, number);
        self.used += 1;
    }

    fn place(&mut self, hash: u64, number: u32) {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = number;
    }
}
