//! Commands inside an instance, and all processes of an instance.
//!
//! A command sees the instance's network, its own host name, `/etc` files from [`super::hosts`] and a `/sys` that shows
//! its links; everything else is the machine's. Which processes an instance has is read off the kernel, not off a
//! list of ours, so that what a shell inside started is found too.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, setgroups, sethostname, setresgid, setresuid, setsid};

use super::{hosts, namespace};

/// Where a command runs and as whom.
#[derive(Clone, Debug, Default)]
pub struct Inside {
    /// The instance's namespace.
    pub namespace: String,
    /// Variables on top of the caller's, such as `INSTANCE_ID`.
    pub environment: Vec<(String, String)>,
    /// User and group; without one, the caller's.
    pub user: Option<(u32, u32)>,
    /// Working directory; without one, the caller's.
    pub directory: Option<PathBuf>,
}

impl Inside {
    /// As the caller, in this namespace.
    pub fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..Self::default() }
    }
}

/// The command, ready to be started inside by any of `Command`'s ways; stdio and environment are inherited.
///
/// # Errors
/// There is no such namespace, or `argv` is empty.
pub fn command(inside: &Inside, argv: &[OsString]) -> Result<Command> {
    prepare(inside, argv, Session::Callers)
}

/// Becomes the command: the terminal, signals and exit status are then its own. Returns only on failure.
///
/// # Errors
/// There is no such namespace or program.
pub fn exec(inside: &Inside, argv: &[OsString]) -> Result<Infallible> {
    let error = command(inside, argv)?.exec();
    Err(error).with_context(|| started(inside, argv))
}

/// Starts the command in a session of its own, its output appended to `log`, and gives its process id. It outlives the
/// caller; [`kill`] ends it.
///
/// # Errors
/// There is no such namespace or program, or the log cannot be written.
pub fn spawn(inside: &Inside, argv: &[OsString], log: &Path) -> Result<u32> {
    let explain = || format!("cannot write the log `{}`", log.display());
    if let Some(parent) = log.parent() {
        fs::create_dir_all(parent).with_context(explain)?;
    }
    let output = File::options().create(true).append(true).open(log).with_context(explain)?;
    let mut child = start(inside, argv, output, Stdio::null())?;
    let id = child.id();
    // Waits, so that no zombie stays while the caller lives; there is nobody to tell how it ended.
    std::thread::spawn(move || child.wait());
    Ok(id)
}

/// Starts the command in a session of its own, with this output and input. It outlives the caller unless that waits.
///
/// # Errors
/// There is no such namespace or program.
pub fn start(inside: &Inside, argv: &[OsString], output: File, input: Stdio) -> Result<Child> {
    prepare(inside, argv, Session::Own)?
        .stdin(input)
        .stdout(output.try_clone().context("cannot share the log")?)
        .stderr(output)
        .spawn()
        .with_context(|| started(inside, argv))
}

/// The last lines of what a command wrote to its log from this byte on, for an error message: logs go with the lab.
/// Empty where it said nothing.
pub fn log_end(log: &Path, from: u64) -> String {
    const LINES: usize = 3;
    let bytes = fs::read(log).unwrap_or_default();
    let written = usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
    let text = String::from_utf8_lossy(written);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    Callers,
    Own,
}

fn started(inside: &Inside, argv: &[OsString]) -> String {
    let program = argv.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
    format!("cannot start `{program}` in `{}`: is it installed, and are you root?", inside.namespace)
}

fn prepare(inside: &Inside, argv: &[OsString], session: Session) -> Result<Command> {
    let Some((program, arguments)) = argv.split_first() else {
        bail!("no command given for `{}`", inside.namespace);
    };
    namespace::identity(&inside.namespace)?;
    let network = File::open(namespace::path(&inside.namespace))?;
    let hostname = hosts::hostname(&inside.namespace).unwrap_or_else(|| inside.namespace.clone());
    let files = own_files(&inside.namespace)?;
    let user = inside.user.map(|(user, group)| (Uid::from_raw(user), Gid::from_raw(group)));

    let mut command = Command::new(program);
    command.args(arguments).envs(inside.environment.iter().map(|(name, value)| (name, value)));
    if std::env::var_os("PATH").is_none() {
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    }
    if let Some(directory) = &inside.directory {
        command.current_dir(directory);
    }
    let enter = move || {
        if session == Session::Own {
            setsid()?;
        }
        enter(&network, &hostname, &files)?;
        if let Some((user, group)) = user {
            setgroups(&[group])?;
            setresgid(group, group, group)?;
            setresuid(user, user, user)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes system calls only; all that needs memory is made above.
    unsafe { command.pre_exec(enter) };
    Ok(command)
}

/// A file of the instance's own and the one below `/etc` that it replaces.
type OwnFile = (CString, CString);

/// Only what has a counterpart to mount it on.
fn own_files(name: &str) -> Result<Vec<OwnFile>> {
    let directory = hosts::directory(name);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", directory.display())),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let target = Path::new("/etc").join(entry.file_name());
        if target.exists() {
            let text = |path: &OsStr| CString::new(path.as_bytes());
            files.push((text(entry.path().as_os_str())?, text(target.as_os_str())?));
        }
    }
    Ok(files)
}

fn enter(network: &File, hostname: &str, files: &[OwnFile]) -> nix::Result<()> {
    setns(network, CloneFlags::CLONE_NEWNET)?;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)?;
    sethostname(hostname)?;
    // Nothing that is mounted from here on may be seen outside.
    mount(None::<&str>, c"/", None::<&str>, MsFlags::MS_SLAVE | MsFlags::MS_REC, None::<&str>)?;
    for (file, target) in files {
        mount(Some(file.as_c_str()), target.as_c_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    }
    // sysfs shows the links of the namespace it is mounted in. A sandbox may forbid it; then /sys stays as it was.
    let _ = mount(Some(c"sysfs"), c"/sys", Some(c"sysfs"), MsFlags::empty(), None::<&str>);
    Ok(())
}

/// A process of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its command line, arguments parted by blanks.
    pub command: String,
}

/// All processes whose network namespace is this one, other than the caller.
///
/// # Errors
/// There is no such namespace.
pub fn list(name: &str) -> Result<Vec<Process>> {
    Ok(ids_in(&[namespace::identity(name)?])?
        .into_iter()
        .map(|id| {
            let bytes = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let words: Vec<_> = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            Process { id, command: words.join(" ").trim_end().to_owned() }
        })
        .collect())
}

fn ids_in(identities: &[(u64, u64)]) -> Result<Vec<u32>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot read /proc: is it mounted?")? {
        // A process may end between any two of these steps.
        let Ok(entry) = entry else { continue };
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if id != std::process::id() && is_in(id, identities) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn is_in(id: u32, identities: &[(u64, u64)]) -> bool {
    fs::metadata(format!("/proc/{id}/ns/net"))
        .is_ok_and(|metadata| identities.contains(&(metadata.dev(), metadata.ino())))
}

/// Ends all processes of these namespaces: TERM, and KILL for those that are left after `grace`. Gives how many there
/// were. Names without a namespace are passed over; no process outside is ever signalled.
///
/// # Errors
/// Some process survives KILL for five seconds.
pub fn kill(names: &[String], grace: Duration) -> Result<usize> {
    let identities: Vec<_> = names.iter().filter_map(|name| namespace::identity(name).ok()).collect();
    let own =
        fs::metadata("/proc/self/ns/net").context("cannot read `/proc/self/ns/net`: is /proc mounted?")?;
    if identities.contains(&(own.dev(), own.ino())) {
        bail!("the caller is inside one of these namespaces: run this outside of the lab");
    }
    let mut ended = std::collections::BTreeSet::new();
    let deadline = Instant::now() + grace;
    let last = deadline + Duration::from_secs(5);
    loop {
        let signal = if Instant::now() < deadline { Signal::SIGTERM } else { Signal::SIGKILL };
        let processes = signal_all(&identities, signal)?;
        if processes.is_empty() {
            return Ok(ended.len());
        }
        ended.extend(processes.iter().map(|(id, _)| *id));
        let until = if signal == Signal::SIGTERM { deadline } else { last };
        wait(&processes, until)?;
        if Instant::now() >= last {
            let left = ids_in(&identities)?;
            if !left.is_empty() {
                bail!("processes {left:?} do not end: they may hang in the kernel");
            }
        }
    }
}

/// Through a pidfd, and looked at again once that is open: an id that was reused meanwhile is not hit.
fn signal_all(identities: &[(u64, u64)], signal: Signal) -> Result<Vec<(u32, OwnedFd)>> {
    let mut signalled = Vec::new();
    for id in ids_in(identities)? {
        let Some(process) = open_process(id) else { continue };
        if is_in(id, identities) && send(process.as_fd(), signal) {
            signalled.push((id, process));
        }
    }
    Ok(signalled)
}

fn open_process(id: u32) -> Option<OwnedFd> {
    // SAFETY: the call takes two integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id, 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the kernel has just made it for us, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn send(process: BorrowedFd<'_>, signal: Signal) -> bool {
    use std::os::fd::AsRawFd;
    let no_details = std::ptr::null::<libc::siginfo_t>();
    let (fd, signal) = (process.as_raw_fd(), signal as i32);
    // SAFETY: a null pointer means a plain signal; the other arguments are integers.
    (unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_details, 0) }) == 0
}

/// Waits until all have ended, at most until then.
fn wait(processes: &[(u32, OwnedFd)], until: Instant) -> Result<()> {
    for (_, process) in processes {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for a process"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_end_is_its_last_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(log_end(file.path(), 0), "");
        fs::write(file.path(), "one\ntwo\n\nthree\n  four\n").unwrap();
        assert_eq!(log_end(file.path(), 0), "two | three | four");
        assert_eq!(log_end(file.path(), 9), "three | four");
        assert_eq!(log_end(file.path(), 99), "");
        assert_eq!(log_end(Path::new("/nonexistent"), 0), "");
    }
}
