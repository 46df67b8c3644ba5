//! What is worked out from the rules against real packets: `explain --verify` and `reach --verify` agree, before and after
//! changes; what-if looks at live flows and changes nothing.

use serde_json::Value;
use sg_tests::harness::lab_file::standard_lab;

use crate::product::Product;

/// Every check of a verified answer, and how it came out.
#[track_caller]
fn check(product: &Product, words: &str, code: i32) -> Vec<Value> {
    let words = format!("{words} --verify --output json --timeout 300ms");
    let output = product.run(&words.split_whitespace().collect::<Vec<_>>());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{words}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let document: Value = serde_json::from_str(&text).unwrap();
    let answer = document.get("explain").or(document.get("reach")).unwrap();
    answer["checks"].as_array().unwrap().clone()
}

#[test]
fn explanations_and_packets_agree() {
    let product = Product::up(&standard_lab());
    product.say("rule allow web inbound tcp 80 from anywhere");
    product.say("rule allow db inbound udp 53 from sg web");
    product.say("rule allow db inbound icmp echo-request from sg client");
    let cases = [
        ("client web tcp/80", 0),
        ("client web tcp/81", 1),
        ("internet web tcp/80", 0),
        ("internet web tcp/80 -6", 0),
        ("web db udp/53", 0),
        ("client db udp/53", 1),
        ("client db icmp", 0),
        ("web db icmp", 1),
        ("web internet tcp/80", 0),
        ("web 10.0.1.200 tcp/80", 1),
    ];
    for (words, code) in cases {
        let checks = check(&product, &format!("explain {words}"), code);
        let expected = if words.contains("10.0.1.200") { "not-sent" } else { "agreement" };
        assert_eq!((checks.len(), &checks[0]["result"]), (1, &expected.into()), "{words}: {checks:?}");
    }
    let checks = check(&product, "reach --all --from web --to db", 0);
    assert!(checks.len() > 3, "{checks:?}");
    assert!(checks.iter().all(|check| check["result"] == "agreement"), "{checks:?}");
}

/// C-11: the connection lives on, for as long as its entry may idle.
#[test]
fn what_if_says_which_live_flows_linger() {
    let product = Product::up(&standard_lab());
    product.say("rule allow db inbound tcp 80 from sg client");
    product.say("probe client db tcp/80");
    let answer = product.json("what-if rule revoke db inbound tcp 80 from sg client");
    let flows = answer["what_if"]["flows"].as_array().unwrap();
    assert!(flows.iter().any(|flow| flow["interface"] == "db" && flow["fate"] == "lingers"), "{flows:?}");
    assert_eq!(answer["what_if"]["closed"][0]["to"], "db");
    assert!(product.say("probe client db tcp/80").contains("allowed"), "nothing was changed");
}
