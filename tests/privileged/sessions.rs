//! What a revoked rule does to an open session: nothing where it is tracked, an end at once where it is not.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use sg_tests::harness::address::{CLIENT, OUTSIDER, OUTSIDER6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

use crate::product::{PATIENCE, Product};
use crate::traffic::{SILENCE, Traffic, check_allowed, check_denied};

/// An open connection to an echo server.
pub(crate) struct Session(TcpStream);

impl Session {
    pub(crate) fn open(namespace: &str, to: IpAddr) -> Self {
        let connect = || Ok(TcpStream::connect_timeout(&SocketAddr::new(to, 80), PATIENCE)?);
        let stream = namespace::run_in(namespace, connect).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut session = Self(stream);
        assert!(session.hear(PATIENCE).unwrap().contains("greets"));
        session
    }

    /// Sends a line and hears it again.
    #[track_caller]
    pub(crate) fn check(&mut self, text: &str) {
        self.0.write_all(format!("{text}\n").as_bytes()).unwrap();
        self.check_resumed(text);
    }

    /// Sends a line that does not come back.
    #[track_caller]
    pub(crate) fn check_cut(&mut self, text: &str) {
        self.0.write_all(format!("{text}\n").as_bytes()).unwrap();
        assert_eq!(self.hear(SILENCE), None, "{text}");
    }

    /// Hears that line after all: TCP has kept trying.
    #[track_caller]
    pub(crate) fn check_resumed(&mut self, text: &str) {
        assert!(self.hear(PATIENCE).unwrap().ends_with(&format!(": {text}\n")));
    }

    /// A line, or nothing within that time.
    fn hear(&mut self, timeout: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(timeout)).unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            match self.0.read(&mut byte) {
                Ok(0) => panic!("the session has ended"),
                Ok(_) => line.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock && line.is_empty() => return None,
                Err(error) => panic!("the session broke: {error}"),
            }
        }
        Some(String::from_utf8(line).unwrap())
    }
}

/// How many flow entries an interface has for TCP port 80 with a peer.
pub(crate) fn entries(lab: &Product, interface: &str, remote: IpAddr) -> usize {
    let flows = lab.json(&format!("flows --interface {interface}"));
    let rows = flows["flows"].as_array().unwrap().iter();
    rows.filter(|row| row["local_port"] == 80 && row["remote"] == remote.to_string()).count()
}

#[test]
fn tracked_session_goes_on_after_a_revoke_and_new_connections_time_out() {
    let lab = Product::up(&standard_lab());
    let client = lab.namespace("client");
    for (to, words) in [
        (WEB.into(), "web inbound HTTP from 10.0.0.0/16"),
        (WEB6.into(), "web inbound HTTP from 2600:1f18:0:100::/56"),
        (WEB.into(), "web inbound HTTP from sg client"),
    ] {
        lab.say(&format!("rule allow {words}"));
        let mut session = Session::open(&client, to);
        session.check("before");
        lab.say(&format!("rule revoke {words}"));
        session.check("after");
        check_denied(&client, None, to, Traffic::Tcp(80));
        session.check("still");
        lab.say(&format!("rule allow {words}"));
        check_allowed(&client, None, to, Traffic::Tcp(80));
        session.check("at last");
        lab.say(&format!("rule revoke {words}"));
    }
    assert!(entries(&lab, "web", CLIENT.into()) > 0);
}

#[test]
fn untracked_session_is_cut_at_once_and_comes_back_with_its_rule() {
    let lab = Product::up(&standard_lab());
    let internet = lab.namespace("internet");
    for (to, from, words) in [
        (IpAddr::from(WEB), IpAddr::from(OUTSIDER), "web inbound HTTP from 0.0.0.0/0"),
        (WEB6.into(), OUTSIDER6.into(), "web inbound HTTP from ::/0"),
    ] {
        lab.say(&format!("rule allow {words}"));
        let mut session = Session::open(&internet, to);
        session.check("before");
        assert_eq!(entries(&lab, "web", from), 0, "open in both directions: no entry");
        lab.say(&format!("rule revoke {words}"));
        session.check_cut("lost");
        lab.say(&format!("rule allow {words}"));
        session.check_resumed("lost");
        session.check("after");
        lab.say(&format!("rule revoke {words}"));
        check_denied(&internet, None, to, Traffic::Tcp(80));
    }
}
