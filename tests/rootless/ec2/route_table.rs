//! Internet gateways, route tables, attributes and blocks over the wire.

use super::{Account, text, texts};

/// The ids of route tables that these filters let pass, as `name=value`.
fn tables(account: &Account, filters: &[(&str, &str)]) -> Vec<String> {
    let filters = filters.iter().enumerate().map(|(index, (name, value))| {
        format!("&Filter.{0}.Name={name}&Filter.{0}.Value.1={value}", index + 1)
    });
    let reply = account.call(&format!("DescribeRouteTables{}", filters.collect::<String>()));
    let mut ids = texts(&reply, "routeTableId");
    ids.sort();
    // A table's associations name it, too.
    ids.dedup();
    ids
}

#[test]
fn a_gateway_s_route_is_shown_as_long_as_it_is_attached() {
    let account = Account::new();
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.20.0.0/16"), "vpcId");
    let gateway = text(
        &account.call("CreateInternetGateway&TagSpecification.1.ResourceType=internet-gateway&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=out"),
        "internetGatewayId",
    );
    account.refused(
        &format!("AttachInternetGateway&InternetGatewayId={gateway}&VpcId=vpc-12345678"),
        "InvalidVpcID.NotFound",
    );
    account.call(&format!("AttachInternetGateway&InternetGatewayId={gateway}&VpcId={vpc}"));
    let attached = "DescribeInternetGateways&Filter.1.Name=attachment.state&Filter.1.Value.1=available";
    let reply = account.call(&format!("{attached}&Filter.2.Name=attachment.vpc-id&Filter.2.Value.1={vpc}"));
    assert_eq!(texts(&reply, "internetGatewayId"), [gateway.as_str()]);
    assert_eq!(text(&reply, "vpcId"), vpc);
    account.refused(
        "DescribeInternetGateways&InternetGatewayId.1=igw-12345678",
        "InvalidInternetGatewayID.NotFound",
    );

    let main = tables(&account, &[("vpc-id", &vpc), ("association.main", "true")]);
    let [main] = main.as_slice() else { panic!("{main:?}") };
    let create = format!("CreateRoute&RouteTableId={main}");
    account.call(&format!("{create}&DestinationCidrBlock=0.0.0.0/0&GatewayId={gateway}"));
    account.refused(&format!("{create}&DestinationCidrBlock=9.9.9.0/24"), "MissingParameter");
    account.refused(
        &format!("{create}&DestinationCidrBlock=9.9.9.0/24&NatGatewayId=nat-12345678"),
        "UnsupportedOperation",
    );
    let reply = account.call(&format!("DescribeRouteTables&RouteTableId.1={main}"));
    assert_eq!(texts(&reply, "destinationCidrBlock"), ["10.20.0.0/16", "0.0.0.0/0"]);
    assert_eq!(texts(&reply, "gatewayId"), ["local", gateway.as_str()]);
    assert_eq!(texts(&reply, "origin"), ["CreateRouteTable", "CreateRoute"]);
    assert_eq!(text(&reply, "main"), "true");
    let hole = [("route.gateway-id", gateway.as_str()), ("route.state", "blackhole")];
    assert!(tables(&account, &hole).is_empty());
    account.call(&format!("DetachInternetGateway&InternetGatewayId={gateway}&VpcId={vpc}"));
    assert_eq!(tables(&account, &hole), [main.as_str()]);
    account.call(&format!("DeleteRoute&RouteTableId={main}&DestinationCidrBlock=0.0.0.0/0"));
    assert!(tables(&account, &hole).is_empty());
}

#[test]
fn subnets_are_associated_and_filters_find_them_by_their_own_association_only() {
    let account = Account::new();
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.20.0.0/16"), "vpcId");
    let subnet = text(&account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.20.1.0/24")), "subnetId");
    let table = text(&account.call(&format!("CreateRouteTable&VpcId={vpc}")), "routeTableId");
    let of_subnet = [("association.subnet-id", subnet.as_str())];
    assert!(tables(&account, &of_subnet).is_empty(), "the main table is the subnet's without an association");
    let reply = account.call(&format!("AssociateRouteTable&RouteTableId={table}&SubnetId={subnet}"));
    let association = text(&reply, "associationId");
    assert_eq!(text(&reply, "state"), "associated");
    assert_eq!(tables(&account, &of_subnet), [table.as_str()]);
    assert_eq!(
        tables(&account, &[("association.route-table-association-id", association.as_str())]),
        [table.as_str()]
    );
    account.refused(&format!("DeleteRouteTable&RouteTableId={table}"), "DependencyViolation");
    account.refused(
        &format!("AssociateRouteTable&RouteTableId={table}&GatewayId=igw-12345678"),
        "UnsupportedOperation",
    );
    account.call(&format!("DisassociateRouteTable&AssociationId={association}"));
    assert!(tables(&account, &of_subnet).is_empty());
    account.call(&format!("DeleteRouteTable&RouteTableId={table}"));
    let abroad = account.in_region("eu-west-1");
    assert!(tables(&abroad, &[]).is_empty(), "another region's do not exist");
}

#[test]
fn attributes_and_blocks_are_what_was_set() {
    let account = Account::new();
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.20.0.0/16"), "vpcId");
    let attribute = |name: &str| {
        text(&account.call(&format!("DescribeVpcAttribute&VpcId={vpc}&Attribute={name}")), "value")
    };
    assert_eq!(
        (attribute("enableDnsSupport"), attribute("enableDnsHostnames")),
        ("true".into(), "false".into())
    );
    account.call(&format!("ModifyVpcAttribute&VpcId={vpc}&EnableDnsHostnames.Value=true"));
    assert_eq!(attribute("enableDnsHostnames"), "true");
    account.refused(&format!("DescribeVpcAttribute&VpcId={vpc}&Attribute=colour"), "InvalidParameterValue");
    account.refused("CreateVpc&CidrBlock=10.0.0.0/16&InstanceTenancy=dedicated", "UnsupportedOperation");

    let reply = account.call(&format!("AssociateVpcCidrBlock&VpcId={vpc}&AmazonProvidedIpv6CidrBlock=true"));
    assert_eq!((text(&reply, "state"), text(&reply, "ipv6Pool")), ("associating".into(), "Amazon".into()));
    let association = text(&reply, "associationId");
    let shown = account.call(&format!(
        "DescribeVpcs&Filter.1.Name=ipv6-cidr-block-association.association-id&Filter.1.Value.1={association}"
    ));
    assert_eq!(text(&shown, "vpcId"), vpc);
    let create = format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.20.1.0/24");
    let subnet = text(&account.call(&create), "subnetId");
    let reply =
        account.call(&format!("AssociateSubnetCidrBlock&SubnetId={subnet}&Ipv6CidrBlock=2600:1f13::/64"));
    let of_subnet = text(&reply, "associationId");
    account.call(&format!("ModifySubnetAttribute&SubnetId={subnet}&MapPublicIpOnLaunch.Value=true"));
    account.refused(
        &format!("ModifySubnetAttribute&SubnetId={subnet}&EnableDns64.Value=true"),
        "UnsupportedOperation",
    );
    let shown = account.call(
        "DescribeSubnets&Filter.1.Name=map-public-ip-on-launch&Filter.1.Value.1=true&Filter.2.Name=default-for-az&Filter.2.Value.1=false",
    );
    assert_eq!((text(&shown, "subnetId"), text(&shown, "mapPublicIpOnLaunch")), (subnet, "true".into()));
    account
        .refused(&format!("DisassociateVpcCidrBlock&AssociationId={association}"), "InvalidCidrBlock.InUse");
    account.call(&format!("DisassociateSubnetCidrBlock&AssociationId={of_subnet}"));
    account.call(&format!("DisassociateVpcCidrBlock&AssociationId={association}"));
    assert!(texts(&account.call(&format!("DescribeVpcs&VpcId.1={vpc}")), "ipv6CidrBlock").is_empty());
}

#[test]
fn a_region_without_a_default_vpc_gets_one_and_what_clients_ask_first_is_answered() {
    let account = Account::new();
    account.refused("CreateDefaultVpc", "DefaultVpcAlreadyExists");
    let account = account.in_region("eu-west-1");
    account.refused("CreateDefaultSubnet&AvailabilityZone=eu-west-1a", "DefaultVpcDoesNotExist");
    assert_eq!(text(&account.call("CreateDefaultVpc"), "isDefault"), "true");
    let reply = account.call("DescribeSubnets&Filter.1.Name=default-for-az&Filter.1.Value.1=true");
    assert_eq!(texts(&reply, "cidrBlock"), ["172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"]);
    account.refused(
        "CreateDefaultSubnet&AvailabilityZone=eu-west-1a",
        "DefaultSubnetAlreadyExistsInAvailabilityZone",
    );
    let vpc = text(&account.call("DescribeVpcs"), "vpcId");
    let reply = account.call("DescribeAccountAttributes&AttributeName.1=default-vpc");
    assert_eq!(texts(&reply, "attributeValue"), [vpc]);
    account.refused("DescribeAccountAttributes&AttributeName.1=colour", "InvalidParameterValue");
    assert!(texts(&account.call("DescribePrefixLists"), "prefixListId").is_empty());
    assert!(texts(&account.call("DescribeDhcpOptions"), "dhcpOptionsId").is_empty());
    account.refused("DescribeDhcpOptions&DhcpOptionsId.1=dopt-12345678", "InvalidDhcpOptionID.NotFound");
}
