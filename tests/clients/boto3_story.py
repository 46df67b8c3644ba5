"""Drives the EC2 API with boto3. The endpoint and credentials are in the environment."""

import boto3
from botocore.exceptions import ClientError

ec2 = boto3.client("ec2")


def refused(code, call, **parameters):
    """A call that must be refused with this code."""
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["RequestId"], error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} did not come")


# A VPC with its parts, by resources and waiters.
resource = boto3.resource("ec2")
vpc = resource.create_vpc(CidrBlock="10.77.0.0/16", AmazonProvidedIpv6CidrBlock=True)
vpc.wait_until_available()
vpc.create_tags(Tags=[{"Key": "Name", "Value": "made by boto3"}])
vpc.reload()
assert vpc.tags == [{"Key": "Name", "Value": "made by boto3"}], vpc.tags
assert [group.group_name for group in vpc.security_groups.all()] == ["default"]
subnet = vpc.create_subnet(CidrBlock="10.77.1.0/24", AvailabilityZone="us-east-1c")
assert subnet.available_ip_address_count == 251
ec2.get_waiter("subnet_available").wait(SubnetIds=[subnet.id])

# Groups that refer to each other, with descriptions and tags.
web = vpc.create_security_group(GroupName="web", Description="web tier")
db = vpc.create_security_group(GroupName="db", Description="database tier")
web.authorize_ingress(
    IpPermissions=[
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "anyone & everyone"}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        }
    ],
    TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "team", "Value": "edge"}]}],
)
db.authorize_ingress(
    IpPermissions=[
        {
            "IpProtocol": "tcp",
            "FromPort": 5432,
            "ToPort": 5432,
            "UserIdGroupPairs": [{"GroupId": web.id, "UserId": "123456789012"}],
        }
    ]
)
db.reload()
assert db.ip_permissions[0]["UserIdGroupPairs"] == [{"GroupId": web.id, "UserId": "123456789012"}], db.ip_permissions
tagged = ec2.describe_security_group_rules(Filters=[{"Name": "tag:team", "Values": ["e*"]}])["SecurityGroupRules"]
assert [rule.get("CidrIpv4", rule.get("CidrIpv6")) for rule in tagged] == ["0.0.0.0/0", "::/0"], tagged
ec2.get_waiter("security_group_exists").wait(GroupIds=[web.id, db.id])

# What AWS refuses.
refused("DependencyViolation", web.delete)
refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])
refused("InvalidGroupId.Malformed", ec2.delete_security_group, GroupId="web")
message = refused(
    "InvalidParameterValue",
    web.authorize_ingress,
    IpProtocol="tcp",
    FromPort=1,
    ToPort=1,
    CidrIp="10.0.0.1",
)
assert message == "CIDR block 10.0.0.1 is malformed", message
refused("InvalidPermission.NotFound", web.revoke_ingress, IpProtocol="tcp", FromPort=1, ToPort=1, CidrIp="10.0.0.0/8")
refused("InvalidAction", ec2.describe_vpn_gateways)

# Pages.
names = [f"paged-{number:02}" for number in range(23)]
for name in names:
    vpc.create_security_group(GroupName=name, Description="one of many")
pages = list(
    ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "group-name", "Values": ["paged-*"]}], PaginationConfig={"PageSize": 10}
    )
)
assert [len(page["SecurityGroups"]) for page in pages] == [10, 10, 3], pages
assert [group["GroupName"] for page in pages for group in page["SecurityGroups"]] == names

# An interface, its settings, and the end of everything.
interface = subnet.create_network_interface(Groups=[web.id], PrivateIpAddress="10.77.1.10", Description="front")
assert interface.status == "available" and interface.groups == [{"GroupId": web.id, "GroupName": "web"}]
interface.modify_attribute(Groups=[db.id])
interface.modify_attribute(SourceDestCheck={"Value": False})
interface.reload()
assert interface.groups == [{"GroupId": db.id, "GroupName": "db"}] and interface.source_dest_check is False
interface.delete()
db.revoke_ingress(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"] for rule in ec2.describe_security_group_rules(
    Filters=[{"Name": "group-id", "Values": [db.id]}])["SecurityGroupRules"] if not rule["IsEgress"]])
for group in vpc.security_groups.all():
    if group.group_name != "default":
        group.delete()
subnet.delete()
vpc.delete()
refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=[vpc.id])

# Another region is another world.
ireland = boto3.client("ec2", region_name="eu-west-1")
assert ireland.describe_vpcs()["Vpcs"] == []
assert [zone["ZoneName"] for zone in ireland.describe_availability_zones()["AvailabilityZones"]] == [
    "eu-west-1a",
    "eu-west-1b",
    "eu-west-1c",
]

print("all checks passed")
