//! `BPF_MAP_TYPE_BLOOM_FILTER`: a set that may answer yes by mistake, with the kernel's bits and hash functions.

use super::{Around, Element, Map, Shape};
use crate::base::Errno;

/// How many hash functions there are unless `map_extra` says.
const FUNCTIONS: u32 = 5;
/// The bits of `map_extra` that say how many hash functions there are.
const EXTRA: u64 = 0xf;

#[derive(Debug)]
pub(super) struct Bloom {
    bits: Vec<u64>,
    /// The number of bits, a power of two, less one.
    mask: u32,
    functions: u32,
}

impl Bloom {
    pub(super) fn make(shape: &Shape) -> Result<Self, Errno> {
        if shape.extra & !EXTRA != 0 {
            return Err(Errno::EINVAL);
        }
        let functions = if shape.extra == 0 { FUNCTIONS } else { shape.extra as u32 };
        // 7/5 of the product: what makes a mistake least likely, as 1 / ln 2.
        let bits = shape.max_entries.checked_mul(functions).map(|bits| bits / 5);
        let bits = bits.and_then(|bits| bits.checked_mul(7)).filter(|bits| *bits <= 1 << 31);
        let (words, mask) = match bits {
            None => (1 << 26, u32::MAX),
            Some(bits) => {
                let bits = bits.max(64).next_power_of_two();
                (bits as usize / 64, bits - 1)
            }
        };
        Ok(Self { bits: vec![0; words], mask, functions })
    }

    fn places(&self, at: &Around<'_>, value: &[u8]) -> Vec<u32> {
        let words: Option<Vec<u32>> = match value.len() % 4 {
            0 => value.chunks(4).map(|word| super::array::index(word, at.memory.endian)).collect(),
            _ => None,
        };
        let hash = |seed| match &words {
            Some(words) => hash_words(words, seed),
            None => hash_bytes(value, seed),
        };
        (0..self.functions).map(|function| hash(function) & self.mask).collect()
    }
}

impl Map for Bloom {
    fn lookup(&mut self, _: &mut Around<'_>, _: &[u8]) -> Option<u64> {
        None
    }

    fn update(&mut self, _: &mut Around<'_>, _: &[u8], _: &[u8], _: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn delete(&mut self, _: &mut Around<'_>, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn next(&self, _: &Around<'_>, _: Option<u32>) -> Option<Element> {
        None
    }

    fn position(&self, _: &Around<'_>, _: &[u8]) -> Option<u32> {
        None
    }

    fn key_of(&self, _: &Around<'_>, _: u64) -> u64 {
        0
    }

    fn push(&mut self, at: &mut Around<'_>, value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        for place in self.places(at, value) {
            self.bits[place as usize / 64] |= 1 << (place % 64);
        }
        Ok(())
    }

    /// Whether `value` may be in the set.
    fn pop(&mut self, at: &mut Around<'_>, value: &mut [u8], take: bool) -> Result<(), Errno> {
        if take {
            return Err(Errno::EOPNOTSUPP);
        }
        let set = |place: u32| self.bits[place as usize / 64] >> (place % 64) & 1 == 1;
        if self.places(at, value).into_iter().all(set) { Ok(()) } else { Err(Errno::ENOENT) }
    }

    fn user_get(&mut self, at: &mut Around<'_>, _: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.pop(at, value, false)
    }

    fn user_set(&mut self, at: &mut Around<'_>, _: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.push(at, value, flags)
    }

    fn user_next(&self, _: &Around<'_>, _: Option<&[u8]>) -> Result<Option<Element>, Errno> {
        Err(Errno::EOPNOTSUPP)
    }
}

/// What Jenkins' hash begins with in the kernel (`JHASH_INITVAL`).
const START: u32 = 0xdead_beef;

/// Jenkins' hash of words (`jhash2`).
fn hash_words(words: &[u32], seed: u32) -> u32 {
    let start = START.wrapping_add((words.len() as u32) << 2).wrapping_add(seed);
    let mut state = [start; 3];
    let mut rest = words;
    while let [a, b, c, tail @ ..] = rest {
        if tail.is_empty() {
            break;
        }
        add(&mut state, [*a, *b, *c]);
        mix(&mut state);
        rest = tail;
    }
    finish(state, rest)
}

/// Jenkins' hash of bytes (`jhash`), which it reads as little-endian words.
fn hash_bytes(bytes: &[u8], seed: u32) -> u32 {
    let start = START.wrapping_add(bytes.len() as u32).wrapping_add(seed);
    let mut state = [start; 3];
    let words: Vec<u32> = bytes.chunks(4).map(little).collect();
    let mut rest = &words[..];
    while let [a, b, c, tail @ ..] = rest {
        if tail.is_empty() {
            break;
        }
        add(&mut state, [*a, *b, *c]);
        mix(&mut state);
        rest = tail;
    }
    finish(state, rest)
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn add(state: &mut [u32; 3], words: [u32; 3]) {
    for (part, word) in state.iter_mut().zip(words) {
        *part = part.wrapping_add(word);
    }
}

/// `__jhash_mix`
fn mix([a, b, c]: &mut [u32; 3]) {
    let step = |x: &mut u32, y: u32, z: &mut u32, by: u32| {
        *x = x.wrapping_sub(*z) ^ z.rotate_left(by);
        *z = z.wrapping_add(y);
    };
    step(a, *b, c, 4);
    step(b, *c, a, 6);
    step(c, *a, b, 8);
    step(a, *b, c, 16);
    step(b, *c, a, 19);
    step(c, *a, b, 4);
}

/// What is left, up to three words, and `__jhash_final`.
fn finish(mut state: [u32; 3], rest: &[u32]) -> u32 {
    if rest.is_empty() {
        return state[2];
    }
    let word = |index: usize| rest.get(index).copied().unwrap_or(0);
    add(&mut state, [word(0), word(1), word(2)]);
    let [mut a, mut b, mut c] = state;
    let step = |x: &mut u32, y: u32, by: u32| *x = (*x ^ y).wrapping_sub(y.rotate_left(by));
    step(&mut c, b, 14);
    step(&mut a, c, 11);
    step(&mut b, a, 25);
    step(&mut c, b, 16);
    step(&mut a, c, 4);
    step(&mut b, a, 14);
    step(&mut c, b, 24);
    c
}
