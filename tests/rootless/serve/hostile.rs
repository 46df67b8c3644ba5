//! Clients that mean harm, or that are broken: each gets an error or is hung up on, and nobody else notices.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

use super::{LAB, SIGNED, ask, connect, send};

/// Runs an endpoint, and makes sure that it still answers in the end.
fn with_endpoint(options: &[&str], work: impl FnOnce(&Endpoint)) {
    let place = Place::of(LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start_with(sgsim(&[]), state, options);
        work(&endpoint);
        assert_eq!(ask(endpoint.address, "DescribeVpcs").0, 200, "others are served");
    });
}

fn rest_of(stream: &mut TcpStream) -> String {
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

#[test]
fn slow_clients_are_hung_up_on() {
    with_endpoint(&[], |endpoint| {
        let address = endpoint.address;
        // Some that say nothing, one that stops in its head, one in its body.
        let idle = (0..8).map(|_| connect(address)).collect::<Vec<_>>();
        let mut half = connect(address);
        half.write_all(b"POST / HTTP/1.1\r\nHost: ").unwrap();
        let mut slow = connect(address);
        let head =
            format!("POST / HTTP/1.1\r\nHost: {address}\r\n{SIGNED}Content-Length: 100\r\n\r\nAction=");
        slow.write_all(head.as_bytes()).unwrap();
        assert_eq!(ask(address, "DescribeVpcs").0, 200, "others are served meanwhile");
        let reply = rest_of(&mut slow);
        assert!(reply.contains("<Code>RequestTimeout</Code>"), "{reply}");
        rest_of(&mut half);
        for mut stream in idle {
            rest_of(&mut stream);
        }
    });
}

#[test]
fn drops_that_trickle_do_not_count_as_progress() {
    with_endpoint(&["--patience", "1s"], |endpoint| {
        let mut stream = connect(endpoint.address);
        let mut sent = stream.write_all(b"POST / HTTP/1.1\r\n");
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(50));
            sent = sent.and_then(|()| stream.write_all(b"a: b\r\n"));
        }
        assert!(sent.is_err(), "a head has its time, however it comes");
    });
}

#[test]
fn more_connections_than_there_is_room_for_lock_nobody_out() {
    // So patient that nobody is hung up on for being slow.
    with_endpoint(&["--patience", "10m"], |endpoint| {
        let address = endpoint.address;
        let mut slow = (0..300).map(|_| connect(address)).collect::<Vec<_>>();
        for stream in &mut slow {
            let _ = stream.write_all(b"POST / HTTP/1.1\r\nHost: ");
        }
        for _ in 0..3 {
            assert_eq!(ask(address, "DescribeVpcs").0, 200);
        }
        // Those that came first went first.
        assert_eq!(rest_of(&mut slow[0]), "");
    });
}

#[test]
fn what_is_too_much_is_refused() {
    with_endpoint(&[], |endpoint| {
        let address = endpoint.address;
        let large = format!("DescribeVpcs&NextToken={}", "x".repeat(2 << 20));
        let (status, reply) = ask(address, &large);
        assert!(status == 413 || reply.is_empty(), "{status}");
        let (status, _) =
            send(address, &format!("Host: {address}\r\n{SIGNED}X-Long: {}\r\n", "x".repeat(64 << 10)), "");
        assert!(status == 431 || status == 0, "{status}");
        let headers = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
        let (status, _) = send(address, &format!("Host: {address}\r\n{SIGNED}{headers}"), "");
        assert!(status == 431 || status == 0, "{status}");
        let many = (0..30_000).map(|n| format!("&GroupId.{n}=g")).collect::<String>();
        let deep = vec!["1"; 10_000].join(".");
        for parameters in [
            format!("DescribeSecurityGroups{many}"),
            format!("DescribeVpcs&{deep}=1"),
            format!("DescribeVpcs&VpcId.{}=vpc-1", "9".repeat(100)),
            format!("DescribeVpcs&MaxResults={}", "9".repeat(100_000)),
            format!("{}=1", "A".repeat(100_000)),
        ] {
            let (status, reply) = ask(address, &parameters);
            assert_eq!(status, 400, "{}: {reply}", &parameters[..40]);
        }
    });
}

#[test]
fn what_is_no_form_is_refused() {
    with_endpoint(&[], |endpoint| {
        let address = endpoint.address;
        for broken in ["%FF%FE", "%", "%4", "%zz", "%4g", "%\u{e9}", "a%"] {
            let (status, reply) = ask(address, &format!("DescribeVpcs&NextToken={broken}"));
            let is_malformed = reply.contains("<Code>MalformedQueryString</Code>");
            assert!(status == 400 && is_malformed, "{broken}: {reply}");
        }
        let refused = [
            ("", "MissingAction"),
            ("Version=2016-11-15", "MissingAction"),
            ("Action=DescribeVpcs", "NoSuchVersion"),
            ("Action=DescribeVpcs&Version=2016-11-15&Version=2016-11-15", "MalformedQueryString"),
            ("Action=Describe%00Vpcs&Version=2016-11-15", "InvalidAction"),
            ("Action=DescribeVpcs&Version=2016-11-15&More=1", "UnknownParameter"),
        ];
        for (body, code) in refused {
            let (status, reply) = send(address, &format!("Host: {address}\r\n{SIGNED}"), body);
            assert!(status == 400 && reply.contains(&format!("<Code>{code}</Code>")), "{body}: {reply}");
        }
    });
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    with_endpoint(&[], |endpoint| {
        let address = endpoint.address;
        let request = |parameters: &str, more: &str| {
            let body = format!("Version=2016-11-15&Action={parameters}");
            format!(
                "POST / HTTP/1.1\r\nHost: {address}\r\n{SIGNED}{more}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let mut stream = connect(address);
        let row = [
            request("DescribeVpcs", ""),
            request("DescribeNothing", ""),
            request("DescribeSubnets", "Connection: close\r\n"),
        ];
        stream.write_all(row.concat().as_bytes()).unwrap();
        let reply = rest_of(&mut stream);
        let places = ["DescribeVpcsResponse", "InvalidAction", "DescribeSubnetsResponse"]
            .map(|word| reply.find(word).unwrap_or_else(|| panic!("no {word}: {reply}")));
        assert!(places.is_sorted(), "{reply}");
    });
}

#[test]
fn what_is_no_http_is_hung_up_on() {
    with_endpoint(&[], |endpoint| {
        let address = endpoint.address;
        let signed = format!("Host: {address}\r\n{SIGNED}");
        for text in [
            "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03".to_owned(),
            "\r\n\r\n\r\n\r\n".to_owned(),
            "GET / HTTP/9.9\r\n\r\n".to_owned(),
            format!("POST / HTTP/1.1\r\n{signed}Content-Length: -1\r\n\r\n"),
            format!("POST / HTTP/1.1\r\n{signed}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            format!("POST / HTTP/1.1\r\n{signed}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            format!("CONNECT evil.example:80 HTTP/1.1\r\n{signed}\r\n"),
            format!("POST http://evil.example/ HTTP/1.1\r\n{signed}\r\n"),
        ] {
            let mut stream = connect(address);
            let _ = stream.write_all(text.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let reply = rest_of(&mut stream);
            assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 4"), "{text:?}: {reply}");
        }
    });
}
