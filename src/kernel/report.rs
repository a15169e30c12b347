//! A rejection drawn on the user's source line, as rustc draws its errors.

use core::fmt;
use core::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use bpfsmith_asm::Loc;

use super::log::{Place, printable};
use super::rejection::Rejection;

/// Where source text is found. Nothing is read that was not named here.
#[derive(Default)]
pub struct Sources {
    lookups: Vec<Lookup>,
}

type Lookup = Box<dyn Fn(&Loc) -> Option<String>>;

impl Sources {
    /// No sources: reports name the place and show no text, but for lines that carry their own.
    #[must_use]
    pub fn none() -> Self {
        Sources::default()
    }

    /// Also looks under a directory, for the path as it is printed and as the compiler knew it. A package's own directory
    /// is `env!("CARGO_MANIFEST_DIR")`.
    #[must_use]
    pub fn root(self, directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        self.with(move |loc| read(&directory, loc))
    }

    /// Also asks a function for the text of a whole file, by the file's name as it is printed ([`Loc::file`]).
    #[must_use]
    pub fn lookup(self, text_of: impl Fn(&str) -> Option<String> + 'static) -> Self {
        self.with(move |loc| text_of(loc.file()))
    }

    fn with(mut self, lookup: impl Fn(&Loc) -> Option<String> + 'static) -> Self {
        self.lookups.push(Box::new(lookup));
        self
    }

    fn text(&self, loc: &Loc) -> Option<String> {
        self.lookups.iter().find_map(|lookup| lookup(loc))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("lookups", &self.lookups.len()).finish()
    }
}

/// `path` first: where the compiler ran it is right, and `join` leaves an absolute path alone.
fn read(directory: &Path, loc: &Loc) -> Option<String> {
    let paths = [loc.path(), loc.file()];
    let bytes = paths.iter().find_map(|path| std::fs::read(directory.join(path)).ok())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

impl Rejection {
    /// Draws the rejection under the line that emitted the instruction, without colours, with what the verifier knew of
    /// registers and stack, and a hint where one is known. Works without sources: then the place alone is named.
    #[must_use]
    pub fn report(&self, sources: &Sources) -> String {
        self.draw(sources, &Renderer::plain())
    }

    /// The same with colours, for a terminal.
    #[must_use]
    pub fn report_coloured(&self, sources: &Sources) -> String {
        self.draw(sources, &Renderer::styled())
    }

    fn draw(&self, sources: &Sources, renderer: &Renderer) -> String {
        let source = self.loc().and_then(|loc| Excerpt::find(sources, loc));
        let title = Level::ERROR.primary_title(self.title());
        let mut group = Group::with_title(title);
        group = match (&source, self.loc()) {
            (Some(excerpt), Some(loc)) => group.element(excerpt.snippet(loc, self.label())),
            (None, Some(loc)) => group.element(origin(loc)).element(Level::NOTE.message(self.label())),
            (_, None) => group.elements(self.label_without_line()),
        };
        for note in self.notes() {
            group = group.element(Level::NOTE.message(note));
        }
        if let Some(hint) = self.hint() {
            group = group.element(Level::HELP.message(hint));
        }
        renderer.render(&[group])
    }

    fn title(&self) -> String {
        match self.log().reason() {
            [] => format!("the kernel refused `{}` without a log: {}", self.program(), self.errno()),
            _ => self.reason(),
        }
    }

    /// What stands beside the marked source.
    fn label(&self) -> String {
        let place = self.position().map_or_else(String::new, |position| match position.instruction {
            Some(slot) => format!("instruction {slot} of `{}`", position.function),
            None => format!("function `{}`", position.function),
        });
        let text = self.log().instruction();
        if text.is_empty() { place } else { format!("{place}: {}", instruction_text(text)) }
    }

    fn label_without_line(&self) -> Option<Element<'static>> {
        let label = self.position().map(|_| self.label()).or_else(|| self.raw_place())?;
        Some(Level::NOTE.message(label).into())
    }

    /// The place in the log's own terms, when the object has none for it.
    fn raw_place(&self) -> Option<String> {
        match self.log().place() {
            Place::Instruction(n) => Some(format!("at slot {n} of the whole program")),
            Place::Function(n) => Some(format!("in function {n} of the program")),
            Place::Opcode(code) => Some(format!("at an instruction with opcode {code:#04x}")),
            Place::Type(id) => Some(format!("in BTF type {id}")),
            Place::Unknown => None,
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.log().reason().is_empty() {
            notes.push(format!("program `{}`, {}", self.program(), self.errno()));
        }
        notes.extend(self.lacking().iter().map(|what| format!("the kernel lacks {what}")));
        let rows: Vec<_> =
            self.registers().iter().map(|r| format!("{} = {}", r.name, printable(&r.value))).collect();
        if !rows.is_empty() {
            notes.push(format!("the verifier knew\n{}", rows.join("\n")));
        }
        notes
    }
}

fn origin(loc: &Loc) -> Origin<'_> {
    let origin = Origin::path(loc.file()).line(loc.line() as usize);
    if loc.column() == 0 { origin } else { origin.char_column(loc.column() as usize) }
}

/// `(85) call bpf_timer_init#169` without the opcode byte.
fn instruction_text(text: &[u8]) -> String {
    let rest = text.iter().position(|&b| b == b' ').filter(|_| text.starts_with(b"("));
    printable(rest.map_or(text, |at| &text[at + 1..]))
}

/// Lines shown above the marked one.
const CONTEXT: usize = 2;

/// The few lines around a place, and what to mark in them.
struct Excerpt {
    text: String,
    first_line: usize,
    mark: Range<usize>,
}

impl Excerpt {
    fn find(sources: &Sources, loc: &Loc) -> Option<Excerpt> {
        match sources.text(loc) {
            Some(file) => Excerpt::of_file(&file, loc),
            None => loc.text().map(|line| Excerpt::new(vec![line], 0, loc)),
        }
    }

    fn of_file(file: &str, loc: &Loc) -> Option<Excerpt> {
        let index = (loc.line() as usize).checked_sub(1)?;
        let above = index.min(CONTEXT);
        let lines: Vec<_> = file.lines().skip(index - above).take(above + 2).collect();
        (lines.len() > above).then(|| Excerpt::new(lines, above, loc))
    }

    fn new(lines: Vec<&str>, marked: usize, loc: &Loc) -> Excerpt {
        let start: usize = lines.iter().take(marked).map(|line| line.len() + 1).sum();
        let mark = lines.get(marked).map_or(0..0, |line| expression(line, loc.column() as usize));
        Excerpt {
            text: lines.join("\n"),
            first_line: (loc.line() as usize).saturating_sub(marked).max(1),
            mark: start + mark.start..start + mark.end,
        }
    }

    fn snippet<'a>(&'a self, loc: &'a Loc, label: String) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let mark = AnnotationKind::Primary.span(self.mark.clone()).label(label);
        Snippet::source(self.text.as_str())
            .line_start(self.first_line)
            .path(loc.file())
            .fold(false)
            .annotation(mark)
    }
}

/// The call that begins at a column (counted in characters from 1) up to its closing bracket; the whole line, without
/// its indentation, when the column is unknown.
fn expression(line: &str, column: usize) -> Range<usize> {
    let indentation = line.len() - line.trim_start().len();
    let start = match column {
        0 => Some(indentation),
        n => line.char_indices().nth(n - 1).map(|(at, _)| at),
    };
    let start = start.unwrap_or(indentation);
    let end = start + line.get(start..).map_or(0, call_length);
    start..end.max(start)
}

/// How far a call reaches: a name and its arguments. All of the rest when the brackets do not close on this line.
fn call_length(text: &str) -> usize {
    let whole = text.trim_end().len();
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            ')' => depth -= 1,
            ';' | ',' if depth == 0 => return at,
            _ => {}
        }
    }
    whole
}
