//! Flow logs, and their records as read back from files.

use std::time::{Duration, UNIX_EPOCH};

use comfy_table::Table;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::aws::flow_log::FlowLog;
use crate::aws::flow_log_format::{Field, LogFormat};

use super::{ALLOWED, ASIDE, DENIED, styled};

/// A flow log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowLogView {
    /// `fl-…`.
    pub id: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// What it is on.
    pub resource: String,
    /// ACCEPT, REJECT or ALL.
    pub traffic_type: &'static str,
    /// AWS's word for the kind of destination.
    pub destination: &'static str,
    /// What its records are made of.
    pub format: String,
    /// Where its records are.
    pub directory: String,
}

impl FlowLogView {
    /// The view of a flow log whose records are below a directory.
    pub fn new(log: &FlowLog, flow_logs: &std::path::Path) -> Self {
        Self {
            id: log.id.to_string(),
            name: log.tags.get("Name").cloned(),
            resource: log.resource.to_string(),
            traffic_type: log.traffic_type.as_str(),
            destination: log.destination.kind.as_str(),
            format: log.format.to_string(),
            directory: flow_logs.join(log.id.as_str()).display().to_string(),
        }
    }
}

/// Flow logs as a table.
pub fn table(logs: &[FlowLogView]) -> Table {
    let mut table = super::table(&["FLOW LOG", "NAME", "ON", "TRAFFIC", "RECORDS"]);
    for log in logs {
        let name = log.name.as_deref().unwrap_or("-");
        table.add_row([log.id.as_str(), name, &log.resource, log.traffic_type, &log.directory]);
    }
    table
}

/// A record: its flow log, and its fields by AWS's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordView {
    log: String,
    fields: Vec<(Field, String)>,
}

impl RecordView {
    /// Reads a line; `None` for what is not a record of this format, such as the first line of a file in S3.
    pub fn parse(log: &FlowLog, line: &str) -> Option<Self> {
        let format: &LogFormat = &log.format;
        let values = line.split(' ').collect::<Vec<_>>();
        if values.len() != format.fields().len() || line == format.header() {
            return None;
        }
        let fields = format.fields().iter().copied().zip(values.into_iter().map(str::to_owned)).collect();
        Some(Self { log: log.id.to_string(), fields })
    }

    /// A field's value, where the format has it and the record says something.
    pub fn get(&self, field: Field) -> Option<&str> {
        let value = self.fields.iter().find(|(other, _)| *other == field).map(|(_, value)| value.as_str());
        value.filter(|value| *value != "-")
    }

    /// Its end in Unix seconds; 0 where the format has none.
    pub fn end(&self) -> u64 {
        self.get(Field::End).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The record on one line, under [`heading`].
    pub fn line(&self) -> String {
        let or_dash = |field| self.get(field).unwrap_or("-");
        let end = |address, port| match self.get(port) {
            Some(port) if port != "0" => format!("{}:{port}", or_dash(address)),
            _ => or_dash(address).to_owned(),
        };
        let time = match self.end() {
            0 => "-".to_owned(),
            seconds => {
                let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds));
                // The day is the same for all that anybody looks at.
                text.to_string().get(11..19).unwrap_or_default().to_owned()
            }
        };
        let protocol = self.get(Field::Protocol).and_then(|number| number.parse().ok());
        let status = or_dash(Field::LogStatus);
        let outcome = match self.get(Field::Action) {
            Some("ACCEPT") => styled(ALLOWED, format_args!("{:8}", "ACCEPT")),
            Some(action) => styled(DENIED, format_args!("{action:8}")),
            None => styled(ASIDE, format_args!("{status:8}")),
        };
        let mut line = format!(
            "{time:8}  {:21}  {:22}  {:22}  {:6}  {:>8}  {:>11}  {outcome}",
            or_dash(Field::InterfaceId),
            end(Field::SrcAddr, Field::SrcPort),
            end(Field::DstAddr, Field::DstPort),
            protocol.map_or_else(|| "-".to_owned(), super::protocol),
            or_dash(Field::Packets),
            or_dash(Field::Bytes),
        );
        let decider = [Field::SgsimRule, Field::SgsimReason].into_iter().filter_map(|field| self.get(field));
        for word in decider {
            line.push_str("  ");
            line.push_str(word);
        }
        line.trim_end().to_owned()
    }
}

impl Serialize for RecordView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Map::from_iter([("flow-log-id".to_owned(), Value::from(self.log.as_str()))]);
        for (field, value) in &self.fields {
            object.insert(field.name().to_owned(), Value::from(value.as_str()));
        }
        object.serialize(serializer)
    }
}

/// What stands above records.
pub fn heading() -> String {
    format!(
        "{:8}  {:21}  {:22}  {:22}  {:6}  {:>8}  {:>11}  {:8}  DECIDED BY",
        "END", "INTERFACE", "FROM", "TO", "PROTO", "PACKETS", "BYTES", "ACTION"
    )
}
