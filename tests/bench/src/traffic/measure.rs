//! What is measured end to end, and the figures that each measurement gives.

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Measure {
    /// iperf3, one stream.
    OneStream,
    /// iperf3, four streams.
    FourStreams,
    /// Small datagrams one way.
    Datagrams,
    /// A question and an answer over one connection.
    RequestResponse,
    /// The same with a connection for each.
    ConnectRequestResponse,
}

/// A figure of a measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    /// For the reader.
    pub(super) name: &'static str,
    /// Of the values.
    pub(super) unit: &'static str,
}

const fn figure(name: &'static str, unit: &'static str) -> Figure {
    Figure { name, unit }
}

/// Place of the rate, by which rounds are judged, in every measurement.
pub(super) const RATE: usize = 0;
/// Place of the processor time of a datagram.
pub(super) const PROCESSOR: usize = 1;
/// Place of the median latency.
pub(super) const P50: usize = 1;

const THROUGHPUT: [Figure; 1] = [figure("throughput", "Gb/s")];
const DATAGRAMS: [Figure; 2] = [figure("received", "kpps"), figure("processor time", "ns/packet")];
const TRANSACTIONS: [Figure; 3] = [figure("rate", "1/s"), figure("p50", "µs"), figure("p99", "µs")];

impl Measure {
    /// In the order of the report.
    pub(super) const ALL: [Self; 5] = [
        Self::OneStream,
        Self::FourStreams,
        Self::Datagrams,
        Self::RequestResponse,
        Self::ConnectRequestResponse,
    ];

    /// For the reader.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OneStream => "TCP, one stream",
            Self::FourStreams => "TCP, four streams",
            Self::Datagrams => "UDP, 64-byte frames one way",
            Self::RequestResponse => "TCP request and response",
            Self::ConnectRequestResponse => "TCP connect, request and response",
        }
    }

    /// How, for the reader.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::OneStream | Self::FourStreams => "iperf3, the receiver's rate.",
            Self::Datagrams => {
                "One flow, sent by `sendmmsg` as fast as one processor can, counted where it is received; nothing is ever \
                 answered, so conntrack keeps the flow new and its rule sets judge every packet, while sgsim finds the entry \
                 that the first packet made. The sender is the limit, so the processor time (of the two processors together, \
                 by /proc/stat, for each datagram received) says more than the rate."
            }
            Self::RequestResponse => "One byte each way over one connection, one question at a time.",
            Self::ConnectRequestResponse => {
                "As before, but each question has a connection of its own, over sixteen ports of the server; the latency \
                 begins with the connect."
            }
        }
    }

    /// What it gives; the first is the rate.
    pub(super) fn figures(self) -> &'static [Figure] {
        match self {
            Self::OneStream | Self::FourStreams => &THROUGHPUT,
            Self::Datagrams => &DATAGRAMS,
            Self::RequestResponse | Self::ConnectRequestResponse => &TRANSACTIONS,
        }
    }
}
