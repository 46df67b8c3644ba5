//! Plays a step: changes, then a real client, then what decided; and compares all of it with what AWS does.

use std::collections::BTreeMap;
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::client::{self, Software};
use super::decision::{self, Account};
use super::lab::Lab;
use super::page;
use super::session::Session;
use super::step::{Action, Decided, End, Family, Path, Say, Step};

/// How long a probe waits.
const PATIENCE: &str = "1s";
/// After this nothing of an exchange is under way any more.
const REST: Duration = Duration::from_millis(300);

/// Whoever plays the steps of one lab, with the sessions that some of them have opened, by receiver.
pub(super) struct Player<'l> {
    pub(super) lab: &'l Lab<'l>,
    pub(super) software: Software,
    pub(super) sessions: BTreeMap<&'static str, Session>,
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

    /// The client, and what shows who decided at once, since a denial takes as long as the patience of each.
    fn try_once(&self, path: &Path, step: &Step) -> Result<Happening> {
        let address = self.lab.address(path.to, path.family)?;
        let command = self.software.command(path.client, path.family, address);
        let too_big = self.frames("outbound", "packet-too-big")?;
        let client = self.start_client(path, &command)?;
        let witness = match step.decided {
            Decided::Ends(..) => Some(self.start_probe(path)?),
            Decided::Explained(..) => Some(self.start_explain(path)?),
            _ => None,
        };
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
        let account = match (&step.decided, witness) {
            (Decided::Ends(from, to), Some(probe)) => probe_account(probe, end, (*from, *to))?,
            (Decided::Explained(code, groups), Some(explain)) => {
                decision::of_explanation(&document_of(explain)?, end, *code, *groups)
            }
            (Decided::PathMtu(expected), _) => {
                let route = self.route_back(path)?;
                let too_big = self.frames("outbound", "packet-too-big")? - too_big;
                decision::of_path(path.to, too_big, &route, *expected)
            }
            _ => bail!("one try cannot show that"),
        };
        Ok(Happening { said, end, account })
    }

    fn open(&mut self, path: &Path, step: &Step) -> Result<Happening> {
        let address = self.lab.address(path.to, path.family)?;
        let command = self.software.session(path.client, address);
        let args = exec(path, &command);
        page::command(&page::typed("sgsim", &args));
        let mut session = Session::start(self.software, path.client, &mut self.lab.sgsim(&args))?;
        let (said, end) = session.exchange();
        self.sessions.insert(path.to, session);
        let Decided::Ends(from, to) = step.decided else { bail!("opening a session cannot show that") };
        let account = probe_account(self.start_probe(path)?, end, (from, to))?;
        // What follows finds the session at rest, as it does when a person types; acknowledgements come late.
        thread::sleep(REST);
        Ok(Happening { said, end, account })
    }

    fn go_on(&mut self, path: &Path, step: &Step) -> Result<Happening> {
        let denied = self.frames("inbound", "no-rule")?;
        let session = self.sessions.get_mut(path.to).context("no session is open")?;
        let (said, end) = session.exchange();
        let port = path.client.port().context("a session has a port")?;
        let account = match step.decided {
            Decided::EntryOfRevokedRule => {
                let remote = self.lab.address(path.from, path.family)?;
                decision::of_flows(&self.flows(path.to)?, port, remote)
            }
            Decided::NoEntry => {
                let remote = self.lab.address(path.to, path.family)?;
                let denied = self.frames("inbound", "no-rule")? - denied;
                decision::of_missing_entry(&self.flows(path.from)?, path.from, (remote, port), denied)
            }
            Decided::Ends(from, to) => probe_account(self.start_probe(path)?, end, (from, to))?,
            Decided::PathMtu(_) | Decided::Explained(..) => bail!("a session cannot show that"),
        };
        Ok(Happening { said, end, account })
    }

    fn flows(&self, interface: &str) -> Result<Value> {
        let args = ["flows", "--interface", interface];
        page::command(&page::typed("sgsim", &args));
        self.lab.json(&args)
    }

    /// How many frames have ended so.
    fn frames(&self, direction: &str, reason: &str) -> Result<u64> {
        let counters = self.lab.json(&["counters"])?;
        let rows = counters["counters"].as_array().map_or(&[][..], Vec::as_slice);
        let row = rows.iter().find(|row| row["direction"] == direction && row["reason"] == reason);
        Ok(row.and_then(|row| row["frames"].as_u64()).unwrap_or(0))
    }

    /// What the receiver's kernel knows of the way back to the sender.
    fn route_back(&self, path: &Path) -> Result<String> {
        let [to, from] = [path.from, path.to].map(|label| self.lab.address(label, path.family));
        let args = ["exec", path.to, "--", "ip", "route", "get", to?, "from", from?];
        page::command(&page::typed("sgsim", &args));
        Ok(self.lab.said(args)?.split_whitespace().collect::<Vec<_>>().join(" "))
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
        self.start_asking("probe", path, &["--timeout", PATIENCE])
    }

    fn start_explain(&self, path: &Path) -> Result<Child> {
        self.start_asking("explain", path, &["--verify", "--timeout", PATIENCE])
    }

    /// A command of `sgsim` about a path.
    fn start_asking(&self, verb: &str, path: &Path, options: &[&str]) -> Result<Child> {
        let traffic = path.traffic();
        let mut args = vec![verb];
        if path.family == Family::V6 {
            args.push("-6");
        }
        args.extend([path.from, path.to, &traffic]);
        args.extend(options);
        page::command(&page::typed("sgsim", &args));
        self.lab
            .sgsim(["--output", "json"].iter().chain(&args))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `sgsim {verb}`"))
    }
}

fn exec(path: &Path, command: &[String]) -> Vec<String> {
    let mut args: Vec<String> = ["exec", path.instance(), "--"].map(str::to_owned).into();
    args.extend_from_slice(command);
    args
}

fn probe_account(probe: Child, end: End, expected: (Say, Say)) -> Result<Account> {
    Ok(decision::of_probe(&document_of(probe)?, end, expected))
}

/// What a command has printed as JSON.
fn document_of(command: Child) -> Result<Value> {
    let Output { stdout, stderr, .. } = command.wait_with_output().context("cannot wait for `sgsim`")?;
    serde_json::from_slice(&stdout).with_context(|| format!("`sgsim` failed: {}", text(&stderr)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
