//! Instance metadata: what an instance is told, and how it may ask for it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use sg_tests::harness::http::{Reply, ask};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::aws::ids::InstanceId;
use sg_userspace::aws::instance::UserData;
use sg_userspace::aws::world::World;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;
use sg_userspace::metadata::channel::{Message, send};
use sg_userspace::metadata::document::Document;
use sg_userspace::metadata::service;

/// A service that is told by the test what the controller would tell it.
struct Service(OwnedFd);

impl Service {
    fn start() -> Self {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(service::run(theirs)).unwrap();
        });
        Self(ours)
    }

    /// Lets an instance ask, and says where.
    fn serve(&self, number: u32, document: Document) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let message = Message::Serve { instance: id(number), document: Box::new(document) };
        send(self.0.as_fd(), &message, Some(listener.as_fd())).unwrap();
        address
    }

    fn tell(&self, message: &Message) {
        send(self.0.as_fd(), message, None).unwrap();
        send(self.0.as_fd(), &Message::Sync, None).unwrap();
        assert_eq!(nix::unistd::read(&self.0, &mut [0]).unwrap(), 1, "it has it now");
    }
}

fn id(number: u32) -> InstanceId {
    InstanceId::mint(0, number)
}

fn world() -> World {
    plan(&LabFile::parse(&standard_lab()).unwrap(), &World::default()).unwrap().world
}

/// What an instance of a world is told.
fn document(world: &World, name: &str) -> Document {
    let instance = world.instances.values().find(|instance| instance.name == name).unwrap();
    Document::of(world, instance, &world.interfaces_of(&instance.id))
}

fn token(address: SocketAddr, ttl: &str) -> Reply {
    ask(address, "PUT /latest/api/token", &[("X-aws-ec2-metadata-token-ttl-seconds", ttl)])
}

fn get(address: SocketAddr, token: &str, path: &str) -> Reply {
    ask(address, &format!("GET {path}"), &[("X-aws-ec2-metadata-token", token)])
}

#[test]
fn what_an_instance_is_told_follows_the_world() {
    let mut world = world();
    let web = document(&world, "web");
    let instance = world.instances.values().find(|instance| instance.name == "web").unwrap().clone();
    let interface = world.interfaces_of(&instance.id)[0].clone();
    let text = |path: &str| web.texts[&format!("meta-data/{path}")].as_str();
    assert_eq!(text("instance-id"), instance.id.as_str());
    assert_eq!((text("local-ipv4"), text("security-groups")), ("10.0.1.5", "web"));
    assert_eq!(text("local-hostname"), "ip-10-0-1-5.ec2.internal");
    assert_eq!((text("placement/region"), text("placement/availability-zone")), ("us-east-1", "us-east-1a"));
    let mac = interface.mac.to_string();
    let of_mac = |path: &str| text(&format!("network/interfaces/macs/{mac}/{path}")).to_owned();
    assert_eq!((text("mac"), of_mac("device-number")), (mac.as_str(), "0".to_owned()));
    assert_eq!(of_mac("security-group-ids"), interface.groups[0].as_str());
    assert_eq!(of_mac("subnet-id"), interface.subnet_id.as_str());
    assert_eq!(of_mac("vpc-ipv4-cidr-blocks"), "10.0.0.0/16");
    assert_eq!(of_mac("ipv6s"), interface.ipv6[0].to_string());
    let identity: serde_json::Value =
        serde_json::from_str(&web.texts["dynamic/instance-identity/document"]).unwrap();
    assert_eq!((&identity["privateIp"], &identity["region"]), (&"10.0.1.5".into(), &"us-east-1".into()));

    assert!(!web.texts.contains_key("meta-data/tags/instance/Name"), "tags only where they are asked for");
    let changed = world.instances.get_mut(&instance.id).unwrap();
    changed.metadata_options.instance_metadata_tags = true;
    changed.user_data = Some(UserData::new("I2ZvbwA=", false).unwrap());
    let db = world.security_groups.values().find(|group| group.name == "db").unwrap().id.clone();
    world.network_interfaces.get_mut(&interface.id).unwrap().groups.push(db);
    let now = document(&world, "web");
    assert_eq!(now.texts["meta-data/security-groups"], "web\ndb");
    assert_eq!(now.texts["meta-data/tags/instance/Name"], "web");
    assert_eq!(now.user_data.as_deref(), Some(&b"#foo\0"[..]));
}

#[test]
fn tokens_are_asked_for_and_good_for_one_instance() {
    let (service, world) = (Service::start(), world());
    let (web, db) = (service.serve(1, document(&world, "web")), service.serve(2, document(&world, "db")));
    let reply = token(web, "60");
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(
        reply.head.to_ascii_lowercase().contains("x-aws-ec2-metadata-token-ttl-seconds: 60"),
        "{reply:?}"
    );
    let good = reply.body;
    assert_eq!(get(web, &good, "/latest/meta-data/local-ipv4").body, "10.0.1.5");
    for ttl in ["0", "21601", "-1", "an hour", ""] {
        assert_eq!(token(web, ttl).status, 400, "{ttl:?}");
    }
    assert_eq!(ask(web, "PUT /latest/api/token", &[]).status, 400);
    let ttl = ("X-aws-ec2-metadata-token-ttl-seconds", "60");
    assert_eq!(ask(web, "PUT /latest/api/token", &[ttl, ("X-Forwarded-For", "10.0.0.1")]).status, 403);
    assert_eq!(ask(web, "POST /latest/api/token", &[ttl]).status, 405);
    assert_eq!(get(web, "nonsense", "/latest/meta-data/").status, 401);
    assert_eq!(get(db, &good, "/latest/meta-data/").status, 401, "it is another instance's");

    // Without one only where the instance's options say so.
    assert_eq!(ask(web, "GET /latest/meta-data/instance-id", &[]).status, 200);
    let mut strict = document(&world, "web");
    strict.options.http_tokens_required = true;
    service.tell(&Message::Change { instance: id(1), document: Box::new(strict.clone()) });
    assert_eq!(ask(web, "GET /latest/meta-data/instance-id", &[]).status, 401);
    assert_eq!(get(web, &good, "/latest/meta-data/instance-id").status, 200);
    strict.options.http_endpoint = false;
    service.tell(&Message::Change { instance: id(1), document: Box::new(strict) });
    assert_eq!((get(web, &good, "/latest/meta-data/").status, token(web, "60").status), (403, 403));
    assert_eq!(get(db, &token(db, "60").body, "/latest/meta-data/local-ipv4").body, "10.0.2.6");
}

#[test]
fn directories_are_listed_and_what_is_not_there_is_not_found() {
    let (service, world) = (Service::start(), world());
    let mut told = document(&world, "web");
    told.user_data = Some(b"#!/bin/sh\n\xff".to_vec());
    let web = service.serve(1, told.clone());
    let body = |path: &str| {
        let reply = ask(web, &format!("GET {path}"), &[]);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.body
    };
    assert_eq!(body("/").lines().last(), Some("latest"));
    assert_eq!(body("/latest"), "dynamic\nmeta-data\nuser-data");
    assert!(body("/latest/meta-data/").lines().any(|line| line == "network/"));
    assert_eq!(body("/latest/meta-data/network/interfaces"), "macs/");
    assert_eq!(body("/2021-03-23/meta-data/placement/region"), "us-east-1");
    assert!(body("/latest/user-data").starts_with("#!/bin/sh\n"));
    for path in
        ["/latest/meta-data/iam/", "/latest/meta-data/instance", "/3000-01-01/meta-data/", "/latest//x"]
    {
        assert_eq!(ask(web, &format!("GET {path}"), &[]).status, 404, "{path}");
    }
    told.user_data = None;
    service.tell(&Message::Change { instance: id(1), document: Box::new(told) });
    assert_eq!(ask(web, "GET /latest/user-data", &[]).status, 404);
    assert_eq!(ask(web, "HEAD /latest/meta-data/instance-id", &[]).status, 200);
    assert_eq!(ask(web, "DELETE /latest/meta-data/instance-id", &[]).status, 405);
}

#[test]
fn what_is_too_much_harms_nobody_else_and_an_end_is_one() {
    let (service, world) = (Service::start(), world());
    let (web, db) = (service.serve(1, document(&world, "web")), service.serve(2, document(&world, "db")));
    let long = "a".repeat(64 << 10);
    let reply = ask(web, "GET /latest/meta-data/", &[("X-Long", &long)]);
    assert!(reply.status == 431 || reply.status == 0, "{reply:?}");
    assert_eq!(ask(web, &format!("GET /{long}"), &[]).status / 100 % 4, 0, "refused or cut off");
    // As many as there may be say nothing; another instance is answered meanwhile.
    let idle = (0..40).map(|_| TcpStream::connect(web).unwrap()).collect::<Vec<_>>();
    assert_eq!(ask(db, "GET /latest/meta-data/local-ipv4", &[]).body, "10.0.2.6");
    drop(idle);
    assert_eq!(ask(web, "GET /latest/meta-data/local-ipv4", &[]).body, "10.0.1.5");
    service.tell(&Message::End { instance: id(1) });
    assert!(TcpStream::connect(web).is_err(), "nobody listens for it");
    // The controller is gone; nothing can change, and what is there is answered.
    drop(service);
    assert_eq!(ask(db, "GET /latest/meta-data/local-ipv4", &[]).body, "10.0.2.6");
}
