//! A list of devices that processes of a cgroup may use, compiled into a program: the job of `devices.allow` in the first
//! version of cgroups, and of container runtimes in the second.
//!
//! ```text
//! cargo run --example device_filter -- 'c 1:3 rwm' 'c 1:* r' 'deny c 1:5 r'
//! ```
//!
//! A rule is a kind of device (`b` for block, `c` for character, `a` for both), numbers (`*` for any) and what may be done
//! (`r`ead, `w`rite, `m`ake a node); `a` alone stands for everything. With `deny` before it, it forbids. The last rule that
//! matches decides; without one, access is denied.

mod support;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use bpfsmith::backend::{Backend, Input};
use bpfsmith::dsl::{CgroupDevice, Verdict};
use bpfsmith::kind::AttachType;
use bpfsmith::link::CgroupLink;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use support::Running;

/// Bits of `access_type` in `struct bpf_cgroup_dev_ctx`: the kind of device below, what is done with it above.
pub(crate) const BLOCK: u32 = 1;
pub(crate) const CHARACTER: u32 = 2;
pub(crate) const MAKE: u32 = 1;
pub(crate) const READ: u32 = 2;
pub(crate) const WRITE: u32 = 4;

/// What a rule says; none stands for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) allow: bool,
    pub(crate) kind: Option<u32>,
    pub(crate) major: Option<u32>,
    pub(crate) minor: Option<u32>,
    pub(crate) access: u32,
}

/// The program: the rules from the last to the first, each a comparison of what it names.
///
/// An allowing rule has to allow all that is asked for, a denying one denies if any of it is what it names.
pub(crate) fn object(rules: &[Rule]) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("device_filter").license("GPL");
    object.program("device_filter", CgroupDevice::DEVICE, |f, ctx| {
        let (kind, access) = (ctx.access_type() & 0xffff, ctx.access_type() >> 16);
        let (major, minor) = (ctx.major(), ctx.minor());
        for rule in rules.iter().rev() {
            let asked =
                if rule.allow { !access.any_bits(!rule.access) } else { access.any_bits(rule.access) };
            let device = [(kind, rule.kind), (major, rule.major), (minor, rule.minor)];
            let named = device.into_iter().filter_map(|(number, wanted)| Some(number.eq(wanted?)));
            let verdict = if rule.allow { Verdict::ALLOW } else { Verdict::DENY };
            f.if_(named.fold(asked, |all, one| all & one), || f.return_(verdict));
        }
        f.return_(Verdict::DENY)
    });
    object.finish()
}

/// What is wrong with a rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    #[error("a rule is `[deny] <kind> <major>:<minor> <access>`, or `a`; there are {0} words")]
    Words(usize),
    #[error("`{0}` is no kind of device: it is `a`, `b` or `c`")]
    Kind(String),
    #[error("`{0}` is not `<major>:<minor>`")]
    Numbers(String),
    #[error("`{0}` is no device number: it is `*`, or a number below 2^32")]
    Number(String),
    #[error("`{0}` is no access: it is made of `r`, `w` and `m`, each once")]
    Access(String),
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (allow, words) = match words.split_first() {
            Some((&"deny", rest)) => (false, rest),
            _ => (true, &words[..]),
        };
        match words {
            ["a"] => Ok(Self { allow, kind: None, major: None, minor: None, access: MAKE | READ | WRITE }),
            [kind, numbers, access] => {
                let (major, minor) =
                    numbers.split_once(':').ok_or_else(|| RuleError::Numbers((*numbers).to_owned()))?;
                let (kind, access) = (kind_of(kind)?, access_of(access)?);
                Ok(Self { allow, kind, major: number_of(major)?, minor: number_of(minor)?, access })
            }
            words => Err(RuleError::Words(words.len())),
        }
    }
}

fn kind_of(text: &str) -> Result<Option<u32>, RuleError> {
    match text {
        "a" => Ok(None),
        "b" => Ok(Some(BLOCK)),
        "c" => Ok(Some(CHARACTER)),
        _ => Err(RuleError::Kind(text.to_owned())),
    }
}

fn number_of(text: &str) -> Result<Option<u32>, RuleError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "*" => Ok(None),
        _ if digits => text.parse().map(Some).map_err(|_| RuleError::Number(text.to_owned())),
        _ => Err(RuleError::Number(text.to_owned())),
    }
}

fn access_of(text: &str) -> Result<u32, RuleError> {
    let wrong = || RuleError::Access(text.to_owned());
    let access = text.chars().try_fold(0, |access, letter| {
        let bit = match letter {
            'r' => READ,
            'w' => WRITE,
            'm' => MAKE,
            _ => return Err(wrong()),
        };
        if access & bit == 0 { Ok(access | bit) } else { Err(wrong()) }
    })?;
    if access == 0 { Err(wrong()) } else { Ok(access) }
}

const USUAL: [&str; 3] = ["c 1:3 rwm", "c 1:* r", "deny c 1:5 r"];
const DEVICES: [(&str, u32, u32); 4] =
    [("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/urandom", 1, 9)];
/// The word that makes this program the process in the cgroup.
const CHILD: &str = "--in-cgroup";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, cgroup] = &arguments[..]
        && word == CHILD
    {
        return open_devices(Path::new(cgroup));
    }
    let given: Vec<&str> =
        if arguments.is_empty() { USUAL.to_vec() } else { arguments.iter().map(String::as_str).collect() };
    let parse = |text: &&str| text.parse().map_err(|error| format!("rule `{text}`: {error}"));
    let rules = given.iter().map(parse).collect::<Result<Vec<Rule>, _>>()?;

    let mut running = Running::start(&object(&rules)?)?;
    println!("rules: {}", given.join(", "));
    match &mut running {
        Running::Kernel(kernel) => {
            let cgroup = support::Cgroup::make("bpfsmith-device-filter")?;
            let program = kernel.loaded().program("device_filter")?;
            let _link = CgroupLink::attach(program, cgroup.path(), AttachType::CGROUP_DEVICE)?;
            let child = Command::new(std::env::current_exe()?).arg(CHILD).arg(cgroup.path()).status()?;
            if child.success() { Ok(()) } else { Err("the process in the cgroup failed".into()) }
        }
        Running::Simulator(simulated) => {
            for (name, major, minor) in DEVICES {
                let mut allowed = |access: u32| -> Result<_, Box<dyn Error>> {
                    let context = context(CHARACTER, access, major, minor);
                    Ok(verdict(simulated.run("device_filter", &Input::context(&context))?.retval == 1))
                };
                println!("{name}: read {}, write {}", allowed(READ)?, allowed(WRITE)?);
            }
            Ok(())
        }
    }
}

/// What the process in the cgroup does: it opens devices.
fn open_devices(cgroup: &Path) -> Result<(), Box<dyn Error>> {
    support::move_to(cgroup)?;
    for (name, ..) in DEVICES {
        let (read, write) = (File::open(name), OpenOptions::new().write(true).open(name));
        println!("{name}: read {}, write {}", opened(read)?, opened(write)?);
    }
    Ok(())
}

fn opened(device: io::Result<File>) -> io::Result<&'static str> {
    match device {
        Ok(_) => Ok(verdict(true)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(verdict(false)),
        Err(error) => Err(error),
    }
}

fn verdict(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

/// `struct bpf_cgroup_dev_ctx`.
pub(crate) fn context(kind: u32, access: u32, major: u32, minor: u32) -> Vec<u8> {
    [access << 16 | kind, major, minor].iter().flat_map(|number| number.to_ne_bytes()).collect()
}
