//! An address of either family as a number.

/// An address as a 128-bit number in two halves, host byte order. An IPv4 address is the low 32 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Upper 64 bits; 0 for IPv4.
    pub high: u64,
    /// Lower 64 bits.
    pub low: u64,
}

const _: () = assert!(size_of::<Address>() == 16);

impl Address {
    /// An IPv4 address, host byte order.
    #[inline(always)]
    pub const fn v4(address: u32) -> Self {
        Self { high: 0, low: address as u64 }
    }

    /// An address from its 16 bytes as on the wire.
    #[inline(always)]
    pub const fn v6(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self { high: (number >> 64) as u64, low: number as u64 }
    }

    /// The low 32 bits: all of an IPv4 address.
    #[inline(always)]
    pub const fn low32(self) -> u32 {
        self.low as u32
    }
}

/// Address family.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family(pub u8);

impl Family {
    /// IPv4.
    pub const V4: Self = Self(4);
    /// IPv6.
    pub const V6: Self = Self(6);
}
