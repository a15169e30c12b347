//! What attaching, and working with a link, can come to.

use thiserror::Error;

use super::LinkType;
use crate::base::{Errno, KernelVersion};
use crate::kernel::Program;
use crate::kernel::cause::{self, Facts, Failed};
use crate::kind::AttachType;
use crate::sys::host;
use crate::sys::link::{Create, IterTarget, Options};

/// What attaching, or working with a link, came to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The kernel refused.
    #[error("{operation} of program `{program}`: {errno}{}", Because(cause))]
    Kernel {
        /// The program; of a link that was opened, the pin's name or `#` and the link's number.
        program: String,
        /// The command.
        operation: &'static str,
        /// Why.
        errno: Errno,
        /// The likely cause.
        cause: Option<String>,
    },
    /// The target could not be opened.
    #[error("opening `{path}`: {errno}")]
    Target {
        /// Its path.
        path: String,
        /// Why.
        errno: Errno,
    },
    /// There is no network interface of this name in the thread's network namespace.
    #[error("network interface `{name}`: {errno}")]
    Interface {
        /// The name, lossy.
        name: String,
        /// Why: ENODEV.
        errno: Errno,
    },
    /// A link could not be opened by its number.
    #[error("opening link {id}: {errno}{}", Because(cause))]
    Id {
        /// The number.
        id: u32,
        /// Why.
        errno: Errno,
        /// The likely cause.
        cause: Option<String>,
    },
    /// The link is of another type than the one it was opened as.
    #[error("the link is of type {found}, not {expected}")]
    Type {
        /// The type it was opened as.
        expected: LinkType,
        /// The type it is of.
        found: LinkType,
    },
    /// The kernel did not say what is attached.
    #[error("asking what is attached at {attach_type}: {errno}{}", Because(cause))]
    Query {
        /// The attach type.
        attach_type: AttachType,
        /// Why.
        errno: Errno,
        /// The likely cause.
        cause: Option<String>,
    },
    /// A name or path holds a zero byte.
    #[error("{name:?} holds a zero byte")]
    Name {
        /// The name.
        name: String,
    },
}

struct Because<'a>(&'a Option<String>);

impl std::fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

/// Of a command about a link that is there.
pub(super) fn of(failed: &Failed<'_>, program: String, errno: Errno) -> LinkError {
    let operation = match failed {
        Failed::ObjPin => "OBJ_PIN",
        Failed::ObjGet => "OBJ_GET",
        Failed::LinkUpdate => "LINK_UPDATE",
        Failed::LinkDetach => "LINK_DETACH",
        Failed::IterCreate => "ITER_CREATE",
        _ => "LINK",
    };
    LinkError::Kernel { program, operation, errno, cause: cause(failed, errno) }
}

pub(super) fn cause(failed: &Failed<'_>, errno: Errno) -> Option<String> {
    explained(failed, errno, &Facts::default())
}

/// Of `BPF_LINK_CREATE`: looks at what the process may do and how old the kernel is, now that it failed.
pub(super) fn of_create(program: &Program, create: &Create<'_>, errno: Errno) -> LinkError {
    let attach_type = AttachType(create.attach_type).to_string();
    let failed = Failed::LinkCreate { attach_type: &attach_type };
    let (what, since) = newest(create);
    refused(program, "LINK_CREATE", &failed, errno, since.map(|since| (what.as_str(), since)))
}

/// Of `BPF_RAW_TRACEPOINT_OPEN`.
pub(super) fn of_raw_tracepoint(program: &Program, named: bool, cookie: u64, errno: Errno) -> LinkError {
    let newest = match cookie {
        0 if named => ("a raw tracepoint", KernelVersion::new(4, 17)),
        0 => ("attaching a program to what it was loaded for", KernelVersion::new(5, 5)),
        _ => ("the cookie of a raw tracepoint", KernelVersion::new(6, 10)),
    };
    refused(program, "RAW_TRACEPOINT_OPEN", &Failed::RawTracepointOpen { named }, errno, Some(newest))
}

fn refused(
    program: &Program,
    operation: &'static str,
    failed: &Failed<'_>,
    errno: Errno,
    newest: Option<(&str, KernelVersion)>,
) -> LinkError {
    let missing = missing_capability(program);
    let facts = Facts { missing: missing.as_deref(), kernel: host::kernel_version().ok(), newest };
    let cause = explained(failed, errno, &facts);
    LinkError::Kernel { program: program.name().to_owned(), operation, errno, cause }
}

fn explained(failed: &Failed<'_>, errno: Errno, facts: &Facts<'_>) -> Option<String> {
    cause::explain(failed, errno, facts).map(std::borrow::Cow::into_owned)
}

fn missing_capability(program: &Program) -> Option<String> {
    let missing = host::capabilities().ok()?.lacking(program.prog_type().capabilities());
    (!missing.is_empty()).then(|| missing.to_string())
}

/// The youngest thing a link is made with, and the release it came with.
fn newest(create: &Create<'_>) -> (String, Option<KernelVersion>) {
    let attach_type = AttachType(create.attach_type);
    let (what, since) = match create.options {
        Options::Cgroup(_) => ("a place among the programs of a cgroup", (6, 17)),
        Options::Iter(IterTarget::Cgroup { .. } | IterTarget::Task { .. }) => {
            ("an iterator over some cgroups or tasks only", (6, 1))
        }
        Options::Tracing { cookie: 1.., .. } => ("the cookie of a tracing program", (5, 19)),
        Options::Tracing { .. } => ("a target other than the one the program was loaded for", (5, 10)),
        _ => return (format!("a link at {attach_type}"), attach_type.link_since()),
    };
    (what.to_owned(), Some(KernelVersion::new(since.0, since.1)))
}
