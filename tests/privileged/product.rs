//! The product from outside: the built `sgsim` with a state directory of its own, taken down however the test ends.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use sg_tests::harness::address::{CLIENT, CLIENT6, DB, DB6, OUTSIDER, OUTSIDER6, VPC, VPC6, WEB, WEB6};
use sg_userspace::controller::client::Client;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::protocol::Status;
use sg_userspace::lab::client::{self, ClientSpec, Family, Outcome, Probe};
use sg_userspace::lab::namespace;
use sg_userspace::store::lock::held_by;
use tempfile::TempDir;

/// How long an answer may take that has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How long to listen for an answer that must not come: shorter than TCP's second try.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// The program under test: the one that `cargo xtask test` names, or else one built here.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("SGSIM_BIN") {
            return path.into();
        }
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "sg-userspace", "--bin", "sgsim", "--features", "kernel"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .unwrap();
        assert!(built.success(), "sgsim does not build");
        // This test is `<target>/<profile>/deps/privileged-…`.
        let own = std::env::current_exe().unwrap();
        own.ancestors().nth(3).unwrap().join("debug/sgsim")
    })
}

/// Three instances with groups of their own names, which allow nothing inbound, and an internet host; all serve TCP 80
/// and UDP 53. `client` and `web` share a subnet, `db` is in another.
pub(crate) fn standard_lab() -> String {
    format!(
        "\
vpcs:
  lab:
    cidr: {VPC}
    ipv6: '{VPC6}'
    subnets:
      near: {{ cidr: 10.0.1.0/24, ipv6: '2600:1f18:0:101::/64' }}
      next: {{ cidr: 10.0.2.0/24, ipv6: '2600:1f18:0:102::/64' }}
    security-groups:
      client: {{}}
      web: {{}}
      db: {{}}
    instances:
      client: {{ subnet: near, groups: [client], address: {CLIENT}, ipv6: ['{CLIENT6}'], servers: [tcp 80, udp 53] }}
      web: {{ subnet: near, groups: [web], address: {WEB}, ipv6: ['{WEB6}'], servers: [tcp 80, udp 53] }}
      db: {{ subnet: next, groups: [db], address: {DB}, ipv6: ['{DB6}'], servers: [tcp 80, udp 53] }}
internet: {{ ipv4: {OUTSIDER}, ipv6: '{OUTSIDER6}', servers: [tcp 80, udp 53] }}
"
    )
}

/// `sgsim` with a state directory.
pub(crate) struct Product {
    place: TempDir,
}

impl Product {
    /// No lab yet.
    pub(crate) fn new() -> Self {
        crate::require_root();
        Self { place: tempfile::Builder::new().prefix("sgt").tempdir().unwrap() }
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
        StateDirectory::new(self.place.path().join("state"))
    }

    /// Writes a lab file and gives its path.
    pub(crate) fn file(&self, text: &str) -> String {
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
        let instances = status.instances.iter().map(|instance| instance.id.to_string());
        instances.chain([status.lab.unwrap().internet_namespace]).collect()
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
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory().controller_log()).unwrap_or_default();
            eprintln!("the controller's log:\n{log}");
        }
        let output = self.run(&["down"]);
        if !output.status.success() && !std::thread::panicking() {
            panic!("down: {}", String::from_utf8_lossy(&output.stderr));
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

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    Tcp(u16),
    Udp(u16),
    Echo,
}

/// Sends from a namespace, and says what came of it.
pub(crate) fn ask(
    namespace: &str,
    source: Option<IpAddr>,
    to: IpAddr,
    traffic: Traffic,
    timeout: Duration,
) -> Outcome {
    let (probe, port) = match traffic {
        Traffic::Tcp(port) => (Probe::Line, port),
        Traffic::Udp(port) => (Probe::Udp, port),
        Traffic::Echo => (Probe::Icmp, 0),
    };
    let source = source.map(|address| SocketAddr::new(address, 0));
    let spec = ClientSpec { host: to.to_string(), port, probe, family: Family::Any, timeout, source };
    let report = namespace::run_in(namespace, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(client::connect(spec))
    });
    report.unwrap().outcome
}

/// An answer comes.
#[track_caller]
pub(crate) fn check_allowed(namespace: &str, source: Option<IpAddr>, to: IpAddr, traffic: Traffic) {
    let outcome = ask(namespace, source, to, traffic, PATIENCE);
    assert_eq!(outcome, Outcome::Answered, "{traffic:?} to {to}");
}

/// Nothing at all comes back (E-20).
#[track_caller]
pub(crate) fn check_denied(namespace: &str, source: Option<IpAddr>, to: IpAddr, traffic: Traffic) {
    let outcome = ask(namespace, source, to, traffic, SILENCE);
    assert_eq!(outcome, Outcome::TimedOut, "{traffic:?} to {to}");
}
