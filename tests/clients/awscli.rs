//! The story of a security group, told by the AWS CLI.

use serde_json::json;
use sg_tests::harness::aws_clients::AwsCli;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

#[test]
fn aws_cli_tells_the_story_of_a_security_group() {
    let place = Place::of(super::LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let aws = AwsCli(&endpoint);
        assert_eq!(aws.run("sts get-caller-identity")["Account"], "123456789012");
        let vpc = aws.run("ec2 describe-vpcs")["Vpcs"][0]["VpcId"].as_str().unwrap().to_owned();

        let made = aws.run(&format!("ec2 create-security-group --group-name app --description app-tier --vpc-id {vpc}"));
        let app = made["GroupId"].as_str().unwrap();
        let error = aws.refused(&format!("ec2 create-security-group --group-name App --description a --vpc-id {vpc}"));
        assert!(error.contains("(InvalidGroup.Duplicate)"), "{error}");

        let ssh = format!("--group-id {app} --protocol tcp --port 22 --cidr 203.0.113.0/24");
        let error = aws.refused(&format!("ec2 authorize-security-group-ingress {ssh} --dry-run"));
        assert!(error.contains("(DryRunOperation)"), "{error}");
        let rules = aws.run(&format!("ec2 authorize-security-group-ingress {ssh}"));
        let rule = &rules["SecurityGroupRules"][0];
        assert_eq!((&rule["CidrIpv4"], &rule["FromPort"]), (&json!("203.0.113.0/24"), &json!(22)));
        let error = aws.refused(&format!("ec2 authorize-security-group-ingress {ssh}"));
        assert!(error.contains("(InvalidPermission.Duplicate)"), "{error}");
        assert!(error.contains("peer: 203.0.113.0/24, TCP, from port: 22, to port: 22, ALLOW"), "{error}");

        let id = rule["SecurityGroupRuleId"].as_str().unwrap();
        let change = format!("SecurityGroupRuleId={id},SecurityGroupRule={{IpProtocol=tcp,FromPort=22,ToPort=23,CidrIpv4=198.51.100.0/24,Description=office}}");
        aws.run(&format!("ec2 modify-security-group-rules --group-id {app} --security-group-rules {change}"));
        let shown = aws.run(&format!("ec2 describe-security-groups --group-ids {app}"));
        let permission = json!([{
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 23, "UserIdGroupPairs": [], "Ipv6Ranges": [], "PrefixListIds": [],
            "IpRanges": [{ "CidrIp": "198.51.100.0/24", "Description": "office" }],
        }]);
        assert_eq!(shown["SecurityGroups"][0]["IpPermissions"], permission);

        let interfaces = aws.run("ec2 describe-network-interfaces");
        let interface = interfaces["NetworkInterfaces"][0]["NetworkInterfaceId"].as_str().unwrap();
        aws.run(&format!("ec2 modify-network-interface-attribute --network-interface-id {interface} --groups {app}"));
        let instances = aws.run("ec2 describe-instances --filters Name=tag:Name,Values=web-*");
        assert_eq!(instances["Reservations"][0]["Instances"][0]["SecurityGroups"], json!([{ "GroupId": app, "GroupName": "app" }]));
        let error = aws.refused(&format!("ec2 delete-security-group --group-id {app}"));
        assert!(error.contains("(DependencyViolation)"), "{error}");

        aws.run(&format!("ec2 revoke-security-group-ingress --group-id {app} --security-group-rule-ids {id}"));
        let rules = aws.run(&format!("ec2 describe-security-group-rules --filters Name=group-id,Values={app}"));
        assert_eq!(rules["SecurityGroupRules"].as_array().unwrap().len(), 1, "only what may leave");
        let world = place.memory.lock().unwrap().world.clone();
        let group = world.security_groups.values().find(|group| group.name == "app").unwrap();
        assert_eq!(group.rules.len(), 1, "and the data plane has been told");
        let error = aws.refused("ec2 describe-vpn-gateways");
        assert!(error.contains("(InvalidAction)"), "{error}");
    });
}
