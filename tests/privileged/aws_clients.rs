//! The AWS CLI drives a real lab: what it says is what the kernel does to the next connection.

use std::net::Ipv4Addr;

use sg_tests::harness::address::{CLIENT, WEB};
use sg_tests::harness::aws_clients::AwsCli;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::lab_file::standard_lab;

use crate::product::{Product, program};
use crate::traffic::{Traffic, check_allowed, check_denied};

const HTTP: Traffic = Traffic::Tcp(80);

#[test]
fn aws_cli_changes_what_the_kernel_lets_through() {
    let lab = Product::up(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    let aws = AwsCli(&endpoint);
    let client = lab.namespace("client");
    let reaches = |allowed: bool| {
        let check = if allowed { check_allowed } else { check_denied };
        check(&client, Some(CLIENT.into()), WEB.into(), HTTP);
    };
    reaches(false);

    let vpcs = aws.run("ec2 describe-vpcs");
    let vpc = vpcs["Vpcs"][0]["VpcId"].as_str().unwrap();
    let group =
        aws.run(&format!("ec2 create-security-group --group-name app --description app --vpc-id {vpc}"));
    let group = group["GroupId"].as_str().unwrap();
    let rule = format!("--group-id {group} --protocol tcp --port 80 --cidr 10.0.1.0/24");
    aws.refused(&format!("ec2 authorize-security-group-ingress {rule} --dry-run"));
    aws.run(&format!("ec2 authorize-security-group-ingress {rule}"));
    reaches(false);
    let web = aws.run("ec2 describe-instances --filters Name=tag:Name,Values=web");
    let web = &web["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0];
    let interface = web["NetworkInterfaceId"].as_str().unwrap();
    aws.run(&format!(
        "ec2 modify-network-interface-attribute --network-interface-id {interface} --groups {group}"
    ));
    reaches(true);
    aws.run(&format!("ec2 revoke-security-group-ingress {rule}"));
    reaches(false);

    // An instance that the API makes is one like any other, and leaves nothing behind.
    let subnet = web["SubnetId"].as_str().unwrap();
    let before = lab.namespaces();
    let run = format!(
        "ec2 run-instances --image-id ami-12345678 --instance-type m8i.large --subnet-id {subnet} --security-group-ids {group} --tag-specifications ResourceType=instance,Tags=[{{Key=Name,Value=late}}]"
    );
    let made = aws.run(&run);
    let made = &made["Instances"][0];
    let (late, address) = (made["InstanceId"].as_str().unwrap(), made["PrivateIpAddress"].as_str().unwrap());
    let address: Ipv4Addr = address.parse().unwrap();
    assert_eq!(lab.namespace("late"), late);
    check_denied(late, Some(address.into()), WEB.into(), HTTP);
    aws.run(&format!("ec2 authorize-security-group-ingress {rule}"));
    check_allowed(late, Some(address.into()), WEB.into(), HTTP);
    aws.run(&format!("ec2 terminate-instances --instance-ids {late}"));
    assert_eq!(lab.namespaces(), before);
}
