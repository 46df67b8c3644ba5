//! Where an instance asks for its metadata: an address of its loopback, so that no packet leaves the instance and two with
//! one address are told apart by their namespaces. Servers of the instance's own may have port 80 on every address, so what
//! listens here has another port, and a program on the loopback stands between the two.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};
use rtnetlink::packet_route::address::AddressScope;

use super::namespace::{self, Namespace};
use super::netlink::{errno, refusal};

/// The address of the service (E-15).
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The port that the program makes of port 80: `tcpmux`, which nobody serves any more.
pub const PORT: u16 = sg_common::abi::METADATA_PORT;

/// The index of `lo` in every namespace.
const LOOPBACK: u32 = 1;

/// Gives a namespace's loopback the address, and listens there.
///
/// # Errors
/// There is no such namespace, or the port is taken.
pub async fn listen(name: &str) -> Result<TcpListener> {
    let namespace = Namespace::open(name)?;
    let mut request = namespace.netlink().address().add(LOOPBACK, ADDRESS.into(), 32);
    request.message_mut().header.scope = AddressScope::Host;
    match request.execute().await {
        Err(error) if errno(&error) != Some(libc::EEXIST) => {
            return Err(refusal(error)).with_context(|| format!("address {ADDRESS} in `{name}`"));
        }
        _ => {}
    }
    namespace::run_in(name, || {
        TcpListener::bind((ADDRESS, PORT)).with_context(|| format!("cannot listen on {ADDRESS}"))
    })
}
