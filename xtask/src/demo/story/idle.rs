//! A tracked connection lives on for as long as its entry does, and an entry that idles is forgotten.

use super::{DATABASE_IN, DEFAULT_OUT};
use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Step};

const PATH: Path = Path { client: Client::Database, from: "web-1", to: "db-1", family: Family::V4 };

pub(super) const ACT: Act = Act {
    title: "An idle connection is forgotten after five days",
    steps: &[
        Step {
            what: "web-1 opens a session with the database and keeps it",
            changes: &[],
            action: Action::Open(PATH),
            aws: "allows it, and tracks the connection",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DATABASE_IN),
        },
        Step {
            what: "five days pass without a packet, and the session is used again",
            changes: &["clock advance 5d"],
            action: Action::GoOn(PATH),
            aws: "lets it hang: with the entry gone, what comes back is new traffic that no rule allows",
            end: End::TimedOut,
            decided: Decided::NoEntry,
        },
        Step {
            what: "web-1 opens a new connection",
            changes: &[],
            action: Action::Try(PATH),
            aws: "allows it: the rules are as they were",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DATABASE_IN),
        },
    ],
};
