"""Every waiter and every paginator that botocore has for EC2 and whose action there is here.

The actions are the program's arguments. A waiter without a recipe, or a paginator that gives another list than one call does,
ends this with an error.
"""

import json
import sys

import boto3
import botocore.loaders

actions = set(sys.argv[1:])
ec2 = boto3.client("ec2")
loader = botocore.loaders.Loader()
waiters = loader.load_service_model("ec2", "waiters-2")["waiters"]
paginators = loader.load_service_model("ec2", "paginators-1")["pagination"]


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


# What there is to wait for.
vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
other = ec2.create_vpc(CidrBlock="10.51.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.1.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName="waited", Description="for", VpcId=vpc)["GroupId"]
interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
launch = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
run = lambda: ec2.run_instances(**launch)["Instances"][0]
first = run()
assert first["State"]["Name"] == "pending", first["State"]
instance = first["InstanceId"]
peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)
peering = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]


def stopped():
    answer = ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
    assert (answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]) == ("running", "stopping"), answer
    return {"InstanceIds": [instance]}


def running():
    if "StartInstances" in actions:
        ec2.start_instances(InstanceIds=[instance])
    return {"InstanceIds": [instance]}


def terminated():
    gone = run()["InstanceId"]
    ec2.terminate_instances(InstanceIds=[gone])
    return {"InstanceIds": [gone]}


def peering_deleted():
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    return {"VpcPeeringConnectionIds": [peering]}


def associated():
    ec2.associate_security_group_vpc(GroupId=group, VpcId=other)
    return {"Filters": [{"Name": "group-id", "Values": [group]}]}


def disassociated():
    ec2.disassociate_security_group_vpc(GroupId=group, VpcId=other)
    return {"Filters": [{"Name": "group-id", "Values": [group]}]}


def gateway():
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    return {"InternetGatewayIds": [made]}


# In this order: what runs has to be stopped before it is started.
recipes = {
    "InstanceExists": lambda: {"InstanceIds": [instance]},
    "InstanceStopped": stopped,
    "InstanceRunning": running,
    "InstanceStatusOk": running,
    "SystemStatusOk": running,
    "InstanceTerminated": terminated,
    "ImageExists": lambda: {"ImageIds": ["ami-12345678"]},
    "ImageAvailable": lambda: {"ImageIds": ["ami-12345678"]},
    "InternetGatewayExists": gateway,
    "NetworkInterfaceAvailable": lambda: {"NetworkInterfaceIds": [interface]},
    "SecurityGroupExists": lambda: {"GroupIds": [group]},
    "SecurityGroupVpcAssociationAssociated": associated,
    "SecurityGroupVpcAssociationDisassociated": disassociated,
    "SubnetAvailable": lambda: {"SubnetIds": [subnet]},
    "VpcExists": lambda: {"VpcIds": [vpc]},
    "VpcAvailable": lambda: {"VpcIds": [vpc]},
    "VpcPeeringConnectionExists": lambda: {"VpcPeeringConnectionIds": [peering]},
    "VpcPeeringConnectionDeleted": peering_deleted,
}
supported = [name for name, waiter in waiters.items() if waiter["operation"] in actions]
without = sorted(set(supported) - set(recipes))
assert not without, f"waiters without a recipe: {without}"
waited = 0
for name, recipe in recipes.items():
    if name in supported:
        # The first answer has to be the last: nothing is under way once a call is answered.
        ec2.get_waiter(snake(name)).wait(**recipe(), WaiterConfig={"Delay": 1, "MaxAttempts": 1})
        waited += 1
assert waited == len(supported) >= 15, (waited, supported)
try:
    ec2.get_waiter("instance_running").wait(
        InstanceIds=terminated()["InstanceIds"], WaiterConfig={"Delay": 1, "MaxAttempts": 1}
    )
    raise AssertionError("a terminated instance was waited for in vain, and nobody said so")
except botocore.exceptions.WaiterError as error:
    assert "terminal failure" in str(error), error

# More of everything than a page has.
for i in range(6):
    ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.50.{16 + i}.0/24")
    ec2.create_security_group(GroupName=f"g{i}", Description="of many", VpcId=vpc)
    ec2.create_network_interface(SubnetId=subnet, Description=f"{i}")
    ec2.create_network_acl(VpcId=vpc)
    ec2.create_vpc(CidrBlock=f"10.{60 + i}.0.0/16")
    ec2.create_managed_prefix_list(PrefixListName=f"l{i}", MaxEntries=9, AddressFamily="IPv4")
many = ec2.run_instances(**{**launch, "MinCount": 7, "MaxCount": 7})
assert len(many["Instances"]) == 7
listed = ec2.create_managed_prefix_list(
    PrefixListName="full",
    MaxEntries=9,
    AddressFamily="IPv4",
    Entries=[{"Cidr": f"10.{i}.0.0/16"} for i in range(9)],
)["PrefixList"]["PrefixListId"]
parameters = {
    "DescribeInstanceStatus": {"IncludeAllInstances": True},
    "DescribeStaleSecurityGroups": {"VpcId": vpc},
    "GetManagedPrefixListAssociations": {"PrefixListId": listed},
    "GetManagedPrefixListEntries": {"PrefixListId": listed},
    "GetSecurityGroupsForVpc": {"VpcId": vpc},
}
split = {
    "DescribeInstances",
    "DescribeInstanceStatus",
    "DescribeManagedPrefixLists",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
    "GetManagedPrefixListEntries",
    "GetSecurityGroupsForVpc",
}


def items(pages, keys):
    """What pages hold, instances rather than the reservations that they are in."""
    for page in pages:
        for key in keys:
            for item in page.get(key, []):
                yield from item["Instances"] if key == "Reservations" else [item]


paged = 0
for name, rule in paginators.items():
    if name not in actions or "limit_key" not in rule:
        continue
    keys = rule["result_key"] if isinstance(rule["result_key"], list) else [rule["result_key"]]
    given = parameters.get(name, {})
    whole = list(items([getattr(ec2, snake(name))(**given)], keys))
    pages = list(ec2.get_paginator(snake(name)).paginate(**given, PaginationConfig={"PageSize": 5}))
    parts = list(items(pages, keys))
    assert json.dumps(parts, default=str) == json.dumps(whole, default=str), f"{name}: pages differ from the whole"
    assert len(pages) > 1 or name not in split, f"{name}: {len(whole)} in one page"
    paged += 1
assert split <= set(paginators) & actions, split - actions
print(f"{waited} waiters, {paged} paginators")
print("all checks passed")
