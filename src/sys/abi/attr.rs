//! The members of `union bpf_attr`.

use super::records;

records! {
    /// Every field of `union bpf_attr` that a struct of this file has.
    FIELDS;

    /// What [`Command::MAP_CREATE`](super::Command::MAP_CREATE) takes.
    struct MapCreate in "bpf_attr" for [MAP_CREATE] {
        map_type: u32 = "map_type" since (3, 18);
        key_size: u32 = "key_size" since (3, 18);
        value_size: u32 = "value_size" since (3, 18);
        max_entries: u32 = "max_entries" since (3, 18);
        map_flags: u32 = "map_flags" since (4, 6);
        inner_map_fd: u32 = "inner_map_fd" since (4, 12);
        numa_node: u32 = "numa_node" since (4, 14);
        map_name: [u8; 16] = "map_name" since (4, 15);
        map_ifindex: u32 = "map_ifindex" since (4, 16);
        btf_fd: u32 = "btf_fd" since (4, 18);
        btf_key_type_id: u32 = "btf_key_type_id" since (4, 18);
        btf_value_type_id: u32 = "btf_value_type_id" since (4, 18);
        btf_vmlinux_value_type_id: u32 = "btf_vmlinux_value_type_id" since (5, 6);
        map_extra: u64 = "map_extra" since (5, 16);
        value_type_btf_obj_fd: i32 = "value_type_btf_obj_fd" since (6, 9);
        map_token_fd: i32 = "map_token_fd" since (6, 9);
        excl_prog_hash: u64 = "excl_prog_hash" since (6, 18);
        excl_prog_hash_size: u32 = "excl_prog_hash_size" since (6, 18);
        _pad: u32 = "" since (6, 18);
    }

    /// What the commands on one element take.
    struct MapElem in "bpf_attr" for [
        MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, MAP_DELETE_ELEM, MAP_GET_NEXT_KEY, MAP_LOOKUP_AND_DELETE_ELEM
    ] {
        map_fd: u32 = "map_fd" since (3, 18);
        _pad: u32 = "" since (3, 18);
        key: u64 = "key" since (3, 18);
        /// Also `next_key`.
        value: u64 = "value" since (3, 18);
        flags: u64 = "flags" since (3, 18);
    }

    /// What the commands on many elements take.
    struct MapBatch in "bpf_attr" for [
        MAP_LOOKUP_BATCH, MAP_LOOKUP_AND_DELETE_BATCH, MAP_UPDATE_BATCH, MAP_DELETE_BATCH
    ] {
        in_batch: u64 = "batch.in_batch" since (5, 6);
        out_batch: u64 = "batch.out_batch" since (5, 6);
        keys: u64 = "batch.keys" since (5, 6);
        values: u64 = "batch.values" since (5, 6);
        /// Elements there is room for; the kernel writes how many there were.
        count: u32 = "batch.count" since (5, 6);
        map_fd: u32 = "batch.map_fd" since (5, 6);
        elem_flags: u64 = "batch.elem_flags" since (5, 6);
        flags: u64 = "batch.flags" since (5, 6);
    }

    /// What [`Command::PROG_LOAD`](super::Command::PROG_LOAD) takes.
    struct ProgLoad in "bpf_attr" for [PROG_LOAD] {
        prog_type: u32 = "prog_type" since (3, 18);
        insn_cnt: u32 = "insn_cnt" since (3, 18);
        insns: u64 = "insns" since (3, 18);
        license: u64 = "license" since (3, 18);
        log_level: u32 = "log_level" since (3, 18);
        log_size: u32 = "log_size" since (3, 18);
        log_buf: u64 = "log_buf" since (3, 18);
        /// Ignored since 5.0.
        kern_version: u32 = "kern_version" since (4, 1);
        prog_flags: u32 = "prog_flags" since (4, 12);
        prog_name: [u8; 16] = "prog_name" since (4, 15);
        prog_ifindex: u32 = "prog_ifindex" since (4, 15);
        expected_attach_type: u32 = "expected_attach_type" since (4, 17);
        prog_btf_fd: u32 = "prog_btf_fd" since (5, 0);
        func_info_rec_size: u32 = "func_info_rec_size" since (5, 0);
        func_info: u64 = "func_info" since (5, 0);
        func_info_cnt: u32 = "func_info_cnt" since (5, 0);
        line_info_rec_size: u32 = "line_info_rec_size" since (5, 0);
        line_info: u64 = "line_info" since (5, 0);
        line_info_cnt: u32 = "line_info_cnt" since (5, 0);
        attach_btf_id: u32 = "attach_btf_id" since (5, 5);
        /// Also `attach_btf_obj_fd` (5.11).
        attach_prog_fd: u32 = "attach_prog_fd" since (5, 5);
        core_relo_cnt: u32 = "core_relo_cnt" since (5, 17);
        fd_array: u64 = "fd_array" since (5, 14);
        core_relos: u64 = "core_relos" since (5, 17);
        core_relo_rec_size: u32 = "core_relo_rec_size" since (5, 17);
        /// Written by the kernel.
        log_true_size: u32 = "log_true_size" since (6, 4);
        prog_token_fd: i32 = "prog_token_fd" since (6, 9);
        fd_array_cnt: u32 = "fd_array_cnt" since (6, 14);
        signature: u64 = "signature" since (6, 18);
        signature_size: u32 = "signature_size" since (6, 18);
        keyring_id: i32 = "keyring_id" since (6, 18);
    }

    /// What pinning and opening a pin take.
    struct Obj in "bpf_attr" for [OBJ_PIN, OBJ_GET] {
        pathname: u64 = "pathname" since (4, 4);
        bpf_fd: u32 = "bpf_fd" since (4, 4);
        file_flags: u32 = "file_flags" since (4, 15);
        path_fd: i32 = "path_fd" since (6, 5);
        _pad: u32 = "" since (6, 5);
    }

    /// What attaching without a link and detaching take.
    struct ProgAttach in "bpf_attr" for [PROG_ATTACH, PROG_DETACH] {
        /// Also `target_ifindex` (6.6).
        target_fd: u32 = "target_fd" since (4, 10);
        attach_bpf_fd: u32 = "attach_bpf_fd" since (4, 10);
        attach_type: u32 = "attach_type" since (4, 10);
        attach_flags: u32 = "attach_flags" since (4, 10);
        replace_bpf_fd: u32 = "replace_bpf_fd" since (5, 6);
        /// Also `relative_id`.
        relative_fd: u32 = "relative_fd" since (6, 6);
        expected_revision: u64 = "expected_revision" since (6, 6);
    }

    /// What [`Command::PROG_TEST_RUN`](super::Command::PROG_TEST_RUN) takes and answers.
    struct TestRun in "bpf_attr" for [PROG_TEST_RUN] {
        prog_fd: u32 = "test.prog_fd" since (4, 12);
        /// Written by the kernel.
        retval: u32 = "test.retval" since (4, 12);
        data_size_in: u32 = "test.data_size_in" since (4, 12);
        data_size_out: u32 = "test.data_size_out" since (4, 12);
        data_in: u64 = "test.data_in" since (4, 12);
        data_out: u64 = "test.data_out" since (4, 12);
        repeat: u32 = "test.repeat" since (4, 12);
        /// Nanoseconds of one run on average, written by the kernel.
        duration: u32 = "test.duration" since (4, 12);
        ctx_size_in: u32 = "test.ctx_size_in" since (5, 2);
        ctx_size_out: u32 = "test.ctx_size_out" since (5, 2);
        ctx_in: u64 = "test.ctx_in" since (5, 2);
        ctx_out: u64 = "test.ctx_out" since (5, 2);
        flags: u32 = "test.flags" since (5, 10);
        cpu: u32 = "test.cpu" since (5, 10);
        batch_size: u32 = "test.batch_size" since (5, 18);
        _pad: u32 = "" since (5, 18);
    }

    /// What walking the ids and opening an object by its id take.
    struct ById in "bpf_attr" for [
        PROG_GET_NEXT_ID, MAP_GET_NEXT_ID, BTF_GET_NEXT_ID, LINK_GET_NEXT_ID,
        PROG_GET_FD_BY_ID, MAP_GET_FD_BY_ID, BTF_GET_FD_BY_ID, LINK_GET_FD_BY_ID
    ] {
        /// Also `prog_id`, `map_id`, `btf_id`, `link_id`.
        start_id: u32 = "start_id" since (4, 13);
        /// Written by the kernel.
        next_id: u32 = "next_id" since (4, 13);
        open_flags: u32 = "open_flags" since (4, 15);
        fd_by_id_token_fd: i32 = "fd_by_id_token_fd" since (6, 15);
    }

    /// What [`Command::OBJ_GET_INFO_BY_FD`](super::Command::OBJ_GET_INFO_BY_FD) takes.
    struct GetInfo in "bpf_attr" for [OBJ_GET_INFO_BY_FD] {
        bpf_fd: u32 = "info.bpf_fd" since (4, 13);
        /// Bytes there is room for; the kernel writes how many it filled.
        info_len: u32 = "info.info_len" since (4, 13);
        info: u64 = "info.info" since (4, 13);
    }

    /// What [`Command::PROG_QUERY`](super::Command::PROG_QUERY) takes and answers.
    struct ProgQuery in "bpf_attr" for [PROG_QUERY] {
        /// Also `target_ifindex` (6.6).
        target_fd: u32 = "query.target_fd" since (4, 15);
        attach_type: u32 = "query.attach_type" since (4, 15);
        query_flags: u32 = "query.query_flags" since (4, 15);
        /// Written by the kernel.
        attach_flags: u32 = "query.attach_flags" since (4, 15);
        prog_ids: u64 = "query.prog_ids" since (4, 15);
        /// Also `count`. Programs there is room for; the kernel writes how many there are.
        prog_cnt: u32 = "query.prog_cnt" since (4, 15);
        _pad: u32 = "" since (6, 0);
        prog_attach_flags: u64 = "query.prog_attach_flags" since (6, 0);
        link_ids: u64 = "query.link_ids" since (6, 6);
        link_attach_flags: u64 = "query.link_attach_flags" since (6, 6);
        /// Written by the kernel.
        revision: u64 = "query.revision" since (6, 6);
    }

    /// What [`Command::RAW_TRACEPOINT_OPEN`](super::Command::RAW_TRACEPOINT_OPEN) takes.
    struct RawTracepointOpen in "bpf_attr" for [RAW_TRACEPOINT_OPEN] {
        name: u64 = "raw_tracepoint.name" since (4, 17);
        prog_fd: u32 = "raw_tracepoint.prog_fd" since (4, 17);
        _pad: u32 = "" since (6, 10);
        cookie: u64 = "raw_tracepoint.cookie" since (6, 10);
    }

    /// What [`Command::BTF_LOAD`](super::Command::BTF_LOAD) takes.
    struct BtfLoad in "bpf_attr" for [BTF_LOAD] {
        btf: u64 = "btf" since (4, 18);
        btf_log_buf: u64 = "btf_log_buf" since (4, 18);
        btf_size: u32 = "btf_size" since (4, 18);
        btf_log_size: u32 = "btf_log_size" since (4, 18);
        btf_log_level: u32 = "btf_log_level" since (4, 18);
        /// Written by the kernel.
        btf_log_true_size: u32 = "btf_log_true_size" since (6, 4);
        btf_flags: u32 = "btf_flags" since (6, 9);
        btf_token_fd: i32 = "btf_token_fd" since (6, 9);
    }

    /// What [`Command::TASK_FD_QUERY`](super::Command::TASK_FD_QUERY) takes and answers.
    struct TaskFdQuery in "bpf_attr" for [TASK_FD_QUERY] {
        pid: u32 = "task_fd_query.pid" since (4, 18);
        fd: u32 = "task_fd_query.fd" since (4, 18);
        flags: u32 = "task_fd_query.flags" since (4, 18);
        /// Bytes there is room for; the kernel writes the length of the name, without its NUL.
        buf_len: u32 = "task_fd_query.buf_len" since (4, 18);
        buf: u64 = "task_fd_query.buf" since (4, 18);
        /// Written by the kernel.
        prog_id: u32 = "task_fd_query.prog_id" since (4, 18);
        /// `enum bpf_task_fd_type`, written by the kernel.
        fd_type: u32 = "task_fd_query.fd_type" since (4, 18);
        /// Written by the kernel.
        probe_offset: u64 = "task_fd_query.probe_offset" since (4, 18);
        /// Written by the kernel.
        probe_addr: u64 = "task_fd_query.probe_addr" since (4, 18);
    }

    /// What [`Command::MAP_FREEZE`](super::Command::MAP_FREEZE) takes: the head of the element commands' member.
    struct MapFreeze in "bpf_attr" for [MAP_FREEZE] {
        map_fd: u32 = "map_fd" since (5, 2);
    }

    /// What [`Command::LINK_CREATE`](super::Command::LINK_CREATE) takes where no arm of its union is used.
    struct LinkCreate in "bpf_attr" for [LINK_CREATE] {
        /// Also `map_fd` (6.4).
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        /// Also `target_ifindex` (5.9).
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
    }

    /// [`LinkCreate`] of a program that replaces a function.
    struct LinkCreateTarget in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        target_btf_id: u32 = "link_create.target_btf_id" since (5, 10);
    }

    /// [`LinkCreate`] of an iterator.
    struct LinkCreateIter in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        iter_info: u64 = "link_create.iter_info" since (5, 9);
        iter_info_len: u32 = "link_create.iter_info_len" since (5, 9);
        _pad: u32 = "" since (5, 9);
    }

    /// [`LinkCreate`] on a perf event.
    struct LinkCreatePerfEvent in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        bpf_cookie: u64 = "link_create.perf_event.bpf_cookie" since (5, 15);
    }

    /// [`LinkCreate`] on many kernel functions.
    struct LinkCreateKprobeMulti in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        multi_flags: u32 = "link_create.kprobe_multi.flags" since (5, 18);
        cnt: u32 = "link_create.kprobe_multi.cnt" since (5, 18);
        syms: u64 = "link_create.kprobe_multi.syms" since (5, 18);
        addrs: u64 = "link_create.kprobe_multi.addrs" since (5, 18);
        cookies: u64 = "link_create.kprobe_multi.cookies" since (5, 18);
    }

    /// [`LinkCreate`] of a tracing or LSM program.
    struct LinkCreateTracing in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        target_btf_id: u32 = "link_create.tracing.target_btf_id" since (5, 19);
        _pad: u32 = "" since (5, 19);
        cookie: u64 = "link_create.tracing.cookie" since (5, 19);
    }

    /// [`LinkCreate`] on a netfilter hook.
    struct LinkCreateNetfilter in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        pf: u32 = "link_create.netfilter.pf" since (6, 4);
        hooknum: u32 = "link_create.netfilter.hooknum" since (6, 4);
        priority: i32 = "link_create.netfilter.priority" since (6, 4);
        hook_flags: u32 = "link_create.netfilter.flags" since (6, 4);
    }

    /// [`LinkCreate`] on a tcx hook.
    struct LinkCreateTcx in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        /// Also `relative_id`.
        relative_fd: u32 = "link_create.tcx.relative_fd" since (6, 6);
        _pad: u32 = "" since (6, 6);
        expected_revision: u64 = "link_create.tcx.expected_revision" since (6, 6);
    }

    /// [`LinkCreate`] on many places of a user-space binary.
    struct LinkCreateUprobeMulti in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        path: u64 = "link_create.uprobe_multi.path" since (6, 6);
        offsets: u64 = "link_create.uprobe_multi.offsets" since (6, 6);
        ref_ctr_offsets: u64 = "link_create.uprobe_multi.ref_ctr_offsets" since (6, 6);
        cookies: u64 = "link_create.uprobe_multi.cookies" since (6, 6);
        cnt: u32 = "link_create.uprobe_multi.cnt" since (6, 6);
        multi_flags: u32 = "link_create.uprobe_multi.flags" since (6, 6);
        pid: u32 = "link_create.uprobe_multi.pid" since (6, 6);
        _pad: u32 = "" since (6, 6);
    }

    /// [`LinkCreate`] on a netkit device.
    struct LinkCreateNetkit in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        /// Also `relative_id`.
        relative_fd: u32 = "link_create.netkit.relative_fd" since (6, 7);
        _pad: u32 = "" since (6, 7);
        expected_revision: u64 = "link_create.netkit.expected_revision" since (6, 7);
    }

    /// [`LinkCreate`] at a cgroup, in a chosen place among its programs.
    struct LinkCreateCgroup in "bpf_attr" for [LINK_CREATE] {
        prog_fd: u32 = "link_create.prog_fd" since (5, 7);
        target_fd: u32 = "link_create.target_fd" since (5, 7);
        attach_type: u32 = "link_create.attach_type" since (5, 7);
        flags: u32 = "link_create.flags" since (5, 7);
        /// Also `relative_id`.
        relative_fd: u32 = "link_create.cgroup.relative_fd" since (6, 17);
        _pad: u32 = "" since (6, 17);
        expected_revision: u64 = "link_create.cgroup.expected_revision" since (6, 17);
    }

    /// What [`Command::LINK_UPDATE`](super::Command::LINK_UPDATE) takes.
    struct LinkUpdate in "bpf_attr" for [LINK_UPDATE] {
        link_fd: u32 = "link_update.link_fd" since (5, 7);
        /// Also `new_map_fd` (6.4).
        new_prog_fd: u32 = "link_update.new_prog_fd" since (5, 7);
        flags: u32 = "link_update.flags" since (5, 7);
        /// Also `old_map_fd` (6.4).
        old_prog_fd: u32 = "link_update.old_prog_fd" since (5, 7);
    }

    /// What [`Command::LINK_DETACH`](super::Command::LINK_DETACH) takes.
    struct LinkDetach in "bpf_attr" for [LINK_DETACH] {
        link_fd: u32 = "link_detach.link_fd" since (5, 9);
    }

    /// What [`Command::ENABLE_STATS`](super::Command::ENABLE_STATS) takes.
    struct EnableStats in "bpf_attr" for [ENABLE_STATS] {
        kind: u32 = "enable_stats.type" since (5, 8);
    }

    /// What [`Command::ITER_CREATE`](super::Command::ITER_CREATE) takes.
    struct IterCreate in "bpf_attr" for [ITER_CREATE] {
        link_fd: u32 = "iter_create.link_fd" since (5, 8);
        flags: u32 = "iter_create.flags" since (5, 8);
    }

    /// What [`Command::PROG_BIND_MAP`](super::Command::PROG_BIND_MAP) takes.
    struct ProgBindMap in "bpf_attr" for [PROG_BIND_MAP] {
        prog_fd: u32 = "prog_bind_map.prog_fd" since (5, 10);
        map_fd: u32 = "prog_bind_map.map_fd" since (5, 10);
        flags: u32 = "prog_bind_map.flags" since (5, 10);
    }

    /// What [`Command::TOKEN_CREATE`](super::Command::TOKEN_CREATE) takes.
    struct TokenCreate in "bpf_attr" for [TOKEN_CREATE] {
        flags: u32 = "token_create.flags" since (6, 9);
        bpffs_fd: u32 = "token_create.bpffs_fd" since (6, 9);
    }

    /// What [`Command::PROG_STREAM_READ_BY_FD`](super::Command::PROG_STREAM_READ_BY_FD) takes.
    struct ProgStreamRead in "bpf_attr" for [PROG_STREAM_READ_BY_FD] {
        stream_buf: u64 = "prog_stream_read.stream_buf" since (6, 17);
        stream_buf_len: u32 = "prog_stream_read.stream_buf_len" since (6, 17);
        stream_id: u32 = "prog_stream_read.stream_id" since (6, 17);
        prog_fd: u32 = "prog_stream_read.prog_fd" since (6, 17);
        _pad: u32 = "" since (6, 17);
    }
}
