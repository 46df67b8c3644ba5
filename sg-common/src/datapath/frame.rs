//! Bounds-checked reads from a frame.

use super::parse::{Kind, parse};
use super::tuple::Packet;

/// An Ethernet frame.
pub trait Frame {
    /// Bytes of the whole frame, Ethernet header included.
    fn length(&self) -> u32;

    /// `N` bytes at an offset that the compiler knows. `None` beyond the end.
    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]>;

    /// `N` bytes at an offset that came out of the frame itself. `None` beyond the end.
    fn read_at<const N: usize>(&self, offset: u32) -> Option<[u8; N]>;

    /// `N` words of 32 bits at an offset that the compiler knows, from network byte order. `None` beyond the end.
    ///
    /// A header's fields come out of words by shifts: the kernel's frames have no alignment that the compiler could rely on,
    /// so it would read them byte by byte.
    fn words<const N: usize>(&self, offset: u32) -> Option<[u32; N]>;

    /// [`Self::words`] at an offset that came out of the frame itself.
    fn words_at<const N: usize>(&self, offset: u32) -> Option<[u32; N]>;

    /// Bytes of payload in each packet, where the frame stands for several that the kernel will split; otherwise 0.
    #[inline(always)]
    fn segment_size(&self) -> u32 {
        0
    }

    /// Whether its path has a largest packet: not where no message about it could go back.
    #[inline(always)]
    fn has_path_mtu(&self) -> bool {
        true
    }

    /// [`parse()`]; the kernel overrides it by a function around it that the verifier checks once.
    #[inline(always)]
    fn parse(&self, packet: &mut Packet) -> Kind {
        parse(self, packet)
    }
}

impl Frame for [u8] {
    fn length(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    fn read<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let start = usize::try_from(offset).ok()?;
        self.get(start..start.checked_add(N)?)?.try_into().ok()
    }

    fn read_at<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        self.read(offset)
    }

    fn words<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        let start = usize::try_from(offset).ok()?;
        let (words, _) = self.get(start..)?.as_chunks::<4>();
        Some(words.first_chunk::<N>()?.map(u32::from_be_bytes))
    }

    fn words_at<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        self.words(offset)
    }
}
