//! The tags of a resource.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;

use crate::aws::tag::ResourceId;
use crate::aws::world::World;

/// A resource with its tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagsView {
    /// The resource's id.
    pub id: String,
    /// Its tags by key.
    pub tags: BTreeMap<String, String>,
}

impl TagsView {
    /// The tags of what has this id; none where there is no such thing.
    pub fn new(world: &World, id: &ResourceId) -> Self {
        Self { id: id.to_string(), tags: world.tags(id).cloned().unwrap_or_default() }
    }
}

/// Tags as a table.
pub fn table(view: &TagsView) -> Table {
    let mut table = super::table(&["KEY", "VALUE"]);
    for (key, value) in &view.tags {
        table.add_row([key, value]);
    }
    table
}
