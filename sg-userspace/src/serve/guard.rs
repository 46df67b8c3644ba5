//! Who may ask: AWS's clients, which sign what they send. A page in a browser cannot send an AWS `Authorization` without being
//! asked first, and is refused by its `Origin` besides. A foreign `Host` is a name that somebody made point to this machine.
//!
//! Signatures are checked where there are credentials to check them by; without, any will do.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use hyper::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

use crate::aws::region::Region;
use crate::ec2::fault::Fault;

use super::authorization::Authorization;
use super::credentials::{Credentials, Secret};
use super::room::Peer;
use super::signature;

/// By which browsers say whose page asks. Programs send none.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the credentials are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// EC2.
    Ec2,
    /// The security token service, which says who one is.
    Sts,
}

/// Lets requests in, or not.
#[derive(Debug)]
pub(super) struct Guard {
    listen: SocketAddr,
    /// Names besides the loopback ones that clients may call this machine by.
    names: Vec<String>,
    credentials: Option<Credentials>,
}

/// A request whose head may pass. Its body is to be checked once it is there.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) region: Region,
    pub(super) service: Service,
    pub(super) access_key_id: String,
    /// What the body must have been signed with, if that is checked.
    signed: Option<Signed>,
}

#[derive(Debug)]
struct Signed {
    authorization: Authorization,
    secret: Secret,
    date: String,
}

impl Guard {
    /// For an endpoint that listens there, whose clients may call it by these names too.
    pub(super) fn new(listen: SocketAddr, names: Vec<String>, credentials: Option<Credentials>) -> Self {
        Self { listen, names, credentials }
    }

    /// Refuses what a web page may have sent, whatever it asks for.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(super) fn refuse_pages(&self, head: &Parts, peer: Peer) -> Result<(), Fault> {
        let forbidden = |message: &str| Err(Fault::new(403, "AccessDenied", message));
        // A browser's user may look at what only reads; no page may.
        let is_page = |site: &[u8]| site != b"none" && site != b"same-origin";
        let mut sites = head.headers.get_all(SEC_FETCH_SITE).iter();
        if head.headers.contains_key(ORIGIN) || sites.any(|site| is_page(site.as_bytes())) {
            return forbidden("Requests of web pages are refused");
        }
        if head.uri.scheme().is_some() || head.uri.authority().is_some() {
            return forbidden("This endpoint is no proxy");
        }
        match one(&head.headers, &HOST) {
            Some(host) if self.is_ours(host, peer) => Ok(()),
            _ => forbidden("The request's Host is not one of this endpoint"),
        }
    }

    /// Lets the head of a client's request pass.
    ///
    /// # Errors
    /// AWS's refusals of what is not signed, or not well.
    pub(super) fn check_head(&self, head: &Parts, peer: Peer, now: SystemTime) -> Result<Pass, Fault> {
        self.refuse_pages(head, peer)?;
        if head.headers.contains_key(SEC_FETCH_SITE) {
            return Err(Fault::new(403, "AccessDenied", "Requests of web pages are refused"));
        }
        if head.method != Method::POST || head.uri.path() != "/" {
            return Err(Fault::new(405, "MethodNotAllowed", "Requests are sent to / by POST"));
        }
        if head.uri.query().is_some() {
            let message = "Parameters are sent in the body, and signatures in the Authorization header";
            return Err(Fault::new(400, "MalformedQueryString", message));
        }
        if !head.headers.contains_key(AUTHORIZATION) {
            let message = "Request is missing Authentication Token";
            return Err(Fault::new(403, "MissingAuthenticationToken", message));
        }
        let authorization = Authorization::parse(one(&head.headers, &AUTHORIZATION).unwrap_or_default())?;
        let service = match authorization.service.as_str() {
            "ec2" => Service::Ec2,
            "sts" => Service::Sts,
            other => {
                let message = format!("The service {other} is not to be had here");
                return Err(Fault::new(400, "InvalidAction", message));
            }
        };
        let region = authorization.region.parse()?;
        let access_key_id = authorization.access_key_id.clone();
        let signed = match &self.credentials {
            Some(credentials) => Some(check_claim(credentials, authorization, service, &head.headers, now)?),
            None => None,
        };
        Ok(Pass { region, service, access_key_id, signed })
    }

    /// Whether a `Host` names this machine by a loopback name or address, by an address that it is listened on for, or by a
    /// name that it was given. Over the unix socket, which has no port, any will do.
    fn is_ours(&self, host: &str, peer: Peer) -> bool {
        let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, rest)) => (name, rest.strip_prefix(':')),
            None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        let is_port = matches!(peer, Peer::User(_))
            || port.map_or(self.listen.port() == 80, |port| port.parse() == Ok(self.listen.port()));
        // Nobody else can make an address point here, as they can a name.
        let is_address = |address: IpAddr| {
            address.is_loopback() || address == self.listen.ip() || self.listen.ip().is_unspecified()
        };
        let is_name = name.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
            || name.parse().is_ok_and(is_address);
        is_port && is_name
    }
}

impl Pass {
    /// Makes sure that a body is the one that was signed.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`.
    pub(super) fn check_body(&self, head: &Parts, body: &[u8]) -> Result<(), Fault> {
        match &self.signed {
            Some(Signed { authorization, secret, date }) => {
                signature::verify(authorization, secret, head, date, body)
            }
            None => Ok(()),
        }
    }
}

/// Makes sure that a request claims to be signed now and by a key that is known.
fn check_claim(
    credentials: &Credentials,
    authorization: Authorization,
    service: Service,
    headers: &HeaderMap,
    now: SystemTime,
) -> Result<Signed, Fault> {
    let date = signature::check_head(&authorization, headers, now)?.to_owned();
    let Some(key) = credentials.get(&authorization.access_key_id) else {
        // Each service has its own words.
        return Err(match service {
            Service::Ec2 => {
                let message = "AWS was not able to validate the provided access credentials";
                Fault::new(401, "AuthFailure", message)
            }
            Service::Sts => {
                let message = "The security token included in the request is invalid.";
                Fault::new(403, "InvalidClientTokenId", message)
            }
        });
    };
    key.check_token(headers)?;
    Ok(Signed { secret: key.secret.clone(), authorization, date })
}

/// The text of a header that is there once.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=00";
    const NETWORK: Peer = Peer::Address(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const HOST_OF_OURS: (&str, &str) = ("host", "localhost:4599");

    fn guard(listen: &str, names: &[&str]) -> Guard {
        Guard::new(listen.parse().unwrap(), names.iter().map(|name| (*name).to_owned()).collect(), None)
    }

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = hyper::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn code(checked: Result<Pass, Fault>) -> String {
        checked.map_or_else(|fault| format!("{} {}", fault.status, fault.error.code), |_| "pass".to_owned())
    }

    #[track_caller]
    fn check_with(headers: &[(&str, &str)]) -> Result<Pass, Fault> {
        guard("127.0.0.1:4599", &[]).check_head(&head("POST", "/", headers), NETWORK, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn signed_requests_pass_with_their_scope() {
        let found = check_with(&[HOST_OF_OURS, ("authorization", CREDENTIAL)]).unwrap();
        assert_eq!((found.region.as_str(), found.service), ("eu-west-1", Service::Ec2));
        assert_eq!(found.access_key_id, "AKID");
        let sts = CREDENTIAL.replace("/ec2/", "/sts/");
        let found = check_with(&[("host", "[::1]:4599"), ("authorization", &sts)]);
        assert_eq!(found.unwrap().service, Service::Sts);
    }

    #[test]
    fn web_pages_are_refused() {
        let signed = ("authorization", CREDENTIAL);
        let page = |header| code(check_with(&[HOST_OF_OURS, header, signed]));
        for header in [("origin", "null"), ("origin", "http://localhost:4599")] {
            assert_eq!(page(header), "403 AccessDenied", "{header:?}");
        }
        for site in ["cross-site", "same-site", "same-origin", "none", ""] {
            assert_eq!(page(("sec-fetch-site", site)), "403 AccessDenied", "{site}");
        }
        assert_eq!(page(("sec-fetch-mode", "cors")), "pass", "Node's fetch sends this");
    }

    #[test]
    fn only_what_reads_may_be_looked_at_in_a_browser() {
        let look = |headers: &[(&str, &str)]| {
            let headers = [&[HOST_OF_OURS], headers].concat();
            guard("127.0.0.1:4599", &[]).refuse_pages(&head("GET", "/metrics", &headers), NETWORK).is_ok()
        };
        assert!(look(&[]) && look(&[("sec-fetch-site", "none")]));
        assert!(!look(&[("sec-fetch-site", "cross-site")]) && !look(&[("origin", "null")]));
        assert!(!look(&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn foreign_names_are_refused() {
        let signed = ("authorization", CREDENTIAL);
        for host in [
            "evil.example:4599",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost.evil.example:4599",
            "10.0.0.1:4599",
            "",
        ] {
            assert_eq!(code(check_with(&[("host", host), signed])), "403 AccessDenied", "{host}");
        }
        assert_eq!(code(check_with(&[signed])), "403 AccessDenied");
        assert_eq!(code(check_with(&[HOST_OF_OURS, ("host", "evil.example"), signed])), "403 AccessDenied");
        let proxied = head("POST", "http://localhost:4599/", &[HOST_OF_OURS, signed]);
        let guard = guard("127.0.0.1:4599", &[]);
        assert_eq!(code(guard.check_head(&proxied, NETWORK, SystemTime::UNIX_EPOCH)), "403 AccessDenied");
    }

    #[test]
    fn beyond_loopback_addresses_and_given_names_are_ours() {
        let everywhere = guard("0.0.0.0:4599", &["lab.example"]);
        assert!(
            ["10.0.0.1:4599", "LAB.example:4599", "localhost:4599"]
                .iter()
                .all(|host| everywhere.is_ours(host, NETWORK))
        );
        assert!(!["evil.example:4599", "10.0.0.1:80"].iter().any(|host| everywhere.is_ours(host, NETWORK)));
        assert!(
            everywhere.is_ours("localhost", Peer::User(0))
                && !everywhere.is_ours("evil.example", Peer::User(0))
        );
        let one = guard("10.0.0.1:4599", &[]);
        assert!(one.is_ours("10.0.0.1:4599", NETWORK) && !one.is_ours("10.0.0.2:4599", NETWORK));
    }

    #[test]
    fn other_ways_to_ask_are_refused() {
        let guard = guard("127.0.0.1:4599", &[]);
        let headers = [HOST_OF_OURS, ("authorization", CREDENTIAL)];
        let ask = |method, uri| {
            code(guard.check_head(&head(method, uri, &headers), NETWORK, SystemTime::UNIX_EPOCH))
        };
        assert_eq!(ask("GET", "/?Action=DescribeVpcs&X-Amz-Signature=00"), "405 MethodNotAllowed");
        assert_eq!(ask("POST", "/elsewhere"), "405 MethodNotAllowed");
        assert_eq!(ask("POST", "/?Action=DescribeVpcs"), "400 MalformedQueryString");
        assert_eq!(ask("POST", "/"), "pass");
    }

    #[test]
    fn unsigned_requests_are_refused() {
        assert_eq!(code(check_with(&[HOST_OF_OURS])), "403 MissingAuthenticationToken");
        for text in ["Basic YTpi", "AWS4-HMAC-SHA256 Credential=a/b/ec2, SignedHeaders=host, Signature=0"] {
            let found = code(check_with(&[HOST_OF_OURS, ("authorization", text)]));
            assert_eq!(found, "400 IncompleteSignature", "{text}");
        }
        let twice = [HOST_OF_OURS, ("authorization", CREDENTIAL), ("authorization", CREDENTIAL)];
        assert_eq!(code(check_with(&twice)), "400 IncompleteSignature");
        let elsewhere = CREDENTIAL.replace("/ec2/", "/s3/");
        assert_eq!(code(check_with(&[HOST_OF_OURS, ("authorization", &elsewhere)])), "400 InvalidAction");
        let nowhere = CREDENTIAL.replace("eu-west-1", "nowhere");
        assert_eq!(
            code(check_with(&[HOST_OF_OURS, ("authorization", &nowhere)])),
            "400 InvalidParameterValue"
        );
    }
}
