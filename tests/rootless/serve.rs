//! `sgsim serve` from outside, by hand-written HTTP: who is let in, what is too much, and that nobody else is harmed.

mod hostile;
mod log;
mod probe;
mod reads;
mod signature;
mod unix_socket;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}}
";
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00\r\n";
/// How long an answer may take that has to come; more than a slow client has.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request whole and gives status and text of the reply.
fn send(address: SocketAddr, headers: &str, body: &str) -> (u16, String) {
    send_over(connect(address), headers, body)
}

fn send_over(stream: impl Read + Write, headers: &str, body: &str) -> (u16, String) {
    request_over(stream, "POST /", headers, body)
}

fn request_over(mut stream: impl Read + Write, what: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("{what} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n");
    // A server that has seen enough may close before all is written.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, reply)
}

/// Asks for something as one of AWS's clients would.
fn ask(address: SocketAddr, parameters: &str) -> (u16, String) {
    let headers = format!("Host: {address}\r\n{SIGNED}");
    send(address, &headers, &format!("Version=2016-11-15&Action={parameters}"))
}

#[test]
fn clients_are_let_in_and_what_they_change_is_in_force() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let (status, reply) = ask(endpoint.address, "DescribeVpcs");
        assert_eq!(status, 200, "{reply}");
        assert!(reply.to_ascii_lowercase().contains("content-type: text/xml;charset=utf-8"), "{reply}");
        let vpc = reply.split("<vpcId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let create = format!("CreateSecurityGroup&GroupName=app&GroupDescription=a&VpcId={vpc}");
        assert_eq!(ask(endpoint.address, &create).0, 200);
        assert!(place.memory.lock().unwrap().world.security_groups.values().any(|group| group.name == "app"));
        let (status, reply) = ask(endpoint.address, &create);
        assert!(status == 400 && reply.contains("<Code>InvalidGroup.Duplicate</Code>"), "{reply}");

        place.memory.lock().unwrap().fail = true;
        let (status, reply) = ask(endpoint.address, &create.replace("app", "late"));
        assert!(status == 500 && reply.contains("<Code>InternalError</Code>"), "{reply}");
        place.memory.lock().unwrap().fail = false;
        assert_eq!(ask(endpoint.address, &create.replace("app", "late")).0, 200);
    });
}

#[test]
fn web_pages_foreign_hosts_and_the_unsigned_are_refused() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let (address, host) = (endpoint.address, format!("Host: {}\r\n", endpoint.address));
        let body = "Version=2016-11-15&Action=DescribeVpcs";
        for (headers, expected, code) in [
            (format!("{host}{SIGNED}Origin: http://{address}\r\n"), 403, "AccessDenied"),
            (format!("Host: rebound.example\r\n{SIGNED}"), 403, "AccessDenied"),
            (SIGNED.to_owned(), 403, "AccessDenied"),
            (host.clone(), 403, "MissingAuthenticationToken"),
            (format!("{host}Authorization: Bearer x\r\n"), 400, "IncompleteSignature"),
        ] {
            let (status, reply) = send(address, &headers, body);
            let code = format!("<Code>{code}</Code>");
            assert!(status == expected && reply.contains(&code), "{headers}: {reply}");
        }
        assert_eq!(send(address, &format!("{host}{SIGNED}"), body).0, 200);
    });
}

#[test]
fn without_a_lab_calls_are_refused_with_what_to_do() {
    let place = Place::of(LAB);
    let endpoint = Endpoint::start(sgsim(&[]), &place.state);
    let (status, reply) = ask(endpoint.address, "DescribeVpcs");
    assert!(status == 400 && reply.contains("<Code>IncorrectState</Code>"), "{reply}");
    assert!(reply.contains("sgsim up"), "{reply}");
}

#[test]
fn a_signal_ends_it_well() {
    let place = Place::of(LAB);
    let mut endpoint = Endpoint::start(sgsim(&[]), &place.state);
    assert!(endpoint.terminate().success());
}
