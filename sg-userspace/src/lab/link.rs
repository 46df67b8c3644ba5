//! Veth pairs: the host end, on which an ENI's packets are judged, and the instance's end, made inside its namespace.
//!
//! Both ends have the same index, each in its own namespace, so nothing has to be looked up. The host end carries the
//! ENI's id as its alias, and never speaks: no IPv6, no answer to ARP, no forwarding, so that even without a program
//! on it the host's own stack lets nothing through.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use futures::future::join_all;
use rtnetlink::packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoVeth, LinkAttribute, LinkFlags,
};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::namespace::Namespace;
use super::netlink::{Netlink, errno, refusal};

/// Where the numbers of short-lived link groups start.
const GROUPS: u32 = 0x5347_0000;

/// One veth pair to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    /// Name of the host end, at most 15 bytes.
    pub host_name: String,
    /// Index of both ends. 1 is `lo` everywhere.
    pub index: u32,
    /// Alias of both ends: the ENI's id.
    pub alias: String,
    /// MTU of both ends, in bytes.
    pub mtu: u32,
    /// Name of the instance's end, such as `eth0`.
    pub name: String,
    /// MAC address of the instance's end.
    pub mac: [u8; 6],
}

/// A link that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its alias, empty without one.
    pub alias: String,
    /// Whether it has been set up.
    pub up: bool,
}

/// The links of one namespace, mostly the host's.
#[derive(Debug)]
pub struct Links {
    netlink: Netlink,
}

impl Links {
    /// The links of the calling thread's namespace.
    ///
    /// # Errors
    /// No netlink socket.
    pub fn open() -> Result<Self> {
        Ok(Self { netlink: Netlink::open()? })
    }

    /// Makes a pair, both ends down, the instance's end inside `instance`. Nothing is left if it fails.
    ///
    /// # Errors
    /// A name or the index is taken, or a value is refused.
    pub async fn create(&self, spec: &LinkSpec, instance: &Namespace) -> Result<()> {
        if spec.host_name.is_empty()
            || spec.host_name.len() > 15
            || spec.name.is_empty()
            || spec.name.len() > 15
        {
            bail!("link names `{}` and `{}` must have 1 to 15 bytes", spec.host_name, spec.name);
        }
        let peer = LinkMessageBuilder::<LinkUnspec>::new()
            .index(spec.index)
            .name(&spec.name)
            .mtu(spec.mtu)
            .address(spec.mac.to_vec())
            .setns_by_fd(instance.file().as_raw_fd())
            .build();
        let pair = LinkMessageBuilder::<LinkVeth>::new(&spec.host_name, &spec.name)
            .index(spec.index)
            .mtu(spec.mtu)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .build();
        let explain = || {
            format!(
                "cannot make link `{}` (index {}) to `{}` in `{}`",
                spec.host_name,
                spec.index,
                spec.name,
                instance.name()
            )
        };
        let links = self.netlink.handle().link();
        links.add(pair).execute().await.map_err(refusal).with_context(explain)?;
        let finished = self.silence(spec, instance).await;
        if let Err(error) = finished {
            let _ = self.delete(spec.index).await;
            return Err(error.context(explain()));
        }
        Ok(())
    }

    /// What the kernel takes only for a link that exists: aliases, and that the host end stays silent.
    async fn silence(&self, spec: &LinkSpec, instance: &Namespace) -> Result<()> {
        let quiet = AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]);
        let host = LinkUnspec::new_with_index(spec.index)
            .alias(&spec.alias)
            .append_extra_attribute(LinkAttribute::AfSpecUnspec(vec![quiet]))
            .build();
        let inner = LinkUnspec::new_with_index(spec.index).alias(&spec.alias).build();
        let (links, inner_links) = (self.netlink.handle().link(), instance.netlink().link());
        let (outside, inside) =
            futures::join!(links.change(host).execute(), inner_links.change(inner).execute());
        outside.map_err(refusal).context("host end")?;
        inside.map_err(refusal).context("instance's end")?;
        let name = &spec.host_name;
        for (setting, value) in [
            (format!("ipv6/conf/{name}/disable_ipv6"), "1"),
            (format!("ipv4/conf/{name}/arp_ignore"), "8"),
            (format!("ipv4/conf/{name}/forwarding"), "0"),
        ] {
            let path = Path::new("/proc/sys/net").join(setting);
            match fs::write(&path, value) {
                // A kernel without IPv6 has nothing to switch off.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot write `{}`", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sets the host end up. Attach the programs first.
    ///
    /// # Errors
    /// There is no such link.
    pub async fn set_up(&self, index: u32) -> Result<()> {
        let message = LinkUnspec::new_with_index(index).up().build();
        let request = self.netlink.handle().link().change(message).execute();
        request.await.map_err(refusal).with_context(|| format!("cannot set link {index} up"))
    }

    /// Deletes a link, and with it the other end. Says whether there was one.
    ///
    /// # Errors
    /// The kernel refuses.
    pub async fn delete(&self, index: u32) -> Result<bool> {
        match self.netlink.handle().link().del(index).execute().await {
            Ok(()) => Ok(true),
            Err(error) if errno(&error) == Some(libc::ENODEV) => Ok(false),
            Err(error) => Err(refusal(error)).with_context(|| format!("cannot delete link {index}")),
        }
    }

    /// Deletes many as one group: each deletion on its own waits for the packets under way (25 ms here), a group waits
    /// once. Gives how many there were, and what went wrong.
    ///
    /// # Errors
    /// The links cannot be listed.
    pub async fn delete_all(&self, indexes: &[u32]) -> Result<(usize, Vec<anyhow::Error>)> {
        let all = self.netlink.handle().link().get().execute().try_collect::<Vec<_>>().await;
        let all = all.map_err(refusal).context("cannot list links")?;
        let (mut present, mut groups) = (Vec::new(), HashSet::new());
        for message in &all {
            if indexes.contains(&message.header.index) {
                present.push(message.header.index);
            }
            groups.extend(message.attributes.iter().filter_map(|attribute| match attribute {
                LinkAttribute::Group(group) => Some(*group),
                _ => None,
            }));
        }
        // A number that nobody uses, and that another removal at the same time would not choose.
        let first = GROUPS ^ std::process::id();
        let group =
            (first..u32::MAX).find(|group| !groups.contains(group)).context("all link groups are in use")?;
        let marks = present.iter().map(|index| {
            let message = LinkUnspec::new_with_index(*index).link_group(group).build();
            self.netlink.handle().link().change(message).execute()
        });
        let marked = join_all(marks).await;
        let message = LinkMessageBuilder::<LinkUnspec>::new().link_group(group).build();
        let deleted = self.netlink.handle().link().del_with_message(message).execute().await;
        if marked.iter().all(Result::is_ok) && deleted.is_ok() {
            return Ok((present.len(), Vec::new()));
        }
        // Somebody else changes the same links: one by one, so that each fault is known.
        let (mut count, mut faults) = (0, Vec::new());
        for index in present {
            match self.delete(index).await {
                Ok(there) => count += usize::from(there),
                Err(error) => faults.push(error),
            }
        }
        Ok((count, faults))
    }

    /// All links.
    ///
    /// # Errors
    /// The kernel refuses.
    pub async fn list(&self) -> Result<Vec<Link>> {
        let messages: Vec<_> = self
            .netlink
            .handle()
            .link()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(refusal)
            .context("cannot list links")?;
        let link = |message: rtnetlink::packet_route::link::LinkMessage| {
            let mut link = Link {
                index: message.header.index,
                name: String::new(),
                alias: String::new(),
                up: message.header.flags.contains(LinkFlags::Up),
            };
            for attribute in message.attributes {
                match attribute {
                    LinkAttribute::IfName(name) => link.name = name,
                    LinkAttribute::IfAlias(alias) => link.alias = alias,
                    _ => {}
                }
            }
            link
        };
        Ok(messages.into_iter().map(link).collect())
    }

    /// All links whose alias starts so.
    ///
    /// # Errors
    /// The kernel refuses, or `prefix` is empty, which would name every link of the machine.
    pub async fn with_alias_prefix(&self, prefix: &str) -> Result<Vec<Link>> {
        if prefix.is_empty() {
            bail!("an empty alias prefix matches every link: give at least `eni-`");
        }
        let mut links = self.list().await?;
        links.retain(|link| link.alias.starts_with(prefix));
        Ok(links)
    }
}
