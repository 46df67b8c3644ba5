//! Internet gateways and route tables, taken over. A route may lead to what is gone, and then leads nowhere.

use std::collections::BTreeSet;

use crate::aws::error::AwsError;
use crate::aws::internet_gateway::InternetGateway;
use crate::aws::route_table::RouteTable;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

use super::{check_new, check_tags};
use crate::command::edit::Edit;
use crate::command::internet_gateway::check_free;
use crate::command::route_table::{insert_main, other_network};

pub(super) fn adopt_gateway(edit: &mut Edit<'_>, mut gateway: InternetGateway) -> Result<(), AwsError> {
    check_new::<InternetGateway>(edit, &gateway.id)?;
    if let Some(vpc_id) = &gateway.vpc_id {
        if edit.get::<Vpc>(vpc_id)?.region != gateway.region {
            return Err(vpc_id.not_found());
        }
        check_free(edit.world(), vpc_id)?;
    }
    check_tags(&gateway.tags)?;
    gateway.number = edit.next_number()?.1;
    edit.put(gateway);
    Ok(())
}

pub(super) fn adopt_table(edit: &mut Edit<'_>, mut table: RouteTable) -> Result<(), AwsError> {
    check_new::<RouteTable>(edit, &table.id)?;
    edit.get::<Vpc>(&table.vpc_id)?;
    if table.is_main() && edit.world().main_route_table_of(&table.vpc_id).is_some() {
        let message = format!("'{}' would be the second main route table of '{}'", table.id, table.vpc_id);
        return Err(AwsError::invalid_value(message));
    }
    let others = edit.world().route_tables.values().flat_map(|other| &other.associations);
    let mut ids = others.clone().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
    let mut subnets = others.filter_map(|it| it.subnet_id.clone()).collect::<BTreeSet<_>>();
    for association in &table.associations {
        if let Some(subnet_id) = &association.subnet_id {
            if edit.get::<Subnet>(subnet_id)?.vpc_id != table.vpc_id {
                return Err(other_network(&table.id, "subnet", subnet_id));
            }
            if !subnets.insert(subnet_id.clone()) {
                let message = format!("'{subnet_id}' would have a second route table, '{}'", table.id);
                return Err(AwsError::invalid_value(message));
            }
        }
        if !ids.insert(association.id.clone()) {
            return Err(AwsError::invalid_value(format!("'{}' is there twice", association.id)));
        }
    }
    check_tags(&table.tags)?;
    table.number = edit.next_number()?.1;
    edit.put(table);
    Ok(())
}

/// Gives VPCs the main route table that every VPC has, where none has been taken over.
///
/// # Errors
/// Where there are too many objects.
pub fn adopt_main_route_tables(world: &mut World) -> Result<(), AwsError> {
    let mut edit = Edit::begin(world);
    let vpcs = edit.world().vpcs.keys().cloned().collect::<Vec<_>>();
    for vpc_id in vpcs {
        if edit.world().main_route_table_of(&vpc_id).is_none() {
            insert_main(&mut edit, &vpc_id)?;
        }
    }
    edit.finish();
    Ok(())
}
