//! A group as the source of a rule: PostgreSQL from the web servers, whatever their addresses are.

use super::{DATABASE_IN, DEFAULT_OUT};
use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "The database answers the web servers and nobody else",
    steps: &[
        Step {
            what: "web-1 queries the database",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Database,
                from: "web-1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "allows it: PostgreSQL from the group web",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DATABASE_IN),
        },
        Step {
            what: "web-2 queries the database",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Database,
                from: "web-2",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "allows it: web-2 is in web as well",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DATABASE_IN),
        },
        Step {
            what: "the internet queries the database",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Database,
                from: "internet",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "drops it: the internet carries no group",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
        Step {
            what: "the bastion queries the database",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Database,
                from: "bastion:1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "drops it: the bastion is not in web",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Rule("maintenance", "outbound all to 0.0.0.0/0"), Say::NoRule),
        },
    ],
};
