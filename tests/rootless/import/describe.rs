//! What `aws ec2 describe-…` prints about a shop in three tiers (examples/import/aws): what it becomes, and what must agree.

use serde_json::{Value, json};
use sg_userspace::aws::world::World;
use sg_userspace::command::apply;
use sg_userspace::command::tag::CreateTags;

use super::{example, load, loaded};

fn instance<'w>(world: &'w World, name: &str) -> &'w sg_userspace::aws::instance::Instance {
    world.instances.values().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn ids_addresses_and_tags_stay() {
    let world = example(|_, _| {}).unwrap().world;
    let database = instance(&world, "db-primary");
    assert_eq!(database.id.as_str(), "i-0c00000000000000c");
    assert_eq!(database.tags["Name"], "db.primary", "a tag stays, whatever the host name is");
    let interface = world.interfaces_of(&database.id)[0];
    assert_eq!(interface.id.as_str(), "eni-00399999999999999");
    assert_eq!(interface.attachment.as_ref().unwrap().id.as_str(), "eni-attach-00377777777777777");
    assert_eq!(
        (interface.private_ipv4[0].to_string(), interface.mac.to_string().as_str()),
        ("10.20.20.20".to_owned(), "0e:5a:11:22:33:03")
    );
    assert_eq!(interface.connection_tracking.tcp_established, 350, "the type is Nitro v6");
    let subnet = &world.subnets[&interface.subnet_id];
    assert_eq!(subnet.network_acl_id.as_str(), "acl-0f0000000000000ff");
    assert_eq!(subnet.network_acl_association_id.as_str(), "aclassoc-009abcdef01234567");
    let group = &world.security_groups[&interface.groups[0]];
    assert_eq!(group.tags["aws:cloudformation:stack-name"], "shop");
    let ids = group.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>();
    assert_eq!(ids, ["sgr-009c0ffee00000009", "sgr-00ac0ffee0000000a"]);
    // Two of one name are told apart, and both keep it.
    for (name, tag) in [("app-server-00000a", "app server"), ("app-server-00000b", "app server")] {
        assert_eq!(instance(&world, name).tags["Name"], tag);
    }
}

/// AWS's own tags are there, and do not stand in the way of others (M-02).
#[test]
fn tags_of_aws_do_not_hold_up_those_of_the_owner() {
    let mut world = example(|_, _| {}).unwrap().world;
    let group = world.security_groups.values().find(|group| group.name == "app").unwrap().id.clone();
    let tags = [("tier".to_owned(), "2".to_owned())].into();
    apply(&mut world, CreateTags { resources: vec![group.clone().into()], tags }.into()).unwrap();
    let tags = &world.security_groups[&group].tags;
    assert_eq!((tags.len(), tags["tier"].as_str()), (3, "2"));
    let own = [("aws:x".to_owned(), "2".to_owned())].into();
    let error =
        apply(&mut world, CreateTags { resources: vec![group.into()], tags: own }.into()).unwrap_err();
    assert_eq!(error.code, "InvalidTagKey.Malformed");
}

/// Objects that are made afterwards have ids and Ethernet addresses of their own.
#[test]
fn new_objects_do_not_meet_old_ones() {
    let exported =
        sg_userspace::import::export::export(&example(|_, _| {}).unwrap().world, &[], "111122223333")
            .unwrap();
    let files = exported.iter().map(|file| (file.name.as_str(), file.text.clone())).collect::<Vec<_>>();
    let mut world = load(&files).world;
    let subnet_id = world.subnets.values().find(|subnet| subnet.tags["Name"] == "app-a").unwrap().id.clone();
    for _ in 0..50 {
        let before = world.network_interfaces.len();
        let create =
            sg_userspace::command::interface::CreateNetworkInterface::new(subnet_id.clone(), Vec::new());
        apply(&mut world, create.into()).unwrap();
        assert_eq!(world.network_interfaces.len(), before + 1);
    }
    let macs = world.network_interfaces.values().map(|it| it.mac).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(macs.len(), world.network_interfaces.len());
}

/// Calls that are missing make others' answers do, and are told.
#[test]
fn what_is_missing_is_assumed_and_told() {
    let without = |missing: &'static str| {
        example(move |name, page| {
            if name.starts_with(missing) {
                *page = json!({});
            }
        })
    };
    let said = |missing| without(missing).unwrap().report.assumed.join("\n");
    assert!(
        said("describe-security-group-rules")
            .contains("describe-security-group-rules), so those are made up")
    );
    assert!(said("describe-network-acls").contains("every subnet has one that allows everything"));
    assert!(said("describe-instances").contains("4 instances that interfaces are attached to"));
    let rules = |world: &World| {
        let rules = world.security_groups.values().flat_map(|group| &group.rules);
        let mut texts = rules
            .map(|it| format!("{} {} {:?} {}", it.direction, it.protocol, it.ports, it.peer))
            .collect::<Vec<_>>();
        texts.sort_unstable();
        texts
    };
    let whole = example(|_, _| {}).unwrap().world;
    assert_eq!(rules(&without("describe-security-group-rules").unwrap().world), rules(&whole));
    // Instances show their own interfaces; the load balancer's are missing then.
    assert_eq!(without("describe-network-interfaces").unwrap().world.network_interfaces.len(), 4);
    assert_eq!(without("describe-instances").unwrap().world.instances.len(), 4);
    let error = without("describe-vpcs").unwrap_err();
    assert!(
        error.contains("describe-instances.json: no VPC: add what `aws ec2 describe-vpcs` prints"),
        "{error}"
    );
}

/// What contradicts itself is refused, with the file and the path of the element.
#[test]
fn contradictions_are_refused_where_they_stand() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, &str); 14] = [
        (
            "describe-subnets",
            |page| page["Subnets"][1]["CidrBlock"] = json!("10.20.0.128/25"),
            "describe-subnets.json: [0].Subnets[1]: The CIDR '10.20.0.128/25' conflicts with another subnet (InvalidSubnet.Conflict)",
        ),
        (
            "describe-subnets",
            |page| page["Subnets"][1]["CidrBlock"] = json!("10.21.1.0/24"),
            "Subnets[1]: The CIDR '10.21.1.0/24' is invalid. (InvalidSubnet.Range)",
        ),
        (
            "describe-subnets",
            |page| page["Subnets"][0]["VpcId"] = json!("vpc-0ffffffffffffffff"),
            "Subnets[0]: The vpc ID 'vpc-0ffffffffffffffff' does not exist (InvalidVpcID.NotFound)",
        ),
        (
            "describe-subnets",
            |page| page["Subnets"][0]["SubnetId"] = json!("subnet-1"),
            "Subnets[0].SubnetId: Invalid id: \"subnet-1\"",
        ),
        (
            "describe-network-interfaces",
            |page| {
                page["NetworkInterfaces"][0]["PrivateIpAddresses"][0]["PrivateIpAddress"] =
                    json!("10.20.11.11")
            },
            "NetworkInterfaces[0]: Address 10.20.11.11 does not fall within the subnet's address range 10.20.10.0/24",
        ),
        (
            "describe-network-interfaces",
            |page| {
                page["NetworkInterfaces"][3]["PrivateIpAddresses"][0]["PrivateIpAddress"] =
                    json!("10.20.0.40")
            },
            "NetworkInterfaces[4]: Address 10.20.0.40 is in use. (InvalidIPAddress.InUse)",
        ),
        (
            "describe-network-interfaces",
            |page| page["NetworkInterfaces"][0]["Groups"][0]["GroupId"] = json!("sg-0ffffffffffffffff"),
            "NetworkInterfaces[0]: The security group 'sg-0ffffffffffffffff' does not exist (InvalidGroup.NotFound)",
        ),
        (
            "describe-network-interfaces",
            |page| page["NetworkInterfaces"][1]["Attachment"]["InstanceId"] = json!("i-0a00000000000000a"),
            "NetworkInterfaces[1]: Instance 'i-0a00000000000000a' already has an interface attached at device index '0'.",
        ),
        (
            "describe-network-interfaces",
            |page| page["NetworkInterfaces"][1]["MacAddress"] = json!("0e:5a:11:22:33:01"),
            "NetworkInterfaces[1]: The MAC address 0e:5a:11:22:33:01 is another interface's",
        ),
        (
            "describe-security-group-rules",
            |page| page["SecurityGroupRules"][2]["ToPort"] = json!(81),
            "SecurityGroups[1]: describe-security-groups and describe-security-group-rules disagree about this group",
        ),
        (
            "describe-security-group-rules",
            |page| page["SecurityGroupRules"][2]["SecurityGroupRuleId"] = json!("sgr-001c0ffee00000001"),
            "'sgr-001c0ffee00000001' is there twice",
        ),
        (
            "describe-network-acls",
            |page| page["NetworkAcls"][1]["Entries"][2]["RuleNumber"] = json!(110),
            "NetworkAcls[1]: The network acl entry identified by 110 already exists. (NetworkAclEntryAlreadyExists)",
        ),
        (
            "describe-security-groups",
            |page| page["SecurityGroups"][2]["GroupName"] = json!("Load-Balancer"),
            "SecurityGroups[2]: The security group 'Load-Balancer' already exists",
        ),
        (
            "get-managed",
            |page| page["Entries"][0]["Cidr"] = json!("2001:db8::/32"),
            "PrefixLists[0]: An (IPv4) prefix list cannot contain an (IPv6) CIDR.",
        ),
    ];
    for (file, change, wanted) in cases {
        let error = example(|name, page| {
            if name.starts_with(&format!("{file}.")) || (file == "get-managed" && name.starts_with(file)) {
                change(page);
            }
        });
        let error = error.err().unwrap_or_else(|| panic!("{file} is taken: {wanted}"));
        let wanted = wanted.replace("[0].Subnets", "Subnets");
        assert!(error.contains(&wanted), "{file}: no `{wanted}` in `{error}`");
        assert!(error.contains(".json: "), "{error}");
    }
}

#[test]
fn pages_may_be_files_or_a_list() {
    let read = |name: &str| {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/import/aws");
        std::fs::read_to_string(format!("{directory}/{name}.json")).unwrap()
    };
    let [vpcs, subnets, groups] = ["describe-vpcs", "describe-subnets", "describe-security-groups"].map(read);
    let parsed: Value = serde_json::from_str(&subnets).unwrap();
    let all = parsed["Subnets"].as_array().unwrap();
    let page = |items: &[Value]| json!({ "Subnets": items });
    let whole = load(&[("v", vpcs.clone()), ("s", subnets.clone())]).world;
    let two_files =
        [("v", vpcs.clone()), ("1", page(&all[..2]).to_string()), ("2", page(&all[2..]).to_string())];
    assert_eq!(load(&two_files).world, whole);
    let list = [("v", vpcs.clone()), ("1", json!([page(&all[..2]), page(&all[2..])]).to_string())];
    assert_eq!(load(&list).world, whole);
    // Everything in one file, whatever it is called.
    let one = [("dump", format!("{vpcs}{subnets}"))];
    assert_eq!(load(&one).world, whole);
    let error = loaded(&[("v", vpcs.clone()), ("s", subnets[..200].to_owned())]).unwrap_err();
    assert!(error.starts_with("s: this is no JSON: EOF while parsing"), "{error}");
    let error = loaded(&[("v", vpcs.clone()), ("w", vpcs)]).unwrap_err();
    assert!(error.contains("w: Vpcs[0]: 'vpc-0a1b2c3d4e5f60718' is there twice"), "{error}");
    let error = loaded(&[("g", groups)]).unwrap_err();
    assert!(error.contains("no VPC"), "{error}");
    let error = loaded(&[("package.json", json!({ "name": "x" }).to_string())]).unwrap_err();
    assert!(error.contains("package.json: no lab file, and nothing that"), "{error}");
}
