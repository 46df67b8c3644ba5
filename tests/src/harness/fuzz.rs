//! What must hold for any bytes at all: as frames on a link, as input of commands, and as requests of the API. `tests/fuzz` feeds these functions
//! what a fuzzer makes up; the rootless tests feed them its corpus on every run.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};
use roxmltree::Document;
use sg_common::abi::INTERNET_SLOT;
use sg_userspace::aws::world::World;
use sg_userspace::command::{Command, apply};
use sg_userspace::controller::protocol::Request;
use sg_userspace::dataplane::host::HostDataplane;
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::{Dataplane, Outcome};
use sg_userspace::ec2::Api;
use sg_userspace::ec2::call::Caller;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;

use super::backing::Backing;
use super::lab_file::standard_lab;

/// A target's name, and what must hold for any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 3] = [("frame", frames), ("command", commands), ("form", forms)];

/// Slots that frames are sent on: three instances, the internet host, and one that nobody has.
const SLOTS: [u32; 5] = [0, 1, 2, INTERNET_SLOT, 5];

/// Frames of one input, at most: more find nothing that fewer do not.
const MOST_FRAMES: usize = 8;

/// Every committed input of a target, in the order of names.
///
/// # Panics
/// Where there are none.
pub fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", directory.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Sends frames through a small lab: a byte for the slot, two for the length, then the frame, and so on. Nothing panics,
/// every frame has one fate, and none is delivered whose headers contradict each other.
///
/// # Panics
/// Where one of these does not hold.
pub fn frames(mut bytes: &[u8]) {
    let (world, _) = super::frames::world();
    let mut host = HostDataplane::new();
    host.set_world(&world).expect("the world compiles");
    for _ in 0..MOST_FRAMES {
        let [slot, high, low, rest @ ..] = bytes else { return };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (frame, rest) = rest.split_at(length);
        let slot = SLOTS[usize::from(*slot) % SLOTS.len()];
        check_fate(frame, &host.judge_frame(slot, frame));
        bytes = rest;
    }
}

/// One frame's fate: nobody is asked after who denies, and what passes is well-formed by a parser that is not ours.
fn check_fate(frame: &[u8], outcome: &Outcome) {
    let Some((last, before)) = outcome.judgements.split_last() else {
        // A slot that nobody has: there is no interface to say anything.
        return;
    };
    // The message to the sender of a packet that is too big is judged after it.
    let goes_on = |reason: Reason| reason.is_allow() || reason == Reason::PacketTooBig;
    assert!(before.len() <= 1 && before.iter().all(|judgement| goes_on(judgement.reason)), "{outcome:?}");
    let by_fabric = [Reason::Neighbour, Reason::PacketTooBig];
    let is_first_allowed = before.first().unwrap_or(last).reason.is_allow();
    if is_first_allowed && !by_fabric.contains(&last.reason) {
        assert!(is_well_formed(frame), "{outcome:?}: {frame:02x?}");
    }
}

fn is_well_formed(frame: &[u8]) -> bool {
    let Some(packet) = frame.get(14..) else { return false };
    match frame[12..14] {
        [0x08, 0x00] => Ipv4HeaderSlice::from_slice(packet).is_ok_and(|header| {
            let total = usize::from(header.total_len());
            total >= header.slice().len() && total <= packet.len()
        }),
        [0x86, 0xdd] => Ipv6HeaderSlice::from_slice(packet)
            .is_ok_and(|header| usize::from(header.payload_length()) + header.slice().len() <= packet.len()),
        _ => false,
    }
}

/// The standard lab after `sgsim up`.
static LAB: LazyLock<World> = LazyLock::new(|| {
    let file = LabFile::parse(&standard_lab()).expect("a lab file");
    plan(&file, &World::default()).expect("a lab").world
});

/// Reads the bytes as the controller's request lines or bare commands, one JSON value a line, and as a lab file. Nothing
/// panics, a refused command leaves the world as it was, and one that is taken back too.
///
/// # Panics
/// Where one of these does not hold.
pub fn commands(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut world = LAB.clone();
    for line in text.lines().take(16) {
        let command = match serde_json::from_str(line) {
            Ok(Request::Change { command }) => *command,
            // No request that changes the world.
            Ok(_) => continue,
            Err(_) => match serde_json::from_str::<Command>(line) {
                Ok(command) => command,
                Err(_) => continue,
            },
        };
        check_command(&mut world, command);
    }
    if let Ok(file) = LabFile::parse(text) {
        let _ = plan(&file, &World::default());
    }
}

fn check_command(world: &mut World, command: Command) {
    let json = serde_json::to_string(&command).expect("a command serialises");
    assert_eq!(serde_json::from_str::<Command>(&json).expect("what was written is read"), command);
    let before = world.clone();
    match apply(world, command.clone()) {
        Err(_) => assert_eq!(*world, before, "refused, and changed the world: {json}"),
        Ok(applied) => {
            let after = world.clone();
            applied.undo.restore(world);
            assert_eq!(world.last_number, after.last_number, "numbers stay used");
            world.last_number = before.last_number;
            assert_eq!(*world, before, "taken back, and not as it was: {json}");
            *world = after;
        }
    }
}

/// Sends the bytes to the API as form bodies, one a line. Nothing panics, every answer is XML, what is refused says why, and
/// neither that nor what only describes changes the world.
///
/// # Panics
/// Where one of these does not hold.
pub fn forms(bytes: &[u8]) {
    let api = Api::new(Backing(RefCell::new(LAB.clone())));
    let region = "us-east-1".parse().expect("a region");
    let caller = Caller { region, account_id: "123456789012".to_owned(), now: 1_764_331_200 };
    for body in bytes.split(|byte| *byte == b'\n').take(8) {
        let before = api.backend().0.borrow().clone();
        let answer = api.answer(body, &caller, "an-id");
        let shown = String::from_utf8_lossy(body);
        assert!(Document::parse(&answer.body).is_ok(), "no XML: {shown}: {}", answer.body);
        assert_eq!(answer.status >= 400, answer.code.is_some(), "{shown}: {}", answer.body);
        if answer.code.is_some() || answer.action.is_some_and(|action| action.starts_with("Describe")) {
            let after = World { last_number: before.last_number, ..api.backend().0.borrow().clone() };
            assert_eq!(after, before, "changed the world: {shown}: {}", answer.body);
        }
    }
}
