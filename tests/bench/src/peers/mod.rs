//! The firewalls to beat, as their experts would write them.

pub(crate) mod iptables;
pub(crate) mod nftables;
