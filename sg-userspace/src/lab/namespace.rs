//! Named network namespaces, as `ip netns` makes and shows them: a file below `/run/netns` on which the namespace is
//! bind-mounted.
//!
//! `unshare` and `setns` change the calling thread only, so each runs on a thread of its own that ends afterwards. What
//! an instance's kernel settings must be (no router advertisements, no reverse-path filter, ping for everybody) is set
//! on that thread too, before the first link exists, so that links inherit it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use rtnetlink::LinkUnspec;

use super::netlink::{Netlink, refusal};

/// Where `ip netns` keeps its names.
pub const DIRECTORY: &str = "/run/netns";

/// The index of `lo` in every namespace.
const LOOPBACK: u32 = 1;

/// Settings of every instance, below `/proc/sys/net`. Those of a protocol that the kernel lacks are passed over.
const SETTINGS: &[(&str, &str)] = &[
    // Replies may leave by another interface than a strict filter expects; the source check is the ENI's (M-17).
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    // Each interface answers for its own addresses, also with two in one subnet.
    ("ipv4/conf/all/arp_ignore", "1"),
    ("ipv4/conf/all/arp_announce", "2"),
    ("ipv4/ping_group_range", "0 2147483647"),
    ("ipv6/conf/all/accept_ra", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/autoconf", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
    // The VPC owns the addresses: nothing to detect, and they serve at once.
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/dad_transmits", "0"),
    ("ipv6/conf/all/disable_ipv6", "0"),
    ("ipv6/conf/default/disable_ipv6", "0"),
];

/// A namespace with an open netlink socket in it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    file: File,
    netlink: Netlink,
}

impl Namespace {
    /// Makes a namespace of this name, with its settings and loopback up.
    ///
    /// # Errors
    /// The name is taken or unusable, or the caller is not root.
    pub async fn create(name: &str) -> Result<Self> {
        check_name(name)?;
        prepare_directory()?;
        let path = path(name);
        OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(|error| {
            match error.kind() {
                io::ErrorKind::AlreadyExists => anyhow::anyhow!(
                    "network namespace `{name}` exists: `sgsim down` removes a lab's, `ip netns delete {name}` any"
                ),
                _ => anyhow::Error::new(error).context(format!("cannot create `{}`", path.display())),
            }
        })?;
        let made = on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace: this needs root")?;
            mount(Some("/proc/thread-self/ns/net"), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
                .with_context(|| format!("cannot mount the namespace on `{}`", path.display()))?;
            for (setting, value) in SETTINGS {
                set(setting, value)?;
            }
            Netlink::open()
        });
        let netlink = match made {
            Ok(netlink) => netlink,
            Err(error) => {
                // The error at hand says more than a failing removal would.
                let _ = delete(name);
                return Err(error.context(format!("network namespace `{name}`")));
            }
        };
        let namespace = Self { name: name.to_owned(), file: open_file(name)?, netlink };
        namespace.set_link_up(LOOPBACK).await?;
        Ok(namespace)
    }

    /// Opens one that exists.
    ///
    /// # Errors
    /// There is none of this name, or the caller is not root.
    pub fn open(name: &str) -> Result<Self> {
        let file = open_file(name)?;
        let netlink = enter_on_thread(&file, Netlink::open)?;
        Ok(Self { name: name.to_owned(), file, netlink })
    }

    /// Its name below `/run/netns`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The open file that stands for the namespace.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The netlink socket inside.
    pub fn netlink(&self) -> &rtnetlink::Handle {
        self.netlink.handle()
    }

    /// Sets a link inside the namespace up.
    ///
    /// # Errors
    /// There is no such link.
    pub async fn set_link_up(&self, index: u32) -> Result<()> {
        self.netlink()
            .link()
            .change(LinkUnspec::new_with_index(index).up().build())
            .execute()
            .await
            .map_err(refusal)
            .with_context(|| format!("cannot set link {index} up in `{}`", self.name))
    }
}

/// The file of a namespace of this name, whether it exists or not.
pub fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// Removes the name; the namespace itself goes with its last process. Says whether there was one.
///
/// # Errors
/// The file cannot be unmounted or removed.
pub fn delete(name: &str) -> Result<bool> {
    check_name(name)?;
    let path = path(name);
    match umount2(&path, MntFlags::MNT_DETACH) {
        // EINVAL: the file is there, but a crash came before the mount.
        Ok(()) | Err(Errno::ENOENT | Errno::EINVAL) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot unmount `{}`", path.display())),
    }
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove `{}`", path.display())),
    }
}

/// All names, sorted.
///
/// # Errors
/// The directory cannot be read.
pub fn list() -> Result<Vec<String>> {
    let entries = match fs::read_dir(DIRECTORY) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{DIRECTORY}`")),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// What tells namespaces apart: device and inode of the namespace's file.
///
/// # Errors
/// There is none of this name, or its file has no namespace mounted on it.
pub fn identity(name: &str) -> Result<(u64, u64)> {
    let metadata = open_file(name)?.metadata().with_context(|| format!("network namespace `{name}`"))?;
    let own =
        fs::metadata("/proc/self/ns/net").context("cannot read `/proc/self/ns/net`: is /proc mounted?")?;
    if metadata.dev() != own.dev() {
        bail!("`{}` is a plain file: no namespace is mounted on it", path(name).display());
    }
    Ok((metadata.dev(), metadata.ino()))
}

/// Runs `work` on a thread inside the namespace. The calling thread waits and stays where it is.
///
/// # Errors
/// The namespace cannot be entered, or `work` fails.
pub fn run_in<T: Send>(name: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    enter_on_thread(&open_file(name)?, work).with_context(|| format!("in network namespace `{name}`"))
}

/// [`run_in`] for async work: the thread gets a runtime of its own, and all sockets that `work` makes are the
/// namespace's.
///
/// # Errors
/// The namespace cannot be entered, or `work` fails.
pub async fn run_async_in<T, F>(name: &str, work: impl FnOnce() -> F + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>>,
{
    let file = open_file(name)?;
    let (done, result) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let inside = || {
            setns(&file, CloneFlags::CLONE_NEWNET).context("cannot enter the network namespace")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(work())
        };
        // Nobody waits any more if this fails.
        let _ = done.send(inside());
    });
    result
        .await
        .context("the thread in the namespace panicked")?
        .with_context(|| format!("in network namespace `{name}`"))
}

fn open_file(name: &str) -> Result<File> {
    check_name(name)?;
    File::open(path(name)).with_context(|| format!("no network namespace `{name}`: is the lab up?"))
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 255 || name.contains('/') || name.starts_with('.') {
        bail!("`{name}` cannot name a network namespace: no slash, no leading dot, 1 to 255 bytes");
    }
    Ok(())
}

fn enter_on_thread<T: Send>(file: &File, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    on_thread(|| {
        setns(file, CloneFlags::CLONE_NEWNET)
            .context("cannot enter the network namespace: this needs root")?;
        work()
    })
}

/// Runs `work` on a thread that ends with it, inside the caller's tokio runtime if there is one.
fn on_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let runtime = tokio::runtime::Handle::try_current().ok();
    thread::scope(|scope| {
        scope
            .spawn(|| {
                let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
                work()
            })
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn set(setting: &str, value: &str) -> Result<()> {
    let path = Path::new("/proc/sys/net").join(setting);
    match fs::write(&path, value) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot write `{value}` to `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Makes `/run/netns` a shared mount, once, under the lock that `ip netns` takes too: names made by either are then
/// seen, and can be removed, in every mount namespace.
fn prepare_directory() -> Result<()> {
    let explain = || format!("cannot prepare `{DIRECTORY}`: this needs root");
    fs::create_dir_all(DIRECTORY).with_context(explain)?;
    fs::set_permissions(DIRECTORY, Permissions::from_mode(0o755)).with_context(explain)?;
    let directory = File::open(DIRECTORY).with_context(explain)?;
    let _lock =
        Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, error)| error).with_context(explain)?;
    let share =
        || mount(None::<&str>, DIRECTORY, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>);
    match share() {
        Err(Errno::EINVAL) => {
            mount(Some(DIRECTORY), DIRECTORY, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
                .with_context(explain)?;
            share().with_context(explain)
        }
        other => other.with_context(explain),
    }
}
