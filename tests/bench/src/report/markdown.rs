//! The report as a page.

use std::fmt::Write as _;

use super::{Report, middle_half, number};

pub(super) fn report(report: &Report) -> String {
    let mut page = format!("# Benchmark ({} form)\n\n{}\n", report.form, report.machine.line());
    if !report.goals.is_empty() {
        page.push_str("\n## Goals\n\n| | goal | found | |\n| --- | --- | --- | --- |\n");
        for goal in &report.goals {
            let _ = writeln!(page, "| {} | {} | {} | {} |", goal.id, goal.goal, goal.found, goal.word());
        }
    }
    for section in &report.sections {
        let _ = write!(page, "\n## {}\n\n{}\n\n", section.title, section.method);
        page.push_str("| | median | middle half | unit | against |\n| --- | ---: | ---: | --- | --- |\n");
        for row in &section.rows {
            let against: Vec<String> = row
                .against
                .iter()
                .map(|(what, ratio)| format!("{} × {what} ({})", number(ratio.median), middle_half(ratio)))
                .collect();
            let (median, middle) = (number(row.value.median), middle_half(&row.value));
            let against = against.join(", ");
            let _ = writeln!(page, "| {} | {median} | {middle} | {} | {against} |", row.name, row.unit);
        }
        for remark in &section.remarks {
            let _ = write!(page, "\n{remark}\n");
        }
        let lines = section.plots.iter().map(|plot| (&plot.title, plot.file()));
        let bars = section.bars.iter().map(|bars| (&bars.title, bars.file()));
        for (title, file) in lines.chain(bars) {
            let _ = write!(page, "\n![{title}]({file})\n");
        }
    }
    page
}
