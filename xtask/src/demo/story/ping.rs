//! ICMP has types instead of ports; the reply to an allowed request needs no rule.

use super::DEFAULT_OUT;
use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "A ping needs a rule like everything else",
    steps: &[
        Step {
            what: "the internet pings web-2",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Ping,
                from: "internet",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "drops it: no rule allows ICMP",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
        Step {
            what: "echo requests are allowed, and the internet pings again",
            changes: &["rule allow web inbound icmp echo-request from anywhere"],
            action: Action::Try(Path {
                client: Client::Ping,
                from: "internet",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "allows it, and the reply to it",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, Say::Rule("web", "inbound icmp 8 from 0.0.0.0/0")),
        },
        Step {
            what: "web-2 pings the internet",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Ping,
                from: "web-2",
                to: "internet",
                family: Family::V4,
            }),
            aws: "allows it: all outbound, and replies follow",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, Say::Nothing),
        },
        Step {
            what: "the rule is revoked, and the internet pings again",
            changes: &["rule revoke web inbound icmp echo-request from anywhere"],
            action: Action::Try(Path {
                client: Client::Ping,
                from: "internet",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "drops it: no rule allows it any more",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
    ],
};
