//! The characters of the text, one after the other.

use alloc::{borrow::Cow, boxed::Box, string::String};

use super::{Mistake, Parsed, TextErrorKind, error::Number, mistake};
use crate::{reloc::is_text, text::words};

/// A place in the text. It always stands between two characters.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn from(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    pub(super) fn before(&self, at: usize) -> &'a str {
        self.text.get(..at).unwrap_or(self.text)
    }

    /// What stands between `start` and here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.from(self.at)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes back to where the cursor was.
    pub(super) const fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Skips ASCII characters that have been looked at.
    #[inline]
    pub(super) const fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Skips what stands between words: blanks and comments, but not the end of the line.
    #[inline]
    pub(super) fn blanks(&mut self) -> Parsed<()> {
        self.plain_blanks();
        match self.peek() {
            Some(b'#' | b'/') => self.comments(),
            _ => Ok(()),
        }
    }

    #[inline]
    fn plain_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn comments(&mut self) -> Parsed<()> {
        while self.comment()? {
            self.plain_blanks();
        }
        Ok(())
    }

    /// Skips a comment, if one begins here.
    fn comment(&mut self) -> Parsed<bool> {
        let rest = self.rest();
        if rest.starts_with('#') || rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
            return Ok(true);
        }
        let Some(inside) = rest.strip_prefix("/*") else { return Ok(false) };
        match inside.find("*/") {
            Some(length) if !inside.as_bytes()[..length].contains(&b'\n') => {
                self.at += length + 4;
                Ok(true)
            }
            _ => Err(self.mistake(TextErrorKind::Unterminated { what: "comment (it ends in its line)" })),
        }
    }

    /// Takes these characters, after blanks, if they stand here.
    #[inline]
    pub(super) fn eat(&mut self, word: &str) -> Parsed<bool> {
        self.blanks()?;
        let here = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let stands = here.starts_with(word.as_bytes());
        if stands {
            self.at += word.len();
        }
        Ok(stands)
    }

    /// Takes these characters, after blanks; they have to stand here.
    #[inline]
    pub(super) fn expect(&mut self, word: &'static str) -> Parsed<()> {
        if self.eat(word)? { Ok(()) } else { Err(self.missing(word)) }
    }

    /// Takes a word of letters, digits, `_`, `.` and `$`; the empty one, if none stands here.
    #[inline]
    pub(super) fn word(&mut self) -> &'a str {
        self.take_while(words::is_name_byte)
    }

    #[inline]
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let here = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = here.iter().position(|byte| !wanted(*byte)).unwrap_or(here.len());
        let taken = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// A name: a word that does not begin with a digit, or anything in quotes.
    pub(super) fn name(&mut self) -> Parsed<Cow<'a, str>> {
        self.blanks()?;
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(byte) if words::is_name_byte(byte) && !byte.is_ascii_digit() => {
                Ok(Cow::Borrowed(self.word()))
            }
            _ => Err(self.expected("a name")),
        }
    }

    fn quoted(&mut self) -> Parsed<Cow<'a, str>> {
        let start = self.at;
        self.skip(1);
        let plain = self.take_while(|byte| !matches!(byte, b'"' | b'\\' | b'\n'));
        if self.peek() == Some(b'"') {
            self.skip(1);
            return self.checked_name(start, Cow::Borrowed(plain));
        }
        let mut name = String::from(plain);
        loop {
            match self.rest().as_bytes() {
                [b'"', ..] => {
                    self.skip(1);
                    return self.checked_name(start, Cow::Owned(name));
                }
                [b'\\', escaped @ (b'"' | b'\\' | b'n' | b'r'), ..] => {
                    name.push(unescaped(*escaped));
                    self.skip(2);
                }
                [b'\\', ..] => return Err(self.expected("\\\", \\\\, \\n or \\r")),
                [] | [b'\n', ..] => {
                    return mistake(start, TextErrorKind::Unterminated { what: "name" });
                }
                _ => name.push_str(self.take_while(|byte| !matches!(byte, b'"' | b'\\' | b'\n'))),
            }
        }
    }

    /// The same, or nothing in quotes.
    pub(super) fn name_or_none(&mut self) -> Parsed<Cow<'a, str>> {
        if self.eat("\"\"")? { Ok(Cow::Borrowed("")) } else { self.name() }
    }

    fn checked_name(&self, at: usize, name: Cow<'a, str>) -> Parsed<Cow<'a, str>> {
        if !is_text(&name) {
            return mistake(at, TextErrorKind::Name { name: name.into() });
        }
        Ok(name)
    }

    /// A number: decimal, or hexadecimal after `0x`, with or without a sign, which blanks may follow.
    #[inline]
    pub(super) fn number(&mut self) -> Parsed<Number> {
        self.blanks()?;
        let negative = match self.peek() {
            Some(sign @ (b'-' | b'+')) => {
                self.skip(1);
                self.blanks()?;
                sign == b'-'
            }
            _ => false,
        };
        let at = self.at;
        let word = self.word();
        match magnitude(word) {
            Some(magnitude) => Ok(Number { negative, magnitude }),
            None => Err(self.not_a_number(at, word)),
        }
    }

    #[cold]
    fn not_a_number(&self, at: usize, word: &str) -> Box<Mistake> {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let kind = if word.is_empty() {
            return self.expected("a number");
        } else if digits.len() > 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            TextErrorKind::Huge { word: word.into() }
        } else {
            TextErrorKind::Number { word: word.into() }
        };
        Mistake::new(at, kind)
    }

    /// Whether the statement ends here.
    #[inline]
    pub(super) fn ends(&self) -> bool {
        matches!(self.peek(), None | Some(b'\n' | b';'))
    }

    #[cold]
    pub(super) fn mistake(&self, kind: TextErrorKind) -> Box<Mistake> {
        Mistake::new(self.at, kind)
    }

    /// That something else had to stand here.
    #[cold]
    pub(super) fn expected(&self, expected: &'static str) -> Box<Mistake> {
        self.mistake(TextErrorKind::Expected { expected, found: self.found() })
    }

    /// That this word or character had to stand here.
    #[cold]
    fn missing(&self, expected: &'static str) -> Box<Mistake> {
        self.mistake(TextErrorKind::Token { expected, found: self.found() })
    }

    fn found(&self) -> Box<str> {
        let mut rest = self.rest().chars();
        match rest.next() {
            None => "the end of the text".into(),
            Some('\n') => "the end of the line".into(),
            Some(c) if c.is_ascii() && words::is_name_byte(c as u8) => {
                let word = self.rest().split(|c: char| !c.is_ascii() || !words::is_name_byte(c as u8)).next();
                alloc::format!("{:?}", word.unwrap_or_default()).into()
            }
            Some(c) => alloc::format!("{c:?}").into(),
        }
    }
}

const fn unescaped(escaped: u8) -> char {
    match escaped {
        b'n' => '\n',
        b'r' => '\r',
        other => other as char,
    }
}

/// The digits of a number; `None` if they are none, too many, or begin with a 0 that means octal elsewhere.
#[inline]
fn magnitude(word: &str) -> Option<u64> {
    match word.as_bytes() {
        [b'0', b'x', digits @ ..] if !digits.starts_with(b"+") => {
            u64::from_str_radix(word.get(2..)?, 16).ok()
        }
        [b'0', _, ..] => None,
        [b'0'..=b'9', ..] => decimal(word.as_bytes()),
        _ => None,
    }
}

#[inline]
fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = if digit.is_ascii_digit() { digit - b'0' } else { return None };
        value.checked_mul(10)?.checked_add(digit.into())
    })
}
