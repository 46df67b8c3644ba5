//! The machine that the figures are of.

use std::fs;

use serde::Serialize;

/// What a reader wants to know of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// Of the processor.
    pub(crate) processor: String,
    /// Processors that are on line.
    pub(crate) cpus: usize,
    /// Mebibytes of memory.
    pub(crate) memory_mib: u64,
    /// `uname -r`.
    pub(crate) kernel: String,
    /// Whether a hypervisor runs it.
    pub(crate) is_virtual: bool,
    /// `net.core.bpf_jit_enable` and `net.core.bpf_jit_harden`.
    pub(crate) jit: String,
    /// Average number of running tasks in the minute before the benchmark.
    pub(crate) load: f64,
}

impl Machine {
    /// This one. What the system does not tell is left empty.
    pub(crate) fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let kibibytes = field(&read("/proc/meminfo"), "MemTotal");
        let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
        let sysctl = |name: &str| read(&format!("/proc/sys/net/core/{name}")).trim().to_owned();
        Self {
            processor: field(&cpuinfo, "model name"),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: number(&kibibytes).unwrap_or(0.0) as u64 / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            is_virtual: field(&cpuinfo, "flags").split(' ').any(|flag| flag == "hypervisor"),
            jit: format!("{}, hardening {}", sysctl("bpf_jit_enable"), sysctl("bpf_jit_harden")),
            load: number(&read("/proc/loadavg")).unwrap_or(0.0),
        }
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let virtual_word = if self.is_virtual { " (virtual)" } else { "" };
        format!(
            "{}{virtual_word}, {} CPUs, {:.1} GiB, Linux {}, JIT {}, load {:.2} before the start",
            self.processor,
            self.cpus,
            self.memory_mib as f64 / 1024.0,
            self.kernel,
            self.jit,
            self.load
        )
    }
}
