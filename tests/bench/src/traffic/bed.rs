//! Three network namespaces in a row, a client, a host and a server, wired as a lab wires its instances: veth pairs whose host ends
//! stand in the host's namespace. Addresses, routes and kernel settings are the same whatever judges in between.
//!
//! All that is made here bears the process's number in its name, goes when it is dropped, and is swept by the next run if the process
//! was killed.

use std::ffi::OsStr;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use ipnet::{IpNet, Ipv4Net};
use sg_tests::harness::lab::mac_of_slot;
use sg_userspace::lab::address::{self, AddressSpec, router};
use sg_userspace::lab::link::{LinkSpec, Links};
use sg_userspace::lab::namespace::{self, Namespace};
use sg_userspace::lab::process;

use crate::estate::{self, CLIENT, SERVER};
use crate::pinned::Pinned;

/// Links count from here, in every host namespace.
pub(super) const LINK_BASE: u32 = 1_000_000;
/// Names of the host ends, by place; the peers' rule sets name them too.
pub(super) const HOST_ENDS: [&str; 2] = ["ha", "hb"];
/// The name of the link inside the client and the server.
pub(super) const INSIDE: &str = "eth0";
/// What native XDP on veth takes, with room to spare; the same for all.
const MTU: u32 = 1500;
/// Names begin so.
const PREFIX: &str = "sgbench";
/// How long what runs inside may take to end.
const GRACE: Duration = Duration::from_millis(500);

/// The namespaces and what runs in them.
pub(super) struct Bed {
    /// Name of the host's namespace.
    pub(super) host: String,
    /// Names of the client's and the server's, by place.
    pub(super) ends: [String; 2],
}

impl Bed {
    /// Makes the namespaces and the links, with addresses on the ends; what the host does with packets is yet to be said.
    pub(super) fn new(name: &str) -> Result<Self> {
        let full = |role: &str| format!("{PREFIX}-{}-{name}-{role}", std::process::id());
        // Dropping it removes what there is, however far it came.
        let bed = Self { host: full("host"), ends: [full("client"), full("server")] };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(bed.make())?;
        bed.set(&bed.ends[CLIENT], "ipv4/ip_local_port_range", "1024 65535")?;
        bed.set(&bed.ends[CLIENT], "ipv4/tcp_tw_reuse", "1")?;
        Ok(bed)
    }

    async fn make(&self) -> Result<()> {
        for name in [&self.host, &self.ends[CLIENT], &self.ends[SERVER]] {
            Namespace::create(name).await?;
        }
        let ends = self.ends.clone();
        namespace::run_async_in(&self.host, move || async move {
            let links = Links::open()?;
            for (place, end) in ends.iter().enumerate() {
                let index = link_index(place);
                let spec = LinkSpec {
                    host_name: HOST_ENDS[place].to_owned(),
                    index,
                    alias: end.clone(),
                    mtu: MTU,
                    name: INSIDE.to_owned(),
                    mac: mac_of_slot(slot(place)).0,
                };
                let inside = Namespace::open(end)?;
                links.create(&spec, &inside).await?;
                let addresses = vec![IpNet::V4(subnet(place)?)];
                address::configure(&inside, &AddressSpec::new(index, addresses, 0, 1)).await?;
                links.set_up(index).await?;
            }
            Ok(())
        })
        .await
    }

    /// Has the host's own stack forward between the two links, as the subnets' router.
    pub(super) fn route(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let host = Namespace::open(&self.host)?;
            for place in [CLIENT, SERVER] {
                let subnet = subnet(place)?;
                let router = Ipv4Net::new(router(subnet), subnet.prefix_len())?;
                let spec = AddressSpec {
                    index: link_index(place),
                    addresses: vec![router.into()],
                    router_v4: None,
                    router_v6: None,
                    is_default: false,
                    table: None,
                };
                address::configure(&host, &spec).await?;
            }
            anyhow::Ok(())
        })?;
        for link in HOST_ENDS {
            // A lab's host ends are silent.
            self.set(&self.host, &format!("ipv4/conf/{link}/arp_ignore"), "0")?;
        }
        self.set(&self.host, "ipv4/ip_forward", "1")
    }

    /// Writes a kernel setting, below `/proc/sys/net`, of one of the namespaces.
    fn set(&self, namespace: &str, setting: &str, value: &str) -> Result<()> {
        namespace::run_in(namespace, || {
            let path = format!("/proc/sys/net/{setting}");
            fs::write(&path, value).with_context(|| format!("cannot write `{value}` to {path}"))
        })
    }

    /// Runs a command in the host's namespace with this input, and waits for it.
    pub(super) fn run_on_host(&self, argv: &[&str], input: &str) -> Result<()> {
        super::command::feed(&self.host, argv, input)
    }

    /// Starts a command in the namespace of an end, on that end's processor: the client's is the first, the server's the second.
    pub(super) fn start<S: AsRef<OsStr> + Sync>(
        &self,
        place: usize,
        argv: &[S],
        input: Stdio,
    ) -> Result<Child> {
        let [program, arguments @ ..] = argv else { anyhow::bail!("no command") };
        let mut command = Command::new(program);
        command.args(arguments).stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        namespace::run_in(&self.ends[place], || {
            let _pinned = Pinned::to(place)?;
            command.spawn().with_context(|| format!("cannot run {}", program.as_ref().display()))
        })
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let names = [self.host.clone(), self.ends[CLIENT].clone(), self.ends[SERVER].clone()];
        remove(&names);
    }
}

/// Removes what earlier runs left that were killed.
pub(super) fn sweep() -> Result<()> {
    let is_stale = |name: &String| {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('-')?.split('-').next());
        owner.is_some_and(|id| {
            let command = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            command.trim() != "sg-bench" || id == std::process::id().to_string()
        })
    };
    let stale: Vec<String> = namespace::list()?.into_iter().filter(is_stale).collect();
    remove(&stale);
    Ok(())
}

/// Ends what runs in these namespaces and removes them. The links go with them.
fn remove(names: &[String]) {
    // Nobody is left to tell; what stays is swept by the next run.
    let _ = process::kill(names, GRACE);
    for name in names {
        let _ = namespace::delete(name);
    }
}

/// The index of an end's link.
pub(super) fn link_index(place: usize) -> u32 {
    LINK_BASE + slot(place)
}

/// The slot of an end.
pub(super) fn slot(place: usize) -> u32 {
    if place == CLIENT { 0 } else { 1 }
}

/// An end's address with the length of its subnet's prefix.
fn subnet(place: usize) -> Result<Ipv4Net> {
    Ok(Ipv4Net::new(estate::address(place), 24)?)
}
