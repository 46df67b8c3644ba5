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
    let (rule, entry) = (&verdict["rule"], &verdict["acl_entry"]);
    if let (Some(acl), Some(text)) = (entry["network_acl_id"].as_str(), entry["text"].as_str()) {
        return format!("{acl} entry {} ({text})", entry["rule_number"]);
    }
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
        Say::AclEntry(number) => {
            verdict["reason"] == "network-acl" && verdict["acl_entry"]["rule_number"] == number
        }
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
        Say::AclEntry(number) => format!("entry {number} of the network ACL"),
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

/// The sender of an open session whose entry has idled out. `document` is `sgsim flows`'s; `denied` frames met no rule since.
pub(super) fn of_missing_entry(
    document: &Value,
    sender: &str,
    (remote, port): (&str, u16),
    denied: u64,
) -> Account {
    let flows = document["flows"].as_array().map_or(&[][..], Vec::as_slice);
    let is_left = flows.iter().any(|flow| flow["remote"] == remote && flow["remote_port"] == port);
    let lines = vec![
        format!("{sender} inbound: no flow entry of {remote} port {port} any more"),
        format!("{denied} packets came back since, and no rule of its groups allows them"),
    ];
    let complaint = match (is_left, denied) {
        (true, _) => Some(format!("{sender} still has an entry of {remote} port {port}")),
        (false, 0) => Some("nothing came back, so nothing was denied".to_owned()),
        (false, _) => None,
    };
    Account { lines, complaint }
}

/// A way that is too narrow: how many packets did not fit, and what the kernel that had to learn of it says of its route.
pub(super) fn of_path(who: &str, too_big: u64, route: &str, expected: Option<u16>) -> Account {
    let mut words = route.split(' ').skip_while(|word| *word != "mtu");
    let learnt = words.nth(1).and_then(|mtu| mtu.parse::<u16>().ok());
    let known = learnt.map_or("nothing".to_owned(), |mtu| format!("mtu {mtu}"));
    let mut lines = vec![format!("{who}: its kernel has learnt {known} of the way")];
    if too_big > 0 {
        lines.insert(
            0,
            format!("the router: {too_big} packets were too big for the way to or from the internet"),
        );
    }
    let complaint = if learnt != expected {
        let expected = expected.map_or("nothing".to_owned(), |mtu| format!("mtu {mtu}"));
        Some(format!("expected that it learns {expected}: {route}"))
    } else {
        // Who knows already sends nothing too big.
        (learnt.is_none() && too_big == 0).then(|| "no packet was too big".to_owned())
    };
    Account { lines, complaint }
}

/// Every component's word on a way, worked out and then tried. `document` is `sgsim explain --verify`'s.
pub(super) fn of_explanation(document: &Value, end: End, code: Option<&str>, groups: Say) -> Account {
    let explanation = &document["explain"]["explanations"][0];
    let steps = explanation["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |step: &Value| {
        let word = if step["passes"] == true { "pass" } else { "stop" };
        let [component, text] = ["component", "text"].map(|key| step[key].as_str().unwrap_or("?").to_owned());
        let code = step["explanation_code"].as_str().map_or(String::new(), |code| format!(": {code}"));
        format!("{word}  {component}: {text}{code}")
    };
    let mut lines: Vec<String> = steps.iter().map(line).collect();
    let check = &document["explain"]["checks"][0];
    if let Some(sent) = check["sent"].as_str() {
        lines.push(format!("{sent} was sent: {}", check["result"].as_str().unwrap_or("?")));
    }
    let codes: Vec<&str> =
        explanation["explanation_codes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let said = steps.iter().find(|step| step["component"] == "destination security groups");
    let is_as_said = said.is_some_and(|step| match groups {
        Say::Rule(group, text) => step["rule"]["group_name"] == group && step["rule"]["text"] == text,
        _ => step["passes"] == false,
    });
    let complaint = if codes != code.into_iter().collect::<Vec<_>>() {
        Some(format!("expected the code {code:?}, was {codes:?}"))
    } else if !is_as_said {
        Some(format!("the receiver's groups: expected {}", expectation(groups)))
    } else if check["result"] != "agreement" {
        Some(format!("packets do not agree with it: {check}"))
    } else {
        let is_answered = end == End::Answered;
        (explanation["reachable"] != is_answered)
            .then(|| format!("the explanation is another, the client {end}"))
    };
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
    fn an_entry_that_is_left_is_a_complaint() {
        let flow = serde_json::json!({ "remote": "10.0.11.4", "remote_port": 5432 });
        let ask = |flows: &[&Value], denied| {
            let document = serde_json::json!({ "flows": flows });
            of_missing_entry(&document, "web-1", ("10.0.11.4", 5432), denied).complaint
        };
        assert_eq!(ask(&[], 1), None);
        assert!(ask(&[], 0).is_some());
        assert!(ask(&[&flow], 1).is_some());
    }

    #[test]
    fn another_path_mtu_than_the_expected_one_is_a_complaint() {
        let ask = |route, expected| of_path("web-2", 1, route, expected).complaint;
        let learnt = "203.0.113.10 via 10.0.2.1 dev eth0 cache expires 599sec mtu 1400";
        assert_eq!(ask(learnt, Some(1400)), None);
        assert_eq!(ask("203.0.113.10 via 10.0.2.1 dev eth0 cache", None), None);
        assert!(ask(learnt, None).is_some());
        assert!(ask(learnt, Some(1280)).is_some());
        assert!(of_path("web-2", 0, "203.0.113.10 via 10.0.2.1", None).complaint.is_some());
    }

    #[test]
    fn an_explanation_by_another_rule_or_code_is_a_complaint() {
        let step = serde_json::json!({ "component": "destination security groups", "passes": true,
            "text": "", "explanation_code": null, "rule": { "group_name": "db", "text": "inbound all" } });
        let ask = |result: &str, code, text| {
            let document = serde_json::json!({ "explain": {
                "explanations": [{ "reachable": true, "explanation_codes": [], "steps": [&step] }],
                "checks": [{ "result": result, "sent": "x" }],
            }});
            of_explanation(&document, End::Answered, code, Say::Rule("db", text)).complaint
        };
        assert_eq!(ask("agreement", None, "inbound all"), None);
        assert!(ask("agreement", None, "inbound tcp 22").is_some());
        assert!(ask("agreement", Some("NO_ROUTE_TO_DESTINATION"), "inbound all").is_some());
        assert!(ask("disagreement", None, "inbound all").is_some());
    }

    #[test]
    fn a_probe_that_ends_otherwise_is_a_complaint() {
        let document = probe("no-rule", false, Value::Null);
        assert!(of_probe(&document, End::Answered, (Say::Nothing, Say::NoRule)).complaint.is_some());
    }
}
