//! What a story is made of: acts, their steps, and what each step expects. Data only.

use std::fmt;

/// A part of the story, under its own heading.
pub(super) struct Act {
    pub(super) title: &'static str,
    pub(super) steps: &'static [Step],
}

/// One thing that is tried.
pub(super) struct Step {
    /// What is tried, as a sentence without a full stop.
    pub(super) what: &'static str,
    /// `sgsim` commands that come first.
    pub(super) changes: &'static [&'static str],
    pub(super) action: Action,
    /// What AWS does and why.
    pub(super) aws: &'static str,
    /// What must really have happened.
    pub(super) end: End,
    /// Who must have decided so.
    pub(super) decided: Decided,
}

/// How a step tries it.
pub(super) enum Action {
    /// One client, once.
    Try(Path),
    /// A session that is opened, used and kept until the act ends.
    Open(Path),
    /// The open session with that receiver is used again. What AWS calls tracked is in a flow entry.
    GoOn(Path),
}

/// From whom to whom and with what.
pub(super) struct Path {
    pub(super) client: Client,
    /// An instance or `internet`; `INSTANCE:INDEX` where it leaves by another interface than the primary one.
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) family: Family,
}

/// What asks; which program that is depends on the servers of the lab.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// An HTTP request to this port.
    Web(u16),
    /// A query of the database.
    Database,
    /// A line to an SSH port's stand-in, and the answer.
    Ssh,
    /// The same with a line that is longer than a packet to the internet.
    LongLine,
    /// An echo request.
    Ping,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// How a try ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    /// Nothing came back: what a denial looks like in AWS.
    TimedOut,
    /// Somebody said no, which a security group never does.
    Refused,
    /// The client failed in some other way.
    Failed,
}

/// What decided, in the order in which it is asked.
pub(super) enum Decided {
    /// The sender's groups, outbound, then the receiver's, inbound.
    Ends(Say, Say),
    /// The receiver's flow entry, whose rule is gone.
    EntryOfRevokedRule,
    /// The sender holds no flow entry any more, and no rule lets the answers in.
    NoEntry,
    /// The receiver's answers were too big for the path, and its kernel has learnt this of it, or has heard nothing.
    PathMtu(Option<u16>),
    /// What `sgsim explain` says without sending anything: the code of what stops it, and the receiver's groups.
    Explained(Option<&'static str>, Say),
}

/// What one end's groups say.
#[derive(Clone, Copy)]
pub(super) enum Say {
    /// Outside of every VPC: there are no groups.
    Nothing,
    /// This rule of this group allows it.
    Rule(&'static str, &'static str),
    /// No rule allows it.
    NoRule,
    /// This entry of the network ACL denies it.
    AclEntry(u16),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "answered",
            Self::TimedOut => "timed out",
            Self::Refused => "refused",
            Self::Failed => "failed",
        })
    }
}

impl Path {
    /// The instance that the client runs in.
    pub(super) fn instance(&self) -> &'static str {
        self.from.split_once(':').map_or(self.from, |(instance, _)| instance)
    }

    /// What `sgsim probe` calls the traffic.
    pub(super) fn traffic(&self) -> String {
        self.client.port().map_or_else(|| "icmp".to_owned(), |port| format!("tcp/{port}"))
    }
}

impl Client {
    pub(super) const DATABASE_PORT: u16 = 5432;
    pub(super) const SSH_PORT: u16 = 22;
    /// Bytes of a long line.
    pub(super) const LENGTH: u16 = 4000;

    /// The server's TCP port.
    pub(super) fn port(self) -> Option<u16> {
        match self {
            Self::Web(port) => Some(port),
            Self::Database => Some(Self::DATABASE_PORT),
            Self::Ssh | Self::LongLine => Some(Self::SSH_PORT),
            Self::Ping => None,
        }
    }
}
