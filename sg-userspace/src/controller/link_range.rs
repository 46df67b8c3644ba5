//! The link indexes that a lab takes for its host ends.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use anyhow::{Context, Result, bail};

use crate::lab::link::Links;

use super::enforcer::INTERNET_SLOT;

/// Index of slot 0 in the first range.
const FIRST: u32 = 1_000_000;
const RANGES: u32 = 30_000;

/// A range that nothing on this machine has, and that nobody else takes before this is dropped: two labs that come up at the same
/// moment see the same links. It is held by a name that goes with the process, an abstract socket's.
#[derive(Debug)]
pub(super) struct LinkRange {
    /// The index of slot 0.
    pub(super) base: u32,
    _hold: UnixListener,
}

impl LinkRange {
    /// A free one. The search starts where the seed says.
    ///
    /// # Errors
    /// Where links cannot be listed, or all ranges are taken.
    pub(super) async fn claim(seed: u64) -> Result<Self> {
        let start = u32::try_from(seed % u64::from(RANGES))?;
        for range in 0..RANGES {
            let base = FIRST + (start + range) % RANGES * (INTERNET_SLOT + 1);
            let Some(hold) = hold(base)? else { continue };
            // Only now: whoever held it before may have made its links meanwhile.
            let links = Links::open()?.list().await?;
            let taken: BTreeSet<u32> = links.into_iter().map(|link| link.index).collect();
            if taken.range(base..=base + INTERNET_SLOT).next().is_none() {
                return Ok(Self { base, _hold: hold });
            }
        }
        bail!("every range of link indexes has a link in it: take down a lab")
    }
}

/// Takes a range's name, unless somebody has it.
fn hold(base: u32) -> Result<Option<UnixListener>> {
    let name = format!("sgsim-links-{base}");
    let address = SocketAddr::from_abstract_name(&name)?;
    match UnixListener::bind_addr(&address) {
        Ok(hold) => Ok(Some(hold)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot bind the socket `@{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn labs_that_come_up_at_the_same_moment_have_ranges_of_their_own() {
        let (one, two) = tokio::join!(LinkRange::claim(7), LinkRange::claim(7));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.base.abs_diff(two.base) > INTERNET_SLOT, "{one:?} {two:?}");
        let base = one.base;
        drop(one);
        assert_eq!(LinkRange::claim(7).await.unwrap().base, base);
    }
}
