//! Rounds: every configuration once for every measurement, in an order drawn anew, so that what else the machine does hits all alike.
//! Only what was sampled in one round is compared.

use std::collections::BTreeMap;

use super::contender::Kind;
use super::gauge::Sample;
use super::measure::{Measure, RATE};
use crate::stats::Spread;

/// A round whose bare sample has less than this part of the best bare rate was disturbed.
pub(super) const LEAST_BARE: f64 = 0.8;

/// What one round found in one measurement.
pub(super) type Round = BTreeMap<Kind, Sample>;

/// All samples.
#[derive(Debug, Default)]
pub(super) struct Rounds(BTreeMap<Measure, Vec<Round>>);

impl Rounds {
    /// Notes what a round found.
    pub(super) fn note(&mut self, measure: Measure, round: Round) {
        self.0.entry(measure).or_default().push(round);
    }

    /// Rounds that count, of all.
    pub(super) fn kept(&self, measure: Measure) -> (usize, usize) {
        (self.valid(measure).count(), self.0.get(&measure).map_or(0, Vec::len))
    }

    /// A figure of a configuration.
    pub(super) fn values(&self, measure: Measure, figure: usize, kind: Kind) -> Spread {
        Spread::of(self.valid(measure).filter_map(|round| value(round, figure, kind)))
    }

    /// A figure of a configuration as a multiple of another's, round by round.
    pub(super) fn ratio(&self, measure: Measure, figure: usize, kind: Kind, other: Kind) -> Spread {
        self.pairs(measure, figure, [kind, other], |own, other| own / other)
    }

    /// A figure of a configuration less another's, round by round.
    pub(super) fn difference(&self, measure: Measure, figure: usize, kind: Kind, other: Kind) -> Spread {
        self.pairs(measure, figure, [kind, other], |own, other| own - other)
    }

    fn pairs(&self, measure: Measure, figure: usize, of: [Kind; 2], with: fn(f64, f64) -> f64) -> Spread {
        Spread::of(self.valid(measure).filter_map(|round| {
            let [own, other] = of.map(|kind| value(round, figure, kind));
            Some(with(own?, other?))
        }))
    }

    /// The rounds that were not disturbed.
    fn valid(&self, measure: Measure) -> impl Iterator<Item = &Round> {
        let rounds = self.0.get(&measure).map_or(&[][..], Vec::as_slice);
        let bare = |round: &Round| value(round, RATE, Kind::Bare).unwrap_or(0.0);
        let best = rounds.iter().map(bare).fold(0.0, f64::max);
        rounds.iter().filter(move |round| bare(round) >= LEAST_BARE * best)
    }
}

fn value(round: &Round, figure: usize, kind: Kind) -> Option<f64> {
    round.get(&kind)?.get(figure).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_with_a_slow_bare_sample_does_not_count() {
        let mut rounds = Rounds::default();
        for [bare, own] in [[100.0, 90.0], [79.0, 79.0], [80.0, 80.0]] {
            let round = [(Kind::Bare, vec![bare]), (Kind::Sgsim, vec![own])].into();
            rounds.note(Measure::OneStream, round);
        }
        assert_eq!(rounds.kept(Measure::OneStream), (2, 3));
        assert_eq!(rounds.kept(Measure::Datagrams), (0, 0));
        let ratio = rounds.ratio(Measure::OneStream, RATE, Kind::Sgsim, Kind::Bare);
        assert_eq!((ratio.samples, ratio.min, ratio.max), (2, 0.9, 1.0));
        let difference = rounds.difference(Measure::OneStream, RATE, Kind::Sgsim, Kind::Bare);
        assert_eq!((difference.min, difference.max), (-10.0, 0.0));
    }
}
