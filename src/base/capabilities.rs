//! Capabilities of a process, as far as bpf(2) asks for them.

bitflags::bitflags! {
    /// What a process has to be allowed to do; `CAP_SYS_ADMIN` stands for all of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Capabilities: u8 {
        /// `CAP_BPF` (since Linux 5.8; before, `CAP_SYS_ADMIN`).
        const BPF = 1;
        /// `CAP_NET_ADMIN`.
        const NET_ADMIN = 2;
        /// `CAP_PERFMON` (since Linux 5.8; before, `CAP_SYS_ADMIN`).
        const PERFMON = 4;
    }
}

impl std::fmt::Display for Capabilities {
    /// `CAP_BPF, CAP_NET_ADMIN`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, (name, _)) in self.iter_names().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}CAP_{name}")?;
        }
        Ok(())
    }
}
