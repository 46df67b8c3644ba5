//! Each rule on small texts: what it must catch and what it must leave alone.

use super::source::File;
use super::*;

/// The lines that `rule` reports for `text` at `path`.
#[track_caller]
fn check(rule: Rule, path: &str, text: &str, expected: &[usize]) {
    let mut lines: Vec<usize> = rule(&File::new(path, text)).iter().map(|violation| violation.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, expected, "{path}:\n{text}");
}

#[test]
fn lex_blanks_comments_and_literals_and_keeps_offsets() {
    let text = "let a = \"// no\"; // yes \"\nlet b = r#\"x \" y\"#; /* one /* two */ three */ c('\"', '\\'', \"é\")";
    let (code, comments) = lex::split(text);
    assert_eq!(code.len(), text.len());
    assert!(!code.contains("no") && !code.contains('x') && !code.contains("three"));
    assert!(code.contains("let b =") && code.contains("c("));
    assert!(comments.contains("// yes") && comments.contains("three") && !comments.contains("no"));
}

#[test]
fn lex_tells_lifetimes_from_characters() {
    let (code, _) = lex::split("fn f<'a>(x: &'a str, c: char) { c == 'b' } // 'c'");
    assert!(code.contains("<'a>(x: &'a str") && !code.contains("'b'") && !code.contains("'c'"));
}

#[test]
fn file_length_is_an_error_over_600_and_a_note_over_400() {
    let lines = |n| "//! x\n".repeat(n);
    check(shape::file_length, "a/src/b.rs", &lines(600), &[]);
    check(shape::file_length, "a/src/b.rs", &lines(601), &[601]);
    check(shape::file_length, "README.md", &lines(601), &[]);
    let note = |n| shape::length_note(&File::new("a.rs", &lines(n))).is_some();
    assert_eq!([400, 401, 600, 601].map(note), [false, true, true, false]);
}

#[test]
fn file_header_must_say_something() {
    check(shape::file_header, "a.rs", "//! What it does.\n", &[]);
    check(shape::file_header, "a.rs", "//!\n", &[1]);
    check(shape::file_header, "a.rs", "use std::fs;\n", &[1]);
    check(shape::file_header, "a.rs", "", &[1]);
    check(shape::file_header, "a.toml", "[a]\n", &[]);
}

#[test]
fn file_name_without_content_is_refused() {
    check(shape::file_name, "sg-userspace/src/utils.rs", "", &[1]);
    check(shape::file_name, "sg-userspace/src/types/mod.rs", "", &[1]);
    check(shape::file_name, "sg-common/src/lib.rs", "", &[]);
}

#[test]
fn trailing_whitespace_is_found_on_its_line() {
    check(shape::trailing_whitespace, "a.md", "a\nb \nc\t\nd\r\n", &[2, 3, 4]);
    check(shape::trailing_whitespace, "a.md", "a\n\nb\n", &[]);
}

#[test]
fn a1_oracle_uses_nothing_of_what_it_checks() {
    let check =
        |text, expected| check(layers::oracle_alone, "sg-userspace/src/oracle/tracking.rs", text, expected);
    check("use sg_common::abi;\nuse crate::compile;\nuse crate::{aws, compile::image};\n", &[1, 2, 3]);
    check("use super::super::kernel;\nfn f() { crate::dataplane::run() }\n", &[1, 2]);
    check("use crate::{\n    aws::{Group, Rule},\n    compile::{self},\n};\n", &[3]);
    // Its own naive resolver, words in comments, and the AWS types are fine.
    check("use super::resolve;\n// sg_common::abi\nuse crate::aws::{resolve, Rule};\nlet kernel = 1;\n", &[]);
}

#[test]
fn a1_leaves_other_modules_alone() {
    check(layers::oracle_alone, "sg-userspace/src/dataplane/host.rs", "use sg_common::abi;\n", &[]);
    check(
        layers::oracle_alone,
        "sg-userspace/src/oracle/mod.rs",
        "mod compile;\nuse self::compile::image;\n",
        &[],
    );
    check(layers::oracle_alone, "sg-userspace/src/oracle/mod.rs", "use super::compile::image;\n", &[1]);
}

#[test]
fn a2_aya_stays_in_the_kernel_directory() {
    for text in ["use aya::maps::HashMap;\n", "fn f(e: aya::EbpfError) {}\n", "use aya_ebpf::programs;\n"] {
        check(layers::aya_in_kernel, "sg-userspace/src/dataplane/host.rs", text, &[1]);
        check(layers::aya_in_kernel, "sg-userspace/src/kernel/maps.rs", text, &[]);
        check(layers::aya_in_kernel, "sg-common/src/pod.rs", text, &[]);
    }
    check(layers::aya_in_kernel, "tests/src/lib.rs", "//! aya::maps\nuse x::aya;\n", &[]);
}

#[test]
fn a3_only_the_edges_print() {
    let text = "fn f() { println!(); }\nfn g() { anstream::eprintln!(\"x\"); }\nfn h() { writeln!(w); }\n";
    check(layers::output_at_edges, "sg-userspace/src/report/text.rs", text, &[1, 2]);
    for path in [
        "sg-userspace/src/cli/show.rs",
        "sg-userspace/src/main.rs",
        "sg-userspace/build.rs",
        "xtask/src/ci.rs",
    ] {
        check(layers::output_at_edges, path, text, &[]);
    }
}

#[test]
fn a4_only_the_edges_read_a_clock() {
    let text = "let a = Instant::now();\nlet b = std::time::SystemTime::now();\nlet c = now.now();\n";
    check(layers::clock_at_edges, "sg-userspace/src/store/mod.rs", text, &[1, 2]);
    for path in ["sg-userspace/src/cli/watch.rs", "sg-userspace/src/lab/link.rs", "tests/privileged/load.rs"]
    {
        check(layers::clock_at_edges, path, text, &[]);
    }
}

#[test]
fn a5_analysis_uses_the_model_alone() {
    let text = "use crate::aws::world::World;\nuse crate::oracle::Oracle;\nuse sg_common::abi;\n\
                use super::side::Side;\nuse crate::command::apply;\nuse crate::dataplane::Flow;\n";
    check(layers::analysis_from_model, "sg-userspace/src/analysis/reach.rs", text, &[2, 3, 6]);
    check(layers::analysis_from_model, "sg-userspace/src/report/reach.rs", text, &[]);
}

#[test]
fn skipped_tests_are_refused() {
    let text = "#[test]\n#[ignore]\nfn a() {}\n#[should_panic(expected = \"x\")]\nfn b() {}\n// #[ignore]\n";
    check(attributes::no_skipped_test, "a.rs", text, &[2, 4]);
    check(attributes::no_skipped_test, "a.rs", "#[ignored_by_nobody]\nlet x = a[ignore];\n", &[]);
}

#[test]
fn allow_needs_a_reason() {
    let text =
        "#[allow(dead_code)]\n#![expect(unused)]\n#[allow(dead_code, reason = \"x\")]\n#[allow(\n  a,\n)]\n";
    check(attributes::allow_with_reason, "a.rs", text, &[1, 2, 4]);
}

#[test]
fn loose_ends_are_refused() {
    let text = "// TODO: later\nlet a = \"TODO\"; /* FIXME */\ntodo!();\n// a method\n";
    check(attributes::no_loose_end, "a.rs", text, &[1, 2, 3]);
}

#[test]
fn reasons_are_documented() {
    let path = "sg-common/src/abi/verdict.rs";
    let text = "/// Why.\n#[repr(transparent)]\npub struct ReasonCode(u8);\nimpl ReasonCode {\n    /// Allowed.\n    \
                #[cfg(x)]\n    pub const A: Self = Self(1);\n    pub const B: Self = Self(2);\n}\n\
                impl Verdict {\n    pub const C: Self = Self(0);\n}\npub const D: ReasonCode = ReasonCode(3);\n";
    check(reasons::reason_documented, path, text, &[8, 13]);
    check(reasons::reason_documented, path, "pub struct Verdict(u8);\n", &[1]);
    check(reasons::reason_documented, "sg-common/src/abi/flow.rs", "", &[]);
}
