//! A real network's files, built: a grown account of three VPCs, a hundred groups and two hundred interfaces comes up as a lab,
//! and packets agree with what its rules say.

use sg_tests::harness::account::Account;

use crate::product::Product;

#[test]
fn a_lab_of_two_hundred_interfaces_comes_up_from_an_accounts_files_and_packets_agree_with_its_rules() {
    let files = tempfile::tempdir().unwrap();
    let world = Account::LARGE.write(files.path());
    let product = Product::new();
    product.done(&["up", &files.path().display().to_string()]);

    let status = product.status();
    let mut built = status.instances.iter().map(|instance| &instance.id).collect::<Vec<_>>();
    built.sort();
    assert_eq!(built, world.instances.keys().collect::<Vec<_>>(), "ids are the account's");

    let answer = product.json("reach --verify --timeout 300ms");
    let checks = answer["reach"]["checks"].as_array().unwrap();
    assert!((30..=40).contains(&checks.len()), "{} checks", checks.len());
    let possible = answer["reach"]["possible_checks"].as_u64().unwrap();
    assert!(possible > 200_000, "the sample is one of {possible}");
    assert!(checks.iter().all(|check| check["result"] == "agreement"), "{checks:#?}");
    // Hardly any pair of all is open, so some that are get a packet of their own.
    let rows = answer["reach"]["rows"].as_array().unwrap().iter();
    let open = rows.filter(|row| row["protocol"] == "tcp" && row["ipv4"] == true && row["answered"] == true);
    let open = open.map(|row| {
        (row["from"][0].as_str().unwrap(), row["to"].as_str().unwrap(), row["to_port"].as_u64().unwrap())
    });
    // `i0` is the first interface of an instance and `i0:1` its second, and `internet (…)` are hosts that are not there.
    let instance = |name: &str| name.split([':', ' ']).next().map(str::to_owned);
    let has_network_between = |from: &str, to: &str| {
        instance(from) != instance(to) && !from.starts_with("internet") && !to.starts_with("internet")
    };
    let open = open.filter(|(from, to, _)| has_network_between(from, to)).step_by(8).take(12);
    let open = open.map(|(from, to, port)| format!("explain {from} {to} tcp/{port}"));
    let open = open.collect::<Vec<_>>();
    assert!(open.len() > 5, "{open:?}");
    for words in open {
        let answer = product.json(&format!("{words} --verify"));
        assert_eq!(answer["explain"]["checks"][0]["result"], "agreement", "{words}: {answer:#}");
    }
}
