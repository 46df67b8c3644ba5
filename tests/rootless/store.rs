//! The embedded store: what is acknowledged is there after a restart, what fails changes nothing, one owner at a time.

mod failure;
mod migration;
mod power;

use sg_userspace::aws::world::World;
use sg_userspace::command::vpc::CreateVpc;
use sg_userspace::command::{self, Command, Reply, group};
use sg_userspace::store::lock::{StateLock, held_by};
use sg_userspace::store::redb::RedbStore;
use sg_userspace::store::{SCHEMA_VERSION, Store, StoreError, objects};
use tempfile::TempDir;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &TempDir) -> RedbStore {
    RedbStore::open(&directory.path().join("store.redb")).unwrap()
}

fn apply(world: &mut World, command: impl Into<Command>) -> command::Applied {
    command::apply(world, command.into()).unwrap()
}

fn create_vpc() -> CreateVpc {
    CreateVpc { cidr_ipv4: vec!["10.0.0.0/16".parse().unwrap()], ..CreateVpc::default() }
}

fn create_group(world: &World, name: &str) -> group::CreateSecurityGroup {
    group::CreateSecurityGroup {
        vpc_id: world.vpcs.keys().next().unwrap().clone(),
        name: name.to_owned(),
        description: "for a test".to_owned(),
        tags: std::collections::BTreeMap::new(),
    }
}

fn create(world: &mut World, name: &str) -> command::Applied {
    let command = create_group(world, name);
    apply(world, command)
}

#[test]
fn an_empty_store_is_an_empty_world_at_version_0() {
    let directory = directory();
    let stored = open(&directory).load().unwrap();
    assert_eq!((stored.world, stored.version, stored.lab), (World::default(), 0, None));
}

#[test]
fn commits_survive_reopening_object_by_object() {
    let directory = directory();
    let mut world = World { seed: 7, ..World::default() };
    {
        let mut store = open(&directory);
        let made = apply(&mut world, create_vpc());
        assert_eq!(store.commit(&world, &made.changes).unwrap(), 1);
        let made = create(&mut world, "web");
        assert_eq!(store.commit(&world, &made.changes).unwrap(), 2);
    }
    let stored = open(&directory).load().unwrap();
    assert_eq!((&stored.world, stored.version), (&world, 2));
}

#[test]
fn a_commit_writes_what_was_touched_and_nothing_else() {
    let mut world = World::default();
    apply(&mut world, create_vpc());
    let made = create(&mut world, "web");
    let Reply::SecurityGroup(id) = &made.reply else { panic!("{:?}", made.reply) };
    let writes = objects::touched(&world, &made.changes);
    let keys = writes.iter().map(|write| write.key.as_str()).collect::<Vec<_>>();
    assert_eq!(keys, [&format!("world/security-group/{id}"), "world/settings"]);
}

#[test]
fn a_deleted_object_is_gone_after_reopening() {
    let directory = directory();
    let mut world = World::default();
    let mut store = open(&directory);
    store.replace(&world, None).unwrap();
    apply(&mut world, create_vpc());
    let made = create(&mut world, "web");
    store.commit(&world, &objects::all(&world)).unwrap();
    let Reply::SecurityGroup(group_id) = made.reply else { panic!("no group") };
    let deleted = apply(&mut world, group::DeleteSecurityGroup { group_id: group_id.clone() });
    store.commit(&world, &deleted.changes).unwrap();
    drop(store);
    let stored = open(&directory).load().unwrap();
    assert!(!stored.world.security_groups.contains_key(&group_id));
    assert_eq!(stored.world, world);
}

#[test]
fn replacing_leaves_nothing_of_the_old_world() {
    let directory = directory();
    let mut store = open(&directory);
    let mut world = World::default();
    apply(&mut world, create_vpc());
    store.replace(&world, None).unwrap();
    store.replace(&World::default(), None).unwrap();
    let stored = store.load().unwrap();
    assert_eq!((stored.world, stored.version), (World::default(), 2));
}

#[test]
fn a_store_that_is_open_elsewhere_is_refused() {
    let directory = directory();
    let store = open(&directory);
    let path = directory.path().join("store.redb");
    assert!(matches!(RedbStore::open(&path), Err(StoreError::Database { .. })));
    drop(store);
    assert!(RedbStore::open(&path).is_ok());
}

#[test]
fn later_schema_is_refused_by_its_number() {
    let directory = directory();
    let path = directory.path().join("store.redb");
    drop(RedbStore::open(&path).unwrap());
    let table = redb::TableDefinition::<&str, &[u8]>::new("object");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let newer = (SCHEMA_VERSION + 1).to_string();
    transaction.open_table(table).unwrap().insert("meta/schema", newer.as_bytes()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = RedbStore::open(&path).err().unwrap().to_string();
    assert!(error.contains(&format!("schema version {newer}")), "{error}");
}

#[test]
fn the_second_lock_names_the_first_one_s_process() {
    let directory = directory();
    let path = directory.path().join("controller.lock");
    assert_eq!(held_by(&path), None);
    let first = StateLock::acquire(&path).unwrap();
    let error = StateLock::acquire(&path).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error, StoreError::Locked { pid: Some(found), .. } if found == pid), "{error}");
    assert!(error.to_string().contains(&format!("another controller (pid {pid})")), "{error}");
    assert_eq!(held_by(&path), Some(Some(pid)));
    drop(first);
    assert_eq!(held_by(&path), None);
    assert!(StateLock::acquire(&path).is_ok());
}
