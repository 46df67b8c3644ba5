//! Tells Rust code from comments and literals, well enough for rules that look for words.
//!
//! Knows strings (raw, byte and C ones too), characters against lifetimes, and nested comments. Works on bytes:
//! every delimiter is ASCII, and what is blanked is blanked byte by byte, so lines and offsets stay.

/// `text` once with comments and literals' contents blanked, once with everything but comments blanked.
pub(super) fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut comments = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (end, kind) = next(bytes, at);
        for &byte in &bytes[at..end] {
            let blank = if byte == b'\n' { b'\n' } else { b' ' };
            code.push(if kind == Kind::Code { byte } else { blank });
            comments.push(if kind == Kind::Comment { byte } else { blank });
        }
        at = end;
    }
    (String::from_utf8_lossy(&code).into_owned(), String::from_utf8_lossy(&comments).into_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// The end and the kind of the piece that begins at `at`.
fn next(bytes: &[u8], at: usize) -> (usize, Kind) {
    let rest = &bytes[at..];
    match rest {
        [b'/', b'/', ..] => {
            let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            (at + length, Kind::Comment)
        }
        [b'/', b'*', ..] => (at + block_comment(rest), Kind::Comment),
        [b'"', ..] => (at + string(rest), Kind::Literal),
        [b'\'', ..] => match character(rest) {
            Some(length) => (at + length, Kind::Literal),
            None => (at + 1, Kind::Code),
        },
        [first, ..] if is_word(*first) => {
            let length = rest.iter().position(|&byte| !is_word(byte)).unwrap_or(rest.len());
            match (&rest[..length], &rest[length..]) {
                // `r"…"`, `r#"…"#`: no escapes; `r#type` is a name.
                (b"r" | b"br" | b"cr", tail) => match raw_string(tail) {
                    Some(more) => (at + length + more, Kind::Literal),
                    None => (at + length, Kind::Code),
                },
                _ => (at + length, Kind::Code),
            }
        }
        _ => (at + 1, Kind::Code),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(tail: &[u8]) -> Option<usize> {
    let hashes = tail.iter().take_while(|&&byte| byte == b'#').count();
    if tail.get(hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = &tail[hashes + 1..];
    let length = body.windows(close.len()).position(|window| window == close);
    Some(length.map_or(tail.len(), |length| hashes + 1 + length + close.len()))
}

/// A character literal's length; a quote that begins a lifetime has none.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        // The escaped character itself may be a quote.
        return rest.iter().skip(3).position(|&byte| byte == b'\'').map(|length| length + 4);
    }
    // One character is at most four bytes.
    let length = rest.iter().skip(2).take(4).position(|&byte| byte == b'\'')? + 3;
    let inside = str::from_utf8(&rest[1..length - 1]).ok()?;
    (inside.chars().count() == 1).then_some(length)
}
