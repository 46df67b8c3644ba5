//! Who may ask: AWS's clients, which sign what they send. Signatures are not checked, so any credentials do; but a page in a
//! browser cannot send an AWS `Authorization` without being asked first, and is refused by its `Origin` besides. A foreign
//! `Host` is a name that somebody made point to this machine.

use std::net::{IpAddr, SocketAddr};

use hyper::Method;
use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::http::request::Parts;

use crate::aws::region::Region;
use crate::ec2::fault::Fault;

/// What the credentials are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// EC2.
    Ec2,
    /// The security token service, which says who one is.
    Sts,
}

/// What the credentials are scoped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) region: Region,
    pub(super) service: Service,
}

/// Lets a request of one of AWS's clients pass, and says what it is scoped to.
pub(super) fn check(head: &Parts, listen: SocketAddr) -> Result<Scope, Fault> {
    let forbidden = |message: &str| Err(Fault::new(403, "AccessDenied", message));
    if head.headers.contains_key(ORIGIN) {
        return forbidden("Requests of web pages are refused");
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
        (Some(host), None) if is_ours(host, listen) => {}
        _ => return forbidden("The request's Host is not one of this endpoint"),
    }
    if head.method != Method::POST || head.uri.path() != "/" {
        return Err(Fault::new(405, "MethodNotAllowed", "Requests are sent to / by POST"));
    }
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(authorization) = authorization else {
        return Err(Fault::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token"));
    };
    scope(authorization)
}

/// Whether a `Host` names this machine by a loopback name or address, or by the address that is listened on.
fn is_ours(host: &str, listen: SocketAddr) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let is_port = port.map_or(listen.port() == 80, |port| port.parse() == Ok(listen.port()));
    let is_name = name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address == listen.ip());
    is_port && is_name
}

/// The scope of `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
fn scope(authorization: &str) -> Result<Scope, Fault> {
    let incomplete = || {
        let message = "The Authorization header is not one of AWS Signature Version 4";
        Fault::new(403, "IncompleteSignature", message)
    };
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or_else(incomplete)
    };
    field("Signature")?;
    let credential = field("Credential")?.split('/').collect::<Vec<_>>();
    let [.., _date, region, service, "aws4_request"] = credential[..] else { return Err(incomplete()) };
    let service = match service {
        "ec2" => Service::Ec2,
        "sts" => Service::Sts,
        other => {
            let message = format!("The service {other} is not to be had here");
            return Err(Fault::new(400, "InvalidAction", message));
        }
    };
    Ok(Scope { region: region.parse()?, service })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=00";

    fn listen() -> SocketAddr {
        "127.0.0.1:4599".parse().unwrap()
    }

    #[track_caller]
    fn check_with(headers: &[(&str, &str)]) -> Result<Scope, (u16, String)> {
        let mut request = hyper::Request::builder().method("POST").uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, listen()).map_err(|fault| (fault.status, fault.error.code))
    }

    #[test]
    fn signed_requests_pass_with_their_scope() {
        let found = check_with(&[("host", "localhost:4599"), ("authorization", CREDENTIAL)]);
        assert_eq!(found, Ok(Scope { region: "eu-west-1".parse().unwrap(), service: Service::Ec2 }));
        let sts = CREDENTIAL.replace("/ec2/", "/sts/");
        let found = check_with(&[("host", "[::1]:4599"), ("authorization", &sts)]);
        assert_eq!(found.unwrap().service, Service::Sts);
    }

    #[test]
    fn web_pages_and_foreign_names_are_refused() {
        let signed = ("authorization", CREDENTIAL);
        let denied = Err((403, "AccessDenied".to_owned()));
        assert_eq!(check_with(&[("host", "127.0.0.1:4599"), ("origin", "null"), signed]), denied);
        for host in [
            "evil.example:4599",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost.evil.example:4599",
            "10.0.0.1:4599",
            "",
        ] {
            assert_eq!(check_with(&[("host", host), signed]), denied, "{host}");
        }
        assert_eq!(check_with(&[signed]), denied);
        assert_eq!(check_with(&[("host", "localhost:4599"), ("host", "evil.example"), signed]), denied);
    }

    #[test]
    fn unsigned_requests_are_refused() {
        let host = ("host", "localhost:4599");
        assert_eq!(check_with(&[host]), Err((403, "MissingAuthenticationToken".to_owned())));
        for text in ["Basic YTpi", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a/b/ec2, Signature=0"] {
            let found = check_with(&[host, ("authorization", text)]);
            assert_eq!(found, Err((403, "IncompleteSignature".to_owned())), "{text}");
        }
        let elsewhere = CREDENTIAL.replace("/ec2/", "/s3/");
        assert_eq!(
            check_with(&[host, ("authorization", &elsewhere)]),
            Err((400, "InvalidAction".to_owned()))
        );
        let nowhere = CREDENTIAL.replace("eu-west-1", "nowhere");
        assert_eq!(
            check_with(&[host, ("authorization", &nowhere)]),
            Err((400, "InvalidParameterValue".to_owned()))
        );
    }
}
