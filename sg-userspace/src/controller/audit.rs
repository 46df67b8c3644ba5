//! Whether what is kept, what is enforced and what stands are what the world says.

use anyhow::Context;

use crate::store::objects;

use super::protocol::ErrorReply;
use super::{Controller, no_lab, system};

impl Controller {
    /// What differs between the world and the store, the data plane and this machine, a sentence each. Everything is read
    /// back; nothing is repaired: the next controller does that when it takes over.
    pub(super) async fn audit(&mut self) -> Result<Vec<String>, ErrorReply> {
        let lab = self.lab.as_ref().ok_or_else(no_lab)?;
        let enforcer = self.enforcer.as_deref_mut().ok_or_else(no_lab)?;
        let stored = self.store.load().context("cannot load the state").map_err(system)?;
        let mut drift = Vec::new();
        if stored.version != self.version {
            drift.push(format!("the store is at version {}, not {}", stored.version, self.version));
        }
        if stored.lab.as_ref() != Some(lab) {
            drift.push("the store keeps another lab".to_owned());
        }
        // Numbers that a refused command used up are not kept.
        let mut world = stored.world;
        world.last_number = self.world.last_number;
        let writes = |world| objects::touched(world, &objects::all(world));
        let (kept, wanted) = (writes(&world), writes(&self.world));
        let missing = wanted.iter().filter(|write| !kept.contains(write));
        drift.extend(missing.map(|write| format!("the store does not have {} as it is", write.key)));
        let is_known = |key: &str| wanted.iter().any(|write| write.key == key);
        let left = kept.iter().filter(|write| !is_known(&write.key));
        drift.extend(left.map(|write| format!("the store has {}, which is no more", write.key)));
        drift.extend(enforcer.audit().map_err(system)?);
        drift.extend(self.built.audit(&self.world, lab).await.map_err(system)?);
        Ok(drift)
    }
}
