//! Making instances on this machine: namespace, links with the programs on them, addresses, host names.
//!
//! # Invariants
//! A link's programs are attached before it is up. Whatever is made is listed first, so that `down` finds it after a
//! crash at any point.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use ipnet::IpNet;

use crate::aws::ids::InstanceId;
use crate::aws::instance::Instance;
use crate::aws::interface::{MacAddr, NetworkInterface};
use crate::aws::world::World;
use crate::dataplane::row::Hook;
use crate::lab::address::{self, AddressSpec};
use crate::lab::hosts::{self, HostEntry};
use crate::lab::link::{LinkSpec, Links};
use crate::lab::manifest::{Made, Manifest};
use crate::lab::namespace::{self, Namespace};
use crate::lab::offload;
use crate::store::manifest::LabManifest;

use super::enforcer::{Enforcer, INTERNET_SLOT};

/// MTU of every link: jumbo frames, as inside a VPC.
const MTU: u32 = 9001;
/// MTU with the XDP hook, which needs a frame to fit into a page with room to spare.
const MTU_XDP: u32 = 1500;
/// What the internet host is called in every instance's hosts file, and on the command line.
pub const INTERNET_NAME: &str = "internet";
/// Ethernet address of the internet host.
pub(super) const INTERNET_MAC: MacAddr = MacAddr([0x02, 0x5c, 0x00, 0x00, 0xff, 0xff]);

/// An interface's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltLink {
    /// The interface as it was when the link was made.
    pub interface: NetworkInterface,
    /// The instance whose namespace has the other end.
    pub instance_id: InstanceId,
    /// The link's index.
    pub index: u32,
}

/// Name of the host end of the link with this index.
pub fn link_name(index: u32) -> String {
    format!("sg{index}")
}

/// What building needs at hand. Several instances are built at a time, in one task.
pub struct Builder<'a> {
    world: &'a World,
    lab: &'a LabManifest,
    enforcer: RefCell<&'a mut dyn Enforcer>,
    made: RefCell<Manifest>,
    links: Links,
    hosts: Vec<HostEntry>,
}

impl<'a> Builder<'a> {
    /// A builder of this world, which lists what it makes in the file at `made`.
    ///
    /// # Errors
    /// Where there is no netlink socket, or the list cannot be written.
    pub fn new(
        world: &'a World,
        lab: &'a LabManifest,
        enforcer: &'a mut dyn Enforcer,
        made: &Path,
    ) -> Result<Self> {
        let mut hosts = world
            .instances
            .values()
            .filter(|instance| !instance.is_terminated())
            .map(|instance| (instance.name.clone(), addresses_of(world, instance)))
            .collect::<Vec<_>>();
        hosts.push((INTERNET_NAME.to_owned(), lab.internet()));
        Ok(Self {
            world,
            lab,
            enforcer: RefCell::new(enforcer),
            made: RefCell::new(Manifest::open(made)?),
            links: Links::open()?,
            hosts,
        })
    }

    /// Lists the namespaces of instances that are about to be built, all at once: each time is a wait for the disk.
    ///
    /// # Errors
    /// Where the list cannot be written.
    pub fn announce(&self, instances: &[&Instance]) -> Result<()> {
        let names = instances.iter().map(|instance| instance.id.to_string());
        self.note_namespaces(names.collect())
    }

    /// Builds an instance with its interfaces, once it is announced.
    ///
    /// # Errors
    /// Where the machine refuses; then no interface is left, and the namespace is listed.
    pub async fn instance(&self, instance: &Instance) -> Result<Vec<BuiltLink>> {
        let name = instance.id.as_str();
        let namespace = Namespace::create(name).await?;
        hosts::write(name, &instance.name, &self.hosts)?;
        let mut built: Vec<BuiltLink> = Vec::new();
        for interface in self.world.interfaces_of(&instance.id) {
            match self.interface(&namespace, instance, interface).await {
                Ok(link) => built.push(link),
                Err(error) => {
                    for link in built {
                        self.undo(&link.interface, link.index).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(built)
    }

    /// Builds one interface of an instance whose namespace is there.
    ///
    /// # Errors
    /// As [`Builder::instance`]; nothing is left of it then.
    pub async fn interface(
        &self,
        namespace: &Namespace,
        instance: &Instance,
        interface: &NetworkInterface,
    ) -> Result<BuiltLink> {
        let index = self.lab.link_base + interface.slot;
        let device = interface.attachment.as_ref().map_or(0, |attachment| attachment.device_index);
        let count = u32::try_from(self.world.interfaces_of(&instance.id).len())?;
        let spec = self.link_spec(index, &format!("eth{device}"), interface.id.as_str(), interface.mac);
        let addresses = AddressSpec::new(index, self.networks(interface)?, u32::from(device), count);
        self.note(&[Made::Link { name: spec.host_name.clone(), alias: spec.alias.clone() }])?;
        self.create(&spec, namespace).await?;
        let finished = async {
            address::configure(namespace, &addresses).await?;
            self.enforcer.borrow_mut().attach(interface, index).with_context(|| {
                format!(
                    "cannot attach to {} (interface {} of {})",
                    spec.host_name, interface.id, instance.name
                )
            })?;
            self.links.set_up(index).await
        };
        if let Err(error) = finished.await {
            self.undo(interface, index).await;
            return Err(error);
        }
        Ok(BuiltLink { interface: interface.clone(), instance_id: instance.id.clone(), index })
    }

    /// Takes away what there is of an interface. The error that made this necessary is the one to tell.
    async fn undo(&self, interface: &NetworkInterface, index: u32) {
        // The link first: what is left of an interface without programs would pass unjudged.
        if let Err(error) = self.links.delete(index).await {
            tracing::error!("a link stayed behind: {error:#}");
        }
        if let Err(error) = self.enforcer.borrow_mut().detach(interface) {
            tracing::error!("an interface stayed attached: {error:#}");
        }
    }

    /// Builds the internet host.
    ///
    /// # Errors
    /// As [`Builder::instance`].
    pub async fn internet(&self) -> Result<()> {
        let name = &self.lab.internet_namespace;
        let index = self.lab.link_base + INTERNET_SLOT;
        let addresses = self.lab.internet();
        let spec = self.link_spec(index, "eth0", name, INTERNET_MAC);
        self.note_namespaces(vec![name.clone()])?;
        let namespace = Namespace::create(name).await?;
        hosts::write(name, INTERNET_NAME, &self.hosts)?;
        self.note(&[Made::Link { name: spec.host_name.clone(), alias: spec.alias.clone() }])?;
        self.create(&spec, &namespace).await?;
        // A /24 and a /64 around it, whose router is the fabric.
        let networks = addresses.iter().map(|address| network(*address, 24, 64)).collect::<Result<_>>()?;
        address::configure(&namespace, &AddressSpec::new(index, networks, 0, 1)).await?;
        self.enforcer
            .borrow_mut()
            .attach_internet(index, INTERNET_MAC, &addresses)
            .context("cannot attach to the internet host's link")?;
        self.links.set_up(index).await
    }

    /// Writes the host names again in instances that were built before.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn refresh_hosts(&self, instances: impl IntoIterator<Item = impl Borrow<InstanceId>>) -> Result<()> {
        hosts::write(&self.lab.internet_namespace, INTERNET_NAME, &self.hosts)?;
        for id in instances {
            if let Some(instance) = self.world.instances.get(id.borrow()) {
                hosts::write(instance.id.as_str(), &instance.name, &self.hosts)?;
            }
        }
        Ok(())
    }

    /// Lists namespaces. One of somebody else's, which will be refused, is not listed as ours.
    fn note_namespaces(&self, mut names: Vec<String>) -> Result<()> {
        names.retain(|name| !namespace::path(name).exists());
        self.note(&names.into_iter().map(Made::Namespace).collect::<Vec<_>>())
    }

    /// Makes a link, fit for the lab's hook.
    async fn create(&self, spec: &LinkSpec, namespace: &Namespace) -> Result<()> {
        self.links.create(spec, namespace).await?;
        let prepared = match self.lab.hook {
            Hook::Tcx => Ok(()),
            Hook::Xdp => offload::prepare_for_xdp(namespace.name(), &spec.name),
        };
        if prepared.is_err() {
            let _ = self.links.delete(spec.index).await;
        }
        prepared
    }

    fn link_spec(&self, index: u32, name: &str, alias: &str, mac: MacAddr) -> LinkSpec {
        LinkSpec {
            host_name: link_name(index),
            index,
            alias: alias.to_owned(),
            mtu: match self.lab.hook {
                Hook::Tcx => MTU,
                Hook::Xdp => MTU_XDP,
            },
            name: name.to_owned(),
            mac: mac.0,
        }
    }

    /// An interface's addresses with its subnet's prefix lengths.
    fn networks(&self, interface: &NetworkInterface) -> Result<Vec<IpNet>> {
        let subnet = self.world.subnets.get(&interface.subnet_id);
        let subnet = subnet.with_context(|| format!("interface {} has no subnet", interface.id))?;
        let ipv4 = interface.private_ipv4.iter().map(|address| IpAddr::V4(*address));
        let ipv6 = interface.ipv6.iter().map(|address| IpAddr::V6(*address));
        let length_ipv6 = subnet.cidr_ipv6.map_or(64, |net| net.prefix_len());
        ipv4.chain(ipv6).map(|address| network(address, subnet.cidr_ipv4.prefix_len(), length_ipv6)).collect()
    }

    fn note(&self, made: &[Made]) -> Result<()> {
        self.made.borrow_mut().record(made)
    }
}

fn network(address: IpAddr, length_ipv4: u8, length_ipv6: u8) -> Result<IpNet> {
    let length = if address.is_ipv4() { length_ipv4 } else { length_ipv6 };
    IpNet::new(address, length).with_context(|| format!("{address}/{length} is no network"))
}

/// The addresses that an instance's name stands for: the first of each family of its primary interface.
fn addresses_of(world: &World, instance: &Instance) -> Vec<IpAddr> {
    let interfaces = world.interfaces_of(&instance.id);
    let first = |interface: &&NetworkInterface| {
        let ipv4 = interface.private_ipv4.first().map(|address| IpAddr::V4(*address));
        let ipv6 = interface.ipv6.first().map(|address| IpAddr::V6(*address));
        ipv4.into_iter().chain(ipv6)
    };
    interfaces.first().into_iter().flat_map(first).collect()
}
