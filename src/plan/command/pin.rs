//! Names in a BPF file system.

use super::{Attributes, Show};
use crate::base::flags::Access;
use crate::plan::{Fd, FdKind};

/// Attributes of `BPF_OBJ_PIN` (since 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_OBJ_PIN")]
pub struct ObjPin {
    /// `pathname`.
    pub path: String,
    /// `path_fd` (6.5): the directory a relative path starts from.
    pub at: Option<Fd>,
    /// `bpf_fd`.
    pub fd: Fd,
}

impl Attributes for ObjPin {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.text("pathname", &self.path);
        show.fd("bpf_fd", self.fd);
        show.fd("path_fd", self.at);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.fd)
    }
}

/// Attributes of `BPF_OBJ_GET` (since 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_OBJ_GET")]
pub struct ObjGet {
    /// `pathname`.
    pub path: String,
    /// `path_fd` (6.5): the directory a relative path starts from.
    pub at: Option<Fd>,
    /// `file_flags` (4.15), of maps only.
    pub access: Access,
    /// What is expected there: the kernel opens whatever it finds, so another kind is EINVAL.
    pub kind: FdKind,
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for ObjGet {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.text("pathname", &self.path);
        show.number("file_flags", self.access.flags());
        show.fd("path_fd", self.at);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}
