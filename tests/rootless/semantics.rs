//! AWS's documented semantics, case by case, on every data plane. Each test names the fact that it holds (M-, R-, E-, C-, N-);
//! `sg_tests::harness::script` says how to read the scripts.

use sg_tests::harness::script::check;

mod addresses;
mod allowance;
mod fragments;
mod icmp;
mod network_acls;
mod path_mtu;
mod peering;
mod prefix_lists;
mod rules;
mod tcp;
mod tracking;
mod udp;

#[test]
fn m03_e06_addresses_may_repeat_in_another_vpc() {
    for plane in sg_tests::harness::planes::planes() {
        sg_tests::harness::twins::check_twins(plane);
    }
}
