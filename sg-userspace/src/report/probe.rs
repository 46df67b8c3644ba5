//! What became of a probe, and who decided it at each end.

use serde::Serialize;

use crate::dataplane::reason::Reason;

use super::verdict::VerdictView;
use super::{ALLOWED, DENIED, styled};

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeEnd {
    /// The connection was accepted, or the query answered.
    Answered,
    /// It got there, and nobody listens.
    Refused,
    /// It was delivered; UDP need not be answered.
    Delivered,
    /// Nothing came back.
    TimedOut,
}

impl ProbeEnd {
    /// Whether the packet got to the other end and back.
    pub fn is_allowed(self) -> bool {
        self != Self::TimedOut
    }
}

/// One end of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndView {
    /// The instance's interface, or `internet`.
    pub name: String,
    /// Its address.
    pub address: String,
    /// What its groups said; `None` where no verdict was seen.
    pub verdict: Option<VerdictView>,
    /// Why there is none.
    pub note: Option<String>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeView {
    /// What was sent: `tcp/5432`.
    pub traffic: String,
    /// Whether it got through.
    pub allowed: bool,
    /// How it ended.
    pub end: ProbeEnd,
    /// How long that took.
    pub milliseconds: u64,
    /// The sender.
    pub from: EndView,
    /// The receiver.
    pub to: EndView,
}

impl ProbeView {
    /// The probe as text, with styles.
    pub fn text(&self) -> String {
        let headline = match self.end {
            ProbeEnd::Answered => styled(ALLOWED, "allowed"),
            ProbeEnd::Refused => format!("{} (nobody listens there)", styled(ALLOWED, "allowed")),
            ProbeEnd::Delivered => format!("{} (delivered; nobody answered)", styled(ALLOWED, "allowed")),
            ProbeEnd::TimedOut => format!("{} after {} ms", styled(DENIED, "timed out"), self.milliseconds),
        };
        format!(
            "{} > {} {}: {headline}\n{}{}",
            self.from.name,
            self.to.name,
            self.traffic,
            self.from.text("outbound"),
            self.to.text("inbound"),
        )
    }
}

impl EndView {
    fn text(&self, direction: &str) -> String {
        let said = match (&self.verdict, &self.note) {
            (Some(verdict), _) => {
                let word =
                    if verdict.allowed { styled(ALLOWED, "allowed") } else { styled(DENIED, "denied") };
                match (&verdict.rule, &verdict.acl_entry) {
                    (Some(rule), _) => format!("{word} by {} ({}: {})", rule.id, rule.group_name, rule.text),
                    (None, Some(entry)) => format!("{word} by {}", entry.words()),
                    (None, None) => format!("{word}: {}", explanation(verdict.reason)),
                }
            }
            (None, Some(note)) => note.clone(),
            (None, None) => "no verdict was seen".to_owned(),
        };
        format!("  {} ({}) {direction}: {said}\n", self.name, self.address)
    }
}

/// A reason in a sentence's words.
pub fn explanation(reason: Reason) -> &'static str {
    match reason {
        Reason::Rule => "a rule that has been revoked since",
        Reason::Untracked => "a rule that has been revoked since, without tracking",
        Reason::Flow => "a connection that was open already",
        Reason::Related => "an error message about an open connection",
        Reason::Exempt => "a service that AWS does not filter",
        Reason::Neighbour => "address resolution, which the fabric answers",
        Reason::EnforcementOff => "enforcement is off",
        Reason::NoRule => "no rule of any of its groups allows it",
        Reason::FlowClosed => "its connection was reset",
        Reason::SourceDestCheck => "the address is not the interface's own (source/destination check)",
        Reason::SpoofedMac => "the Ethernet address is not the interface's own",
        Reason::Malformed => "its headers are malformed",
        Reason::NotIp => "it is neither IPv4 nor IPv6",
        Reason::Multicast => "a VPC delivers no broadcast or multicast",
        Reason::FragmentWithoutFirst => "its first fragment was not allowed or not seen",
        Reason::FlowTableFull => "there is no room for another tracked connection",
        Reason::UnknownInterface => "no interface is known for the link",
        Reason::NoPolicy => "the interface has no policy in the data plane",
        Reason::TornPolicy => "the policy was replaced twice meanwhile",
        Reason::NoRoute => "nobody has the destination address",
        Reason::NetworkAcl => "the network ACL of its subnet does not let it through",
        Reason::ConnectionAllowanceExceeded => "the instance tracks as many connections as it may",
        Reason::PacketTooBig => "it is larger than the path carries, and must not be fragmented",
    }
}
