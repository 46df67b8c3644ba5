//! What a command touched: which objects the store must write and the compiler must look at again, and how to put the
//! world back if a later step fails.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::aws::group::SecurityGroup;
use crate::aws::ids::{
    InstanceId, NetworkAclId, NetworkInterfaceId, PrefixListId, SecurityGroupId, SubnetId, VpcId,
    VpcPeeringConnectionId,
};
use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::peering::VpcPeeringConnection;
use crate::aws::prefix_list::PrefixList;
use crate::aws::quota::Quotas;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

/// Names one stored object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectKey {
    /// A VPC.
    Vpc(VpcId),
    /// A subnet.
    Subnet(SubnetId),
    /// A security group, its rules included.
    SecurityGroup(SecurityGroupId),
    /// A network interface.
    NetworkInterface(NetworkInterfaceId),
    /// An instance.
    Instance(InstanceId),
    /// A prefix list, its versions included.
    PrefixList(PrefixListId),
    /// A peering.
    VpcPeeringConnection(VpcPeeringConnectionId),
    /// A network ACL, its entries included.
    NetworkAcl(NetworkAclId),
    /// The world's quotas, seed and last number.
    Settings,
}

/// The objects that a command touched. One that the world still has was made or changed; one that it lacks was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The objects' keys.
    pub keys: BTreeSet<ObjectKey>,
}

impl Changes {
    /// Adds what a later command touched.
    pub fn merge(&mut self, later: Self) {
        self.keys.extend(later.keys);
    }

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether this object was touched.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.keys.contains(key)
    }
}

/// An object as it was before a command; `None` where it did not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Image {
    Vpc(VpcId, Option<Vpc>),
    Subnet(SubnetId, Option<Subnet>),
    SecurityGroup(SecurityGroupId, Option<SecurityGroup>),
    NetworkInterface(NetworkInterfaceId, Option<NetworkInterface>),
    Instance(InstanceId, Option<Instance>),
    PrefixList(PrefixListId, Option<PrefixList>),
    VpcPeeringConnection(VpcPeeringConnectionId, Option<VpcPeeringConnection>),
    NetworkAcl(NetworkAclId, Option<NetworkAcl>),
}

impl Image {
    /// Puts the object back as it was.
    pub(super) fn restore(self, world: &mut World) {
        fn put<K: Ord, V>(table: &mut std::collections::BTreeMap<K, V>, key: K, value: Option<V>) {
            match value {
                Some(value) => table.insert(key, value),
                None => table.remove(&key),
            };
        }
        match self {
            Self::Vpc(id, before) => put(&mut world.vpcs, id, before),
            Self::Subnet(id, before) => put(&mut world.subnets, id, before),
            Self::SecurityGroup(id, before) => put(&mut world.security_groups, id, before),
            Self::NetworkInterface(id, before) => put(&mut world.network_interfaces, id, before),
            Self::Instance(id, before) => put(&mut world.instances, id, before),
            Self::PrefixList(id, before) => put(&mut world.prefix_lists, id, before),
            Self::VpcPeeringConnection(id, before) => put(&mut world.vpc_peering_connections, id, before),
            Self::NetworkAcl(id, before) => put(&mut world.network_acls, id, before),
        }
    }
}

/// How to take an applied command back, for a caller whose next step (store, kernel) failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    pub(super) images: Vec<Image>,
    pub(super) quotas: Quotas,
}

impl Undo {
    /// Puts every touched object back as it was. Numbers that the command used stay used, since the step that failed
    /// may have shown them to others. Several commands are taken back newest first.
    pub fn restore(self, world: &mut World) {
        for image in self.images {
            image.restore(world);
        }
        world.quotas = self.quotas;
    }
}
