//! Route tables and their associations. Their routes are in `route`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{RouteTableAssociationId, RouteTableId, SubnetId, VpcId};
use crate::aws::route_table::{RouteTable, RouteTableAssociation};
use crate::aws::vpc::{Subnet, Vpc};

use super::Reply;
use super::edit::Edit;
use super::tag;

/// Makes a route table that has the VPC's local routes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRouteTable {
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateRouteTable {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        edit.get::<Vpc>(&self.vpc_id)?;
        let table = RouteTable { tags: tag::checked(self.tags)?, ..empty(edit, &self.vpc_id)? };
        let id = table.id.clone();
        edit.put(table);
        Ok(Reply::RouteTable(id))
    }
}

fn empty(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<RouteTable, AwsError> {
    let (seed, number) = edit.next_number()?;
    Ok(RouteTable {
        id: RouteTableId::mint(seed, number),
        number,
        vpc_id: vpc_id.clone(),
        associations: Vec::new(),
        routes: BTreeMap::new(),
        tags: BTreeMap::new(),
    })
}

/// Makes a VPC's main route table.
pub(super) fn insert_main(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<RouteTableId, AwsError> {
    let mut table = empty(edit, vpc_id)?;
    table.associations.push(association(edit, None)?);
    let id = table.id.clone();
    edit.put(table);
    Ok(id)
}

fn association(edit: &mut Edit<'_>, subnet_id: Option<SubnetId>) -> Result<RouteTableAssociation, AwsError> {
    let (seed, number) = edit.next_number()?;
    Ok(RouteTableAssociation { id: RouteTableAssociationId::mint(seed, number), subnet_id })
}

/// Deletes a route table without associations, hence not a main one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRouteTable {
    /// The table.
    pub route_table_id: RouteTableId,
}

impl DeleteRouteTable {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.route_table_id;
        if !edit.get::<RouteTable>(id)?.associations.is_empty() {
            let message = format!("The routeTable '{id}' has dependencies and cannot be deleted.");
            return Err(AwsError::new("DependencyViolation", message));
        }
        edit.remove::<RouteTable>(id);
        Ok(Reply::Done)
    }
}

/// Gives a subnet a route table instead of the main one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssociateRouteTable {
    /// The table.
    pub route_table_id: RouteTableId,
    /// The subnet, of the same VPC.
    pub subnet_id: SubnetId,
}

impl AssociateRouteTable {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { route_table_id, subnet_id } = self;
        let table: &RouteTable = edit.get(&route_table_id)?;
        if edit.get::<Subnet>(&subnet_id)?.vpc_id != table.vpc_id {
            return Err(other_network(&route_table_id, "subnet", &subnet_id));
        }
        if let Some((other, before)) = explicit(edit, &subnet_id) {
            // What is so already is answered as if it had been done.
            return if other == route_table_id {
                Ok(Reply::RouteTableAssociation(before))
            } else {
                Err(AwsError::new(
                    "Resource.AlreadyAssociated",
                    format!(
                        "the specified association for route table {route_table_id} conflicts with an existing association"
                    ),
                ))
            };
        }
        let new = association(edit, Some(subnet_id))?;
        let id = new.id.clone();
        edit.get_mut::<RouteTable>(&route_table_id)?.associations.push(new);
        Ok(Reply::RouteTableAssociation(id))
    }
}

/// The refusal of what is in another VPC than a route table.
pub(super) fn other_network(table: &RouteTableId, what: &str, id: impl std::fmt::Display) -> AwsError {
    AwsError::invalid_value(format!("route table {table} and {what} {id} belong to different networks"))
}

/// The table that a subnet is associated with itself, and the association.
fn explicit(edit: &Edit<'_>, subnet_id: &SubnetId) -> Option<(RouteTableId, RouteTableAssociationId)> {
    edit.world().route_tables.values().find_map(|table| {
        let mut associations = table.associations.iter();
        let association = associations.find(|it| it.subnet_id.as_ref() == Some(subnet_id))?;
        Some((table.id.clone(), association.id.clone()))
    })
}

/// Ends a subnet's association: it has the main table then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisassociateRouteTable {
    /// The association.
    pub association_id: RouteTableAssociationId,
}

impl DisassociateRouteTable {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = self.association_id;
        let (table, association) = find(edit, &id)?;
        if association.subnet_id.is_none() {
            return Err(AwsError::invalid_value(format!(
                "cannot disassociate the main route table association {id}"
            )));
        }
        take(edit, &table, &id)?;
        Ok(Reply::Done)
    }
}

/// Moves an association to another table, under a new id; the main one, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRouteTableAssociation {
    /// The association.
    pub association_id: RouteTableAssociationId,
    /// The table that is to have it.
    pub route_table_id: RouteTableId,
}

impl ReplaceRouteTableAssociation {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { association_id, route_table_id } = self;
        let (before, RouteTableAssociation { subnet_id, .. }) = find(edit, &association_id)?;
        let vpc_id = edit.get::<RouteTable>(&before)?.vpc_id.clone();
        if edit.get::<RouteTable>(&route_table_id)?.vpc_id != vpc_id {
            return Err(other_network(&route_table_id, "association", &association_id));
        }
        if before == route_table_id {
            // What is so already is answered as if it had been done.
            return Ok(Reply::RouteTableAssociation(association_id));
        }
        take(edit, &before, &association_id)?;
        let new = association(edit, subnet_id)?;
        let id = new.id.clone();
        edit.get_mut::<RouteTable>(&route_table_id)?.associations.push(new);
        Ok(Reply::RouteTableAssociation(id))
    }
}

fn find(
    edit: &Edit<'_>,
    id: &RouteTableAssociationId,
) -> Result<(RouteTableId, RouteTableAssociation), AwsError> {
    let found = edit.world().route_tables.values().find_map(|table| {
        let association = table.associations.iter().find(|association| association.id == *id)?;
        Some((table.id.clone(), association.clone()))
    });
    found.ok_or_else(|| id.not_found())
}

fn take(edit: &mut Edit<'_>, table: &RouteTableId, id: &RouteTableAssociationId) -> Result<(), AwsError> {
    edit.get_mut::<RouteTable>(table)?.associations.retain(|association| association.id != *id);
    Ok(())
}

/// Ends the association of a subnet that is deleted.
pub(super) fn forget_subnet(edit: &mut Edit<'_>, subnet_id: &SubnetId) -> Result<(), AwsError> {
    match explicit(edit, subnet_id) {
        Some((table, id)) => take(edit, &table, &id),
        None => Ok(()),
    }
}
