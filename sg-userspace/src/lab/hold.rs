//! A TCP session that is kept open, one line exchanged at a time: shows that an open session survives a rule's removal.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::client::{self, ClientSpec, Outcome};

/// What happens in a held session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldEvent {
    /// The session is open; the server's greeting.
    Opened(String),
    /// A line's answer and how long it took.
    Answered(String, Duration),
    /// No session, or it ended so.
    Ended(Outcome),
}

/// Lines of standard input, until its end. They are read on a thread of their own, so that waiting for one keeps nobody
/// from ending the program.
pub fn stdin_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Opens a session with a TCP echo server and exchanges each of `lines`; ends with them, or when an answer does not come
/// within the time of `spec`.
///
/// # Errors
/// The name does not resolve, or a socket cannot be made. All else is an event.
pub async fn hold(
    spec: &ClientSpec,
    mut lines: mpsc::Receiver<String>,
    mut report: impl FnMut(HoldEvent),
) -> Result<()> {
    let target = client::resolve(spec).await?;
    let stream = match client::open(spec, target).await? {
        Ok(stream) => stream,
        Err(outcome) => {
            report(HoldEvent::Ended(outcome));
            return Ok(());
        }
    };
    let mut stream = BufReader::new(stream);
    match timeout(spec.timeout, client::read_line(&mut stream)).await {
        Ok(Ok(greeting)) => report(HoldEvent::Opened(greeting)),
        Ok(Err(_)) => {
            report(HoldEvent::Ended(Outcome::Broken));
            return Ok(());
        }
        Err(_) => {
            report(HoldEvent::Ended(Outcome::TimedOut));
            return Ok(());
        }
    }
    while let Some(line) = lines.recv().await {
        let begin = Instant::now();
        let exchange = async {
            stream.write_all(format!("{line}\n").as_bytes()).await?;
            client::read_line(&mut stream).await
        };
        match timeout(spec.timeout, exchange).await {
            Ok(Ok(answer)) => report(HoldEvent::Answered(answer, begin.elapsed())),
            Ok(Err(error)) => {
                report(HoldEvent::Ended(client::outcome_of(&error).unwrap_or(Outcome::Broken)));
                return Ok(());
            }
            Err(_) => {
                report(HoldEvent::Ended(Outcome::TimedOut));
                return Ok(());
            }
        }
    }
    Ok(())
}
