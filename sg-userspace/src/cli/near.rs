//! What to say of a name that nothing has: the nearest one that something has, or all of them.

use anyhow::anyhow;

/// The error for a name that nothing has.
pub(super) fn unknown<T: AsRef<str>>(
    kind: &str,
    text: &str,
    known: impl Iterator<Item = T>,
) -> anyhow::Error {
    let known = known.collect::<Vec<_>>();
    let nearest = known.iter().map(|name| (distance(text, name.as_ref()), name.as_ref())).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + text.len() / 4 => {
            anyhow!("there is no {kind} `{text}`; did you mean `{name}`?")
        }
        Some(_) => anyhow!("there is no {kind} `{text}`; there is {}", names(known.iter())),
        None => anyhow!("there is no {kind} `{text}`, nor any other"),
    }
}

/// Names in order, as many as can be read.
pub(super) fn names<T: AsRef<str>>(known: impl Iterator<Item = T>) -> String {
    const SHOWN: usize = 8;
    let mut known = known.map(|name| name.as_ref().to_owned()).collect::<Vec<_>>();
    known.sort_unstable();
    known.dedup();
    let rest = known.len().saturating_sub(SHOWN);
    known.truncate(SHOWN);
    let list = known.join(", ");
    if rest > 0 { format!("{list} and {rest} more") } else { list }
}

/// How many letters must be added, taken away, replaced or swapped with their neighbour to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("web-1", "web-1"), 0);
        assert_eq!(distance("web1", "web-1"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("db-1", "web-1"), 2);
        assert_eq!(distance("WBE-1", "web-1"), 1);
    }

    #[test]
    fn unknown_names_suggest_a_near_one() {
        let error = unknown("instance", "wbe-1", ["web-1", "db-1"].into_iter());
        assert_eq!(error.to_string(), "there is no instance `wbe-1`; did you mean `web-1`?");
        let error = unknown("instance", "mail", ["web-1", "db-1"].into_iter());
        assert_eq!(error.to_string(), "there is no instance `mail`; there is db-1, web-1");
    }
}
