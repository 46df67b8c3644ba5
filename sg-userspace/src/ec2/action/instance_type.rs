//! Instance types as `DescribeInstanceTypes` has them: what they decide here, and no more.

use serde_json::{Value, json};

use crate::aws::instance_type::InstanceType;
use crate::aws::interface::ConnectionTrackingSpecification;
use crate::command::attachment::MAX_INTERFACES;

use crate::ec2::call::Call;
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

const FILTERS: [&str; 2] = ["instance-type", "network-info.maximum-network-interfaces"];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&["InstanceTypes", "Filters", "MaxResults", "NextToken"])?;
    let filters = Filters::read(params, &FILTERS, false)?;
    let mut types = params.parsed_list::<InstanceType>("InstanceTypes")?;
    if types.is_empty() {
        // Which sizes a family has is not known here: the types in use.
        types = call.world.instances.values().filter_map(|it| it.instance_type.clone()).collect();
    }
    types.sort();
    types.dedup();
    types.retain(|it| {
        filters.pass(&Default::default(), |name| {
            vec![if name == "instance-type" { it.to_string() } else { MAX_INTERFACES.to_string() }]
        })
    });
    let (types, next) = page(params, 5..=100, (1..).zip(types).collect())?;
    let views = types.iter().map(view).collect::<Vec<_>>();
    Ok(json!({ "InstanceTypes": views, "NextToken": next }))
}

fn view(it: &InstanceType) -> Value {
    let timeouts = ConnectionTrackingSpecification::default().on(Some(it));
    json!({
        "InstanceType": it,
        "SupportedUsageClasses": ["on-demand"],
        "NetworkInfo": {
            "MaximumNetworkInterfaces": MAX_INTERFACES,
            "MaximumNetworkCards": 1,
            "Ipv6Supported": true,
            "ConnectionTrackingConfiguration": {
                "DefaultTcpEstablishedTimeout": timeouts.tcp_established,
                "DefaultUdpTimeout": timeouts.udp,
                "DefaultUdpStreamTimeout": timeouts.udp_stream,
            },
        },
    })
}
