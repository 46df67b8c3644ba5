//! Ctrl-C and termination while namespaces stand: noted, and asked for between samples, so that they are removed in good order.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static IS_NOTED: AtomicBool = AtomicBool::new(false);
/// What a shell reports of a program that Ctrl-C ended.
const ENDED_BY_INTERRUPT: i32 = 130;

/// While this lives, a first signal ends nothing by itself; a second one does.
pub(super) struct Noted;

impl Noted {
    pub(super) fn begin() -> Result<Self> {
        IS_NOTED.store(true, Ordering::Relaxed);
        let noted = Self;
        match ctrlc::set_handler(on_signal) {
            Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(noted),
            Err(error) => Err(error).context("cannot listen for signals"),
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        IS_NOTED.store(false, Ordering::Relaxed);
    }
}

fn on_signal() {
    let is_second = INTERRUPTED.swap(true, Ordering::Relaxed);
    if is_second || !IS_NOTED.load(Ordering::Relaxed) {
        process::exit(ENDED_BY_INTERRUPT);
    }
}

/// An error once a signal has come.
pub(super) fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}
