//! Rules about files as such: length, header, name, whitespace.

use super::Violation;
use super::source::File;

/// Over this a file is worth a note, over the other it is an error.
const NOTE_LINES: usize = 400;
const MOST_LINES: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "helpers", "common", "types", "misc"];

/// A file too long to be about one noun.
pub(super) fn file_length(file: &File) -> Vec<Violation> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= MOST_LINES {
        return Vec::new();
    }
    vec![Violation::new(lines, format!("{lines} lines, more than {MOST_LINES}; split it by noun"))]
}

/// A file that is getting long.
pub(super) fn length_note(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    let long = file.is_rust() && (NOTE_LINES + 1..=MOST_LINES).contains(&lines);
    long.then(|| format!("{} has {lines} lines; the aim is {NOTE_LINES}", file.path))
}

/// Every Rust file begins by saying what it is for.
pub(super) fn file_header(file: &File) -> Vec<Violation> {
    let first = file.text.lines().next().unwrap_or_default();
    let says_something = first.strip_prefix("//!").is_some_and(|text| !text.trim().is_empty());
    if !file.is_rust() || says_something {
        return Vec::new();
    }
    vec![Violation::new(1, "begin with a `//!` line: what the file does and what it leaves to others")]
}

/// A file or directory is named for what it holds.
pub(super) fn file_name(file: &File) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    let parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
    let empty = parts.filter(|part| EMPTY_NAMES.contains(part));
    empty
        .map(|part| Violation::new(1, format!("`{part}` names no content; name the noun it is about")))
        .collect()
}

/// No spaces or tabs at the end of a line, and no carriage returns.
pub(super) fn trailing_whitespace(file: &File) -> Vec<Violation> {
    let lines = file.text.split('\n').enumerate();
    let trailing = lines.filter(|(_, line)| line.ends_with([' ', '\t', '\r']));
    trailing
        .map(|(index, _)| Violation::new(index + 1, "remove the whitespace at the end of the line"))
        .collect()
}
