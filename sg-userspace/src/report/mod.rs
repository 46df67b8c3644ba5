//! What people and programs are shown. Each kind of thing has one view: what JSON has is what the table is made from.
//!
//! Views are built from the world and the data plane's rows; nothing here prints. JSON documents have a version, and a
//! field keeps its name and meaning within it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

pub mod allowance;
pub mod counter;
pub mod explain;
pub mod flow;
pub mod flow_log;
pub mod group;
pub mod import;
pub mod instance;
pub mod interface;
pub mod network_acl;
pub mod peering;
pub mod prefix_list;
pub mod probe;
pub mod reach;
pub mod reference;
pub mod rule;
pub mod status;
pub mod step;
pub mod tag;
pub mod verdict;
pub mod what_if;

/// Version of the JSON documents.
pub const JSON_VERSION: u32 = 1;

/// How an allowed thing looks on a terminal.
pub const ALLOWED: Style = AnsiColor::Green.on_default().bold();
/// How a denied thing looks on a terminal.
pub const DENIED: Style = AnsiColor::Red.on_default().bold();
/// How something beside the point looks on a terminal.
pub const ASIDE: Style = Style::new().dimmed();

/// A JSON document: `{"version": 1, "<name>": …}`.
///
/// # Errors
/// Where the value has no JSON form.
pub fn document(name: &str, value: &impl Serialize) -> serde_json::Result<serde_json::Value> {
    Ok(serde_json::json!({ "version": JSON_VERSION, name: serde_json::to_value(value)? }))
}

/// An empty table with these columns: no lines, so that it can be cut with `awk`, and no wrapping off a terminal.
pub fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// The table as text, without blanks at the ends of lines.
pub fn render(table: &Table) -> String {
    table.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.trim_end());
        text
    })
}

/// Text in a style.
pub fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A list as text, or a dash where it is empty.
pub fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items = items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>();
    if items.is_empty() { "-".to_owned() } else { items.join(", ") }
}

/// Seconds in the largest units that say it well: `5d`, `1h 30m`, `42s`.
pub fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, unit) in units {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// A protocol number as rules write it: `tcp`, `udp`, `icmp`, `icmpv6`, else the number.
pub fn protocol(number: u8) -> String {
    crate::aws::protocol::IpProtocol::Number(number).to_string()
}
