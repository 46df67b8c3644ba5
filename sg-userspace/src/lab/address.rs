//! An instance's addresses, routes and, with several interfaces, a routing table for each.
//!
//! IPv4's router is the first address of the subnet, IPv6's is `fe80::1` (M-05); the fabric answers for both. With
//! several interfaces, packets are routed by their source address, so that a reply leaves by the interface that its
//! request came in by, as AWS's own images arrange it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use ipnet::{IpNet, Ipv4Net};
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags};
use rtnetlink::packet_route::route::RouteScope;
use rtnetlink::packet_route::rule::RuleAction;

use super::namespace::Namespace;
use super::netlink::refusal;

/// The router's IPv6 address on every link.
pub const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The first routing table for policy routing; interface `n` has table `FIRST_TABLE + n`.
pub const FIRST_TABLE: u32 = 100;

/// Priority of the rules that select these tables: before `main` (32766).
const RULE_PRIORITY: u32 = 1000;

/// The addresses of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSpec {
    /// Index of the instance's end.
    pub index: u32,
    /// Addresses with their subnet's prefix length; the first of each family is the primary one.
    pub addresses: Vec<IpNet>,
    /// IPv4 default route by this router.
    pub router_v4: Option<Ipv4Addr>,
    /// IPv6 default route by this router.
    pub router_v6: Option<Ipv6Addr>,
    /// Whether the default routes go into the main table too: `eth0` only.
    pub is_default: bool,
    /// A table for what comes from these addresses: one for each interface of an instance with several.
    pub table: Option<u32>,
}

impl AddressSpec {
    /// Interface `n` of an instance with `count` interfaces. The internet host is one too: an address and the prefix
    /// length of its /24.
    pub fn new(index: u32, addresses: Vec<IpNet>, n: u32, count: u32) -> Self {
        let router_v4 = addresses.iter().find_map(|address| match address {
            IpNet::V4(net) => Some(router(*net)),
            IpNet::V6(_) => None,
        });
        let router_v6 = addresses.iter().any(|address| matches!(address, IpNet::V6(_))).then_some(ROUTER_V6);
        let table = (count > 1).then_some(FIRST_TABLE + n);
        Self { index, addresses, router_v4, router_v6, is_default: n == 0, table }
    }
}

/// The router of a subnet: its first address.
pub fn router(subnet: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()) + 1)
}

/// Gives an interface its addresses, sets the instance's end up and adds its routes. The host end may still be down:
/// nothing passes before that is up too.
///
/// # Errors
/// The kernel refuses one, such as an address that is there already.
pub async fn configure(namespace: &Namespace, spec: &AddressSpec) -> Result<()> {
    let explain = || format!("cannot configure link {} in `{}`", spec.index, namespace.name());
    for address in &spec.addresses {
        if address.prefix_len() > address.max_prefix_len() {
            bail!("`{address}` has no valid prefix length");
        }
        // One after the other: the first becomes the primary address.
        add_address(namespace, spec.index, *address).await.with_context(explain)?;
    }
    namespace.set_link_up(spec.index).await?;
    let mut routes = Vec::new();
    if spec.is_default {
        routes.extend(default_routes(spec, 254));
    }
    if let Some(table) = spec.table {
        routes.extend(subnet_routes(spec, table));
        routes.extend(default_routes(spec, table));
    }
    // In order: a router is reachable only once its subnet is.
    for route in routes {
        let request = namespace.netlink().route().add(route).execute();
        request.await.map_err(refusal).context("route").with_context(explain)?;
    }
    if let Some(table) = spec.table {
        let rules = spec.addresses.iter().map(|address| add_rule(namespace, address.addr(), table));
        try_join_all(rules).await.with_context(explain)?;
    }
    Ok(())
}

async fn add_address(namespace: &Namespace, index: u32, address: IpNet) -> Result<()> {
    let mut request = namespace.netlink().address().add(index, address.addr(), address.prefix_len());
    if let IpNet::V6(_) = address {
        let message = request.message_mut();
        message.header.flags |= AddressHeaderFlags::Nodad;
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    request.execute().await.map_err(refusal).with_context(|| format!("address `{address}`"))
}

fn default_routes(spec: &AddressSpec, table: u32) -> Vec<rtnetlink::packet_route::route::RouteMessage> {
    let v4 = spec.router_v4.map(|router| {
        let route = RouteMessageBuilder::<Ipv4Addr>::new().gateway(router);
        route.output_interface(spec.index).table_id(table).onlink().build()
    });
    let v6 = spec.router_v6.map(|router| {
        let route = RouteMessageBuilder::<Ipv6Addr>::new().gateway(router);
        route.output_interface(spec.index).table_id(table).build()
    });
    v4.into_iter().chain(v6).collect()
}

fn subnet_routes(spec: &AddressSpec, table: u32) -> Vec<rtnetlink::packet_route::route::RouteMessage> {
    let mut subnets: Vec<_> = spec.addresses.iter().map(IpNet::trunc).collect();
    subnets.sort();
    subnets.dedup();
    let route = |subnet| match subnet {
        IpNet::V4(net) => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(net.network(), net.prefix_len())
            .scope(RouteScope::Link)
            .output_interface(spec.index)
            .table_id(table)
            .build(),
        IpNet::V6(net) => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(net.network(), net.prefix_len())
            .output_interface(spec.index)
            .table_id(table)
            .build(),
    };
    subnets.into_iter().map(route).collect()
}

async fn add_rule(namespace: &Namespace, address: IpAddr, table: u32) -> Result<()> {
    let rule = namespace.netlink().rule().add().action(RuleAction::ToTable);
    let rule = rule.table_id(table).priority(RULE_PRIORITY + table);
    let added = match address {
        IpAddr::V4(address) => rule.v4().source_prefix(address, 32).execute().await,
        IpAddr::V6(address) => rule.v6().source_prefix(address, 128).execute().await,
    };
    added.map_err(refusal).with_context(|| format!("routing rule for `{address}`"))
}
