//! `sgsim serve` as a process of its own, ended however the test ends.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sg_userspace::controller::directory::StateDirectory;

/// A running endpoint.
#[derive(Debug)]
pub struct Endpoint {
    server: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Endpoint {
    /// Starts one for the controller of a state directory, on a port that is free.
    ///
    /// # Panics
    /// Where it does not say where it listens.
    #[track_caller]
    pub fn start(program: &Path, state: &StateDirectory) -> Self {
        Self::start_with(program, state, &[])
    }

    /// The same with further options.
    ///
    /// # Panics
    /// Where it does not say where it listens.
    #[track_caller]
    pub fn start_with(program: &Path, state: &StateDirectory, options: &[&str]) -> Self {
        Self::start_logging(program, state, options, Stdio::inherit())
    }

    /// The same with its log going somewhere.
    ///
    /// # Panics
    /// Where it does not say where it listens.
    #[track_caller]
    pub fn start_logging(
        program: &Path,
        state: &StateDirectory,
        options: &[&str],
        log: impl Into<Stdio>,
    ) -> Self {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--output", "json"]).args(options);
        if !options.contains(&"--patience") {
            command.args(["--patience", "2s"]);
        }
        command.env("SGSIM_STATE_DIR", state.path()).stdout(Stdio::piped()).stderr(log);
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let document: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = document["endpoint"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        Self { server, address }
    }

    /// What clients are given.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process.
    ///
    /// # Panics
    /// Where the kernel's number is none.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.server.id().try_into().unwrap())
    }

    /// Ends it as a person would.
    ///
    /// # Panics
    /// Where it cannot be waited for.
    pub fn terminate(&mut self) -> ExitStatus {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        self.wait()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// Where it cannot be waited for.
    pub fn wait(&mut self) -> ExitStatus {
        self.server.wait().unwrap()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
