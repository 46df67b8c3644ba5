//! The BPF programs: the thin shell around `sg_common::datapath`. An entry point is one expression.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod atomic;
mod count;
mod deliver;
mod fabric;
mod flow_log;
mod frame;
mod maps;
mod metadata;
mod policy;
mod scratch;
mod stages;
mod sweep;
mod tables;
mod too_big;

use aya_ebpf::macros::{classifier, xdp};
use aya_ebpf::programs::{TcContext, XdpContext};

/// TCX ingress of a host-side link: what its instance sends.
#[classifier]
fn sg_from_link(ctx: TcContext) -> i32 {
    deliver::from_link(&ctx)
}

/// TCX egress of a host-side link: what reaches its instance other than through the fabric.
#[classifier]
fn sg_to_link(ctx: TcContext) -> i32 {
    deliver::to_link(&ctx)
}

/// XDP on a host-side link, for demonstrations: judges what its instance sends, as `sg_from_link` does.
#[xdp]
fn sg_xdp(ctx: XdpContext) -> u32 {
    deliver::from_link_xdp(&ctx)
}

/// TCX egress of an instance's loopback: the way to the metadata service.
#[classifier]
fn sg_metadata(ctx: TcContext) -> i32 {
    metadata::pass(&ctx)
}

/// An iterator over the map of orders: sweeps the table that the order names.
#[unsafe(link_section = "iter/bpf_map_elem")]
#[unsafe(no_mangle)]
extern "C" fn sg_sweep(element: *const sweep::Element) -> i32 {
    // SAFETY: the kernel's argument.
    unsafe { sweep::sweep(element) };
    0
}

/// Nothing here panics: `sg_common` has no panicking path that survives optimisation, or this would not load.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Helpers such as `bpf_ktime_get_coarse_ns` are for any licence; this is what the kernel is told.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
