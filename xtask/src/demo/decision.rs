//! Which rule decided, as `sgsim probe` and `sgsim flows` tell it, against what the step expects.

use serde_json::Value;

use super::step::{End, Say};

/// What was told, and what is wrong with it, if anything.
pub(super) struct Account {
    pub(super) lines: Vec<String>,
    pub(super) complaint: Option<String>,
}

/// What both ends of a probe said. `document` is `sgsim probe`'s.
pub(super) fn of_probe(document: &Value, end: End, expected: (Say, Say)) -> Account {
    let probe = &document["probe"];
    let ends = [(&probe["from"], "outbound", expected.0), (&probe["to"], "inbound", expected.1)];
    let mut lines = Vec::new();
    let mut complaint = None;
    for (told, direction, expected) in ends {
        let name = told["name"].as_str().unwrap_or("?");
        // Outside of every VPC nobody judges, which need not be said at every step.
        if !matches!(expected, Say::Nothing) || !told["verdict"].is_null() {
            lines.push(format!("{name} {direction}: {}", words(told)));
        }
        if !is_as_expected(&told["verdict"], expected) {
            complaint = Some(format!("{name} {direction}: expected {}", expectation(expected)));
        }
    }
    let probed = match probe["end"].as_str() {
        Some("answered") => End::Answered,
        Some("timed-out") => End::TimedOut,
        Some("refused") => End::Refused,
        _ => End::Failed,
    };
    if probed != end {
        complaint = Some(format!("the probe {probed}, the client {end}"));
    }
    Account { lines, complaint }
}

fn words(end: &Value) -> String {
    let verdict = &end["verdict"];
    let rule = &verdict["rule"];
    match (rule["id"].as_str(), verdict["allowed"].as_bool()) {
        (Some(id), _) => {
            let (group, text) = (rule["group_name"].as_str(), rule["text"].as_str());
            // The direction has just been said.
            let text = text.and_then(|text| text.split_once(' ')).map_or("", |(_, rest)| rest);
            format!("{id} ({}: {text})", group.unwrap_or("?"))
        }
        (None, Some(false)) if verdict["reason"] == "no-rule" => "no rule of its groups allows it".to_owned(),
        (None, Some(_)) => verdict["reason"].as_str().unwrap_or("?").to_owned(),
        (None, None) => end["note"].as_str().unwrap_or("no verdict was seen").to_owned(),
    }
}

fn is_as_expected(verdict: &Value, expected: Say) -> bool {
    match expected {
        Say::Nothing => verdict.is_null(),
        Say::NoRule => verdict["allowed"] == false && verdict["reason"] == "no-rule",
        Say::Rule(group, text) => {
            let rule = &verdict["rule"];
            verdict["allowed"] == true && rule["group_name"] == group && rule["text"] == text
        }
    }
}

fn expectation(say: Say) -> String {
    match say {
        Say::Nothing => "no verdict".to_owned(),
        Say::NoRule => "that no rule allows it".to_owned(),
        Say::Rule(group, text) => format!("a rule of {group}: {text}"),
    }
}

/// The receiver's entry of an open session whose rule has been revoked. `document` is `sgsim flows`'s.
pub(super) fn of_flows(document: &Value, port: u16, remote: &str) -> Account {
    let flows = document["flows"].as_array().map_or(&[][..], Vec::as_slice);
    let found = flows.iter().find(|flow| {
        flow["local_port"] == port && flow["remote"] == remote && flow["state"] == "established"
    });
    let Some(flow) = found else {
        let complaint = Some(format!("no established flow entry of {remote} at port {port}"));
        return Account { lines: Vec::new(), complaint };
    };
    let interface = flow["interface"].as_str().unwrap_or("?");
    let (inbound, outbound) = (&flow["packets_inbound"], &flow["packets_outbound"]);
    let rule = flow["rule"]["id"].as_str();
    let state = rule.map_or_else(|| "its rule is revoked".to_owned(), |id| format!("rule {id}"));
    let lines = vec![
        format!("{interface} inbound: the flow entry of {remote} port {}; {state}", flow["remote_port"]),
        format!("it has let {inbound} packets in and {outbound} out"),
    ];
    let complaint = rule.map(|id| format!("rule {id} still exists"));
    Account { lines, complaint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(reason: &str, allowed: bool, rule: Value) -> Value {
        let verdict = serde_json::json!({ "allowed": allowed, "reason": reason, "rule": rule });
        let end = if allowed { "answered" } else { "timed-out" };
        serde_json::json!({ "probe": {
            "end": end,
            "from": { "name": "internet", "verdict": null, "note": "outside" },
            "to": { "name": "web-1", "verdict": verdict, "note": null },
        }})
    }

    #[test]
    fn another_rule_than_the_expected_one_is_a_complaint() {
        let rule =
            serde_json::json!({ "id": "sgr-1", "group_name": "web", "text": "inbound tcp 80 from ::/0" });
        let document = probe("rule", true, rule);
        let ask = |text| of_probe(&document, End::Answered, (Say::Nothing, Say::Rule("web", text))).complaint;
        assert_eq!(ask("inbound tcp 80 from ::/0"), None);
        assert!(ask("inbound tcp 80 from 0.0.0.0/0").is_some());
    }

    #[test]
    fn a_denial_for_another_reason_is_a_complaint() {
        let ask = |reason: &str| {
            let document = probe(reason, false, Value::Null);
            of_probe(&document, End::TimedOut, (Say::Nothing, Say::NoRule)).complaint
        };
        assert_eq!(ask("no-rule"), None);
        assert!(ask("flow-table-full").is_some());
    }

    #[test]
    fn a_probe_that_ends_otherwise_is_a_complaint() {
        let document = probe("no-rule", false, Value::Null);
        assert!(of_probe(&document, End::Answered, (Say::Nothing, Say::NoRule)).complaint.is_some());
    }
}
