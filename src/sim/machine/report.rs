//! Numbers and addresses as a person reads them: names and Rust lines.

use super::Machine;
use crate::sim::error::{Fault, FaultKind, Part, Place, RunError};
use crate::sim::memory::RegionKind;
use crate::sim::timeline::{Moment, TimelineEntry};
use crate::sim::trap::Trap;
use crate::site::Site;

impl Machine {
    /// What a trap at an op tells the user.
    pub(super) fn fault(&self, op: usize, trap: Trap) -> RunError {
        let kind = self.fault_kind(trap);
        let fault = match self.text.origin(op) {
            Some(origin) => Fault {
                program: origin.program.def.name.clone(),
                function: origin.function.map(|placed| placed.def.name.clone()).unwrap_or_default(),
                slot: origin.slot,
                site: Site::from(origin.loc()),
                kind,
            },
            None => Fault {
                program: String::new(),
                function: String::new(),
                slot: op,
                site: Site::unknown(),
                kind,
            },
        };
        RunError::Fault(Box::new(fault))
    }

    fn fault_kind(&self, trap: Trap) -> FaultKind {
        match trap {
            Trap::Access { access, size, address, refusal } => {
                FaultKind::Access { access, size, place: self.place(address), refusal }
            }
            Trap::Field { access, size, offset, context } => {
                FaultKind::Field { access, size, offset, context }
            }
            Trap::Argument { helper, argument, address, expected } => {
                FaultKind::Argument { helper, argument, place: self.place(address), expected }
            }
            Trap::CallDepth { limit } => FaultKind::CallDepth { limit },
            Trap::NoInstruction => FaultKind::NoInstruction,
            Trap::NotAFunction { address } => FaultKind::NotAFunction { place: self.place(address) },
            Trap::Returned { value } => FaultKind::Returned { value },
            Trap::StackArgument { number } => FaultKind::StackArgument { number },
            Trap::Budget { instructions } => FaultKind::Budget { instructions },
            Trap::EndlessPass { fired } => FaultKind::EndlessPass { fired },
            Trap::Deadlock => FaultKind::Deadlock,
        }
    }

    fn place(&self, address: u64) -> Place {
        let name = |map: u32| self.world.shape(map).name.clone();
        let region = match self.world.memory.kind(address) {
            None | Some(RegionKind::Gone) => {
                return Place { region: Part::Number, offset: address.cast_signed() };
            }
            Some(RegionKind::Text) => Part::Code,
            Some(RegionKind::Indexes) => Part::Key("an array".to_owned()),
            Some(RegionKind::Stack(frame)) => Part::Stack(frame),
            Some(RegionKind::Context(_)) => Part::Context,
            Some(RegionKind::Packet) => Part::Packet,
            Some(RegionKind::Map(map)) => Part::Map(name(map)),
            Some(RegionKind::Values(map)) => Part::Value(name(map)),
            Some(RegionKind::Keys(map)) => Part::Key(name(map)),
            Some(RegionKind::Record(map)) => Part::Record(name(map)),
            Some(RegionKind::Kernel(name)) => Part::Kernel(name),
        };
        Place { region, offset: self.world.memory.offset(address) }
    }

    /// An entry of the timeline, with names.
    pub(super) fn entry(&self, moment: &Moment) -> TimelineEntry {
        let &Moment { time, cpu, op, ref timer, event } = moment;
        let loc = op.and_then(|op| self.text.origin(op)?.loc().cloned());
        TimelineEntry {
            time,
            cpu,
            timer: timer.number,
            map: self.world.shape(timer.map).name.clone(),
            key: timer.key.to_vec(),
            event,
            loc,
        }
    }
}
