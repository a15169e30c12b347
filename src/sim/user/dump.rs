//! What a map holds, as text.

use std::fmt::Write;

use super::{MapError, RawMap};
use crate::btf::{Btf, TypeId};

impl RawMap<'_> {
    /// One line for each element, `key: value`, with the names of the types; bytes where there is no type. A per-CPU map has
    /// a line for each CPU.
    pub(in crate::sim) fn dump(&mut self, btf: &Btf, key: TypeId, value: TypeId) -> Result<String, MapError> {
        let shape = self.world.shape(self.map);
        let (size, lanes) = (shape.value_size as usize, shape.lanes());
        let lane = (shape.user_size() / lanes as usize).max(1);
        let mut text = String::new();
        for (key_bytes, values) in self.entries() {
            let key = self.show(btf, key, &key_bytes)?;
            for (cpu, bytes) in values.chunks(lane).enumerate() {
                let value = self.show(btf, value, bytes.get(..size).unwrap_or(bytes))?;
                // Writing to a string cannot fail.
                let _ = match lanes {
                    1 => writeln!(text, "{key}: {value}"),
                    _ => writeln!(text, "{key}, cpu {cpu}: {value}"),
                };
            }
        }
        Ok(text)
    }

    fn show(&self, btf: &Btf, id: TypeId, bytes: &[u8]) -> Result<String, MapError> {
        if id == TypeId::VOID {
            return Ok(hex(bytes));
        }
        let endian = self.world.memory.endian;
        btf.show(id, bytes, endian).map_err(|error| MapError::Btf { map: self.name(), error })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().join(" ")
}
