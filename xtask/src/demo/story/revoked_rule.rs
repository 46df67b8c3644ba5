//! Security groups are stateful: a tracked connection outlives the rule that let it in.

use super::{DATABASE_IN, DEFAULT_OUT};
use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "A revoked rule stops new connections, not open ones",
    steps: &[
        Step {
            what: "web-1 opens a session with the database and keeps it",
            changes: &[],
            action: Action::Open(Path {
                client: Client::Database,
                from: "web-1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "allows it, and tracks the connection",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DATABASE_IN),
        },
        Step {
            what: "the rule is revoked, and the open session goes on",
            changes: &["rule revoke db inbound PostgreSQL from web"],
            action: Action::GoOn(Path {
                client: Client::Database,
                from: "web-1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "lets tracked connections go on until they end",
            end: End::Answered,
            decided: Decided::EntryOfRevokedRule,
        },
        Step {
            what: "web-1 opens a new connection",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Database,
                from: "web-1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "drops it: new connections meet the rules of now",
            end: End::TimedOut,
            decided: Decided::Ends(DEFAULT_OUT, Say::NoRule),
        },
        Step {
            what: "the open session goes on still",
            changes: &[],
            action: Action::GoOn(Path {
                client: Client::Database,
                from: "web-1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "lets it go on",
            end: End::Answered,
            decided: Decided::EntryOfRevokedRule,
        },
        Step {
            what: "the rule is back, and web-1 opens a new connection",
            changes: &["rule allow db inbound PostgreSQL from web"],
            action: Action::Try(Path {
                client: Client::Database,
                from: "web-1",
                to: "db-1",
                family: Family::V4,
            }),
            aws: "allows it at once",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DATABASE_IN),
        },
    ],
};
