//! The product from outside: the built `sgsim` with a state directory of its own, taken down however the test ends.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::protocol::Status;
use sg_userspace::lab::manifest;
use sg_userspace::store::lock::held_by;

use crate::place::{Place, standing};

/// How long an answer may take that has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The program under test.
pub(crate) fn program() -> &'static Path {
    sg_tests::harness::program::sgsim(&["--features", "kernel"])
}

/// `sgsim` with a state directory.
pub(crate) struct Product {
    place: Place,
}

impl Product {
    /// No lab yet.
    pub(crate) fn new() -> Self {
        crate::require_root();
        Self { place: Place::new() }
    }

    /// A lab of this text.
    #[track_caller]
    pub(crate) fn up(text: &str) -> Self {
        let product = Self::new();
        let file = product.file(text);
        product.done(&["up", &file]);
        product
    }

    /// Where it keeps its state.
    pub(crate) fn directory(&self) -> StateDirectory {
        self.place.state()
    }

    /// Writes a lab file and gives its path.
    pub(crate) fn file(&self, text: &str) -> String {
        // Anybody may read it.
        std::fs::set_permissions(self.place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = self.place.path().join("lab.yaml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The program with its arguments, not yet run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env("SGSIM_STATE_DIR", self.directory().path()).env_remove("RUST_BACKTRACE");
        command
    }

    /// What it says and how it ends.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what has to succeed; gives its output.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// [`Product::done`] for words without spaces inside.
    #[track_caller]
    pub(crate) fn say(&self, words: &str) -> String {
        self.done(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// A command's result as a program sees it.
    #[track_caller]
    pub(crate) fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.say(&format!("{words} --output json"))).unwrap()
    }

    /// Runs what has to be refused; gives what it says.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains("sgsim: "), "{arguments:?}: {error}");
        error
    }

    /// The controller's account of itself.
    pub(crate) fn status(&self) -> Status {
        Client::connect(&self.directory()).unwrap().status().unwrap()
    }

    /// The namespace of an instance or of the internet host.
    #[track_caller]
    pub(crate) fn namespace(&self, name: &str) -> String {
        let status = self.status();
        if name == "internet" {
            return status.lab.unwrap().internet_namespace;
        }
        let found = status.instances.iter().find(|instance| instance.name == name);
        found.unwrap_or_else(|| panic!("no instance {name}")).id.to_string()
    }

    /// Every namespace of the lab.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        let status = self.status();
        let instances = status.instances.iter().filter(|instance| !instance.stopped);
        let lab = status.lab.unwrap();
        let others = [lab.metadata_namespace(), lab.internet_namespace];
        instances.map(|instance| instance.id.to_string()).chain(others).collect()
    }

    /// Frames counted so far, by verdict and reason or all together.
    pub(crate) fn frames(&self, wanted: impl Fn(&Value) -> bool) -> u64 {
        let counters = self.json("counters");
        let rows = counters["counters"].as_array().unwrap().iter().filter(|row| wanted(row));
        rows.map(|row| row["frames"].as_u64().unwrap()).sum()
    }

    /// Kills the controller without warning, whatever it is at, and waits until it is gone.
    pub(crate) fn kill_controller(&self) {
        let lock = self.directory().lock();
        let pid = held_by(&lock).expect("a controller runs").expect("the lock names it");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        until("the controller is gone", || held_by(&lock).is_none());
    }
}

impl Drop for Product {
    #[expect(clippy::print_stderr, reason = "the test has failed, and this may say why")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory().controller_log()).unwrap_or_default();
            eprintln!("the controller's log:\n{log}");
        }
        let made = manifest::read(&self.directory().made());
        let output = self.run(&["down"]);
        let mut left = made.map_or_else(|error| vec![format!("{error:#}")], |made| standing(&made));
        if !output.status.success() {
            left.push(String::from_utf8_lossy(&output.stderr).into_owned());
            // So that the next run can try again.
            self.place.keep();
        }
        if !left.is_empty() {
            let message = format!("`sgsim down` has left something:\n{}", left.join("\n"));
            if !std::thread::panicking() {
                panic!("{message}");
            }
            eprintln!("{message}");
        }
    }
}

/// Waits for a condition.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
