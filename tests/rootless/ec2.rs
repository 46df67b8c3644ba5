//! The EC2 Query API over a world in memory: requests as clients write them, replies as they read them.

mod border;
mod codec;
mod group;
mod insights;
mod instance;
mod network;
mod route_table;
mod wire;

use roxmltree::{Document, Node};
use sg_tests::harness::backing::Backing;
use sg_userspace::aws::world::World;
use sg_userspace::command::vpc::CreateVpc;
use sg_userspace::ec2::call::{Backend, Caller};
use sg_userspace::ec2::{Answer, Api};

/// An account's API.
pub(crate) struct Account {
    api: Api<Backing>,
    caller: Caller,
}

impl Account {
    /// An account with a default VPC.
    pub(crate) fn new() -> Self {
        let backing = Backing::default();
        let vpc = CreateVpc {
            cidr_ipv4: vec!["172.31.0.0/16".parse().unwrap()],
            is_default: true,
            ..CreateVpc::default()
        };
        backing.change(vpc.into()).unwrap();
        let caller = Caller {
            region: "us-east-1".parse().unwrap(),
            account_id: "123456789012".to_owned(),
            now: 1_764_331_200,
            runs_user_data: false,
        };
        Self { api: Api::new(backing), caller }
    }

    /// The same account in another region.
    pub(crate) fn in_region(self, region: &str) -> Self {
        Self { caller: Caller { region: region.parse().unwrap(), ..self.caller }, api: self.api }
    }

    /// The world as it is.
    pub(crate) fn world(&self) -> World {
        self.api.backend().world().unwrap()
    }

    /// What a body is answered, as it is.
    fn answer_to(&self, body: &str) -> Answer {
        self.api.answer(body.as_bytes(), &self.caller, "an-id")
    }

    /// What a call answers, as it is.
    fn answer(&self, parameters: &str) -> Answer {
        self.answer_to(&format!("Version=2016-11-15&Action={parameters}"))
    }

    /// The reply of a call that must go well.
    #[track_caller]
    pub(crate) fn call(&self, parameters: &str) -> String {
        let Answer { status, body, .. } = self.answer(parameters);
        assert_eq!(status, 200, "{parameters}: {body}");
        body
    }

    /// A call that must be refused with this code.
    #[track_caller]
    pub(crate) fn refused(&self, parameters: &str, code: &str) -> String {
        let Answer { status, body, .. } = self.answer(parameters);
        let found = text(&body, "Code");
        assert_eq!((status, found.as_str()), (400, code), "{parameters}: {body}");
        text(&body, "Message")
    }

    /// Makes a group in the default VPC and gives its id.
    #[track_caller]
    fn group(&self, name: &str) -> String {
        text(&self.call(&format!("CreateSecurityGroup&GroupName={name}&GroupDescription=a")), "groupId")
    }
}

/// The text of the first element with this name.
#[track_caller]
pub(crate) fn text(xml: &str, name: &str) -> String {
    let found = texts(xml, name);
    found.first().unwrap_or_else(|| panic!("no <{name}> in {xml}")).clone()
}

/// The texts of all elements with this name.
pub(crate) fn texts(xml: &str, name: &str) -> Vec<String> {
    let document = Document::parse(xml).unwrap();
    let named = document.descendants().filter(|node| node.has_tag_name_in(name));
    named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

/// Names without namespaces: replies have AWS's, refusals have none.
trait Named {
    fn has_tag_name_in(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    fn has_tag_name_in(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}
