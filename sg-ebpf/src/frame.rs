//! Frames in the kernel: direct reads where the offset is known and the bytes are linear, a helper everywhere else.

use core::arch::asm;

use aya_ebpf::programs::{TcContext, XdpContext};
use aya_ebpf::{EbpfContext, helpers};
use sg_common::datapath::frame::Frame;
use sg_common::datapath::parse::Kind;
use sg_common::datapath::tuple::Packet;

use crate::stages;

/// Reads `N` bytes at `start + offset` if they lie before `end`.
#[inline(always)]
fn read_linear<const N: usize>(start: usize, end: usize, offset: u32) -> Option<[u8; N]> {
    let at = start + offset as usize;
    if at + N > end {
        return None;
    }
    // SAFETY: compared with the frame's end just above, as the verifier checks again.
    Some(unsafe { *(at as *const [u8; N]) })
}

/// Reads `N` words of 32 bits at `start + offset` if they lie before `end`.
#[inline(always)]
fn words_linear<const N: usize>(start: usize, end: usize, offset: u32) -> Option<[u32; N]> {
    let at = start + offset as usize;
    if at + N * 4 > end {
        return None;
    }
    // SAFETY: compared with the frame's end just above, as the verifier checks again.
    Some(core::array::from_fn(|n| unsafe { load(at + n * 4) }).map(u32::from_be))
}

/// A load from any address, which the compiler would make of bytes.
///
/// # Safety
/// The four bytes lie in the frame.
#[inline(always)]
unsafe fn load(at: usize) -> u32 {
    let word: u64;
    // SAFETY: the caller's promise; one instruction.
    unsafe { asm!("{0} = *(u32 *)({1} + 0)", out(reg) word, in(reg) at, options(pure, readonly, nostack)) };
    word as u32
}

/// A frame at a TCX hook. Its length is the socket buffer's, which is right for packets that the kernel carries as one
/// and splits later; a header's own length field need not be.
pub(crate) struct SkbFrame<'a>(pub(crate) &'a TcContext);

impl Frame for SkbFrame<'_> {
    #[inline(always)]
    fn length(&self) -> u32 {
        self.0.len()
    }

    #[inline(always)]
    fn segment_size(&self) -> u32 {
        // SAFETY: a field of the context, which the verifier rewrites.
        unsafe { (*self.0.skb.skb).gso_size }
    }

    #[inline(always)]
    fn parse(&self, _packet: &mut Packet) -> Kind {
        // The packet is where `stages` finds it.
        Kind(stages::sg_parse(self.0.skb.skb))
    }

    #[inline(always)]
    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        match read_linear(self.0.data(), self.0.data_end(), offset) {
            Some(bytes) => Some(bytes),
            None => self.read_at(offset),
        }
    }

    #[inline(always)]
    fn read_at<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut bytes = [0u8; N];
        // SAFETY: the helper writes N bytes into `bytes` or fails; it checks the offset against the buffer.
        let result = unsafe {
            helpers::generated::bpf_skb_load_bytes(
                self.0.as_ptr(),
                offset,
                bytes.as_mut_ptr().cast(),
                N as u32,
            )
        };
        if result == 0 { Some(bytes) } else { None }
    }

    #[inline(always)]
    fn words<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        match words_linear(self.0.data(), self.0.data_end(), offset) {
            Some(words) => Some(words),
            None => self.words_at(offset),
        }
    }

    #[inline(always)]
    fn words_at<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        let mut words = [0u32; N];
        // SAFETY: the helper writes N words into `words` or fails; it checks the offset against the buffer.
        let result = unsafe {
            helpers::generated::bpf_skb_load_bytes(
                self.0.as_ptr(),
                offset,
                words.as_mut_ptr().cast(),
                N as u32 * 4,
            )
        };
        if result == 0 { Some(words.map(u32::from_be)) } else { None }
    }
}

/// A frame at the XDP hook, where there is no path MTU.
pub(crate) struct XdpFrame<'a>(pub(crate) &'a XdpContext);

impl Frame for XdpFrame<'_> {
    #[inline(always)]
    fn length(&self) -> u32 {
        (self.0.data_end() - self.0.data()) as u32
    }

    #[inline(always)]
    fn has_path_mtu(&self) -> bool {
        false
    }

    #[inline(always)]
    fn parse(&self, _packet: &mut Packet) -> Kind {
        // The packet is where `stages` finds it.
        Kind(stages::sg_parse_xdp(self.0.ctx))
    }

    #[inline(always)]
    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        read_linear(self.0.data(), self.0.data_end(), offset)
    }

    #[inline(always)]
    fn read_at<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut bytes = [0u8; N];
        // SAFETY: the helper writes N bytes into `bytes` or fails; it checks the offset against the frame.
        let result = unsafe {
            helpers::generated::bpf_xdp_load_bytes(
                self.0.ctx.cast(),
                offset,
                bytes.as_mut_ptr().cast(),
                N as u32,
            )
        };
        if result == 0 { Some(bytes) } else { None }
    }

    #[inline(always)]
    fn words<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        words_linear(self.0.data(), self.0.data_end(), offset)
    }

    #[inline(always)]
    fn words_at<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        let mut words = [0u32; N];
        // SAFETY: the helper writes N words into `words` or fails; it checks the offset against the frame.
        let result = unsafe {
            helpers::generated::bpf_xdp_load_bytes(
                self.0.ctx.cast(),
                offset,
                words.as_mut_ptr().cast(),
                N as u32 * 4,
            )
        };
        if result == 0 { Some(words.map(u32::from_be)) } else { None }
    }
}
