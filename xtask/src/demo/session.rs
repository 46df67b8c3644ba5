//! A session that a step opens and later steps use: a client that runs on, fed with lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::client::Software;
use super::step::{Client, End};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(1500);

/// An open session. Dropping it closes it.
pub(super) struct Session {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    software: Software,
    client: Client,
    lines: usize,
}

impl Session {
    /// Starts the client; the first [`Session::exchange`] tells whether it got through.
    pub(super) fn start(software: Software, client: Client, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the session's client")?;
        let input = child.stdin.take().context("no pipe to the session's client")?;
        let output = child.stdout.take().context("no pipe from the session's client")?;
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, answers, software, client, lines: 0 })
    }

    /// Sends a line and waits for its answer: what was exchanged, and how that ended.
    pub(super) fn exchange(&mut self) -> (String, End) {
        self.lines += 1;
        let (line, proof) = self.software.line(self.client, self.lines);
        if writeln!(self.input, "{line}").and_then(|()| self.input.flush()).is_err() {
            return ("the session has ended".to_owned(), End::Failed);
        }
        let mut ended = None;
        loop {
            match self.answers.recv_timeout(PATIENCE) {
                Ok(answer) if answer.contains(&proof) => {
                    return (format!("> {line}  < {answer}"), End::Answered);
                }
                // A greeting, or why the client gives up.
                Ok(answer) => ended = answer.strip_prefix("ended: ").map(str::to_owned).or(ended),
                Err(RecvTimeoutError::Timeout) => return (format!("> {line}  < nothing"), End::TimedOut),
                Err(RecvTimeoutError::Disconnected) => {
                    let end = if ended.as_deref() == Some("timed out") { End::TimedOut } else { End::Failed };
                    return (format!("the session ended: {}", ended.unwrap_or_default()), end);
                }
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It is of no interest any more how it ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
