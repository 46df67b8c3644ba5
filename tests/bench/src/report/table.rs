//! The tables for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::{Report, Section, middle_half, number};

pub(super) fn report(report: &Report) -> String {
    let mut text = format!("{}\n", report.machine.line());
    for section in &report.sections {
        text.push_str(&self::section(section));
    }
    if !report.goals.is_empty() {
        text.push_str("\nGoals\n");
        let mut table = table(&["", "goal", "found", ""]);
        for goal in &report.goals {
            table.add_row([goal.id, goal.goal.as_str(), goal.found.as_str(), goal.word()]);
        }
        text.push_str(&format!("{table}\n"));
    }
    text
}

/// One section as a table.
fn section(section: &Section) -> String {
    let mut table = table(&["", "median", "middle half", "unit", "against"]);
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in &section.rows {
        let against: Vec<String> =
            row.against.iter().map(|(what, ratio)| format!("{} × {what}", number(ratio.median))).collect();
        table.add_row([
            row.name.clone(),
            number(row.value.median),
            middle_half(&row.value),
            row.unit.to_owned(),
            against.join(", "),
        ]);
    }
    let remarks: String = section.remarks.iter().map(|remark| format!("  {remark}\n")).collect();
    format!("\n{}\n{table}\n{remarks}", section.title)
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}
