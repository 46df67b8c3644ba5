//! Steps of marked packets: the filter, the ring, and what each step's numbers mean in the compiled tables that it went
//! through.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use sg_common::abi::INTERNET_SLOT;
use sg_common::abi::address::{Address, Family};
use sg_common::abi::flow::FlowBits;
use sg_common::abi::policy::{
    ALLOWS_ALL_IPV4, ALLOWS_ALL_IPV6, CHUNK_WORDS, ENTRY_DENIES, Extent, GRANULE_WORDS, KEY_ANY_PORT,
    Locator, WORD_ALLOWS_ALL, WORD_IPV4, WORD_IPV6, WORD_LENGTH, WORD_RULES, port_key,
};
use sg_common::abi::settings::Settings;
use sg_common::abi::trace::{ANY, FILTER_ADDRESSES, StepCode, StepRecord, TraceFilter};
use sg_common::abi::verdict::{DirectionCode, ReasonCode};
use sg_common::datapath::parse::Kind;
use sg_common::datapath::rules::NO_RANK;
use sg_common::datapath::tuple::FragmentPlace;

use crate::aws::ids::NetworkInterfaceId;
use crate::compile::arena::PolicyMemory;
use crate::compile::place::address;
use crate::dataplane::records;
use crate::dataplane::step::{Filter, PortsHit, Step, StepEvent, Steps};

use super::dataplane::KernelDataplane;
use super::maps::Maps;

/// Walks remembered at a time; a walk takes microseconds, so that all but the last are over.
const MAX_WALKS: usize = 4096;

impl KernelDataplane {
    /// Marks the packets that the filter means from now on, or none.
    ///
    /// # Errors
    /// Where the filter names too much, or a map refuses.
    pub fn set_trace(&mut self, filter: Option<&Filter>) -> Result<()> {
        let settings = self.maps.settings()?;
        // Nothing is marked while the filter is half written.
        self.maps.set_settings(Settings { tracing: 0, ..settings })?;
        let Some(filter) = filter else { return Ok(()) };
        let record = self.trace_filter(filter)?;
        self.maps.trace_filter.set(0, record, 0).context("cannot write the filter")?;
        self.maps.drain_steps();
        self.walks.clear();
        self.maps.set_settings(Settings { tracing: 1, ..settings })
    }

    fn trace_filter(&self, filter: &Filter) -> Result<TraceFilter> {
        let mut addresses = filter.addresses.clone();
        let mut number = 0;
        if let Some(id) = &filter.interface {
            let interface =
                self.world.network_interfaces.get(id).with_context(|| format!("no interface `{id}`"))?;
            number = interface.number;
            addresses.extend(interface.private_ipv4.iter().copied().map(IpAddr::V4));
            addresses.extend(interface.ipv6.iter().copied().map(IpAddr::V6));
        }
        if addresses.len() > FILTER_ADDRESSES {
            bail!(
                "a trace can be of at most {FILTER_ADDRESSES} addresses, and this is of {}",
                addresses.len()
            );
        }
        let mut record = TraceFilter {
            protocol: filter.protocol.map_or(ANY, u32::from),
            port: filter.port.map_or(ANY, u32::from),
            interface: number,
            count: u32::try_from(addresses.len())?,
            addresses: [Address::default(); FILTER_ADDRESSES],
        };
        for (place, ip) in record.addresses.iter_mut().zip(addresses) {
            *place = address(ip);
        }
        Ok(record)
    }

    /// The steps told since the last call.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn take_steps(&mut self) -> Result<Steps> {
        let records = self.maps.drain_steps();
        let lost =
            self.maps.events_lost.get(&1, 0).context("cannot read the count of lost steps")?.iter().sum();
        let lost = self.maps.newly_lost_steps(lost);
        let reader = Reader {
            maps: &self.maps,
            interfaces: records::interfaces_by_number(&self.world),
            slots: self
                .world
                .network_interfaces
                .values()
                .filter(|interface| interface.attachment.is_some())
                .map(|interface| (interface.slot, interface.id.clone()))
                .collect(),
        };
        let mut walks = std::mem::take(&mut self.walks);
        if walks.len() > MAX_WALKS {
            walks.clear();
        }
        let steps = records.iter().filter_map(|record| reader.step(record, &mut walks)).collect();
        self.walks = walks;
        Ok(Steps { steps, lost })
    }
}

impl Maps {
    /// Takes every step that is waiting.
    fn drain_steps(&mut self) -> Vec<StepRecord> {
        let mut records = Vec::new();
        while let Some(item) = self.steps.next() {
            if let Ok(bytes) = <&[u8; size_of::<StepRecord>()]>::try_from(&*item) {
                // SAFETY: any bytes are a valid `StepRecord`; the read is unaligned.
                records.push(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) });
            }
        }
        records
    }
}

/// Turns records into steps.
struct Reader<'a> {
    maps: &'a Maps,
    interfaces: BTreeMap<u32, NetworkInterfaceId>,
    slots: BTreeMap<u32, NetworkInterfaceId>,
}

impl Reader<'_> {
    fn step(&self, record: &StepRecord, policies: &mut HashMap<(u64, u8), Locator>) -> Option<Step> {
        let code = StepCode(record.step);
        let walk = (record.serial, record.direction);
        if code == StepCode::POLICY {
            policies.insert(walk, Locator((record.a >> 32) as u32));
        }
        let is_ip = record.family != 0;
        Some(Step {
            serial: record.serial,
            interface: self.slots.get(&record.slot).cloned(),
            direction: records::direction(DirectionCode(record.direction)),
            protocol: record.protocol,
            source: is_ip.then(|| records::ip_address(record.family, record.source)),
            destination: is_ip.then(|| records::ip_address(record.family, record.destination)),
            source_port: record.source_port,
            destination_port: record.destination_port,
            flags: record.flags,
            event: self.event(code, record, policies.get(&walk).copied())?,
        })
    }

    fn event(&self, code: StepCode, record: &StepRecord, policy: Option<Locator>) -> Option<StepEvent> {
        let (a, b) = (halves(record.a), halves(record.b));
        let rule = |number: u32| (number != 0).then_some(number);
        Some(match code {
            StepCode::ARRIVED => StepEvent::Arrived {
                kind: kind(Kind(a.1)).to_owned(),
                length: b.1,
                fragment: fragment(FragmentPlace(record.fragment)).to_owned(),
            },
            StepCode::ROUTED => StepEvent::Routed {
                interface: if b.1 == 0 { None } else { self.slots.get(&a.1).cloned() },
                internet: b.1 != 0 && a.1 == INTERNET_SLOT,
            },
            StepCode::FRAGMENT => StepEvent::Fragment { known: a.1 != 0 },
            StepCode::ACCESS_LIST => self.access_list(record, Locator(a.1), Extent(b.0), b.1),
            StepCode::FLOW => StepEvent::Flow {
                found: a.1 != 0,
                live: a.1 == 2,
                state: state(FlowBits(b.0)),
                rule: rule(b.1),
            },
            StepCode::RELATED => StepEvent::Related { rule: rule(a.1) },
            StepCode::POLICY => {
                let words = self.words(Locator(a.0));
                StepEvent::Policy {
                    policy: Locator(a.0).granule(),
                    words: words.at(WORD_LENGTH),
                    rules: Extent(words.at(WORD_RULES)).count(),
                }
            }
            StepCode::OPEN => StepEvent::Open { hit: self.words(policy?).hit(Extent(a.0), a.1, b.1) },
            StepCode::ADDRESS => {
                let words = self.words(policy?);
                let remote = if record.direction == DirectionCode::OUTBOUND.0 {
                    record.destination
                } else {
                    record.source
                };
                StepEvent::Address {
                    block: words.block(record.family, remote),
                    hit: words.hit(Extent(a.0), a.1, b.1),
                }
            }
            StepCode::OWNER => {
                StepEvent::Owner { interface: self.interfaces.get(&a.1).cloned(), groups: b.1 }
            }
            StepCode::GROUP => {
                StepEvent::Group { group: a.0, hit: self.words(policy?).hit(Extent(a.1), key(record), b.1) }
            }
            StepCode::VERDICT => {
                StepEvent::Verdict { reason: records::reason(ReasonCode(a.1 as u8))?, rule: rule(b.1) }
            }
            _ => return None,
        })
    }

    fn access_list(&self, record: &StepRecord, locator: Locator, ports: Extent, rank: u32) -> StepEvent {
        let words = self.words(locator);
        let everything = if record.family == Family::V4.0 { ALLOWS_ALL_IPV4 } else { ALLOWS_ALL_IPV6 };
        let allows_all = locator.0 != 0 && words.at(WORD_ALLOWS_ALL) & everything != 0;
        let mut hit = if allows_all { None } else { words.hit(ports, key(record), rank) };
        let entry = hit.and_then(|hit| hit.rule);
        if let Some(hit) = &mut hit {
            hit.rule = entry.map(|entry| entry & !ENTRY_DENIES);
        }
        StepEvent::NetworkAcl {
            list: (locator.0 != 0).then(|| locator.granule()),
            allows_all,
            hit,
            denies: !allows_all && entry.is_none_or(|entry| entry & ENTRY_DENIES != 0),
        }
    }

    fn words(&self, locator: Locator) -> WordsAt<'_> {
        WordsAt { maps: self.maps, start: locator.granule() as usize * GRANULE_WORDS as usize }
    }
}

fn halves(number: u64) -> (u32, u32) {
    ((number >> 32) as u32, number as u32)
}

/// A packet's key into ports tables, as far as the step tells: the port of a fragment may be unknown.
fn key(record: &StepRecord) -> u32 {
    let key = port_key(Family(record.family), record.protocol, record.destination_port);
    let is_unknown = FragmentPlace(record.fragment) == FragmentPlace::LATER && record.destination_port == 0;
    if is_unknown { key | KEY_ANY_PORT } else { key }
}

/// A policy or access list in the mapped words.
struct WordsAt<'a> {
    maps: &'a Maps,
    start: usize,
}

impl WordsAt<'_> {
    fn at(&self, word: u32) -> u32 {
        // As the programs read: whatever the word says, it stays in the chunk.
        let chunk = CHUNK_WORDS as usize;
        self.maps.read(self.start / chunk * chunk + (self.start % chunk + word as usize) % chunk)
    }

    /// Where a key fell in a ports table.
    fn hit(&self, table: Extent, key: u32, rank: u32) -> Option<PortsHit> {
        let bounds: Vec<u32> = (0..table.count()).map(|index| self.at(table.offset() + index)).collect();
        let interval = bounds.partition_point(|bound| *bound <= key).checked_sub(1)?;
        // Ports of this family and protocol only: a run may go on into the next.
        let (low, high) = (key & !0xffff, key | 0xffff);
        let last = bounds.get(interval + 1).map_or(high, |next| (next - 1).min(high));
        let rank = (rank != NO_RANK).then_some(rank);
        Some(PortsHit {
            table: table.offset(),
            interval: u32::try_from(interval).ok()?,
            intervals: table.count(),
            first: bounds.get(interval)?.max(&low) & 0xffff,
            last: last & 0xffff,
            rank,
            rule: rank.map(|rank| self.at(Extent(self.at(WORD_RULES)).offset() + rank)),
        })
    }

    /// The interval of addresses that an address fell into.
    fn block(&self, family: u8, address: Address) -> Option<(IpAddr, IpAddr)> {
        let v4 = family == Family::V4.0;
        let table = Extent(self.at(if v4 { WORD_IPV4 } else { WORD_IPV6 }));
        let width = if v4 { 1 } else { 4 };
        let number = |address: Address| u128::from(address.high) << 64 | u128::from(address.low);
        let bound = |index: u32| {
            let at = table.offset() + index * width;
            (0..width).fold(0u128, |bound, word| bound << 32 | u128::from(self.at(at + word)))
        };
        let bounds: Vec<u128> = (0..table.count()).map(bound).collect();
        let interval = bounds.partition_point(|bound| *bound <= number(address)).checked_sub(1)?;
        let end = if v4 { u128::from(u32::MAX) } else { u128::MAX };
        let last = bounds.get(interval + 1).map_or(end, |next| next - 1);
        let ip = |number: u128| {
            records::ip_address(family, Address { high: (number >> 64) as u64, low: number as u64 })
        };
        Some((ip(*bounds.get(interval)?), ip(last)))
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::IP => "ip",
        Kind::ARP => "arp",
        Kind::NEIGHBOUR_DISCOVERY => "neighbour-discovery",
        Kind::NOT_IP => "not-ip",
        _ => "malformed",
    }
}

fn fragment(place: FragmentPlace) -> &'static str {
    match place {
        FragmentPlace::FIRST => "first",
        FragmentPlace::LATER => "later",
        _ => "whole",
    }
}

fn state(bits: FlowBits) -> Vec<String> {
    [
        (FlowBits::REPLIED, "replied"),
        (FlowBits::ESTABLISHED, "established"),
        (FlowBits::STREAM, "stream"),
        (FlowBits::FIN_INITIATOR, "fin-initiator"),
        (FlowBits::FIN_RESPONDER, "fin-responder"),
        (FlowBits::RESET, "reset"),
    ]
    .into_iter()
    .filter(|(bit, _)| bits.has(*bit))
    .map(|(_, name)| name.to_owned())
    .collect()
}
