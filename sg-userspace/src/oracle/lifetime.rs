//! How far a connection has come, and for how long its entry lives without packets (section 4.4, C-20 to C-24). Times
//! are in milliseconds.

use crate::aws::interface::ConnectionTracking;
use crate::packet::spec::{PacketSpec, TcpFlags, Transport};

const TCP_SYN_SEEN: u64 = 120_000;
const TCP_REPLIED: u64 = 60_000;
const TCP_FIN_SEEN: u64 = 120_000;
const TCP_RESET: u64 = 10_000;
const ICMP_QUERY: u64 = 30_000;
const OTHER: u64 = 600_000;

/// The state of one tracked connection.
#[derive(Clone, Debug)]
pub(super) enum Lifetime {
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp(Udp),
    /// An ICMP query.
    Query,
    /// Any other protocol.
    Other,
}

/// What has been seen of a TCP connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Tcp {
    has_reply: bool,
    is_established: bool,
    initiator_closed: bool,
    responder_closed: bool,
    is_reset: bool,
}

/// How far a UDP flow has come: exchanges of one packet each way, begun by the initiator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Udp {
    /// The initiator has sent.
    FirstBegun,
    /// The responder has answered.
    FirstDone,
    /// The initiator has sent again.
    SecondBegun,
    /// The responder has answered again.
    Stream,
}

impl Lifetime {
    /// The state after the first packet.
    pub(super) fn begin(first: &PacketSpec) -> Self {
        match first.transport {
            Transport::Tcp { flags, .. } => {
                // A connection picked up in mid-stream counts as established (C-24).
                let mut tcp = Tcp { is_established: !flags.syn, ..Tcp::default() };
                tcp.see(flags, true);
                Self::Tcp(tcp)
            }
            Transport::Udp { .. } => Self::Udp(Udp::FirstBegun),
            Transport::Icmp { .. } | Transport::IcmpError { .. } => Self::Query,
            Transport::Other { .. } => Self::Other,
        }
    }

    /// Moves on for a further packet, sent by the connection's initiator or by its responder.
    pub(super) fn see(&mut self, packet: &PacketSpec, is_initiator: bool) {
        match (self, &packet.transport) {
            (Self::Tcp(tcp), Transport::Tcp { flags, .. }) => tcp.see(*flags, is_initiator),
            (Self::Udp(udp), _) => *udp = udp.after(is_initiator),
            _ => {}
        }
    }

    /// Whether a SYN may begin a new connection in this one's place.
    pub(super) fn may_start_over(&self) -> bool {
        matches!(self, Self::Tcp(tcp) if tcp.is_reset || (tcp.initiator_closed && tcp.responder_closed))
    }

    /// Whether an RST has ended it.
    pub(super) fn is_reset(&self) -> bool {
        matches!(self, Self::Tcp(tcp) if tcp.is_reset)
    }

    /// For how long the entry lives from its last packet.
    pub(super) fn timeout(&self, timers: &ConnectionTracking) -> u64 {
        match self {
            Self::Tcp(tcp) if tcp.is_reset => TCP_RESET,
            Self::Tcp(tcp) if tcp.initiator_closed || tcp.responder_closed => TCP_FIN_SEEN,
            Self::Tcp(tcp) if tcp.is_established => u64::from(timers.tcp_established) * 1000,
            Self::Tcp(tcp) if tcp.has_reply => TCP_REPLIED,
            Self::Tcp(_) => TCP_SYN_SEEN,
            Self::Udp(Udp::Stream) => u64::from(timers.udp_stream) * 1000,
            Self::Udp(_) => u64::from(timers.udp) * 1000,
            Self::Query => ICMP_QUERY,
            Self::Other => OTHER,
        }
    }
}

impl Tcp {
    fn see(&mut self, flags: TcpFlags, is_initiator: bool) {
        if is_initiator {
            self.is_established |= self.has_reply && !flags.syn;
            self.initiator_closed |= flags.fin;
        } else {
            self.has_reply = true;
            self.responder_closed |= flags.fin;
        }
        self.is_reset |= flags.rst;
    }
}

impl Udp {
    fn after(self, is_initiator: bool) -> Self {
        match (self, is_initiator) {
            (Self::FirstBegun, false) => Self::FirstDone,
            (Self::FirstDone, true) => Self::SecondBegun,
            (Self::SecondBegun, false) => Self::Stream,
            _ => self,
        }
    }
}
