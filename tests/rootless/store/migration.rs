//! Stores that earlier versions wrote, kept in `tests/stores`: they are brought forward, with a copy as they were.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use redb::{ReadableDatabase, ReadableTable};
use serde_json::Value;
use sg_userspace::aws::world::World;
use sg_userspace::compile::image::MapImage;
use sg_userspace::dataplane::host::HostDataplane;
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::{Dataplane, Sender};
use sg_userspace::packet::spec::{PacketSpec, TcpFlags, Transport};
use sg_userspace::store::redb::{RedbStore, backup};
use sg_userspace::store::{SCHEMA_VERSION, Store, Stored};
use tempfile::TempDir;

use super::{create, directory};

const TABLE: redb::TableDefinition<'static, &str, &[u8]> = redb::TableDefinition::new("object");

type Entries = serde_json::Map<String, Value>;

/// What the kept store of a schema holds.
fn entries_of(schema: u32) -> Entries {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("stores/schema-{schema}.json"));
    let text = fs::read_to_string(&text).unwrap_or_else(|error| panic!("{}: {error}", text.display()));
    let entries: Entries = serde_json::from_str(&text).unwrap();
    assert_eq!(entries["meta/schema"], schema);
    entries
}

/// What the store in a file holds.
fn entries_in(path: &Path) -> Entries {
    let database = redb::Database::open(path).unwrap();
    let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
    let entries = table.iter().unwrap().map(|entry| {
        let (key, value) = entry.unwrap();
        (key.value().to_owned(), serde_json::from_slice(value.value()).unwrap())
    });
    entries.collect()
}

/// A state directory with the kept store of a schema in it.
fn kept(schema: u32) -> (TempDir, PathBuf) {
    let entries = entries_of(schema);
    let directory = directory();
    let path = directory.path().join("store.redb");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(TABLE).unwrap();
        for (key, value) in &entries {
            table.insert(key.as_str(), value.to_string().as_bytes()).unwrap();
        }
    }
    transaction.commit().unwrap();
    (directory, path)
}

/// Whether an instance, or the internet, opens a TCP connection to another.
fn connects(world: &World, from: Option<&str>, to: &str, port: u16) -> bool {
    let interface = |name: &str| {
        let instance = world.instances.values().find(|instance| instance.name == name).unwrap();
        world.interfaces_of(&instance.id)[0].clone()
    };
    let (sender, source) = match from {
        Some(name) => {
            let interface = interface(name);
            (Sender::Interface(interface.id), IpAddr::V4(interface.private_ipv4[0]))
        }
        None => (Sender::Internet, "198.51.100.7".parse().unwrap()),
    };
    let transport = Transport::Tcp { source_port: 40_000, destination_port: port, flags: TcpFlags::SYN };
    let destination = IpAddr::V4(interface(to).private_ipv4[0]);
    let packet = PacketSpec::new(source, destination, transport);
    let mut dataplane = HostDataplane::new();
    dataplane.set_world(world).unwrap();
    let outcome = dataplane.judge(&sender, &packet).unwrap();
    let reason = outcome.judgements.last().unwrap().reason;
    assert!(
        matches!(reason, Reason::Rule | Reason::Untracked | Reason::NoRule),
        "{from:?} > {to}: {reason:?}"
    );
    outcome.is_allowed()
}

/// The world and lab that every kept store has, as today's code sees them.
#[track_caller]
fn check(stored: &Stored) {
    let Stored { world, lab, .. } = stored;
    assert!(connects(world, None, "web", 80) && connects(world, Some("web"), "db", 5432));
    assert!(!connects(world, None, "db", 5432) && !connects(world, Some("db"), "web", 22));
    for subnet in world.subnets.values() {
        let acl = world.network_acl_of(&subnet.id).unwrap();
        assert!(acl.is_default && acl.vpc_id == subnet.vpc_id && acl.number <= world.last_number);
    }
    for vpc in world.vpcs.values() {
        let acls = world.network_acls.values().filter(|acl| acl.vpc_id == vpc.id).collect::<Vec<_>>();
        assert_eq!((acls.len(), acls[0].entries.len()), (1, if vpc.cidr_ipv6.is_empty() { 2 } else { 4 }));
    }
    let spare = world.network_interfaces.values().find(|interface| interface.attachment.is_none()).unwrap();
    assert_eq!(spare.connection_tracking_specification.udp, Some(60), "what was stated stays stated");
    assert_eq!(spare.connection_tracking_specification.udp_stream, None);
    let references = world.rules().filter(|rule| rule.referenced_vpc_id.is_some()).count();
    assert_eq!(references, 3, "every default group refers to itself, and db to web");
    let lab = lab.as_ref().unwrap();
    assert_eq!(lab.lab.network_acls["lab.default"], world.network_acl_of(&spare.subnet_id).unwrap().id);
    assert_eq!(lab.clock_offset_seconds, 60);
    MapImage::of(world).unwrap();
}

#[test]
fn every_earlier_schema_is_brought_forward_and_goes_on() {
    for schema in 1..SCHEMA_VERSION {
        let (_directory, path) = kept(schema);
        let mut store = RedbStore::open(&path).unwrap();
        let stored = store.load().unwrap();
        check(&stored);
        assert_eq!(entries_in(&backup(&path, schema)), entries_of(schema), "a copy stays as it was");

        let mut world = stored.world;
        let made = create(&mut world, "late");
        assert_eq!(store.commit(&world, &made.changes).unwrap(), stored.version + 1);
        drop(store);
        let again = RedbStore::open(&path).unwrap().load().unwrap();
        assert_eq!(again.world, world, "schema {schema}");
        let fresh = world.rules().map(|rule| rule.id.clone()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(fresh.len(), world.rules().count(), "no id is given twice");
    }
}

#[test]
fn prefix_lists_of_schema_2_keep_their_versions() {
    let (_directory, path) = kept(2);
    let world = RedbStore::open(&path).unwrap().load().unwrap().world;
    let list = world.prefix_lists.values().next().unwrap();
    assert_eq!((list.version(), list.entries()[0].cidr.to_string()), (1, "192.0.2.0/24".to_owned()));
}

#[test]
fn store_that_cannot_be_brought_forward_stays_as_it_is() {
    let (_directory, path) = kept(1);
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TABLE).unwrap().insert("world/vpc/vpc-00000001", b"[]".as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let error = RedbStore::open(&path).err().unwrap().to_string();
        assert!(error.contains("world/vpc/vpc-00000001"), "{error}");
    }
    assert_eq!(entries_in(&path)["meta/schema"], 1);
}
