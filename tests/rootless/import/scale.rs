//! A grown account, imported: its whole matrix is what `explain` says of each pair.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use sg_tests::harness::account::Account;
use sg_tests::harness::dice::Dice;
use sg_userspace::analysis::ask::{Who, ask};
use sg_userspace::analysis::traffic::Traffic;
use sg_userspace::aws::interface::NetworkInterface;
use sg_userspace::aws::world::World;

use crate::cli::program;

/// The rows of `sgsim reach` about a directory.
fn reach(directory: &std::path::Path) -> Vec<Value> {
    let output = Command::new(program())
        .args(["reach", "--output", "json", "--file"])
        .arg(directory)
        .env("SGSIM_STATE_DIR", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["reach"]["rows"].as_array().unwrap().clone()
}

/// What an interface is called in rows: by its instance, with the index unless it is the primary one.
fn name(world: &World, interface: &NetworkInterface) -> String {
    let attachment = interface.attachment.as_ref().unwrap();
    let instance = &world.instances[&attachment.instance_id].name;
    match attachment.device_index {
        0 => instance.clone(),
        index => format!("{instance}:{index}"),
    }
}

/// Whether a row opens a port over IPv4, answers included.
fn opens(row: &Value, from: &str, protocol: &str, port: u16) -> bool {
    let is_within =
        row["from_port"].as_u64() <= Some(port.into()) && row["to_port"].as_u64() >= Some(port.into());
    let is_from = row["from"].as_array().unwrap().iter().any(|it| it == from);
    row["protocol"] == protocol && row["ipv4"] == true && row["answered"] == true && is_within && is_from
}

#[test]
fn the_matrix_of_a_hundred_groups_and_two_hundred_interfaces_is_what_explain_says() {
    let place = tempfile::tempdir().unwrap();
    let world = Account::LARGE.write(place.path());
    let rows = reach(place.path());
    let mut rows_to: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    rows.iter().for_each(|row| rows_to.entry(row["to"].as_str().unwrap()).or_default().push(row));

    let interfaces = world.network_interfaces.values().collect::<Vec<_>>();
    assert_eq!((world.vpcs.len(), interfaces.len(), world.instances.len()), (3, 200, 190));
    assert_eq!(world.security_groups.len(), 100 + world.vpcs.len());
    let mut dice = Dice::new(1);
    let mut seen = [0; 2];
    // Ports at both ends of what rules name, and between.
    for port in [22, 443, 1023, 1024, 5432, 7999, 8000, 8080, 8443, 9443, 9444] {
        for _ in 0..200 {
            let [from, to] = [(); 2].map(|()| *dice.pick(&interfaces).unwrap());
            if from.id == to.id {
                continue;
            }
            let who = [from, to].map(|it| Who::Interface(it.id.clone(), None));
            let answers = ask(&world, &who[0], &who[1], Traffic::Tcp(port), true);
            let explained = answers.iter().any(|answer| answer.explanation.is_reachable());
            let [from, to] = [from, to].map(|it| name(&world, it));
            let rows = rows_to.get(to.as_str()).into_iter().flatten();
            let listed = rows.filter(|row| opens(row, &from, "tcp", port)).count();
            assert_eq!(listed, usize::from(explained), "{from} > {to} tcp/{port}");
            seen[usize::from(explained)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "closed, open: {seen:?}");
}
