//! The power goes at any instant: what was acknowledged is there when it comes back, and a change is there whole or not
//! at all.

use std::path::Path;

use sg_tests::harness::dice::Dice;
use sg_tests::harness::medium::Medium;
use sg_userspace::aws::world::World;
use sg_userspace::command::group::DeleteSecurityGroup;
use sg_userspace::store::redb::RedbStore;
use sg_userspace::store::{Store, objects};

use super::{apply, create, create_vpc};

const COMMITS: usize = 40;
const CUTS: usize = 400;

/// What a store must give from some point of the disk's history on.
struct Mark {
    /// How far the history was when this was acknowledged.
    steps: usize,
    version: u64,
    world: World,
}

fn open(medium: &Medium) -> RedbStore {
    let medium = medium.clone();
    RedbStore::on(Path::new("store"), Box::new(move |builder| medium.open(builder))).unwrap()
}

/// Changes of all sizes: a group more, a group less, everything replaced.
fn change(store: &mut RedbStore, world: &mut World, dice: &mut Dice, n: usize) -> u64 {
    let named = world.security_groups.values().filter(|group| group.name.starts_with("web"));
    let named = named.map(|group| group.id.clone()).collect::<Vec<_>>();
    match (dice.below(8), dice.pick(&named)) {
        (0, _) => store.replace(world, None).unwrap(),
        (1..3, Some(group_id)) => {
            let deleted = apply(world, DeleteSecurityGroup { group_id: group_id.clone() });
            store.commit(world, &deleted.changes).unwrap()
        }
        _ => {
            let made = create(world, &format!("web-{n}"));
            store.commit(world, &made.changes).unwrap()
        }
    }
}

#[test]
fn power_cut_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let mut dice = Dice::announced("power cuts");
    let medium = Medium::default();
    let mut store = open(&medium);
    let mut world = World::default();
    apply(&mut world, create_vpc());
    let version = store.commit(&world, &objects::all(&world)).unwrap();
    let mut marks = vec![Mark { steps: medium.len_of_history(), version, world: world.clone() }];
    for n in 0..COMMITS {
        let version = change(&mut store, &mut world, &mut dice, n);
        marks.push(Mark { steps: medium.len_of_history(), version, world: world.clone() });
        // The next controller goes on with the same disk.
        if dice.below(10) == 0 {
            drop(store);
            store = open(&medium);
        }
    }
    let (mut later, begin) = (0, marks[0].steps);
    for _ in 0..CUTS {
        let cut = begin + dice.below(medium.len_of_history() - begin + 1);
        // At times all of it had been written out just before the cut, or nearly all.
        let early = [1, 20, usize::MAX][dice.below(3)];
        let pick = |choices| if dice.below(early) == 0 { dice.below(choices) } else { choices - 1 };
        let disk = Medium::holding(medium.after_power_cut(cut, pick));
        let stored = open(&disk).load().unwrap();
        let acknowledged = marks.iter().rposition(|mark| mark.steps <= cut).unwrap();
        let found = marks.iter().position(|mark| mark.version == stored.version).unwrap();
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "version {} after a cut at {cut}, where {} was acknowledged",
            stored.version,
            marks[acknowledged].version
        );
        assert_eq!(stored.world, marks[found].world, "after a cut at {cut}");
        later += usize::from(found > acknowledged);
    }
    println!("{CUTS} power cuts: {later} kept a whole change that was not acknowledged yet");
    assert!(later > 0 && later < CUTS, "the cuts must come before and after what makes a change last");
}
