//! Rules as people write them: `HTTP from anywhere`, `tcp 8000-8100 from 10.0.0.0/8`, `PostgreSQL from web`.
//!
//! The lab file and the command line share this; it is sugar over what EC2's API takes, which `permission` reads. A
//! group or prefix list that a rule names must exist.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{PrefixListId, SecurityGroupId, VpcId};
use crate::aws::prefix_list::PrefixList;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer};
use crate::aws::world::World;

use super::group;
use super::permission::{Permission, malformed_cidr, parse_ports, parse_protocol};
use super::prefix_list;
use super::template;

/// What the words of a rule refer to.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where named groups and prefix lists are looked up.
    pub world: &'a World,
    /// The VPC of the rule's group.
    pub vpc_id: &'a VpcId,
    /// The rule's own group, which `self` names.
    pub own_group: Option<&'a SecurityGroupId>,
    /// The address that `my-ip` stands for: the internet host's.
    pub my_ip: Option<Ipv4Addr>,
}

/// Reads `WHAT from WHO` (inbound) or `WHAT to WHO` (outbound). `anywhere` can give two permissions, one per family.
///
/// # Errors
/// `InvalidParameterValue` with what to write instead; AWS's codes for blocks and groups.
pub fn parse_rule(
    text: &str,
    direction: Direction,
    context: Context<'_>,
) -> Result<Vec<Permission>, AwsError> {
    check_allows(text)?;
    let text = text.trim();
    let (what, who) = split(strip_word(text, "allow").unwrap_or(text), direction)?;
    let (protocol, ports) = parse_what(what)?;
    Ok(permissions(protocol, ports, parse_peers(who, protocol, context)?))
}

/// `WHAT` and `WHO` of a rule.
pub(super) fn split(text: &str, direction: Direction) -> Result<(&str, &str), AwsError> {
    let (own, other) = (direction.toward(), direction.opposite().toward());
    split_at_word(text, own).ok_or_else(|| {
        let hint = match split_at_word(text, other) {
            Some(_) => format!("an {direction} rule says `{own}`, not `{other}`"),
            None => format!("write it as `WHAT {own} WHO`, such as `HTTPS {own} anywhere`"),
        };
        AwsError::invalid_value(format!("Invalid {direction} rule `{text}`: {hint}"))
    })
}

/// One permission for each peer.
pub fn permissions(protocol: IpProtocol, ports: PortRange, peers: Vec<Peer>) -> Vec<Permission> {
    peers.into_iter().map(|peer| Permission::new(protocol, ports, peer)).collect()
}

/// Refuses every way of writing a rule that denies: AWS has none.
///
/// # Errors
/// `InvalidParameterValue`, pointing at network ACLs.
pub fn check_allows(text: &str) -> Result<(), AwsError> {
    const DENYING: [&str; 7] = ["deny", "denied", "block", "drop", "reject", "refuse", "!"];
    let first = text.split_whitespace().next().unwrap_or_default().trim_end_matches(':').to_ascii_lowercase();
    if DENYING.contains(&first.as_str()) {
        return Err(AwsError::invalid_value(format!(
            "Invalid rule `{}`: security group rules only allow, and what no rule allows is denied; leave the rule out, or deny with a network ACL",
            text.trim()
        )));
    }
    Ok(())
}

/// Reads a console rule type (`HTTP`, `All traffic`), or a protocol with its ports (`tcp 443`, `udp 8000-8100`, `icmp
/// echo-request`, `50`).
///
/// # Errors
/// `InvalidParameterValue` for anything else.
pub fn parse_what(text: &str) -> Result<(IpProtocol, PortRange), AwsError> {
    let text = text.trim();
    if let Some(found) = template::by_name(text) {
        return Ok(found);
    }
    // `Custom TCP`, `Custom ICMP - IPv4` and `Custom Protocol` take the rest as the protocol's own.
    let custom = strip_word(text, "custom").unwrap_or(text);
    let custom = strip_word(custom, "protocol").unwrap_or(custom);
    let lower = custom.to_ascii_lowercase();
    let (protocol, ports) = if let Some(rest) = lower.strip_prefix("icmp - ipv4") {
        (IpProtocol::ICMP, rest.to_owned())
    } else if let Some(rest) = lower.strip_prefix("icmp - ipv6") {
        (IpProtocol::ICMPV6, rest.to_owned())
    } else {
        let (name, rest) = lower.split_once(|c: char| c.is_whitespace()).unwrap_or((&lower, ""));
        (parse_protocol_word(name).map_err(|_| unknown_what(text))?, rest.to_owned())
    };
    let ports = ports.trim();
    Ok((protocol, parse_ports_text(protocol, (!ports.is_empty()).then_some(ports))?))
}

/// Reads a protocol as the API does, and `all` as AWS's own clients do.
///
/// # Errors
/// AWS's refusal of an unknown protocol.
pub fn parse_protocol_word(text: &str) -> Result<IpProtocol, AwsError> {
    if text.eq_ignore_ascii_case("all") { Ok(IpProtocol::All) } else { parse_protocol(text) }
}

/// Reads ports: `443`, `8000-8100`, `all`; for ICMP a type, `type/code`, or a message's name. ICMP without any stands for
/// all types.
///
/// # Errors
/// `InvalidParameterValue` where the text is none of these, or a TCP or UDP rule has no port (R-E4).
pub fn parse_ports_text(protocol: IpProtocol, text: Option<&str>) -> Result<PortRange, AwsError> {
    let Some(text) = text.map(str::trim) else {
        return if protocol.has_icmp_types() {
            Ok(PortRange::ALL)
        } else {
            parse_ports(protocol, None, None)
        };
    };
    let is_all = text.eq_ignore_ascii_case("all");
    let invalid = || {
        let example =
            if protocol.has_icmp_types() { "`8/0` or `echo-request`" } else { "`443` or `8000-8100`" };
        AwsError::invalid_value(format!("Invalid ports `{text}` for protocol {protocol}: write {example}"))
    };
    if protocol.has_ports() {
        if is_all {
            return Ok(PortRange::EVERY_PORT);
        }
        let number = |text: &str| text.trim().parse::<i32>().map_err(|_| invalid());
        // A leading dash is a negative number, which AWS refuses in its own words.
        match text.get(1..).and_then(|rest| rest.find('-')).map(|at| at + 1) {
            Some(dash) => {
                parse_ports(protocol, Some(number(&text[..dash])?), Some(number(&text[dash + 1..])?))
            }
            None => parse_ports(protocol, Some(number(text)?), Some(number(text)?)),
        }
    } else if protocol.has_icmp_types() {
        if is_all {
            return Ok(PortRange::ALL);
        }
        if let Some(ports) = template::icmp_by_name(protocol, text) {
            return Ok(ports);
        }
        let number = |text: &str| match text.trim() {
            any if any.eq_ignore_ascii_case("all") => Ok(-1),
            number => number.parse::<i32>().map_err(|_| invalid()),
        };
        let (kind, code) = text.split_once('/').unwrap_or((text, "-1"));
        parse_ports(protocol, Some(number(kind)?), Some(number(code)?))
    } else if is_all {
        Ok(PortRange::ALL)
    } else {
        Err(AwsError::invalid_value(format!(
            "Invalid ports `{text}`: a rule for protocol {protocol} has no ports; leave them out"
        )))
    }
}

/// Reads the other end of a rule: `anywhere` (both families where the VPC has IPv6, T-01), `anywhere-ipv4`,
/// `anywhere-ipv6`, `my-ip`, a block, `self`, the id or name of a group or of a prefix list; `sg NAME` and `group NAME` are
/// always a group, `pl NAME` and `prefix-list NAME` always a list.
///
/// # Errors
/// `InvalidParameterValue` for malformed blocks (R-E8), `InvalidGroup.NotFound` for groups that the VPC lacks,
/// `InvalidPrefixListID.NotFound` for lists that its region lacks.
pub fn parse_peers(text: &str, protocol: IpProtocol, context: Context<'_>) -> Result<Vec<Peer>, AwsError> {
    let text = text.trim();
    let any_ipv4 = || Peer::CidrIpv4(Ipv4Net::default());
    let any_ipv6 = || Peer::CidrIpv6(Ipv6Net::default());
    match text.to_ascii_lowercase().replace([' ', '_'], "-").as_str() {
        "anywhere" => {
            let has_ipv6 =
                context.world.vpcs.get(context.vpc_id).is_some_and(|vpc| !vpc.cidr_ipv6.is_empty());
            // ICMP is of one family, so only that family's `anywhere` can match.
            return Ok(match protocol {
                IpProtocol::ICMP => vec![any_ipv4()],
                IpProtocol::ICMPV6 => vec![any_ipv6()],
                _ if has_ipv6 => vec![any_ipv4(), any_ipv6()],
                _ => vec![any_ipv4()],
            });
        }
        "anywhere-ipv4" => return Ok(vec![any_ipv4()]),
        "anywhere-ipv6" => return Ok(vec![any_ipv6()]),
        "my-ip" => {
            let address = context.my_ip.ok_or_else(|| {
                AwsError::invalid_value(
                    "`my-ip` is not known here: write the address as a block, such as 203.0.113.10/32",
                )
            })?;
            return Ok(vec![Peer::CidrIpv4(Ipv4Net::from(address))]);
        }
        "self" | "itself" => {
            let own = context.own_group.ok_or_else(|| AwsError::invalid_value("`self` is not known here"))?;
            return Ok(vec![Peer::ReferencedGroup(own.clone())]);
        }
        _ => {}
    }
    if let Some(name) = strip_word(text, "sg").or_else(|| strip_word(text, "group")) {
        return Ok(vec![Peer::ReferencedGroup(parse_group(name, context)?)]);
    }
    if let Some(name) = strip_word(text, "pl").or_else(|| strip_word(text, "prefix-list")) {
        return Ok(vec![Peer::PrefixList(parse_prefix_list(name, context)?)]);
    }
    match text.parse::<IpNet>() {
        Ok(IpNet::V4(net)) => return Ok(vec![Peer::CidrIpv4(net.trunc())]),
        Ok(IpNet::V6(net)) => return Ok(vec![Peer::CidrIpv6(net.trunc())]),
        Err(_) => {}
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        //
        let length = if address.is_ipv4() { 32 } else { 128 };
        let AwsError { code, message } = malformed_cidr(text);
        return Err(AwsError::new(code, format!("{message}: a single address is written {text}/{length}")));
    }
    if text.starts_with("pl-") {
        return Ok(vec![Peer::PrefixList(parse_prefix_list(text, context)?)]);
    }
    if group::by_name(context.world, context.vpc_id, text).is_none() {
        if is_like_a_block(text) {
            return Err(malformed_cidr(text));
        }
        if !lists_named(text, context).is_empty() {
            return Ok(vec![Peer::PrefixList(parse_prefix_list(text, context)?)]);
        }
    }
    Ok(vec![Peer::ReferencedGroup(parse_group(text, context)?)])
}

/// Reads a prefix list: an id, or a name in the VPC's region.
///
/// # Errors
/// `InvalidPrefixListID.NotFound` where there is none, `InvalidParameterValue` where several have the name.
pub fn parse_prefix_list(text: &str, context: Context<'_>) -> Result<PrefixListId, AwsError> {
    let text = text.trim();
    match &lists_named(text, context)[..] {
        [list] => Ok(list.id.clone()),
        [] if text.starts_with("pl-") => text.parse(),
        [] => Err(AwsError::new(
            "InvalidPrefixListID.NotFound",
            format!("The prefix list '{text}' does not exist in the region of VPC '{}'", context.vpc_id),
        )),
        several => {
            let ids = several.iter().map(|list| list.id.as_str()).collect::<Vec<_>>();
            Err(AwsError::invalid_value(format!(
                "Several prefix lists are named '{text}'; write one's id: {}",
                ids.join(", ")
            )))
        }
    }
}

fn lists_named<'w>(name: &str, context: Context<'w>) -> Vec<&'w PrefixList> {
    let vpc = context.world.vpcs.get(context.vpc_id);
    vpc.map_or_else(Vec::new, |vpc| prefix_list::by_name(context.world, &vpc.region, name))
}

/// Reads a group: an id; a name in the VPC; `VPC/NAME`; or a name that only one group has among those associated with the
/// VPC and those of its active peers.
///
/// # Errors
/// `InvalidGroup.NotFound` where there is none, `InvalidGroupId.Malformed` where it starts like an id but is none.
pub fn parse_group(text: &str, context: Context<'_>) -> Result<SecurityGroupId, AwsError> {
    let text = text.trim();
    if text.starts_with("sg-") {
        // M-22: no group's name starts so.
        let id: SecurityGroupId = text.parse()?;
        return if context.world.security_groups.contains_key(&id) { Ok(id) } else { Err(id.not_found()) };
    }
    let own = group::by_name(context.world, context.vpc_id, text);
    own.or_else(|| group_elsewhere(text, context)).map(|group| group.id.clone()).ok_or_else(|| {
        AwsError::new(
            "InvalidGroup.NotFound",
            format!("The security group '{text}' does not exist in VPC '{}'", context.vpc_id),
        )
    })
}

fn group_elsewhere<'w>(text: &str, context: Context<'w>) -> Option<&'w SecurityGroup> {
    let Context { world, vpc_id, .. } = context;
    let in_vpc = text.split_once('/').and_then(|(vpc, name)| {
        let vpc = world.vpcs.values().find(|it| it.id.as_str() == vpc || it.name() == vpc)?;
        group::by_name(world, &vpc.id, name)
    });
    in_vpc.or_else(|| {
        let is_near = |group: &&SecurityGroup| {
            group.is_usable_in(vpc_id) || world.peers_of(vpc_id).any(|peer| *peer == group.vpc_id)
        };
        let named = world.security_groups.values().filter(|group| group.name.eq_ignore_ascii_case(text));
        match named.filter(is_near).collect::<Vec<_>>()[..] {
            [group] => Some(group),
            _ => None,
        }
    })
}

fn unknown_what(text: &str) -> AwsError {
    AwsError::invalid_value(format!(
        "Invalid rule type `{text}`: write a console type such as HTTP, SSH, PostgreSQL or All traffic, or a protocol with ports such as `tcp 8080`"
    ))
}

/// Whether a text was meant as a block: digits and dots, or colons, or a length after a slash.
fn is_like_a_block(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let is_ipv4 = address.contains('.') && address.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_ipv6 =
        address.contains(':') && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.');
    (is_ipv4 || is_ipv6) && length.bytes().all(|b| b.is_ascii_digit())
}

/// What follows a first word, in any case.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    first.eq_ignore_ascii_case(word).then(|| rest.trim())
}

/// What stands before and after the first such word, in any case.
fn split_at_word<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let lower = text.to_ascii_lowercase();
    let at = lower.find(&format!(" {word} "))?;
    Some((text[..at].trim(), text[at + word.len() + 2..].trim()))
}
