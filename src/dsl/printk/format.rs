//! The kernel's language of formats.
//!
//! Source: `bpf_bprintf_prepare`, kernel/bpf/helpers.c, Linux 5.13 to 6.18.

/// What a format asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directive<'a> {
    /// As it is written.
    pub(super) text: &'a str,
    /// How many bits of a number it prints.
    pub(super) bits: u8,
    /// Whether it wants a pointer.
    pub(super) pointer: bool,
    /// Whether the number has a sign, where that matters.
    pub(super) signed: Option<bool>,
}

/// What the format asks for, in order.
pub(super) fn directives(format: &str) -> Result<Vec<Directive<'_>>, String> {
    if let Some(bad) = format.chars().find(|c| !is_printable(*c)) {
        return Err(format!("has {bad:?}, and the kernel takes printable ASCII and white space"));
    }
    let mut all = Vec::new();
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        rest = &rest[start..];
        if let Some(behind) = rest.strip_prefix("%%") {
            rest = behind;
            continue;
        }
        let directive = directive(rest)?;
        rest = &rest[directive.text.len()..];
        all.push(directive);
    }
    Ok(all)
}

/// `isprint` or `isspace` of an ASCII character.
fn is_printable(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic() || ('\t'..='\r').contains(&c)
}

/// The directive a text begins with.
fn directive(text: &str) -> Result<Directive<'_>, String> {
    let (flags, behind) = split(&text[1..], |c| "0+- ".contains(c));
    let (width, behind) = split(behind, |c| c.is_ascii_digit());
    let (length, behind) = split(behind, |c| c == 'l');
    let conversion = behind.chars().next().ok_or_else(|| format!("ends within {text}"))?;
    let prefix = 1 + flags.len() + width.len() + length.len();
    let unknown = || format!("has {}, which the kernel does not print", &text[..=prefix]);
    if length.len() > 2 || (!length.is_empty() && !"diuxX".contains(conversion)) {
        return Err(unknown());
    }
    let extension = if conversion == 'p' { pointer(&behind[1..])? } else { 0 };
    let text = &text[..=prefix + extension];
    let (bits, pointer, signed) = match conversion {
        'd' | 'i' => (if length.is_empty() { 32 } else { 64 }, false, Some(true)),
        'u' => (if length.is_empty() { 32 } else { 64 }, false, Some(false)),
        'x' | 'X' => (if length.is_empty() { 32 } else { 64 }, false, None),
        'c' => (8, false, None),
        's' | 'p' => (64, true, None),
        _ => return Err(unknown()),
    };
    Ok(Directive { text, bits, pointer, signed })
}

/// How many characters behind `%p` belong to it.
fn pointer(behind: &str) -> Result<usize, String> {
    const KNOWN: [&str; 11] = ["ks", "us", "i4", "I4", "i6", "I6", "K", "x", "s", "S", "B"];
    if let Some(known) = KNOWN.iter().find(|known| behind.starts_with(**known)) {
        return Ok(known.len());
    }
    match behind.chars().next() {
        Some(c) if !c.is_ascii_whitespace() && !c.is_ascii_punctuation() => {
            Err(format!("has %p{c}, which the kernel does not print"))
        }
        _ => Ok(0),
    }
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::directives;

    fn texts(format: &str) -> Result<Vec<&str>, String> {
        Ok(directives(format)?.into_iter().map(|directive| directive.text).collect())
    }

    #[test]
    fn what_the_kernel_prints() {
        assert_eq!(
            texts("100%% %d %llu %-08lx %pI4, %p. %pks %s\n").unwrap(),
            ["%d", "%llu", "%-08lx", "%pI4", "%p", "%pks", "%s"]
        );
        assert_eq!(texts("plain").unwrap(), [""; 0]);
    }

    #[test]
    fn what_it_does_not() {
        for format in ["%", "%l", "%f", "%lllu", "%ls", "%zu", "%pM", "%.3s", "%*d", "\u{e9}", "\u{1}"] {
            assert!(texts(format).is_err(), "{format:?}");
        }
    }
}
