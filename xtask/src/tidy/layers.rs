//! The architecture's dependency rules, A1 to A5, as scans of paths and words.

use super::Violation;
use super::imports::{self, Path};
use super::source::{File, line_of};

/// Where the kernel may be spoken to by aya.
const AYA_PLACES: &[&str] = &["sg-userspace/src/kernel/", "sg-ebpf/", "sg-common/src/pod.rs"];

/// Where text for people is printed.
const OUTPUT_PLACES: &[&str] =
    &["sg-userspace/src/cli/", "sg-userspace/src/cli.rs", "sg-userspace/src/main.rs", "tests/", "xtask/"];

/// Where a clock may be read.
const CLOCK_PLACES: &[&str] = &[
    "sg-userspace/src/cli/",
    "sg-userspace/src/kernel/",
    "sg-userspace/src/controller/",
    "sg-userspace/src/lab/",
    "sg-userspace/src/serve/",
    "sg-userspace/src/main.rs",
    "sg-userspace/src/serve/",
    "tests/",
    "xtask/",
];

/// A1: the oracle shares no code with what it checks.
pub(super) fn oracle_alone(file: &File) -> Vec<Violation> {
    if !file.is_in(&["sg-userspace/src/oracle/", "sg-userspace/src/oracle.rs"]) {
        return Vec::new();
    }
    let forbidden = |path: &Path| match &path.segments[..] {
        [first, ..] if first == "sg_common" => Some(first.clone()),
        [first, second, rest @ ..] if first == "crate" || first == "sg_userspace" => {
            let checked = ["command", "compile", "kernel"].contains(&second.as_str());
            // The words that all evaluators answer in are `dataplane`'s own, `logged`'s and `reason`'s; its other modules are
            // what is checked.
            let inside = rest.first().is_some_and(|module| {
                !["logged", "reason"].contains(&module.as_str())
                    && module.chars().next().is_some_and(char::is_lowercase)
            });
            (checked || (second == "dataplane" && inside)).then(|| second.clone())
        }
        _ => None,
    };
    violations(file, |path| {
        forbidden(path)
            .map(|what| format!("the oracle may not use `{what}`; work it out from the AWS types alone"))
    })
}

/// A2: aya only where the kernel is.
pub(super) fn aya_in_kernel(file: &File) -> Vec<Violation> {
    if !file.is_rust() || file.is_in(AYA_PLACES) {
        return Vec::new();
    }
    violations(file, |path| {
        let [first, _, ..] = &path.segments[..] else { return None };
        (first == "aya" || first.starts_with("aya_")).then(|| {
            format!("`{first}` belongs under sg-userspace/src/kernel; give that directory a function for it")
        })
    })
}

/// A3: only the edges print.
pub(super) fn output_at_edges(file: &File) -> Vec<Violation> {
    // A build script talks to cargo by printing.
    if !file.is_rust() || file.is_in(OUTPUT_PLACES) || file.path.ends_with("/build.rs") {
        return Vec::new();
    }
    let macros = ["println!", "eprintln!", "print!", "eprint!"];
    words(file, &macros, |word| {
        format!("`{word}` belongs to cli/ and main.rs; return or write the text instead")
    })
}

/// A4: time is a value everywhere else.
pub(super) fn clock_at_edges(file: &File) -> Vec<Violation> {
    if !file.is_rust() || file.is_in(CLOCK_PLACES) {
        return Vec::new();
    }
    violations(file, |path| {
        let clock = match &path.segments[..] {
            [.., kind, call] if call == "now" && (kind == "Instant" || kind == "SystemTime") => {
                format!("{kind}::now")
            }
            [.., call] if call == "clock_gettime" => call.clone(),
            _ => return None,
        };
        Some(format!("`{clock}` reads a clock; take the time as a parameter"))
    })
}

/// A5: answers about a world come from the model alone.
pub(super) fn analysis_from_model(file: &File) -> Vec<Violation> {
    if !file.is_in(&["sg-userspace/src/analysis/"]) {
        return Vec::new();
    }
    violations(file, |path| {
        let [first, second, ..] = &path.segments[..] else { return None };
        let is_own = ["analysis", "aws", "packet", "command"].contains(&second.as_str());
        let forbidden = match first.as_str() {
            "crate" | "sg_userspace" if !is_own => second,
            "sg_common" => first,
            _ => return None,
        };
        Some(format!(
            "`analysis` may not use `{forbidden}`; it knows the model and the commands, nothing that enforces"
        ))
    })
}

fn violations(file: &File, advice: impl Fn(&Path) -> Option<String>) -> Vec<Violation> {
    let paths = imports::paths(&file.code, &imports::module_of(&file.path));
    paths
        .iter()
        .filter_map(|path| advice(path).map(|advice| Violation::new(line_of(&file.code, path.at), advice)))
        .collect()
}

/// Occurrences of whole words in code.
fn words(file: &File, wanted: &[&str], advice: impl Fn(&str) -> String) -> Vec<Violation> {
    let mut violations = Vec::new();
    for word in wanted {
        for (at, _) in file.code.match_indices(word) {
            let before = file.code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                violations.push(Violation::new(line_of(&file.code, at), advice(word)));
            }
        }
    }
    violations
}
