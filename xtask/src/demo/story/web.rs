//! Anyone reaches a web server, on the ports that its group allows.

use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "Web servers are open to the internet on their ports alone",
    steps: &[
        Step {
            what: "the internet asks web-1 on port 80",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(80),
                from: "internet",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "allows it: HTTP from anywhere",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, Say::Rule("web", "inbound tcp 80 from 0.0.0.0/0")),
        },
        Step {
            what: "the internet asks web-1 on port 443",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(443),
                from: "internet",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "allows it: HTTPS from anywhere",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, Say::Rule("web", "inbound tcp 443 from 0.0.0.0/0")),
        },
        Step {
            what: "the internet asks web-2 on port 80",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(80),
                from: "internet",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "allows it: web-2 carries the same group",
            end: End::Answered,
            decided: Decided::Ends(Say::Nothing, Say::Rule("web", "inbound tcp 80 from 0.0.0.0/0")),
        },
        Step {
            what: "the internet asks web-1 on port 8080, where a server listens too",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(8080),
                from: "internet",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "drops it without a word: no rule allows it",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
    ],
};
