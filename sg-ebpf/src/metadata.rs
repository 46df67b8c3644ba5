//! Between port 80 of the metadata service's address and the port where that listens, on an instance's loopback: a server
//! of the instance's own may have port 80 on every address.

use aya_ebpf::bindings::TC_ACT_OK;
use aya_ebpf::programs::TcContext;
use sg_common::abi::METADATA_PORT;

/// 169.254.169.254, as it lies in a packet.
const ADDRESS: u32 = u32::from_be_bytes([169, 254, 169, 254]);
/// HTTP.
const HTTP: u16 = 80;

/// Where things are in a frame of TCP over IPv4 without options.
mod at {
    pub(super) const TYPE: usize = 12;
    pub(super) const VERSION: usize = 14;
    pub(super) const FRAGMENT: usize = 20;
    pub(super) const PROTOCOL: usize = 23;
    pub(super) const SOURCE: usize = 26;
    pub(super) const DESTINATION: usize = 30;
    pub(super) const SOURCE_PORT: usize = 34;
    pub(super) const DESTINATION_PORT: usize = 36;
    pub(super) const CHECKSUM: usize = 50;
}

/// Changes a port of a packet to or from the service, and lets everything through.
#[inline(always)]
pub(crate) fn pass(ctx: &TcContext) -> i32 {
    let _ = change_port(ctx);
    TC_ACT_OK
}

#[inline(always)]
fn change_port(ctx: &TcContext) -> Option<()> {
    let word = |offset| ctx.load::<u16>(offset).ok().map(u16::from_be);
    let address = |offset| ctx.load::<u32>(offset).ok().map(u32::from_be);
    let is_tcp = word(at::TYPE)? == 0x0800
        && ctx.load::<u8>(at::VERSION).ok()? == 0x45
        && word(at::FRAGMENT)? & 0x1fff == 0
        && ctx.load::<u8>(at::PROTOCOL).ok()? == 6;
    if !is_tcp {
        return None;
    }
    if address(at::DESTINATION)? == ADDRESS && word(at::DESTINATION_PORT)? == HTTP {
        replace(ctx, at::DESTINATION_PORT, HTTP, METADATA_PORT)
    } else if address(at::SOURCE)? == ADDRESS && word(at::SOURCE_PORT)? == METADATA_PORT {
        replace(ctx, at::SOURCE_PORT, METADATA_PORT, HTTP)
    } else {
        None
    }
}

#[inline(always)]
fn replace(ctx: &TcContext, offset: usize, from: u16, to: u16) -> Option<()> {
    let size_of_port = 2;
    ctx.l4_csum_replace(at::CHECKSUM, u64::from(from.to_be()), u64::from(to.to_be()), size_of_port).ok()?;
    ctx.store(offset, &to.to_be(), 0).ok()
}
