//! The faults. Each changes what happens to some packet; one that changes nothing that anybody can see has no place here.
//! The first of each kind is tried in every `ci`.

/// What a fault is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// From rules to policies.
    Compiler,
    /// From a packet to its rule.
    Matcher,
    /// Flow entries and fragments.
    Tracker,
    /// The order of bytes and words.
    ByteOrder,
    /// From a frame to a packet.
    Parser,
    /// The BPF programs around the decision core.
    Shell,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Compiler => "compiler",
            Self::Matcher => "matcher",
            Self::Tracker => "tracker",
            Self::ByteOrder => "byte order",
            Self::Parser => "parser",
            Self::Shell => "BPF shell",
        }
    }
}

/// A fault.
pub(super) struct Mutant {
    /// What it does.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Where, from the root.
    pub(super) file: &'static str,
    /// What is there, once.
    pub(super) old: &'static str,
    /// What is there instead.
    pub(super) new: &'static str,
}

const POLICY: &str = "sg-userspace/src/compile/policy.rs";
const WORDS: &str = "sg-userspace/src/compile/words.rs";
const PORTS: &str = "sg-userspace/src/compile/ports.rs";
const SEARCH: &str = "sg-common/src/datapath/search.rs";
const RULES: &str = "sg-common/src/datapath/rules.rs";
const JUDGE: &str = "sg-common/src/datapath/judge.rs";
const MATCHING: &str = "sg-common/src/datapath/matching.rs";
const ADMIT: &str = "sg-common/src/datapath/admit.rs";
const TRACKING: &str = "sg-common/src/datapath/tracking.rs";
const PARSE: &str = "sg-common/src/datapath/parse.rs";
const SHELL_TABLES: &str = "sg-ebpf/src/tables.rs";

const fn mutant(
    kind: Kind,
    name: &'static str,
    file: &'static str,
    old: &'static str,
    new: &'static str,
) -> Mutant {
    Mutant { name, kind, file, old, new }
}

/// All of them.
pub(super) const MUTANTS: &[Mutant] = &[
    mutant(Kind::Compiler, "range-one-short", PORTS, "edges.push(last + 1);", "edges.push(last);"),
    mutant(
        Kind::Compiler,
        "block-one-short",
        WORDS,
        "edges.push((last + 1, *rank, false));",
        "edges.push((last, *rank, false));",
    ),
    mutant(
        Kind::Compiler,
        "youngest-rule-first",
        POLICY,
        "(!entry.rule.peer.is_open(), entry.rule.number)",
        "(!entry.rule.peer.is_open(), u32::MAX - entry.rule.number)",
    ),
    mutant(
        Kind::Compiler,
        "any-open-rule-returns",
        POLICY,
        "(rule.protocol == protocol && rule.ports == PortRange::EVERY_PORT)",
        "rule.protocol == protocol",
    ),
    mutant(
        Kind::Compiler,
        "icmpv6-rule-for-ipv4",
        PORTS,
        "(Peer::CidrIpv6(_), IpProtocol::ICMP) | (Peer::CidrIpv4(_), IpProtocol::ICMPV6) => &[],",
        "(Peer::CidrIpv6(_), IpProtocol::ICMP) => &[],",
    ),
    mutant(
        Kind::Matcher,
        "bound-not-reached",
        SEARCH,
        "below(u64::from(bound), u64::from(key) + 1)",
        "below(u64::from(bound), u64::from(key))",
    ),
    mutant(
        Kind::Matcher,
        "wide-bound-turned-round",
        SEARCH,
        "borrow(key.low, low, 0)",
        "borrow(low, key.low, 0)",
    ),
    mutant(Kind::Matcher, "last-group-decides", RULES, "best = best.min(", "best = u32::min(NO_RANK, "),
    mutant(
        Kind::Matcher,
        "answer-by-destination-port",
        RULES,
        "packet.tuple.protocol, packet.tuple.source_port)",
        "packet.tuple.protocol, packet.tuple.destination_port)",
    ),
    mutant(
        Kind::Matcher,
        "forwarder-is-member",
        MATCHING,
        "owner.record().number == bench.sender",
        "bench.sender != 0",
    ),
    mutant(
        Kind::Matcher,
        "last-acl-entry-allows",
        "sg-common/src/datapath/access_list.rs",
        "implicit | ENTRY_DENIES",
        "implicit",
    ),
    mutant(
        Kind::Matcher,
        "way-one-byte-narrower",
        "sg-common/src/datapath/path_mtu.rs",
        "packet.length <= packet.path_mtu ",
        "packet.length < packet.path_mtu ",
    ),
    mutant(
        Kind::Tracker,
        "reset-lingers",
        TRACKING,
        "TCP_RESET: u32 = ticks(10)",
        "TCP_RESET: u32 = ticks(11)",
    ),
    mutant(
        Kind::Tracker,
        "stream-too-early",
        TRACKING,
        "if before.has(FlowBits::ASKED_AGAIN) {",
        "if before.has(FlowBits::REPLIED) {",
    ),
    mutant(
        Kind::Tracker,
        "entry-lives-twice-as-long",
        JUDGE,
        "age(self.tick, state.last_seen)\n                < u64::from(",
        "age(self.tick, state.last_seen)\n                < 2 * u64::from(",
    ),
    mutant(
        Kind::Tracker,
        "old-entry-stays",
        ADMIT,
        "if packet.entry == Packet::ENTRY_STARTS_OVER {",
        "if packet.entry == Packet::ENTRY_ENDED {",
    ),
    mutant(
        Kind::Tracker,
        "open-midstream-makes-entry",
        ADMIT,
        "if is_tcp && !is_syn(packet.flags) {",
        "if is_tcp && packet.flags & tcp::RST != 0 {",
    ),
    mutant(
        Kind::Tracker,
        "fragment-forgotten-early",
        JUDGE,
        "FRAGMENT_LIFETIME: u32 = ticks(30)",
        "FRAGMENT_LIFETIME: u32 = ticks(29)",
    ),
    mutant(
        Kind::ByteOrder,
        "ports-little-endian",
        PARSE,
        "tuple.source_port = (word >> 16) as u16;",
        "tuple.source_port = ((word >> 16) as u16).swap_bytes();",
    ),
    mutant(
        Kind::ByteOrder,
        "ipv4-source-little-endian",
        PARSE,
        "packet.tuple.source = Address::v4(header[3]);",
        "packet.tuple.source = Address::v4(header[3].swap_bytes());",
    ),
    mutant(
        Kind::ByteOrder,
        "ipv6-words-turned-round",
        WORDS,
        "[96, 64, 32, 0].map(|shift| low_word(bound, shift))",
        "[0, 32, 64, 96].map(|shift| low_word(bound, shift))",
    ),
    mutant(
        Kind::Parser,
        "length-not-compared",
        PARSE,
        "        || total_length > frame.length() - ETHERNET_LENGTH\n",
        "",
    ),
    mutant(Kind::Parser, "second-fragment-taken-for-first", PARSE, "if offset != 0 {", "if offset > 1 {"),
    mutant(Kind::Parser, "error-about-error", PARSE, " && !is_icmp_error(family, about.icmp_kind())", ""),
    mutant(Kind::Parser, "redirect-is-judged", PARSE, "(133..=137)", "(133..=136)"),
    mutant(
        Kind::Shell,
        "old-entry-not-removed",
        SHELL_TABLES,
        "u64::from(maps::FLOWS4.remove(&scratch.key4).is_ok())",
        "u64::from(maps::FLOWS6.remove(&scratch.key6).is_ok())",
    ),
    mutant(
        Kind::Shell,
        "clock-offset-ignored",
        SHELL_TABLES,
        "tick_of(now.wrapping_add(offset))",
        "tick_of(now.wrapping_add(offset & 1))",
    ),
    mutant(
        Kind::Shell,
        "address-bytes-turned-round",
        "sg-ebpf/src/policy.rs",
        "ports_of_ipv4(&policy, address).0",
        "ports_of_ipv4(&policy, address.swap_bytes()).0",
    ),
    mutant(
        Kind::Shell,
        "rule-cut-short",
        "sg-ebpf/src/stages.rs",
        "u64::from(reason.0) << 32 | u64::from(rule)",
        "u64::from(reason.0) << 32 | u64::from(rule as u8)",
    ),
    mutant(
        Kind::Shell,
        "frame-not-counted",
        "sg-ebpf/src/deliver.rs",
        "    count::frame(&fate);\n    complain(ctx, slot, fate.reason);",
        "    complain(ctx, slot, fate.reason);",
    ),
];
