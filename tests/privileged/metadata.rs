//! Instances ask for their metadata at 169.254.169.254, while servers of their own have port 80.

use std::net::SocketAddr;

use sg_tests::harness::address::WEB;
use sg_tests::harness::http::{Reply, ask};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::{namespace, process};

use crate::product::{Product, until};
use crate::traffic::{Traffic, check_allowed, check_allowed_soon};

fn inside(namespace: &str, request: &str, headers: &[(&str, &str)]) -> Reply {
    let service: SocketAddr = "169.254.169.254:80".parse().unwrap();
    namespace::run_in(namespace, || Ok(ask(service, request, headers))).unwrap()
}

fn get(namespace: &str, path: &str) -> String {
    let reply = inside(namespace, &format!("GET /latest/meta-data/{path}"), &[]);
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.body
}

/// The processes of the metadata service.
fn service(lab: &Product) -> Vec<u32> {
    let namespace = lab.status().lab.unwrap().metadata_namespace();
    process::list(&namespace).unwrap().into_iter().map(|process| process.id).collect()
}

#[test]
fn every_instance_is_told_of_itself_and_of_changes_at_once() {
    let lab = Product::up(&standard_lab());
    let (client, web) = (lab.namespace("client"), lab.namespace("web"));
    let ttl = ("X-aws-ec2-metadata-token-ttl-seconds", "60");
    let token = inside(&web, "PUT /latest/api/token", &[ttl]).body;
    let with = ("X-aws-ec2-metadata-token", token.as_str());
    assert_eq!(inside(&web, "GET /latest/meta-data/instance-id", &[with]).body, web);
    assert_eq!(get(&client, "instance-id"), client);
    assert_eq!(get(&web, "local-ipv4"), WEB.to_string());
    // The instance's own server has port 80 of every address, that of its interface among them.
    lab.say("rule allow web inbound HTTP from sg client");
    check_allowed(&client, None, WEB.into(), Traffic::Tcp(80));

    assert_eq!(get(&web, "security-groups"), "web");
    lab.say("interface set-groups web web db");
    assert_eq!(get(&web, "security-groups"), "web\ndb");
    lab.say("instance stop web");
    lab.say("instance start web");
    assert_eq!(get(&web, "security-groups"), "web\ndb");
    assert_eq!(get(&web, "instance-id"), web);
    check_allowed_soon(&client, WEB.into(), Traffic::Tcp(80));
}

#[test]
fn service_is_nobody_s_and_is_there_again_whatever_dies() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let web = lab.namespace("web");
    let [first] = service(&lab)[..] else { panic!("one process serves all") };
    let status = std::fs::read_to_string(format!("/proc/{first}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    assert_eq!(field("Uid"), "65534\t65534\t65534\t65534");
    assert_eq!((field("CapEff"), field("CapBnd")), ("0".repeat(16), "0".repeat(16)));
    assert_eq!(field("NoNewPrivs"), "1");

    let pid = nix::unistd::Pid::from_raw(i32::try_from(first).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    until("the service runs again", || matches!(service(&lab)[..], [next] if next != first));
    until("it answers again", || {
        namespace::run_in(&web, || Ok(std::net::TcpStream::connect("169.254.169.254:80").is_ok())).unwrap()
    });
    assert_eq!(get(&web, "instance-id"), web);

    // Without a controller nothing changes, and it answers; the next controller brings its own.
    let second = service(&lab);
    lab.kill_controller();
    assert_eq!(get(&web, "instance-id"), web);
    lab.done(&["up", &file]);
    assert_ne!(service(&lab), second);
    assert_eq!(get(&web, "instance-id"), web);
    lab.say("interface set-groups web db");
    assert_eq!(get(&web, "security-groups"), "db");
    let namespaces = lab.namespaces();
    lab.done(&["down"]);
    assert!(namespaces.iter().all(|name| !namespace::path(name).exists()));
    lab.done(&["up", &file]);
}
