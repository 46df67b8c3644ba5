//! The way to the internet carries less than the links inside: senders find out, if they are let hear of it.

use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Step};

const TO_BASTION: Path =
    Path { client: Client::LongLine, from: "internet", to: "bastion", family: Family::V4 };
const TO_BASTION_V6: Path = Path { family: Family::V6, ..TO_BASTION };
const TO_WEB_2: Path = Path { to: "web-2", ..TO_BASTION };
/// Another one, because the internet host has learnt meanwhile how narrow the way to web-2 is, and would ask for less.
const TO_WEB_1: Path = Path { to: "web-1", ..TO_BASTION };
/// `internet-mtu` of the lab.
const MTU: u16 = 1400;

pub(super) const ACT: Act = Act {
    title: "Path MTU discovery works for what is tracked, and needs a rule for what is not",
    steps: &[
        Step {
            what: "the bastion answers the internet with more than a packet carries",
            changes: &[],
            action: Action::Try(TO_BASTION),
            aws: "lets \"packet too big\" through to it: the message is about a tracked connection",
            end: End::Answered,
            decided: Decided::PathMtu(Some(MTU)),
        },
        Step {
            what: "the same over IPv6",
            changes: &["rule allow admin inbound SSH from 2001:db8:ffff::10/128"],
            action: Action::Try(TO_BASTION_V6),
            aws: "lets ICMPv6's message through likewise",
            end: End::Answered,
            decided: Decided::PathMtu(Some(MTU)),
        },
        Step {
            what: "web-2 tries, whose rule for everybody leaves connections untracked",
            changes: &["rule allow web inbound SSH from anywhere"],
            action: Action::Try(TO_WEB_2),
            aws: "drops the message: it is about no tracked connection, and no rule allows ICMP",
            end: End::TimedOut,
            decided: Decided::PathMtu(None),
        },
        Step {
            what: "the message is allowed, and web-1 tries, which has the same rules",
            changes: &["rule allow web inbound icmp frag-needed from 10.0.0.0/16"],
            action: Action::Try(TO_WEB_1),
            aws: "allows it by that rule",
            end: End::Answered,
            decided: Decided::PathMtu(Some(MTU)),
        },
    ],
};
