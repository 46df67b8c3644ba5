//! Medians with their spread.

use serde::Serialize;

/// What several samples of one thing come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// How many samples.
    pub(crate) samples: usize,
    /// The smallest.
    pub(crate) min: f64,
    /// A quarter of the samples are below.
    pub(crate) p25: f64,
    /// Half of them are.
    pub(crate) median: f64,
    /// Three quarters of them are.
    pub(crate) p75: f64,
    /// The greatest.
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one sample; of none, all is zero.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |fraction| quantile(&sorted, fraction);
        Self {
            samples: sorted.len(),
            min: at(0.0),
            p25: at(0.25),
            median: at(0.5),
            p75: at(0.75),
            max: at(1.0),
        }
    }
}

/// The value below which a fraction of sorted samples lies, between the two nearest ones.
pub(crate) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = fraction.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_samples() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!(
            (spread.min, spread.p25, spread.median, spread.p75, spread.max),
            (1.0, 2.0, 3.0, 4.0, 5.0)
        );
        assert_eq!(Spread::of([1.0, 2.0]).median, 1.5);
        assert_eq!(Spread::of([]).median, 0.0);
    }
}
