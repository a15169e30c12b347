//! What is known of the kernel a load is meant for, as a value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::{Capabilities, Endian, KernelVersion};

/// What is known of a kernel: release, features, capabilities, CPUs, BTF, symbols.
///
/// A target is only data. [`Target::of_kernel`] knows what follows from a release,
/// [`Target::simulated`] takes everything, and `Target::running` (feature `kernel`) reads the machine
/// it runs on. What a target does not know counts as present: the kernel has the last word. Only where an older way comes
/// to the same is it taken on a mere hint.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    release: Option<KernelVersion>,
    /// Distributions backport features, so the release uname tells proves presence, never absence.
    release_is_hint: bool,
    endian: Endian,
    possible_cpus: Option<u32>,
    page_size: Option<u32>,
    capabilities: Option<Capabilities>,
    facts: BTreeMap<Subject, Fact>,
    kernel_btf: Option<KernelBtf>,
    modules: Vec<Module>,
    symbols: BTreeMap<String, u64>,
}

/// The bytes of a kernel's BTF: in memory or mapped, never copied.
#[derive(Clone)]
struct KernelBtf(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl KernelBtf {
    fn bytes(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl PartialEq for KernelBtf {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.bytes() == other.bytes()
    }
}

impl fmt::Debug for KernelBtf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes().len())
    }
}

/// A kernel module with BTF.
#[derive(Clone, Debug, PartialEq)]
struct Module {
    name: String,
    id: u32,
    btf: KernelBtf,
}

/// Whether a kernel has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fact {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// It could not be asked: the question needs a capability that is missing.
    NotPermitted,
    /// It was not asked.
    Unknown,
}

impl Fact {
    /// What a planner goes by: only a plain no stops it.
    #[must_use]
    pub fn counts_as_present(self) -> bool {
        self != Self::No
    }
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// A feature of bpf(2).
    Feature(Feature),
    /// A kind of map, by its number (`enum bpf_map_type`).
    MapKind(u32),
    /// A type of program, by its number (`enum bpf_prog_type`).
    ProgType(u32),
    /// A helper in a type of program, by their numbers.
    Helper {
        /// `enum bpf_func_id`.
        helper: u32,
        /// `enum bpf_prog_type`.
        prog_type: u32,
    },
    /// A group of instructions, by its bit.
    Isa(u32),
}

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident ($major:literal, $minor:literal) $text:literal;)*) => {
        /// A feature of bpf(2) that some kernels in use lack.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Feature { $($(#[$doc])* $name,)* }

        impl Feature {
            /// Every feature, oldest first.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The release it came with (kernel history).
            #[must_use]
            pub const fn since(self) -> KernelVersion {
                match self { $(Self::$name => KernelVersion::new($major, $minor),)* }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

features! {
    /// `prog_name`, `map_name`.
    ObjectNames (4, 15) "names of maps and programs";
    /// Calls between functions of a program.
    FunctionCalls (4, 16) "calls between functions";
    /// `expected_attach_type`.
    ExpectedAttachType (4, 17) "expected_attach_type";
    /// `BPF_BTF_LOAD` and BTF of maps.
    Btf (4, 18) "BTF";
    /// FUNC and FUNC_PROTO, `func_info`, `line_info`.
    FuncInfo (5, 0) "func_info and line_info";
    /// `BPF_PSEUDO_MAP_VALUE`, `BPF_MAP_FREEZE`, VAR and DATASEC.
    GlobalData (5, 2) "addresses of map values, frozen maps";
    /// Loops the verifier walks.
    BoundedLoops (5, 3) "bounded loops";
    /// `attach_btf_id`: programs that attach to a function of the kernel by its BTF.
    AttachBtfId (5, 5) "attach_btf_id";
    /// Functions verified on their own; linkage in BTF's FUNC.
    GlobalFunctions (5, 6) "global functions";
    /// `BPF_LINK_CREATE` for cgroups.
    Links (5, 7) "bpf_link";
    /// `CAP_BPF`, `CAP_PERFMON`.
    CapBpf (5, 8) "CAP_BPF and CAP_PERFMON";
    /// BTF of modules: `BPF_BTF_GET_FD_BY_ID` of them, `attach_btf_obj_fd`.
    ModuleBtf (5, 11) "BTF of kernel modules";
    /// `BPF_PSEUDO_FUNC`: callbacks.
    Callbacks (5, 13) "callbacks (BPF_PSEUDO_FUNC)";
    /// Calls of kernel functions.
    Kfuncs (5, 13) "kernel functions (kfuncs)";
    /// `fd_array`, `BPF_PSEUDO_MAP_IDX`.
    FdArray (5, 14) "fd_array";
    /// `struct bpf_timer` in map values.
    Timers (5, 15) "timers in map values";
    /// Calls of functions of kernel modules.
    ModuleKfuncs (5, 16) "functions of kernel modules (kfuncs)";
    /// CO-RE relocations in the kernel, `core_relos`.
    KernelCore (5, 17) "CO-RE relocation by the kernel (core_relos)";
    /// `log_true_size`.
    LogTrueSize (6, 4) "log_true_size";
    /// `BPF_F_TIMER_ABS`.
    TimerAbs (6, 4) "absolute timer deadlines (BPF_F_TIMER_ABS)";
    /// `BPF_F_TIMER_CPU_PIN`.
    TimerCpuPin (6, 7) "timers pinned to a CPU (BPF_F_TIMER_CPU_PIN)";
    /// `map_token_fd` and its sisters.
    Tokens (6, 9) "BPF tokens";
    /// Timers in tracing programs, and in any context.
    TracingTimers (7, 0) "timers in tracing programs";
}

impl Target {
    /// Nothing known but the byte order: everything counts as present.
    #[must_use]
    pub const fn unknown(endian: Endian) -> Self {
        Self {
            release: None,
            release_is_hint: true,
            endian,
            possible_cpus: None,
            page_size: None,
            capabilities: None,
            facts: BTreeMap::new(),
            kernel_btf: None,
            modules: Vec::new(),
            symbols: BTreeMap::new(),
        }
    }

    /// A kernel that has everything there is or will be: what is planned for it is planned for any kernel of which nothing is
    /// known to be missing, and notes no assumption.
    #[cfg(feature = "kernel")]
    pub(crate) const fn with_everything(endian: Endian) -> Self {
        let mut target = Self::unknown(endian);
        target.release = Some(KernelVersion::new(u16::MAX, u16::MAX));
        target
    }

    /// Whether it has all there is or will be: then nothing has to be asked.
    pub(crate) fn has_everything(&self) -> bool {
        self.release == Some(KernelVersion::new(u16::MAX, u16::MAX)) && self.facts.is_empty()
    }

    /// The unpatched kernel of a release, by the tables: what came later is absent.
    #[must_use]
    pub fn of_kernel(major: u16, minor: u16) -> Self {
        let release = Some(KernelVersion::new(major, minor));
        Self { release, release_is_hint: false, ..Self::unknown(Endian::NATIVE) }
    }

    /// A kernel that has everything, with one CPU and pages of 4096 bytes: what the simulator plays.
    #[must_use]
    pub fn simulated() -> Self {
        let facts = Feature::ALL.iter().map(|&feature| (Subject::Feature(feature), Fact::Yes)).collect();
        Self {
            possible_cpus: Some(1),
            page_size: Some(4096),
            capabilities: Some(Capabilities::all()),
            facts,
            ..Self::unknown(Endian::NATIVE)
        }
    }

    /// Sets the byte order.
    #[must_use]
    pub fn with_endian(mut self, endian: Endian) -> Self {
        self.endian = endian;
        self
    }

    /// Sets the release as uname tells it: a hint, that proves presence only.
    #[must_use]
    pub fn with_release_hint(mut self, release: KernelVersion) -> Self {
        (self.release, self.release_is_hint) = (Some(release), true);
        self
    }

    /// Sets the BTF of the kernel image (`/sys/kernel/btf/vmlinux`), for kfuncs, ksyms and attach targets.
    #[must_use]
    pub fn with_btf(mut self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        self.kernel_btf = Some(KernelBtf(Arc::new(bytes)));
        self
    }

    /// Adds the BTF of a kernel module (`/sys/kernel/btf/<name>`, since 5.11), for names that the kernel's own BTF does not
    /// have; `id` is the number of the BTF object, under which a load opens it.
    #[must_use]
    pub fn with_module(
        mut self,
        name: impl Into<String>,
        id: u32,
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    ) -> Self {
        self.modules.push(Module { name: name.into(), id, btf: KernelBtf(Arc::new(bytes)) });
        self
    }

    /// Sets the number of possible CPUs.
    #[must_use]
    pub fn with_possible_cpus(mut self, cpus: u32) -> Self {
        self.possible_cpus = Some(cpus);
        self
    }

    /// Sets the size of a page, in bytes.
    #[must_use]
    pub fn with_page_size(mut self, bytes: u32) -> Self {
        self.page_size = Some(bytes);
        self
    }

    /// Sets the capabilities the load will be made with.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Sets one fact, as a probe found it.
    #[must_use]
    pub fn with_fact(mut self, subject: Subject, fact: Fact) -> Self {
        self.facts.insert(subject, fact);
        self
    }

    /// Sets the address of a kernel symbol.
    #[must_use]
    pub fn with_symbol(mut self, name: impl Into<String>, address: u64) -> Self {
        self.symbols.insert(name.into(), address);
        self
    }

    /// The release, where known.
    #[must_use]
    pub fn release(&self) -> Option<KernelVersion> {
        self.release
    }

    /// Its byte order.
    #[must_use]
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// How many CPUs it may ever have, where known.
    #[must_use]
    pub fn possible_cpus(&self) -> Option<u32> {
        self.possible_cpus
    }

    /// The size of its pages in bytes, where known.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        self.page_size
    }

    /// The capabilities of whoever loads, where known.
    #[must_use]
    pub fn capabilities(&self) -> Option<Capabilities> {
        self.capabilities
    }

    /// The BTF of its image, where known.
    #[must_use]
    pub fn kernel_btf(&self) -> Option<&[u8]> {
        self.kernel_btf.as_ref().map(KernelBtf::bytes)
    }

    /// The modules whose BTF is known: name, number of the BTF object, BTF; in the order they were added.
    pub fn modules(&self) -> impl Iterator<Item = (&str, u32, &[u8])> {
        self.modules.iter().map(|module| (module.name.as_str(), module.id, module.btf.bytes()))
    }

    /// The address of a kernel symbol, where known.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.get(name).copied()
    }

    /// Whether it has `feature`.
    #[must_use]
    pub fn feature(&self, feature: Feature) -> Fact {
        self.fact(Subject::Feature(feature), feature.since())
    }

    /// Whether to use `feature` where there is an older way that comes to the same: not where even a hint speaks against it.
    pub(crate) fn prefers(&self, feature: Feature) -> bool {
        match self.feature(feature) {
            Fact::Yes | Fact::NotPermitted => true,
            Fact::No => false,
            Fact::Unknown => self.release.is_none(),
        }
    }

    /// Whether anything is known to be missing: a release that is a hint says nothing of that.
    pub(crate) fn lacks_anything(&self) -> bool {
        (self.release.is_some() && !self.release_is_hint) || self.facts.values().any(|&fact| fact == Fact::No)
    }

    /// What the release tells of something that came with release `since`.
    #[must_use]
    pub fn since(&self, since: KernelVersion) -> Fact {
        self.by_release(since)
    }

    /// What is known of `subject`, which came with release `since`: a fact that was set, else what the
    /// release tells.
    #[must_use]
    pub fn fact(&self, subject: Subject, since: KernelVersion) -> Fact {
        self.facts.get(&subject).copied().unwrap_or_else(|| self.by_release(since))
    }

    fn by_release(&self, since: KernelVersion) -> Fact {
        match self.release {
            Some(release) if release >= since => Fact::Yes,
            Some(_) if !self.release_is_hint => Fact::No,
            _ => Fact::Unknown,
        }
    }
}

/// As messages name it; numbers of tables that this layer does not know stay numbers.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature(feature) => feature.fmt(f),
            Self::MapKind(number) => write!(f, "maps of kind {number}"),
            Self::ProgType(number) => write!(f, "{} programs", crate::kind::ProgType(*number)),
            Self::Helper { helper, prog_type } => {
                write!(f, "helper {helper} in {} programs", crate::kind::ProgType(*prog_type))
            }
            Self::Isa(group) => write!(f, "instructions of group {group:#x}"),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// `Linux 6.12`, or `a kernel of unknown release`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.called().fmt(f)
    }
}

impl Target {
    /// What it is called, to be printed when somebody asks.
    pub(crate) fn called(&self) -> Called {
        Called(self.release)
    }
}

/// What a target is called: its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Called(Option<KernelVersion>);

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(release) => write!(f, "Linux {release}"),
            None => f.write_str("a kernel of unknown release"),
        }
    }
}
