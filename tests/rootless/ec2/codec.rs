//! botocore's own protocol suite for EC2, both ways round: what its clients write is what we read, and what we write is
//! what they read (fixtures: `cargo xtask ec2-model`).

use roxmltree::{Document, Node};
use serde::Deserialize;
use serde_json::{Map, Value};
use sg_userspace::ec2::fault::Fault;
use sg_userspace::ec2::model::{Model, Operation, Shape, ShapeRef};
use sg_userspace::ec2::request::{Form, parameters};
use sg_userspace::ec2::xml;

#[derive(Deserialize)]
struct Suite {
    #[serde(flatten)]
    model: Model,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    given: Operation,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    serialized: Value,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    response: Value,
    #[serde(default)]
    error: Value,
}

fn suites(text: &str) -> Vec<Suite> {
    serde_json::from_str(text).unwrap()
}

/// Cases where the wire says less, or says it otherwise, than the parameters that the client was given, and what we read.
const OTHERWISE: &[(&str, &str)] = &[
    // The client adds a token.
    ("Ec2ProtocolIdempotencyTokenAutoFill", r#"{"token":"00000000-0000-4000-8000-000000000000"}"#),
    // An empty list is not written.
    ("Ec2EmptyQueryLists", "{}"),
    // Times and bytes stay the text that they are on the wire.
    (
        "Ec2TimestampsInput",
        r#"{"normalFormat":"2015-01-25T08:00:00Z","epochMember":"1422172800","epochTarget":"1422172800"}"#,
    ),
    ("Ec2SimpleInputParamsBlob", r#"{"Qux":"dmFsdWU="}"#),
];
/// Cases with numbers that JSON does not have, which are no parameters of EC2's.
const REFUSED: [&str; 3] = [
    "Ec2QuerySupportsNaNFloatInputs",
    "Ec2QuerySupportsInfinityFloatInputs",
    "Ec2QuerySupportsNegativeInfinityFloatInputs",
];

#[test]
fn botocore_s_requests_are_read_as_they_were_meant() {
    let (mut equal, mut otherwise, mut refused, mut bodiless) = (0, 0, 0, 0);
    for Suite { model, cases } in suites(include_str!("../../fixtures/botocore/ec2-input.json")) {
        for case in cases {
            let Some(body) = case.serialized["body"].as_str() else {
                bodiless += 1;
                continue;
            };
            let mut form = Form::parse(body.as_bytes()).unwrap();
            assert!(form.take("Action").is_some() && form.take("Version").is_some());
            let read = parameters(&model, &case.given, form);
            if REFUSED.contains(&case.id.as_str()) {
                assert_eq!(read.unwrap_err().code, "InvalidParameterValue", "{}", case.id);
                refused += 1;
                continue;
            }
            let read = Value::Object(read.unwrap_or_else(|error| panic!("{}: {error}", case.id)));
            match OTHERWISE.iter().find(|(id, _)| *id == case.id) {
                Some((_, wanted)) => {
                    assert_eq!(read, serde_json::from_str::<Value>(wanted).unwrap(), "{}", case.id);
                    otherwise += 1;
                }
                None => {
                    assert_eq!(read, case.params, "{}", case.id);
                    equal += 1;
                }
            }
        }
    }
    assert_eq!((equal, otherwise, refused, bodiless), (20, 4, 3, 2));
}

/// Replies with numbers that JSON does not have.
const WITHOUT_JSON: [&str; 3] = [
    "Ec2QuerySupportsNaNFloatOutputs",
    "Ec2QuerySupportsInfinityFloatOutputs",
    "Ec2QuerySupportsNegativeInfinityFloatOutputs",
];

#[test]
fn what_we_reply_is_what_botocore_s_clients_expect() {
    let (mut written, mut passed_over, mut errors) = (0, 0, 0);
    for Suite { model, cases } in suites(include_str!("../../fixtures/botocore/ec2-output.json")) {
        for case in cases {
            let body = case.response["body"].as_str().unwrap();
            let wanted = Document::parse(body).unwrap();
            if !case.error.is_null() {
                errors += 1;
                continue;
            }
            let (Some(output), false) = (&case.given.output, WITHOUT_JSON.contains(&case.id.as_str())) else {
                passed_over += 1;
                continue;
            };
            let value = as_written(&model, output, &case.result, wanted.root_element());
            let reply = xml::reply(&model, "Case", &case.given, &value, "requestid");
            let reply = reply.unwrap_or_else(|fault| panic!("{}: {fault:?}", case.id));
            let reply = Document::parse(&reply).unwrap();
            let mut wanted = flat(wanted.root_element());
            // EC2 has no maps, and what the suite has of them is not written.
            wanted.retain(|line| !line.contains("Map.0/"));
            assert_eq!(flat(reply.root_element()), wanted, "{}", case.id);
            written += 1;
        }
    }
    assert_eq!((written, passed_over, errors), (24, 3, 2));
}

#[test]
fn refusals_are_written_as_botocore_s_clients_expect() {
    let suites = suites(include_str!("../../fixtures/botocore/ec2-output.json"));
    let mut cases = suites.iter().flat_map(|suite| &suite.cases);
    let case = cases.find(|case| case.id == "Ec2InvalidGreetingError").unwrap();
    let body = Fault::new(400, "InvalidGreeting", "Hi").body("foo-id");
    let wanted = Document::parse(case.response["body"].as_str().unwrap()).unwrap();
    assert_eq!(flat(Document::parse(&body).unwrap().root_element()), flat(wanted.root_element()));
}

/// A value with the text of its times and bytes, which the suite's results have decoded, and without maps.
fn as_written(model: &Model, reference: &ShapeRef, value: &Value, node: Node<'_, '_>) -> Value {
    match (model.shape(&reference.shape), value) {
        (Some(Shape::Timestamp | Shape::Blob), _) => {
            Value::String(node.text().unwrap_or_default().to_owned())
        }
        (Some(Shape::Structure { members, .. }), Value::Object(values)) => {
            let mut written = Map::new();
            for (name, value) in values {
                let member = &members[name];
                if matches!(model.shape(&member.shape), Some(Shape::Map)) {
                    continue;
                }
                let element = node.children().find(|it| it.tag_name().name() == member.reply_name(name));
                written.insert(name.clone(), as_written(model, member, value, element.unwrap()));
            }
            Value::Object(written)
        }
        (Some(Shape::List { member, .. }), Value::Array(values)) => {
            // Members of a flattened list stand beside its first one, and none of the suite's has times or bytes.
            let elements = node.children().filter(Node::is_element).chain(std::iter::repeat(node));
            values.iter().zip(elements).map(|(value, node)| as_written(model, member, value, node)).collect()
        }
        _ => value.clone(),
    }
}

/// A document as sorted lines of paths and texts, without namespaces, request ids and white space between elements.
fn flat(root: Node<'_, '_>) -> Vec<String> {
    fn walk(node: Node<'_, '_>, path: &str, lines: &mut Vec<String>) {
        let elements = node.children().filter(Node::is_element).collect::<Vec<_>>();
        if elements.is_empty() {
            lines.push(format!("{path}={}", node.text().unwrap_or_default()));
        }
        for (index, element) in elements.iter().enumerate() {
            let name = element.tag_name().name();
            let same = |it: &&Node<'_, '_>| it.tag_name().name() == name;
            // Elements of one name keep their order, others have none.
            let place = elements[..index].iter().filter(same).count();
            if name != "requestId" {
                walk(*element, &format!("{path}/{name}.{place}"), lines);
            }
        }
    }
    let mut lines = Vec::new();
    walk(root, "", &mut lines);
    lines.sort();
    lines
}
