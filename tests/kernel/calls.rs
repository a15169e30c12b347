//! How many calls of bpf(2) a load makes, and what it says where they are not permitted. Both are seen from outside: this
//! program runs itself again, under strace or without capabilities.

use std::process::{Command, ExitCode, Stdio};

use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::{R0, R5};
use bpfsmith::base::Endian;
use bpfsmith::kernel;
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::Object;
use bpfsmith::plan::{self, Bpf, Failure, Fd, Plan, Reply};
use bpfsmith::target::Target;

use crate::common::{object_of, returns};
use crate::golden;
use crate::support::{Condition, Suite, TempDir, all, has_cap_bpf};

pub fn add(suite: &mut Suite) {
    suite.test("calls: a plan of a trivial program is one command", || {
        assert_planned("trivial", &["PROG_LOAD"])
    });
    suite.test("calls: a plan of a timer and its program is three commands", || {
        assert_planned("timer", &["BTF_LOAD", "MAP_CREATE", "PROG_LOAD"]);
    });
    let needed = || all(&[has_cap_bpf, has_strace]);
    suite.test_if(needed(), "calls: a trivial program makes one call", || {
        assert_calls("trivial", &["BPF_PROG_LOAD"])
    });
    suite.test_if(needed(), "calls: a timer and its program make three calls", || {
        assert_calls("timer", &["BPF_BTF_LOAD", "BPF_MAP_CREATE", "BPF_PROG_LOAD"]);
    });
    suite.test_if(needed(), "calls: a program that is refused makes two, the second with a log", || {
        assert_calls("refused", &["BPF_PROG_LOAD", "BPF_PROG_LOAD"]);
    });
    suite.test_if(can_unshare, "permissions: those of another user namespace do not count", user_namespace);
    suite.test_if(can_drop, "permissions: the missing capability is named, whatever comes first", missing);
    suite.test_if(
        can_drop,
        "permissions: CAP_BPF alone loads what needs no more, and names what does",
        cap_bpf_alone,
    );
}

/// The variable that says what this program shall load instead of running tests.
const LOAD: &str = "BPFSMITH_TEST_LOAD";

/// Loads what the variable names, prints how that went.
pub fn child() -> Option<ExitCode> {
    let name = std::env::var(LOAD).ok()?;
    match kernel::load(&object(&name)) {
        Ok(_) => println!("loaded"),
        Err(error) => {
            println!("{}: {error}", if error.is_not_permitted() { "not permitted" } else { "failed" })
        }
    }
    Some(ExitCode::SUCCESS)
}

fn object(name: &str) -> Object {
    match name {
        "trivial" => object_of(ProgramKind::SOCKET_FILTER, returns(0)),
        "timer" => golden::object(Endian::NATIVE),
        "refused" => object_of(ProgramKind::SOCKET_FILTER, Assembler::new().mov(R0, R5).exit().finish()),
        "xdp" => object_of(ProgramKind::XDP, returns(2)),
        "kprobe" => object_of(ProgramKind::KPROBE, returns(0)),
        name => panic!("{name}"),
    }
}

/// Notes what it is asked for and does nothing.
#[derive(Default)]
struct Counting(Vec<&'static str>);

impl Bpf for Counting {
    fn call(&mut self, command: &plan::Command) -> Result<Reply, Failure> {
        self.0.push(command.name());
        Ok(Reply::Done)
    }

    fn close(&mut self, _: Fd) {}

    fn unpin(&mut self, _: &plan::ObjPin) {}
}

fn assert_planned(name: &str, commands: &[&str]) {
    let object = object(name);
    let mut counting = Counting::default();
    Plan::new(&object, &Target::of_kernel(6, 18)).unwrap().execute(&mut counting).unwrap();
    assert_eq!(counting.0, commands);
}

fn assert_calls(name: &str, commands: &[&str]) {
    let directory = TempDir::new();
    let output = directory.path().join("calls");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=bpf,open,openat", "-o"]).arg(&output);
    strace.arg(std::env::current_exe().unwrap()).env(LOAD, name).stdout(Stdio::null());
    assert!(strace.status().unwrap().success());
    let calls = std::fs::read_to_string(output).unwrap();
    // Nothing here needs it, and it is large.
    assert!(!calls.contains("/sys/kernel/btf"), "{calls}");
    let command = |line: &str| {
        let call = line.split_once("bpf(")?.1;
        call.split_once(',').map(|(command, _)| command.to_owned())
    };
    assert_eq!(calls.lines().filter_map(command).collect::<Vec<_>>(), commands, "{calls}");
}

fn has_strace() -> Condition {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=none"]);
    works(strace, "strace may not trace here")
}

fn user_namespace() {
    let text = "not permitted: PROG_LOAD of program prog: EPERM (1): operation not permitted: the process lacks CAP_BPF \
                in the initial user namespace: it is in another one\n";
    assert_eq!(told_by(unshare(), "trivial"), text);
}

/// This program as root of a user namespace of its own, with every capability there.
fn unshare() -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user"]);
    unshare
}

fn can_unshare() -> Condition {
    works(unshare(), "unshare may not make user namespaces here")
}

/// This program as root without any capability but those given.
fn without_capabilities(keep: &[&str]) -> Command {
    let kept: String = keep.iter().map(|name| format!(",+{name}")).collect();
    let mut setpriv = Command::new("setpriv");
    setpriv.arg("--securebits=+noroot");
    setpriv.arg(format!("--inh-caps=-all{kept}")).arg(format!("--ambient-caps=-all{kept}"));
    setpriv
}

fn can_drop() -> Condition {
    has_cap_bpf()?;
    works(without_capabilities(&["bpf"]), "setpriv may not drop capabilities here")
}

fn works(mut command: Command, otherwise: &str) -> Condition {
    command.arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(otherwise.into()),
        Err(error) => Err(format!("{} does not run: {error}", command.get_program().display())),
    }
}

fn told(keep: &[&str], name: &str) -> String {
    told_by(without_capabilities(keep), name)
}

fn told_by(mut command: Command, name: &str) -> String {
    let output = command.arg(std::env::current_exe().unwrap()).env(LOAD, name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn missing() {
    let expected =
        "not permitted: BTF_LOAD of btf: EPERM (1): operation not permitted: the process lacks CAP_BPF\n";
    assert_eq!(told(&[], "timer"), expected);
    let expected = "not permitted: PROG_LOAD of program prog: EPERM (1): operation not permitted: the process lacks CAP_BPF\n";
    assert_eq!(told(&[], "trivial"), expected);
    assert!(told(&[], "xdp").ends_with("the process lacks CAP_NET_ADMIN, CAP_BPF\n"));
}

fn cap_bpf_alone() {
    assert_eq!(told(&["bpf"], "timer"), "loaded\n");
    assert_eq!(told(&["bpf"], "trivial"), "loaded\n");
    let lacks = "PROG_LOAD of program prog: EPERM (1): operation not permitted: the process lacks";
    assert_eq!(told(&["bpf"], "xdp"), format!("not permitted: {lacks} CAP_NET_ADMIN\n"));
    assert_eq!(told(&["bpf"], "kprobe"), format!("not permitted: {lacks} CAP_PERFMON\n"));
    assert_eq!(told(&["bpf", "net_admin"], "xdp"), "loaded\n");
}
