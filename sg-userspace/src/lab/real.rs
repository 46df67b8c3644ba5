//! Real servers in an instance: nginx, PostgreSQL and iperf3, each with its own files below one directory, so that they
//! touch nothing of the machine's own installation.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use nix::unistd::User;

use super::process::{self, Inside};
use super::{client, namespace};

/// How long a server may take until it accepts connections.
const READY: Duration = Duration::from_secs(20);

/// A real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Real {
    /// nginx on these ports, with a page that names the instance.
    Nginx {
        /// Where it listens.
        ports: Vec<u16>,
    },
    /// PostgreSQL, trusting the lab's addresses.
    Postgres {
        /// Where it listens.
        port: u16,
        /// Who may log in without a password.
        trusted: Vec<IpNet>,
    },
    /// `iperf3 -s`.
    Iperf3 {
        /// Where it listens.
        port: u16,
    },
}

/// Starts a server in the namespace and waits until it accepts connections there. Its files and its log lie in
/// `directory`, which is made; [`process::kill`] ends it.
///
/// # Errors
/// The program is not installed, does not start, or does not listen in time.
pub async fn start(real: &Real, inside: &Inside, name: &str, directory: &Path) -> Result<u32> {
    let explain = || format!("cannot make `{}`", directory.display());
    fs::create_dir_all(directory).with_context(explain)?;
    let directory = &fs::canonicalize(directory).with_context(explain)?;
    let log = directory.join("log");
    let (id, ports) = match real {
        Real::Nginx { ports } => (start_nginx(inside, name, ports, directory, &log)?, ports.clone()),
        Real::Postgres { port, trusted } => {
            (start_postgres(inside, *port, trusted, directory, &log)?, vec![*port])
        }
        Real::Iperf3 { port } => {
            let program = find("iperf3", &["/usr/bin", "/usr/local/bin"], "iperf3")?;
            let argv = [program.into(), "-s".into(), "-p".into(), port.to_string().into()];
            (process::spawn(inside, &argv, &log)?, vec![*port])
        }
    };
    for port in ports {
        let target = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        namespace::run_async_in(&inside.namespace, move || client::wait_for_port(target, READY))
            .await
            .with_context(|| match process::log_end(&log, 0).as_str() {
                "" => format!("the server of `{name}` does not start, and says nothing"),
                said => format!("the server of `{name}` does not start; it says: {said}"),
            })?;
    }
    Ok(id)
}

fn start_nginx(inside: &Inside, name: &str, ports: &[u16], directory: &Path, log: &Path) -> Result<u32> {
    let program = find("nginx", &["/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin"], "nginx")?;
    let config = directory.join("nginx.conf");
    fs::write(&config, nginx_config(name, ports, directory))
        .with_context(|| format!("cannot write `{}`", config.display()))?;
    let argv = [
        program.into(),
        "-e".into(),
        "stderr".into(),
        "-p".into(),
        directory.into(),
        "-c".into(),
        config.into_os_string(),
    ];
    process::spawn(inside, &argv, log)
}

fn nginx_config(name: &str, ports: &[u16], directory: &Path) -> String {
    let listen: Vec<_> =
        ports.iter().map(|port| format!("    listen {port};\n    listen [::]:{port};\n")).collect();
    let directory = directory.display();
    format!(
        "daemon off;\nworker_processes 1;\npid {directory}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n  \
         access_log off;\n  client_body_temp_path {directory}/body;\n  proxy_temp_path {directory}/proxy;\n  \
         fastcgi_temp_path {directory}/fastcgi;\n  uwsgi_temp_path {directory}/uwsgi;\n  \
         scgi_temp_path {directory}/scgi;\n  server {{\n{}    default_type text/plain;\n    \
         location / {{ return 200 \"hello from {name} to $remote_addr\\n\"; }}\n  }}\n}}\n",
        listen.concat()
    )
}

fn start_postgres(
    inside: &Inside,
    port: u16,
    trusted: &[IpNet],
    directory: &Path,
    log: &Path,
) -> Result<u32> {
    let binaries = postgres_binaries()?;
    let user = User::from_name("postgres")
        .context("cannot look up user `postgres`")?
        .context("no user `postgres`: install PostgreSQL with `sudo apt install postgresql`")?;
    let inside = Inside {
        user: Some((user.uid.as_raw(), user.gid.as_raw())),
        directory: Some(directory.to_owned()),
        ..inside.clone()
    };
    let owned = |path: &Path| {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .with_context(|| format!("cannot give `{}` to user `postgres`", path.display()))
    };
    owned(directory)?;
    let data = directory.join("data");
    if !data.join("PG_VERSION").exists() {
        let argv: [OsString; 7] = [
            binaries.join("initdb").into(),
            "--no-sync".into(),
            "--auth=trust".into(),
            "--username=postgres".into(),
            "--encoding=UTF8".into(),
            "--locale=C".into(),
            data.clone().into(),
        ];
        let output = process::command(&inside, &argv)?.output().context("cannot start `initdb`")?;
        if !output.status.success() {
            bail!(
                "`initdb` fails ({}): {}; user `postgres` must be able to reach `{}`",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim(),
                directory.display()
            );
        }
    }
    let access = data.join("pg_hba.conf");
    fs::write(&access, access_rules(trusted))
        .with_context(|| format!("cannot write `{}`", access.display()))?;
    owned(&access)?;
    let settings = [
        "listen_addresses=*".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", directory.display()),
        "fsync=off".to_owned(),
    ];
    let mut argv: Vec<OsString> = vec![binaries.join("postgres").into(), "-D".into(), data.into()];
    for setting in settings {
        argv.extend(["-c".into(), setting.into()]);
    }
    process::spawn(&inside, &argv, log)
}

/// `pg_hba.conf`: local sockets, loopback and the lab.
fn access_rules(trusted: &[IpNet]) -> String {
    let mut text =
        String::from("local all all trust\nhost all all 127.0.0.1/32 trust\nhost all all ::1/128 trust\n");
    for net in trusted {
        text.push_str(&format!("host all all {net} trust\n"));
    }
    text
}

/// The newest version that is installed.
fn postgres_binaries() -> Result<PathBuf> {
    let missing = "PostgreSQL is not installed: `sudo apt install postgresql`";
    let versions = fs::read_dir("/usr/lib/postgresql").context(missing)?;
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| Path::new(&format!("/usr/lib/postgresql/{version}/bin/postgres")).exists())
        .max();
    Ok(PathBuf::from(format!("/usr/lib/postgresql/{}/bin", newest.context(missing)?)))
}

fn find(program: &str, places: &[&str], package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).chain(places.iter().map(PathBuf::from));
    candidates
        .find_map(|place| Some(place.join(program)).filter(|file| file.is_file()))
        .with_context(|| format!("`{program}` is not installed: `sudo apt install {package}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusted_networks_are_in_the_access_rules() {
        let rules = access_rules(&["10.0.0.0/16".parse().unwrap()]);
        assert!(rules.ends_with("host all all 10.0.0.0/16 trust\n"), "{rules}");
    }
}
