//! What the endpoint writes into its log: a line a request, and no secrets.

use std::fs::{self, File};

use serde_json::Value;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

use super::{LAB, SIGNED, ask, send};

#[test]
fn every_request_has_a_line_and_no_secret_is_in_it() {
    let place = Place::of(LAB);
    let path = place.state.path().join("serve.log");
    place.serve(|state| {
        let log = File::create(&path).unwrap();
        let options = ["--log-format", "json"];
        let mut endpoint = Endpoint::start_logging(sgsim(&[]), state, &options, log);
        let (address, host) = (endpoint.address, format!("Host: {}\r\n", endpoint.address));
        ask(address, "DescribeVpcs&Filter.1.Name=vpc-id&Filter.1.Value.1=hush");
        ask(address, "RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&UserData=aHVzaA==");
        ask(address, "Hush");
        send(address, &format!("{host}{}", SIGNED.replace("AKID", "A\"\\\t")), "hush=hush");
        send(address, &format!("{host}{}Cookie: hush\r\n", SIGNED.replace("SignedHeaders", "X")), "");
        assert!(endpoint.terminate().success());
    });
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.to_lowercase().contains("hush") && !text.contains("aHVzaA"), "{text}");
    assert!(!text.contains("Signature="), "{text}");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.filter(|line| line["message"] == "answered").collect::<Vec<_>>();
    let column =
        |name: &str| lines.iter().map(|line| line[name].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(column("action"), ["DescribeVpcs", "RunInstances", "-", "-", "-"]);
    let codes = column("code");
    assert_eq!((codes[0].as_str(), codes[2].as_str()), ("ok", "InvalidAction"));
    assert_eq!(codes[4], "IncompleteSignature");
    assert_eq!(column("region")[..4], ["us-east-1"; 4].map(str::to_owned));
    assert_eq!(column("access_key_id")[0], "\"AKID\"");
    let ids = column("request_id");
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert!(lines.iter().all(|line| line["latency_ms"].as_f64().is_some_and(|took| took > 0.0)));
}
