//! An instance that says it has another's address: its neighbours hear nothing of it, and it is counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::process::Command;

use etherparse::PacketBuilder;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, sendto, socket};
use sg_tests::harness::address::{WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

use crate::product::{Product, until};
use crate::sessions::Session;
use crate::traffic::{Traffic, check_allowed};

const THIEF: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 7);
const THIEF6: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f18, 0, 0x101, 0, 0, 0, 7);
const EVERYBODY: [u8; 6] = [0xff; 6];
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// ARP that says that `address` is at `mac`: as a request (1) or a reply (2).
fn gratuitous(operation: u8, mac: [u8; 6], to: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    let header = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, operation];
    let address = address.octets();
    [&to[..], &mac, &header, &mac, &address, &to, &address].concat()
}

/// An advertisement that nobody has asked for, with the flag to override what is known.
fn unsolicited(mac: [u8; 6], target: Ipv6Addr) -> Vec<u8> {
    let option = [&[2, 1][..], &mac].concat();
    let payload = [&target.octets()[..], &option].concat();
    let packet = PacketBuilder::ethernet2(mac, ALL_NODES_MAC)
        .ipv6(target.octets(), ALL_NODES.octets(), 255)
        .icmpv6_raw(136, 0, [0x20, 0, 0, 0]);
    let mut frame = Vec::new();
    packet.write(&mut frame, &payload).unwrap();
    frame
}

/// Where packets of a namespace leave.
fn link(name: &str) -> LinkAddr {
    let of_eth0 = || {
        let found = getifaddrs()?.filter(|interface| interface.interface_name == "eth0");
        Ok(found.filter_map(|interface| interface.address?.as_link_addr().copied()).next())
    };
    namespace::run_in(name, of_eth0).unwrap().expect("an instance has eth0")
}

fn send(name: &str, at: LinkAddr, frames: &[Vec<u8>]) {
    let send = || {
        let protocol = SockProtocol::EthAll;
        let raw = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        for frame in frames {
            sendto(raw.as_raw_fd(), frame, &at, MsgFlags::empty())?;
        }
        Ok(())
    };
    namespace::run_in(name, send).unwrap();
}

/// The Ethernet address that a namespace believes an address to have.
fn neighbour(name: &str, address: IpAddr) -> String {
    let output =
        Command::new("ip").args(["-n", name, "neigh", "show", &address.to_string()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text.split_whitespace().skip_while(|word| *word != "lladdr");
    words.nth(1).unwrap_or_else(|| panic!("{address} is no neighbour: {text}")).to_owned()
}

#[test]
fn gratuitous_arp_and_advertisements_for_anothers_address_change_nothing_and_are_counted() {
    let thief = format!(
        "    instances:\n      thief: {{ subnet: near, groups: [client], address: {THIEF}, ipv6: ['{THIEF6}'] }}\n"
    );
    let lab = Product::up(&standard_lab().replacen("    instances:\n", &thief, 1));
    for range in ["10.0.0.0/16", "2600:1f18:0:100::/56"] {
        lab.say(&format!("rule allow web inbound HTTP from {range}"));
    }
    let [client, thief] = ["client", "thief"].map(|name| lab.namespace(name));
    let addresses = [IpAddr::from(WEB), WEB6.into()];
    let mut sessions = addresses.map(|to| Session::open(&client, to));
    let known = addresses.map(|address| neighbour(&client, address));

    let at = link(&thief);
    let mac = at.addr().unwrap();
    let victim = link(&client).addr().unwrap();
    let frames = [
        gratuitous(1, mac, EVERYBODY, WEB),
        gratuitous(2, mac, EVERYBODY, WEB),
        gratuitous(2, mac, victim, WEB),
        unsolicited(mac, WEB6),
    ];
    let counted = || lab.frames(|row| row["reason"] == "source-dest-check");
    assert_eq!(counted(), 0);
    send(&thief, at, &frames);
    until("every lie is counted", || counted() == 4);

    assert_eq!(addresses.map(|address| neighbour(&client, address)), known);
    for (session, to) in sessions.iter_mut().zip(addresses) {
        session.check("still with web");
        check_allowed(&client, None, to, Traffic::Tcp(80));
    }
    // In its own name it may.
    let heard = || lab.frames(|row| row["reason"] == "neighbour");
    let before = heard();
    send(&thief, at, &[gratuitous(1, mac, EVERYBODY, THIEF)]);
    until("it is a neighbour's word", || heard() > before);
    assert_eq!(counted(), 4);
}
