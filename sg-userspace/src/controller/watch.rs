//! Who watches verdicts, and what each still has to be told.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::aws::ids::NetworkInterfaceId;
use crate::dataplane::row::Events;

use super::protocol::Reply;

/// Verdicts in one line, at most.
const BATCH: usize = 512;

/// Everybody who watches.
#[derive(Debug, Default)]
pub struct Watchers(Vec<Watcher>);

#[derive(Debug)]
struct Watcher {
    interface: Option<NetworkInterfaceId>,
    replies: mpsc::Sender<Reply>,
    /// Verdicts that this one was too slow for, not told yet.
    lost: u64,
}

impl Watchers {
    /// Adds one who wants to know of an interface, or of all.
    pub fn add(&mut self, interface: Option<NetworkInterfaceId>, replies: mpsc::Sender<Reply>) {
        self.0.push(Watcher { interface, replies, lost: 0 });
    }

    /// Whether nobody watches.
    pub fn is_empty(&mut self) -> bool {
        self.0.retain(|watcher| !watcher.replies.is_closed());
        self.0.is_empty()
    }

    /// Tells everybody, and forgets those who have gone. Nobody is waited for.
    pub fn tell(&mut self, events: &Events) {
        self.0.retain_mut(|watcher| watcher.tell(events));
    }
}

impl Watcher {
    fn tell(&mut self, events: &Events) -> bool {
        self.lost += events.lost;
        let wanted = events
            .verdicts
            .iter()
            .filter(|verdict| self.interface.is_none() || verdict.interface == self.interface)
            .cloned()
            .collect::<Vec<_>>();
        if wanted.is_empty() {
            return !self.replies.is_closed();
        }
        for batch in wanted.chunks(BATCH) {
            let line = Reply::Verdicts { verdicts: batch.to_vec(), lost: self.lost };
            match self.replies.try_send(line) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_)) => self.lost += batch.len() as u64,
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        true
    }
}
