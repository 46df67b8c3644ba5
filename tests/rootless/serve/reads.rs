//! What a call costs the controller: the world is sent once, and again only where it has changed.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_userspace::controller::directory::StateDirectory;

use super::ask;

/// A hundred groups, and two hundred instances with an interface each.
fn large_lab() -> String {
    let mut text = "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets: {public: {cidr: 10.0.0.0/20}}\n    security-groups:\n".to_owned();
    for n in 0..100 {
        writeln!(text, "      g{n}: {{inbound: [HTTP from anywhere, tcp {} from 10.0.0.0/16]}}", 1000 + n)
            .unwrap();
    }
    text += "    instances:\n";
    for n in 0..200 {
        writeln!(text, "      i{n}: {{subnet: public, groups: [g{}, g{}]}}", n % 100, (n + 7) % 100).unwrap();
    }
    text
}

/// What has passed between the endpoint and the controller.
#[derive(Debug, Default)]
struct Traffic {
    connections: AtomicU64,
    bytes: AtomicU64,
}

/// Passes on what is said at one socket to another, and counts.
fn relay(at: &Path, to: PathBuf) -> Arc<Traffic> {
    let listener = UnixListener::bind(at).unwrap();
    let traffic = Arc::new(Traffic::default());
    let counted = Arc::clone(&traffic);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), UnixStream::connect(&to).unwrap());
            counted.connections.fetch_add(1, Ordering::SeqCst);
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let counted = Arc::clone(&counted);
                thread::spawn(move || {
                    let mut buffer = [0; 1 << 16];
                    while let Ok(length @ 1..) = from.read(&mut buffer) {
                        counted.bytes.fetch_add(length as u64, Ordering::SeqCst);
                        if to.write_all(&buffer[..length]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    traffic
}

#[test]
fn the_world_is_sent_once_and_again_only_where_it_has_changed() {
    let place = Place::of(&large_lab());
    let relayed = tempfile::tempdir().unwrap();
    let directory = StateDirectory::new(relayed.path());
    place.serve(|state| {
        let traffic = relay(&directory.socket(), state.socket());
        let endpoint = Endpoint::start_with(sgsim(&[]), &directory, &["--no-socket"]);
        let mut before = 0;
        let mut bytes_for = |parameters: &str| {
            assert_eq!(ask(endpoint.address, parameters).0, 200);
            let now = traffic.bytes.load(Ordering::SeqCst);
            now - std::mem::replace(&mut before, now)
        };
        let world = bytes_for("DescribeVpcs");
        assert!(world > 100_000, "{world}");
        for parameters in ["DescribeVpcs", "DescribeSecurityGroups", "DescribeNetworkInterfaces"] {
            let asked = bytes_for(parameters);
            assert!(asked * 500 < world, "{parameters}: {asked} of {world}");
        }
        let vpc = place.memory.lock().unwrap().world.vpcs.keys().next().unwrap().to_string();
        let create = format!("CreateSecurityGroup&GroupName=late&GroupDescription=a&VpcId={vpc}");
        let changed = bytes_for(&create);
        assert!(changed * 100 < world, "a change is not the world: {changed} of {world}");
        assert!(
            bytes_for("DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=late") > world / 2
        );
        assert!(bytes_for("DescribeVpcs") * 500 < world);
        assert_eq!(traffic.connections.load(Ordering::SeqCst), 1, "one connection for all of it");
    });
}
