//! Ids of facts: `M-17`, `R-E4`, `RA-03`; in comments and scripts as such and as `C-01 to C-13`, in names of tests as `r_e4_`.

use std::fmt;

/// Sections of the facts, in their order.
const SECTIONS: [&str; 11] = ["M", "R", "R-E", "E", "C", "Q", "A", "F", "RA", "N", "T"];

/// A fact's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    /// Its place in [`SECTIONS`].
    section: usize,
    number: u32,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { section, number } = self;
        match SECTIONS[*section] {
            "R-E" => write!(f, "R-E{number}"),
            section => write!(f, "{section}-{number:02}"),
        }
    }
}

impl Id {
    /// Reads `M-17` or `R-E4`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (section, digits) = match text.strip_prefix("R-E") {
            Some(digits) => ("R-E", digits),
            None => text.split_once('-').filter(|(_, digits)| digits.len() == 2)?,
        };
        let section = SECTIONS.iter().position(|known| *known == section)?;
        let is_number = !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| Some(Self { section, number: digits.parse().ok()? })).flatten()
    }
}

/// Every id in a text, those inside `C-01 to C-13` as well.
pub(super) fn in_text(text: &str) -> impl Iterator<Item = Id> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let words: Vec<&str> = text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let Some(id) = Id::parse(word) else { continue };
        found.push(id);
        // `to` between two ids of one section takes in what lies between.
        if words.get(i + 1) == Some(&"to")
            && let Some(last) = words.get(i + 2).and_then(|word| Id::parse(word))
            && last.section == id.section
        {
            found.extend((id.number + 1..last.number).map(|number| Id { number, ..id }));
        }
    }
    found.into_iter()
}

/// Every id that a test's name begins with: `r_e4_q_01_what_happens`, or `c01_c12_what_happens`.
pub(super) fn in_name(name: &str) -> Vec<Id> {
    let upper = name.to_ascii_uppercase();
    let mut parts = upper.split('_').peekable();
    let mut ids = Vec::new();
    while let Some(part) = parts.next() {
        let digits = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (section, number) = part.split_at(digits);
        let id = if number.is_empty() {
            parts.peek().and_then(|number| Id::parse(&format!("{section}-{number}")))
        } else {
            Id::parse(&format!("{section}-{number}"))
        };
        let Some(id) = id else { break };
        if number.is_empty() {
            parts.next();
        }
        ids.push(id);
    }
    ids
}
