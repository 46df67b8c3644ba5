//! How the kernel data plane follows the world.

use std::time::Instant;

use anyhow::Result;

use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::compile::by_sets::Step;
use crate::compile::image::Patch;

use super::allowance::{Accounts, accounts};
use super::dataplane::KernelDataplane;

impl KernelDataplane {
    /// Takes over a state of the world that differs from the last one in what `changes` names and in nothing else.
    ///
    /// # Errors
    /// As [`Dataplane::set_world`](crate::dataplane::Dataplane::set_world).
    pub fn change_world(&mut self, world: &World, changes: &Changes) -> Result<()> {
        let step = Step { old: &self.world, new: world, changes };
        let began = self.began;
        // Timers are not of rules alone.
        if !self.had_other_timers
            && self.compiler.change_by_sets(&mut self.applied, &mut self.maps, step, || now_ms(began))?
        {
            changes.carry(world, &mut self.world);
            return Ok(());
        }
        let patch = self.compiler.patch(self.applied.image(), &self.world, world, changes)?;
        let accounts = self.apply(patch).inspect_err(|_| self.compiler.forget())?;
        changes.carry(world, &mut self.world);
        self.move_accounts(accounts)
    }

    /// Writes a patch. Who was on which account before, if that may be another now.
    fn apply(&mut self, patch: Patch) -> Result<Option<Accounts>> {
        // What has idled out by the old timers does not come back to life by longer ones. What an adopted data plane's were
        // is not known, and nothing of it may be swept by guess.
        let has_other_timers = self.applied.image().has_other_timers(&patch);
        if self.accounts_are_known && (has_other_timers || self.had_other_timers) {
            self.sweep(|_| ())?;
        }
        // What a shorter timer has ended goes with the next change.
        self.had_other_timers = has_other_timers;
        let moves = !patch.interfaces.is_empty() || !patch.allowances.is_empty();
        let accounts = moves.then(|| accounts(self.applied.image()));
        self.applied.apply(&mut self.maps, patch, now_ms(self.began))?;
        Ok(accounts)
    }
}

fn now_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
