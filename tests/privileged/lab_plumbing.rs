//! Two instances joined by one veth pair: addresses, routes and traffic of both families; and how fast many come up.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sg_userspace::lab::address::{self, AddressSpec};
use sg_userspace::lab::link::{LinkSpec, Links};
use sg_userspace::lab::namespace::{self, Namespace};

/// Names of one test, removed however it ends.
struct Names(Vec<String>);

impl Names {
    fn new(test: &str, count: usize) -> Self {
        crate::require_root();
        Self((0..count).map(|n| format!("sgt-{test}-{}-{n}", std::process::id())).collect())
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for name in &self.0 {
            let _ = namespace::delete(name);
        }
    }
}

fn spec(index: u32) -> LinkSpec {
    LinkSpec {
        host_name: format!("sgt{index}"),
        index,
        alias: format!("eni-test-{index}"),
        mtu: 9001,
        name: "eth0".into(),
        mac: [2, 0, 0, 0, (index >> 8) as u8, index as u8],
    }
}

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

/// A pair whose "host end" lies in the first namespace, so that both ends have addresses.
#[tokio::test]
async fn pair_between_two_namespaces_carries_both_families() {
    let names = Names::new("pair", 2);
    let one = Namespace::create(&names.0[0]).await.unwrap();
    let two = Namespace::create(&names.0[1]).await.unwrap();
    let inner = names.0[1].clone();
    namespace::run_async_in(&names.0[0], move || async move {
        let two = Namespace::open(&inner)?;
        Links::open()?.create(&spec(20), &two).await
    })
    .await
    .unwrap();
    // The host end was made silent; this test wants it to speak.
    let quiet = "/proc/sys/net/ipv6/conf/sgt20/disable_ipv6";
    let state = namespace::run_in(&names.0[0], || {
        let state = std::fs::read_to_string(quiet)?;
        std::fs::write(quiet, "0")?;
        std::fs::write("/proc/sys/net/ipv4/conf/sgt20/arp_ignore", "0")?;
        Ok(state)
    })
    .unwrap();
    assert_eq!(state.trim(), "1");

    let addresses =
        |n: u8| vec![format!("10.9.0.{n}/24").parse().unwrap(), format!("fd09::{n}/64").parse().unwrap()];
    address::configure(&one, &AddressSpec::new(20, addresses(10), 0, 1)).await.unwrap();
    address::configure(&two, &AddressSpec::new(20, addresses(11), 0, 2)).await.unwrap();

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
    links.create(&spec(61_001), &instance).await.unwrap();
    let found = links.with_alias_prefix("eni-test-61001").await.unwrap();
    let [link] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((link.index, link.name.as_str(), link.up), (61_001, "sgt61001", false));
    assert!(links.create(&spec(61_001), &instance).await.is_err(), "the index is taken");
    assert!(links.with_alias_prefix("").await.is_err());

    links.set_up(61_001).await.unwrap();
    assert!(links.with_alias_prefix("eni-test-61001").await.unwrap()[0].up);
    assert!(links.delete(61_001).await.unwrap());
    assert!(!links.delete(61_001).await.unwrap());
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
        let index = 62_000 + n;
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
    let indexes: Vec<_> = (62_000..62_100).collect();
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
