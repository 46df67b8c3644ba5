//! The disk of the state directory is full: changes are refused and change nothing, the lab goes on, and once there is room the
//! next change is taken.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use sg_tests::harness::address::{DB, WEB};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::aws::world::World;
use sg_userspace::command::group::CreateSecurityGroup;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::protocol::{Reply, Request};

use crate::product::Product;
use crate::traffic::{Traffic, check_allowed, check_denied};

/// A small disk below the lab's state directory.
struct Disk(PathBuf);

impl Disk {
    fn new(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        mount(Some("sgt"), &path, Some("tmpfs"), MsFlags::empty(), Some("size=4m,mode=0755")).unwrap();
        Self(path)
    }

    fn fill(&self) {
        let mut filler = fs::File::create(self.0.join("filler")).unwrap();
        for size in [4096, 1] {
            while filler.write(&[b'x'; 4096][..size]).is_ok_and(|written| written > 0) {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
        // The lab's own directory could not go while this was mounted in it.
        let _ = self.0.parent().map(fs::remove_dir_all);
    }
}

/// A lab on such a disk, which goes before the disk does.
struct Place {
    lab: Product,
    disk: Disk,
}

/// The world's objects and its version. Numbers that a refused command used up stay used.
fn state(lab: &Product) -> (World, u64) {
    match Client::connect(&lab.directory()).unwrap().call(&Request::World).unwrap() {
        Reply::World { world, version, .. } => (World { last_number: 0, ..*world }, version),
        other => panic!("{other:?}"),
    }
}

/// Makes a security group with a long description; says why not.
fn add_group(lab: &Product, name: &str) -> Result<(), String> {
    let (world, _) = state(lab);
    let command = CreateSecurityGroup {
        vpc_id: world.vpcs.keys().next().unwrap().clone(),
        name: name.to_owned(),
        description: "x".repeat(200),
        tags: Default::default(),
    };
    let request = Request::Change { command: Box::new(command.into()) };
    let answer = Client::connect(&lab.directory()).unwrap().call(&request);
    answer.map(drop).map_err(|error| format!("{error:#}"))
}

#[test]
fn full_disk_refuses_changes_and_cuts_nothing() {
    let lab = Product::new();
    let disk = Disk::new(lab.directory().path().to_owned());
    let Place { lab, disk } = &Place { lab, disk };
    let file = lab.file(&standard_lab());
    lab.done(&["up", &file]);
    let client = lab.namespace("client");
    lab.say("rule allow web inbound HTTP from sg client");
    let pid = lab.status().pid;

    disk.fill();
    // At first there is room inside the store's own file.
    let refused = (0..2000).find_map(|n| {
        let before = state(lab);
        let error = add_group(lab, &format!("filler-{n}")).err()?;
        Some((before, error))
    });
    let (before, error) = refused.expect("a full disk takes no more");
    assert!(error.contains("could not be stored") && error.contains("No space left"), "{error}");
    assert!(state(lab) == before, "refused, and yet something has changed");
    assert!(
        lab.refused(&["rule", "allow", "db", "inbound", "HTTP", "from", "sg", "client"]).contains("No space")
    );
    check_allowed(&client, None, WEB.into(), Traffic::Tcp(80));
    check_denied(&client, None, DB.into(), Traffic::Tcp(80));
    assert!(state(lab) == before, "refused, and yet something has changed");

    disk.make_room();
    lab.say("rule allow db inbound HTTP from sg client");
    check_allowed(&client, None, DB.into(), Traffic::Tcp(80));
    assert_eq!(lab.status().pid, pid, "the controller has gone on");
    let before = state(lab);
    lab.kill_controller();
    lab.done(&["up", &file]);
    assert!(state(lab) == before, "something acknowledged is lost");
}
