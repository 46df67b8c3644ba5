//! Connection allowances, under AWS's names for them (C-27).

use comfy_table::Table;
use serde::Serialize;

use crate::aws::world::World;
use crate::dataplane::row::AllowanceRow;

/// An instance's allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllowanceView {
    /// `i-…`.
    pub instance_id: String,
    /// Its name.
    pub instance: String,
    /// Connections that its interfaces track now, together.
    pub tracked: u64,
    /// How many more they may.
    pub conntrack_allowance_available: u64,
    /// Packets denied because there were none left.
    pub conntrack_allowance_exceeded: u64,
}

impl AllowanceView {
    /// The view of a row.
    pub fn new(world: &World, row: &AllowanceRow) -> Self {
        let name = world.instances.get(&row.instance).map(|instance| instance.name.clone());
        Self {
            instance_id: row.instance.to_string(),
            instance: name.unwrap_or_default(),
            tracked: row.tracked,
            conntrack_allowance_available: row.available,
            conntrack_allowance_exceeded: row.exceeded,
        }
    }
}

/// Allowances as a table.
pub fn table(allowances: &[AllowanceView]) -> Table {
    let mut table = super::table(&[
        "INSTANCE",
        "TRACKED",
        "CONNTRACK_ALLOWANCE_AVAILABLE",
        "CONNTRACK_ALLOWANCE_EXCEEDED",
    ]);
    for allowance in allowances {
        table.add_row([
            allowance.instance.clone(),
            allowance.tracked.to_string(),
            allowance.conntrack_allowance_available.to_string(),
            allowance.conntrack_allowance_exceeded.to_string(),
        ]);
    }
    table
}
