//! From names to types in constant time: a hash table of one `u32` for each slot.

use super::types::{StrOff, TypeId};
use super::view::View;

/// Open addressing with linear probing, one slot for each name. A slot is 12 bits of the name's hash above the number,
/// of 20 bits, of the first type that has it; 0 is empty. Numbers count a view's own types from 1.
///
/// Few types share a name in BTF that a compiler wrote, but nothing keeps others from sharing one among all of theirs:
/// what is not the first stands apart, or it would have to be walked over again and again.
#[derive(Clone)]
pub(crate) struct NameIndex {
    slots: Box<[u32]>,
    /// The other types of a name behind its first one, in ascending order.
    others: Vec<(u32, u32)>,
}

const ID_BITS: u32 = 20;

impl NameIndex {
    pub(crate) fn new(view: &View<'_>) -> Self {
        let slots = vec![0; (named(view).count() * 3 / 2 + 2).next_power_of_two()].into_boxed_slice();
        let mut index = Self { slots, others: Vec::new() };
        for (number, offset) in named(view) {
            let Some(hash) = hash_at(view, offset) else { continue };
            let slot = index.probe(hash, |other| has_name_at(view, own_id(view, other), offset));
            match index.slots[slot] & NUMBER {
                0 => index.slots[slot] = tag(hash) | number,
                first => index.others.push((first, number)),
            }
        }
        index.others.sort_unstable();
        index
    }

    /// The types of this name, in order.
    pub(crate) fn find<'a>(&'a self, view: &'a View<'_>, name: &[u8]) -> impl Iterator<Item = TypeId> + 'a {
        let slot = self.probe(hash(name), |number| has_name(view, own_id(view, number), name));
        let first = if name.is_empty() { 0 } else { self.slots[slot] & NUMBER };
        let others = &self.others[self.others.partition_point(|&(of, _)| of < first)..];
        let others = others.iter().take_while(move |&&(of, _)| of == first).map(|&(_, number)| number);
        let numbers = (first != 0).then_some(first).into_iter().chain(others);
        numbers.map(|number| own_id(view, number))
    }

    /// The slot with this hash whose type is the one looked for, or the empty one where it would be.
    fn probe(&self, hash: u64, wanted: impl Fn(u32) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while self.slots[slot] != 0 {
            if self.slots[slot] & !NUMBER == tag(hash) && wanted(self.slots[slot] & NUMBER) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }
}

const NUMBER: u32 = (1 << ID_BITS) - 1;

/// The upper bits of the hash, where they stand in a slot.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !NUMBER
}

/// The types that have a name: their number counted from 1, and where the name starts in the own strings. Names
/// that split BTF borrows from its base are looked up all the same, through the whole of it.
fn named<'a>(view: &'a View<'_>) -> impl Iterator<Item = (u32, u32)> + 'a {
    let names = view.offsets.iter().map(|&at| view.word(&view.types, at as usize));
    (1..).zip(names).filter(|&(_, name)| name != 0)
}

fn own_id(view: &View<'_>, number: u32) -> TypeId {
    TypeId(view.first_id().0 + number - 1)
}

/// Whether a type has the name that stands at `offset`. Nearly all BTF holds a name once.
fn has_name_at(view: &View<'_>, id: TypeId, offset: u32) -> bool {
    let Some((own, at)) = view.locate(id) else { return false };
    own.word(&own.types, at) == offset
        || view.name(StrOff(offset)).is_some_and(|name| has_name(view, id, name.as_bytes()))
}

fn has_name(view: &View<'_>, id: TypeId, name: &[u8]) -> bool {
    let Some((view, at)) = view.locate(id) else { return false };
    let Some(text) = text_at(view, view.word(&view.types, at)) else { return false };
    text.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&0))
}

/// The string section from this offset on.
fn text_at<'a>(view: &'a View<'_>, offset: u32) -> Option<&'a [u8]> {
    let first = view.first_string();
    if offset < first {
        text_at(view.base.as_deref()?, offset)
    } else {
        view.strings.get((offset - first) as usize..)
    }
}

fn hash_at(view: &View<'_>, offset: u32) -> Option<u64> {
    let mut rest = text_at(view, offset)?;
    let mut hash = SEED;
    while let Some(chunk) = rest.first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let nul = nul_mask(word);
        if nul != 0 {
            return Some(finish(mix(hash, word & before(nul))));
        }
        hash = mix(hash, word);
        rest = &rest[8..];
    }
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some(finish(mix(hash, partial(&rest[..end]))))
}

/// The same hash for a name that is a slice.
pub(crate) fn hash(name: &[u8]) -> u64 {
    let (words, rest) = name.as_chunks::<8>();
    let hash = words.iter().fold(SEED, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    finish(mix(hash, partial(rest)))
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

fn finish(hash: u64) -> u64 {
    hash ^ hash >> 29
}

fn partial(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// The high bit of the first zero byte is the lowest bit set here.
fn nul_mask(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// The bits below the byte whose high bit is the lowest one of `nul`.
fn before(nul: u64) -> u64 {
    match nul.trailing_zeros() & !7 {
        0 => 0,
        bits => u64::MAX >> (64 - bits),
    }
}
