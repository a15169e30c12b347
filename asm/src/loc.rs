//! Where an instruction came from: a line of Rust, of an ELF file's source, or of assembly text.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::{fmt, panic::Location};

/// A place in a source file: what an instruction remembers of the code that emitted it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Loc {
    path: Path,
    line: u32,
    column: u32,
    text: Option<Text>,
}

impl Loc {
    /// A place that is not a call in this program: a line of another source file, with its text where it is known.
    ///
    /// `line` and `column` count from 1; 0 stands for unknown.
    #[must_use]
    pub fn new(path: impl Into<Arc<str>>, line: u32, column: u32, text: Option<Arc<str>>) -> Self {
        Self { path: Path::Shared(path.into()), line, column, text: text.map(Text::whole) }
    }

    /// The place a `#[track_caller]` function was called from.
    #[must_use]
    pub fn of(location: &'static Location<'static>) -> Self {
        Self {
            path: Path::Static(location.file()),
            line: location.line(),
            column: location.column(),
            text: None,
        }
    }

    /// The place that calls this function.
    #[must_use]
    #[track_caller]
    pub fn caller() -> Self {
        Self::of(Location::caller())
    }

    /// The name of the file, never absolute: of an absolute path, what begins one component before the last `src`,
    /// `examples`, `tests` or `benches` remains, so that it does not depend on the machine it was built on.
    #[must_use]
    pub fn file(&self) -> &str {
        relative(self.path())
    }

    /// The path as the compiler knew it, for reading the source.
    #[must_use]
    pub fn path(&self) -> &str {
        match &self.path {
            Path::Static(path) => path,
            Path::Shared(path) => path,
        }
    }

    /// The line, counted from 1; 0 if unknown.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The column, counted from 1; 0 if unknown.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// The text of the line, if it is known without reading the file.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_ref().map(Text::as_str)
    }
}

#[cfg(feature = "text")]
impl Loc {
    /// A place in a text that is at hand as a whole: its lines are not copied one by one.
    pub(crate) fn in_text(path: Arc<str>, line: u32, column: u32, text: Text) -> Self {
        Self { path: Path::Shared(path), line, column, text: Some(text) }
    }

    /// Where in the text its line is: the bytes from `start` to `end`, which end at characters.
    pub(crate) fn set_text_range(&mut self, start: usize, end: usize) {
        if let Some(text) = &mut self.text {
            text.start = u32::try_from(start).unwrap_or(u32::MAX);
            text.end = u32::try_from(end).unwrap_or(u32::MAX);
        }
    }
}

impl fmt::Display for Loc {
    /// `file:line:column`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line, self.column)
    }
}

/// The index of a [`Loc`] in the table of its [`Code`](crate::Code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocId(pub u32);

impl LocId {
    /// The place is not known.
    pub const UNKNOWN: Self = Self(u32::MAX);

    /// The index into the table; `None` if the place is not known.
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        if self.0 == Self::UNKNOWN.0 { None } else { Some(self.0 as usize) }
    }
}

/// The text of a line, in a text that many places share.
#[derive(Clone)]
pub(crate) struct Text {
    shared: Arc<str>,
    start: u32,
    end: u32,
}

impl Text {
    fn whole(line: Arc<str>) -> Self {
        let end = u32::try_from(line.len()).unwrap_or(u32::MAX);
        Self { shared: line, start: 0, end }
    }

    /// A line of this text; where it begins and ends is told later.
    #[cfg(feature = "text")]
    pub(crate) fn in_text(shared: &Arc<str>) -> Self {
        Self { shared: Arc::clone(shared), start: 0, end: 0 }
    }

    fn as_str(&self) -> &str {
        self.shared.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl core::hash::Hash for Text {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A path: the compiler's own, or one shared by all the places in a file.
#[derive(Clone)]
enum Path {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Path {
    fn as_str(&self) -> &str {
        match self {
            Self::Static(path) => path,
            Self::Shared(path) => path,
        }
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Path {}

impl core::hash::Hash for Path {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Directories that a package keeps its sources in.
const SOURCE_DIRECTORIES: [&str; 4] = ["src", "examples", "tests", "benches"];

fn relative(path: &str) -> &str {
    if !is_absolute(path) {
        return without_detour(path);
    }
    let mut package = None;
    let mut previous = None;
    let mut start = 0;
    for component in path.split(['/', '\\']) {
        if SOURCE_DIRECTORIES.contains(&component) {
            package = Some(previous.unwrap_or(start));
        }
        previous = Some(start);
        start += component.len() + 1;
    }
    let kept = package.or(previous).unwrap_or(0);
    path.get(kept..).map_or(path, |rest| rest.trim_start_matches(['/', '\\']))
}

/// A file that a `#[path]` attribute names from elsewhere in its package (`tests/../examples/a.rs`): the way there goes.
fn without_detour(path: &str) -> &str {
    let in_sources = |rest: &&str| SOURCE_DIRECTORIES.contains(&rest.split('/').next().unwrap_or_default());
    path.rsplit_once("../").map(|(_, rest)| rest).filter(in_sources).unwrap_or(path)
}

fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    matches!(bytes, [b'/' | b'\\', ..] | [_, b':', b'/' | b'\\', ..])
}

/// The table of places under construction: each gets one id, in the order of first use.
///
/// A small direct-mapped cache over the addresses of the compiler's own records answers nearly every question; the
/// map behind it goes by content, so the result does not depend on addresses.
pub(crate) struct LocTable {
    cache: [Option<(&'static Location<'static>, LocId)>; CACHED],
    ids: BTreeMap<(u32, u32, &'static str), LocId>,
    locs: Vec<Loc>,
}

const CACHED: usize = 64;

impl LocTable {
    pub(crate) const fn new() -> Self {
        Self { cache: [None; CACHED], ids: BTreeMap::new(), locs: Vec::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.cache = [None; CACHED];
        self.ids.clear();
        self.locs.clear();
    }

    /// Puts a ready table in the place of this one.
    #[cfg(feature = "text")]
    pub(crate) fn set(&mut self, locs: Vec<Loc>) {
        self.clear();
        self.locs = locs;
    }

    /// Takes a place that is no call in this program over from another table.
    pub(crate) fn add(&mut self, loc: &Loc) -> LocId {
        if let Path::Static(path) = loc.path {
            return self.id_of((loc.line, loc.column, path), || loc.clone());
        }
        self.locs.push(loc.clone());
        LocId(self.locs.len() as u32 - 1)
    }

    pub(crate) fn locs(&self) -> &Vec<Loc> {
        &self.locs
    }

    pub(crate) fn get(&self, id: LocId) -> Option<&Loc> {
        self.locs.get(id.index()?)
    }

    #[inline]
    pub(crate) fn id(&mut self, location: &'static Location<'static>) -> LocId {
        self.cached(location).unwrap_or_else(|| self.look_up(location))
    }

    /// Of a place that was met not long ago.
    #[inline]
    pub(crate) fn cached(&self, location: &'static Location<'static>) -> Option<LocId> {
        match self.cache[bucket(location)] {
            Some((cached, id)) if core::ptr::eq(cached, location) => Some(id),
            _ => None,
        }
    }

    #[cold]
    fn look_up(&mut self, location: &'static Location<'static>) -> LocId {
        let id = self.id_of((location.line(), location.column(), location.file()), || Loc::of(location));
        self.cache[bucket(location)] = Some((location, id));
        id
    }

    fn id_of(&mut self, key: (u32, u32, &'static str), loc: impl FnOnce() -> Loc) -> LocId {
        let next = LocId(self.locs.len() as u32);
        let id = *self.ids.entry(key).or_insert(next);
        if id == next {
            self.locs.push(loc());
        }
        id
    }
}

impl fmt::Debug for LocTable {
    /// The places alone: what the cache holds depends on addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.locs.fmt(f)
    }
}

/// Records lie side by side and are three words long, so neighbours fall into different buckets.
#[inline]
fn bucket(location: &'static Location<'static>) -> usize {
    core::ptr::from_ref(location).addr() / size_of::<usize>() % CACHED
}
