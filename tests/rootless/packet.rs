//! Packets as bytes and as text, checked with another library's parser.

use etherparse::{LaxPacketHeaders, NetHeaders, PacketHeaders, TransportHeader};
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::packet::build::{BuildError, frame, ip_packet};
use sg_userspace::packet::spec::PacketSpec;

const FROM: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const TO: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

const LINES: [&str; 15] = [
    "tcp 10.0.1.4:40000 > 10.0.1.5:443 S",
    "tcp 10.0.1.5:443 > 10.0.1.4:40000 SF. length 9",
    "tcp [2600:1f18::4]:40000 > [2600:1f18::5]:443 none",
    "udp 10.0.1.4:53 > 10.0.1.5:65535 length 1400",
    "udp [2600:1f18::4]:53 > [2600:1f18::5]:53 fragment 70000 at 0 more length 8",
    "udp 10.0.1.4:53 > 10.0.1.5:53 fragment 7 at 185 length 8",
    "icmp 10.0.1.4 > 10.0.1.5 echo-request id 7 length 56",
    "icmp 10.0.1.4 > 10.0.1.5 type 13 code 0 id 7",
    "icmpv6 2600:1f18::4 > 2600:1f18::5 echo-reply id 7",
    "icmp 10.0.1.5 > 10.0.1.4 type 3 code 1 about (tcp 10.0.1.4:40000 > 10.0.1.5:443 S)",
    "icmpv6 2600:1f18::5 > 2600:1f18::4 type 2 code 0 about (udp [2600:1f18::4]:1 > [2600:1f18::6]:2 fragment 1 at 0 more) length 4",
    "proto 50 10.0.1.4 > 10.0.1.5 length 8",
    "icmp 10.0.1.5 > 10.0.1.4 type 11 code 0 about (icmp 10.0.1.4 > 10.0.1.5 type 3 code 3 about (proto 47 10.0.1.5 > 10.0.1.4)) fragment 3 at 0 more",
    "udp 10.0.1.4:9 > 203.0.113.9:53 fragment 7 at 0 more length 8973 df",
    "icmpv6 2600:1f18::4 > ff02::1 type 136 code 0 id 0",
];

fn packet(line: &str) -> PacketSpec {
    line.parse().unwrap_or_else(|error| panic!("`{line}`: {error}"))
}

#[test]
fn text_round_trips() {
    for line in LINES {
        assert_eq!(packet(line).to_string(), line);
    }
}

#[test]
fn packets_round_trip_as_json() {
    for line in LINES {
        let json = serde_json::to_string(&packet(line)).unwrap();
        assert_eq!(serde_json::from_str::<PacketSpec>(&json).unwrap(), packet(line));
    }
}

#[test]
fn text_that_is_no_packet_says_what_was_expected() {
    for (line, message) in [
        ("", "expected `tcp`, `udp`, `icmp`, `icmpv6` or `proto`, found ``"),
        ("tcp 10.0.1.4 > 10.0.1.5:443 S", "expected an address and port, found `10.0.1.4`"),
        ("tcp 10.0.1.4:1 10.0.1.5:443 S", "expected >, found `10.0.1.5:443`"),
        ("tcp 10.0.1.4:1 > 10.0.1.5:443 X", "expected TCP flags such as `S.` or `none`, found `X`"),
        ("udp 10.0.1.4:1 > 10.0.1.5:443 S", "expected the end, found `S`"),
        (
            "icmp ::1 > ::2 echo-request id 1",
            "expected addresses of one family, the protocol's, found `::1 > ::2`",
        ),
    ] {
        assert_eq!(line.parse::<PacketSpec>().unwrap_err().to_string(), message, "{line}");
    }
}

#[test]
fn frames_parse_back_with_right_checksums() {
    for line in LINES {
        let spec = packet(line);
        let bytes = frame(&spec, FROM, TO).unwrap();
        assert_eq!(bytes[..12], [TO.0, FROM.0].concat(), "{line}");
        let parsed =
            PacketHeaders::from_ethernet_slice(&bytes).unwrap_or_else(|error| panic!("{line}: {error}"));
        let sums = checksums(&parsed);
        assert_eq!(sums.0, sums.1, "{line}");
        let is_fragment = spec.is_first_fragment() || spec.is_later_fragment();
        assert_eq!(parsed.transport.is_some(), !is_fragment && spec.protocol() != 50, "{line}");
    }
}

/// The checksums in a frame, and those that the library computes.
fn checksums(parsed: &PacketHeaders<'_>) -> (Vec<u16>, Vec<u16>) {
    let payload = parsed.payload.slice();
    let (mut found, mut right) = (Vec::new(), Vec::new());
    if let Some(NetHeaders::Ipv4(header, _)) = &parsed.net {
        found.push(header.header_checksum);
        right.push(header.calc_header_checksum());
    }
    match (&parsed.net, &parsed.transport) {
        (Some(NetHeaders::Ipv4(ip, _)), Some(TransportHeader::Tcp(tcp))) => {
            found.push(tcp.checksum);
            right.push(tcp.calc_checksum_ipv4(ip, payload).unwrap());
        }
        (Some(NetHeaders::Ipv6(ip, _)), Some(TransportHeader::Tcp(tcp))) => {
            found.push(tcp.checksum);
            right.push(tcp.calc_checksum_ipv6(ip, payload).unwrap());
        }
        (Some(NetHeaders::Ipv4(ip, _)), Some(TransportHeader::Udp(udp))) => {
            found.push(udp.checksum);
            right.push(udp.calc_checksum_ipv4(ip, payload).unwrap());
        }
        (Some(NetHeaders::Ipv4(..)), Some(TransportHeader::Icmpv4(icmp))) => {
            found.push(icmp.checksum);
            right.push(icmp.icmp_type.calc_checksum(payload));
        }
        (Some(NetHeaders::Ipv6(ip, _)), Some(TransportHeader::Icmpv6(icmp))) => {
            found.push(icmp.checksum);
            right.push(icmp.icmp_type.calc_checksum(ip.source, ip.destination, payload).unwrap());
        }
        _ => {}
    }
    (found, right)
}

#[test]
fn an_icmp_error_embeds_the_header_and_eight_bytes() {
    let bytes = ip_packet(&packet(LINES[9])).unwrap();
    let whole = ip_packet(&packet("tcp 10.0.1.4:40000 > 10.0.1.5:443 S")).unwrap();
    assert_eq!(bytes.len(), 20 + 8 + 20 + 8);
    assert_eq!(bytes[28..], whole[..20 + 8]);
    assert!(LaxPacketHeaders::from_ip(&bytes[28..]).is_ok());
    // In IPv6 the fragment header is shown too.
    let bytes = ip_packet(&packet(LINES[10])).unwrap();
    assert_eq!(bytes.len(), 40 + 8 + 40 + 8 + 8 + 4);
}

#[test]
fn a_later_fragment_is_payload_only() {
    let spec = packet(LINES[5]);
    let bytes = ip_packet(&spec).unwrap();
    assert_eq!(bytes.len(), 20 + 8);
    assert_eq!(bytes[6..8], 185u16.to_be_bytes());
    assert_eq!(bytes[9], 17);
}

#[test]
fn dont_fragment_is_a_bit_of_ipv4() {
    let spec = packet(LINES[13]);
    let bytes = ip_packet(&spec).unwrap();
    assert_eq!(bytes.len(), 20 + 8 + 8973);
    assert_eq!(bytes[6..8], [0x60, 0], "don't fragment, more fragments");
    let may_be = ip_packet(&PacketSpec { dont_fragment: false, ..spec }).unwrap();
    assert_eq!(may_be[6..8], [0x20, 0]);
    let ipv6 = packet("udp [2600:1f18::4]:9 > [2600:1f18::5]:53");
    assert_eq!(ip_packet(&PacketSpec { dont_fragment: true, ..ipv6.clone() }), ip_packet(&ipv6));
}

#[test]
fn neighbour_discovery_is_about_an_address() {
    let bytes = ip_packet(&packet(LINES[14])).unwrap();
    assert_eq!(bytes[40 + 8..], [0; 16]);
}

#[test]
fn impossible_packets_are_refused() {
    let mixed = PacketSpec { destination: "2600::1".parse().unwrap(), ..packet(LINES[0]) };
    assert_eq!(
        ip_packet(&mixed).unwrap_err(),
        BuildError::MixedFamilies("10.0.1.4".parse().unwrap(), "2600::1".parse().unwrap())
    );
    let long = PacketSpec { payload_length: u16::MAX, ..packet(LINES[11]) };
    assert_eq!(ip_packet(&long).unwrap_err(), BuildError::TooLong(65_555));
}
