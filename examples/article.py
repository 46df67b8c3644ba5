#!/usr/bin/env python3
"""The article's story, driven by boto3: a VPC with web servers, a database and a bastion is made call by call, and after each
change real connections show what it does. `article.sh` tells the same with the AWS CLI.

Needs a lab and its endpoint:   sgsim up && sgsim serve &
and these variables:            AWS_ENDPOINT_URL=http://127.0.0.1:4599 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
                                AWS_DEFAULT_REGION=us-east-1
It makes everything in a VPC of its own, and ends with 1 if anything was not as in AWS.
"""

import atexit
import subprocess
import sys

import boto3
from botocore.exceptions import ClientError

MY_IP = "203.0.113.10/32"

ec2 = boto3.resource("ec2")
client = ec2.meta.client
results = []


def check(what, expected, found):
    results.append(expected == found)
    verdict = "ok" if expected == found else "--"
    print(f"    {verdict}  {what}: {found}" + ("" if expected == found else f", and AWS would say {expected}"))


def title(text):
    print(f"\n{text}", flush=True)


def outcome(said):
    """What a client of sgsim's says, in a word."""
    for word in ("timed out", "answered", "opened"):
        if word in said.split(": ")[0] or said == f"ended: {word}":
            return "answered" if word == "opened" else word
    return said


def connects(source, target, port, expected):
    """One real connection from one instance to another, or from the internet."""
    kind = "http" if port in (80, 443, 8080) else "line"
    command = ["sgsim", "exec", source, "--", "sgsim", "client", "-4", kind, target, str(port), "--timeout", "1s"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()
    check(f"{source} > {target} tcp/{port}", expected, outcome(said))


class Session:
    """A connection that stays open and is used again and again."""

    def __init__(self, source, target, port):
        self.what = f"{source} > {target} tcp/{port}, open session"
        command = ["sgsim", "exec", source, "--", "sgsim", "client", "-4", "hold", target, str(port), "--timeout", "1s"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        check(self.what, "answered", outcome(self.process.stdout.readline().strip()))

    def again(self, expected):
        self.process.stdin.write("a line\n")
        check(self.what, expected, outcome(self.process.stdout.readline().strip()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def serve(instance, *ports):
    """Servers inside an instance, as AWS users would start theirs over SSH; they end with it."""
    server = subprocess.Popen(["sgsim", "exec", instance, "--", "sgsim", "server", *ports])
    atexit.register(server.kill)
    wait = ["sgsim", "exec", instance, "--", "sgsim", "client", "await", "127.0.0.1", ports[1], "--timeout", "10s"]
    subprocess.run(wait, check=True, stdout=subprocess.DEVNULL)


def tcp(port, *, cidr=None, group=None):
    """A permission for one port."""
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    if cidr:
        permission["IpRanges"] = [{"CidrIp": cidr}]
    if group:
        permission["UserIdGroupPairs"] = [{"GroupId": group.id}]
    return [permission]


def run(name, **parameters):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
    made = ec2.create_instances(
        ImageId="ami-12345678", InstanceType="m7i.large", MinCount=1, MaxCount=1, TagSpecifications=tags, **parameters
    )
    return made[0]


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        check(f"{error.operation_name}", code, error.response["Error"]["Code"])
    else:
        check("the call", code, "done")


title("A VPC with two public subnets and a private one")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")
vpc.wait_until_available()
public_a = vpc.create_subnet(CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")
public_b = vpc.create_subnet(CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b")
private_a = vpc.create_subnet(CidrBlock="10.0.11.0/24", AvailabilityZone="us-east-1a")
gateway = ec2.create_internet_gateway()
gateway.attach_to_vpc(VpcId=vpc.id)
public = vpc.create_route_table()
public.create_route(DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway.id)
for subnet in (public_a, public_b):
    public.associate_with_subnet(SubnetId=subnet.id)

title("Security groups: who may reach whom")
web = vpc.create_security_group(GroupName="web", Description="web servers")
db = vpc.create_security_group(GroupName="db", Description="database servers")
admin = vpc.create_security_group(GroupName="admin", Description="bastion, internet side")
maintenance = vpc.create_security_group(GroupName="maintenance", Description="bastion, inner side")
web.authorize_ingress(IpPermissions=tcp(80, cidr="0.0.0.0/0") + tcp(443, cidr="0.0.0.0/0") + tcp(22, group=maintenance))
db.authorize_ingress(IpPermissions=tcp(5432, group=web) + tcp(22, group=maintenance))
admin.authorize_ingress(IpPermissions=tcp(22, cidr=MY_IP))

title("Instances, each a network namespace of this machine")
web_1 = run("web-1", SubnetId=public_a.id, SecurityGroupIds=[web.id])
web_2 = run("web-2", SubnetId=public_b.id, SecurityGroupIds=[web.id])
db_1 = run("db-1", SubnetId=private_a.id, SecurityGroupIds=[db.id])
bastion = run(
    "bastion",
    NetworkInterfaces=[
        {"DeviceIndex": 0, "SubnetId": public_a.id, "Groups": [admin.id]},
        {"DeviceIndex": 1, "SubnetId": private_a.id, "Groups": [maintenance.id]},
    ],
)
instances = [web_1, web_2, db_1, bastion]
client.get_waiter("instance_running").wait(InstanceIds=[instance.id for instance in instances])
serve("web-1", "http", "80", "http", "443", "http", "8080", "tcp", "22")
serve("web-2", "http", "80", "http", "443", "http", "8080", "tcp", "22")
serve("db-1", "tcp", "5432", "tcp", "22")
serve("bastion", "tcp", "22")

title("Web servers are open to the internet on their ports alone")
connects("internet", "web-1", 80, "answered")
connects("internet", "web-2", 443, "answered")
connects("internet", "web-1", 8080, "timed out")

title("The database answers the web servers and nobody else")
connects("web-1", "db-1", 5432, "answered")
connects("web-2", "db-1", 5432, "answered")
connects("internet", "db-1", 5432, "timed out")
connects("bastion", "db-1", 5432, "timed out")

title("The bastion is reached from one address, and reaches the others")
connects("internet", "bastion", 22, "answered")
connects("internet", "web-1", 22, "timed out")
connects("bastion", "db-1", 22, "answered")

title("The default group opens web servers to each other")
default = next(group for group in vpc.security_groups.all() if group.group_name == "default")
connects("web-1", "web-2", 8080, "timed out")
web_1.modify_attribute(Groups=[web.id, default.id])
connects("web-1", "web-2", 8080, "timed out")
web_2.modify_attribute(Groups=[web.id, default.id])
connects("web-1", "web-2", 8080, "answered")
connects("internet", "web-2", 8080, "timed out")

title("A rule is revoked: what is tracked lives on, what is new does not begin")
with Session("web-1", "db-1", 5432) as session:
    db.revoke_ingress(IpPermissions=tcp(5432, group=web))
    session.again("answered")
    connects("web-1", "db-1", 5432, "timed out")
db.authorize_ingress(IpPermissions=tcp(5432, group=web))
connects("web-1", "db-1", 5432, "answered")

title("An open rule is not tracked: its sessions end with it")
web.authorize_ingress(IpPermissions=tcp(22, cidr="0.0.0.0/0"))
with Session("internet", "web-2", 22) as session:
    session.again("answered")
    web.revoke_ingress(IpPermissions=tcp(22, cidr="0.0.0.0/0"))
    session.again("timed out")

title("A network ACL has no memory: it ends tracked sessions, too")
acl = next(acl for acl in vpc.network_acls.all() if acl.is_default)
with Session("internet", "bastion", 22) as session:
    acl.create_entry(
        Egress=False,
        RuleNumber=90,
        Protocol="6",
        PortRange={"From": 22, "To": 22},
        CidrBlock=MY_IP,
        RuleAction="deny",
    )
    session.again("timed out")
acl.delete_entry(Egress=False, RuleNumber=90)
connects("internet", "bastion", 22, "answered")

title("What AWS refuses is refused, and changes nothing")
refused("InvalidPermission.Duplicate", db.authorize_ingress, IpPermissions=tcp(5432, group=web))
refused("DependencyViolation", web.delete)
refused("DryRunOperation", db.authorize_ingress, IpPermissions=tcp(1, cidr="10.0.0.0/8"), DryRun=True)
connects("web-1", "db-1", 5432, "answered")

title("The end")
client.terminate_instances(InstanceIds=[instance.id for instance in instances])
client.get_waiter("instance_terminated").wait(InstanceIds=[instance.id for instance in instances])
web.revoke_ingress(IpPermissions=tcp(22, group=maintenance))
db.revoke_ingress(IpPermissions=tcp(5432, group=web) + tcp(22, group=maintenance))
gateway.detach_from_vpc(VpcId=vpc.id)
for part in (web, db, admin, maintenance, public_a, public_b, private_a, public, gateway, vpc):
    part.delete()

print(f"\n{sum(results)} of {len(results)} checks as in AWS")
sys.exit(not all(results))
