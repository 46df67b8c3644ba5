//! Tags.

use std::collections::BTreeMap;

use sg_userspace::aws::tag::ResourceId;
use sg_userspace::command::Reply;
use sg_userspace::command::instance::{InstanceInterface, RunInstance};
use sg_userspace::command::tag::{CreateTags, DeleteTags, TagToDelete};
use sg_userspace::command::vpc::CreateVpc;

use super::{account, applied, check_refused, group, made_instance, made_interface, reply, vpc};

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn set(id: impl Into<ResourceId>, pairs: &[(&str, &str)]) -> CreateTags {
    CreateTags { resources: vec![id.into()], tags: tags(pairs) }
}

fn delete(id: impl Into<ResourceId>, pairs: &[(&str, Option<&str>)]) -> DeleteTags {
    let tags = pairs
        .iter()
        .map(|(key, value)| TagToDelete { key: (*key).to_owned(), value: value.map(str::to_owned) });
    DeleteTags { resources: vec![id.into()], tags: tags.collect() }
}

#[test]
fn m_02_everything_can_have_tags_rules_included() {
    let mut account = account();
    account.authorized(&["HTTP from 10.0.0.0/8"]);
    let create = account.interface(&[]);
    let (instance_id, interface_id) = made_instance(&mut account.world, "one", create);
    let acl_id = account.world.network_acls.keys().next().unwrap().clone();
    let resources: Vec<ResourceId> = vec![
        account.vpc.clone().into(),
        account.subnet.clone().into(),
        account.web.clone().into(),
        account.rule_ids().remove(0).into(),
        instance_id.into(),
        interface_id.into(),
        acl_id.into(),
    ];
    let all = CreateTags { resources: resources.clone(), tags: tags(&[("team", "red")]) };
    applied(&mut account.world, all);
    for id in &resources {
        assert_eq!(account.world.tags(id).unwrap()["team"], "red", "{id}");
        assert_eq!(id.to_string().parse::<ResourceId>().as_ref(), Ok(id));
    }
}

#[test]
fn m_02_a_key_is_overwritten_and_deleted_by_key_or_by_key_and_value() {
    let mut account = account();
    let (world, web) = (&mut account.world, account.web);
    applied(world, set(web.clone(), &[("a", "1"), ("b", "2"), ("c", "")]));
    applied(world, set(web.clone(), &[("a", "3")]));
    assert_eq!(world.security_groups[&web].tags, tags(&[("a", "3"), ("b", "2"), ("c", "")]));
    applied(world, delete(web.clone(), &[("a", None), ("b", Some("9")), ("c", Some("")), ("d", None)]));
    assert_eq!(world.security_groups[&web].tags, tags(&[("b", "2")]));
    applied(world, delete(web.clone(), &[]));
    assert!(world.security_groups[&web].tags.is_empty());
}

#[test]
fn m_02_keys_values_and_their_number_have_limits_wherever_tags_are_given() {
    let mut account = account();
    let (world, web) = (&mut account.world, account.web);
    for (pair, code) in [
        (("", "v"), "InvalidTagKey.Malformed"),
        (("aws:x", "v"), "InvalidTagKey.Malformed"),
        (("AWS:x", "v"), "InvalidTagKey.Malformed"),
        ((&*"k".repeat(128), "v"), "InvalidParameterValue"),
        (("k", &*"v".repeat(257)), "InvalidParameterValue"),
    ] {
        check_refused(world, set(web.clone(), &[pair]), code, "Tag ");
        let mut create = group(&account.vpc, "new");
        create.tags = tags(&[pair]);
        check_refused(world, create, code, "Tag ");
        let create = CreateVpc { tags: tags(&[pair]), ..vpc(&["10.1.0.0/16"], &[]) };
        check_refused(world, create, code, "Tag ");
    }
    let fifty = (0..50).map(|number| (number.to_string(), String::new())).collect();
    applied(world, CreateTags { resources: vec![web.clone().into()], tags: fifty });
    applied(world, set(web.clone(), &[("0", "another")]));
    check_refused(world, set(web.clone(), &[("50", "")]), "TagLimitExceeded", "maximum number of Tags");
    applied(world, delete(web.clone(), &[]));
    applied(world, set(web, &[(&"é".repeat(127), &"é".repeat(256))]));
}

#[test]
fn m_02_unknown_resources_are_refused_and_nothing_is_tagged() {
    let mut account = account();
    let world = &mut account.world;
    let both = CreateTags {
        resources: vec![account.web.into(), "sg-00000000000000000".parse().unwrap()],
        tags: tags(&[("a", "1")]),
    };
    check_refused(world, both, "InvalidGroup.NotFound", "sg-00000000000000000");
    let rule: ResourceId = "sgr-00000000000000000".parse().unwrap();
    check_refused(world, set(rule, &[("a", "1")]), "InvalidSecurityGroupRuleId.NotFound", "sgr-");
    let none = CreateTags { resources: Vec::new(), tags: tags(&[("a", "1")]) };
    check_refused(world, none, "MissingParameter", "ResourceId");
    check_refused(world, set(account.db, &[]), "MissingParameter", "Tag");
    for (text, code) in
        [("nonsense", "InvalidID"), ("xyz-12345678", "InvalidID"), ("pl-X", "InvalidPrefixListId.Malformed")]
    {
        assert_eq!(text.parse::<ResourceId>().unwrap_err().code, code, "{text}");
    }
}

#[test]
fn an_instances_first_name_is_its_host_name_where_it_can_be() {
    let mut account = account();
    let create = account.interface(&[]);
    let (id, _) = made_instance(&mut account.world, "one", create.clone());
    let world = &mut account.world;
    assert_eq!(world.instances[&id].tags, tags(&[("Name", "one")]));
    applied(world, set(id.clone(), &[("Name", "another"), ("team", "red")]));
    assert_eq!(world.instances[&id].tags, tags(&[("Name", "another"), ("team", "red")]));
    applied(world, delete(id.clone(), &[]));
    assert_eq!((world.instances[&id].name.as_str(), &world.instances[&id].tags), ("one", &tags(&[])));

    let run = |name: Option<&str>| RunInstance {
        name: name.map(str::to_owned),
        interfaces: vec![InstanceInterface::New(create.clone())],
        tags: tags(&[("Name", "two")]),
        ..RunInstance::default()
    };
    check_refused(world, run(Some("three")), "InvalidParameterValue", "host name");
    let mut host_name = |command| {
        let Reply::Instance { instance_id, .. } = reply(world, command) else { panic!("no instance") };
        assert!(world.instances[&instance_id].tags.contains_key("Name"));
        let name = world.instances[&instance_id].name.clone();
        (name == instance_id.as_str(), name)
    };
    assert_eq!(host_name(run(None)), (false, "two".to_owned()));
    // AWS has many of one name, and names that are no host names.
    assert!(host_name(run(None)).0);
    assert!(host_name(RunInstance { tags: tags(&[("Name", "a web server")]), ..run(None) }).0);
    let interface = made_interface(world, create);
    applied(world, set(interface, &[("Name", "any name at all")]));
}
