//! Members of the default group reach each other; whoever carries another group with them does not. web-2 has carried
//! it from the start.

use super::{DEFAULT_OUT, DEFAULT_SELF, WEB_OUT};
use crate::demo::step::{Act, Action, Client, Decided, End, Family, Path, Say, Step};

pub(super) const ACT: Act = Act {
    title: "The default group opens web servers to each other",
    steps: &[
        Step {
            what: "web-1 asks web-2 on port 8080",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(8080),
                from: "web-1",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "drops it: web-2 is in default, web-1 is not",
            end: End::TimedOut,
            decided: Decided::Ends(WEB_OUT, Say::NoRule),
        },
        Step {
            what: "web-2 asks web-1 on port 8080",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(8080),
                from: "web-2",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "drops it: nothing in web allows port 8080",
            end: End::TimedOut,
            decided: Decided::Ends(DEFAULT_OUT, Say::NoRule),
        },
        Step {
            what: "the default group is put on web-1's interface too, and web-1 asks again",
            changes: &["interface set-groups web-1 web default"],
            action: Action::Try(Path {
                client: Client::Web(8080),
                from: "web-1",
                to: "web-2",
                family: Family::V4,
            }),
            aws: "allows it at once: both are members of default",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DEFAULT_SELF),
        },
        Step {
            what: "web-2 asks web-1 on port 8080",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(8080),
                from: "web-2",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "allows it: membership works both ways",
            end: End::Answered,
            decided: Decided::Ends(DEFAULT_OUT, DEFAULT_SELF),
        },
        Step {
            what: "the internet asks web-1 on port 8080",
            changes: &[],
            action: Action::Try(Path {
                client: Client::Web(8080),
                from: "internet",
                to: "web-1",
                family: Family::V4,
            }),
            aws: "still drops it: the internet is no member",
            end: End::TimedOut,
            decided: Decided::Ends(Say::Nothing, Say::NoRule),
        },
    ],
};
