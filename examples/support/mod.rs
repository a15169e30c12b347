//! What the examples share: where they run, saying what would be loaded where loading is not permitted, a cgroup of their own.
#![allow(dead_code, reason = "no example uses all of it")]

use std::error::Error;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::{Backend, Kernel, Simulated};
use bpfsmith::base::Endian;
use bpfsmith::kernel::{self, LoadError, Loaded};
use bpfsmith::object::Object;
use bpfsmith::plan::Plan;
use bpfsmith::target::Target;

/// An object that is ready to run: in the kernel where this process may load it, else in the simulator.
pub(crate) enum Running {
    Kernel(Kernel),
    Simulator(Box<Simulated>),
}

impl Running {
    /// Says in a line where it runs, and why not in the kernel.
    pub(crate) fn start(object: &Object) -> Result<Self, Box<dyn Error>> {
        match kernel::load(object) {
            Ok(loaded) => {
                println!("in the kernel");
                Ok(Self::Kernel(loaded.into()))
            }
            Err(error) if error.is_not_permitted() => {
                println!("in the simulator, for in the kernel: {error}");
                Ok(Self::Simulator(Box::new(Simulated::new(object)?)))
            }
            Err(error) => Err(report(error)),
        }
    }

    /// The values that the CPUs have under each key of a per-CPU map.
    pub(crate) fn entries_per_cpu<K: BtfType, V: BtfType>(
        &mut self,
        map: &str,
    ) -> Result<PerCpu<K, V>, Box<dyn Error>> {
        let mut entries = Vec::new();
        for key in self.keys::<K, V>(map)? {
            let values = match self {
                Self::Kernel(kernel) => kernel.loaded().typed_map(map)?.get_per_cpu(&key)?,
                Self::Simulator(simulated) => simulated.machine().map(map)?.get_per_cpu(&key)?,
            };
            entries.extend(values.map(|values| (key, values)));
        }
        Ok(entries)
    }

    /// The keys of a map with values `V`.
    pub(crate) fn keys<K: BtfType, V: BtfType>(&mut self, map: &str) -> Result<Vec<K>, Box<dyn Error>> {
        match self {
            Self::Kernel(kernel) => {
                Ok(kernel.loaded().typed_map::<K, V>(map)?.keys().collect::<Result<_, _>>()?)
            }
            Self::Simulator(simulated) => {
                let entries = simulated.machine().raw_map(map)?.entries();
                let keys = entries.iter().map(|(key, _)| K::read_from(key, Endian::NATIVE));
                keys.map(|key| key.ok_or_else(|| "a key of another type".into())).collect()
            }
        }
    }
}

/// Keys, each with the values of the CPUs.
type PerCpu<K, V> = Vec<(K, Vec<V>)>;

/// What both can do.
impl Deref for Running {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Kernel(kernel) => kernel,
            Self::Simulator(simulated) => &**simulated,
        }
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Kernel(kernel) => kernel,
            Self::Simulator(simulated) => &mut **simulated,
        }
    }
}

/// Loads the object; where the process may not, prints what would have been loaded and which capability is missing.
pub(crate) fn load_or_explain(object: &Object) -> Result<Option<Loaded>, Box<dyn Error>> {
    match kernel::load(object) {
        Ok(loaded) => Ok(Some(loaded)),
        Err(error) if error.is_not_permitted() => {
            print_object(object)?;
            println!("not loaded: {error}");
            Ok(None)
        }
        Err(error) => Err(report(error)),
    }
}

pub(crate) const ENOMEM: i64 = 12;

/// Does again, for two seconds at most, what came to -ENOMEM: `bpf_timer_init` takes its memory without waiting for it, so that
/// there may be none for a moment (up to 20 ms were seen on 6.18) and enough in the next.
pub(crate) fn until_memory<T>(
    came_to: impl Fn(&T) -> i64,
    mut work: impl FnMut() -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    const TRIES: usize = 100;
    for _ in 1..TRIES {
        let done = work()?;
        if came_to(&done) != -ENOMEM {
            return Ok(done);
        }
        sleep(Duration::from_millis(20));
    }
    work()
}

/// A rejection is drawn on the line of Rust that emitted the instruction.
fn report(error: LoadError) -> Box<dyn Error> {
    if let Some(rejection) = error.rejection() {
        eprintln!("{}", rejection.report(&kernel::Sources::none().root(env!("CARGO_MANIFEST_DIR"))));
    }
    error.into()
}

fn print_object(object: &Object) -> Result<(), Box<dyn Error>> {
    for function in object.functions() {
        println!("{}:\n{}", function.name, function.code);
    }
    println!("{}", object.btf().all_to_c()?);
    println!("{}", Plan::new(object, &Target::running(object.needs())?)?);
    Ok(())
}

/// A cgroup of this process's own, removed when this is dropped.
pub(crate) struct Cgroup {
    path: PathBuf,
    home: PathBuf,
}

impl Cgroup {
    pub(crate) fn make(name: &str) -> Result<Self, Box<dyn Error>> {
        let root = cgroup2()?;
        let home = own_cgroup(&root)?;
        let path = root.join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { path, home })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path) {
            eprintln!("the cgroup {} could not be removed: {error}", self.path.display());
        }
    }
}

/// Puts this process into the cgroup.
pub(crate) fn move_to(cgroup: &Path) -> std::io::Result<()> {
    fs::write(cgroup.join("cgroup.procs"), std::process::id().to_string())
}

/// Where a cgroup2 file system is mounted.
fn cgroup2() -> Result<PathBuf, Box<dyn Error>> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let path = mount
        .filter(|words| words.get(2) == Some(&"cgroup2"))
        .find_map(|words| words.get(1).map(PathBuf::from));
    path.ok_or_else(|| "no cgroup2 file system is mounted".into())
}

fn own_cgroup(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cgroups = fs::read_to_string("/proc/self/cgroup")?;
    let own =
        cgroups.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("this process is in no cgroup2")?;
    Ok(root.join(own))
}

/// A listener of this process that belongs to the cgroup, while the process itself does not.
pub(crate) fn listener_in(cgroup: &Cgroup) -> Result<TcpListener, Box<dyn Error>> {
    move_to(&cgroup.path)?;
    let listener = TcpListener::bind("127.0.0.1:0");
    move_to(&cgroup.home)?;
    Ok(listener?)
}

/// Makes the listener send this process one packet over lo: the answer to a connection request.
///
/// The kernel sends it while it handles the request, in a softirq. Timers fire in softirqs too, so none fires on this
/// CPU before the programs on the packet's way have ended.
pub(crate) fn send_packet(listener: &TcpListener) -> Result<TcpStream, Box<dyn Error>> {
    Ok(TcpStream::connect(listener.local_addr()?)?)
}
