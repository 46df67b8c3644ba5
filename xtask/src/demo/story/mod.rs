//! The article's story in acts. Each act is a file; a step may rely on what the steps before it have changed.

use super::step::{Act, Say};

mod bastion;
mod database;
mod default_group;
mod explain;
mod idle;
mod ipv6;
mod open_rule;
mod path_mtu;
mod ping;
mod revoked_rule;
mod side_by_side;
mod web;

/// The acts, in order.
pub(super) const ACTS: &[&Act] = &[
    &web::ACT,
    &default_group::ACT,
    &database::ACT,
    &bastion::ACT,
    &revoked_rule::ACT,
    &open_rule::ACT,
    &ping::ACT,
    &ipv6::ACT,
    &idle::ACT,
    &side_by_side::ACT,
    &path_mtu::ACT,
    &explain::ACT,
];

/// The outbound rules that every new group has, and the default one.
const WEB_OUT: Say = Say::Rule("web", "outbound all to 0.0.0.0/0");
const WEB_OUT_V6: Say = Say::Rule("web", "outbound all to ::/0");
const DEFAULT_OUT: Say = Say::Rule("default", "outbound all to 0.0.0.0/0");
const DEFAULT_OUT_V6: Say = Say::Rule("default", "outbound all to ::/0");
/// How members of the default group reach each other.
const DEFAULT_SELF: Say = Say::Rule("default", "inbound all from sg default");
const DATABASE_IN: Say = Say::Rule("db", "inbound tcp 5432 from sg web");
