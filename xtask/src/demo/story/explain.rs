//! Why something gets through or not, worked out from rules and then tried with a packet.

use super::DATABASE_IN;
use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

const FROM_WEB: Path = Path { client: Client::Database, from: "web-1", to: "db-1", family: Family::V4 };
const FROM_INTERNET: Path = Path { from: "internet", ..FROM_WEB };

pub(super) const ACT: Act = Act {
    title: "An explanation names the rule, or what is missing",
    steps: &[
        Step {
            what: "why does web-1 reach the database?",
            changes: &[],
            action: Action::Try(FROM_WEB),
            aws: "says: reachable, by the rule of db",
            end: End::Answered,
            decided: Decided::Explained(None, DATABASE_IN),
        },
        Step {
            what: "why does it not, once a network ACL denies PostgreSQL?",
            changes: &["acl deny default 90 inbound PostgreSQL from 10.0.1.0/24"],
            action: Action::Try(FROM_WEB),
            aws: "says: SUBNET_ACL_RESTRICTION; the rule of db would allow it",
            end: End::TimedOut,
            decided: Decided::Explained(Some("SUBNET_ACL_RESTRICTION"), DATABASE_IN),
        },
        Step {
            what: "why does the internet not, without the ACL's entry?",
            changes: &["acl remove default 90 inbound"],
            action: Action::Try(FROM_INTERNET),
            aws: "says: ENI_SG_RULES_MISMATCH; no rule allows it",
            end: End::TimedOut,
            decided: Decided::Explained(Some("ENI_SG_RULES_MISMATCH"), Say::NoRule),
        },
    ],
};
