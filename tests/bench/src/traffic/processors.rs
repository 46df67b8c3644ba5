//! How busy the two processors of the measurement are, by proc(5), and waiting until nobody else has them.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::unistd::{SysconfVar, sysconf};

/// How long is looked before a sample.
const LOOK: Duration = Duration::from_millis(100);
/// Of that time, the part that the processors may be busy.
const MOST_BUSY: f64 = 0.06;

/// What the two processors have spent since the machine started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// On whatever ran here.
    pub(super) busy: Duration,
    /// On other guests of a hypervisor, while something here wanted to run.
    stolen: Duration,
}

/// Up to now.
pub(super) fn spent() -> Result<Spent> {
    let ticks_per_second = u64::try_from(sysconf(SysconfVar::CLK_TCK)?.context("no clock ticks")?)?;
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    parse(&text, ticks_per_second)
}

fn parse(text: &str, ticks_per_second: u64) -> Result<Spent> {
    let time = |ticks: u64| Duration::from_nanos(ticks * 1_000_000_000 / ticks_per_second);
    let mut spent = Spent { busy: Duration::ZERO, stolen: Duration::ZERO };
    for line in text.lines().filter(|line| line.starts_with("cpu0 ") || line.starts_with("cpu1 ")) {
        let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = fields[..] else {
            bail!("/proc/stat has `{line}`");
        };
        spent.busy += time(user + nice + system + irq + softirq);
        spent.stolen += time(steal);
    }
    Ok(spent)
}

/// Waits for quiet before samples, for as long as there is patience.
#[derive(Debug)]
pub(super) struct Quiet {
    patience: Duration,
    samples: usize,
    disturbed: usize,
}

impl Quiet {
    /// With so much patience for all samples together.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, samples: 0, disturbed: 0 }
    }

    /// Returns when the processors are idle, or when patience is at its end.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.samples += 1;
        while !is_idle()? {
            if self.patience.is_zero() {
                self.disturbed += 1;
                break;
            }
            self.patience = self.patience.saturating_sub(LOOK);
        }
        Ok(())
    }

    /// For the reader.
    pub(super) fn sentence(&self) -> String {
        format!(
            "{} of {} samples began while something else had more than {:.0} % of the two processors; the more, the less these \
             figures say.",
            self.disturbed,
            self.samples,
            MOST_BUSY * 100.0
        )
    }
}

/// Looks for a while.
fn is_idle() -> Result<bool> {
    let (before, begin) = (spent()?, Instant::now());
    thread::sleep(LOOK);
    let (after, both) = (spent()?, begin.elapsed() * 2);
    let used = (after.busy + after.stolen).saturating_sub(before.busy + before.stolen);
    Ok(used.as_secs_f64() <= MOST_BUSY * both.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_processors_spent_is_read_without_what_they_idled() {
        let text = "cpu  99 99 99 99 99 99 99 99 0 0\ncpu0 1 2 3 50 60 4 5 6 0 0\ncpu1 10 0 0 7 0 0 0 1 0 0\n\
                    cpu10 9 9 9 9 9 9 9 9 0 0\nintr 1\n";
        let spent = parse(text, 100).unwrap();
        assert_eq!(spent.busy, Duration::from_millis(250));
        assert_eq!(spent.stolen, Duration::from_millis(70));
        assert!(parse("cpu0 1 2\n", 100).is_err());
    }
}
