//! The exception to the act before: what a rule for everybody lets in is not tracked, if everything may go out.

use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "A revoked rule for everybody cuts open connections too",
    steps: &[
        Step {
            what: "SSH is allowed from anywhere, and the internet opens a session with web-2",
            changes: &["rule allow web inbound SSH from anywhere"],
            action: Action::Open(Path {
                client: Client::Ssh,
                from: "internet",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "allows it without tracking: 0.0.0.0/0 in, everything out",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, Say::Rule("web", "inbound tcp 22 from 0.0.0.0/0")),
        },
        Step {
            what: "the rule is revoked, and the session is used again",
            changes: &["rule revoke web inbound SSH from anywhere"],
            action: Action::GoOn(Path {
                client: Client::Ssh,
                from: "internet",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "drops it: every packet of an untracked connection meets the rules",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
    ],
};
