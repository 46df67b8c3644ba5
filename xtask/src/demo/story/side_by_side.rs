//! An untracked connection beside a tracked one: a revoked rule cuts the first, a network ACL either.

use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

const UNTRACKED: Path = Path { client: Client::Ssh, from: "internet", to: "web-2", family: Family::V4 };
const TRACKED: Path = Path { client: Client::Ssh, from: "internet", to: "bastion", family: Family::V4 };
const FOR_EVERYBODY: Say = Say::Rule("web", "inbound tcp 22 from 0.0.0.0/0");
const FOR_MY_IP: Say = Say::Rule("admin", "inbound tcp 22 from 203.0.113.10/32");

pub(super) const ACT: Act = Act {
    title: "A rule's end cuts what is untracked, a network ACL cuts everything",
    steps: &[
        Step {
            what: "the internet opens a session with web-2, by a rule for everybody",
            changes: &["rule allow web inbound SSH from anywhere"],
            action: Action::Open(UNTRACKED),
            aws: "allows it without tracking: 0.0.0.0/0 in, everything out",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, FOR_EVERYBODY),
        },
        Step {
            what: "and one with the bastion, by a rule for its own address",
            changes: &[],
            action: Action::Open(TRACKED),
            aws: "allows it, and tracks the connection",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, FOR_MY_IP),
        },
        Step {
            what: "both rules are revoked, and the session with web-2 is used again",
            changes: &[
                "rule revoke web inbound SSH from anywhere",
                "rule revoke admin inbound SSH from my-ip",
            ],
            action: Action::GoOn(UNTRACKED),
            aws: "drops it: every packet of an untracked connection meets the rules",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
        Step {
            what: "and the one with the bastion",
            changes: &[],
            action: Action::GoOn(TRACKED),
            aws: "lets it go on: it is tracked",
            end: End::Answered,
            decided: Decided::EntryOfRevokedRule,
        },
        Step {
            what: "the subnets' network ACL denies SSH, and the session with the bastion is used again",
            changes: &["acl deny default 90 inbound SSH from my-ip"],
            action: Action::GoOn(TRACKED),
            aws: "drops it at once: a network ACL has no memory",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::AclEntry(90)),
        },
        Step {
            what: "entry and rule are as before, and the internet opens a new connection with the bastion",
            changes: &["acl remove default 90 inbound", "rule allow admin inbound SSH from my-ip"],
            action: Action::Try(TRACKED),
            aws: "allows it at once",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, FOR_MY_IP),
        },
    ],
};
