//! Loading BTF.

use std::sync::Arc;

use super::{Attributes, Log, Show};
use crate::plan::Fd;

/// Attributes of `BPF_BTF_LOAD` (since 4.18).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_BTF_LOAD")]
pub struct BtfLoad {
    /// `btf`.
    pub bytes: Arc<[u8]>,
    /// `btf_log_level`, `btf_log_size`.
    pub log: Log,
    /// `btf_token_fd` (6.9).
    pub token: Option<Fd>,
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for BtfLoad {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.blob("btf", &self.bytes);
        self.log.show(show, ["btf_log_level", "btf_log_size"]);
        show.fd("btf_token_fd", self.token);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}
