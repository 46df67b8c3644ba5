//! The disk fails or is full: the change is refused, nothing has changed, and the next one is taken once there is room.

use std::path::Path;

use sg_tests::harness::medium::Medium;
use sg_userspace::aws::world::World;
use sg_userspace::store::redb::RedbStore;
use sg_userspace::store::{Store, StoreError};

use super::{apply, create, create_vpc};

fn open(medium: &Medium) -> RedbStore {
    let medium = medium.clone();
    RedbStore::on(Path::new("store"), Box::new(move |builder| medium.open(builder))).unwrap()
}

/// A store with one VPC, on a disk that is then told to fail.
fn begin() -> (Medium, RedbStore, World) {
    let medium = Medium::default();
    let mut store = open(&medium);
    let mut world = World::default();
    let made = apply(&mut world, create_vpc());
    store.commit(&world, &made.changes).unwrap();
    (medium, store, world)
}

#[test]
fn failing_write_changes_nothing_and_the_next_change_is_taken() {
    let (mut refused, mut uncertain) = (0, 0);
    for after in 0.. {
        let (medium, mut store, mut world) = begin();
        let before = world.clone();
        let made = create(&mut world, "web");
        medium.fail(after, 1);
        let answer = store.commit(&world, &made.changes);
        if !medium.mend() {
            assert_eq!(answer.unwrap(), 2);
            break;
        }
        match answer {
            Err(StoreError::Uncertain { .. }) => {
                uncertain += 1;
                assert!(store.is_uncertain());
                drop(store);
                let stored = open(&medium).load().unwrap();
                let is_whole = (stored.world == before && stored.version == 1)
                    || (stored.world == world && stored.version == 2);
                assert!(is_whole, "step {after} failed, and version {} is there", stored.version);
            }
            Err(error) => {
                refused += 1;
                assert!(!store.is_uncertain(), "{error}");
                assert_eq!(store.load().unwrap().world, before, "step {after} failed");
                assert_eq!(store.commit(&world, &made.changes).unwrap(), 2, "step {after} failed");
                assert_eq!(store.load().unwrap().world, world);
            }
            // What only makes the next start quicker may fail unnoticed.
            Ok(version) => assert_eq!((version, store.load().unwrap().world), (2, world)),
        }
    }
    println!("failures: {refused} refused, {uncertain} of which nobody can tell");
    assert!(refused > 0);
}

#[test]
fn disk_that_stays_full_refuses_every_change_and_keeps_what_it_has() {
    let (medium, mut store, world) = begin();
    for n in 0..3 {
        let mut next = world.clone();
        let made = create(&mut next, "web");
        medium.fail(0, usize::MAX);
        let error = store.commit(&next, &made.changes).unwrap_err();
        medium.mend();
        if store.is_uncertain() {
            // Not even the header could be written again: the next controller reads what there is.
            assert!(matches!(error, StoreError::Uncertain { .. }), "{n}: {error}");
            store = open(&medium);
        }
        assert_eq!(store.load().unwrap().world, world, "{n}: {error}");
    }
}
