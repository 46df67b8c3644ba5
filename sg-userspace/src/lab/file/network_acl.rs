//! Network ACLs in a lab file: entries by number, one direction at a time.

use serde::Deserialize;

use super::position::{At, Named};

/// A network ACL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworkAclFile {
    /// Inbound entries by number, such as `100: allow HTTP from anywhere-ipv4`; absent: those that AWS gives the ACL.
    pub inbound: Option<Named<At<String>>>,
    /// Outbound entries by number, such as `100: allow all to anywhere-ipv4`; absent: those that AWS gives the ACL.
    pub outbound: Option<Named<At<String>>>,
}
