//! The built-in servers and client, and real servers, over real links.

use std::time::{Duration, Instant};

use sg_userspace::lab::client::{self, ClientReport, ClientSpec, Family, Outcome, Probe};
use sg_userspace::lab::hold::{HoldEvent, hold};
use sg_userspace::lab::namespace;
use sg_userspace::lab::process::{self, Inside};
use sg_userspace::lab::real::{self, Real};
use sg_userspace::lab::server::{self, Listener, ServerSpec, Service};

use crate::joined::joined;

fn spec(host: &str, port: u16, probe: Probe) -> ClientSpec {
    ClientSpec {
        host: host.into(),
        port,
        probe,
        family: Family::Any,
        timeout: Duration::from_secs(3),
        source: None,
    }
}

async fn try_from(namespace: &str, spec: ClientSpec) -> ClientReport {
    namespace::run_async_in(namespace, move || client::connect(spec)).await.unwrap()
}

/// Serves until the test's process ends.
async fn serve_in(namespace: &str) {
    let services = [(Service::TcpEcho, 7), (Service::UdpEcho, 7), (Service::Http, 80), (Service::Sink, 5201)];
    let listeners = services.map(|(service, port)| Listener { service, port }).to_vec();
    let spec = ServerSpec { name: "web-1".into(), listeners };
    let name = namespace.to_owned();
    tokio::spawn(async move { namespace::run_async_in(&name, move || server::serve(spec)).await });
    let target = "127.0.0.1:5201".parse().unwrap();
    namespace::run_async_in(namespace, move || client::wait_for_port(target, Duration::from_secs(3)))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_probe_is_answered_over_both_families() {
    let names = joined("probe", 21, 12).await;
    serve_in(&names.0[1]).await;
    let from = &names.0[0];
    for (host, own) in [("10.12.0.11", "10.12.0.10"), ("fd12::11", "fd12::10")] {
        let replies = [
            (Probe::Connect, 7, None),
            (Probe::Line, 7, Some("web-1: hello")),
            (Probe::LongLine { length: 4000 }, 7, Some("web-1: 4000 bytes")),
            (Probe::Udp, 7, Some("web-1: hello")),
            (Probe::Http, 80, Some("HTTP/1.1 200 OK")),
            (Probe::Icmp, 0, None),
        ];
        for (probe, port, reply) in replies {
            let mut spec = spec(host, port, probe);
            for source in [None, Some(std::net::SocketAddr::new(own.parse().unwrap(), 0))] {
                spec.source = source;
                let report = try_from(from, spec.clone()).await;
                assert_eq!(report.outcome, Outcome::Answered, "{report:?}");
                assert_eq!(report.reply.as_deref(), reply, "{report:?}");
                assert!(report.latency.unwrap() < Duration::from_secs(1), "{report:?}");
            }
        }
        let report = try_from(from, spec(host, 5201, Probe::Bulk { seconds: 1 })).await;
        assert!(report.bytes.unwrap() > 1 << 20, "{report:?}");
        println!("{host}: {} Mbit/s", report.bytes_per_second().unwrap() / 125_000);
    }
}

#[tokio::test]
async fn silence_refusal_and_no_route_are_told_apart() {
    let names = joined("silent", 22, 13).await;
    let from = &names.0[0];
    for probe in [Probe::Connect, Probe::Udp] {
        let report = try_from(from, spec("10.13.0.11", 9, probe)).await;
        assert_eq!(report.outcome, Outcome::Refused, "{report:?}");
    }
    for probe in [Probe::Connect, Probe::Udp, Probe::Icmp] {
        let mut spec = spec("10.13.0.99", 9, probe);
        spec.timeout = Duration::from_millis(200);
        let begin = Instant::now();
        let report = try_from(from, spec.clone()).await;
        assert_eq!(report.outcome, Outcome::TimedOut, "{report:?}");
        assert!(begin.elapsed() < Duration::from_secs(2));
        spec.timeout = Duration::from_secs(10);
        // Nobody has the address: the neighbour table says so after three seconds.
        assert_eq!(try_from(from, spec).await.outcome, Outcome::Unreachable);
    }
    let unresolved = spec("nobody-1", 9, Probe::Connect);
    assert!(namespace::run_async_in(from, move || client::connect(unresolved)).await.is_err());
}

#[tokio::test]
async fn held_session_exchanges_lines_and_sees_its_end() {
    let names = joined("hold", 23, 14).await;
    serve_in(&names.0[1]).await;
    let (send, lines) = tokio::sync::mpsc::channel(4);
    let (report, mut events) = tokio::sync::mpsc::unbounded_channel();
    let mut held = spec("fd14::11", 7, Probe::Line);
    // A first packet may be lost while the new link settles, and is sent again after a second.
    held.timeout = Duration::from_secs(3);
    let from = names.0[0].clone();
    let session = tokio::spawn(async move {
        let work = move || async move {
            hold(&held, lines, |event| {
                let _ = report.send(event);
            })
            .await
        };
        namespace::run_async_in(&from, work).await
    });
    assert_eq!(events.recv().await.unwrap(), HoldEvent::Opened("web-1 greets fd14::10".into()));
    send.send("one".into()).await.unwrap();
    let Some(HoldEvent::Answered(answer, _)) = events.recv().await else { panic!("no answer") };
    assert_eq!(answer, "web-1: one");

    let cut = sg_userspace::lab::namespace::Namespace::open(&names.0[1]).unwrap();
    cut.netlink().link().del(23).execute().await.unwrap();
    send.send("two".into()).await.unwrap();
    let end = events.recv().await.unwrap();
    assert!(matches!(end, HoldEvent::Ended(_)), "{end:?}");
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn real_servers_answer_in_the_instance_and_end_with_it() {
    use std::os::unix::fs::PermissionsExt;

    let names = joined("real", 24, 15).await;
    let directory = tempfile::tempdir().unwrap();
    // User `postgres` has to get through.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let inside = Inside::new(&names.0[1]);
    let servers = [
        ("nginx", Real::Nginx { ports: vec![80, 8080] }),
        ("postgres", Real::Postgres { port: 5432, trusted: vec!["10.15.0.0/24".parse().unwrap()] }),
        ("iperf3", Real::Iperf3 { port: 5201 }),
    ];
    for (name, server) in servers {
        let begin = Instant::now();
        real::start(&server, &inside, name, &directory.path().join(name)).await.unwrap();
        println!("{name}: ready after {:?}", begin.elapsed());
    }
    let report = try_from(&names.0[0], spec("10.15.0.11", 8080, Probe::Http)).await;
    assert_eq!(report.reply.as_deref(), Some("HTTP/1.1 200 OK"), "{report:?}");
    let query = ["psql", "-h", "10.15.0.11", "-U", "postgres", "-Atc", "select 6 * 7"];
    let query = query.map(std::ffi::OsString::from);
    let output = process::command(&Inside::new(&names.0[0]), &query).unwrap().output().unwrap();
    assert_eq!(output.stdout, b"42\n", "{output:?}");

    let begin = Instant::now();
    let count = process::kill(&names.0[1..], Duration::from_secs(3)).unwrap();
    println!("{count} processes ended after {:?}", begin.elapsed());
    assert!(count >= 3);
}
