//! A binary of its own, since it counts what the whole process allocates: the host data plane allocates nothing for packets of
//! live flows, so what it can judge in a second is what its tables can be asked.

#![expect(clippy::unwrap_used, reason = "a failed test is the only error there is here")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use sg_tests::harness::address::{CLIENT, CLIENT6, WEB, WEB6};
use sg_tests::harness::lab::{Lab, Permission, StandardLab, mac_of_slot};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::dataplane::Dataplane;
use sg_userspace::dataplane::host::HostDataplane;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: what the system's allocator does, and a count.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The standard lab with everything allowed to `web` from `client`, in both families.
fn plane() -> (HostDataplane, u32, u32) {
    let standard = StandardLab::new();
    let mut lab = Lab { world: standard.world };
    for cidr in ["0.0.0.0/0", "::/0"] {
        let peer = match cidr.parse().unwrap() {
            ipnet::IpNet::V4(net) => Peer::CidrIpv4(net),
            ipnet::IpNet::V6(net) => Peer::CidrIpv6(net),
        };
        for (group, direction) in [("client", Direction::Outbound), ("web", Direction::Inbound)] {
            let permission = Permission {
                direction,
                protocol: IpProtocol::TCP,
                ports: PortRange::EVERY_PORT,
                peer: peer.clone(),
            };
            lab.rule(&standard.groups[group], permission);
        }
    }
    let slot = |name| lab.world.network_interfaces[&standard.interfaces[name]].slot;
    let (client, web) = (slot("client"), slot("web"));
    let mut host = HostDataplane::new();
    host.set_world(&lab.world).unwrap();
    (host, client, web)
}

#[test]
fn a_packet_of_a_live_flow_allocates_nothing() {
    let (mut host, client, web) = plane();
    for (from, to) in [(IpAddr::from(CLIENT), IpAddr::from(WEB)), (CLIENT6.into(), WEB6.into())] {
        let there = |flags| {
            let packet = PacketSpec::tcp((from, 40_000), (to, 443), flags);
            build::frame(&packet, mac_of_slot(client), mac_of_slot(web)).unwrap()
        };
        let packet = PacketSpec::tcp((to, 443), (from, 40_000), TcpFlags::SYN_ACK);
        let back = build::frame(&packet, mac_of_slot(web), mac_of_slot(client)).unwrap();
        assert!(host.forward_frame(client, &there(TcpFlags::SYN)).reason.is_allow());
        assert!(host.forward_frame(web, &back).reason.is_allow());
        let segment = there(TcpFlags::ACK);
        assert!(host.forward_frame(client, &segment).reason.is_allow());
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..10_000 {
            let _ = host.forward_frame(client, &segment);
        }
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0, "allocations for {from}");
        // The count does count: a new flow makes an entry.
        let other = PacketSpec::tcp((from, 40_001), (to, 443), TcpFlags::SYN);
        let other = build::frame(&other, mac_of_slot(client), mac_of_slot(web)).unwrap();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        assert!(host.forward_frame(client, &other).reason.is_allow());
        assert!(ALLOCATIONS.load(Ordering::Relaxed) > before);
    }
}
