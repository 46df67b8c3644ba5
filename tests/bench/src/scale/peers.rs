//! The same changes by nftables and ipset, with as much in their tables as the data plane has, in a network namespace of this
//! benchmark's own. Each is timed from the start of the command to its end, from which on the kernel judges by it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns, unshare};
use sg_userspace::aws::protocol::IpProtocol;
use sg_userspace::aws::rule::{Direction, Peer};

use crate::cli::Effort;
use crate::stats::Spread;

use super::estate::{Estate, INTERFACES, IPV4, SETS, address4};

/// What the peers' changes took, in milliseconds; nothing of a peer that is not installed.
#[derive(Default)]
pub(super) struct Peers {
    nft_element: Option<Spread>,
    nft_rule: Option<Spread>,
    nft_interval: Option<Spread>,
    ipset_element: Option<Spread>,
    /// What there is to say of them.
    pub(super) remarks: Vec<String>,
}

type Against<'a> = Vec<(&'static str, &'a Spread)>;

impl Peers {
    /// Against a membership change.
    pub(super) fn membership(&self) -> Against<'_> {
        present([("nft add element", &self.nft_element), ("ipset add", &self.ipset_element)])
    }

    /// Against a change of a rule.
    pub(super) fn rule(&self) -> Against<'_> {
        present([("nft add rule", &self.nft_rule)])
    }

    /// Against a change of a prefix list.
    pub(super) fn entry(&self) -> Against<'_> {
        present([("nft add element of an interval set", &self.nft_interval)])
    }
}

fn present<'a, const N: usize>(of: [(&'static str, &'a Option<Spread>); N]) -> Against<'a> {
    of.into_iter().filter_map(|(name, spread)| Some((name, spread.as_ref()?))).collect()
}

/// Measures in a namespace that ends with this call.
pub(super) fn measure(estate: &Estate, effort: Effort) -> Result<Peers> {
    let home = std::fs::File::open("/proc/thread-self/ns/net")?;
    unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace")?;
    let peers = in_this_namespace(estate, effort);
    setns(home, CloneFlags::CLONE_NEWNET).context("cannot go back to the network namespace")?;
    peers
}

fn in_this_namespace(estate: &Estate, effort: Effort) -> Result<Peers> {
    let repeats = if effort == Effort::Full { 300 } else { 30 };
    let mut peers = Peers::default();
    if is_installed("nft") {
        let loaded = Instant::now();
        feed("nft", &["-f", "-"], &nft(estate))?;
        peers.remarks.push(format!(
            "nftables: loading the same world, a chain for each distinct set, took {:.2} s.",
            loaded.elapsed().as_secs_f64()
        ));
        let newcomer = |n: usize| format!("198.18.{}.{}", n / 256, n % 256);
        peers.nft_element =
            Some(time(repeats, "nft", |n| format!("add element inet sg members {{ {} }}", newcomer(n)))?);
        peers.nft_interval =
            Some(time(repeats, "nft", |n| format!("add element inet sg partners {{ {} }}", newcomer(n)))?);
        peers.nft_rule = Some(time(repeats, "nft", |n| {
            format!("add rule inet sg g0 ip saddr {} tcp dport 7002 accept", newcomer(n))
        })?);
    } else {
        peers.remarks.push("nftables is not installed, so there is nothing to compare with.".to_owned());
    }
    if is_installed("ipset") {
        let mut text = "create members hash:ip maxelem 131072\n".to_owned();
        for address in members() {
            let _ = writeln!(text, "add members {address}");
        }
        feed("ipset", &["restore"], &text)?;
        peers.ipset_element =
            Some(time(repeats, "ipset", |n| format!("add members 198.18.{}.{}", n / 256, n % 256))?);
    } else {
        peers.remarks.push("ipset is not installed, so there is nothing to compare with.".to_owned());
    }
    let medians = [
        ("nft add element", &peers.nft_element),
        ("nft add rule", &peers.nft_rule),
        ("nft add element of an interval set", &peers.nft_interval),
        ("ipset add", &peers.ipset_element),
    ];
    let medians: Vec<String> =
        present(medians).iter().map(|(name, spread)| format!("{name} {:.1} ms", spread.median)).collect();
    peers.remarks.push(format!("The peers' medians: {}.", medians.join(", ")));
    Ok(peers)
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs a command that reads its standard input.
fn feed(program: &str, arguments: &[&str], input: &str) -> Result<()> {
    let explain = || format!("cannot run {program}");
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).spawn().with_context(explain)?;
    child.stdin.take().context("no standard input")?.write_all(input.as_bytes()).with_context(explain)?;
    if !child.wait().with_context(explain)?.success() {
        bail!("{program} refused what it was given");
    }
    Ok(())
}

/// Milliseconds of a command, so many times with other words.
fn time(repeats: usize, program: &str, words: impl Fn(usize) -> String) -> Result<Spread> {
    let mut samples = Vec::new();
    for n in 0..repeats {
        let words = words(n);
        let begun = Instant::now();
        let status = Command::new(program).args(words.split(' ')).status()?;
        samples.push(begun.elapsed().as_secs_f64() * 1e3);
        if !status.success() {
            bail!("`{program} {words}` failed");
        }
    }
    Ok(Spread::of(samples))
}

/// Members of a group that everybody has: every address.
fn members() -> impl Iterator<Item = String> {
    (0..INTERFACES).flat_map(|slot| (0..IPV4).map(move |n| address4(slot, n).to_string()))
}

/// The rule set as an expert would write it: an interval set for each group's blocks, an exact one for members, a chain for each
/// distinct set of groups, and a verdict map from interfaces to those.
fn nft(estate: &Estate) -> String {
    let world = &estate.world;
    let mut text = "table inet sg {\n".to_owned();
    let list: Vec<String> =
        world.prefix_lists[&estate.list].entries().iter().map(|entry| entry.cidr.to_string()).collect();
    let _ = writeln!(
        text,
        "set partners {{ type ipv4_addr; flags interval; elements = {{ {} }} }}",
        list.join(", ")
    );
    let all: Vec<String> = members().collect();
    let _ =
        writeln!(text, "set members {{ type ipv4_addr; size 131072; elements = {{ {} }} }}", all.join(", "));
    let mut groups: Vec<_> = world.security_groups.values().collect();
    groups.sort_by_key(|group| group.number);
    // The newcomers' comes first, and has no members.
    for (n, group) in (0..).zip(groups.iter().skip(1)) {
        let (mut blocks, mut others) = (Vec::new(), String::new());
        for rule in group.rules_of(Direction::Inbound) {
            let protocol = if rule.protocol == IpProtocol::UDP { "udp" } else { "tcp" };
            let (first, last) = (rule.ports.from_port, rule.ports.to_port);
            match &rule.peer {
                Peer::CidrIpv4(net) => blocks.push(format!("{net} . {protocol} . {first}-{last}")),
                Peer::PrefixList(_) => {
                    let _ = writeln!(others, "ip saddr @partners {protocol} dport {first}-{last} accept");
                }
                Peer::ReferencedGroup(_) => {
                    let _ = writeln!(others, "ip saddr @members {protocol} dport {first}-{last} accept");
                }
                Peer::CidrIpv6(_) => {}
            }
        }
        let _ = writeln!(
            text,
            "set s{n} {{ type ipv4_addr . inet_proto . inet_service; flags interval; elements = {{ {} }} }}",
            blocks.join(", ")
        );
        let _ = writeln!(text, "chain g{n} {{ ip saddr . meta l4proto . th dport @s{n} accept\n{others} }}");
    }
    for set in 0..SETS {
        let of_set = [0, 1 + set % 5, 6 + set / 5 % 10, 16 + set / 50 % 10, 26 + set];
        let jumps: String = of_set.iter().map(|n| format!("jump g{n}\n")).collect();
        let _ = writeln!(text, "chain e{set} {{\n{jumps}drop\n}}");
    }
    let links: Vec<String> =
        (0..INTERFACES).map(|slot| format!("\"sg{slot}\" : goto e{}", slot % SETS)).collect();
    let _ = writeln!(text, "map links {{ type ifname : verdict; elements = {{ {} }} }}", links.join(", "));
    text.push_str(
        "chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; \
         oifname vmap @links\n}\n}\n",
    );
    text
}
