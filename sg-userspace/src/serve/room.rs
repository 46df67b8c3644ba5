//! Room for connections. There is so much of it; where it is all taken, a newcomer gets the place of whoever has kept the
//! endpoint waiting longest, of the client that has most places: slow clients harm themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};

/// How long until the room is looked at again: a client may have begun to wait without anybody leaving.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// Whoever is at this address.
    Address(IpAddr),
    /// A user of this machine, over the unix socket.
    User(u32),
}

/// Room for so many connections.
#[derive(Clone, Debug)]
pub(super) struct Room {
    most: usize,
    places: Arc<Mutex<Places>>,
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Places {
    last: u64,
    taken: BTreeMap<u64, Taken>,
}

#[derive(Debug)]
struct Taken {
    peer: Peer,
    /// Since when its client is waited for; `None` while the endpoint works.
    waiting_since: Option<Instant>,
    hang_up: Arc<Notify>,
    is_leaving: bool,
}

impl Places {
    fn enter(&mut self, peer: Peer) -> (u64, Arc<Notify>) {
        self.last += 1;
        let hang_up = Arc::new(Notify::new());
        let waiting_since = Some(Instant::now());
        let taken = Taken { peer, waiting_since, hang_up: Arc::clone(&hang_up), is_leaving: false };
        self.taken.insert(self.last, taken);
        (self.last, hang_up)
    }

    /// Hangs up on the one that has to make room. Where the endpoint works for everybody, nobody has.
    fn make_room(&mut self) {
        let mut places: BTreeMap<Peer, usize> = BTreeMap::new();
        for taken in self.taken.values().filter(|taken| !taken.is_leaving) {
            *places.entry(taken.peer).or_default() += 1;
        }
        let waiting = self.taken.values_mut().filter(|taken| !taken.is_leaving);
        let waiting = waiting.filter_map(|taken| Some((taken.waiting_since?, taken)));
        let longest = waiting.min_by_key(|(since, taken)| (usize::MAX - places[&taken.peer], *since));
        if let Some((_, taken)) = longest {
            taken.is_leaving = true;
            taken.hang_up.notify_one();
        }
    }
}

impl Room {
    /// Room for this many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, places: Arc::default(), freed: Arc::default() }
    }

    /// Gives a connection its place, as soon as there is one.
    pub(super) async fn enter(&self, peer: Peer) -> Place {
        loop {
            {
                let mut places = self.places();
                if places.taken.len() < self.most {
                    let (number, hang_up) = places.enter(peer);
                    return Place { number, hang_up, room: self.clone() };
                }
                places.make_room();
            }
            let _ = timeout(LOOK_AGAIN, self.freed.notified()).await;
        }
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.places().taken.len()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place, until dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    hang_up: Arc<Notify>,
    room: Room,
}

impl Place {
    /// From now on the endpoint works for this client.
    pub(super) fn begin_work(&self) {
        self.set_waiting_since(None);
    }

    /// From now on the client is waited for: to take its answer, to ask again.
    pub(super) fn begin_waiting(&self) {
        self.set_waiting_since(Some(Instant::now()));
    }

    /// Returns when the connection has to end: its place is needed, or its client has been waited for this long.
    pub(super) async fn ended(&self, longest_wait: Duration) {
        let outstayed = async {
            loop {
                let since = self.waiting_since().unwrap_or_else(Instant::now);
                let until = since + longest_wait;
                if until <= Instant::now() {
                    return;
                }
                sleep_until(until.into()).await;
            }
        };
        tokio::select! {
            () = self.hang_up.notified() => {}
            () = outstayed => {}
        }
    }

    fn waiting_since(&self) -> Option<Instant> {
        self.room.places().taken.get(&self.number).and_then(|taken| taken.waiting_since)
    }

    fn set_waiting_since(&self, since: Option<Instant>) {
        if let Some(taken) = self.room.places().taken.get_mut(&self.number) {
            taken.waiting_since = since;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.places().taken.remove(&self.number);
        self.room.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_secs(3600);

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn is_hung_up_on(place: &Place) -> bool {
        place.room.places().taken[&place.number].is_leaving
    }

    #[test]
    fn whoever_kept_us_waiting_longest_makes_room() {
        block_on(async {
            let (room, peer) = (Room::new(3), Peer::User(0));
            let working = room.enter(peer).await;
            working.begin_work();
            let slow = room.enter(peer).await;
            let quick = room.enter(peer).await;
            let newcomer = room.enter(Peer::User(1));
            let leaving = async {
                slow.ended(PATIENT).await;
                assert!(!is_hung_up_on(&working) && !is_hung_up_on(&quick));
                drop(slow);
            };
            let (newcomer, ()) = tokio::join!(newcomer, leaving);
            assert_eq!(room.taken(), 3);
            drop((working, quick, newcomer));
            assert_eq!(room.taken(), 0);
        });
    }

    #[test]
    fn one_client_s_many_connections_do_not_push_out_another_s_one() {
        block_on(async {
            let room = Room::new(3);
            let first = room.enter(Peer::Address("10.0.0.1".parse().unwrap())).await;
            let greedy = Peer::Address("10.0.0.2".parse().unwrap());
            let (second, third) = (room.enter(greedy).await, room.enter(greedy).await);
            let leaving = async {
                second.ended(PATIENT).await;
                drop(second);
            };
            let (fourth, ()) = tokio::join!(room.enter(greedy), leaving);
            assert!(!is_hung_up_on(&first) && !is_hung_up_on(&third));
            drop((first, third, fourth));
        });
    }

    #[test]
    fn while_the_endpoint_works_for_everybody_newcomers_wait() {
        block_on(async {
            let room = Room::new(1);
            let place = room.enter(Peer::User(0)).await;
            place.begin_work();
            assert!(timeout(Duration::from_millis(150), room.enter(Peer::User(1))).await.is_err());
            assert!(!is_hung_up_on(&place));
            place.begin_waiting();
            let leaving = async {
                place.ended(PATIENT).await;
                drop(place);
            };
            tokio::join!(room.enter(Peer::User(1)), leaving);
        });
    }

    #[test]
    fn a_client_that_takes_no_answer_outstays() {
        block_on(async {
            let place = Room::new(1).enter(Peer::User(0)).await;
            place.begin_work();
            assert!(
                timeout(Duration::from_millis(60), place.ended(Duration::from_millis(20))).await.is_err()
            );
            place.begin_waiting();
            place.ended(Duration::from_millis(20)).await;
        });
    }
}
