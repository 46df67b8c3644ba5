//! The endpoint's unix socket, in the state directory unless it is told otherwise.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

use super::{LAB, SIGNED, send_over};

const BODY: &str = "Version=2016-11-15&Action=DescribeVpcs";

fn ask_over(path: &Path, headers: &str) -> (u16, String) {
    send_over(UnixStream::connect(path).unwrap(), headers, BODY)
}

#[test]
fn the_api_is_on_a_socket_in_the_state_directory() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let mut endpoint = Endpoint::start(sgsim(&[]), state);
        let path = state.endpoint_socket();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(ask_over(&path, &format!("Host: localhost\r\n{SIGNED}")).0, 200);
        let (status, reply) = ask_over(&path, &format!("Host: evil.example\r\n{SIGNED}"));
        assert!(status == 403 && reply.contains("AccessDenied"), "{reply}");
        let (_, reply) = ask_over(&path, "Host: localhost\r\n");
        assert!(reply.contains("MissingAuthenticationToken"), "{reply}");

        // What goes with a lab comes back with the next.
        std::fs::remove_file(&path).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !path.exists() {
            assert!(Instant::now() < deadline, "the socket does not come back");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(ask_over(&path, &format!("Host: localhost\r\n{SIGNED}")).0, 200);
        assert!(endpoint.terminate().success());
        assert!(!path.exists(), "it goes with the endpoint");
    });
}

#[test]
fn a_socket_is_one_endpoint_s_at_a_time() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let first = Endpoint::start(sgsim(&[]), state);
        let second = |options: &[&str]| {
            let mut command = Command::new(sgsim(&[]));
            command.args(["serve", "--listen", "127.0.0.1:0"]).args(options);
            command.env("SGSIM_STATE_DIR", state.path());
            command
        };
        let output = second(&[]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && error.contains("another `sgsim serve` answers"),
            "{error}"
        );
        let elsewhere = state.path().join("elsewhere.sock").display().to_string();
        drop(Endpoint::start_with(sgsim(&[]), state, &["--no-socket"]));
        let third = Endpoint::start_with(sgsim(&[]), state, &["--socket", &elsewhere]);
        assert_eq!(ask_over(Path::new(&elsewhere), &format!("Host: localhost\r\n{SIGNED}")).0, 200);

        // One that was killed leaves its socket, which the next one replaces.
        kill(third.pid(), Signal::SIGKILL).unwrap();
        drop(third);
        assert!(Path::new(&elsewhere).exists());
        let fourth = Endpoint::start_with(sgsim(&[]), state, &["--socket", &elsewhere]);
        assert_eq!(ask_over(Path::new(&elsewhere), &format!("Host: localhost\r\n{SIGNED}")).0, 200);
        drop((first, fourth));
    });
}
