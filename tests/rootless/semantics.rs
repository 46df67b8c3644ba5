//! AWS's documented semantics, case by case, on every data plane. Each test names the fact that it holds (E-, C-, R-);
//! `sg_tests::harness::script` says how to read the scripts.

mod addresses;
mod fragments;
mod icmp;
mod rules;
mod tcp;
mod tracking;
mod udp;
