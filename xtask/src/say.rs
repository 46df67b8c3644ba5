//! What xtask prints: one line per fact, a mark in front, coloured on a terminal only.

use std::fmt::Display;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();

fn line(style: Style, mark: &str, subject: &str, text: impl Display) {
    let text = format!("{subject:<12} {text}");
    anstream::println!("{style}{mark:>5}{style:#}  {}", text.trim_end());
}

/// Something was there already, or a check passed.
pub(crate) fn found(subject: &str, text: impl Display) {
    line(GREEN, "ok", subject, text);
}

/// Something was changed on this machine or built.
pub(crate) fn did(subject: &str, text: impl Display) {
    line(CYAN, "did", subject, text);
}

/// Something slow begins.
pub(crate) fn begin(subject: &str, text: impl Display) {
    line(CYAN, "...", subject, text);
}

/// Something is worth knowing and stops nothing.
pub(crate) fn warn(subject: &str, text: impl Display) {
    line(YELLOW, "warn", subject, text);
}

/// Something is missing or failed; the error that ends the task follows.
pub(crate) fn lack(subject: &str, text: impl Display) {
    line(RED, "FAIL", subject, text);
}

/// An unmarked line that belongs to the one above.
pub(crate) fn detail(subject: &str, text: impl Display) {
    line(Style::new(), "", subject, text);
}

/// Plain text, as it is.
pub(crate) fn plain(text: impl Display) {
    anstream::println!("{text}");
}

/// The heading of one step among several.
pub(crate) fn heading(text: impl Display) {
    anstream::println!("\n{BOLD}== {text}{BOLD:#}");
}

/// The error that ends the task, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    anstream::eprintln!("{RED}xtask:{RED:#} {error:#}");
}

/// A duration as people say it: `0.4 s`, `12 s`, `3 min 5 s`.
pub(crate) fn elapsed(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_is_short_at_every_size() {
        assert_eq!(elapsed(Duration::from_millis(440)), "0.4 s");
        assert_eq!(elapsed(Duration::from_secs(10)), "10 s");
        assert_eq!(elapsed(Duration::from_secs(185)), "3 min 5 s");
    }
}
