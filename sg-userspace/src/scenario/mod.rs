//! Ordered inputs for a data plane, kept as data: the same scenario runs on every evaluator, is saved when they differ
//! and replayed later.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::aws::world::World;
use crate::dataplane::{Dataplane, Outcome, Sender};
use crate::packet::spec::PacketSpec;

pub mod compare;
pub mod edit;
pub mod report;

use edit::Edit;

/// A world, and what happens in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// The world at the start.
    pub world: World,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A packet enters the fabric.
    Send {
        /// Where.
        sender: Sender,
        /// The packet.
        packet: PacketSpec,
    },
    /// Time passes.
    Advance {
        /// How much of it.
        seconds: u64,
    },
    /// The world changes.
    Edit(Edit),
}

/// One result: what an event did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet was judged.
    Judged(Outcome),
    /// Time passed, or the world changed.
    Done,
}

/// A scenario on its way through one data plane.
pub struct Run<'a> {
    dataplane: &'a mut dyn Dataplane,
    world: World,
}

impl<'a> Run<'a> {
    /// Puts the data plane into this world.
    ///
    /// # Errors
    /// Where the data plane's machinery fails.
    pub fn start(dataplane: &'a mut dyn Dataplane, world: &World) -> Result<Self> {
        dataplane.set_world(world).context("setting the first world")?;
        Ok(Self { dataplane, world: world.clone() })
    }

    /// Lets one event happen.
    ///
    /// # Errors
    /// Where the data plane's machinery fails.
    pub fn step(&mut self, event: &Event) -> Result<Step> {
        match event {
            Event::Send { sender, packet } => {
                let outcome = self.dataplane.judge(sender, packet);
                Ok(Step::Judged(outcome.with_context(|| format!("judging {packet}"))?))
            }
            Event::Advance { seconds } => {
                self.dataplane.advance(Duration::from_secs(*seconds)).context("advancing time")?;
                Ok(Step::Done)
            }
            Event::Edit(edit) => {
                edit.apply(&mut self.world);
                self.dataplane.set_world(&self.world).with_context(|| format!("applying {edit:?}"))?;
                Ok(Step::Done)
            }
        }
    }

    /// The world after the events so far.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The data plane, between events.
    pub fn dataplane(&mut self) -> &mut dyn Dataplane {
        self.dataplane
    }
}

/// Runs a scenario; one step for each event.
///
/// # Errors
/// Where the data plane's machinery fails: a denied packet is a step like any other.
pub fn run(dataplane: &mut dyn Dataplane, scenario: &Scenario) -> Result<Vec<Step>> {
    let mut run = Run::start(dataplane, &scenario.world)?;
    scenario.events.iter().map(|event| run.step(event)).collect()
}
