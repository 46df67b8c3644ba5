//! Much at a time: long streams, whose segments the stack hands over in one piece, and datagrams in fragments.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use sg_tests::harness::address::{CLIENT, CLIENT6, DB, DB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

use crate::product::{PATIENCE, Product};
use crate::traffic::SILENCE;

/// Bytes of a stream, each way.
pub(crate) const STREAM: usize = 4 << 20;
/// Bytes of a datagram: more than any MTU here.
const DATAGRAM: usize = 20_000;

/// Bytes that tell their place.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 + (n >> 11)) as u8).collect()
}

/// A stream arrives whole, and comes back whole.
pub(crate) fn check_stream(client: &str, server: &str, to: IpAddr) {
    let listener = namespace::run_in(server, || Ok(TcpListener::bind((to, 7000))?)).unwrap();
    let address = SocketAddr::new(to, 7000);
    let connect = || Ok(TcpStream::connect_timeout(&address, PATIENCE)?);
    let mut stream = namespace::run_in(client, connect).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    for stream in [&stream, &accepted] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    let sent = pattern(STREAM);
    let mut arrived = vec![0; STREAM];
    std::thread::scope(|scope| {
        scope.spawn(|| stream.write_all(&sent).unwrap());
        accepted.read_exact(&mut arrived).unwrap();
    });
    assert!(arrived == sent, "the stream to {address} is not what was sent");
    std::thread::scope(|scope| {
        scope.spawn(|| accepted.write_all(&sent).unwrap());
        stream.read_exact(&mut arrived).unwrap();
    });
    assert!(arrived == sent, "the stream from {address} is not what was sent");
}

/// Whether a datagram arrives whole.
fn arrives(client: &str, server: &str, from: IpAddr, to: IpAddr, port: u16) -> bool {
    let receiver = namespace::run_in(server, || Ok(UdpSocket::bind((to, port))?)).unwrap();
    let sender = namespace::run_in(client, || Ok(UdpSocket::bind((from, 0))?)).unwrap();
    let sent = pattern(DATAGRAM);
    assert_eq!(sender.send_to(&sent, (to, port)).unwrap(), DATAGRAM);
    let patience = if port == 7000 { PATIENCE } else { SILENCE };
    receiver.set_read_timeout(Some(patience)).unwrap();
    let mut arrived = vec![0; DATAGRAM + 1];
    let Ok((length, _)) = receiver.recv_from(&mut arrived) else { return false };
    assert!(arrived[..length] == sent, "the datagram to {to} is not what was sent");
    true
}

fn check_all(lab: &Product) {
    let [client, server] = ["client", "db"].map(|name| lab.namespace(name));
    for range in ["10.0.0.0/16", "2600:1f18:0:100::/56"] {
        lab.say(&format!("rule allow db inbound tcp 7000 from {range}"));
        lab.say(&format!("rule allow db inbound udp 7000 from {range}"));
    }
    for (from, to) in [(IpAddr::from(CLIENT), IpAddr::from(DB)), (CLIENT6.into(), DB6.into())] {
        check_stream(&client, &server, to);
        assert!(arrives(&client, &server, from, to, 7000), "fragments to {to}");
        // Neither the first fragment of what is not allowed, nor those after it.
        let before = lab.frames(|row| row["reason"] == "fragment-without-first");
        assert!(!arrives(&client, &server, from, to, 7001), "denied fragments to {to}");
        assert!(lab.frames(|row| row["reason"] == "fragment-without-first") > before);
    }
}

#[test]
fn long_streams_and_fragments_pass_whole() {
    check_all(&Product::up(&standard_lab()));
}

#[test]
fn long_streams_and_fragments_pass_whole_through_xdp() {
    let lab = Product::new();
    let file = lab.file(&standard_lab());
    lab.done(&["up", "--hook", "xdp", &file]);
    check_all(&lab);
}
