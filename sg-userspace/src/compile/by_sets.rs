//! A change of rules put in force one distinct set of groups after another, so that the first interface need not wait until
//! everybody's policies are compiled.
//!
//! A change that is refused for want of room must not have allowed a packet meanwhile. So rules come into force in this way only
//! where all of their policies are sure to fit. Rules that go may: who is wrong about the room puts them back, and has denied too
//! much. A change that does both comes into force at once.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::command::changes::Changes;

use super::apply::{Applied, MapSink};
use super::compiler::{Compiler, by_number};
use super::growth::Growth;
use super::image::{GroupSet, MapImage, Patch};
use super::touched::{DIRECTIONS, Touched};

/// From one world to another.
#[derive(Clone, Copy, Debug)]
pub struct Step<'w> {
    /// The world that is in force.
    pub old: &'w World,
    /// The one that comes into force.
    pub new: &'w World,
    /// What differs.
    pub changes: &'w Changes,
}

/// Sets whose policies change, in the order in which they do.
struct Plan {
    touched: Touched,
    sets: Vec<GroupSet>,
    /// How many words policies that grow have at most.
    most_words: HashMap<(GroupSet, Direction), usize>,
}

impl Compiler {
    /// Puts a change in force set by set. False where it is of more than the rules of several sets, or may not fit: then
    /// nothing was done, and [`Compiler::patch`] is the way. `now_ms` is a clock.
    ///
    /// # Errors
    /// Where a map refuses a write, or policies do not fit after all: the old world is in force.
    pub fn change_by_sets<S: MapSink>(
        &mut self,
        applied: &mut Applied,
        sink: &mut S,
        step: Step<'_>,
        now_ms: impl Fn() -> u64,
    ) -> Result<bool> {
        let Some(plan) = self.plan(applied, sink, step, now_ms()) else { return Ok(false) };
        let done = self.carry_out(&plan, applied, sink, step.new, &now_ms);
        if done.is_err() {
            self.forget();
            let old = applied.image().patch_to(MapImage::of(step.old)?);
            applied.apply(sink, old, now_ms()).context("a change was refused, and then to take it back")?;
        }
        done.map(|()| true)
    }

    fn plan<S: MapSink>(
        &self,
        applied: &mut Applied,
        sink: &mut S,
        step: Step<'_>,
        now_ms: u64,
    ) -> Option<Plan> {
        let index = self.index.as_ref()?;
        let touched = Touched::by(step.changes, step.old, step.new, index)?;
        if !touched.interfaces.is_empty() {
            return None;
        }
        let sets = index.sets().iter().filter(|(set, _)| touched.has_either(set));
        // By their first slots, so that the order is the same each time.
        let mut sets: Vec<_> = sets.filter_map(|(set, slots)| Some((*slots.first()?, set))).collect();
        if sets.len() < 2 {
            return None;
        }
        sets.sort_unstable();
        let growths = touched.growths(step.old, step.new);
        let (mut policies, mut longest, mut most_words) = (0, 0, HashMap::new());
        let mut shrinks = false;
        for (_, set) in &sets {
            for direction in DIRECTIONS.into_iter().filter(|direction| touched.has(set, *direction)) {
                let mut growth = Growth::default();
                set.iter()
                    .filter_map(|group| growths.get(&(*group, direction)))
                    .for_each(|of| growth.add(of));
                let key = (Arc::clone(set), direction);
                let most = growth.most_words(self.policies.get(&key)?)?;
                policies += 1;
                longest = longest.max(most);
                shrinks |= growth.shrinks;
                if growth.grows() {
                    most_words.insert(key, most);
                }
            }
        }
        if shrinks && !most_words.is_empty() {
            return None;
        }
        let sets = sets.into_iter().map(|(_, set)| Arc::clone(set)).collect();
        applied.has_room(sink, policies, longest, now_ms).then_some(Plan { touched, sets, most_words })
    }

    fn carry_out<S: MapSink>(
        &mut self,
        plan: &Plan,
        applied: &mut Applied,
        sink: &mut S,
        world: &World,
        now_ms: impl Fn() -> u64,
    ) -> Result<()> {
        let groups = by_number(world);
        let index = self.index.take().context("the compiler has no index")?;
        self.forget_policies(|set, direction| plan.touched.has(set, direction));
        for set in &plan.sets {
            let Some(slots) = index.sets().get(set) else { continue };
            let mut patch = Patch::default();
            self.replace_policies(applied.image(), world, &groups, (set, slots), &mut patch)?;
            applied.apply(sink, patch, now_ms())?;
        }
        self.index = Some(index);
        debug_assert!(self.foresaw(&plan.most_words), "a policy got longer than was foreseen");
        Ok(())
    }

    /// Whether policies that have grown are as long as was said at most.
    fn foresaw(&self, most_words: &HashMap<(GroupSet, Direction), usize>) -> bool {
        most_words.iter().all(|(key, most)| self.policies.get(key).is_none_or(|policy| policy.len() <= *most))
    }
}
