//! What a change writes by way of what it touched is what the whole world, compiled anew, would have in the maps; and a change
//! that the maps refuse leaves them as they were.

mod growth;
mod maps;

use std::collections::BTreeSet;

use anyhow::Result;
use ipnet::IpNet;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sg_tests::harness::dice::Dice;
use sg_tests::harness::random::scenario;
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixListEntry};
use sg_userspace::aws::rule::{Peer, SecurityGroupRule};
use sg_userspace::aws::world::World;
use sg_userspace::command::changes::Changes;
use sg_userspace::compile::apply::Applied;
use sg_userspace::compile::by_sets::Step;
use sg_userspace::compile::compiler::Compiler;
use sg_userspace::compile::image::MapImage;
use sg_userspace::scenario::{Event, Scenario};

use self::maps::Maps;

/// A data plane that follows a world by patches.
#[derive(Default)]
struct Follower {
    maps: Maps,
    compiler: Compiler,
    applied: Applied,
    world: World,
    now_ms: u64,
    /// Changes that were put in force set by set.
    by_sets: u32,
    /// Taking back was refused, too; the next change puts it right.
    is_torn: bool,
}

impl Follower {
    fn follow(&mut self, new: &World) -> Result<()> {
        let changes = Changes::between(&self.world, new);
        let (step, now_ms) = (Step { old: &self.world, new, changes: &changes }, self.now_ms);
        if self.compiler.change_by_sets(&mut self.applied, &mut self.maps, step, || now_ms)? {
            self.by_sets += 1;
            changes.carry(new, &mut self.world);
            return Ok(());
        }
        let patch = self.compiler.patch(self.applied.image(), &self.world, new, &changes)?;
        self.applied.apply(&mut self.maps, patch, self.now_ms).inspect_err(|_| self.compiler.forget())?;
        changes.carry(new, &mut self.world);
        Ok(())
    }

    /// Follows, and holds the maps against the whole world.
    fn check(&mut self, new: &World, fault: Option<(u32, u32)>, counts: &mut Counts) {
        let whole = MapImage::of(new);
        let fault = fault.filter(|_| whole.is_ok());
        self.maps.fault = fault;
        let followed = self.follow(new);
        self.maps.fault = None;
        match (&followed, &whole) {
            (Ok(()), Ok(_)) => {
                counts.followed += 1;
                self.is_torn = false;
                assert_eq!(self.world, *new);
            }
            (Err(_), Err(_)) => counts.refused += 1,
            (Err(_), Ok(_)) if fault.is_some() => {
                counts.failed += 1;
                self.is_torn |= fault.is_some_and(|(_, refusals)| refusals > 1);
            }
            _ => panic!("by what was touched: {followed:?}, as a whole: {:?}", whole.map(drop)),
        }
        let image = MapImage::of(&self.world).unwrap();
        if self.is_torn {
            return;
        }
        assert!(*self.applied.image() == image, "another image than that of the whole world");
        assert_eq!(self.maps.drift(&image), None);
    }
}

/// Whether every interface has its slot and its number for itself, as in every world that commands have made.
fn has_own_slots(world: &World) -> bool {
    let interfaces = world.network_interfaces.values();
    let slots: BTreeSet<u32> = interfaces.clone().map(|interface| interface.slot).collect();
    let numbers: BTreeSet<u32> = interfaces.clone().map(|interface| interface.number).collect();
    slots.len() == interfaces.len() && numbers.len() == interfaces.len()
}

#[derive(Debug, Default)]
struct Counts {
    followed: u32,
    refused: u32,
    failed: u32,
}

/// Random scenarios of this test.
fn scenarios(seed_of_dice: u64) -> impl FnMut() -> Scenario {
    let mut seed = [1; 16];
    seed[..8].copy_from_slice(&seed_of_dice.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::XorShift, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    move || scenario().new_tree(&mut runner).unwrap().current()
}

/// Now and then, writes that are refused.
fn fault(dice: &mut Dice) -> Option<(u32, u32)> {
    (dice.below(3) == 0).then(|| (dice.below(12) as u32, 1 + dice.below(3) as u32))
}

/// Single edits, each followed by taking over some of what another world has: kinds of change that no edit makes.
#[test]
fn a_change_writes_what_the_whole_world_would() {
    let mut dice = Dice::announced("incremental");
    let mut next = scenarios(dice.seed());
    let mut counts = Counts::default();
    for _ in 0..60 {
        let (scenario, other) = (next(), next());
        let mut follower = Follower::default();
        follower.check(&scenario.world, None, &mut counts);
        for event in &scenario.events {
            let mut world = follower.world.clone();
            match event {
                Event::Edit(edit) => edit.apply(&mut world),
                _ if dice.below(4) == 0 => {
                    let mut changes = Changes::between(&world, &other.world);
                    let share = 1 + dice.below(12);
                    changes.keys.retain(|_| dice.below(share) == 0);
                    changes.carry(&other.world, &mut world);
                }
                _ => continue,
            }
            if !has_own_slots(&world) {
                continue;
            }
            follower.now_ms += dice.roll() % 1_500;
            follower.check(&world, fault(&mut dice), &mut counts);
        }
    }
    let Counts { followed, refused, failed } = counts;
    assert!(followed > 500 && refused > 20 && failed > 50, "{counts:?}");
}

/// Rules come and go in groups that several sets have, and prefix lists change that rules refer to.
#[test]
fn rules_that_change_set_by_set_end_as_the_whole_world_would() {
    let mut dice = Dice::announced("by sets");
    let mut next = scenarios(dice.seed());
    let (mut counts, mut by_sets) = (Counts::default(), 0);
    for _ in 0..60 {
        let (world, other) = (next().world, next().world);
        let mut follower = Follower::default();
        follower.check(&world, None, &mut counts);
        for _ in 0..40 {
            let mut world = follower.world.clone();
            change_rules(&mut world, &other, &mut dice);
            follower.now_ms += dice.roll() % 1_500;
            follower.check(&world, fault(&mut dice), &mut counts);
        }
        by_sets += follower.by_sets;
    }
    assert!(by_sets > 150 && counts.failed > 50, "{by_sets} by sets, {counts:?}");
}

/// Adds rules like those of two worlds to a group, removes some, or changes a prefix list; seldom several of that at once.
fn change_rules(world: &mut World, other: &World, dice: &mut Dice) {
    let groups = || world.security_groups.values().chain(other.security_groups.values());
    let rules: Vec<_> = groups().flat_map(|group| &group.rules).cloned().collect();
    let blocks: Vec<IpNet> = rules
        .iter()
        .filter_map(|rule| match &rule.peer {
            Peer::CidrIpv4(block) => Some((*block).into()),
            Peer::CidrIpv6(block) => Some((*block).into()),
            _ => None,
        })
        .collect();
    let mut number = rules.iter().map(|rule| rule.number).max().unwrap_or_default();
    loop {
        let ids: Vec<_> = world.security_groups.keys().cloned().collect();
        let Some(id) = dice.pick(&ids) else { return };
        let group = world.security_groups.get_mut(id).unwrap();
        match dice.below(3) {
            0 => {
                for _ in 0..=dice.below(3) {
                    number += 1;
                    group
                        .rules
                        .extend(dice.pick(&rules).map(|rule| SecurityGroupRule { number, ..rule.clone() }));
                }
            }
            1 => {
                let share = 1 + dice.below(4);
                group.rules.retain(|_| dice.below(share) > 0);
            }
            _ => {
                let ids: Vec<_> = world.prefix_lists.keys().cloned().collect();
                let Some(list) = dice.pick(&ids).and_then(|id| world.prefix_lists.get_mut(id)) else {
                    continue;
                };
                let mut entries = list.entries().to_vec();
                if dice.below(2) == 0 {
                    entries.retain(|_| dice.below(3) > 0);
                } else {
                    let block =
                        dice.pick(&blocks).filter(|block| AddressFamily::of(block) == list.address_family);
                    entries.extend(block.map(|cidr| PrefixListEntry { cidr: *cidr, description: None }));
                }
                list.versions.insert(list.version() + 1, entries);
            }
        }
        if dice.below(5) > 0 {
            return;
        }
    }
}
