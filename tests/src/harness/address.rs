//! Names for the addresses of the standard lab. Scripts write them in capitals: `CLIENT`, `WEB6`, `OUTSIDER`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The VPC's IPv4 block.
pub const VPC: &str = "10.0.0.0/16";
/// The VPC's IPv6 block.
pub const VPC6: &str = "2600:1f18:0:100::/56";

/// Asks for things.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 4);
/// Serves, in the client's subnet.
pub const WEB: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
/// Serves, in another subnet.
pub const DB: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 6);
/// A second interface of the web server, in the database's subnet.
pub const AUX: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 7);
/// An interface that is attached to nothing.
pub const SPARE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 9);
/// In another VPC.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 4);
/// Nobody's, in the VPC.
pub const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 200);
/// Somewhere on the internet.
pub const OUTSIDER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// [`CLIENT`] in IPv6.
pub const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f18, 0, 0x101, 0, 0, 0, 4);
/// [`WEB`] in IPv6.
pub const WEB6: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f18, 0, 0x101, 0, 0, 0, 5);
/// [`DB`] in IPv6.
pub const DB6: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f18, 0, 0x102, 0, 0, 0, 6);
/// [`AUX`] in IPv6.
pub const AUX6: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f18, 0, 0x102, 0, 0, 0, 7);
/// [`OUTSIDER`] in IPv6.
pub const OUTSIDER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);

/// Replaces the names in a text by the addresses.
pub fn resolve(text: &str) -> String {
    let names: [(&str, String); 13] = [
        ("OUTSIDER6", OUTSIDER6.to_string()),
        ("OUTSIDER", OUTSIDER.to_string()),
        ("CLIENT6", CLIENT6.to_string()),
        ("CLIENT", CLIENT.to_string()),
        ("WEB6", WEB6.to_string()),
        ("WEB", WEB.to_string()),
        ("DB6", DB6.to_string()),
        ("DB", DB.to_string()),
        ("AUX6", AUX6.to_string()),
        ("AUX", AUX.to_string()),
        ("SPARE", SPARE.to_string()),
        ("FAR", FAR.to_string()),
        ("NOBODY", NOBODY.to_string()),
    ];
    names.iter().fold(text.to_owned(), |text, (name, address)| text.replace(name, address))
}
