//! The controller's process: take the lock, load, listen, serve until told to end.
//!
//! A signal ends the process and nothing else: enforcement and the lab stay as they are for the next controller.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::time::{ClockId, clock_gettime};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::store::lock::StateLock;
use crate::store::redb::RedbStore;

use super::directory::StateDirectory;
use super::socket::{self, Call};
use super::{Controller, Next, OpenEnforcer};

/// Calls under way from all connections.
const CALL_BACKLOG: usize = 64;

/// Runs a controller in this process until its lab is taken down or a signal ends it.
///
/// # Errors
/// Where another controller owns the directory, or the state cannot be loaded and put in force.
pub fn run(directory: &StateDirectory, open_enforcer: OpenEnforcer) -> Result<()> {
    // Out of the caller's session. It fails only where the process leads one already, which is as good.
    let _ = nix::unistd::setsid();
    directory.claim()?;
    let lock = StateLock::acquire(&directory.lock())?;
    let store = RedbStore::open(&directory.store())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let next = runtime.block_on(async {
        let controller = Controller::load(directory.clone(), Box::new(store), open_enforcer).await?;
        let listener = socket::listen(&directory.socket())?;
        tracing::info!(pid = std::process::id(), "listening");
        serve(controller, listener).await
    })?;
    let _ = fs::remove_file(directory.socket());
    match next {
        Next::Serve => {}
        Next::End => directory.forget()?,
        Next::Abandon => bail!("the store has failed; the next `sgsim up` goes on from what it has kept"),
    }
    drop(lock);
    Ok(())
}

/// From one sweep of the flow tables to the next, unless that took long.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// Sweeps may take one part in so many of a processor's time.
const SWEEP_SHARE: u32 = 100;
/// Between two looks whether the metadata service lives.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a controller without a lab waits for one to be asked for.
const IDLE: Duration = Duration::from_secs(60);

/// How long after a sweep that took so much of a processor's time the next one comes.
pub fn sweep_interval(took: Duration) -> Duration {
    SWEEP_INTERVAL.max(took * SWEEP_SHARE)
}

/// What this thread has had of a processor.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Serves requests until there is no lab any more, or a signal comes.
///
/// # Errors
/// Where signals cannot be listened for.
pub async fn serve(mut controller: Controller, listener: UnixListener) -> Result<Next> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    let (sender, mut calls) = mpsc::channel::<Call>(CALL_BACKLOG);
    let accept = tokio::spawn(socket::accept(listener, sender));
    let mut next_poll = Instant::now();
    let mut next_sweep = Instant::now() + SWEEP_INTERVAL;
    let mut next_look = Instant::now() + LOOK_INTERVAL;
    let mut last_call = Instant::now();
    let next = loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break Next::Serve,
            _ = interrupt.recv() => break Next::Serve,
            () = sleep_until(next_poll) => {
                controller.poll_events();
                controller.poll_flow_logs();
                next_poll = Instant::now() + controller.poll_interval();
            }
            () = sleep_until(next_look) => {
                controller.tend_metadata().await;
                next_look = Instant::now() + LOOK_INTERVAL;
            }
            () = sleep_until(next_sweep) => {
                if !controller.has_lab() && last_call.elapsed() > IDLE {
                    break Next::End;
                }
                let before = processor_time();
                controller.sweep();
                next_sweep = Instant::now() + sweep_interval(processor_time().saturating_sub(before));
                controller.forget_ended().await;
            }
            call = calls.recv() => match call {
                Some(call) => {
                    let next = controller.handle(call).await;
                    if next != Next::Serve {
                        break next;
                    }
                    last_call = Instant::now();
                    next_poll = next_poll.min(Instant::now() + controller.poll_interval());
                }
                None => break Next::Serve,
            },
        }
    };
    accept.abort();
    // Connections write what they have been given before the runtime goes.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_take_one_percent_of_a_processor_at_most() {
        assert_eq!(sweep_interval(Duration::from_millis(100)), SWEEP_INTERVAL);
        assert_eq!(sweep_interval(Duration::from_millis(250)), Duration::from_secs(25));
    }
}
