//! What each instance's connection allowance has counted (C-26, C-27), as user space reads and corrects it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use anyhow::Result;
use sg_common::abi::allowance::AllowanceRecord;

use crate::compile::image::MapImage;

use super::dataplane::KernelDataplane;
use super::maps::{Account, Maps};

impl Maps {
    /// An allowance and its counts.
    pub fn allowance(&self, index: u32) -> AllowanceRecord {
        let read = |field| self.allowance_word(index, field).load(Ordering::Acquire);
        AllowanceRecord {
            admitted: read(Account::Admitted),
            ended: read(Account::Ended),
            exceeded: read(Account::Exceeded),
            limit: read(Account::Limit),
        }
    }

    /// Takes removed entries off an account.
    pub(super) fn settle(&self, index: u32, entries: u64) {
        self.allowance_word(index, Account::Ended).fetch_add(entries, Ordering::AcqRel);
    }

    /// Begins an account anew, for another instance.
    pub(super) fn open_account(&self, index: u32) {
        for field in [Account::Admitted, Account::Ended, Account::Exceeded] {
            self.allowance_word(index, field).store(0, Ordering::Release);
        }
    }

    /// Whether an account says something else than that there are so many entries. `before` is what it said before they were
    /// read: one that has changed since waits for the next time; one at its limit stands still.
    pub(super) fn differs(&self, index: u32, before: &AllowanceRecord, present: u64) -> bool {
        let now = self.allowance(index);
        now.admitted == before.admitted && now.ended == before.ended && now.in_use() != present
    }

    /// Makes an account agree with the entries that there are, where it [differs](Self::differs): some leave without a word,
    /// evicted by a flood or with their interface.
    pub(super) fn audit(&self, index: u32, before: &AllowanceRecord, present: u64) {
        if self.differs(index, before, present) {
            let ended = before.admitted.wrapping_sub(present);
            let word = self.allowance_word(index, Account::Ended);
            // Another's change meanwhile is the next audit's.
            let _ = word.compare_exchange(before.ended, ended, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

impl KernelDataplane {
    /// Begins anew the accounts of new instances, and counts again where interfaces have left or come with entries. Nobody
    /// has where it is not known `before`.
    pub(super) fn move_accounts(&mut self, before: Option<Accounts>) -> Result<()> {
        let is_known = std::mem::replace(&mut self.accounts_are_known, true);
        let mut has_moved = !is_known;
        let (before, after) = match before {
            Some(before) => (before, accounts(self.applied.image())),
            None => Default::default(),
        };
        for (index, (instance, interfaces)) in after {
            match before.get(&index) {
                Some((old, old_interfaces)) if *old == instance => has_moved |= *old_interfaces != interfaces,
                // An adopted account goes on: entries are on it already.
                _ => {
                    if is_known {
                        self.maps.open_account(index);
                    }
                    has_moved = true;
                }
            }
        }
        if has_moved { self.sweep(|_| ()) } else { Ok(()) }
    }
}

/// Who is on which account: instances and interfaces by number, by the account's index.
pub(super) type Accounts = BTreeMap<u32, (u32, BTreeSet<u32>)>;

pub(super) fn accounts(image: &MapImage) -> Accounts {
    let mut accounts: Accounts = image
        .allowances
        .iter()
        .map(|(&index, allowance)| (index, (allowance.instance, BTreeSet::new())))
        .collect();
    for record in image.interfaces.values() {
        if let Some((_, interfaces)) = accounts.get_mut(&record.allowance) {
            interfaces.insert(record.number);
        }
    }
    accounts
}
