//! Filters of `Describe…` calls: several values of one filter are alternatives, several filters must all hold, and values
//! have wildcards.

use std::collections::BTreeMap;

use crate::aws::error::AwsError;

use super::params::Params;

/// The most filters of a request, and the most values of all of them.
const MAX_FILTERS: usize = 50;
const MAX_VALUES: usize = 200;

/// A request's filters.
#[derive(Clone, Debug)]
pub struct Filters<'p>(Vec<(&'p str, Vec<&'p str>)>);

impl<'p> Filters<'p> {
    /// Reads them. `names` are those that the call has, save for tags, which `tagged` adds.
    ///
    /// # Errors
    /// `InvalidParameterValue` for another name, `FilterLimitExceeded` for too many.
    pub fn read(params: Params<'p>, names: &[&str], tagged: bool) -> Result<Self, AwsError> {
        Self::read_as(params, "Filters", names, tagged)
    }

    /// [`Self::read`] where the model calls them otherwise.
    ///
    /// # Errors
    /// Likewise.
    pub fn read_as(
        params: Params<'p>,
        parameter: &str,
        names: &[&str],
        tagged: bool,
    ) -> Result<Self, AwsError> {
        let mut filters = Vec::new();
        for filter in params.structures(parameter) {
            let name = filter.required_text("Name")?;
            let is_tag = tagged && (name == "tag-key" || name == "tag-value" || name.starts_with("tag:"));
            if !is_tag && !names.contains(&name) {
                return Err(AwsError::invalid_value(format!("The filter '{name}' is invalid")));
            }
            filters.push((name, filter.texts("Values")));
        }
        let values = filters.iter().map(|(_, values)| values.len()).sum::<usize>();
        if filters.len() > MAX_FILTERS || values > MAX_VALUES {
            return Err(AwsError::new(
                "FilterLimitExceeded",
                format!("The maximum number of filter values specified on a single call is {MAX_VALUES}"),
            ));
        }
        Ok(Self(filters))
    }

    /// The values asked for under a name.
    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'p str> + 's {
        self.0.iter().filter(move |(other, _)| *other == name).flat_map(|(_, values)| values.iter().copied())
    }

    /// Whether something passes: `values_of` gives its values under a filter's name.
    pub fn pass(&self, tags: &BTreeMap<String, String>, values_of: impl Fn(&str) -> Vec<String>) -> bool {
        self.0.iter().all(|(name, wanted)| {
            let values = match (*name, name.strip_prefix("tag:")) {
                (_, Some(key)) => tags.get(key).cloned().into_iter().collect(),
                ("tag-key", _) => tags.keys().cloned().collect(),
                // AWS's documents have dropped it, its API has not.
                ("tag-value", _) => tags.values().cloned().collect(),
                (name, _) => values_of(name),
            };
            values.iter().any(|value| wanted.iter().any(|pattern| is_like(pattern, value)))
        })
    }
}

/// Whether a text is as a pattern says: `*` is any text, `?` any character, `\` takes the next one as it is.
pub fn is_like(pattern: &str, text: &str) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Piece {
        Any,
        One,
        Exactly(char),
    }
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(c) = letters.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Exactly(letters.next().unwrap_or('\\')),
            c => Piece::Exactly(c),
        });
    }
    let text = text.chars().collect::<Vec<_>>();
    // Greedy with one way back, which is enough for `*` and takes no more than both lengths multiplied.
    let (mut at, mut piece) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                back = Some((piece, at));
                piece += 1;
            }
            Some(found) if *found == Piece::One || *found == Piece::Exactly(text[at]) => {
                (at, piece) = (at + 1, piece + 1);
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    (at, piece) = (from + 1, star + 1);
                }
                None => return false,
            },
        }
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_any_text_any_character_and_escaped() {
        for (pattern, text, wanted) in [
            ("web", "web", true),
            ("web", "webs", false),
            ("w*b", "web", true),
            ("*e*b*", "hereabouts", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(is_like(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
