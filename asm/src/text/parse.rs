//! Text to functions.

mod cursor;
mod error;
mod labels;
mod operand;
mod place;
mod statement;

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::str::FromStr;

pub use error::{Number, TextError, TextErrorKind};

use crate::{AsmError, Assembler, Code, Isa, Loc, LocId, loc::Text};
use cursor::Cursor;
use labels::Labels;

impl Code {
    /// The function that the text says, with the lines of the text as the places its instructions came from.
    ///
    /// `file` is the name that errors and places show; nothing is read from it. Everything is taken as written: what
    /// [`Display`](core::fmt::Display) printed comes back equal. Only a jump to a label that is too far away becomes
    /// several instructions.
    ///
    /// ```
    /// use bpfsmith_asm::Code;
    ///
    /// let code = Code::parse("drop.s", "
    ///     r0 = 0
    ///     if r1 == 0 goto out   # no context
    ///     r0 = 1
    /// out:
    ///     exit
    /// ")?;
    /// assert_eq!(code.to_string(), "0: r0 = 0\n1: if r1 == 0 goto +1\n2: r0 = 1\n3: exit\n");
    /// assert_eq!(code.loc(1).map(|loc| loc.to_string()).as_deref(), Some("drop.s:3:5"));
    ///
    /// let error = Code::parse("bad.s", "r0 = r11").unwrap_err();
    /// assert_eq!(error.to_string(), "bad.s:1:6: there is no register r11: they end at r10");
    /// # Ok::<(), bpfsmith_asm::text::TextError>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError`] with the line and column of the first mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, TextError> {
        let mut parser = Parser::new(file, text);
        match parser.statements() {
            Ok(()) => parser.finish(),
            Err(mistake) => Err(parser.locate(*mistake)),
        }
    }
}

impl FromStr for Code {
    type Err = TextError;

    /// As [`Code::parse`], of a file called `text`.
    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::parse("text", text)
    }
}

/// A mistake and where it stands, in bytes from the start of the text.
#[derive(Debug)]
struct Mistake {
    at: usize,
    kind: TextErrorKind,
}

impl Mistake {
    #[cold]
    fn new(at: usize, kind: TextErrorKind) -> Box<Self> {
        Box::new(Self { at, kind })
    }
}

/// A mistake is rare and large: it stays out of the way of what is right.
type Parsed<T> = Result<T, Box<Mistake>>;

/// The mistake that stands at `at`.
#[cold]
fn mistake<T>(at: usize, kind: TextErrorKind) -> Parsed<T> {
    Err(Mistake::new(at, kind))
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    file: Arc<str>,
    /// The same text, for the places to share.
    text: Arc<str>,
    asm: Assembler,
    places: Vec<Loc>,
    labels: Labels<'a>,
    line: Line,
}

/// The line that is being read.
#[derive(Clone, Copy)]
struct Line {
    number: u32,
    start: usize,
    /// How many places there were before it.
    places: usize,
}

impl<'a> Parser<'a> {
    fn new(file: &str, text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            file: file.into(),
            text: text.into(),
            asm: Assembler::with_isa(Isa::all()),
            places: Vec::new(),
            labels: Labels::default(),
            line: Line { number: 1, start: 0, places: 0 },
        }
    }

    fn statements(&mut self) -> Parsed<()> {
        loop {
            self.cursor.blanks()?;
            match self.cursor.peek() {
                None => {
                    self.end_line();
                    return Ok(());
                }
                Some(b'\n') => self.next_line(),
                Some(b';') => self.cursor.skip(1),
                Some(_) => self.statement()?,
            }
        }
    }

    fn next_line(&mut self) {
        self.end_line();
        self.cursor.skip(1);
        self.line = Line { number: self.line.number + 1, start: self.cursor.at(), places: self.places.len() };
    }

    /// Gives the places of the line its text, now that its end is known.
    #[inline]
    fn end_line(&mut self) {
        let Some(places) = self.places.get_mut(self.line.places..).filter(|places| !places.is_empty()) else {
            return;
        };
        let line = self.cursor.since(self.line.start).trim_ascii_end();
        let end = self.line.start + line.len();
        let start = end - line.trim_ascii_start().len();
        for place in places {
            place.set_text_range(start, end);
        }
    }

    fn finish(self) -> Result<Code, TextError> {
        if let Some(missing) = self.labels.missing() {
            return Err(self.locate(*missing));
        }
        match self.asm.finish() {
            Ok(mut code) => {
                code.locs = self.places;
                Ok(code)
            }
            Err(_) => Err(self.refused()),
        }
    }

    /// Why the assembler refuses, told with the places of the text.
    #[cold]
    fn refused(mut self) -> TextError {
        self.asm.set_locs(self.places);
        let error = match self.asm.finish() {
            Err(error) => error,
            Ok(_) => AsmError::TooLong { loc: Loc::new(self.file, self.line.number, 0, None) },
        };
        TextError { loc: error.loc().clone(), kind: TextErrorKind::Assembler(error.into()) }
    }

    /// The place of what begins at `at` in the current line.
    fn place(&mut self, at: usize) -> LocId {
        let text = Text::in_text(&self.text);
        let id = LocId(self.places.len() as u32);
        let column = column(self.line.start, at);
        self.places.push(Loc::in_text(Arc::clone(&self.file), self.line.number, column, text));
        id
    }

    /// The mistake with its line and column, wherever in the text it stands.
    #[cold]
    fn locate(&self, mistake: Mistake) -> TextError {
        let before = self.cursor.before(mistake.at);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let number = before.bytes().filter(|byte| *byte == b'\n').count() as u32 + 1;
        let line = self.cursor.from(start).split('\n').next().unwrap_or_default();
        let loc =
            Loc::new(Arc::clone(&self.file), number, column(start, mistake.at), Some(line.trim().into()));
        TextError { loc, kind: mistake.kind }
    }
}

/// Columns count bytes from 1.
fn column(start: usize, at: usize) -> u32 {
    u32::try_from(at.saturating_sub(start)).unwrap_or(u32::MAX - 1) + 1
}
