//! Where user data runs: in the instance's network namespace, as a user that nobody else is, without capabilities or new
//! privileges, in mount, process and IPC namespaces of its own. Of the machine's files it sees programs and settings,
//! read-only; what others write to and listen at is hidden.
//!
//! # Invariants
//! Nothing of the script is looked at before all of this is in force. A fault on the way ends the process: nothing runs
//! with less. It ends with the instance, whose network namespace it is in.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Pid, Uid, chroot, fork, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::namespace;

/// The first user id of scripts; each instance of a lab has one of its own.
const FIRST_USER: u32 = 1_397_000_000;
/// Where the root directory is put together, over the machine's own.
const STAGE: &str = "/tmp";
/// The script, inside.
const SCRIPT: &str = "/run/user-data";
/// Devices that are there.
const DEVICES: [&str; 5] = ["full", "null", "random", "urandom", "zero"];
/// Places that are hidden by an empty one of the script's own.
const OWN: [&str; 3] = ["tmp", "var/tmp", "dev/shm"];
/// Places that are hidden by an empty one, which is nobody's: what others listen at and keep there is not for the script.
const HIDDEN: [&str; 8] = ["run", "home", "root", "mnt", "media", "srv", "boot", "var/lib"];

/// What a script may use of the machine.
const LIMITS: [(Resource, u64); 4] = [
    (Resource::RLIMIT_CORE, 0),
    (Resource::RLIMIT_FSIZE, 64 << 20),
    (Resource::RLIMIT_NOFILE, 4096),
    (Resource::RLIMIT_NPROC, 512),
];

/// What is to run. The script comes on standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Tells the instance's user from those of others.
    pub number: u32,
    /// A place of the machine to hide: the state directory.
    pub hidden: PathBuf,
}

impl Sandbox {
    /// Runs the script until the last of its processes has ended. The caller is in the instance's network namespace, has one
    /// thread, and is root.
    ///
    /// # Errors
    /// Where something of the sandbox cannot be had; then nothing has run.
    pub fn run(&self) -> Result<i32> {
        let mut script = Vec::new();
        io::stdin().read_to_end(&mut script).context("no script")?;
        unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC)
            .context("no namespaces of its own")?;
        // SAFETY: this process has one thread.
        match unsafe { fork() }.context("no process of its own")? {
            ForkResult::Parent { child } => exit_status(child),
            ForkResult::Child => {
                let error = match self.inside(&script) {
                    Ok(status) => std::process::exit(status),
                    Err(error) => error,
                };
                tracing::error!("user data does not run: {error:#}");
                std::process::exit(125);
            }
        }
    }

    /// The first process of the new namespaces: locks itself in, starts the script, and stays until all has ended.
    fn inside(&self, script: &[u8]) -> Result<i32> {
        self.change_root(script)?;
        for (resource, most) in LIMITS {
            setrlimit(resource, most, most).with_context(|| format!("{resource:?}"))?;
        }
        give_up_privileges(FIRST_USER + self.number)?;
        // A change of user forgets it, so it comes last.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).context("an end with its parent")?;
        // SAFETY: this process has one thread.
        match unsafe { fork() }.context("no process for the script")? {
            ForkResult::Parent { child } => reap(child),
            ForkResult::Child => {
                Err(execute()).context("the script does not start: is its interpreter there?")
            }
        }
    }

    fn change_root(&self, script: &[u8]) -> Result<()> {
        let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).context("mounts of its own")?;
        // A mount of its own of a namespace would keep that alive when its instance is over.
        while umount2(namespace::DIRECTORY, MntFlags::MNT_DETACH).is_ok() {}
        let stage = Path::new(STAGE);
        tmpfs(stage, "0755")?;
        let (root, devices) = (stage.join("root"), stage.join("dev"));
        fs::create_dir(&root)?;
        fs::create_dir(&devices)?;
        for device in DEVICES {
            File::create(devices.join(device))?;
            bind(&Path::new("/dev").join(device), &devices.join(device))?;
        }
        bind(Path::new("/"), &root)?;
        read_only(&root)?;
        for place in HIDDEN.iter().map(Path::new).chain([self.hidden.strip_prefix("/")?]) {
            // What an earlier one hides is gone already, and what leads elsewhere is hidden there.
            if fs::symlink_metadata(root.join(place)).is_ok_and(|metadata| metadata.is_dir()) {
                tmpfs(&root.join(place), "0755")?;
            }
        }
        let dev = root.join("dev");
        tmpfs(&dev, "0755")?;
        for device in DEVICES {
            File::create(dev.join(device))?;
            bind(&devices.join(device), &dev.join(device))?;
        }
        fs::create_dir(dev.join("shm"))?;
        for place in OWN {
            if fs::symlink_metadata(root.join(place)).is_ok_and(|metadata| metadata.is_dir()) {
                tmpfs(&root.join(place), "1777")?;
            }
        }
        let file = root.join(Path::new(SCRIPT).strip_prefix("/")?);
        fs::write(&file, script).context("the script's file")?;
        fs::set_permissions(&file, Permissions::from_mode(0o755))?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let proc = root.join("proc");
        mount(Some("proc"), &proc, Some("proc"), flags, None::<&str>).context("its processes")?;
        // With a root that is not the mounts' own, the kernel gives nobody a user namespace, where one would be root.
        std::env::set_current_dir(&root)?;
        chroot(".").context("its root")?;
        std::env::set_current_dir("/")?;
        Ok(())
    }
}

fn tmpfs(place: &Path, mode: &str) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let options = format!("size=64m,nr_inodes=16k,mode={mode}");
    mount(Some("tmpfs"), place, Some("tmpfs"), flags, Some(options.as_str()))
        .with_context(|| format!("an empty `{}`", place.display()))
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .with_context(|| format!("`{}`", from.display()))
}

/// Makes everything below a place read-only, and its programs no better than who starts them.
fn read_only(place: &Path) -> Result<()> {
    let path = std::ffi::CString::new(place.as_os_str().as_encoded_bytes())?;
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_RECURSIVE;
    // SAFETY: the path ends in zero, and the attributes are as large as is said.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()).context("read-only files") }
}

/// Becomes a user without privileges, for good.
///
/// # Errors
/// Where the kernel refuses a step.
pub fn give_up_privileges(user: u32) -> Result<()> {
    // What root keeps in its session's keyring stays root's. A kernel without keyrings has none.
    // SAFETY: the call takes two integers, zero stands for a keyring without a name.
    let _ = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0) };
    nix::sys::prctl::set_no_new_privs().context("no new privileges")?;
    for capability in 0..64 {
        // SAFETY: the call takes integers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            break;
        }
    }
    setgroups(&[]).context("no groups")?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
    setresgid(group, group, group).context("its group")?;
    setresuid(user, user, user).context("its user")?;
    if setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_ok() {
        bail!("it could become root again");
    }
    Ok(())
}

/// Becomes the script; gives why not.
fn execute() -> io::Error {
    let mut command = Command::new(SCRIPT);
    command.env_clear().envs([
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/tmp"),
        ("LANG", "C.UTF-8"),
    ]);
    command.stdin(std::process::Stdio::null()).current_dir("/");
    command.exec()
}

/// Waits for every process that is left to this one, and gives how the script ended.
fn reap(script: Pid) -> Result<i32> {
    let mut status = 0;
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == script => status = code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == script => status = 128 + signal as i32,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::ECHILD) => return Ok(status),
            Err(error) => return Err(error).context("cannot wait for the script"),
        }
    }
}

fn exit_status(child: Pid) -> Result<i32> {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as i32),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for the script"),
        }
    }
}
