//! Internet gateways.

use serde_json::{Value, json};

use crate::aws::ids::InternetGatewayId;
use crate::aws::internet_gateway::InternetGateway;
use crate::command::Reply;
use crate::command::internet_gateway::{
    AttachInternetGateway, CreateInternetGateway, DeleteInternetGateway, DetachInternetGateway,
};

use super::tag;
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

/// What AWS calls the state of an attachment that is there.
const ATTACHED: &str = "available";

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let tags = call.params.tags_for("internet-gateway")?;
    match call.change(CreateInternetGateway { region: call.caller.region.clone(), tags })? {
        Reply::InternetGateway(id) => {
            let gateway = call.world.internet_gateways.get(&id).ok_or_else(|| id.not_found())?;
            Ok(json!({ "InternetGateway": view(call.caller, gateway) }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let internet_gateway_id = call.params.required("InternetGatewayId")?;
    call.change(DeleteInternetGateway { internet_gateway_id })?;
    done()
}

pub(super) fn attach(call: &mut Call<'_>) -> Result<Value, Fault> {
    let internet_gateway_id = call.params.required("InternetGatewayId")?;
    let vpc_id = call.params.required("VpcId")?;
    call.change(AttachInternetGateway { internet_gateway_id, vpc_id })?;
    done()
}

pub(super) fn detach(call: &mut Call<'_>) -> Result<Value, Fault> {
    let internet_gateway_id = call.params.required("InternetGatewayId")?;
    let vpc_id = call.params.required("VpcId")?;
    call.change(DetachInternetGateway { internet_gateway_id, vpc_id })?;
    done()
}

const FILTERS: [&str; 4] = ["attachment.state", "attachment.vpc-id", "internet-gateway-id", "owner-id"];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<InternetGatewayId>("InternetGatewayIds")?;
    if let Some(id) = ids.iter().find(|id| !world.internet_gateways.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.internet_gateways.values().filter(|it| ids.is_empty() || ids.contains(&it.id));
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(caller, it, name)));
    let (gateways, next) = page(params, 5..=1000, found.map(|it| (it.number, it)).collect())?;
    let views = gateways.into_iter().map(|gateway| view(caller, gateway)).collect::<Vec<_>>();
    Ok(json!({ "InternetGateways": views, "NextToken": next }))
}

fn values(caller: &Caller, gateway: &InternetGateway, name: &str) -> Vec<String> {
    match name {
        "attachment.state" => gateway.vpc_id.iter().map(|_| ATTACHED.to_owned()).collect(),
        "attachment.vpc-id" => gateway.vpc_id.iter().map(ToString::to_string).collect(),
        "owner-id" => vec![caller.account_id.clone()],
        _ => vec![gateway.id.to_string()],
    }
}

fn view(caller: &Caller, gateway: &InternetGateway) -> Value {
    let attachments = gateway.vpc_id.iter().map(|vpc_id| json!({ "VpcId": vpc_id, "State": ATTACHED }));
    json!({
        "InternetGatewayId": gateway.id,
        "OwnerId": caller.account_id,
        "Attachments": attachments.collect::<Vec<_>>(),
        "Tags": tag::set(&gateway.tags),
    })
}
