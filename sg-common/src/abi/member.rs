//! Who owns a private address, and which groups that interface carries: group membership as data.

/// The most groups that an interface can carry.
pub const MAX_GROUPS: usize = 16;

/// Key for IPv4.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberKey4 {
    /// Index of the network; the internet host's view of all VPCs is [`INTERNET_NETWORK`].
    pub network: u32,
    /// The address.
    pub address: u32,
}

/// Key for IPv6.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberKey6 {
    /// As for IPv4.
    pub network: u32,
    /// Zero.
    pub reserved: u32,
    /// Upper half of the address.
    pub high: u64,
    /// Lower half of the address.
    pub low: u64,
}

/// The network under which the internet host finds instances. No VPC has it.
pub const INTERNET_NETWORK: u32 = u32::MAX;

/// The interface that owns an address.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberRecord {
    /// The interface's number.
    pub number: u32,
    /// Its slot.
    pub slot: u32,
    /// How many of `groups` count.
    pub count: u32,
    /// Different in every record ever written: a deleted element's memory is used again at once, so a reader compares it
    /// before and after.
    pub version: u32,
    /// Numbers of its groups.
    pub groups: [u32; MAX_GROUPS],
}

const _: () = assert!(size_of::<MemberKey4>() == 8);
const _: () = assert!(size_of::<MemberKey6>() == 24);
const _: () = assert!(size_of::<MemberRecord>() == 80);
