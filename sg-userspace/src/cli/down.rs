//! `sgsim down`: nothing a lab made outlives it.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::controller::client::{Client, ConnectError, refusal, unexpected};
use crate::controller::protocol::{Reply, Request};
use crate::controller::up::clean_up_after_crash;

use super::Exit;
use super::context::Context;
use super::progress::Meter;

/// How long a controller that has removed its lab may take to end.
const ENDING: Duration = Duration::from_secs(5);
/// What to do where it is not known whether everything was removed.
const CUT_SHORT: &str =
    "the controller ended before the lab was removed; run `sgsim down` again, which removes the rest";

/// Take the lab down, servers and all, and end the controller; also after a crash
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim down\n  sgsim --state-dir /tmp/lab2 down")]
pub(super) struct DownArgs {}

impl DownArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        context.need_root("taking a lab down")?;
        let sentence = match Client::connect(&context.directory) {
            Ok(client) => {
                ask(client)?;
                "the lab is down".to_owned()
            }
            Err(ConnectError::NotRunning(_)) if !context.directory.is_marked() => {
                "no lab is up: nothing to do".to_owned()
            }
            Err(ConnectError::NotRunning(_)) => {
                let removed = clean_up_after_crash(&context.directory)?;
                format!(
                    "no controller was running; removed what it had left: {} namespaces, {} links, {} processes",
                    removed.namespaces, removed.links, removed.processes
                )
            }
            Err(error) => return Err(error.into()),
        };
        context.output.said("down", &true, &sentence)?;
        Ok(Exit::Success)
    }
}

fn ask(mut client: Client) -> Result<()> {
    let mut meter = Meter::new();
    let result = client.send(&Request::Down).and_then(|()| until_done(&mut client, &mut meter));
    meter.finish();
    result
}

fn until_done(client: &mut Client, meter: &mut Meter) -> Result<()> {
    loop {
        let reply = client.receive().map_err(|error| match refusal(&error) {
            Some(_) => error,
            None => error.context(CUT_SHORT),
        });
        match reply? {
            Some(Reply::Progress(step)) => meter.show(&step),
            Some(Reply::Done) => break,
            Some(other) => return Err(unexpected(&other)),
            None => bail!(CUT_SHORT),
        }
    }
    // The connection ends once the controller has; only then is its own directory gone too.
    client.set_patience(Some(ENDING))?;
    while let Ok(Some(_)) = client.receive() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::controller::directory::StateDirectory;
    use crate::controller::protocol::{ErrorReply, code};

    /// What `down` makes of a controller that says this, and then hangs up or not.
    fn told(reply: Option<Reply>, hangs_up: bool) -> Result<()> {
        let place = tempfile::tempdir().unwrap();
        let directory = StateDirectory::new(place.path());
        let listener = UnixListener::bind(directory.socket()).unwrap();
        let client = Client::connect(&directory).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let controller = std::thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            if let Some(reply) = reply {
                writeln!(stream, "{}", serde_json::to_string(&reply).unwrap()).unwrap();
            }
            (!hangs_up).then_some(stream)
        });
        let result = ask(client);
        drop(controller.join().unwrap());
        result
    }

    #[test]
    fn failed_removal_is_told_though_the_controller_lives_on() {
        let refusal = ErrorReply::new(code::SYSTEM, "some of the lab is left, try `sgsim down` again");
        let error = told(Some(Reply::Error(refusal)), false).unwrap_err();
        assert!(format!("{error:#}").contains("some of the lab is left"), "{error:#}");
    }

    #[test]
    fn controller_that_ends_before_it_is_done_is_no_success() {
        let error = told(None, true).unwrap_err();
        assert!(format!("{error:#}").contains("run `sgsim down` again"), "{error:#}");
    }

    #[test]
    fn done_is_done() {
        told(Some(Reply::Done), true).unwrap();
    }
}
