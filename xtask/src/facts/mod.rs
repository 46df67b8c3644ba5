//! `cargo xtask facts`: fills in the columns of `docs/facts.md` that say where each fact is implemented and which tests
//! try it, from the ids in comments and in tests' names. `cargo xtask tidy` checks that nothing has changed since.

mod ids;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::say;
use crate::tidy::source::{self, File};
use ids::Id;
use table::{Row, Table};

/// The table of facts.
pub(crate) const TABLE: &str = "docs/facts.md";

/// Where facts are implemented.
const CODE: &[&str] = &["sg-common/src/", "sg-ebpf/src/", "sg-userspace/src/"];

/// Where facts are tested.
const TESTS: &[&str] = &["tests/rootless/", "tests/privileged/"];

/// What sources say about facts.
#[derive(Default)]
struct Evidence {
    /// Files whose comments name a fact.
    code: BTreeMap<Id, BTreeSet<String>>,
    /// Tests whose names, comments or texts name a fact, and files of tests whose header does.
    tests: BTreeMap<Id, BTreeSet<String>>,
}

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let files = source::files(&repo.root)?;
    let path = repo.root.join(TABLE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{TABLE}`"))?;
    let mut table = Table::parse(&text)?;
    table.fill(&evidence(&files));
    fs::write(&path, table.to_string()).with_context(|| format!("cannot write `{TABLE}`"))?;
    let faults = faults(&source::files(&repo.root)?);
    for (line, advice) in &faults {
        say::plain(format_args!("{TABLE}:{line}: {advice}"));
    }
    if !faults.is_empty() {
        bail!("{} rows want a hand", faults.len());
    }
    say::did("facts", format_args!("{} rows in {TABLE}", table.rows().count()));
    Ok(())
}

/// What is wrong with the table, by line.
pub(crate) fn faults(files: &[File]) -> Vec<(usize, String)> {
    let Some(file) = files.iter().find(|file| file.path == TABLE) else {
        return vec![(1, "there is no table of facts".to_owned())];
    };
    let table = match Table::parse(&file.text) {
        Ok(table) => table,
        Err(error) => return vec![(1, format!("{error:#}"))],
    };
    let evidence = evidence(files);
    let mut filled = table.clone();
    filled.fill(&evidence);
    let mut faults = Vec::new();
    if filled.to_string() != file.text {
        faults.push((1, "the sources say something else; run `cargo xtask facts`".to_owned()));
    }
    let mut seen = BTreeSet::new();
    for (line, row) in filled.rows() {
        if !seen.insert(row.id) {
            faults.push((line, format!("{} has two rows", row.id)));
        }
        faults.extend(row.fault().map(|advice| (line, advice)));
    }
    let named = evidence.code.keys().chain(evidence.tests.keys());
    let unknown: BTreeSet<Id> = named.filter(|id| !seen.contains(id)).copied().collect();
    faults.extend(unknown.into_iter().map(|id| (1, format!("{id} is named in the sources and has no row"))));
    faults
}

fn evidence(files: &[File]) -> Evidence {
    let mut evidence = Evidence::default();
    for file in files.iter().filter(|file| file.is_rust()) {
        if CODE.iter().any(|place| file.path.starts_with(place)) {
            for id in ids::in_text(&file.comments) {
                evidence.code.entry(id).or_default().insert(file.path.clone());
            }
        } else if TESTS.iter().any(|place| file.path.starts_with(place)) {
            evidence.add_tests(file);
        }
    }
    evidence
}

impl Evidence {
    fn add_tests(&mut self, file: &File) {
        let header: String = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        for id in ids::in_text(&header) {
            self.tests.entry(id).or_default().insert(file.path.clone());
        }
        // A test is what stands between the end of the one before and its own end; a helper belongs to what follows it.
        let mut begin = 0;
        while let Some(found) = file.code[begin..].find("#[test]") {
            let at = begin + found;
            let end = file.code[at..].find("\n}\n").map_or(file.code.len(), |end| at + end + 3);
            let Some(name) = name_after(&file.code[at..end]) else { break };
            let own = file.text[..at].rfind("\n\n").map_or(0, |blank| blank.max(begin));
            let mut of_test: BTreeSet<Id> = ids::in_text(&file.text[own..end]).collect();
            of_test.extend(ids::in_name(name));
            for id in of_test {
                self.tests.entry(id).or_default().insert(format!("{}: {name}", file.path));
            }
            begin = end;
        }
    }
}

/// The name of the first function in this code.
fn name_after(code: &str) -> Option<&str> {
    let rest = code.split_once("fn ")?.1;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

impl Row {
    /// What a hand has to mend.
    fn fault(&self) -> Option<String> {
        let id = self.id;
        let says_no = ["out of scope", "not yet"].iter().any(|no| self.status.starts_with(no));
        match (self.code.is_empty(), self.tests.is_empty()) {
            _ if self.fact.is_empty() => Some(format!("{id}: say what AWS does")),
            (false, false) if self.status.starts_with("not yet") => {
                Some(format!("{id} is implemented and tested by now; empty its status"))
            }
            (true, _) | (_, true) if self.status.is_empty() => Some(format!(
                "{id}: {}; name the id there, or give the row a status that says why not",
                if self.code.is_empty() { "no source names it" } else { "no test names it" }
            )),
            _ if !self.status.is_empty() && !says_no && !self.status.contains(':') => {
                Some(format!("{id}: a status is empty, or `out of scope: …`, `not yet: …` or `partly: …`"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "# F\n\n| id | fact | status | implemented in | tested by |\n| --- | --- | --- | --- | --- |\n";

    fn files(rows: &str, code: &str, test: &str) -> Vec<File> {
        vec![
            File::new(TABLE, &format!("{HEAD}{rows}")),
            File::new("sg-userspace/src/a.rs", code),
            File::new("tests/rootless/b.rs", test),
        ]
    }

    #[track_caller]
    fn check(rows: &str, code: &str, test: &str, expected: &[&str]) {
        let faults = faults(&files(rows, code, test));
        let found: Vec<&str> = faults.iter().map(|(_, advice)| advice.as_str()).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    const CODE: &str = "//! Rules (M-01).\n";
    const TEST: &str = "//! Tests.\n\n#[test]\nfn m_01_holds() {\n}\n";
    const ROW: &str =
        "| M-01 | It is so. |  | `sg-userspace/src/a.rs` | `tests/rootless/b.rs`: m_01_holds |\n";

    #[test]
    fn a_row_that_the_sources_bear_out_is_right() {
        check(ROW, CODE, TEST, &[]);
    }

    #[test]
    fn a_row_that_the_sources_do_not_bear_out_is_wrong() {
        check(ROW, "//! Rules.\n", TEST, &["run `cargo xtask facts`", "no source names it"]);
        check(ROW, CODE, "//! Tests.\n", &["run `cargo xtask facts`", "no test names it"]);
        check("", CODE, "//! Tests.\n", &["M-01 is named in the sources and has no row"]);
        check(&format!("{ROW}{ROW}"), CODE, TEST, &["two rows"]);
    }

    #[test]
    fn a_status_excuses_what_is_missing_as_long_as_it_is() {
        let row = "| M-01 | It is so. | not yet: why |  |  |\n";
        check(row, "//! Rules.\n", "//! Tests.\n", &[]);
        check(&ROW.replace("|  | `sg", "| not yet: why | `sg"), CODE, TEST, &["empty its status"]);
        check("| M-01 | It is so. | maybe |  |  |\n", "//! R.\n", "//! T.\n", &["a status is"]);
    }

    #[test]
    fn ids_are_found_in_ranges_names_and_comments_of_tests() {
        let test = "//! C-03 to C-05.\n\n/// E-10.\n#[test]\nfn a() {\n}\n\n#[test]\nfn r_e4_q_01_b() {\n}\n\n#[test]\nfn m17_n01_c() {\n    // T-01\n}\n";
        let evidence = evidence(&files("", "//! Nothing.\n", test));
        let found: Vec<String> = evidence.tests.keys().map(ToString::to_string).collect();
        assert_eq!(found, ["M-17", "R-E4", "E-10", "C-03", "C-04", "C-05", "Q-01", "N-01", "T-01"]);
        let tests = |text: &str| -> Vec<String> {
            let id = ids::in_text(text).next().unwrap();
            evidence.tests[&id].iter().cloned().collect()
        };
        assert_eq!(tests("E-10"), ["tests/rootless/b.rs: a"]);
        assert_eq!(tests("T-01"), ["tests/rootless/b.rs: m17_n01_c"]);
        assert_eq!(tests("C-04"), ["tests/rootless/b.rs"]);
    }
}
