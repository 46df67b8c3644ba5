//! The lab's servers: started in their namespaces, in sessions of their own so that they outlive the controller, and
//! waited for until they listen. `down` ends them with everything else in their namespace.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;

use crate::aws::ids::InstanceId;
use crate::lab::file::shorthand::Server;
use crate::lab::process::{self, Inside};
use crate::store::manifest::{LabManifest, ServerRecord};

use super::directory::StateDirectory;
use super::protocol::{Progress, Reply, ServerStatus};

/// Name of the hidden subcommand that a built-in server runs.
pub const SUBCOMMAND: &str = "serve-builtin";
/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the lab's servers and waits until those with a port listen. Gives them by namespace.
///
/// # Errors
/// Where one does not start or does not listen, with the end of its log.
pub async fn start(
    directory: &StateDirectory,
    lab: &LabManifest,
    replies: &mpsc::Sender<Reply>,
) -> Result<BTreeMap<String, Vec<ServerRecord>>> {
    let mut records: BTreeMap<String, Vec<ServerRecord>> = BTreeMap::new();
    let mut waiting = Vec::new();
    let instances = lab.lab.instances.iter().map(|(name, instance)| {
        (name.as_str(), instance.instance_id.to_string(), instance.servers.as_slice())
    });
    let internet =
        (super::build::INTERNET_NAME, lab.internet_namespace.clone(), lab.lab.internet.servers.as_slice());
    for (name, namespace, servers) in instances.chain([internet]) {
        for server in servers {
            let title = title(server);
            let log = directory.logs().join(format!("{name}-{}.log", title.replace([' ', '/'], "-")));
            let pid = spawn(directory, &namespace, name, server, &log)
                .with_context(|| format!("cannot start server `{title}` of `{name}`"))?;
            records.entry(namespace.clone()).or_default().push(ServerRecord { name: title.clone(), pid });
            waiting.push((format!("{name} {title}"), pid, server.clone(), log));
        }
    }
    let total = waiting.len();
    for (done, (item, pid, server, log)) in waiting.into_iter().enumerate() {
        until_listening(pid, &server).await.with_context(|| {
            let end = last_line(&log).map_or_else(String::new, |line| format!(": {line}"));
            format!("server `{item}` does not run{end} (log `{}`)", log.display())
        })?;
        let progress = Progress { stage: "starting servers".to_owned(), item, done: done + 1, total };
        let _ = replies.try_send(Reply::Progress(progress));
    }
    Ok(records)
}

/// The servers of an instance and whether they run.
pub fn of(lab: &LabManifest, id: &InstanceId) -> Vec<ServerStatus> {
    let records = lab.servers.get(id.as_str()).map_or(&[][..], Vec::as_slice);
    let running = |pid: u32| fs::exists(format!("/proc/{pid}")).unwrap_or(false);
    records
        .iter()
        .map(|record| ServerStatus {
            name: record.name.clone(),
            pid: record.pid,
            running: running(record.pid),
        })
        .collect()
}

fn title(server: &Server) -> String {
    match server {
        Server::Tcp(port) => format!("tcp {port}"),
        Server::Udp(port) => format!("udp {port}"),
        Server::Http(port) => format!("http {port}"),
        Server::Nginx(port) => format!("nginx {port}"),
        Server::Postgres(port) => format!("postgres {port}"),
        Server::Run(command) => format!("run {}", command.split_whitespace().next().unwrap_or_default()),
    }
}

fn spawn(
    directory: &StateDirectory,
    namespace: &str,
    instance: &str,
    server: &Server,
    log: &Path,
) -> Result<u32> {
    let inside = Inside::new(namespace);
    let builtin = |kind: &str, port: u16| -> Result<Vec<OsString>> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        Ok(vec![program.into(), SUBCOMMAND.into(), kind.into(), port.to_string().into()])
    };
    let argv = match server {
        Server::Tcp(port) => builtin("tcp", *port)?,
        Server::Udp(port) => builtin("udp", *port)?,
        Server::Http(port) => builtin("http", *port)?,
        Server::Run(command) => vec!["/bin/sh".into(), "-c".into(), command.into()],
        Server::Nginx(port) | Server::Postgres(port) => {
            let data: PathBuf = directory.servers().join(instance).join(port.to_string());
            bail!("real servers are not wired yet (their data would go to `{}`)", data.display());
        }
    };
    process::spawn(&inside, &argv, log)
}

async fn until_listening(pid: u32, server: &Server) -> Result<()> {
    let Some(port) = server.port() else { return Ok(()) };
    let udp = matches!(server, Server::Udp(_));
    let deadline = Instant::now() + PATIENCE;
    while !is_listening(pid, port, udp) {
        if !fs::exists(format!("/proc/{pid}")).unwrap_or(false) {
            bail!("it ended at once");
        }
        if Instant::now() > deadline {
            bail!("it does not listen on port {port} after {} s", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Whether a process's network namespace has a socket that listens on a port, as `/proc` tells without entering it.
fn is_listening(pid: u32, port: u16, udp: bool) -> bool {
    let (tables, state) = if udp { (["udp", "udp6"], "07") } else { (["tcp", "tcp6"], "0A") };
    tables.iter().any(|table| {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        text.lines().skip(1).any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next().and_then(|local| local.rsplit_once(':'));
            let found = local.and_then(|(_, hex)| u16::from_str_radix(hex, 16).ok());
            found == Some(port) && fields.nth(1) == Some(state)
        })
    })
}

fn last_line(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}
