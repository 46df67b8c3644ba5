//! Plays a step: changes, then a real client, then what decided; and compares all of it with what AWS does.

use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::client::{self, Software};
use super::decision::{self, Account};
use super::lab::Lab;
use super::page;
use super::session::Session;
use super::step::{Action, Client, Decided, End, Family, Path, Say, Step};

/// How long a probe waits.
const PATIENCE: &str = "1s";
/// After this nothing of an exchange is under way any more.
const REST: Duration = Duration::from_millis(300);

/// Whoever plays the steps of one lab, with the session that one of them has opened.
pub(super) struct Player<'l> {
    pub(super) lab: &'l Lab<'l>,
    pub(super) software: Software,
    pub(super) session: Option<Session>,
}

/// What really happened.
struct Happening {
    /// In the client's words.
    said: String,
    end: End,
    account: Account,
}

impl Player<'_> {
    /// Plays a step and prints it. Says whether everything was as in AWS.
    pub(super) fn play(&mut self, number: usize, step: &Step) -> bool {
        page::step(number, step.what);
        let played = self.change(step).and_then(|()| self.act(step));
        page::fact("AWS", step.aws);
        let complaint = match played {
            Ok(happening) => {
                page::fact("here", &happening.said);
                for (index, line) in happening.account.lines.iter().enumerate() {
                    page::fact(if index == 0 { "decided" } else { "" }, line);
                }
                if happening.end == step.end {
                    happening.account.complaint
                } else {
                    Some(format!("expected {}, was {}", step.end, happening.end))
                }
            }
            Err(error) => Some(format!("{error:#}")),
        };
        page::mark(complaint.is_none(), complaint.as_deref().unwrap_or_default());
        complaint.is_none()
    }

    fn change(&self, step: &Step) -> Result<()> {
        for change in step.changes {
            let words: Vec<&str> = change.split(' ').collect();
            page::command(&page::typed("sgsim", &words));
            page::output(&self.lab.said(&words)?);
        }
        Ok(())
    }

    fn act(&mut self, step: &Step) -> Result<Happening> {
        match &step.action {
            Action::Try(path) => self.try_once(path, step),
            Action::Open(path) => self.open(path, step),
            Action::GoOn(path) => self.go_on(path, step),
        }
    }

    /// The client and a probe of the same path at once, since a denial takes as long as the patience of each.
    fn try_once(&self, path: &Path, step: &Step) -> Result<Happening> {
        let address = self.lab.address(path.to, path.family)?;
        let command = self.software.command(path.client, path.family, address);
        let client = self.start_client(path, &command)?;
        let probe = self.start_probe(path)?;
        let output = client.wait_with_output().context("cannot wait for the client")?;
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let mut end = client::end(&command, output.status.code(), &stdout, &stderr);
        let mut said = client::gist(&command, &stdout, &stderr);
        let proof = self.software.proof(path.client, path.to);
        if end == End::Answered && !said.contains(&proof) {
            end = End::Failed;
            said = format!("an answer without `{proof}`: {said}");
        }
        if said.is_empty() {
            said = end.to_string();
        }
        let account = probe_account(probe, end, step)?;
        Ok(Happening { said, end, account })
    }

    fn open(&mut self, path: &Path, step: &Step) -> Result<Happening> {
        let address = self.lab.address(path.to, path.family)?;
        let command = self.software.session(path.client, address);
        let args = exec(path, &command);
        page::command(&page::typed("sgsim", &args));
        let mut session = Session::start(self.software, path.client, &mut self.lab.sgsim(&args))?;
        let (said, end) = session.exchange();
        self.session = Some(session);
        let account = probe_account(self.start_probe(path)?, end, step)?;
        // What follows finds the session at rest, as it does when a person types; acknowledgements come late.
        thread::sleep(REST);
        Ok(Happening { said, end, account })
    }

    fn go_on(&mut self, path: &Path, step: &Step) -> Result<Happening> {
        let session = self.session.as_mut().context("no session is open")?;
        let (said, end) = session.exchange();
        let account = match step.decided {
            Decided::EntryOfRevokedRule => {
                let args = ["flows", "--interface", path.to];
                page::command(&page::typed("sgsim", &args));
                let remote = self.lab.address(path.from, path.family)?;
                decision::of_flows(&self.lab.json(&args)?, Client::DATABASE_PORT, remote)
            }
            Decided::Ends(..) => probe_account(self.start_probe(path)?, end, step)?,
        };
        Ok(Happening { said, end, account })
    }

    fn start_client(&self, path: &Path, command: &[String]) -> Result<Child> {
        let args = exec(path, command);
        page::command(&page::typed("sgsim", &args));
        self.lab
            .sgsim(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run the client")
    }

    fn start_probe(&self, path: &Path) -> Result<Child> {
        let traffic = path.traffic();
        let mut args = vec!["probe"];
        if path.family == Family::V6 {
            args.push("-6");
        }
        args.extend([path.from, path.to, &traffic, "--timeout", PATIENCE]);
        page::command(&page::typed("sgsim", &args));
        self.lab
            .sgsim(["--output", "json"].iter().chain(&args))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run the probe")
    }
}

fn exec(path: &Path, command: &[String]) -> Vec<String> {
    let mut args: Vec<String> = ["exec", path.instance(), "--"].map(str::to_owned).into();
    args.extend_from_slice(command);
    args
}

fn probe_account(probe: Child, end: End, step: &Step) -> Result<Account> {
    let Output { stdout, stderr, .. } = probe.wait_with_output().context("cannot wait for the probe")?;
    let document =
        serde_json::from_slice(&stdout).with_context(|| format!("the probe failed: {}", text(&stderr)))?;
    let expected = match step.decided {
        Decided::Ends(from, to) => (from, to),
        Decided::EntryOfRevokedRule => (Say::Nothing, Say::Nothing),
    };
    Ok(decision::of_probe(&document, end, expected))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
