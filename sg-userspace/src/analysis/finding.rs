//! What one component on the way says about a packet, and why; `report::explain` has the words.

use std::net::IpAddr;

use crate::aws::ids::{NetworkInterfaceId, SecurityGroupId, VpcPeeringConnectionId};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer};

pub use super::route::Gap;
pub use super::side::AclDecision;

use super::code::Code;
use super::ports::Ports;

/// A component, in the order in which a packet meets them (RA-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The sender's interface.
    SourceInterface,
    /// Its security groups.
    SourceGroups,
    /// Its subnet's network ACL.
    SourceAcl,
    /// The way between the ends.
    Route,
    /// The network ACL of the receiver's subnet.
    DestinationAcl,
    /// The receiver's security groups.
    DestinationGroups,
    /// The receiver's interface.
    DestinationInterface,
}

/// What a component says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The interface sends from an address of its own.
    Sends,
    /// The address is not the interface's own, and the source/destination check is off.
    CheckOff,
    /// The interface receives.
    Receives,
    /// The end is the internet host, where there are no groups.
    Outside,
    /// A rule allows it.
    Rule {
        /// Number of the rule that decides.
        rule: u32,
        /// Numbers of the others that would allow it too.
        others: Vec<u32>,
    },
    /// The entry of the flow that it answers allows it.
    Entry,
    /// Both ends are in one subnet, where the ACL is not asked (N-01).
    SameSubnet,
    /// An ACL entry allows it.
    AclAllows(AclDecision),
    /// The way leads to an interface of the same VPC.
    Local,
    /// The way leads over a peering.
    Peering(VpcPeeringConnectionId),
    /// The way leads to the internet host, or from it.
    Internet,
    /// For the fabric itself, or a service that nothing filters (E-15, E-16).
    Service,
    /// The interface is attached to no instance.
    NotAttached,
    /// The source address is not the interface's own (M-17).
    ForeignSource,
    /// A VPC delivers nothing from or to this address (M-07).
    Undeliverable(IpAddr),
    /// No rule of the interface's groups allows it.
    NoRule(NoRule),
    /// An ACL entry denies it.
    AclDenies {
        /// The entry.
        decision: AclDecision,
        /// The destination ports that it denies, where that is some of those in question.
        ports: Option<Ports>,
    },
    /// Nobody has the destination address.
    Nobody,
    /// No peering joins the two VPCs.
    Gap(Gap),
    /// The receiver that was asked about does not have the destination address.
    NotItsAddress,
    /// Another interface is reached at the destination address.
    AddressElsewhere(NetworkInterfaceId),
    /// Answers to the source address go somewhere else than to the sender.
    AnswersElsewhere(Option<NetworkInterfaceId>),
}

impl Finding {
    /// The code of what stops the packet; `None` if nothing does.
    pub fn code(&self) -> Option<Code> {
        Some(match self {
            Self::Sends
            | Self::CheckOff
            | Self::Receives
            | Self::Outside
            | Self::Rule { .. }
            | Self::Entry
            | Self::SameSubnet
            | Self::AclAllows(_)
            | Self::Local
            | Self::Peering(_)
            | Self::Internet
            | Self::Service => return None,
            Self::NotAttached | Self::Gap(Gap::Inactive(..)) => Code::BadState,
            Self::ForeignSource => Code::EniSourceDestCheckRestriction,
            Self::Undeliverable(_) => Code::NoPossibleDestination,
            Self::NoRule(no_rule) => no_rule.code(),
            Self::AclDenies { .. } => Code::SubnetAclRestriction,
            Self::Nobody | Self::AnswersElsewhere(_) => Code::NoRouteToDestination,
            Self::Gap(Gap::OtherPeers) => Code::PcxRequiresAddressInVpcCidr,
            Self::Gap(Gap::NoPeering) => Code::DisconnectedVpcs,
            Self::NotItsAddress | Self::AddressElsewhere(_) => Code::EniAddressRestriction,
        })
    }
}

/// Why no rule allows it, and what would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRule {
    /// Whether the interface's groups have any rule in this direction.
    pub has_rules: bool,
    /// Rules that come close.
    pub near: Vec<NearMiss>,
    /// The narrowest rule that would do.
    pub needed: Needed,
}

impl NoRule {
    fn code(&self) -> Code {
        if self.near.iter().any(|near| near.miss == Miss::Identity) {
            Code::SgReferencesNotPreserved
        } else if self.has_rules {
            Code::EniSgRulesMismatch
        } else {
            Code::SgHasNoRules
        }
    }
}

/// A rule that comes close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// Its number.
    pub rule: u32,
    /// In what it misses.
    pub miss: Miss,
}

/// In what a rule misses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It is about another end.
    Peer,
    /// It is about another protocol or other ports.
    Traffic,
    /// It names a group of the address's owner, and the packet comes out of another interface (E-10).
    Identity,
    /// It names a group of an interface in a VPC that no active peering joins (E-13).
    NotJoined,
}

/// A rule to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The group to add it to.
    pub group_id: Option<SecurityGroupId>,
    /// Inbound or outbound.
    pub direction: Direction,
    /// Protocol.
    pub protocol: IpProtocol,
    /// Ports, or ICMP type and code.
    pub ports: PortRange,
    /// The other end.
    pub peer: Peer,
}

/// A component and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub component: Component,
    /// As the interface at that end sees the packet; `None` for the way between the ends.
    pub direction: Option<Direction>,
    /// What it says.
    pub finding: Finding,
}
