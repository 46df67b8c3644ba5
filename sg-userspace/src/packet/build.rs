//! From a packet as a value to the bytes of its frame, with right lengths and checksums.
//!
//! A first fragment's lengths and checksums are those of the bytes that it carries, as if it were whole; nothing that
//! judges packets looks beyond them. Payload is filled with a byte that is no valid start of any header.

use std::net::IpAddr;

use etherparse::checksum::Sum16BitWords;
use etherparse::{
    EtherType, Ethernet2Header, IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, Ipv6Header,
    TcpHeader, UdpHeader,
};

use super::spec::{PacketSpec, Transport};
use crate::aws::interface::MacAddr;

const PAYLOAD_BYTE: u8 = 0xa5;
const HOP_LIMIT: u8 = 64;
/// What an ICMP error shows of the packet that it is about, after the IP header.
const EMBEDDED_TRANSPORT: usize = 8;

/// Why a packet has no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Its addresses are of two families.
    #[error("`{0}` and `{1}` are not of one family")]
    MixedFamilies(IpAddr, IpAddr),
    /// It is longer than an IP packet can be.
    #[error("{0} bytes are more than one IP packet holds")]
    TooLong(usize),
    /// Its fragment offset does not fit into 13 bits.
    #[error("fragment offset {0} is above 8191")]
    FragmentOffset(u16),
}

/// The packet's Ethernet frame.
///
/// # Errors
/// Where there is no such packet; see [`BuildError`].
pub fn frame(packet: &PacketSpec, source: MacAddr, destination: MacAddr) -> Result<Vec<u8>, BuildError> {
    let ether_type = if packet.source.is_ipv4() { EtherType::IPV4 } else { EtherType::IPV6 };
    let header = Ethernet2Header { source: source.0, destination: destination.0, ether_type };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(ip_packet(packet)?);
    Ok(bytes)
}

/// The packet from its IP header on.
///
/// # Errors
/// As [`frame`].
pub fn ip_packet(packet: &PacketSpec) -> Result<Vec<u8>, BuildError> {
    let transport = if packet.is_later_fragment() { payload(packet) } else { segment(packet)? };
    let mut bytes = ip_headers(packet, transport.len())?;
    bytes.extend(transport);
    Ok(bytes)
}

/// IP header, and fragment header where IPv6 has one, for `length` bytes after them.
fn ip_headers(packet: &PacketSpec, length: usize) -> Result<Vec<u8>, BuildError> {
    let protocol = IpNumber(packet.protocol());
    let fragment = packet.fragment;
    let offset = fragment.map_or(0, |fragment| fragment.offset);
    let fragment_offset = IpFragOffset::try_new(offset).map_err(|_| BuildError::FragmentOffset(offset))?;
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = Ipv4Header::MIN_LEN + length;
            let mut header = Ipv4Header {
                total_len: u16::try_from(total).map_err(|_| BuildError::TooLong(total))?,
                identification: fragment.map_or(0, |fragment| (fragment.id & 0xffff) as u16),
                dont_fragment: packet.dont_fragment,
                more_fragments: fragment.is_some_and(|fragment| fragment.more),
                fragment_offset,
                time_to_live: HOP_LIMIT,
                protocol,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv4Header::default()
            };
            header.header_checksum = header.calc_header_checksum();
            Ok(header.to_bytes().to_vec())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let extension = fragment.map(|fragment| {
                Ipv6FragmentHeader::new(protocol, fragment_offset, fragment.more, fragment.id).to_bytes()
            });
            let total = length + extension.map_or(0, |bytes| bytes.len());
            let header = Ipv6Header {
                payload_length: u16::try_from(total).map_err(|_| BuildError::TooLong(total))?,
                next_header: if extension.is_some() { IpNumber::IPV6_FRAGMENTATION_HEADER } else { protocol },
                hop_limit: HOP_LIMIT,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv6Header::default()
            };
            let mut bytes = header.to_bytes().to_vec();
            bytes.extend(extension.into_iter().flatten());
            Ok(bytes)
        }
        (source, destination) => Err(BuildError::MixedFamilies(source, destination)),
    }
}

fn payload(packet: &PacketSpec) -> Vec<u8> {
    vec![PAYLOAD_BYTE; usize::from(packet.payload_length)]
}

/// Transport header and payload.
fn segment(packet: &PacketSpec) -> Result<Vec<u8>, BuildError> {
    let (mut bytes, checksum_at) = match &packet.transport {
        Transport::Tcp { source_port, destination_port, flags } => {
            let mut header = TcpHeader::new(*source_port, *destination_port, 1, u16::MAX);
            header.syn = flags.syn;
            header.ack = flags.ack;
            header.acknowledgment_number = u32::from(flags.ack);
            header.fin = flags.fin;
            header.rst = flags.rst;
            (header.to_bytes().to_vec(), Some(16))
        }
        Transport::Udp { source_port, destination_port } => {
            let length = UdpHeader::LEN + usize::from(packet.payload_length);
            let header = UdpHeader {
                source_port: *source_port,
                destination_port: *destination_port,
                length: u16::try_from(length).map_err(|_| BuildError::TooLong(length))?,
                checksum: 0,
            };
            (header.to_bytes().to_vec(), Some(6))
        }
        Transport::Icmp { kind, code, id } => {
            let [high, low] = id.to_be_bytes();
            // A sequence number; neighbour discovery has reserved bits there.
            let sequence = u8::from(!matches!((packet.protocol(), kind), (58, 133..=137)));
            let mut bytes = vec![*kind, *code, 0, 0, high, low, 0, sequence];
            // Three timestamps, an address mask, or the address that a neighbour asks for or advertises, here `::`.
            let body = match (packet.protocol(), kind) {
                (1, 13 | 14) => 12,
                (1, 17 | 18) => 4,
                (58, 135 | 136) => 16,
                _ => 0,
            };
            bytes.resize(bytes.len() + body, 0);
            (bytes, Some(2))
        }
        Transport::IcmpError { kind, code, about } => {
            let mut bytes = vec![*kind, *code, 0, 0, 0, 0, 0, 0];
            bytes.extend(embedded(about)?);
            (bytes, Some(2))
        }
        Transport::Other { .. } => (Vec::new(), None),
    };
    bytes.extend(payload(packet));
    if let Some(at) = checksum_at {
        let sum = transport_checksum(packet, &bytes)?;
        bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    Ok(bytes)
}

/// The start of a packet, as an ICMP error shows it.
fn embedded(about: &PacketSpec) -> Result<Vec<u8>, BuildError> {
    let headers = ip_headers(about, 0)?.len();
    let mut bytes = ip_packet(about)?;
    bytes.truncate(headers + EMBEDDED_TRANSPORT);
    Ok(bytes)
}

/// The checksum of a segment whose checksum field is zero; over the pseudo-header too, except for ICMP in IPv4.
fn transport_checksum(packet: &PacketSpec, segment: &[u8]) -> Result<u16, BuildError> {
    let length = u32::try_from(segment.len()).map_err(|_| BuildError::TooLong(segment.len()))?;
    let mut sum = Sum16BitWords::new();
    let has_pseudo_header = match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            if packet.protocol() != 1 {
                sum = sum.add_4bytes(source.octets());
                sum = sum.add_4bytes(destination.octets());
            }
            packet.protocol() != 1
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            sum = sum.add_16bytes(source.octets());
            sum = sum.add_16bytes(destination.octets());
            true
        }
        (source, destination) => return Err(BuildError::MixedFamilies(source, destination)),
    };
    if has_pseudo_header {
        sum = sum.add_4bytes(length.to_be_bytes());
        sum = sum.add_2bytes([0, packet.protocol()]);
    }
    let sum = sum.add_slice(segment);
    // UDP says "no checksum" with a zero. The sums are in memory order, as the library leaves them.
    let is_udp = matches!(packet.transport, Transport::Udp { .. });
    Ok(if is_udp { sum.to_ones_complement_with_no_zero() } else { sum.ones_complement() }.to_be())
}
