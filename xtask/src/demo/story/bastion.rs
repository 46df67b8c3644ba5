//! Groups belong to interfaces, not to instances: the same server on the same port is open on one and closed on the other.

use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "An instance with two interfaces has two sets of groups",
    steps: &[
        Step {
            what: "the internet opens SSH to the bastion's outer interface",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Ssh,
                from: "internet",
                to: "bastion",
                family: Family::V4,
            }),
            aws: "allows it: SSH from my-ip in admin",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, Say::Rule("admin", "inbound tcp 22 from 203.0.113.10/32")),
        },
        Step {
            what: "the internet opens SSH to the bastion's inner interface",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Ssh,
                from: "internet",
                to: "bastion:1",
                family: Family::V4,
            }),
            aws: "drops it: maintenance allows nothing inbound",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
        Step {
            what: "the bastion opens SSH to db-1, by its inner interface",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Ssh,
                from: "bastion:1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "allows it: SSH from the group maintenance",
            end: End::Answered,
            decided: Decided::Ends(
                Say::Rule("maintenance", "outbound all to 0.0.0.0/0"),
                Say::Rule("db", "inbound tcp 22 from sg maintenance"),
            ),
        },
        Step {
            what: "the bastion opens SSH to web-1, by its outer interface",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Ssh,
                from: "bastion",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "drops it: that interface is not in maintenance",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Rule("admin", "outbound all to 0.0.0.0/0"), Say::NoRule),
        },
    ],
};
