//! The verifier's log, taken apart: bytes in, a value out.
//!
//! The log is a trace with one message at its end. Of the trace only the last instruction and what was known of the
//! registers then is kept; of the message, all of its lines. One pass, no recursion, any bytes: a log may hold text
//! that is not UTF-8 (source lines come from the program's own BTF), lack its head (since 6.4 a buffer that is too
//! small keeps the tail) or stop in mid-line.
//!
//! Since 7.3 a report for people follows the message: `Verification failed: ..`, what that means, and the source and instructions
//! around the place. It tells nothing that is not in the trace before it, so it is passed over.
//!
//! The format is the kernel's `kernel/bpf/log.c` and the messages of `kernel/bpf/verifier.c`, at log levels 1 and 2.
//! The log of `BPF_BTF_LOAD` (`kernel/bpf/btf.c`) is read too: its last type line is the place.

use core::fmt;

use super::hint;

/// What a verifier log says: where it stopped, why, and what it knew there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierLog {
    place: Place,
    instruction: Vec<u8>,
    source: Vec<u8>,
    reason: Vec<u8>,
    registers: Vec<Register>,
    frame: u32,
    callback: bool,
    stats: Option<Stats>,
}

/// What the log blames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Place {
    /// The instruction at this slot of the whole program (all its functions laid out, `ldimm64` counts as two).
    Instruction(u32),
    /// A function, by its number in order of address: 0 is the entry. For messages like `missing bpf_line_info for func#1`.
    Function(u32),
    /// Whichever instruction has this opcode byte: `unknown opcode 0d` does not say where it stands.
    Opcode(u8),
    /// A type of the BTF that was loaded.
    Type(u32),
    /// The log names no place, or is empty.
    Unknown,
}

/// One register or stack slot as the verifier knew it before the blamed instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Register {
    /// `R0` to `R10`, or a stack slot by its offset from the frame pointer, such as `fp-8`.
    pub name: String,
    /// What was known of it, in the verifier's notation: `scalar(umax=255)`, `map_value(map=m,ks=4,vs=16)`.
    pub value: Vec<u8>,
}

/// The trailer `processed N insns (limit 1000000) ...`: how much work the verifier did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stats {
    /// Instructions walked, each time one was walked.
    pub processed: u32,
    /// How many it would have walked at most.
    pub limit: u32,
    /// The most states kept for one instruction.
    pub max_states_per_insn: u32,
    /// States kept in all.
    pub total_states: u32,
    /// States kept at one time.
    pub peak_states: u32,
    /// The longest chain of register liveness marks.
    pub mark_read: u32,
}

impl VerifierLog {
    /// Reads a log. Never fails: what is not understood is part of the reason, or skipped.
    #[must_use]
    pub fn parse(log: &[u8]) -> Self {
        let mut parser = Parser::default();
        let text = log.split(|&b| b == 0).next().unwrap_or_default();
        for line in text.split(|&b| b == b'\n') {
            parser.line(line);
        }
        parser.finish()
    }

    /// What the log blames.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The blamed instruction in the verifier's notation, without its index; empty when the trace does not end with it.
    #[must_use]
    pub fn instruction(&self) -> &[u8] {
        &self.instruction
    }

    /// The last source line of the trace, `text @ file:line`, without its `; `; empty when the program has no line_info.
    #[must_use]
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// The message: usually one line, sometimes two or three, separated by `\n`. Empty when the log has none.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        &self.reason
    }

    /// What was known before the blamed instruction: registers first, then stack slots from the top down. Empty when no
    /// instruction is blamed.
    #[must_use]
    pub fn registers(&self) -> &[Register] {
        &self.registers
    }

    /// How deep in calls the verifier was: 0 in the entry function or a callback's own frame.
    #[must_use]
    pub fn frame(&self) -> u32 {
        self.frame
    }

    /// Whether it was inside an asynchronous callback, such as a timer's.
    #[must_use]
    pub fn is_callback(&self) -> bool {
        self.callback
    }

    /// The trailer; `None` when the log was cut off at its end.
    #[must_use]
    pub fn stats(&self) -> Option<Stats> {
        self.stats
    }

    /// What to do about it, for the messages we know.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        hint::find(&self.reason)
    }
}

impl fmt::Display for VerifierLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Instruction(n) => write!(f, "instruction {n}: ")?,
            Place::Function(n) => write!(f, "function {n}: ")?,
            Place::Opcode(n) => write!(f, "opcode {n:#04x}: ")?,
            Place::Type(n) => write!(f, "BTF type {n}: ")?,
            Place::Unknown => {}
        }
        if self.reason.is_empty() {
            return f.write_str("the log gives no reason");
        }
        for (i, line) in self.reason.split(|&b| b == b'\n').enumerate() {
            let gap = if i == 0 { "" } else { "; " };
            write!(f, "{gap}{}", printable(line.trim_ascii()))?;
        }
        Ok(())
    }
}

/// For people to read: lossy, and without control characters, since a log may hold anything and a terminal must not be
/// driven by it.
pub(crate) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(char::is_control, "\u{fffd}")
}

/// No message of the kernel is longer; a hostile log is cut here.
const REASON_LINES: usize = 8;

/// Lines between the messages that say nothing about a rejection. Some are from kernels before 6.18.
const NOISE: &[&str] = &[
    "func#",
    "mark_precise: ",
    "Live regs before insn:",
    "verification time ",
    "stack depth ",
    "propagating ",
    "cur state:",
    "old state:",
    "last_idx ",
    "regs=",
    "parent didn't have regs=",
    "parent already had regs=",
    "magic: ",
    "version: ",
    "flags: ",
    "hdr_len: ",
    "type_off: ",
    "type_len: ",
    "str_off: ",
    "str_len: ",
    "btf_total_size: ",
];

/// Messages of the passes after the walk: the last instruction of a level-2 trace has nothing to do with them.
const AFTER_THE_WALK: &[&str] = &["combined stack size of", "tail_calls are not allowed when call stack"];

/// The first line of the report for people.
const REPORT: &[u8] = b"Verification failed: ";

#[derive(Default)]
struct Parser<'a> {
    state: State<'a>,
    next_state: NextState,
    last: Option<(u32, &'a [u8])>,
    source: &'a [u8],
    function: Option<u32>,
    btf_type: Option<u32>,
    messages: Vec<&'a [u8]>,
    is_report: bool,
    stats: Option<Stats>,
}

/// What the next line of register states is.
#[derive(Clone, Copy, Default)]
enum NextState {
    /// What changed.
    #[default]
    Update,
    /// All there is: another path or function begins.
    Replace,
    /// Of a frame we are about to leave or come back to.
    Skip,
}

impl<'a> Parser<'a> {
    fn line(&mut self, line: &'a [u8]) {
        let line = self.take_stats(line);
        self.is_report |= line.starts_with(REPORT);
        if self.is_report {
            return;
        }
        if let Some((index, rest)) = numbered(line) {
            self.numbered_line(line, index, rest);
        } else if let Some(text) = line.strip_prefix(b"; ") {
            self.source = text;
            self.messages.clear();
        } else if line.starts_with(b"from ") && line.contains(&b':') {
            self.branch(line);
        } else if let Some(rest) = line.strip_prefix(b" ") {
            self.indented(line, rest);
        } else if !self.marker(line) && !is_noise(line) {
            self.message(line);
        }
    }

    /// Takes the trailer off; a few messages lack their newline, so it may stand behind text.
    fn take_stats(&mut self, line: &'a [u8]) -> &'a [u8] {
        let Some(at) = find(line, b"processed ").filter(|_| !line.starts_with(b"; ")) else { return line };
        match Stats::parse(&line[at..]) {
            Some(stats) => {
                self.stats = Some(stats);
                &line[..at]
            }
            None => line,
        }
    }

    fn numbered_line(&mut self, line: &'a [u8], index: u32, rest: &'a [u8]) {
        if is_instruction(rest) {
            self.instruction(index, rest);
        } else if is_state(rest) {
            self.messages.clear();
            self.states(rest);
        } else if rest != b"safe" {
            self.message(line);
        }
    }

    fn instruction(&mut self, index: u32, rest: &'a [u8]) {
        self.messages.clear();
        self.state.settle();
        let (text, after) = split_instruction(rest);
        self.last = Some((index, text));
        self.state.is_call = text.starts_with(b"(85)");
        match after {
            After::Nothing => {}
            After::Changes(states) => self.states(states),
            After::OtherPath(states) => {
                self.next_state = NextState::Replace;
                self.states(states);
            }
        }
    }

    fn states(&mut self, text: &'a [u8]) {
        match core::mem::take(&mut self.next_state) {
            NextState::Skip => return,
            NextState::Replace => self.state = State::default(),
            NextState::Update => self.state.settle(),
        }
        self.state.update(text);
    }

    /// `from 6 to 9: R0=... R10=fp0`: the whole state of the path that is walked next, or `safe`.
    fn branch(&mut self, line: &'a [u8]) {
        let at = line.iter().position(|&b| b == b':').map_or(line.len(), |at| at + 1);
        let rest = line[at..].trim_ascii();
        if rest != b"safe" {
            self.messages.clear();
            self.next_state = NextState::Replace;
            self.states(rest);
        }
    }

    /// States of a frame, or a line of the table of live registers.
    fn indented(&mut self, line: &'a [u8], rest: &'a [u8]) {
        let rest = rest.trim_ascii();
        if is_state(rest) {
            self.states(rest);
        } else if !rest.first().is_some_and(u8::is_ascii_digit) {
            self.message(line);
        }
    }

    /// Lines that say what the lines after them are about.
    fn marker(&mut self, line: &'a [u8]) -> bool {
        match line {
            b"caller:" | b"returning from callee:" => self.next_state = NextState::Skip,
            b"callee:" => self.next_state = NextState::Replace,
            _ if line.starts_with(b"to caller at ") => self.next_state = NextState::Replace,
            _ if line.starts_with(b"Validating ") => self.enter_function(line),
            _ if line.starts_with(b"Func#") => {}
            _ if line.starts_with(b"[") => return self.btf_type(line),
            _ if line.starts_with(b"\t") && self.btf_type.is_some() => {
                self.messages.truncate(1);
                self.messages.push(line);
            }
            _ => return false,
        }
        true
    }

    /// `Validating name() func#1...`: global functions are walked on their own.
    fn enter_function(&mut self, line: &[u8]) {
        self.messages.clear();
        self.state = State::default();
        self.last = None;
        self.function = number_after(line, b"func#");
    }

    /// `[3] STRUCT name size=4 vlen=1 Some complaint`
    fn btf_type(&mut self, line: &'a [u8]) -> bool {
        let Some(id) = number_after(line, b"[") else { return false };
        self.btf_type = Some(id);
        self.messages.clear();
        self.messages.push(line);
        true
    }

    fn message(&mut self, line: &'a [u8]) {
        let line = line.trim_ascii_end();
        if !line.is_empty() && self.messages.len() < REASON_LINES {
            self.messages.push(line);
        }
    }

    fn finish(self) -> VerifierLog {
        let place = self.place();
        VerifierLog {
            place,
            instruction: self
                .last
                .filter(|(n, _)| place == Place::Instruction(*n))
                .map_or(&b""[..], |(_, t)| t)
                .to_vec(),
            source: self.source.to_vec(),
            reason: self.messages.join(&b'\n'),
            registers: if matches!(place, Place::Instruction(_)) {
                self.state.registers()
            } else {
                Vec::new()
            },
            frame: self.state.frame,
            callback: self.state.callback,
            stats: self.stats,
        }
    }

    fn place(&self) -> Place {
        if self.messages.is_empty() {
            return Place::Unknown;
        }
        let named = self.messages.iter().find_map(|line| named_instruction(line));
        let last = self.last.filter(|_| !self.is_after_the_walk()).map(|(index, _)| index);
        if let Some(index) = named.or(last) {
            return Place::Instruction(index);
        }
        if let Some(opcode) = self.messages.iter().find_map(|line| named_opcode(line)) {
            return Place::Opcode(opcode);
        }
        let function = self.messages.iter().find_map(|line| number_after(line, b"func#"));
        match (function.or(self.function), self.btf_type) {
            (Some(n), _) => Place::Function(n),
            (None, Some(id)) => Place::Type(id),
            (None, None) => Place::Unknown,
        }
    }

    fn is_after_the_walk(&self) -> bool {
        AFTER_THE_WALK.iter().any(|text| self.messages.iter().any(|line| line.starts_with(text.as_bytes())))
    }
}

/// Stack slots are 8 bytes; a frame has 512.
const SLOTS: usize = 64;

/// What is known before the next instruction.
#[derive(Clone, Debug)]
struct State<'a> {
    registers: [Option<&'a [u8]>; 11],
    stack: [Option<&'a [u8]>; SLOTS],
    frame: u32,
    callback: bool,
    /// The last instruction was a call: when the walk goes on, R1 to R5 are gone.
    is_call: bool,
}

impl Default for State<'_> {
    fn default() -> Self {
        State { registers: [None; 11], stack: [None; SLOTS], frame: 0, callback: false, is_call: false }
    }
}

impl<'a> State<'a> {
    fn settle(&mut self) {
        if core::mem::take(&mut self.is_call) {
            self.registers[1..=5].fill(None);
        }
    }

    fn update(&mut self, text: &'a [u8]) {
        let mut rest = text;
        while let Some((token, after)) = next_token(rest) {
            rest = after;
            self.token(token);
        }
    }

    fn token(&mut self, token: &'a [u8]) {
        if let Some(frame) = token.strip_suffix(b":").and_then(|t| number_after(t, b"frame")) {
            self.frame = frame;
        } else if token == b"async_cb" {
            self.callback = true;
        } else if let Some((name, value)) = assignment(token)
            && let Some(place) = self.place(name)
        {
            *place = Some(value);
        }
    }

    fn place(&mut self, name: Name) -> Option<&mut Option<&'a [u8]>> {
        match name {
            Name::Register(n) => self.registers.get_mut(n),
            Name::Slot(n) => self.stack.get_mut(n),
        }
    }

    fn registers(&self) -> Vec<Register> {
        let registers = self.registers.iter().enumerate().map(|(n, v)| (format!("R{n}"), *v));
        let slots = self.stack.iter().enumerate().map(|(n, v)| (format!("fp-{}", (n + 1) * 8), *v));
        registers
            .chain(slots)
            .filter_map(|(name, value)| Some(Register { name, value: value?.to_vec() }))
            .collect()
    }
}

#[derive(Clone, Copy)]
enum Name {
    Register(usize),
    Slot(usize),
}

/// `R1=value`, `fp-8=value`; before 6.18 the names may end in `_w`, `_r` or `_rw`.
fn assignment(token: &[u8]) -> Option<(Name, &[u8])> {
    let equals = token.iter().position(|&b| b == b'=')?;
    let (name, value) = (&token[..equals], &token[equals + 1..]);
    let name = name.split(|&b| b == b'_').next().unwrap_or_default();
    if let Some(digits) = name.strip_prefix(b"R") {
        return Some((Name::Register(usize::try_from(number(digits)?).ok()?), value));
    }
    let offset = usize::try_from(number(name.strip_prefix(b"fp-")?)?).ok()?;
    Some((Name::Slot((offset / 8).checked_sub(1)?), value))
}

/// The next word; spaces inside brackets do not end it: `var_off=(0x0; 0xff)`.
fn next_token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let mut depth = 0_usize;
    let end = text.iter().position(|&b| {
        match b {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        b == b' ' && depth == 0
    });
    let (token, rest) = text.split_at(end.unwrap_or(text.len()));
    (!token.is_empty()).then_some((token, rest))
}

fn is_state(text: &[u8]) -> bool {
    let Some((token, _)) = next_token(text) else { return true };
    let is_frame = token.strip_prefix(b"frame").is_some_and(|t| t.ends_with(b":"));
    assignment(token).is_some()
        || is_frame
        || token.starts_with(b"refs=")
        || matches!(token, b"cb" | b"async_cb")
}

/// `(85) call ...`, or `BUG_db` for what the kernel cannot print.
fn is_instruction(rest: &[u8]) -> bool {
    matches!(rest, [b'(', a, b, b')', ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
        || rest.starts_with(b"BUG_")
}

enum After<'a> {
    Nothing,
    Changes(&'a [u8]),
    OtherPath(&'a [u8]),
}

/// Behind an instruction stands nothing, `; ` and what it changed, or (level 1, after a path that was fine was wiped
/// from the log) the index and the state of another path: `(55) if r0 != 0x0 goto pc+2 9: R0=...`.
fn split_instruction(rest: &[u8]) -> (&[u8], After<'_>) {
    let Some(at) = rest.iter().position(|&b| b == b';' || b == b':') else {
        return (rest.trim_ascii_end(), After::Nothing);
    };
    let (before, after) = (&rest[..at], &rest[at + 1..]);
    if rest[at] == b';' {
        return (before.trim_ascii_end(), After::Changes(after));
    }
    let digits = before.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let text = before[..before.len() - digits].trim_ascii_end();
    (text, After::OtherPath(after))
}

/// `12: rest`
fn numbered(line: &[u8]) -> Option<(u32, &[u8])> {
    let colon = line.iter().take(11).position(|&b| b == b':')?;
    Some((number(&line[..colon])?, line[colon + 1..].trim_ascii()))
}

/// `unreachable insn 5`, `jump out of range from insn 3 to 99`, `invalid insn idx 7`: the first number after the word.
fn named_instruction(line: &[u8]) -> Option<u32> {
    let at = find(line, b"insn ")?;
    let starts_word = at == 0 || matches!(line[at - 1], b' ' | b'(');
    let rest = &line[at + b"insn ".len()..];
    let rest = rest.strip_prefix(b"idx ").unwrap_or(rest);
    if starts_word { number(leading_digits(rest)) } else { None }
}

fn named_opcode(line: &[u8]) -> Option<u8> {
    let digits = core::str::from_utf8(line.strip_prefix(b"unknown opcode ")?).ok()?;
    u8::from_str_radix(digits.trim(), 16).ok()
}

fn is_noise(line: &[u8]) -> bool {
    NOISE.iter().any(|prefix| line.starts_with(prefix.as_bytes())) || is_liveness(line)
}

/// `(0) frame 0 insn 4 +live -8`, `(1,5) live stack update done in 2 iterations`: stack liveness of level 2, since 6.18.
fn is_liveness(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"(") else { return false };
    let Some(end) = rest.iter().position(|&b| b == b')') else { return false };
    rest[..end].iter().all(|b| b.is_ascii_digit() || *b == b',')
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|w| w == wanted)
}

fn number_after(text: &[u8], prefix: &[u8]) -> Option<u32> {
    let at = find(text, prefix)? + prefix.len();
    number(leading_digits(&text[at..]))
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

fn number(digits: &[u8]) -> Option<u32> {
    if !digits.first()?.is_ascii_digit() {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

impl Stats {
    fn parse(text: &[u8]) -> Option<Stats> {
        let after = |prefix: &[u8]| number_after(text, prefix).unwrap_or_default();
        let processed = number_after(text, b"processed ")?;
        find(text, b" insns")?;
        Some(Stats {
            processed,
            limit: after(b"(limit "),
            max_states_per_insn: after(b"max_states_per_insn "),
            total_states: after(b"total_states "),
            peak_states: after(b"peak_states "),
            mark_read: after(b"mark_read "),
        })
    }
}
