//! The packet: how far pointers into it may go is what comparisons with its end have shown (`find_good_pkt_pointers`).

use super::memory::Use;
use super::state::State;
use super::value::{Memory, Pointer, Value};
use super::walk::{Step, Walk};
use super::{Rule, cfg};
use crate::asm::{Cond, Helper, Reg, Width};
use crate::kind::ProgType;

impl Walk<'_, '_, '_> {
    /// `packet cond end`, or `end cond packet` if `swapped`; the packet is in a register.
    pub(super) fn packet_end(
        &mut self,
        cond: Cond,
        width: Width,
        (reg, packet): (Reg, Pointer),
        swapped: bool,
    ) -> Step {
        if packet.behind {
            self.doubt();
        }
        let cond = if swapped { cond.swapped() } else { cond };
        let (inside_jumps, open) = match cond {
            Cond::Gt => (false, 0),
            Cond::Ge => (false, 1),
            Cond::Lt => (true, 1),
            Cond::Le => (true, 0),
            _ => return self.either(),
        };
        if width == Width::Bits32 {
            return self.either();
        }
        let inside = |state: &mut State| state.learn_range(packet, open);
        let behind = |state: &mut State| {
            if packet.memory == Memory::Packet {
                state.set(reg, Value::Pointer(Pointer { behind: true, ..packet }));
            }
        };
        if inside_jumps {
            self.split(Some(inside), Some(behind))
        } else {
            self.split(Some(behind), Some(inside))
        }
    }

    /// An access of `size` bytes at `off` from a pointer to the packet.
    pub(super) fn packet_access(&mut self, pointer: Pointer, off: i64, size: u64, how: Use) -> Step {
        if how == Use::Write && self.program.kind.prog_type().has_read_only_packet() {
            let reason = format!("{} programs only read the packet", self.program.kind);
            self.wrong_if(self.program.is_told(), Rule::ReadOnly, reason)?;
        }
        if let Some(var) = pointer.var.filter(|var| var.smin() < 0) {
            let reason = "the number that was added may be negative";
            self.wrong_if(var.has_signed_ends(), Rule::PacketBounds, reason)?;
        }
        let from = i128::from(pointer.off) + i128::from(off);
        let to = from + i128::from(size);
        if from >= 0 && to <= i128::from(pointer.range) {
            return Ok(());
        }
        let reason = match pointer.range {
            0 => "the pointer was not compared with the end of the packet".to_owned(),
            range => format!("bytes {from} to {to} are accessed, and {range} were found to be there"),
        };
        Err(self.wrong(Rule::PacketBounds, reason))
    }

    /// A helper is given a pointer to the packet.
    pub(super) fn packet_argument(&mut self, helper: Helper, reg: Reg) -> Step {
        if helper.takes_packet_memory() || self.program.kind.prog_type() == ProgType::CGROUP_SOCKOPT {
            return Ok(());
        }
        let reason = format!("R{} points to the packet, which {helper} does not take", reg.number());
        self.wrong_if(cfg::told(self.program) == super::Severity::Rejected, Rule::ArgumentKind, reason)
    }

    /// A helper may have moved the packet.
    pub(super) fn move_packet(&mut self, helper: Helper) {
        if MOVE_THE_PACKET.contains(&helper) {
            self.state.lose_packets();
        } else if helper == Helper::TAIL_CALL {
            // Since 6.13.
            self.state.trust_packets();
        }
    }
}

/// The helpers after which pointers to the packet are none (`bpf_helper_changes_pkt_data`).
const MOVE_THE_PACKET: &[Helper] = &[
    Helper::CLONE_REDIRECT,
    Helper::L3_CSUM_REPLACE,
    Helper::L4_CSUM_REPLACE,
    Helper::LWT_PUSH_ENCAP,
    Helper::LWT_SEG6_ACTION,
    Helper::LWT_SEG6_ADJUST_SRH,
    Helper::LWT_SEG6_STORE_BYTES,
    Helper::MSG_POP_DATA,
    Helper::MSG_PULL_DATA,
    Helper::MSG_PUSH_DATA,
    Helper::SKB_ADJUST_ROOM,
    Helper::SKB_CHANGE_HEAD,
    Helper::SKB_CHANGE_PROTO,
    Helper::SKB_CHANGE_TAIL,
    Helper::SKB_PULL_DATA,
    Helper::SKB_STORE_BYTES,
    Helper::SKB_VLAN_POP,
    Helper::SKB_VLAN_PUSH,
    Helper::STORE_HDR_OPT,
    Helper::XDP_ADJUST_HEAD,
    Helper::XDP_ADJUST_META,
    Helper::XDP_ADJUST_TAIL,
];
