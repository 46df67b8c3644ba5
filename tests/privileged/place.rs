//! Where a test's lab keeps its state, and what becomes of labs whose tests were killed: the next run takes them down.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::lab::manifest::Made;
use sg_userspace::lab::namespace;
use tempfile::TempDir;

use crate::product::program;

/// What the names of such directories begin with; `xtask` looks for them after a run.
const PREFIX: &str = "sgt-lab-";
/// The file in each whose lock its test holds.
const CLAIM: &str = "claim";

/// A directory that is its test's for as long as that lives.
pub(crate) struct Place {
    directory: TempDir,
    _claim: File,
}

impl Place {
    /// A new one, once what killed runs have left is gone.
    pub(crate) fn new() -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir()));
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        let claim = File::create(directory.path().join(CLAIM)).unwrap();
        claim.lock().unwrap();
        Self { directory, _claim: claim }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The lab's state.
    pub(crate) fn state(&self) -> StateDirectory {
        state(self.path())
    }

    /// Leaves it where it is, with the list of what is still to be removed.
    pub(crate) fn keep(&mut self) {
        self.directory.disable_cleanup(true);
    }
}

fn state(place: &Path) -> StateDirectory {
    StateDirectory::new(place.join("state"))
}

/// Directories whose tests are over.
fn abandoned(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).unwrap().map_while(Result::ok);
    let places = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    // One that is being made, or has just gone, has no claim.
    let is_free = |path: &PathBuf| File::open(path.join(CLAIM)).is_ok_and(|claim| claim.try_lock().is_ok());
    places.map(|entry| entry.path()).filter(is_free).collect()
}

/// Takes down labs whose tests are over.
#[expect(clippy::print_stderr, reason = "somebody may miss what is removed")]
fn sweep(parent: &Path) {
    for place in abandoned(parent) {
        let mut down = Command::new(program());
        let down = down.arg("down").env("SGSIM_STATE_DIR", state(&place).path()).output().unwrap();
        let said = String::from_utf8_lossy(&down.stderr);
        assert!(down.status.success(), "a killed run's lab in {} stays: {said}", place.display());
        end_clients(&state(&place));
        fs::remove_dir_all(&place).unwrap();
        eprintln!("took down the lab that a killed run had left in {}", place.display());
    }
}

/// Ends what still runs for a lab that is down: `sgsim serve`, say.
fn end_clients(state: &StateDirectory) {
    let variable = format!("SGSIM_STATE_DIR={}", state.path().display());
    for entry in fs::read_dir("/proc").unwrap().map_while(Result::ok) {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let pid = entry.file_name().to_string_lossy().parse::<i32>();
        if let Ok(pid) = pid
            && environment.split(|byte| *byte == 0).any(|it| it == variable.as_bytes())
        {
            // It may have ended by itself meanwhile.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// What is there of what a lab has made, a line each.
pub(crate) fn standing(made: &[Made]) -> Vec<String> {
    let namespaces = namespace::list().unwrap();
    let links = fs::read_to_string("/proc/net/dev").unwrap();
    let links = links.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect::<Vec<_>>();
    let left = made.iter().filter(|thing| match thing {
        Made::Namespace(name) => namespaces.contains(name),
        Made::Link { name, .. } => links.contains(&name.as_str()),
        Made::Directory(path) => path.exists(),
    });
    left.map(|thing| format!("{thing:?}")).collect()
}

/// A run that was killed in the middle of a test left its lab, and every process of it.
#[test]
fn lab_of_a_killed_run_is_taken_down_by_the_next() {
    use sg_tests::harness::endpoint::Endpoint;
    use sg_tests::harness::lab_file::standard_lab;
    use sg_userspace::lab::manifest;

    use crate::product::Product;
    let parent = tempfile::tempdir().unwrap();
    let place = parent.path().join(format!("{PREFIX}killed"));
    fs::create_dir(&place).unwrap();
    let claim = File::create(place.join(CLAIM)).unwrap();
    claim.lock().unwrap();
    let product = Product::new();
    let file = product.file(&standard_lab());
    let up = ["--state-dir", &state(&place).path().display().to_string(), "up", &file].map(str::to_owned);
    product.done(&up.each_ref().map(String::as_str));
    let mut endpoint = Endpoint::start(program(), &state(&place));
    let made = manifest::read(&state(&place).made()).unwrap();
    assert!(standing(&made).len() > 8, "{:?}", standing(&made));
    // Its test lives.
    sweep(parent.path());
    assert!(standing(&made).len() > 8, "{:?}", standing(&made));
    drop(claim);
    sweep(parent.path());
    assert_eq!(standing(&made), Vec::<String>::new());
    assert!(!place.exists());
    assert!(!endpoint.wait().success(), "the endpoint was ended, too");
}
