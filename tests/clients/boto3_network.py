"""What Terraform's AWS provider asks and makes for a network with an interface in it, in its order, and what it takes down."""

import boto3
from botocore.exceptions import ClientError

ec2 = boto3.client("ec2")


def refused(code, call, **parameters):
    """A call that must be refused with this code."""
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} did not come")


def named(kind):
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "net"}]}]


def by(**filters):
    return [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in filters.items()]


def only(things):
    assert len(things) == 1, things
    return things[0]


# aws_vpc: made, waited for, its attributes set one by one, and all read back with its default parts.
assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
ec2.describe_account_attributes(AttributeNames=["supported-platforms"])
vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16", InstanceTenancy="default", TagSpecifications=named("vpc"))["Vpc"]["VpcId"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
for attribute, wanted in [
    ("EnableDnsHostnames", True),
    ("EnableDnsSupport", True),
    ("EnableNetworkAddressUsageMetrics", False),
]:
    answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute[0].lower() + attribute[1:])
    assert answer[attribute] == {"Value": wanted}, answer
acl = only(ec2.describe_network_acls(Filters=by(default="true", vpc_id=vpc))["NetworkAcls"])
main = only(ec2.describe_route_tables(Filters=by(association__main="true", vpc_id=vpc))["RouteTables"])
default = only(ec2.describe_security_groups(Filters=by(group_name="default", vpc_id=vpc))["SecurityGroups"])
assert acl["IsDefault"] and main["Associations"][0]["Main"] and default["VpcId"] == vpc
assert [route["GatewayId"] for route in main["Routes"]] == ["local"], main
association = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.51.0.0/16")["CidrBlockAssociation"]
found = only(
    ec2.describe_vpcs(Filters=by(cidr_block_association__association_id=association["AssociationId"]))["Vpcs"]
)
assert found["CidrBlockAssociationSet"][1]["CidrBlockState"] == {"State": "associated"}, found

# aws_subnet: its attributes have calls of their own.
subnets = []
for block, zone in [("10.50.1.0/24", "us-east-1a"), ("10.51.1.0/24", "us-east-1b")]:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone, TagSpecifications=named("subnet"))
    subnets.append(made["Subnet"]["SubnetId"])
    ec2.get_waiter("subnet_available").wait(SubnetIds=subnets[-1:])
public, private = subnets
ec2.modify_subnet_attribute(SubnetId=public, MapPublicIpOnLaunch={"Value": True})
assert only(ec2.describe_subnets(SubnetIds=[public])["Subnets"])["MapPublicIpOnLaunch"] is True

# aws_internet_gateway, aws_route_table, aws_route, aws_route_table_association.
gateway = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway"))["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
attachment = only(ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"])["Attachments"]
assert attachment == [{"VpcId": vpc, "State": "available"}], attachment
table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table"))["RouteTable"]["RouteTableId"]
assert ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)["Return"] is True
refused("RouteAlreadyExists", ec2.create_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
associated = ec2.associate_route_table(RouteTableId=table, SubnetId=public)["AssociationId"]
shown = only(ec2.describe_route_tables(Filters=by(association__subnet_id=public))["RouteTables"])
assert shown["RouteTableId"] == table and shown["Associations"][0]["AssociationState"] == {"State": "associated"}, shown
assert [route["State"] for route in shown["Routes"]] == ["active"] * 3, shown
assert shown["Tags"] == [{"Key": "Name", "Value": "net"}], shown
pages = ec2.get_paginator("describe_route_tables").paginate(Filters=by(vpc_id=vpc), PaginationConfig={"PageSize": 5})
assert {it["RouteTableId"] for page in pages for it in page["RouteTables"]} == {table, main["RouteTableId"]}

# aws_security_group: the rule that AWS gives every new group is revoked first. aws_network_interface.
group = ec2.create_security_group(
    VpcId=vpc, GroupName="net", Description="Managed by a client", TagSpecifications=named("security-group")
)["GroupId"]
ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
ec2.authorize_security_group_ingress(
    GroupId=group,
    IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
)
interface = ec2.create_network_interface(SubnetId=public, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[interface])

# Taken down in the order in which nothing is in the way, and refused in another.
refused("DependencyViolation", ec2.delete_subnet, SubnetId=public)
refused("DependencyViolation", ec2.delete_route_table, RouteTableId=table)
refused("DependencyViolation", ec2.delete_internet_gateway, InternetGatewayId=gateway)
refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
ec2.delete_network_interface(NetworkInterfaceId=interface)
ec2.delete_security_group(GroupId=group)
ec2.disassociate_route_table(AssociationId=associated)
ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
ec2.delete_route_table(RouteTableId=table)
ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=gateway)
refused("InvalidInternetGatewayID.NotFound", ec2.describe_internet_gateways, InternetGatewayIds=[gateway])
for subnet in subnets:
    ec2.delete_subnet(SubnetId=subnet)
ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
ec2.delete_vpc(VpcId=vpc)
refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=[vpc])
assert ec2.describe_route_tables(Filters=by(vpc_id=vpc))["RouteTables"] == []
print("all checks passed")
