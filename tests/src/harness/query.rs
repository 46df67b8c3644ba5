//! A client of the EC2 Query API that is small and quick: one connection, nothing signed, nothing tried again.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a client with any credentials sends.
const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=any/20261122/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00";

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done; the reply.
    Done(String),
    /// It was refused with this code, and nothing has changed.
    Refused(String),
    /// Nobody knows: there was no answer, or one that says that something went wrong.
    Unknown(String),
}

/// A connection to an endpoint, made again where it ends.
#[derive(Debug)]
pub struct Query {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Query {
    /// A client of the endpoint at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// Hangs up; the next call connects again.
    pub fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Calls an action with its parameters.
    pub fn call(&mut self, action: &str, parameters: &[(String, String)]) -> Answer {
        let mut body = format!("Version=2016-11-15&Action={action}");
        for (name, value) in parameters {
            // Everything that the tests send stands for itself in a form.
            assert!(
                value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*/:".contains(&byte)),
                "{value}"
            );
            body.push_str(&format!("&{name}={value}"));
        }
        match self.exchange(&body) {
            Ok((200, reply)) => Answer::Done(reply),
            Ok((400..500, reply)) => Answer::Refused(values(&reply, "Code").pop().unwrap_or_default()),
            Ok((status, reply)) => Answer::Unknown(format!("{status}: {reply}")),
            Err(error) => {
                self.connection = None;
                Answer::Unknown(error.to_string())
            }
        }
    }

    fn exchange(&mut self, body: &str) -> Result<(u16, String)> {
        // The endpoint closes what has been idle for long.
        if self.connection.as_ref().is_none_or(|connection| has_ended(connection.get_ref())) {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            self.connection = Some(BufReader::new(stream));
        }
        let Some(connection) = &mut self.connection else { return Err(ErrorKind::NotConnected.into()) };
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nAuthorization: {AUTHORIZATION}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        connection.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "the endpoint hung up"))?;
        let (mut length, mut closes) = (0, false);
        loop {
            line.clear();
            connection.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().map_err(Error::other)?,
                "connection" => closes = value == "close",
                _ => {}
            }
        }
        let mut reply = vec![0; length];
        connection.read_exact(&mut reply)?;
        if closes {
            self.connection = None;
        }
        Ok((status, String::from_utf8(reply).map_err(Error::other)?))
    }
}

/// Whether the other end has hung up, with nothing under way.
fn has_ended(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let is_open = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    !is_open || stream.set_nonblocking(false).is_err()
}

/// The texts of every element of a name in a reply.
///
/// # Panics
/// Where the reply is no XML.
pub fn values(reply: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(reply).unwrap();
    let elements = document.descendants().filter(|node| node.is_element() && node.tag_name().name() == name);
    elements.filter_map(|node| node.text()).map(str::to_owned).collect()
}
