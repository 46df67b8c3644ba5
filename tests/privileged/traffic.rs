//! What is sent from inside an instance, and what has to come of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sg_userspace::lab::client::{self, ClientSpec, Family, Outcome, Probe};
use sg_userspace::lab::namespace;

use crate::product::{PATIENCE, until};

/// How long to listen for an answer that must not come: shorter than TCP's second try.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    Tcp(u16),
    Udp(u16),
    Echo,
}

/// Sends from a namespace, and says what came of it.
pub(crate) fn ask(
    namespace: &str,
    source: Option<IpAddr>,
    to: IpAddr,
    traffic: Traffic,
    timeout: Duration,
) -> Outcome {
    let (probe, port) = match traffic {
        Traffic::Tcp(port) => (Probe::Line, port),
        Traffic::Udp(port) => (Probe::Udp, port),
        Traffic::Echo => (Probe::Icmp, 0),
    };
    let source = source.map(|address| SocketAddr::new(address, 0));
    let spec = ClientSpec { host: to.to_string(), port, probe, family: Family::Any, timeout, source };
    let report = namespace::run_in(namespace, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(client::connect(spec))
    });
    report.unwrap().outcome
}

/// An answer comes.
#[track_caller]
pub(crate) fn check_allowed(namespace: &str, source: Option<IpAddr>, to: IpAddr, traffic: Traffic) {
    let outcome = ask(namespace, source, to, traffic, PATIENCE);
    assert_eq!(outcome, Outcome::Answered, "{traffic:?} to {to}");
}

/// Nothing at all comes back (E-20).
#[track_caller]
pub(crate) fn check_denied(namespace: &str, source: Option<IpAddr>, to: IpAddr, traffic: Traffic) {
    let outcome = ask(namespace, source, to, traffic, SILENCE);
    assert_eq!(outcome, Outcome::TimedOut, "{traffic:?} to {to}");
}

/// An answer comes, once the servers of an instance that was started or rebooted listen: nobody waits for them.
#[track_caller]
pub(crate) fn check_allowed_soon(namespace: &str, to: IpAddr, traffic: Traffic) {
    until("it is answered", || ask(namespace, None, to, traffic, PATIENCE) == Outcome::Answered);
}
