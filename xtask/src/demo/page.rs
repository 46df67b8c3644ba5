//! How the story looks: one indented line a fact, a keyword in front, colours on a terminal only.

use anstyle::{AnsiColor, Style};

use crate::say;

const BOLD: Style = Style::new().bold();
const ASIDE: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The heading of an act.
pub(super) fn act(title: &str) {
    say::plain(format_args!("\n{BOLD}{title}{BOLD:#}"));
}

/// The beginning of a step.
pub(super) fn step(number: usize, what: &str) {
    say::plain(format_args!("\n{number:>3}  {BOLD}{what}{BOLD:#}"));
}

/// A command as one would type it.
pub(super) fn command(line: &str) {
    say::plain(format_args!("     {ASIDE}$ {line}{ASIDE:#}"));
}

/// What a command printed.
pub(super) fn output(text: &str) {
    for line in text.lines() {
        say::plain(format_args!("       {line}"));
    }
}

/// A fact about a step.
pub(super) fn fact(keyword: &str, text: &str) {
    say::plain(format_args!("     {keyword:<8}{text}"));
}

/// How a step ended.
pub(super) fn mark(is_as_aws: bool, complaint: &str) {
    if is_as_aws {
        say::plain(format_args!("     {GOOD}ok{GOOD:#}"));
    } else {
        say::plain(format_args!("     {BAD}NOT AS AWS{BAD:#}  {complaint}"));
    }
}

/// A command line, with quotes where a shell needs them.
pub(super) fn typed<S: AsRef<str>>(program: &str, args: &[S]) -> String {
    let mut line = program.to_owned();
    for arg in args.iter().map(AsRef::as_ref) {
        line.push(' ');
        if arg.contains([' ', ';', '\'', '*', '(']) {
            line.push_str(&format!("\"{arg}\""));
        } else {
            line.push_str(arg);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_blanks_are_quoted() {
        assert_eq!(typed("psql", &["-c", "select 1"]), "psql -c \"select 1\"");
    }
}
