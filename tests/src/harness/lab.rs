//! Small worlds, made without commands: ids are minted from running numbers, slots count up from 0, and the Ethernet
//! address of slot N is `02:00` and N in four bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use sg_userspace::aws::group::SecurityGroup;
use sg_userspace::aws::ids::{
    AttachmentId, InstanceId, NetworkAclAssociationId, NetworkAclId, NetworkInterfaceId, PrefixListId,
    SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId, VpcPeeringConnectionId,
};
use sg_userspace::aws::instance::{
    DEFAULT_CONNECTION_ALLOWANCE, Instance, InstanceSettings, InstanceState, Launch,
};
use sg_userspace::aws::interface::{
    Attachment, ConnectionTracking, ConnectionTrackingSpecification, MacAddr, NetworkInterface,
};
use sg_userspace::aws::metadata_options::MetadataOptions;
use sg_userspace::aws::network_acl::{NetworkAcl, NetworkAclEntry, RuleAction};
use sg_userspace::aws::peering::{PeeringStatus, VpcPeeringConnection};
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixList};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::region::Region;
use sg_userspace::aws::rule::{Direction, Peer, SecurityGroupRule};
use sg_userspace::aws::vpc::{DEFAULT_INTERNET_MTU, Subnet, Vpc, VpcAttributes};
use sg_userspace::aws::world::World;

use super::address::{self, AUX, AUX6, CLIENT, CLIENT6, DB, DB6, FAR, SPARE, WEB, WEB6};

/// A rule without identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Ingress or egress.
    pub direction: Direction,
    /// Protocol.
    pub protocol: IpProtocol,
    /// Ports, or ICMP type and code.
    pub ports: PortRange,
    /// Who may be at the other end.
    pub peer: Peer,
}

/// The rule that says this, with an id that follows from its number.
pub fn rule(number: u32, permission: Permission) -> SecurityGroupRule {
    let Permission { direction, protocol, ports, peer } = permission;
    let id = SecurityGroupRuleId::mint(0, number);
    SecurityGroupRule {
        id,
        number,
        direction,
        protocol,
        ports,
        peer,
        description: None,
        referenced_vpc_id: None,
        tags: BTreeMap::new(),
    }
}

/// The Ethernet address of a slot's interface.
pub fn mac_of_slot(slot: u32) -> MacAddr {
    let [a, b, c, d] = slot.to_be_bytes();
    MacAddr([2, 0, a, b, c, d])
}

/// A world that is being made.
#[derive(Clone, Debug, Default)]
pub struct Lab {
    /// So far.
    pub world: World,
}

impl Lab {
    /// The number of the next object.
    pub fn next_number(&mut self) -> u32 {
        self.world.last_number += 1;
        self.world.last_number
    }

    /// A VPC with one block of each family.
    pub fn vpc(&mut self, cidr_ipv4: &str, cidr_ipv6: &str) -> VpcId {
        let number = self.next_number();
        let vpc = Vpc {
            id: VpcId::mint(0, number),
            number,
            region: Region::default(),
            cidr_ipv4: vec![cidr_ipv4.parse().unwrap()],
            cidr_ipv6: vec![cidr_ipv6.parse().unwrap()],
            is_default: false,
            internet_mtu: DEFAULT_INTERNET_MTU,
            attributes: VpcAttributes::default(),
            tags: BTreeMap::new(),
        };
        let id = vpc.id.clone();
        self.world.vpcs.insert(id.clone(), vpc);
        self.default_acl(&id);
        id
    }

    /// The ACL that lets everything through, as every VPC has one (N-05).
    fn default_acl(&mut self, vpc_id: &VpcId) {
        let entry = |rule_number, direction, cidr: &str| NetworkAclEntry {
            rule_number,
            direction,
            protocol: IpProtocol::All,
            ports: PortRange::ALL,
            cidr: cidr.parse().unwrap(),
            action: RuleAction::Allow,
        };
        let entries = [Direction::Inbound, Direction::Outbound]
            .into_iter()
            .flat_map(|way| [entry(100, way, "0.0.0.0/0"), entry(101, way, "::/0")])
            .collect();
        let id = self.acl(vpc_id, entries);
        self.acl_mut(&id).is_default = true;
    }

    /// A network ACL with these entries, at the border of no subnet yet.
    pub fn acl(&mut self, vpc_id: &VpcId, entries: Vec<NetworkAclEntry>) -> NetworkAclId {
        let number = self.next_number();
        let id = NetworkAclId::mint(0, number);
        let acl = NetworkAcl {
            id: id.clone(),
            number,
            vpc_id: vpc_id.clone(),
            is_default: false,
            entries,
            tags: BTreeMap::new(),
        };
        self.world.network_acls.insert(id.clone(), acl);
        id
    }

    /// The network ACL, to change it.
    pub fn acl_mut(&mut self, id: &NetworkAclId) -> &mut NetworkAcl {
        self.world.network_acls.get_mut(id).unwrap()
    }

    /// A prefix list without blocks.
    pub fn prefix_list(&mut self, name: &str, address_family: AddressFamily) -> PrefixListId {
        let number = self.next_number();
        let id = PrefixListId::mint(0, number);
        let list = PrefixList {
            id: id.clone(),
            number,
            region: Region::default(),
            name: name.to_owned(),
            address_family,
            max_entries: 10,
            versions: [(1, Vec::new())].into(),
            tags: BTreeMap::new(),
        };
        self.world.prefix_lists.insert(id.clone(), list);
        id
    }

    /// A peering of two VPCs, requested and no more.
    pub fn peering(&mut self, requester: &VpcId, accepter: &VpcId) -> VpcPeeringConnectionId {
        let number = self.next_number();
        let id = VpcPeeringConnectionId::mint(0, number);
        let peering = VpcPeeringConnection {
            id: id.clone(),
            number,
            requester_vpc_id: requester.clone(),
            accepter_vpc_id: accepter.clone(),
            status: PeeringStatus::PendingAcceptance,
            tags: BTreeMap::new(),
        };
        self.world.vpc_peering_connections.insert(id.clone(), peering);
        id
    }

    /// A subnet of both families.
    pub fn subnet(&mut self, vpc_id: &VpcId, cidr_ipv4: &str, cidr_ipv6: &str) -> SubnetId {
        let number = self.next_number();
        let acl = self.world.network_acls.values().find(|acl| acl.vpc_id == *vpc_id && acl.is_default);
        let subnet = Subnet {
            network_acl_id: acl.unwrap().id.clone(),
            network_acl_association_id: NetworkAclAssociationId::mint(0, number),
            id: SubnetId::mint(0, number),
            number,
            vpc_id: vpc_id.clone(),
            availability_zone: Region::default().zone('a'),
            cidr_ipv4: cidr_ipv4.parse().unwrap(),
            cidr_ipv6: Some(cidr_ipv6.parse().unwrap()),
            default_for_az: false,
            map_public_ip_on_launch: false,
            assign_ipv6_address_on_creation: false,
            tags: BTreeMap::new(),
        };
        let id = subnet.id.clone();
        self.world.subnets.insert(id.clone(), subnet);
        id
    }

    /// A group without rules.
    pub fn group(&mut self, vpc_id: &VpcId, name: &str) -> SecurityGroupId {
        let number = self.next_number();
        let group = SecurityGroup {
            id: SecurityGroupId::mint(0, number),
            number,
            name: name.to_owned(),
            description: String::new(),
            vpc_id: vpc_id.clone(),
            associated_vpcs: BTreeSet::new(),
            rules: Vec::new(),
            tags: BTreeMap::new(),
        };
        let id = group.id.clone();
        self.world.security_groups.insert(id.clone(), group);
        id
    }

    /// A rule of a group; the result is its number.
    pub fn rule(&mut self, group: &SecurityGroupId, permission: Permission) -> u32 {
        let number = self.next_number();
        self.world.security_groups.get_mut(group).unwrap().rules.push(rule(number, permission));
        number
    }

    /// An interface, attached to an instance of its own with this name.
    pub fn interface(
        &mut self,
        subnet_id: &SubnetId,
        name: &str,
        private_ipv4: &[Ipv4Addr],
        ipv6: &[Ipv6Addr],
        groups: &[SecurityGroupId],
    ) -> NetworkInterfaceId {
        let vpc_id = self.world.subnets[subnet_id].vpc_id.clone();
        let instance_number = self.next_number();
        let instance = Instance {
            id: InstanceId::mint(0, instance_number),
            number: instance_number,
            name: name.to_owned(),
            vpc_id: vpc_id.clone(),
            instance_type: None,
            connection_allowance: DEFAULT_CONNECTION_ALLOWANCE,
            tags: BTreeMap::new(),
            state: InstanceState::Running,
            launch: Launch::default(),
            settings: InstanceSettings::default(),
            metadata_options: MetadataOptions::default(),
            user_data: None,
        };
        let number = self.next_number();
        let slot = u32::try_from(self.world.network_interfaces.len()).unwrap();
        let interface = NetworkInterface {
            id: NetworkInterfaceId::mint(0, number),
            number,
            slot,
            vpc_id,
            subnet_id: subnet_id.clone(),
            mac: mac_of_slot(slot),
            private_ipv4: private_ipv4.to_vec(),
            ipv6: ipv6.to_vec(),
            groups: groups.to_vec(),
            source_dest_check: true,
            connection_tracking: ConnectionTracking::default(),
            connection_tracking_specification: ConnectionTrackingSpecification::default(),
            attachment: Some(Attachment {
                id: AttachmentId::mint(0, number),
                instance_id: instance.id.clone(),
                device_index: 0,
                delete_on_termination: true,
            }),
            description: String::new(),
            tags: BTreeMap::new(),
        };
        let id = interface.id.clone();
        self.world.instances.insert(instance.id.clone(), instance);
        self.world.network_interfaces.insert(id.clone(), interface);
        id
    }

    /// Moves an interface to another one's instance; the instance that it had is gone.
    pub fn attach_to_instance_of(
        &mut self,
        id: &NetworkInterfaceId,
        other: &NetworkInterfaceId,
        device_index: u8,
    ) {
        let Some(instance_id) =
            self.world.network_interfaces[other].attachment.as_ref().map(|a| a.instance_id.clone())
        else {
            return;
        };
        if let Some(attachment) = &mut self.interface_mut(id).attachment {
            let own = std::mem::replace(&mut attachment.instance_id, instance_id);
            attachment.device_index = device_index;
            self.world.instances.remove(&own);
        }
    }

    /// The interface, to change it.
    pub fn interface_mut(&mut self, id: &NetworkInterfaceId) -> &mut NetworkInterface {
        self.world.network_interfaces.get_mut(id).unwrap()
    }
}

/// The lab of the scripts: groups without rules, and interfaces by name.
#[derive(Clone, Debug)]
pub struct StandardLab {
    /// The world.
    pub world: World,
    /// Groups by name: `client`, `web`, `db`, `other`.
    pub groups: BTreeMap<&'static str, SecurityGroupId>,
    /// Interfaces by name: `client`, `web`, `db`, `spare` (not attached, group `web`), `far` (in another VPC, group
    /// `far`), `aux` (the second one of the instance of `web`, in the subnet of `db`, group `other`).
    pub interfaces: BTreeMap<&'static str, NetworkInterfaceId>,
    /// Subnets by name: `near` (of `client` and `web`), `next` (of `db`), `far`.
    pub subnets: BTreeMap<&'static str, SubnetId>,
    /// Network ACLs by name: `open` is what `near` and `next` have, `custom` is empty, `far` is the other VPC's.
    pub acls: BTreeMap<&'static str, NetworkAclId>,
    /// Prefix lists without blocks, by name: `list` and `list6`.
    pub lists: BTreeMap<&'static str, PrefixListId>,
    /// The peering of the two VPCs, not active.
    pub peering: VpcPeeringConnectionId,
}

impl StandardLab {
    /// The standard lab.
    pub fn new() -> Self {
        let mut lab = Lab::default();
        let vpc = lab.vpc(address::VPC, address::VPC6);
        let near = lab.subnet(&vpc, "10.0.1.0/24", "2600:1f18:0:101::/64");
        let next = lab.subnet(&vpc, "10.0.2.0/24", "2600:1f18:0:102::/64");
        let other_vpc = lab.vpc("10.1.0.0/16", "2600:1f18:0:200::/56");
        let far = lab.subnet(&other_vpc, "10.1.1.0/24", "2600:1f18:0:201::/64");

        let mut groups = BTreeMap::new();
        for name in ["client", "web", "db", "other"] {
            groups.insert(name, lab.group(&vpc, name));
        }
        groups.insert("far", lab.group(&other_vpc, "far"));

        let mut interfaces = BTreeMap::new();
        let mut add = |lab: &mut Lab, subnet: &SubnetId, name, ipv4: Ipv4Addr, ipv6: &[Ipv6Addr], group| {
            interfaces
                .insert(name, lab.interface(subnet, name, &[ipv4], ipv6, &[SecurityGroupId::clone(group)]));
        };
        add(&mut lab, &near, "client", CLIENT, &[CLIENT6], &groups["client"]);
        add(&mut lab, &near, "web", WEB, &[WEB6], &groups["web"]);
        add(&mut lab, &next, "db", DB, &[DB6], &groups["db"]);
        add(&mut lab, &near, "spare", SPARE, &[], &groups["web"]);
        add(&mut lab, &far, "far", FAR, &[], &groups["far"]);
        add(&mut lab, &next, "aux", AUX, &[AUX6], &groups["other"]);
        lab.interface_mut(&interfaces["spare"]).attachment = None;
        lab.attach_to_instance_of(&interfaces["aux"], &interfaces["web"], 1);

        let acl_of = |lab: &Lab, subnet: &SubnetId| lab.world.subnets[subnet].network_acl_id.clone();
        let acls = [
            ("open", acl_of(&lab, &near)),
            ("far", acl_of(&lab, &far)),
            ("custom", lab.acl(&vpc, Vec::new())),
        ]
        .into();
        let lists = [
            ("list", lab.prefix_list("list", AddressFamily::Ipv4)),
            ("list6", lab.prefix_list("list6", AddressFamily::Ipv6)),
        ]
        .into();
        let peering = lab.peering(&vpc, &other_vpc);
        let subnets = [("near", near), ("next", next), ("far", far)].into();
        Self { world: lab.world, groups, interfaces, subnets, acls, lists, peering }
    }
}

impl Default for StandardLab {
    fn default() -> Self {
        Self::new()
    }
}
