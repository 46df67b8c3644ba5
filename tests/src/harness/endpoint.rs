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
        let mut server = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--patience", "2s", "--output", "json"])
            .args(options)
            .env("SGSIM_STATE_DIR", state.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
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

    /// Ends it as a person would.
    ///
    /// # Panics
    /// Where it cannot be waited for.
    pub fn terminate(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.server.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        self.server.wait().unwrap()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
