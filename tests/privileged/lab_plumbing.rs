//! Two instances joined by one veth pair: addresses, routes and traffic of both families; and how fast many come up.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sg_userspace::lab::address::{self, AddressSpec};
use sg_userspace::lab::link::{LinkSpec, Links};
use sg_userspace::lab::namespace::{self, Namespace};

use crate::host_index;
use crate::joined::{Names, joined, spec};

fn say_hello(server: IpAddr) -> String {
    let mut stream =
        TcpStream::connect_timeout(&SocketAddr::new(server, 7000), Duration::from_secs(3)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn pair_between_two_namespaces_carries_both_families() {
    let names = joined("pair", 20, 9).await;
    let (ready, wait) = std::sync::mpsc::channel();
    let second = names.0[1].clone();
    let server = std::thread::spawn(move || {
        namespace::run_in(&second, || {
            let listener = TcpListener::bind("[::]:7000")?;
            ready.send(())?;
            for _ in 0..2 {
                let (mut stream, _) = listener.accept()?;
                let mut text = String::new();
                stream.read_to_string(&mut text)?;
                stream.write_all(text.to_uppercase().as_bytes())?;
            }
            Ok(())
        })
    });
    wait.recv_timeout(Duration::from_secs(3)).unwrap();
    for address in ["10.9.0.11", "fd09::11"] {
        let answer = namespace::run_in(&names.0[0], || Ok(say_hello(address.parse()?))).unwrap();
        assert_eq!(answer, "HELLO", "{address}");
    }
    server.join().unwrap().unwrap();
}

#[tokio::test]
async fn host_end_is_down_named_aliased_and_found_by_prefix() {
    let names = Names::new("ends", 1);
    let instance = Namespace::create(&names.0[0]).await.unwrap();
    let links = Links::open().unwrap();
    let index = host_index(1);
    let alias = spec(index).alias;
    links.create(&spec(index), &instance).await.unwrap();
    let found = links.with_alias_prefix(&alias).await.unwrap();
    let [link] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((link.index, link.name.as_str(), link.up), (index, spec(index).host_name.as_str(), false));
    assert!(links.create(&spec(index), &instance).await.is_err(), "the index is taken");
    assert!(links.with_alias_prefix("").await.is_err());

    links.set_up(index).await.unwrap();
    assert!(links.with_alias_prefix(&alias).await.unwrap()[0].up);
    assert!(links.delete(index).await.unwrap());
    assert!(!links.delete(index).await.unwrap());
    assert!(Namespace::create(&names.0[0]).await.is_err(), "the name is taken");
    assert!(namespace::delete(&names.0[0]).unwrap());
    assert!(!namespace::delete(&names.0[0]).unwrap());
}

#[tokio::test]
async fn a_hundred_instances_come_up_quickly() {
    let names = Names::new("many", 100);
    let links = Links::open().unwrap();
    let (mut making, mut linking, mut addressing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let start = Instant::now();
    let mut instances = Vec::new();
    for (n, name) in (0_u32..).zip(&names.0) {
        let begin = Instant::now();
        let instance = Namespace::create(name).await.unwrap();
        making += begin.elapsed();
        let begin = Instant::now();
        let index = host_index(100 + n);
        links.create(&spec(index), &instance).await.unwrap();
        linking += begin.elapsed();
        let begin = Instant::now();
        let addresses = vec![
            format!("10.8.0.{}/24", n + 4).parse().unwrap(),
            format!("fd08::{}/64", n + 4).parse().unwrap(),
        ];
        address::configure(&instance, &AddressSpec::new(index, addresses, 0, 1)).await.unwrap();
        links.set_up(index).await.unwrap();
        addressing += begin.elapsed();
        instances.push(instance);
    }
    println!(
        "100 instances: {:?} (namespaces {making:?}, links {linking:?}, addresses {addressing:?})",
        start.elapsed()
    );
    let begin = Instant::now();
    let indexes: Vec<_> = (100..200).map(host_index).collect();
    let (count, faults) = links.delete_all(&indexes).await.unwrap();
    println!("100 links deleted: {:?}", begin.elapsed());
    assert_eq!((count, faults.len()), (100, 0));
    let begin = Instant::now();
    drop(instances);
    for name in &names.0 {
        namespace::delete(name).unwrap();
    }
    println!("100 namespaces deleted: {:?}", begin.elapsed());
}

/// The route that `ip route get` chooses, seen through `ip netns exec`, which must know our namespaces.
pub(crate) fn route(namespace: &str, words: &[&str]) -> String {
    let output = std::process::Command::new("ip")
        .args(["netns", "exec", namespace, "ip", "route", "get"])
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn packets_leave_by_the_interface_that_owns_their_source_address() {
    let names = Names::new("policy", 1);
    let instance = Namespace::create(&names.0[0]).await.unwrap();
    let links = Links::open().unwrap();
    // Two interfaces in one subnet and one elsewhere.
    let nets =
        [("10.7.0.10/24", "fd07::10/64"), ("10.7.0.11/24", "fd07::11/64"), ("10.7.1.10/24", "fd07:1::10/64")];
    for (n, (v4, v6)) in (0_u32..).zip(nets) {
        let index = host_index(10 + n);
        links.create(&LinkSpec { name: format!("eth{n}"), ..spec(index) }, &instance).await.unwrap();
        let addresses = vec![v4.parse().unwrap(), v6.parse().unwrap()];
        address::configure(&instance, &AddressSpec::new(index, addresses, n, 3)).await.unwrap();
        links.set_up(index).await.unwrap();
    }
    let chosen = [
        ("198.51.100.1", None, "via 10.7.0.1 dev eth0"),
        ("198.51.100.1", Some("10.7.0.10"), "via 10.7.0.1 dev eth0"),
        ("198.51.100.1", Some("10.7.0.11"), "via 10.7.0.1 dev eth1"),
        ("198.51.100.1", Some("10.7.1.10"), "via 10.7.1.1 dev eth2"),
        ("10.7.1.99", Some("10.7.0.10"), "via 10.7.0.1 dev eth0"),
        ("10.7.0.99", Some("10.7.0.11"), "dev eth1"),
        ("2001:db8::1", None, "via fe80::1 dev eth0"),
        ("2001:db8::1", Some("fd07::11"), "via fe80::1 dev eth1"),
        ("2001:db8::1", Some("fd07:1::10"), "via fe80::1 dev eth2"),
        ("fd07::99", Some("fd07::11"), "dev eth1"),
    ];
    for (to, from, expected) in chosen {
        let words: Vec<_> =
            [to].into_iter().chain(from.into_iter().flat_map(|from| ["from", from])).collect();
        let found = route(&names.0[0], &words);
        assert!(found.contains(expected), "{words:?}: {found}");
    }
    let (count, faults) = links.delete_all(&[10, 11, 12, 13].map(host_index)).await.unwrap();
    assert_eq!((count, faults.len()), (3, 0));
}
