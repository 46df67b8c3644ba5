//! The lab's servers: started in their namespaces, in sessions of their own so that they outlive the controller, and
//! waited for until they listen. `down` ends them with everything else in their namespace.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ipnet::{Ipv4Net, Ipv6Net};
use tokio::sync::mpsc;

use crate::aws::ids::InstanceId;
use crate::aws::world::World;
use crate::lab::file::shorthand::Server;
use crate::lab::process::{self, Inside};
use crate::lab::real::{self, Real};
use crate::lab::server::{Listener, Service};
use crate::store::manifest::{LabManifest, ServerRecord};

use super::directory::StateDirectory;
use super::protocol::{Progress, Reply, ServerStatus};

/// Name of the subcommand that a built-in server runs.
pub const SUBCOMMAND: &str = "server";
/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that was started and is not yet seen to listen.
struct Waiting {
    item: String,
    pid: u32,
    server: Server,
    log: PathBuf,
}

/// What runs somewhere: its name, its namespace and its servers.
type Host<'l> = (&'l str, &'l str, &'l [Server]);

/// Starts the lab's servers and waits until those with a port listen. Gives them by namespace.
///
/// # Errors
/// Where one does not start or does not listen, with the end of its log.
pub async fn start(
    directory: &StateDirectory,
    lab: &LabManifest,
    replies: &mpsc::Sender<Reply>,
) -> Result<BTreeMap<String, Vec<ServerRecord>>> {
    let (mut done, total) = (0, count(lab));
    let mut tell = |item: &str, more: usize| {
        let progress = Progress { stage: "starting servers".to_owned(), item: item.to_owned(), done, total };
        // A client too slow to read this misses a step, and no more.
        let _ = replies.try_send(Reply::Progress(progress));
        done += more;
    };
    let instances =
        lab.lab.instances.iter().map(|(name, instance)| {
            (name.as_str(), instance.instance_id.as_str(), instance.servers.as_slice())
        });
    let internet =
        (super::build::INTERNET_NAME, lab.internet_namespace.as_str(), lab.lab.internet.servers.as_slice());
    let mut records = BTreeMap::new();
    let mut waiting = Vec::new();
    for host in instances.chain([internet]) {
        let started = launch(directory, host, &mut waiting, |item| tell(item, 1)).await?;
        if !started.is_empty() {
            records.insert(host.1.to_owned(), started);
        }
    }
    for Waiting { item, pid, server, log } in waiting {
        until_listening(pid, &server).await.with_context(|| {
            // The log goes with the lab that is not built.
            match process::log_end(&log, 0).as_str() {
                "" => format!("server `{item}` does not run, and says nothing"),
                said => format!("server `{item}` does not run; it says: {said}"),
            }
        })?;
        tell(&item, 1);
    }
    Ok(records)
}

/// Starts the servers of instances that have none running since they were started or rebooted, as at any boot, and
/// forgets those of instances that are stopped or over. Whether they listen is not waited for.
pub async fn follow(directory: &StateDirectory, world: &World, lab: &mut LabManifest) {
    let is_running = |id: &str| world.instances.values().any(|it| it.id.as_str() == id && it.is_running());
    lab.servers.retain(|namespace, _| *namespace == lab.internet_namespace || is_running(namespace));
    for (name, instance) in &lab.lab.instances {
        let id = instance.instance_id.as_str();
        if instance.servers.is_empty() || lab.servers.contains_key(id) || !is_running(id) {
            continue;
        }
        match launch(directory, (name, id, &instance.servers), &mut Vec::new(), |_| {}).await {
            Ok(started) => drop(lab.servers.insert(id.to_owned(), started)),
            Err(error) => tracing::error!("{error:#}"),
        }
    }
}

/// Starts the servers of an instance, or of the internet host.
async fn launch(
    directory: &StateDirectory,
    (name, namespace, servers): Host<'_>,
    waiting: &mut Vec<Waiting>,
    mut tell: impl FnMut(&str),
) -> Result<Vec<ServerRecord>> {
    let inside = Inside::new(namespace);
    let mut records = Vec::new();
    // One process serves all built-in ports of an instance.
    let builtin = servers.iter().filter_map(listener).collect::<Vec<_>>();
    let log = directory.logs().join(format!("{name}.log"));
    if !builtin.is_empty() {
        let pid = process::spawn(&inside, &builtin_argv(name, &builtin)?, &log)
            .with_context(|| format!("cannot start the built-in servers of `{name}`"))?;
        for server in servers.iter().filter(|server| listener(server).is_some()) {
            records.push(ServerRecord { name: title(server), pid });
            let (item, log) = (format!("{name} {}", title(server)), log.clone());
            waiting.push(Waiting { item, pid, server: server.clone(), log });
        }
    }
    for server in servers.iter().filter(|server| listener(server).is_none()) {
        let title = title(server);
        // Real ones take seconds: the one that is waited for is told, not the one that was.
        tell(&format!("{name} {title}"));
        tokio::task::yield_now().await;
        let pid = match real_server(server) {
            Some((real, port)) => {
                let data = directory.servers().join(name).join(port.to_string());
                real::start(&real, &inside, name, &data).await
            }
            None => {
                let Server::Run(command) = server else { continue };
                process::spawn(&inside, &["/bin/sh".into(), "-c".into(), command.into()], &log)
            }
        };
        let pid = pid.with_context(|| format!("cannot start server `{title}` of `{name}`"))?;
        records.push(ServerRecord { name: title, pid });
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

fn count(lab: &LabManifest) -> usize {
    let instances = lab.lab.instances.values().map(|instance| instance.servers.len());
    instances.sum::<usize>() + lab.lab.internet.servers.len()
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

fn listener(server: &Server) -> Option<Listener> {
    let (service, port) = match server {
        Server::Tcp(port) => (Service::TcpEcho, *port),
        Server::Udp(port) => (Service::UdpEcho, *port),
        Server::Http(port) => (Service::Http, *port),
        Server::Nginx(_) | Server::Postgres(_) | Server::Run(_) => return None,
    };
    Some(Listener { service, port })
}

/// A server from the distribution, and its port.
fn real_server(server: &Server) -> Option<(Real, u16)> {
    match server {
        Server::Nginx(port) => Some((Real::Nginx { ports: vec![*port] }, *port)),
        // Who may log in is for the security groups to say, within the lab.
        Server::Postgres(port) => {
            let trusted = vec![Ipv4Net::default().into(), Ipv6Net::default().into()];
            Some((Real::Postgres { port: *port, trusted }, *port))
        }
        Server::Tcp(_) | Server::Udp(_) | Server::Http(_) | Server::Run(_) => None,
    }
}

fn builtin_argv(name: &str, listeners: &[Listener]) -> Result<Vec<OsString>> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut argv = vec![program.into(), SUBCOMMAND.into(), "--name".into(), name.into()];
    argv.extend(listeners.iter().flat_map(|it| [it.service.to_string().into(), it.port.to_string().into()]));
    Ok(argv)
}

async fn until_listening(pid: u32, server: &Server) -> Result<()> {
    let Some(port) = server.port() else { return Ok(()) };
    let udp = server.is_udp();
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
