//! How a flow's state moves and when it ends.

use crate::abi::flow::FlowBits;
use crate::abi::interface::InterfaceRecord;
use crate::abi::settings::ticks;

use super::tuple::{is_icmp, protocol, tcp};

/// TCP, SYN seen, no reply (C-22).
pub const TCP_SYN_SENT: u32 = ticks(120);
/// TCP, replied, handshake not finished (C-22).
pub const TCP_SYN_RECEIVED: u32 = ticks(60);
/// TCP, FIN from one side or both (C-22).
pub const TCP_CLOSING: u32 = ticks(120);
/// TCP, RST seen (C-22).
pub const TCP_RESET: u32 = ticks(10);
/// ICMP query (C-20).
pub const ICMP: u32 = ticks(30);
/// Every other protocol (C-10).
pub const OTHER: u32 = ticks(600);

/// Whether a TCP packet asks for a new connection.
#[inline(always)]
pub fn is_syn(flags: u8) -> bool {
    flags & (tcp::SYN | tcp::ACK | tcp::RST | tcp::FIN) == tcp::SYN
}

/// The state of a flow after its first packet. A TCP packet without SYN picks the flow up mid-stream (C-24).
#[inline(always)]
pub fn first_bits(ip_protocol: u8, outbound: bool, flags: u8) -> FlowBits {
    let mut bits = if outbound { FlowBits::OPENED_OUTBOUND } else { 0 };
    if ip_protocol == protocol::TCP {
        if flags & tcp::SYN == 0 {
            bits |= FlowBits::ESTABLISHED;
        }
        if flags & tcp::FIN != 0 {
            bits |= FlowBits::FIN_INITIATOR;
        }
    }
    FlowBits(bits)
}

/// The state of a flow after one more packet.
#[inline(always)]
pub fn next_bits(ip_protocol: u8, before: FlowBits, outbound: bool, flags: u8) -> FlowBits {
    let from_initiator = outbound == before.has(FlowBits::OPENED_OUTBOUND);
    let mut bits = before.0;
    if from_initiator {
        if before.has(FlowBits::REPLIED) {
            bits |= FlowBits::ASKED_AGAIN;
        }
    } else {
        bits |= FlowBits::REPLIED;
        if before.has(FlowBits::ASKED_AGAIN) {
            bits |= FlowBits::STREAM;
        }
    }
    if ip_protocol == protocol::TCP {
        if from_initiator && before.has(FlowBits::REPLIED) && flags & tcp::SYN == 0 {
            bits |= FlowBits::ESTABLISHED;
        }
        if flags & tcp::FIN != 0 {
            bits |= if from_initiator { FlowBits::FIN_INITIATOR } else { FlowBits::FIN_RESPONDER };
        }
        if flags & tcp::RST != 0 {
            bits |= FlowBits::RESET;
        }
    }
    FlowBits(bits)
}

/// Ticks that a flow in this state may idle.
#[inline(always)]
pub fn timeout(family: u8, ip_protocol: u8, bits: FlowBits, interface: &InterfaceRecord) -> u32 {
    match ip_protocol {
        protocol::TCP => {
            if bits.has(FlowBits::RESET) {
                TCP_RESET
            } else if bits.0 & (FlowBits::FIN_INITIATOR | FlowBits::FIN_RESPONDER) != 0 {
                TCP_CLOSING
            } else if bits.has(FlowBits::ESTABLISHED) {
                interface.tcp_established
            } else if bits.has(FlowBits::REPLIED) {
                TCP_SYN_RECEIVED
            } else {
                TCP_SYN_SENT
            }
        }
        protocol::UDP => {
            if bits.has(FlowBits::STREAM) {
                interface.udp_stream
            } else {
                interface.udp
            }
        }
        _ if is_icmp(family, ip_protocol) => ICMP,
        _ => OTHER,
    }
}

/// What a live entry says about a TCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Part of the flow.
    Continues,
    /// A new connection between the same ports, after the old one ended.
    StartsOver,
    /// Too late: the connection was reset.
    Closed,
}

/// How a packet stands to a live entry of its flow.
#[inline(always)]
pub fn standing(ip_protocol: u8, bits: FlowBits, flags: u8) -> Standing {
    if ip_protocol != protocol::TCP {
        return Standing::Continues;
    }
    let reset = bits.has(FlowBits::RESET);
    let finished = bits.has(FlowBits::FIN_INITIATOR | FlowBits::FIN_RESPONDER);
    if is_syn(flags) && (reset || finished) {
        Standing::StartsOver
    } else if reset {
        Standing::Closed
    } else {
        Standing::Continues
    }
}
