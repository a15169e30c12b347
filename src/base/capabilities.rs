//! Capabilities of a process, as far as bpf(2) asks for them.

bitflags::bitflags! {
    /// What a process is allowed to do: the capabilities bpf(2) asks for, as bits of their numbers (uapi
    /// linux/capability.h); others are kept.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Capabilities: u64 {
        #[doc(alias = "CAP_NET_ADMIN")]
        /// `CAP_NET_ADMIN`: programs that see or change packets on their way.
        const NET_ADMIN = 1 << 12;
        /// `CAP_IPC_LOCK`: locked memory without limit, which kernels before 5.11 want for maps.
        #[doc(alias = "CAP_IPC_LOCK")]
        const IPC_LOCK = 1 << 14;
        /// `CAP_SYS_ADMIN`: stands for all of them, and opens objects by their ids.
        #[doc(alias = "CAP_SYS_ADMIN")]
        const SYS_ADMIN = 1 << 21;
        /// `CAP_PERFMON` (since Linux 5.8; before, `CAP_SYS_ADMIN`).
        #[doc(alias = "CAP_PERFMON")]
        const PERFMON = 1 << 38;
        /// `CAP_BPF` (since Linux 5.8; before, `CAP_SYS_ADMIN`).
        #[doc(alias = "CAP_BPF")]
        const BPF = 1 << 39;
        const _ = !0;
    }
}

impl Capabilities {
    /// What of `wanted` is not there, by itself or through `CAP_SYS_ADMIN`.
    #[must_use]
    pub fn lacking(self, wanted: Self) -> Self {
        if self.contains(Self::SYS_ADMIN) { Self::empty() } else { wanted.difference(self) }
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
