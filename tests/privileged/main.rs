//! Tests on real namespaces, links and packets. They need root, and fail without: a test that cannot run has not passed.

#![expect(clippy::unwrap_used, reason = "in a test, also in its helper functions, a panic is the report")]

mod agreement;
mod allowance;
mod arp;
mod article;
mod aws_clients;
mod flow_logs;
mod frames;
mod full_disk;
mod health;
mod import;
mod instance_state;
mod joined;
mod kills;
mod lab_plumbing;
mod lab_processes;
mod lab_removal;
mod lab_traffic;
mod load;
mod membership;
mod metadata;
mod network_acl;
mod path_mtu;
mod peering;
mod place;
mod prefix_lists;
mod product;
mod reach;
mod refusal;
mod removal;
mod replacement;
mod restart;
mod semantics;
mod sessions;
mod sweep;
mod ten_clients;
mod trace;
mod traffic;
mod two_controllers;
mod unjudged;
mod usage;
mod user_data;
mod verify;
mod volume;

use sg_tests::harness::kernel_plane::{self, require_root};

/// A link index of this run's own, for links in the host's namespace, which every run shares.
fn host_index(n: u32) -> u32 {
    1_000_000 + std::process::id() % 100_000 * 1000 + n
}
