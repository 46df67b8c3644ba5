//! What a lab has in use: descriptors and memory of its processes, and what it has made on this machine.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use sg_tests::harness::endpoint::Endpoint;
use sg_userspace::lab::manifest::{self, Made};
use sg_userspace::lab::namespace;

use crate::product::Product;

/// How much more memory than before a process may have, in KiB: what an allocator keeps for later.
const MEMORY_BAND_KIB: u64 = 16 << 10;
/// How many more descriptors: a connection or two may still be closing. One that leaked with each of hundreds of calls would
/// not hide in this.
const DESCRIPTOR_BAND: usize = 3;

/// Between two looks at what is in use.
const REST: Duration = Duration::from_millis(250);

/// What a process has in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Process {
    descriptors: usize,
    /// Of those, what the kernel's BPF gave out: maps, programs, links.
    bpf: usize,
    threads: usize,
    memory_kib: u64,
}

impl Process {
    fn of(pid: u32) -> Self {
        let process = Path::new("/proc").join(pid.to_string());
        let targets = entries(&process.join("fd")).into_iter().filter_map(|name| {
            let target = fs::read_link(process.join("fd").join(name)).ok()?;
            Some(target.to_string_lossy().into_owned())
        });
        let targets = targets.collect::<Vec<_>>();
        let status = fs::read_to_string(process.join("status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        };
        Self {
            descriptors: targets.len(),
            bpf: targets.iter().filter(|target| target.contains("bpf")).count(),
            threads: number("Threads:") as usize,
            memory_kib: number("VmRSS:"),
        }
    }
}

/// What a lab with an endpoint has in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    controller: Process,
    endpoint: Process,
    namespaces: usize,
    /// Links of the host's namespace that are this lab's.
    links: usize,
    /// What is pinned in the lab's bpffs.
    pins: usize,
    /// Processes in the lab's namespaces.
    processes: usize,
}

impl Usage {
    pub(crate) fn of(lab: &Product, endpoint: &Endpoint) -> Self {
        let status = lab.status();
        let base = status.lab.unwrap().link_base;
        let made = manifest::read(&lab.directory().made()).unwrap();
        let names = made.into_iter().filter_map(|thing| match thing {
            Made::Namespace(name) => Some(name),
            Made::Link { .. } | Made::Directory(_) => None,
        });
        let names = names.filter(|name| namespace::path(name).exists()).collect::<BTreeSet<_>>();
        let inodes = names.iter().filter_map(|name| inode(&namespace::path(name))).collect::<BTreeSet<_>>();
        let is_inside = |pid: &String| {
            inode(&Path::new("/proc").join(pid).join("ns/net")).is_some_and(|it| inodes.contains(&it))
        };
        let is_own_link = |name: &String| {
            let index = name.strip_prefix("sg").and_then(|index| index.parse::<u32>().ok());
            index.is_some_and(|index| (base..=base + 65_535).contains(&index))
        };
        Self {
            controller: Process::of(status.pid),
            endpoint: Process::of(endpoint.pid().as_raw().unsigned_abs()),
            namespaces: names.len(),
            links: entries(Path::new("/sys/class/net")).iter().filter(|name| is_own_link(name)).count(),
            pins: entries(&lab.directory().bpf()).len() + entries(&lab.directory().bpf().join("links")).len(),
            processes: entries(Path::new("/proc")).iter().filter(|pid| is_inside(pid)).count(),
        }
    }

    /// Once what was under way has ended, and connections that clients have left are closed.
    pub(crate) fn at_rest(lab: &Product, endpoint: &Endpoint) -> Self {
        let mut usage = Self::of(lab, endpoint);
        for _ in 0..20 {
            std::thread::sleep(REST);
            let now = Self::of(lab, endpoint);
            if now.things() == usage.things() {
                return now;
            }
            usage = now;
        }
        usage
    }

    /// What is counted rather than measured, and has to be the same again.
    fn things(&self) -> [usize; 6] {
        let Self { controller, endpoint, namespaces, links, pins, processes } = self;
        [controller.bpf, endpoint.bpf, *namespaces, *links, *pins, *processes]
    }

    /// As many of everything as before, and no more descriptors and memory than the bands allow.
    #[track_caller]
    pub(crate) fn check_no_leak(&self, before: &Self) {
        assert_eq!(self.things(), before.things(), "before: {before}\nafter:  {self}");
        for (name, now, before) in
            [("controller", self.controller, before.controller), ("endpoint", self.endpoint, before.endpoint)]
        {
            let is_within = now.memory_kib <= before.memory_kib + MEMORY_BAND_KIB
                && now.descriptors <= before.descriptors + DESCRIPTOR_BAND;
            assert!(is_within, "the {name} grew from {before:?} to {now:?}");
        }
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, it) in [("controller", self.controller), ("endpoint", self.endpoint)] {
            let Process { descriptors, bpf, threads, memory_kib } = it;
            write!(
                f,
                "{name} {descriptors} descriptors ({bpf} of BPF), {threads} threads, {} MiB; ",
                memory_kib >> 10
            )?;
        }
        let Self { namespaces, links, pins, processes, .. } = self;
        write!(f, "{namespaces} namespaces, {links} links, {pins} pins, {processes} processes")
    }
}

fn inode(path: &Path) -> Option<u64> {
    Some(fs::metadata(path).ok()?.ino())
}

/// Names in a directory; none where it is gone.
fn entries(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
