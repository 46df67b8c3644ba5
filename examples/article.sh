#!/usr/bin/env bash
# The article's story, driven by the unmodified AWS CLI: a VPC with web servers, a database and a bastion is made call by
# call, and after each change real connections show what it does. `article.py` tells the same with boto3.
#
# Needs a lab and its endpoint:   sgsim up && sgsim serve &
# and these variables:            AWS_ENDPOINT_URL=http://127.0.0.1:4599 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
#                                 AWS_DEFAULT_REGION=us-east-1
# It makes everything in a VPC of its own, and ends with 1 if anything was not as in AWS.
set -euo pipefail
export AWS_PAGER=

checks=0 wrong=0

title() { printf '\n%s\n' "$1"; }

# Shows a call as one would type it.
show() {
    local word line='  $ aws ec2'
    for word in "$@"; do
        case $word in *[[:space:]\[]*) line+=" '$word'" ;; *) line+=" $word" ;; esac
    done
    printf '%s\n' "$line"
}

# Carries a call out, and keeps what --query asks for in $made.
aws_ec2() {
    show "$@"
    made=$(aws ec2 "$@" --output text)
}

# check WHAT EXPECTED FOUND
check() {
    checks=$((checks + 1))
    if [ "$2" = "$3" ]; then
        printf '    ok  %s: %s\n' "$1" "$3"
    else
        wrong=$((wrong + 1))
        printf '    --  %s: %s, and AWS would say %s\n' "$1" "$3" "$2"
    fi
}

# connects FROM TO PORT EXPECTED: one real connection; `answered`, or `timed out` as AWS drops.
connects() {
    local client=line found
    case $3 in 80 | 443 | 8080) client=http ;; esac
    found=$(sgsim exec "$1" -- sgsim client -4 "$client" "$2" "$3" --timeout 1s || true)
    case $found in answered*) found=answered ;; "timed out"*) found="timed out" ;; esac
    check "$1 > $2 tcp/$3" "$4" "$found"
}

# A session that stays open: `open FROM TO PORT`, `again EXPECTED` as often as wanted, `hang_up`.
open_session() {
    session="$1 > $2 tcp/$3, open session"
    coproc SESSION { exec sgsim exec "$1" -- sgsim client -4 hold "$2" "$3" --timeout 1s; }
    again answered opened
}
again() {
    local found="ended"
    [ "${2:-}" = opened ] || echo "a line" >&"${SESSION[1]}"
    read -r -t 10 found <&"${SESSION[0]}" || true
    case $found in opened:* | answered:*) found=answered ;; *"timed out"*) found="timed out" ;; esac
    check "$session" "$1" "$found"
}
hang_up() {
    local pid=${SESSION_PID:-}
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
}

servers=()
# serves INSTANCE PORTS…: servers inside an instance, as AWS users would start theirs over SSH.
serves() {
    local instance=$1
    shift
    sgsim exec "$instance" -- sgsim server "$@" &
    servers+=($!)
    sgsim exec "$instance" -- sgsim client await 127.0.0.1 "$2" --timeout 10s >/dev/null
}
trap 'hang_up; kill "${servers[@]}" 2>/dev/null || true' EXIT

title "A VPC with two public subnets and a private one"
aws_ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId
vpc=$made
aws_ec2 create-subnet --vpc-id "$vpc" --cidr-block 10.0.1.0/24 --availability-zone us-east-1a --query Subnet.SubnetId
public_a=$made
aws_ec2 create-subnet --vpc-id "$vpc" --cidr-block 10.0.2.0/24 --availability-zone us-east-1b --query Subnet.SubnetId
public_b=$made
aws_ec2 create-subnet --vpc-id "$vpc" --cidr-block 10.0.11.0/24 --availability-zone us-east-1a --query Subnet.SubnetId
private_a=$made
aws_ec2 create-internet-gateway --query InternetGateway.InternetGatewayId
gateway=$made
aws_ec2 attach-internet-gateway --vpc-id "$vpc" --internet-gateway-id "$gateway"
aws_ec2 create-route-table --vpc-id "$vpc" --query RouteTable.RouteTableId
public=$made
aws_ec2 create-route --route-table-id "$public" --destination-cidr-block 0.0.0.0/0 --gateway-id "$gateway" --query Return
aws_ec2 associate-route-table --route-table-id "$public" --subnet-id "$public_a" --query AssociationId
aws_ec2 associate-route-table --route-table-id "$public" --subnet-id "$public_b" --query AssociationId

title "Security groups: who may reach whom"
group() {
    aws_ec2 create-security-group --group-name "$1" --description "$2" --vpc-id "$vpc" --query GroupId
}
allow() { aws_ec2 authorize-security-group-ingress --group-id "$@" --query Return; }
group web "web servers"
web=$made
group db "database servers"
db=$made
group admin "bastion, internet side"
admin=$made
group maintenance "bastion, inner side"
maintenance=$made
my_ip=203.0.113.10/32
allow "$web" --protocol tcp --port 80 --cidr 0.0.0.0/0
allow "$web" --protocol tcp --port 443 --cidr 0.0.0.0/0
allow "$web" --protocol tcp --port 22 --source-group "$maintenance"
allow "$db" --protocol tcp --port 5432 --source-group "$web"
allow "$db" --protocol tcp --port 22 --source-group "$maintenance"
allow "$admin" --protocol tcp --port 22 --cidr "$my_ip"

title "Instances, each a network namespace of this machine"
run() {
    local name=$1
    shift
    aws_ec2 run-instances --image-id ami-12345678 --instance-type m7i.large --count 1 "$@" \
        --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=$name}]" --query 'Instances[0].InstanceId'
}
run web-1 --subnet-id "$public_a" --security-group-ids "$web"
web_1=$made
run web-2 --subnet-id "$public_b" --security-group-ids "$web"
run db-1 --subnet-id "$private_a" --security-group-ids "$db"
run bastion --network-interfaces "DeviceIndex=0,SubnetId=$public_a,Groups=$admin" \
    "DeviceIndex=1,SubnetId=$private_a,Groups=$maintenance"
bastion=$made
aws_ec2 wait instance-running --instance-ids "$web_1" "$bastion"
serves web-1 http 80 http 443 http 8080 tcp 22
serves web-2 http 80 http 443 http 8080 tcp 22
serves db-1 tcp 5432 tcp 22
serves bastion tcp 22

title "Web servers are open to the internet on their ports alone"
connects internet web-1 80 answered
connects internet web-2 443 answered
connects internet web-1 8080 "timed out"

title "The database answers the web servers and nobody else"
connects web-1 db-1 5432 answered
connects web-2 db-1 5432 answered
connects internet db-1 5432 "timed out"
connects bastion db-1 5432 "timed out"

title "The bastion is reached from one address, and reaches the others"
connects internet bastion 22 answered
connects internet web-1 22 "timed out"
connects bastion db-1 22 answered

title "The default group opens web servers to each other"
aws_ec2 describe-security-groups --filters Name=vpc-id,Values="$vpc" Name=group-name,Values=default \
    --query 'SecurityGroups[0].GroupId'
default=$made
connects web-1 web-2 8080 "timed out"
aws_ec2 describe-instances --filters Name=tag:Name,Values=web-2 Name=vpc-id,Values="$vpc" \
    --query 'Reservations[0].Instances[0].InstanceId'
web_2=$made
aws_ec2 modify-instance-attribute --instance-id "$web_1" --groups "$web" "$default"
connects web-1 web-2 8080 "timed out"
aws_ec2 modify-instance-attribute --instance-id "$web_2" --groups "$web" "$default"
connects web-1 web-2 8080 answered
connects internet web-2 8080 "timed out"

title "A rule is revoked: what is tracked lives on, what is new does not begin"
open_session web-1 db-1 5432
aws_ec2 revoke-security-group-ingress --group-id "$db" --protocol tcp --port 5432 --source-group "$web" --query Return
again answered
connects web-1 db-1 5432 "timed out"
hang_up
allow "$db" --protocol tcp --port 5432 --source-group "$web"
connects web-1 db-1 5432 answered

title "An open rule is not tracked: its sessions end with it"
allow "$web" --protocol tcp --port 22 --cidr 0.0.0.0/0
open_session internet web-2 22
again answered
aws_ec2 revoke-security-group-ingress --group-id "$web" --protocol tcp --port 22 --cidr 0.0.0.0/0 --query Return
again "timed out"
hang_up

title "A network ACL has no memory: it ends tracked sessions, too"
open_session internet bastion 22
aws_ec2 describe-network-acls --filters Name=vpc-id,Values="$vpc" Name=default,Values=true \
    --query 'NetworkAcls[0].NetworkAclId'
acl=$made
aws_ec2 create-network-acl-entry --network-acl-id "$acl" --ingress --rule-number 90 --protocol tcp --port-range From=22,To=22 \
    --cidr-block "$my_ip" --rule-action deny
again "timed out"
hang_up
aws_ec2 delete-network-acl-entry --network-acl-id "$acl" --ingress --rule-number 90
connects internet bastion 22 answered

title "What AWS refuses is refused, and changes nothing"
refused() {
    local code=$1 said
    shift
    show "$@"
    said=$(aws ec2 "$@" 2>&1 || true)
    case $said in *"($code)"*) said=$code ;; esac
    check "the last call" "$code" "$said"
}
refused InvalidPermission.Duplicate authorize-security-group-ingress --group-id "$db" --protocol tcp --port 5432 --source-group "$web"
refused DependencyViolation delete-security-group --group-id "$web"
refused DryRunOperation authorize-security-group-ingress --group-id "$db" --protocol tcp --port 1 --cidr 10.0.0.0/8 --dry-run
connects web-1 db-1 5432 answered

title "The end"
aws_ec2 describe-instances --filters Name=vpc-id,Values="$vpc" --query 'Reservations[].Instances[].InstanceId'
read -r -a instances <<<"$made"
aws_ec2 terminate-instances --instance-ids "${instances[@]}" --query 'length(TerminatingInstances)'
aws_ec2 wait instance-terminated --instance-ids "${instances[@]}"
for rule_of in "$web $maintenance 22" "$db $web 5432" "$db $maintenance 22"; do
    read -r group source port <<<"$rule_of"
    aws_ec2 revoke-security-group-ingress --group-id "$group" --protocol tcp --port "$port" --source-group "$source" --query Return
done
for group in "$web" "$db" "$admin" "$maintenance"; do aws_ec2 delete-security-group --group-id "$group" --query Return; done
for subnet in "$public_a" "$public_b" "$private_a"; do aws_ec2 delete-subnet --subnet-id "$subnet"; done
aws_ec2 delete-route-table --route-table-id "$public"
aws_ec2 detach-internet-gateway --internet-gateway-id "$gateway" --vpc-id "$vpc"
aws_ec2 delete-internet-gateway --internet-gateway-id "$gateway"
aws_ec2 delete-vpc --vpc-id "$vpc"

printf '\n%s of %s checks as in AWS\n' $((checks - wrong)) "$checks"
[ "$wrong" -eq 0 ]
