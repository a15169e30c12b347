//! What `BPF_OBJ_GET_INFO_BY_FD` answers, and the target record of iterator links.

use super::records;

records! {
    /// Every field of the reply records that a struct of this file has.
    REPLY_FIELDS;

    /// What is known of a map.
    struct MapInfo in "bpf_map_info" for [OBJ_GET_INFO_BY_FD] {
        map_type: u32 = "type" since (4, 13);
        id: u32 = "id" since (4, 13);
        key_size: u32 = "key_size" since (4, 13);
        value_size: u32 = "value_size" since (4, 13);
        max_entries: u32 = "max_entries" since (4, 13);
        map_flags: u32 = "map_flags" since (4, 13);
        name: [u8; 16] = "name" since (4, 15);
        ifindex: u32 = "ifindex" since (4, 16);
        btf_vmlinux_value_type_id: u32 = "btf_vmlinux_value_type_id" since (5, 6);
        netns_dev: u64 = "netns_dev" since (4, 16);
        netns_ino: u64 = "netns_ino" since (4, 16);
        btf_id: u32 = "btf_id" since (4, 18);
        btf_key_type_id: u32 = "btf_key_type_id" since (4, 18);
        btf_value_type_id: u32 = "btf_value_type_id" since (4, 18);
        btf_vmlinux_id: u32 = "btf_vmlinux_id" since (6, 9);
        map_extra: u64 = "map_extra" since (5, 16);
        /// Where the kernel writes the hash of the contents.
        hash: u64 = "hash" since (6, 18);
        hash_size: u32 = "hash_size" since (6, 18);
        _pad: u32 = "" since (6, 18);
    }

    /// What is known of a program. Counts are in: what there is room for, out: how many there are.
    struct ProgInfo in "bpf_prog_info" for [OBJ_GET_INFO_BY_FD] {
        prog_type: u32 = "type" since (4, 13);
        id: u32 = "id" since (4, 13);
        tag: [u8; 8] = "tag" since (4, 13);
        /// Bytes.
        jited_prog_len: u32 = "jited_prog_len" since (4, 13);
        /// Bytes.
        xlated_prog_len: u32 = "xlated_prog_len" since (4, 13);
        jited_prog_insns: u64 = "jited_prog_insns" since (4, 13);
        xlated_prog_insns: u64 = "xlated_prog_insns" since (4, 13);
        /// Nanoseconds since boot.
        load_time: u64 = "load_time" since (4, 15);
        created_by_uid: u32 = "created_by_uid" since (4, 15);
        nr_map_ids: u32 = "nr_map_ids" since (4, 15);
        map_ids: u64 = "map_ids" since (4, 15);
        name: [u8; 16] = "name" since (4, 15);
        ifindex: u32 = "ifindex" since (4, 16);
        /// A field of one bit, the lowest on little-endian machines.
        gpl_compatible: u32 = "gpl_compatible" since (4, 18);
        netns_dev: u64 = "netns_dev" since (4, 16);
        netns_ino: u64 = "netns_ino" since (4, 16);
        nr_jited_ksyms: u32 = "nr_jited_ksyms" since (4, 18);
        nr_jited_func_lens: u32 = "nr_jited_func_lens" since (4, 18);
        jited_ksyms: u64 = "jited_ksyms" since (4, 18);
        jited_func_lens: u64 = "jited_func_lens" since (4, 18);
        btf_id: u32 = "btf_id" since (5, 0);
        func_info_rec_size: u32 = "func_info_rec_size" since (5, 0);
        func_info: u64 = "func_info" since (5, 0);
        nr_func_info: u32 = "nr_func_info" since (5, 0);
        nr_line_info: u32 = "nr_line_info" since (5, 0);
        line_info: u64 = "line_info" since (5, 0);
        jited_line_info: u64 = "jited_line_info" since (5, 0);
        nr_jited_line_info: u32 = "nr_jited_line_info" since (5, 0);
        line_info_rec_size: u32 = "line_info_rec_size" since (5, 0);
        jited_line_info_rec_size: u32 = "jited_line_info_rec_size" since (5, 0);
        nr_prog_tags: u32 = "nr_prog_tags" since (5, 0);
        prog_tags: u64 = "prog_tags" since (5, 0);
        /// Counted while statistics are on.
        run_time_ns: u64 = "run_time_ns" since (5, 1);
        /// Counted while statistics are on.
        run_cnt: u64 = "run_cnt" since (5, 1);
        recursion_misses: u64 = "recursion_misses" since (5, 12);
        verified_insns: u32 = "verified_insns" since (5, 16);
        attach_btf_obj_id: u32 = "attach_btf_obj_id" since (6, 0);
        attach_btf_id: u32 = "attach_btf_id" since (6, 0);
        _pad: u32 = "" since (6, 0);
    }

    /// What is known of a BTF object.
    struct BtfInfo in "bpf_btf_info" for [OBJ_GET_INFO_BY_FD] {
        btf: u64 = "btf" since (4, 18);
        /// In: what there is room for, out: the size of the BTF.
        btf_size: u32 = "btf_size" since (4, 18);
        id: u32 = "id" since (4, 18);
        name: u64 = "name" since (5, 11);
        /// In: what there is room for, out: the length without NUL.
        name_len: u32 = "name_len" since (5, 11);
        kernel_btf: u32 = "kernel_btf" since (5, 11);
    }

    /// What is known of a token.
    struct TokenInfo in "bpf_token_info" for [OBJ_GET_INFO_BY_FD] {
        allowed_cmds: u64 = "allowed_cmds" since (6, 17);
        allowed_maps: u64 = "allowed_maps" since (6, 17);
        allowed_progs: u64 = "allowed_progs" since (6, 17);
        allowed_attachs: u64 = "allowed_attachs" since (6, 17);
    }

    /// What is known of any link; the structs below add what each type has.
    struct LinkInfo in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad: u32 = "" since (5, 8);
    }

    /// [`LinkInfo`] of a raw tracepoint.
    struct LinkInfoRawTracepoint in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        tp_name: u64 = "raw_tracepoint.tp_name" since (5, 8);
        tp_name_len: u32 = "raw_tracepoint.tp_name_len" since (5, 8);
        _pad: u32 = "" since (6, 17);
        cookie: u64 = "raw_tracepoint.cookie" since (6, 17);
    }

    /// [`LinkInfo`] of a tracing or LSM program.
    struct LinkInfoTracing in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        attach_type: u32 = "tracing.attach_type" since (5, 8);
        target_obj_id: u32 = "tracing.target_obj_id" since (5, 13);
        target_btf_id: u32 = "tracing.target_btf_id" since (5, 13);
        _pad: u32 = "" since (6, 17);
        cookie: u64 = "tracing.cookie" since (6, 17);
    }

    /// [`LinkInfo`] at a cgroup.
    struct LinkInfoCgroup in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        cgroup_id: u64 = "cgroup.cgroup_id" since (5, 8);
        attach_type: u32 = "cgroup.attach_type" since (5, 8);
        _pad: u32 = "" since (5, 8);
    }

    /// [`LinkInfo`] of an iterator.
    struct LinkInfoIter in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        target_name: u64 = "iter.target_name" since (5, 9);
        target_name_len: u32 = "iter.target_name_len" since (5, 9);
        map_id: u32 = "iter.map.map_id" since (5, 10);
        /// A cgroup's id; of a task iterator, its thread in the first four bytes and its process in the others.
        cgroup_id: u64 = "iter.cgroup.cgroup_id" since (6, 1);
        order: u32 = "iter.cgroup.order" since (6, 1);
        _pad: u32 = "" since (6, 1);
    }

    /// [`LinkInfo`] of an iterator over tasks.
    struct LinkInfoIterTask in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        target_name: u64 = "iter.target_name" since (5, 9);
        target_name_len: u32 = "iter.target_name_len" since (5, 9);
        map_id: u32 = "iter.map.map_id" since (5, 10);
        tid: u32 = "iter.task.tid" since (6, 1);
        pid: u32 = "iter.task.pid" since (6, 1);
    }

    /// [`LinkInfo`] at a network namespace.
    struct LinkInfoNetns in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        netns_ino: u32 = "netns.netns_ino" since (5, 8);
        attach_type: u32 = "netns.attach_type" since (5, 8);
    }

    /// [`LinkInfo`] at an XDP hook.
    struct LinkInfoXdp in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        ifindex: u32 = "xdp.ifindex" since (5, 9);
    }

    /// [`LinkInfo`] of a struct_ops map.
    struct LinkInfoStructOps in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        map_id: u32 = "struct_ops.map_id" since (6, 4);
    }

    /// [`LinkInfo`] at a netfilter hook.
    struct LinkInfoNetfilter in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        pf: u32 = "netfilter.pf" since (6, 4);
        hooknum: u32 = "netfilter.hooknum" since (6, 4);
        priority: i32 = "netfilter.priority" since (6, 4);
        flags: u32 = "netfilter.flags" since (6, 4);
    }

    /// [`LinkInfo`] on many kernel functions.
    struct LinkInfoKprobeMulti in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        addrs: u64 = "kprobe_multi.addrs" since (6, 6);
        count: u32 = "kprobe_multi.count" since (6, 6);
        flags: u32 = "kprobe_multi.flags" since (6, 6);
        missed: u64 = "kprobe_multi.missed" since (6, 7);
        cookies: u64 = "kprobe_multi.cookies" since (6, 9);
    }

    /// [`LinkInfo`] on many places of a user-space binary.
    struct LinkInfoUprobeMulti in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        path: u64 = "uprobe_multi.path" since (6, 8);
        offsets: u64 = "uprobe_multi.offsets" since (6, 8);
        ref_ctr_offsets: u64 = "uprobe_multi.ref_ctr_offsets" since (6, 8);
        cookies: u64 = "uprobe_multi.cookies" since (6, 8);
        path_size: u32 = "uprobe_multi.path_size" since (6, 8);
        count: u32 = "uprobe_multi.count" since (6, 8);
        flags: u32 = "uprobe_multi.flags" since (6, 8);
        pid: u32 = "uprobe_multi.pid" since (6, 8);
    }

    /// [`LinkInfo`] on a perf event of any sort.
    struct LinkInfoPerfEvent in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        kind: u32 = "perf_event.type" since (6, 6);
        _pad: u32 = "" since (6, 6);
    }

    /// [`LinkInfoPerfEvent`] of a uprobe.
    struct LinkInfoUprobe in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        kind: u32 = "perf_event.type" since (6, 6);
        _pad: u32 = "" since (6, 6);
        file_name: u64 = "perf_event.uprobe.file_name" since (6, 6);
        name_len: u32 = "perf_event.uprobe.name_len" since (6, 6);
        offset: u32 = "perf_event.uprobe.offset" since (6, 6);
        cookie: u64 = "perf_event.uprobe.cookie" since (6, 9);
        ref_ctr_offset: u64 = "perf_event.uprobe.ref_ctr_offset" since (6, 16);
    }

    /// [`LinkInfoPerfEvent`] of a kprobe.
    struct LinkInfoKprobe in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        kind: u32 = "perf_event.type" since (6, 6);
        _pad: u32 = "" since (6, 6);
        func_name: u64 = "perf_event.kprobe.func_name" since (6, 6);
        name_len: u32 = "perf_event.kprobe.name_len" since (6, 6);
        offset: u32 = "perf_event.kprobe.offset" since (6, 6);
        addr: u64 = "perf_event.kprobe.addr" since (6, 6);
        missed: u64 = "perf_event.kprobe.missed" since (6, 7);
        cookie: u64 = "perf_event.kprobe.cookie" since (6, 9);
    }

    /// [`LinkInfoPerfEvent`] of a tracepoint.
    struct LinkInfoTracepoint in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        kind: u32 = "perf_event.type" since (6, 6);
        _pad: u32 = "" since (6, 6);
        tp_name: u64 = "perf_event.tracepoint.tp_name" since (6, 6);
        name_len: u32 = "perf_event.tracepoint.name_len" since (6, 6);
        _pad2: u32 = "" since (6, 9);
        cookie: u64 = "perf_event.tracepoint.cookie" since (6, 9);
    }

    /// [`LinkInfoPerfEvent`] of a hardware or software event.
    struct LinkInfoEvent in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        kind: u32 = "perf_event.type" since (6, 6);
        _pad: u32 = "" since (6, 6);
        config: u64 = "perf_event.event.config" since (6, 6);
        event_type: u32 = "perf_event.event.type" since (6, 6);
        _pad2: u32 = "" since (6, 9);
        cookie: u64 = "perf_event.event.cookie" since (6, 9);
    }

    /// [`LinkInfo`] on a tcx hook.
    struct LinkInfoTcx in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        ifindex: u32 = "tcx.ifindex" since (6, 6);
        attach_type: u32 = "tcx.attach_type" since (6, 6);
    }

    /// [`LinkInfo`] on a netkit device.
    struct LinkInfoNetkit in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        ifindex: u32 = "netkit.ifindex" since (6, 7);
        attach_type: u32 = "netkit.attach_type" since (6, 7);
    }

    /// [`LinkInfo`] on a socket map.
    struct LinkInfoSockmap in "bpf_link_info" for [OBJ_GET_INFO_BY_FD] {
        link_type: u32 = "type" since (5, 8);
        id: u32 = "id" since (5, 8);
        prog_id: u32 = "prog_id" since (5, 8);
        _pad0: u32 = "" since (5, 8);
        map_id: u32 = "sockmap.map_id" since (6, 10);
        attach_type: u32 = "sockmap.attach_type" since (6, 10);
    }

    /// What an iterator over the elements of a map walks.
    struct IterMap in "bpf_iter_link_info" for [LINK_CREATE] {
        map_fd: u32 = "map.map_fd" since (5, 9);
    }

    /// What an iterator over cgroups walks.
    struct IterCgroup in "bpf_iter_link_info" for [LINK_CREATE] {
        order: u32 = "cgroup.order" since (6, 1);
        cgroup_fd: u32 = "cgroup.cgroup_fd" since (6, 1);
        cgroup_id: u64 = "cgroup.cgroup_id" since (6, 1);
    }

    /// What an iterator over tasks walks.
    struct IterTask in "bpf_iter_link_info" for [LINK_CREATE] {
        tid: u32 = "task.tid" since (6, 1);
        pid: u32 = "task.pid" since (6, 1);
        pid_fd: u32 = "task.pid_fd" since (6, 1);
    }
}
