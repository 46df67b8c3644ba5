//! Who reaches whom, with real sockets: TCP, UDP and ICMP echo, both families, in a subnet, between subnets, from and to
//! the internet. What no rule allows times out: nothing is sent back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sg_tests::harness::address::{CLIENT, CLIENT6, DB, DB6, OUTSIDER, OUTSIDER6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::client::Outcome;
use sg_userspace::lab::namespace;

use crate::product::Product;
use crate::traffic::{SILENCE, Traffic, ask, check_allowed, check_denied};

const TRAFFIC: [(Traffic, &str); 3] =
    [(Traffic::Tcp(80), "tcp 80"), (Traffic::Udp(53), "udp 53"), (Traffic::Echo, "icmp echo-request")];

fn addresses(name: &str) -> [IpAddr; 2] {
    match name {
        "client" => [CLIENT.into(), CLIENT6.into()],
        "web" => [WEB.into(), WEB6.into()],
        "db" => [DB.into(), DB6.into()],
        "internet" => [OUTSIDER.into(), OUTSIDER6.into()],
        _ => panic!("no {name}"),
    }
}

fn host_route(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

/// A rule's words for a packet of this kind to or from these addresses.
fn rule(kind: &str, is_ipv4: bool) -> String {
    match (kind, is_ipv4) {
        ("icmp echo-request", false) => "icmpv6 echo-request".to_owned(),
        _ => kind.to_owned(),
    }
}

/// What a namespace has received that could be an answer.
fn received(namespace: &str) -> BTreeMap<String, u64> {
    namespace::run_in(namespace, || {
        let mut found = BTreeMap::new();
        let text = std::fs::read_to_string("/proc/thread-self/net/snmp")?;
        for pair in text.lines().collect::<Vec<_>>().chunks_exact(2) {
            let (kind, names) = pair[0].split_once(": ").unwrap();
            let values = pair[1].split_once(": ").unwrap().1;
            for (name, value) in names.split(' ').zip(values.split(' ')) {
                if matches!((kind, name), ("Tcp", "InSegs") | ("Udp", "InDatagrams") | ("Icmp", "InMsgs")) {
                    found.insert(format!("{kind}{name}"), value.parse()?);
                }
            }
        }
        for line in std::fs::read_to_string("/proc/thread-self/net/snmp6")?.lines() {
            let mut words = line.split_whitespace();
            let (name, value) = (words.next().unwrap(), words.next().unwrap());
            if matches!(name, "Udp6InDatagrams" | "Icmp6InDestUnreachs" | "Icmp6InEchoReplies") {
                found.insert(name.to_owned(), value.parse()?);
            }
        }
        Ok(found)
    })
    .unwrap()
}

/// Denied without an answer of any kind, in both families at a time.
#[track_caller]
fn check_silent(lab: &Product, sender: &str, receiver: &str, traffic: Traffic) {
    let before = received(sender);
    let outcomes = std::thread::scope(|scope| {
        addresses(receiver)
            .map(|to| scope.spawn(move || ask(sender, None, to, traffic, SILENCE)))
            .map(|asked| asked.join().unwrap())
    });
    let state = || ["rule list", "flows", "counters"].map(|words| lab.say(words)).join("\n");
    assert_eq!(outcomes, [Outcome::TimedOut; 2], "{traffic:?} to {receiver}:\n{}", state());
    assert_eq!(received(sender), before, "{traffic:?} to {receiver}");
}

/// Denied → allowed → denied, for every kind of traffic from one end to another, by rules of `group` in `direction`.
#[track_caller]
fn check_sandwich(lab: &Product, sender: &str, receiver: &str, group: &str, direction: &str) {
    let namespace = lab.namespace(sender);
    let (word, peer) = if direction == "inbound" { ("from", sender) } else { ("to", receiver) };
    for (traffic, kind) in TRAFFIC {
        check_silent(lab, &namespace, receiver, traffic);
        let rules = addresses(peer).map(|address| {
            let what = rule(kind, address.is_ipv4());
            format!("{group} {direction} {what} {word} {}", host_route(address))
        });
        for rule in &rules {
            lab.say(&format!("rule allow {rule}"));
        }
        for to in addresses(receiver) {
            check_allowed(&namespace, None, to, traffic);
        }
        // The rule allows this kind alone.
        for (other, _) in TRAFFIC.iter().filter(|(other, _)| *other != traffic) {
            check_denied(&namespace, None, addresses(receiver)[0], *other);
        }
        for rule in &rules {
            lab.say(&format!("rule revoke {rule}"));
        }
        check_silent(lab, &namespace, receiver, traffic);
    }
}

fn check_all(lab: &Product) {
    // Same subnet, another subnet, and from the internet: by the receiver's inbound rules.
    for (sender, receiver) in [("client", "web"), ("client", "db"), ("internet", "web")] {
        check_sandwich(lab, sender, receiver, receiver, "inbound");
    }
    // What the sender has sent so far it may go on sending, from the same port; nothing of it is left after this.
    lab.say("clock advance 10m");
    // To the internet and to another instance: by the sender's outbound rules.
    lab.say("rule revoke client outbound all to anywhere");
    lab.say("rule allow web inbound all from anywhere");
    check_sandwich(lab, "client", "internet", "client", "outbound");
    check_sandwich(lab, "client", "web", "client", "outbound");
}

#[test]
fn only_what_a_rule_allows_is_answered_and_the_rest_is_silence() {
    check_all(&Product::up(&standard_lab()));
}

#[test]
fn the_xdp_hook_judges_as_tcx_does() {
    let lab = Product::new();
    let file = lab.file(&standard_lab());
    lab.done(&["up", "--hook", "xdp", &file]);
    check_all(&lab);
}

#[test]
fn probe_names_the_rule_that_decided_at_each_end() {
    let lab = Product::up(&standard_lab());
    let denied = lab.run(&["probe", "client", "web", "tcp/80", "--timeout", "300ms"]);
    let text = String::from_utf8_lossy(&denied.stdout).into_owned();
    assert_eq!(denied.status.code(), Some(1), "{text}");
    assert!(text.contains("timed out") && text.contains("web (10.0.1.5) inbound: denied"), "{text}");
    let said = lab.say("rule allow web inbound HTTP from sg client");
    let rule = said.split_whitespace().find(|word| word.starts_with("sgr-")).unwrap();
    for family in ["", " -6"] {
        let probe = lab.json(&format!("probe client web tcp/80{family}"))["probe"].clone();
        assert_eq!((&probe["allowed"], &probe["end"]), (&true.into(), &"answered".into()), "{probe}");
        assert!(probe["to"].to_string().contains(rule), "{probe}");
    }
}
