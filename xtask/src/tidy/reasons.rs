//! Every reason for a verdict is documented: people meet its name in counters, events and `explain`.

use super::Violation;
use super::source::File;

/// Where the reasons are defined.
const PLACE: &str = "sg-common/src/abi/verdict.rs";

/// Each public constant of a type whose name begins with `Reason` has a doc comment.
pub(super) fn reason_documented(file: &File) -> Vec<Violation> {
    if file.path != PLACE {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut in_reason = false;
    let mut constants = 0;
    let mut violations = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with("impl ") {
            in_reason = line.starts_with("impl Reason");
        }
        let Some((name, kind)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        if kind.starts_with("Reason") || kind.starts_with("Self ") && in_reason {
            constants += 1;
            let above = lines[..index].iter().rev().find(|line| !line.starts_with("#["));
            if !above.is_some_and(|line| line.starts_with("///")) {
                violations.push(Violation::new(
                    index + 1,
                    format!("document `{name}`: when a packet gets this reason"),
                ));
            }
        }
    }
    // A rule that finds nothing to check has lost sight of its subject.
    if constants == 0 {
        violations.push(Violation::new(1, "no `Reason` constant found here; tell this rule where they went"));
    }
    violations
}
