//! The scripts of the rootless tests of AWS's semantics, on the kernel. The programs are loaded once: a thread of their own
//! runs the scripts, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;

use sg_tests::harness::script;

use super::kernel_plane::Kernel;

#[path = "../rootless/semantics/addresses.rs"]
mod addresses;
#[path = "../rootless/semantics/allowance.rs"]
mod allowance;
#[path = "../rootless/semantics/fragments.rs"]
mod fragments;
#[path = "../rootless/semantics/icmp.rs"]
mod icmp;
#[path = "../rootless/semantics/network_acls.rs"]
mod network_acls;
#[path = "../rootless/semantics/path_mtu.rs"]
mod path_mtu;
#[path = "../rootless/semantics/peering.rs"]
mod peering;
#[path = "../rootless/semantics/prefix_lists.rs"]
mod prefix_lists;
#[path = "../rootless/semantics/rules.rs"]
mod rules;
#[path = "../rootless/semantics/tcp.rs"]
mod tcp;
#[path = "../rootless/semantics/tracking.rs"]
mod tracking;
#[path = "../rootless/semantics/udp.rs"]
mod udp;

/// A script, and where its result goes.
type Job = (String, Sender<Result<(), String>>);

static KERNEL: LazyLock<Mutex<Sender<Job>>> = LazyLock::new(|| {
    let (jobs, queue) = channel::<Job>();
    thread::spawn(move || {
        let kernel = Kernel::load();
        for (text, result) in queue {
            let found = catch_unwind(AssertUnwindSafe(|| script::run(kernel.plane(), &text)));
            // A test that does not wait any more has failed already.
            let _ = result.send(found.unwrap_or_else(|_| Err("the script or the kernel failed".to_owned())));
        }
    });
    Mutex::new(jobs)
});

/// Runs a script on the kernel.
#[track_caller]
fn check(text: &str) {
    let (result, found) = channel();
    KERNEL
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((text.to_owned(), result))
        .expect("the kernel is loaded");
    if let Err(difference) = found.recv().expect("the kernel is loaded") {
        panic!("{difference}");
    }
}

#[test]
fn m03_e06_addresses_may_repeat_in_another_vpc() {
    sg_tests::harness::twins::check_twins(sg_tests::harness::kernel_plane::Kernel::load().plane());
}
