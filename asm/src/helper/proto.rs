//! What helpers take and return.

/// What a helper expects in one of r1 to r5 (`enum bpf_arg_type` with its flags).
#[doc(alias = "bpf_arg_type")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// Any initialised value; its meaning is checked at run time, if at all.
    #[doc(alias = "ARG_ANYTHING")]
    Any,
    /// A number, not a pointer.
    #[doc(alias = "ARG_SCALAR")]
    Scalar,
    /// The program's context, unmodified.
    #[doc(alias = "ARG_PTR_TO_CTX")]
    Context,
    /// The program's context or NULL.
    #[doc(alias = "ARG_PTR_TO_CTX_OR_NULL")]
    ContextOrNull,
    /// A map, as the loader put it into a register.
    #[doc(alias = "ARG_CONST_MAP_PTR")]
    Map,
    /// Initialised memory of the key size of the map in the argument before.
    #[doc(alias = "ARG_PTR_TO_MAP_KEY")]
    MapKey,
    /// Initialised memory of the value size of the map argument.
    #[doc(alias = "ARG_PTR_TO_MAP_VALUE")]
    MapValue,
    /// As [`MapValue`](Self::MapValue), or NULL.
    #[doc(alias = "ARG_PTR_TO_MAP_VALUE_OR_NULL")]
    MapValueOrNull,
    /// Memory of the value size of the map argument that the helper fills; bloom filters read it.
    MapValueOut,
    /// Memory whose size is the next argument.
    #[doc(alias = "ARG_PTR_TO_MEM")]
    #[doc(alias = "ARG_PTR_TO_UNINIT_MEM")]
    Mem(Access),
    /// As [`Mem`](Self::Mem), or NULL with a size of 0.
    #[doc(alias = "ARG_PTR_TO_MEM_OR_NULL")]
    MemOrNull(Access),
    /// Memory of this many bytes.
    #[doc(alias = "ARG_PTR_TO_FIXED_SIZE_MEM")]
    Fixed(u16, Access),
    /// The size in bytes of the memory in the argument before; at least 1.
    #[doc(alias = "ARG_CONST_SIZE")]
    Size,
    /// The size in bytes of the memory in the argument before.
    #[doc(alias = "ARG_CONST_SIZE_OR_ZERO")]
    SizeOrZero,
    /// A constant number of bytes, the size of what is returned.
    #[doc(alias = "ARG_CONST_ALLOC_SIZE_OR_ZERO")]
    AllocSizeOrZero,
    /// A map value at the offset of its `bpf_timer`.
    #[doc(alias = "ARG_PTR_TO_TIMER")]
    Timer,
    /// A map value or an allocated object at the offset of its `bpf_spin_lock`.
    #[doc(alias = "ARG_PTR_TO_SPIN_LOCK")]
    SpinLock,
    /// A function of the program, to be called by the helper.
    #[doc(alias = "ARG_PTR_TO_FUNC")]
    Callback,
    /// Memory on the stack that the callback gets, or NULL.
    #[doc(alias = "ARG_PTR_TO_STACK_OR_NULL")]
    StackOrNull,
    /// A NUL-terminated string in a read-only, frozen map.
    #[doc(alias = "ARG_PTR_TO_CONST_STR")]
    ConstStr,
    /// A socket of the verifier's own kinds: `bpf_sock`, `bpf_tcp_sock` or `sock_common`.
    #[doc(alias = "ARG_PTR_TO_SOCK_COMMON")]
    SockCommon,
    /// As [`SockCommon`](Self::SockCommon), or a kernel pointer to one.
    #[doc(alias = "ARG_PTR_TO_BTF_ID_SOCK_COMMON")]
    Sock,
    /// A socket with a reference, which the helper takes away.
    SockRelease,
    /// A kernel pointer to this struct.
    #[doc(alias = "ARG_PTR_TO_BTF_ID")]
    Btf(&'static str),
    /// A kernel pointer to this struct, or NULL.
    #[doc(alias = "ARG_PTR_TO_BTF_ID_OR_NULL")]
    BtfOrNull(&'static str),
    /// The address of a per-CPU kernel variable.
    #[doc(alias = "ARG_PTR_TO_PERCPU_BTF_ID")]
    PercpuBtf,
    /// A map value at the offset of a kernel pointer field.
    #[doc(alias = "ARG_KPTR_XCHG_DEST")]
    KptrSlot,
    /// A kernel pointer with a reference, which the helper takes away, or NULL.
    KptrOrNull,
    /// A reserved ring buffer record, which the helper takes away.
    #[doc(alias = "ARG_PTR_TO_RINGBUF_MEM")]
    RingbufRelease,
    /// An initialised dynptr of any kind.
    #[doc(alias = "ARG_PTR_TO_DYNPTR")]
    Dynptr,
    /// Stack room for a dynptr that the helper makes (to local memory).
    DynptrOut,
    /// Stack room for a dynptr that the helper makes (to a ring buffer record).
    RingbufDynptrOut,
    /// A dynptr to a ring buffer record, which the helper takes away.
    RingbufDynptrRelease,
}

impl ArgKind {
    /// Whether the next argument is the size of the memory this one points to.
    #[must_use]
    pub const fn is_sized_by_the_next(self) -> bool {
        matches!(self, Self::Mem(_) | Self::MemOrNull(_))
    }

    /// Whether NULL (the constant 0) is accepted.
    #[must_use]
    pub const fn takes_null(self) -> bool {
        matches!(
            self,
            Self::Any
                | Self::Scalar
                | Self::ContextOrNull
                | Self::MapValueOrNull
                | Self::MemOrNull(_)
                | Self::StackOrNull
                | Self::BtfOrNull(_)
                | Self::KptrOrNull
        )
    }
}

/// What a helper does with the memory it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads it: it has to be initialised and may be read-only.
    #[doc(alias = "MEM_RDONLY")]
    Read,
    /// May read and write it: it has to be initialised and writable.
    #[doc(alias = "MEM_WRITE")]
    Update,
    /// Fills it: it may be uninitialised and has to be writable.
    #[doc(alias = "MEM_UNINIT")]
    Write,
}

/// What a helper leaves in r0 (`enum bpf_return_type` with its flags).
#[doc(alias = "bpf_return_type")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetKind {
    /// A number: a result, or a negative error.
    #[doc(alias = "RET_INTEGER")]
    Integer,
    /// Nothing; r0 must not be read.
    #[doc(alias = "RET_VOID")]
    Void,
    /// A value of the map argument.
    #[doc(alias = "RET_PTR_TO_MAP_VALUE")]
    MapValue,
    /// A value of the map argument, or NULL.
    #[doc(alias = "RET_PTR_TO_MAP_VALUE_OR_NULL")]
    MapValueOrNull,
    /// A `bpf_sock`, or NULL.
    #[doc(alias = "RET_PTR_TO_SOCKET_OR_NULL")]
    SocketOrNull,
    /// A `bpf_tcp_sock`, or NULL.
    #[doc(alias = "RET_PTR_TO_TCP_SOCK_OR_NULL")]
    TcpSockOrNull,
    /// A socket of which only the common part is there, or NULL.
    #[doc(alias = "RET_PTR_TO_SOCK_COMMON_OR_NULL")]
    SockCommonOrNull,
    /// A ring buffer record of the size asked for, or NULL.
    #[doc(alias = "RET_PTR_TO_RINGBUF_MEM_OR_NULL")]
    RingbufOrNull,
    /// A slice of a dynptr of the size asked for, or NULL.
    #[doc(alias = "RET_PTR_TO_DYNPTR_MEM_OR_NULL")]
    SliceOrNull,
    /// A per-CPU kernel variable, read-only.
    #[doc(alias = "RET_PTR_TO_MEM_OR_BTF_ID")]
    Percpu,
    /// A per-CPU kernel variable, read-only, or NULL.
    PercpuOrNull,
    /// A kernel pointer to this struct.
    #[doc(alias = "RET_PTR_TO_BTF_ID")]
    Btf(&'static str),
    /// A kernel pointer to this struct, or NULL.
    #[doc(alias = "RET_PTR_TO_BTF_ID_OR_NULL")]
    BtfOrNull(&'static str),
    /// A trusted kernel pointer to this struct.
    #[doc(alias = "RET_PTR_TO_BTF_ID_TRUSTED")]
    BtfTrusted(&'static str),
    /// The kernel pointer that was in the field, or NULL.
    KptrOrNull,
}

impl RetKind {
    /// Whether r0 has to be compared with NULL before it can be used.
    #[must_use]
    pub const fn may_be_null(self) -> bool {
        matches!(
            self,
            Self::MapValueOrNull
                | Self::SocketOrNull
                | Self::TcpSockOrNull
                | Self::SockCommonOrNull
                | Self::RingbufOrNull
                | Self::SliceOrNull
                | Self::PercpuOrNull
                | Self::BtfOrNull(_)
                | Self::KptrOrNull
        )
    }
}

/// Who needs a GPL-compatible licence to call a helper.
#[doc(alias = "gpl_only")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gpl {
    /// Nobody.
    Never,
    /// Programs of some kinds; the text of the helper says which.
    Varies,
    /// Every program.
    Always,
}
