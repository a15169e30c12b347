//! The layout in `sys::abi`, held against the BTF of the running kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

#[path = "abi/kernel.rs"]
mod kernel;

use std::process::ExitCode;

use bpfsmith::base::KernelVersion;
use bpfsmith::sys::abi::{self, Command, ElemFlags, FIELDS, FieldRow, MultiFlags, REPLY_FIELDS};
use bpfsmith::sys::host;

use kernel::Kernel;
use support::{Suite, has_vmlinux_btf};

/// The last release whose every field is in the tables.
const COMPLETE: KernelVersion = KernelVersion::new(6, 18);

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.test("since: a field is not older than its first command", ages);
    suite.test_if(has_vmlinux_btf, "layout: each field is where the kernel has it", || in_place(FIELDS));
    suite.test_if(has_vmlinux_btf, "layout: each field of a reply is where the kernel has it", || {
        in_place(REPLY_FIELDS)
    });
    suite.test_if(has_vmlinux_btf, "layout: what pads is no field", padding);
    suite.test_if(has_vmlinux_btf, "layout: no field is missing", complete);
    suite.test_if(has_vmlinux_btf, "layout: the attributes fit the buffer", fits);
    suite.test_if(has_vmlinux_btf, "commands: the numbers are the kernel's", commands);
    suite.test_if(has_vmlinux_btf, "flags: the numbers are the kernel's", flags);
    suite.run()
}

fn rows() -> impl Iterator<Item = &'static FieldRow> {
    FIELDS.iter().chain(REPLY_FIELDS)
}

fn running() -> KernelVersion {
    host::kernel_version().unwrap()
}

fn ages() {
    for row in rows() {
        let first = row.commands.iter().filter_map(|command| command.since()).min().unwrap();
        assert!(row.since >= first, "{row:?}");
    }
    for window in FIELDS.windows(2) {
        assert!(window[0].offset + window[0].size == window[1].offset || window[1].offset == 0, "{window:?}");
    }
}

fn in_place(rows: &[FieldRow]) {
    let kernel = Kernel::open();
    for row in rows.iter().filter(|row| !row.name.is_empty()) {
        match kernel.find(row.record, row.name) {
            Some(found) => assert_eq!((found.offset, found.size), (row.offset, row.size), "{row:?}"),
            None => assert!(row.since > running(), "the kernel does not know {row:?}"),
        }
    }
}

fn padding() {
    let kernel = Kernel::open();
    for window in FIELDS.windows(2).chain(REPLY_FIELDS.windows(2)) {
        let [before, pad] = window else { continue };
        if !pad.name.is_empty() || before.since > running() {
            continue;
        }
        let around = kernel.siblings(before.record, before.name);
        let end = pad.offset + pad.size;
        let overlap =
            around.iter().find(|field| field.offset < end && pad.offset < field.offset + field.size);
        assert!(overlap.is_none() || running() > COMPLETE, "{pad:?} after {before:?} is {overlap:?}");
    }
}

fn complete() {
    if running() > COMPLETE {
        return;
    }
    let kernel = Kernel::open();
    for record in [
        "bpf_attr",
        "bpf_map_info",
        "bpf_prog_info",
        "bpf_btf_info",
        "bpf_link_info",
        "bpf_token_info",
        "bpf_iter_link_info",
    ] {
        for field in kernel.fields(record) {
            let aliases = ALIASES.iter().filter(|(alias, _)| record == "bpf_attr" && *alias == field.name);
            let known = rows().filter(|row| row.record == record).any(|row| {
                let named = row.name == field.name || aliases.clone().any(|(_, name)| row.name == *name);
                named && (row.offset, row.size) == (field.offset, field.size)
            });
            assert!(known, "{record}: {field:?}");
        }
    }
}

/// Second names of fields, and the first one.
const ALIASES: &[(&str, &str)] = &[
    ("next_key", "value"),
    ("attach_btf_obj_fd", "attach_prog_fd"),
    ("target_ifindex", "target_fd"),
    ("relative_id", "relative_fd"),
    ("prog_id", "start_id"),
    ("map_id", "start_id"),
    ("btf_id", "start_id"),
    ("link_id", "start_id"),
    ("query.target_ifindex", "query.target_fd"),
    ("query.count", "query.prog_cnt"),
    ("link_create.map_fd", "link_create.prog_fd"),
    ("link_create.target_ifindex", "link_create.target_fd"),
    ("link_create.tcx.relative_id", "link_create.tcx.relative_fd"),
    ("link_create.netkit.relative_id", "link_create.netkit.relative_fd"),
    ("link_create.cgroup.relative_id", "link_create.cgroup.relative_fd"),
    ("link_update.new_map_fd", "link_update.new_prog_fd"),
    ("link_update.old_map_fd", "link_update.old_prog_fd"),
];

fn fits() {
    assert!(Kernel::open().size("bpf_attr") <= 256);
}

fn commands() {
    let kernel = Kernel::open();
    let values = kernel.values_of("bpf_cmd");
    for &command in Command::ALL {
        let name = command.to_string();
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, number)) => assert_eq!(u64::from(command.0), *number, "{name}"),
            None => assert!(command.since().unwrap() > running(), "{name}"),
        }
    }
    for (name, number) in values {
        let known = u32::try_from(number).is_ok_and(|number| Command(number).name().is_some());
        assert!(known || name.starts_with("__") || running() > COMPLETE, "{name}");
    }
}

fn flags() {
    let kernel = Kernel::open();
    let expected = [
        ("BPF_NOEXIST", ElemFlags::NOEXIST.bits()),
        ("BPF_EXIST", ElemFlags::EXIST.bits()),
        ("BPF_F_LOCK", ElemFlags::LOCK.bits()),
        ("BPF_F_NUMA_NODE", abi::BPF_F_NUMA_NODE.into()),
        ("BPF_F_RDONLY", abi::BPF_F_RDONLY.into()),
        ("BPF_F_WRONLY", abi::BPF_F_WRONLY.into()),
        ("BPF_F_PATH_FD", abi::BPF_F_PATH_FD.into()),
        ("BPF_F_VTYPE_BTF_OBJ_FD", abi::BPF_F_VTYPE_BTF_OBJ_FD.into()),
        ("BPF_F_TOKEN_FD", abi::BPF_F_TOKEN_FD.into()),
        ("BPF_F_LINK", abi::AttachFlags::LINK.bits().into()),
        ("BPF_F_KPROBE_MULTI_RETURN", MultiFlags::RETURN.bits().into()),
        ("BPF_F_UPROBE_MULTI_RETURN", MultiFlags::RETURN.bits().into()),
    ];
    let values = kernel.enumerators();
    for (name, bits) in expected {
        if let Some(number) = values.get(name) {
            assert_eq!(*number, bits, "{name}");
        } else {
            assert!(running() < COMPLETE, "{name}");
        }
    }
}
