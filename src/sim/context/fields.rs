//! Contexts whose fields are looked up: what may be done where, and the numbers.

use std::sync::Arc;

use crate::base::Endian;
use crate::kind::{ContextAccess, ContextPointer, Direction, ProgType, ProgramKind};
use crate::sim::world::{World, number};

/// What accesses that begin at a byte of the context may be: bits of the widths 1, 2, 4, 8.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    reads: u8,
    writes: u8,
    pointer: Option<ContextPointer>,
    keeps: Keeps,
}

/// How much of what is stored the kernel keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeps {
    #[default]
    All,
    /// 16 bits.
    Half,
    /// 16 bits; all ones, which mean none, are not stored.
    Queue,
}

/// What a kind may do with each byte.
#[derive(Debug)]
pub(in crate::sim) struct Table {
    kind: ProgramKind,
    cells: Vec<Cell>,
}

impl Table {
    fn new(kind: ProgramKind) -> Self {
        let context = kind.context();
        let mut cells = vec![Cell::default(); context.size() as usize];
        for (offset, cell) in (0..).zip(&mut cells) {
            for width in [1u8, 2, 4, 8] {
                if let ContextAccess::Allowed(field) = context.access(Direction::Read, offset, width.into()) {
                    cell.reads |= width;
                    cell.pointer = field.pointer;
                }
                if let ContextAccess::Allowed(field) = context.access(Direction::Write, offset, width.into())
                {
                    cell.writes |= width;
                    cell.keeps = keeps(field.name);
                }
            }
        }
        Self { kind, cells }
    }
}

/// Those fields that the kernel has half as wide as the context shows them.
fn keeps(field: &str) -> Keeps {
    match field {
        "tc_index" | "tc_classid" | "user_port" => Keeps::Half,
        "queue_mapping" => Keeps::Queue,
        _ => Keeps::All,
    }
}

impl World {
    /// The table of a kind; made once.
    pub(super) fn field_table(&mut self, kind: ProgramKind) -> Arc<Table> {
        if let Some(table) = self.field_tables.iter().find(|table| table.kind == kind) {
            return Arc::clone(table);
        }
        let table = Arc::new(Table::new(kind));
        self.field_tables.push(Arc::clone(&table));
        table
    }
}

/// The fields of a context.
#[derive(Debug)]
pub(in crate::sim) struct Fields {
    table: Arc<Table>,
    /// As C lays them out, with room for the widest access to the last.
    bytes: Vec<u8>,
}

impl Fields {
    pub(super) fn new(table: Arc<Table>, mut bytes: Vec<u8>) -> Self {
        bytes.resize(table.cells.len() + 8, 0);
        Self { table, bytes }
    }

    /// The fields, as C lays them out.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes[..self.table.cells.len()].to_vec()
    }

    /// A load: its value, and what it points to.
    pub(super) fn load(
        &self,
        offset: i64,
        size: u32,
        endian: Endian,
    ) -> Option<(u64, Option<ContextPointer>)> {
        let at = usize::try_from(offset).ok()?;
        let cell = self.table.cells.get(at)?;
        if u32::from(cell.reads) & size == 0 {
            return None;
        }
        Some((number(self.bytes.get(at..at + size as usize)?, endian), cell.pointer))
    }

    /// A store; whether it may be.
    pub(super) fn store(&mut self, offset: i64, size: u32, value: u64, endian: Endian) -> bool {
        let Ok(at) = usize::try_from(offset) else { return false };
        let Some(cell) = self.table.cells.get(at) else { return false };
        if u32::from(cell.writes) & size == 0 {
            return false;
        }
        let value = match cell.keeps {
            Keeps::All => value,
            Keeps::Half => value & 0xffff,
            Keeps::Queue if value as u32 >= 0xffff => return true,
            Keeps::Queue => value,
        };
        put(&mut self.bytes, at, size as usize, value, endian);
        true
    }

    /// The number in a field, whatever the program may do with it.
    pub(in crate::sim) fn get(&self, name: &str, endian: Endian) -> u64 {
        let Some((at, size)) = place(self.table.kind, name) else { return 0 };
        self.bytes.get(at..at + size).map_or(0, |bytes| number(bytes, endian))
    }

    /// Sets a field, whatever the program may do with it.
    pub(in crate::sim) fn set(&mut self, name: &str, value: u64, endian: Endian) {
        if let Some((at, size)) = place(self.table.kind, name) {
            put(&mut self.bytes, at, size, value, endian);
        }
    }

    /// The bytes of a field, whatever the program may do with it.
    pub(super) fn part(&self, name: &str) -> &[u8] {
        place(self.table.kind, name).and_then(|(at, size)| self.bytes.get(at..at + size)).unwrap_or_default()
    }
}

/// Offset and size of a field, even if programs of the kind do not see it.
pub(super) fn place(kind: ProgramKind, name: &str) -> Option<(usize, usize)> {
    let field = match kind.context().field(name) {
        None if is_skb(kind) => {
            let of = |kind: ProgramKind| kind.context().field(name);
            of(ProgramKind::SCHED_CLS).or_else(|| of(ProgramKind::CGROUP_SKB))
        }
        // A device map's programs see all.
        None if kind.prog_type() == ProgType::XDP => ProgramKind::XDP_DEVMAP.context().field(name),
        field => field,
    }?;
    // A field of one byte stands for a C member of more.
    Some((field.offset as usize, field.size as usize))
}

fn is_skb(kind: ProgramKind) -> bool {
    kind.context().name() == ProgramKind::SCHED_CLS.context().name()
}

pub(super) fn put(bytes: &mut [u8], at: usize, size: usize, value: u64, endian: Endian) {
    let Some(room) = bytes.get_mut(at..at + size) else { return };
    match endian {
        Endian::Little => room.copy_from_slice(&value.to_le_bytes()[..size]),
        Endian::Big => room.copy_from_slice(&value.to_be_bytes()[8 - size..]),
    }
}

/// C structs as bytes, field by field, in the layout of a kind's context.
pub(super) struct Struct {
    pub(super) kind: ProgramKind,
    pub(super) bytes: Vec<u8>,
    pub(super) endian: Endian,
}

impl Struct {
    /// What was given, or zeros where it ends; none: what follows it is not zero (`bpf_check_uarg_tail_zero`).
    pub(super) fn given(kind: ProgramKind, size: usize, given: &[u8], endian: Endian) -> Option<Self> {
        if given.iter().skip(size).any(|byte| *byte != 0) {
            return None;
        }
        let mut bytes = given.to_vec();
        bytes.resize(size, 0);
        Some(Self { kind, bytes, endian })
    }

    pub(super) fn get(&self, name: &str) -> u64 {
        let Some((at, size)) = place(self.kind, name) else { return 0 };
        self.bytes.get(at..at + size).map_or(0, |bytes| number(bytes, self.endian))
    }

    pub(super) fn set(&mut self, name: &str, value: u64) {
        if let Some((at, size)) = place(self.kind, name) {
            put(&mut self.bytes, at, size, value, self.endian);
        }
    }

    pub(super) fn part(&self, name: &str) -> &[u8] {
        place(self.kind, name).and_then(|(at, size)| self.bytes.get(at..at + size)).unwrap_or_default()
    }

    pub(super) fn set_part(&mut self, name: &str, bytes: &[u8]) {
        let room = place(self.kind, name).and_then(|(at, size)| self.bytes.get_mut(at..at + size));
        if let Some(room) = room.filter(|room| room.len() == bytes.len()) {
            room.copy_from_slice(bytes);
        }
    }

    /// Whether all is zero but these fields.
    pub(super) fn only(&self, allowed: &[&str]) -> bool {
        let mut rest = self.bytes.clone();
        for (at, size) in allowed.iter().filter_map(|name| place(self.kind, name)) {
            rest[at..at + size].fill(0);
        }
        rest.iter().all(|byte| *byte == 0)
    }
}
