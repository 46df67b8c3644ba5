//! Every CHOICE of `docs/judgement.md` has its row in `docs/choices.md`, where users look for them.

use std::collections::BTreeMap;

use super::source::File;

/// Where choices are made.
const PAGE: &str = "docs/judgement.md";

/// Where they are listed.
pub(super) const LIST: &str = "docs/choices.md";

/// Places where the page and the list do not have as many.
pub(super) fn faults(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let (Some(page), Some(list)) = (text(PAGE), text(LIST)) else {
        return vec![format!("{PAGE} or {LIST} is not there")];
    };
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for place in made(page) {
        counts.entry(place).or_default().0 += 1;
    }
    for place in listed(list) {
        counts.entry(place).or_default().1 += 1;
    }
    let differing = counts.into_iter().filter(|(_, (made, listed))| made != listed);
    differing.map(|(place, (made, listed))| format!("{place}: {made} made, {listed} listed")).collect()
}

/// The place of every choice on the page: its step, or its heading. What comes before the first heading explains the word.
fn made(page: &str) -> Vec<String> {
    let mut place = None;
    let mut places = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            place = Some(heading.to_owned());
        } else if let Some((number, _)) = line.split_once(". ")
            && number.parse::<u32>().is_ok()
        {
            place = Some(format!("step {number}"));
        }
        if let Some(place) = &place {
            places.extend(line.matches("CHOICE").map(|_| place.clone()));
        }
    }
    places
}

/// The first cell of every row of the list's first table.
fn listed(list: &str) -> Vec<String> {
    let rows = list.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with("| "));
    rows.filter_map(|row| Some(row.split('|').nth(1)?.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, list: &str, expected: usize) {
        let files = [File::new(PAGE, page), File::new(LIST, list)];
        assert_eq!(faults(&files).len(), expected, "{:?}", faults(&files));
    }

    #[test]
    fn each_choice_has_its_row() {
        let page =
            "**CHOICE** marks.\n## Order\n1. a (CHOICE),\n   b (CHOICE).\n## Timers\n| x (CHOICE) | 1 s |\n";
        let head = "| where | open | here |\n| --- | --- | --- |\n";
        let rows = "| step 1 | a | b |\n| step 1 | c | d |\n| Timers | e | f |\n";
        check(page, &format!("{head}{rows}"), 0);
        check(page, head, 2);
        check(page, &format!("{head}{rows}| step 2 | g | h |\n\n| not | counted |\n"), 1);
    }
}
