//! Frames under test, as the client or the server sends them.

use std::net::IpAddr;

use anyhow::Result;
use sg_common::abi::ROUTER_MAC;
use sg_tests::harness::lab::mac_of_slot;
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use crate::worlds::{CLIENT, PORT, SERVER, ends};

/// Bytes after the transport header: a frame of 64 bytes with UDP over IPv4.
const PAYLOAD: u16 = 18;

/// From client to server.
pub(super) fn request(packet: PacketSpec) -> Result<Vec<u8>> {
    frame(packet, CLIENT, SERVER)
}

/// From server to client.
pub(super) fn answer(packet: PacketSpec) -> Result<Vec<u8>> {
    frame(packet, SERVER, CLIENT)
}

/// Addressed to the receiver itself, as in one subnet: the programs leave it as it is, so it can be run again.
fn frame(packet: PacketSpec, from: u32, to: u32) -> Result<Vec<u8>> {
    Ok(build::frame(&padded(packet), mac_of_slot(from), mac_of_slot(to))?)
}

/// A TCP segment of the client's to the port under test.
pub(super) fn tcp(is_ipv6: bool, client_port: u16, flags: TcpFlags) -> PacketSpec {
    let [client, server] = ends(is_ipv6);
    PacketSpec::tcp((client, client_port), (server, PORT), flags)
}

/// The server's segment the other way.
pub(super) fn tcp_back(is_ipv6: bool, client_port: u16, flags: TcpFlags) -> PacketSpec {
    let [client, server] = ends(is_ipv6);
    PacketSpec::tcp((server, PORT), (client, client_port), flags)
}

/// A datagram of the client's.
pub(super) fn udp(client_port: u16, port: u16) -> PacketSpec {
    let [client, server] = ends(false);
    PacketSpec::udp((client, client_port), (server, port))
}

/// A segment from an address outside to the server.
pub(super) fn from_outside(source: IpAddr, port: u16, flags: TcpFlags) -> PacketSpec {
    let [_, server] = ends(source.is_ipv6());
    PacketSpec::tcp((source, port), (server, PORT), flags)
}

/// The server's segment the other way.
pub(super) fn to_outside(destination: IpAddr, port: u16, flags: TcpFlags) -> PacketSpec {
    let [_, server] = ends(destination.is_ipv6());
    PacketSpec::tcp((server, PORT), (destination, port), flags)
}

/// As the internet host sends it: by the router, addressed to the server.
pub(super) fn arriving(packet: PacketSpec) -> Result<Vec<u8>> {
    Ok(build::frame(&padded(packet), MacAddr(ROUTER_MAC), mac_of_slot(SERVER))?)
}

/// As the server sends it to the router.
pub(super) fn leaving(packet: PacketSpec) -> Result<Vec<u8>> {
    Ok(build::frame(&padded(packet), mac_of_slot(SERVER), MacAddr(ROUTER_MAC))?)
}

fn padded(packet: PacketSpec) -> PacketSpec {
    PacketSpec { payload_length: PAYLOAD, ..packet }
}
