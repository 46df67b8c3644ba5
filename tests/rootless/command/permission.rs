//! What users may write, and what EC2's API takes.

use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::command::permission::{parse_cidr_ipv4, parse_cidr_ipv6, parse_ports, parse_protocol};
use sg_userspace::command::rule_text::{self, Context, parse_ports_text, parse_protocol_word, parse_what};
use sg_userspace::command::template::TEMPLATES;

use super::{Account, account, account_with, vpc};

fn context(account: &Account) -> Context<'_> {
    Context {
        world: &account.world,
        vpc_id: &account.vpc,
        own_group: Some(&account.web),
        my_ip: Some([203, 0, 113, 10].into()),
    }
}

/// The peers of `text`, or the refusal.
fn peers(account: &Account, text: &str) -> Result<Vec<String>, String> {
    rule_text::parse_peers(text, IpProtocol::TCP, context(account))
        .map(|peers| peers.iter().map(ToString::to_string).collect())
        .map_err(|error| error.to_string())
}

#[track_caller]
fn check_what(text: &str, protocol: IpProtocol, from_port: i32, to_port: i32) {
    assert_eq!(parse_what(text), Ok((protocol, PortRange { from_port, to_port })), "{text}");
}

#[test]
fn r_06_r_07_protocols_are_names_in_any_case_or_numbers() {
    for (text, protocol) in [
        ("tcp", IpProtocol::TCP),
        ("TCP", IpProtocol::TCP),
        ("6", IpProtocol::TCP),
        ("udp", IpProtocol::UDP),
        ("icmp", IpProtocol::ICMP),
        ("icmpv6", IpProtocol::ICMPV6),
        ("58", IpProtocol::ICMPV6),
        ("0", IpProtocol::Number(0)),
        ("255", IpProtocol::Number(255)),
        ("-1", IpProtocol::All),
    ] {
        assert_eq!(parse_protocol(text), Ok(protocol), "{text}");
    }
}

#[test]
fn r_08_r_e9_all_is_for_clients_only_and_other_names_are_unknown() {
    for text in ["all", "esp", "256", "-2", "", "1.5"] {
        let message = format!("Invalid value '{text}' for IP protocol. Unknown protocol.");
        assert_eq!(parse_protocol(text).unwrap_err().message, message);
    }
    assert_eq!(parse_protocol_word("all"), Ok(IpProtocol::All));
}

#[test]
fn r_e4_both_ports_are_needed_where_there_are_ports() {
    for protocol in [IpProtocol::TCP, IpProtocol::UDP] {
        for (from, to) in [(None, None), (Some(80), None), (None, Some(80))] {
            let error = parse_ports(protocol, from, to).unwrap_err();
            assert!(error.message.contains("Must specify both from and to ports"), "{error}");
        }
    }
    assert!(parse_ports(IpProtocol::ICMP, None, None).is_err());
    assert_eq!(parse_ports(IpProtocol::ICMPV6, None, None), Ok(PortRange::ALL));
    assert_eq!(parse_ports(IpProtocol::All, Some(80), Some(80)), Ok(PortRange::ALL));
    assert_eq!(parse_ports(IpProtocol::Number(50), None, None), Ok(PortRange::ALL));
}

#[test]
fn r_18_r_19_r_20_r_21_blocks_are_masked_and_bare_or_foreign_ones_refused() {
    assert_eq!(parse_cidr_ipv4("100.68.0.18/18").unwrap().to_string(), "100.68.0.0/18");
    assert_eq!(parse_cidr_ipv6("2001:DB8:0:0::1/64").unwrap().to_string(), "2001:db8::/64");
    for text in ["58.29.99.44", "::/0", "10.0.0.0/33", "10.0.0/8", "anywhere"] {
        assert_eq!(parse_cidr_ipv4(text).unwrap_err().message, format!("CIDR block {text} is malformed"));
    }
    for text in ["2001:db8::1", "0.0.0.0/0", "::/129"] {
        assert_eq!(parse_cidr_ipv6(text).unwrap_err().message, format!("CIDR block {text} is malformed"));
    }
}

#[test]
fn every_console_template_is_read_in_any_case() {
    assert_eq!(TEMPLATES.len(), 29);
    for (label, (protocol, ports)) in TEMPLATES {
        assert_eq!(parse_what(label), Ok((*protocol, *ports)));
        assert_eq!(parse_what(&label.to_lowercase()), Ok((*protocol, *ports)));
    }
    check_what("mysql/aurora", IpProtocol::TCP, 3306, 3306);
    check_what("All ICMP-IPv4", IpProtocol::ICMP, -1, -1);
    check_what("all tcp", IpProtocol::TCP, 0, 65_535);
}

#[test]
fn protocols_with_ports_are_read() {
    check_what("tcp 443", IpProtocol::TCP, 443, 443);
    check_what("tcp 8000-8100", IpProtocol::TCP, 8000, 8100);
    check_what("Custom UDP 5000", IpProtocol::UDP, 5000, 5000);
    check_what("tcp all", IpProtocol::TCP, 0, 65_535);
    check_what("all", IpProtocol::All, -1, -1);
    check_what("50", IpProtocol::Number(50), -1, -1);
    check_what("Custom Protocol 47", IpProtocol::Number(47), -1, -1);
    check_what("icmp 8/0", IpProtocol::ICMP, 8, 0);
    check_what("icmp 8", IpProtocol::ICMP, 8, -1);
    check_what("icmp", IpProtocol::ICMP, -1, -1);
    for text in [
        "",
        "tcp",
        "tcp 80 81",
        "tcp x",
        "tcp 80-70",
        "tcp -1",
        "tcp 70000",
        "50 80",
        "icmp 300",
        "icmp all/3",
        "nonsense 80",
    ] {
        assert!(parse_what(text).is_err(), "{text}");
    }
    let error = parse_ports_text(IpProtocol::TCP, Some("-1")).unwrap_err();
    assert!(error.message.contains("port (-1) out of range"), "{error}");
}

#[test]
fn t_04_icmp_messages_have_names_of_their_family() {
    check_what("icmp echo-request", IpProtocol::ICMP, 8, -1);
    check_what("Custom ICMP - IPv4 Echo Request", IpProtocol::ICMP, 8, -1);
    check_what("icmp frag-needed", IpProtocol::ICMP, 3, 4);
    check_what("icmpv6 echo-request", IpProtocol::ICMPV6, 128, -1);
    check_what("icmpv6 packet-too-big", IpProtocol::ICMPV6, 2, -1);
    assert!(parse_what("icmp packet-too-big").is_err());
}

#[test]
fn t_01_anywhere_is_both_families_where_the_vpc_has_ipv6() {
    let account = account();
    assert_eq!(peers(&account, "anywhere"), Ok(vec!["0.0.0.0/0".to_owned()]));
    let dual = account_with(vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    assert_eq!(peers(&dual, "Anywhere"), Ok(vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]));
    assert_eq!(peers(&dual, "Anywhere-IPv4"), Ok(vec!["0.0.0.0/0".to_owned()]));
    assert_eq!(peers(&dual, "anywhere-ipv6"), Ok(vec!["::/0".to_owned()]));
    assert_eq!(peers(&dual, "My IP"), Ok(vec!["203.0.113.10/32".to_owned()]));
}

#[test]
fn r_17_anywhere_follows_the_family_of_icmp() {
    let dual = account_with(vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    for (text, net) in [("icmp from anywhere", "0.0.0.0/0"), ("All ICMP - IPv6 from anywhere", "::/0")] {
        assert_eq!(dual.inbound(text).peer.to_string(), net);
    }
}

#[test]
fn groups_are_named_by_name_id_or_self() {
    let account = account();
    let db = Ok(vec![account.db.to_string()]);
    for text in ["db", "DB", "sg db", "group db", account.db.as_str()] {
        assert_eq!(peers(&account, text), db, "{text}");
    }
    assert_eq!(peers(&account, "self"), Ok(vec![account.web.to_string()]));
    assert!(peers(&account, "nobody").unwrap_err().contains("InvalidGroup.NotFound"));
    assert!(peers(&account, "sg-00000000000000000").unwrap_err().contains("InvalidGroup.NotFound"));
    assert!(peers(&account, "sg-XYZ").unwrap_err().contains("InvalidGroupId.Malformed"));
    assert!(peers(&account, "10.0.0.0/40").unwrap_err().contains("CIDR block 10.0.0.0/40 is malformed"));
    assert!(peers(&account, "10.0.0.7").unwrap_err().contains("10.0.0.7/32"));
}

#[test]
fn outbound_rules_say_to() {
    let account = account();
    let permissions =
        rule_text::parse_rule("allow All traffic to 10.0.0.9/8", Direction::Outbound, context(&account))
            .unwrap();
    assert_eq!(permissions[0].peer, Peer::CidrIpv4("10.0.0.0/8".parse().unwrap()));
    assert!(
        rule_text::parse_rule("All traffic from 10.0.0.0/8", Direction::Outbound, context(&account)).is_err()
    );
}

#[test]
fn r_36_only_the_two_open_blocks_are_open() {
    let account = account();
    let list = "pl-00000000000000000".parse().unwrap();
    for (peer, is_open) in [
        (parse_cidr_ipv4("0.0.0.0/0").unwrap(), true),
        (parse_cidr_ipv6("::/0").unwrap(), true),
        (parse_cidr_ipv4("0.0.0.0/1").unwrap(), false),
        (Peer::PrefixList(list), false),
        (Peer::ReferencedGroup(account.web), false),
    ] {
        assert_eq!(peer.is_open(), is_open, "{peer}");
    }
}
