//! The clients that the story's steps run, and how each tells what came of it: the built-in one, or real ones.

use super::step::{Client, End, Family};

/// What the lab's servers and clients are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Software {
    /// `sgsim`'s own server and client; nothing needs to be installed.
    BuiltIn,
    /// nginx and PostgreSQL; curl, psql and ping.
    Real,
}

/// What real clients query.
const QUERY: &str = "table products";
/// What it is made with.
pub(super) const TABLE: &str = "create table products as values ('tea', 7), ('cheese', 4)";
/// For psql, so that commands stay short. It knows no shorter patience than two seconds.
pub(super) const ENVIRONMENT: [(&str, &str); 2] = [("PGUSER", "postgres"), ("PGCONNECT_TIMEOUT", "2")];

impl Software {
    /// The command that tries it once, with about a second of patience.
    pub(super) fn command(self, client: Client, family: Family, address: &str) -> Vec<String> {
        let flag = match family {
            Family::V4 => "-4",
            Family::V6 => "-6",
        };
        let words: Vec<String> = match (self, client) {
            (Self::Real, Client::Web(port)) => {
                let host = if family == Family::V6 { format!("[{address}]") } else { address.to_owned() };
                return ["curl", "-sS", "--max-time", "1", &format!("http://{host}:{port}/")]
                    .map(str::to_owned)
                    .into();
            }
            (Self::Real, Client::Database) => {
                return ["psql", "-h", address, "-Atc", QUERY].map(str::to_owned).into();
            }
            (Self::Real, Client::Ping) => {
                return ["ping", flag, "-c", "1", "-W", "1", address].map(str::to_owned).into();
            }
            (_, Client::Web(port)) => vec!["http".into(), address.into(), port.to_string()],
            (_, Client::Database) => vec!["line".into(), address.into(), Client::DATABASE_PORT.to_string()],
            (_, Client::Ssh) => vec!["line".into(), address.into(), Client::SSH_PORT.to_string()],
            (_, Client::LongLine) => {
                let [port, length] = [Client::SSH_PORT, Client::LENGTH].map(|number| number.to_string());
                vec!["line".into(), address.into(), port, "--length".into(), length]
            }
            (_, Client::Ping) => vec!["icmp".into(), address.into()],
        };
        let mut command: Vec<String> = ["sgsim", "client"].map(str::to_owned).into();
        command.extend(words);
        command.extend(["--timeout", "1s"].map(str::to_owned));
        command
    }

    /// The command that keeps a session open and exchanges lines in it.
    pub(super) fn session(self, client: Client, address: &str) -> Vec<String> {
        let port = match (self, client) {
            (Self::Real, Client::Database) => {
                return ["psql", "-h", address, "-At"].map(str::to_owned).into();
            }
            (Self::BuiltIn, Client::Database) => Client::DATABASE_PORT.to_string(),
            (_, Client::Web(port)) => port.to_string(),
            (_, Client::Ssh | Client::LongLine | Client::Ping) => Client::SSH_PORT.to_string(),
        };
        ["sgsim", "client", "hold", address, &port, "--timeout", "1s"].map(str::to_owned).into()
    }

    /// What is typed into a session for the `count`th time, and what the answer must have in it.
    pub(super) fn line(self, client: Client, count: usize) -> (String, String) {
        let word = format!("line-{count}");
        match (self, client) {
            (Self::Real, Client::Database) => (format!("select 'line-' || {count};"), word),
            _ => (word.clone(), word),
        }
    }

    /// What an answer from this instance must have in it.
    pub(super) fn proof(self, client: Client, to: &str) -> String {
        let instance = to.split_once(':').map_or(to, |(instance, _)| instance);
        match (self, client) {
            (Self::BuiltIn, Client::Web(_)) => "200 OK".to_owned(),
            (Self::Real, Client::Web(_)) => format!("hello from {instance} "),
            (Self::Real, Client::Database) => "tea|7; cheese|4".to_owned(),
            (Self::BuiltIn, Client::Database) | (_, Client::Ssh) => format!("{instance}: hello"),
            (_, Client::LongLine) => format!("{instance}: {} bytes", Client::LENGTH),
            (_, Client::Ping) => String::new(),
        }
    }
}

/// What of a client's output says it all, on one line.
pub(super) fn gist(command: &[String], stdout: &str, stderr: &str) -> String {
    let of_ping = |line: &&str| line.contains(" bytes from ") || line.contains(" transmitted");
    match stdout.lines().find(of_ping) {
        Some(line) if command.first().is_some_and(|program| program == "ping") => line.to_owned(),
        _ => {
            let text = if stdout.is_empty() { stderr } else { stdout };
            text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
        }
    }
}

/// What a client's exit code and words mean.
pub(super) fn end(command: &[String], code: Option<i32>, stdout: &str, stderr: &str) -> End {
    let said = |text: &str| stdout.starts_with(text) || stderr.contains(text);
    match (command.first().map(String::as_str), code) {
        (_, Some(0)) => End::Answered,
        (Some("curl"), Some(28)) | (Some("ping"), Some(1)) => End::TimedOut,
        (Some("curl"), Some(7)) => End::Refused,
        (Some("psql"), _) if said("timeout expired") => End::TimedOut,
        (Some("psql"), _) if said("Connection refused") => End::Refused,
        (Some("sgsim"), _) if said("timed out") => End::TimedOut,
        (Some("sgsim"), _) if said("refused") => End::Refused,
        _ => End::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_no_timeout() {
        let of = |program: &str, code, stdout, stderr| end(&[program.to_owned()], Some(code), stdout, stderr);
        assert_eq!(of("curl", 7, "", "curl: (7) Failed to connect"), End::Refused);
        assert_eq!(of("curl", 28, "", "curl: (28) Connection timed out"), End::TimedOut);
        assert_eq!(of("sgsim", 1, "refused 10.0.1.4:80", ""), End::Refused);
        assert_eq!(of("sgsim", 2, "", "sgsim: no controller is running"), End::Failed);
        assert_eq!(of("psql", 2, "", "psql: error: connection failed: timeout expired"), End::TimedOut);
    }
}
