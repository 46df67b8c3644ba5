//! Rules about attributes and loose ends: nothing is skipped, silenced or postponed without saying why.

use super::Violation;
use super::source::{File, line_of};

/// Tests run or do not exist, and say what they expect.
pub(super) fn no_skipped_test(file: &File) -> Vec<Violation> {
    let mut violations = attributes(file, "ignore", |_| {
        Some("a skipped test passes for nothing; fix it, delete it, or make the tier fail loudly".to_owned())
    });
    violations.extend(attributes(file, "should_panic", |_| {
        Some("any panic passes this; assert on a returned error".to_owned())
    }));
    violations
}

/// Whoever silences a lint says why.
pub(super) fn allow_with_reason(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    for name in ["allow", "expect"] {
        violations.extend(attributes(file, name, |body| {
            (!body.contains("reason")).then(|| format!("`{name}` without a reason; add `reason = \"…\"`"))
        }));
    }
    violations
}

/// What is left to do is in the issue tracker.
pub(super) fn no_loose_end(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (text, word) in [(&file.comments, "TODO"), (&file.comments, "FIXME"), (&file.code, "todo!(")] {
        for (at, _) in text.match_indices(word) {
            let word = word.trim_end_matches('(');
            violations.push(Violation::new(
                line_of(text, at),
                format!("`{word}`: do it, or say what the limit is"),
            ));
        }
    }
    violations
}

/// Violations among the attributes `#[name…]` and `#![name…]`; `check` sees what follows the name.
fn attributes(file: &File, name: &str, check: impl Fn(&str) -> Option<String>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (at, _) in file.code.match_indices('[') {
        let opened_by = file.code[..at].trim_end_matches('!');
        let Some(body) = file.code[at + 1..].strip_prefix(name) else { continue };
        if !opened_by.ends_with('#') || body.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let body = body.split(']').next().unwrap_or(body);
        if let Some(advice) = check(body) {
            violations.push(Violation::new(line_of(&file.code, at), advice));
        }
    }
    violations
}
