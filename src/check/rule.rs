//! What can be wrong with a program: one row for each rule, with its name, its title and what to do.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $name:literal $title:literal $suggestion:literal;)*) => {
        /// What a finding is about. The name is stable: tools may match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule { $($(#[$doc])* $rule,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// Its name: `uninitialised-register`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// What is wrong, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$rule => $title,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn suggestion(self) -> &'static str {
                match self { $(Self::$rule => $suggestion,)* }
            }
        }
    };
}

rules! {
    // The shape of the code.
    /// An instruction nothing leads to.
    UnreachableCode "unreachable-code" "code that is never reached"
        "remove it, or bind the label that was meant to lead there";
    /// A jump to a slot of another function, or outside of the program.
    JumpOutOfFunction "jump-out-of-function" "a jump out of its function"
        "jump to an instruction of the same function";
    /// A jump to the second slot of a 64-bit load.
    JumpIntoInstruction "jump-into-instruction" "a jump into the middle of an instruction"
        "jump to the first slot of the 64-bit load, or after it";
    /// The last instruction of a function neither leaves it nor jumps.
    MissingExit "missing-exit" "a function without an end"
        "end the function with exit";
    /// A slot that is no instruction.
    InvalidInstruction "invalid-instruction" "not an instruction"
        "emit the instruction through the assembler, which has only valid ones";
    /// More functions call one another than the kernel has frames for.
    CallDepth "call-depth" "calls nested too deep"
        "merge functions: at most 8 may call one another (16 since 7.2)";
    /// The stack of functions that call one another is too large.
    StackDepth "stack-depth" "too much stack"
        "functions that call one another have 512 bytes of stack together; move large buffers into a per-CPU map";
    /// A loop that need not end.
    InfiniteLoop "infinite-loop" "a loop that need not end"
        "bound the loop by a counter that each round changes, or use bpf_loop or may_goto";

    // Registers and arithmetic.
    /// A register is read that no path wrote.
    UninitialisedRegister "uninitialised-register" "a register without a value is read"
        "write the register first; calls leave R1 to R5 without a value";
    /// The frame pointer is written.
    FramePointerWrite "frame-pointer-write" "the frame pointer is written"
        "copy R10 into another register and change that";
    /// Division by the constant 0.
    DivisionByZero "division-by-zero" "a division by the constant 0"
        "the kernel refuses a constant divisor of 0";
    /// A shift by more bits than there are.
    InvalidShift "invalid-shift" "a shift by too many bits"
        "shift by less than the width of the operation";
    /// Arithmetic that is not allowed on a pointer.
    PointerArithmetic "pointer-arithmetic" "arithmetic that pointers do not allow"
        "only add to or subtract from pointers into memory, in 64 bits, and compare with 0 first what may be null";

    // Memory.
    /// Memory is accessed through a number.
    NotAPointer "not-a-pointer" "memory is accessed through something that is no pointer"
        "use a pointer to the stack, a map value, the context or the packet as the address";
    /// Memory is accessed through what may be null.
    NullDereference "null-dereference" "what may be null is dereferenced"
        "compare the pointer with 0, and use it only on the path where it is not 0";
    /// Stack is read that was never written.
    UninitialisedStack "uninitialised-stack" "stack is read that was never written"
        "write the bytes first; before Linux 6.3, and without CAP_PERFMON, the kernel refuses to read them";
    /// Outside of the 512 bytes of stack.
    StackBounds "stack-bounds" "an access outside of the stack"
        "the stack is the 512 bytes below R10";
    /// An access to the stack that is not aligned.
    Misaligned "misaligned-access" "an access to the stack that is not aligned"
        "put what has n bytes at a multiple of n";
    /// A pointer on the stack is read or written in part.
    PartOfPointer "part-of-pointer" "a part of a pointer on the stack"
        "store and load pointers whole, eight bytes at a multiple of eight";
    /// Outside of a map value.
    ValueBounds "value-bounds" "an access outside of a map value"
        "check the offset against the size of the value first";
    /// Outside of a map key.
    KeyBounds "key-bounds" "an access outside of a map key"
        "check the offset against the size of the key first";
    /// Outside of a ring buffer record.
    RecordBounds "record-bounds" "an access outside of a ring buffer record"
        "reserve as many bytes as are written";
    /// A key that a callback was given is written.
    KeyWrite "key-write" "a map key is written"
        "keys are read-only: copy the key to the stack";
    /// Memory that programs may only read, or only write, is accessed the other way.
    MapAccess "map-access" "an access the map's flags forbid"
        "BPF_F_RDONLY_PROG lets programs only read, BPF_F_WRONLY_PROG only write";
    /// A special field of a map value is accessed as if it were bytes.
    SpecialField "special-field" "a timer or lock is accessed as bytes"
        "use the helpers of the field; other fields of the value are free";
    /// The context is accessed where there is nothing, or in a way that is not allowed.
    ContextAccess "context-access" "an access the context does not allow"
        "read a field of the context at its offset and with its size, through the unmodified pointer";
    /// The packet is accessed without a comparison with its end.
    PacketBounds "packet-bounds" "the packet is accessed without a check of its length"
        "compare the pointer plus the number of bytes with the end of the packet first";
    /// A store to memory that is never written.
    ReadOnly "read-only-memory" "read-only memory is written"
        "copy it to the stack or a map value first";
    /// An atomic operation on memory that has none.
    AtomicMemory "atomic-memory" "an atomic operation on the wrong memory"
        "atomic operations work on the stack, map values and ring buffer records";

    // Calls.
    /// A helper no kernel has.
    UnknownHelper "unknown-helper" "no such helper"
        "helpers end at 211 (bpf_cgrp_storage_delete); what came later are kfuncs";
    /// A helper the target or the program kind does not have.
    HelperUnavailable "helper-unavailable" "the helper is not available"
        "choose another helper, another program kind, or a newer kernel";
    /// A helper for programs under the GPL.
    GplOnly "gpl-only" "the helper needs a GPL-compatible licence"
        "give the object the licence \"GPL\", \"GPL v2\", \"GPL and additional rights\", \"Dual BSD/GPL\", \"Dual MIT/GPL\" or \"Dual MPL/GPL\"";
    /// A helper that sleeps, where sleeping is not possible.
    Sleeps "helper-sleeps" "a helper that may sleep"
        "only sleepable programs may call it, and no callback of a timer";
    /// An argument of the wrong kind.
    ArgumentKind "argument-kind" "a wrong argument"
        "pass what the helper's prototype asks for";
    /// An argument that may be null.
    NullArgument "null-argument" "an argument that may be null"
        "compare the pointer with 0, and call the helper only on the path where it is not 0";
    /// The size of memory that a helper is given.
    ArgumentSize "argument-size" "the size of an argument"
        "bound the size by comparisons with constants, and do not pass 0 where memory is needed";
    /// A map of a kind that the helper does not take.
    MapKindForHelper "map-kind" "a map of the wrong kind for the helper"
        "use a map of a kind the helper works on";
    /// A call while a lock is held.
    CallUnderLock "call-under-lock" "a call while a lock is held"
        "release the lock before the call";
    /// A lock that is taken twice, or released without being taken.
    LockOrder "lock-order" "a lock taken twice or never"
        "take one lock at a time and release the one that was taken";
    /// A program kind that may not use locks.
    LockProgramKind "lock-program-kind" "a program kind without locks"
        "socket filters and most tracing programs may not use maps with a bpf_spin_lock";
    /// A legacy load from the packet without the context in R6.
    LegacyLoad "legacy-packet-load" "a legacy packet load where there is none"
        "R6 must hold the context of a program that sees an skb";

    // Ends.
    /// R0 at exit is outside of what the kind allows.
    ReturnValue "return-value" "a return value that is not allowed"
        "set R0 to an allowed value on every path to exit";
    /// A callback of a timer returns something but 0.
    CallbackReturn "callback-return" "a callback that returns a wrong value"
        "a timer's callback must return 0, a callback of a loop 0 or 1";
    /// A pointer to the own stack is returned.
    StackEscape "stack-escape" "a pointer to the stack leaves its function"
        "copy the data: the stack of a function ends with it";
    /// A record or socket that is never given back.
    MissingRelease "missing-release" "something acquired is not released"
        "submit or discard the record, or release the socket, on every path";
    /// Something is released that was not acquired.
    ReleaseNotHeld "release-not-held" "something is released that is not held"
        "pass the pointer that reserving or looking up returned, unchanged and once";
    /// A lock that is held at exit.
    LockAtExit "lock-at-exit" "a lock is held at the end"
        "release the lock on every path";

    // Timers.
    /// A timer helper on memory that is no map value.
    TimerNotInMap "timer-not-in-map" "a timer that is not in a map value"
        "timers live in values of hash, LRU hash and array maps: pass a pointer into a looked-up value";
    /// A timer helper at another offset than the timer's.
    TimerOffset "timer-offset" "a pointer beside the timer"
        "add the timer's offset inside of the value to the value pointer: a constant, no more and no less";
    /// A timer helper on a map without a timer.
    MapWithoutTimer "map-without-timer" "a map without a timer"
        "give the map a key type and a value type that holds one bpf_timer: the kernel finds it by its BTF";
    /// bpf_timer_init with another map than that of the timer.
    TimerMap "timer-map" "a timer and a map that do not belong together"
        "pass bpf_timer_init the map the value was looked up in";
    /// A clock that does not exist, or is not what it seems.
    TimerClock "timer-clock" "the clock of a timer"
        "use CLOCK_MONOTONIC (1) or CLOCK_BOOTTIME (7); CLOCK_REALTIME (0) behaves as CLOCK_MONOTONIC";
    /// Flags of bpf_timer_start that do not exist on the target.
    TimerFlags "timer-flags" "the flags of bpf_timer_start"
        "BPF_F_TIMER_ABS (1) exists since 6.4, BPF_F_TIMER_CPU_PIN (2) since 6.7; anything else is -EINVAL";
    /// A deadline no clock reaches.
    TimerDeadline "timer-deadline" "the deadline of a timer"
        "an absolute deadline must be below 2^63 nanoseconds, and in a callback later than now";
    /// bpf_timer_start after bpf_timer_cancel, or without bpf_timer_set_callback.
    TimerWithoutCallback "timer-without-callback" "a timer is started without a callback"
        "call bpf_timer_set_callback after bpf_timer_init and again after bpf_timer_cancel, which drops the callback";
    /// A timer that is not at offset 0, without CAP_PERFMON.
    TimerPerfmon "timer-perfmon" "a timer that needs CAP_PERFMON"
        "put the timer first in the value, or load with CAP_PERFMON";
    /// A program kind that may not use timers.
    TimerProgramKind "timer-program-kind" "a program kind without timers"
        "tracing programs may use timers, and maps with timers, since 7.0 only";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
