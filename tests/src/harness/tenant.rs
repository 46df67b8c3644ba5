//! One client of the API that makes, changes and deletes security groups, interfaces and instances at random, and keeps count of
//! what it was told.
//!
//! # Invariants
//! What was acknowledged is in the books, what was refused is not, and what was never answered is in doubt until the state of
//! the world tells; then it must be there whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sg_userspace::aws::tag::NAME;
use sg_userspace::aws::world::World;

use super::books::{Books, SOURCE};
use super::dice::Dice;
use super::query::{Answer, Query, values};

/// The most of each kind that a tenant has at a time.
const MOST_GROUPS: usize = 5;
const MOST_INTERFACES: usize = 4;
const MOST_INSTANCES: usize = 2;

/// One measured call.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its action.
    pub action: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Whether it was done.
    pub done: bool,
}

/// A tenant.
#[derive(Debug)]
pub struct Tenant {
    prefix: String,
    query: Query,
    subnet: String,
    vpc: String,
    dice: Dice,
    count: usize,
    /// What it was told.
    pub books: Books,
    /// What it would have if the call that was not answered was done.
    doubt: Option<Books>,
    /// Why the last call that was not answered was not.
    pub unanswered: String,
    ids: BTreeMap<String, String>,
    /// Its calls.
    pub calls: Vec<Measured>,
    /// Refusals that a client that keeps its books does not expect.
    pub surprises: Vec<String>,
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

impl Tenant {
    /// A tenant whose names start with `prefix`, in a subnet of a VPC.
    pub fn new(prefix: &str, endpoint: SocketAddr, vpc: &str, subnet: &str, seed: u64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            query: Query::new(endpoint),
            subnet: subnet.to_owned(),
            vpc: vpc.to_owned(),
            dice: Dice::new(seed),
            count: 0,
            books: Books::default(),
            doubt: None,
            unanswered: String::new(),
            ids: BTreeMap::new(),
            calls: Vec::new(),
            surprises: Vec::new(),
        }
    }

    /// Whether the last call was not answered: nothing more is done until [`Tenant::settle`].
    pub fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// One call at random.
    pub fn act(&mut self) {
        let groups = self.books.groups.keys().cloned().collect::<Vec<_>>();
        let interfaces = self.books.interfaces.keys().cloned().collect::<Vec<_>>();
        let instances = self.books.instances.keys().cloned().collect::<Vec<_>>();
        let group = self.dice.pick(&groups).cloned();
        let interface = self.dice.pick(&interfaces).cloned();
        let instance = self.dice.pick(&instances).cloned();
        match (self.dice.below(16), group, interface, instance) {
            (0..2, ..) if groups.len() < MOST_GROUPS => self.create_group(),
            (2..5, Some(group), ..) => self.authorize(&group),
            (5..7, Some(group), ..) => self.revoke(&group),
            (7, Some(group), ..) => self.delete_group(&group),
            (8, Some(group), ..) if interfaces.len() < MOST_INTERFACES => self.create_interface(&group),
            (9, Some(group), Some(interface), _) => self.change_groups(&interface, &group),
            (10, _, Some(interface), _) => self.delete_interface(&interface),
            (11, Some(group), ..) if instances.len() < MOST_INSTANCES => self.run(&group),
            (12, _, _, Some(instance)) => self.terminate(&instance),
            (13, ..) => self.describe_groups(),
            (14, ..) => self.describe_instances(),
            _ if groups.is_empty() => self.create_group(),
            _ => self.describe_groups(),
        }
    }

    /// Deletes everything, and hangs up.
    pub fn leave(&mut self) {
        for name in self.books.instances.clone().keys() {
            self.terminate(name);
        }
        for name in self.books.interfaces.clone().keys() {
            self.delete_interface(name);
        }
        for name in self.books.groups.clone().keys() {
            self.delete_group(name);
        }
        self.query.hang_up();
    }

    /// Lets a group's ports in, or no longer, and says whether that is acknowledged.
    pub fn set_rule(&mut self, group_id: &str, port: u16, source: &str, is_open: bool) -> bool {
        let mut parameters = pairs([("GroupId", group_id)]);
        parameters.extend(permission(1, port, source));
        let action = if is_open { "AuthorizeSecurityGroupIngress" } else { "RevokeSecurityGroupIngress" };
        self.call(action, &parameters).is_some()
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.prefix, self.count)
    }

    /// Calls, with what the books are to say once it is done. Gives the reply.
    fn change(
        &mut self,
        action: &'static str,
        parameters: &[(String, String)],
        then: Books,
    ) -> Option<String> {
        let before = self.books.clone();
        match self.measure(action, parameters) {
            Answer::Done(reply) => {
                self.books = then;
                return Some(reply);
            }
            // The controller is not there, so it has done nothing.
            Answer::Refused(code) if code == "IncorrectState" => {}
            Answer::Refused(code) => {
                self.surprises.push(format!("{action} {parameters:?}: {code}; {before:?}"))
            }
            Answer::Unknown(why) => {
                self.unanswered = why;
                self.doubt = Some(then);
            }
        }
        None
    }

    fn call(&mut self, action: &'static str, parameters: &[(String, String)]) -> Option<String> {
        let books = self.books.clone();
        self.change(action, parameters, books)
    }

    fn measure(&mut self, action: &'static str, parameters: &[(String, String)]) -> Answer {
        let begin = Instant::now();
        let answer = self.query.call(action, parameters);
        let took = begin.elapsed();
        self.calls.push(Measured { action, took, done: matches!(answer, Answer::Done(_)) });
        answer
    }

    fn id(&self, name: &str) -> &str {
        self.ids.get(name).map_or("missing", String::as_str)
    }

    /// Notes the id that a reply gives to a new object.
    fn note(&mut self, name: String, reply: Option<String>, element: &str) {
        let id = reply.and_then(|reply| values(&reply, element).into_iter().next());
        if let Some(id) = id {
            self.ids.insert(name, id);
        }
    }

    fn create_group(&mut self) {
        let name = self.name();
        let mut then = self.books.clone();
        then.groups.insert(name.clone(), BTreeSet::new());
        let parameters = pairs([("GroupName", &name), ("GroupDescription", &name), ("VpcId", &self.vpc)]);
        let reply = self.change("CreateSecurityGroup", &parameters, then);
        self.note(name, reply, "groupId");
    }

    /// Several rules at a time: they come together.
    fn authorize(&mut self, group: &str) {
        let mut then = self.books.clone();
        let Some(ports) = then.groups.get_mut(group).filter(|ports| ports.len() < 20) else { return };
        let mut parameters = pairs([("GroupId", self.id(group))]);
        for n in 1..=1 + self.dice.below(3) {
            let port = 1024 + self.dice.below(10_000) as u16;
            if ports.insert(port) {
                parameters.extend(permission(n, port, SOURCE));
            }
        }
        if parameters.len() > 1 {
            self.change("AuthorizeSecurityGroupIngress", &parameters, then);
        }
    }

    fn revoke(&mut self, group: &str) {
        let mut then = self.books.clone();
        let Some(ports) = then.groups.get_mut(group).filter(|ports| !ports.is_empty()) else { return };
        let mut parameters = pairs([("GroupId", self.id(group))]);
        let most = 1 + self.dice.below(3);
        for (n, port) in ports.clone().into_iter().take(most).enumerate() {
            ports.remove(&port);
            parameters.extend(permission(n + 1, port, SOURCE));
        }
        self.change("RevokeSecurityGroupIngress", &parameters, then);
    }

    fn delete_group(&mut self, group: &str) {
        let is_used =
            |users: &BTreeMap<String, BTreeSet<String>>| users.values().any(|groups| groups.contains(group));
        if is_used(&self.books.interfaces) || is_used(&self.books.instances) {
            return;
        }
        let mut then = self.books.clone();
        then.groups.remove(group);
        let parameters = pairs([("GroupId", self.id(group))]);
        self.change("DeleteSecurityGroup", &parameters, then);
    }

    fn create_interface(&mut self, group: &str) {
        let name = self.name();
        let mut then = self.books.clone();
        then.interfaces.insert(name.clone(), BTreeSet::from([group.to_owned()]));
        let parameters = pairs([
            ("SubnetId", &self.subnet),
            ("Description", &name),
            ("SecurityGroupId.1", self.id(group)),
        ]);
        let reply = self.change("CreateNetworkInterface", &parameters, then);
        self.note(name, reply, "networkInterfaceId");
    }

    fn change_groups(&mut self, interface: &str, group: &str) {
        let mut then = self.books.clone();
        then.interfaces.insert(interface.to_owned(), BTreeSet::from([group.to_owned()]));
        let parameters =
            pairs([("NetworkInterfaceId", self.id(interface)), ("SecurityGroupId.1", self.id(group))]);
        self.change("ModifyNetworkInterfaceAttribute", &parameters, then);
    }

    fn delete_interface(&mut self, interface: &str) {
        let mut then = self.books.clone();
        then.interfaces.remove(interface);
        let parameters = pairs([("NetworkInterfaceId", self.id(interface))]);
        self.change("DeleteNetworkInterface", &parameters, then);
    }

    fn run(&mut self, group: &str) {
        let name = self.name();
        let mut then = self.books.clone();
        then.instances.insert(name.clone(), BTreeSet::from([group.to_owned()]));
        let parameters = pairs([
            ("ImageId", "ami-12345678"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("SubnetId", &self.subnet),
            ("SecurityGroupId.1", self.id(group)),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", NAME),
            ("TagSpecification.1.Tag.1.Value", &name),
        ]);
        let reply = self.change("RunInstances", &parameters, then);
        self.note(name, reply, "instanceId");
    }

    fn terminate(&mut self, instance: &str) {
        let mut then = self.books.clone();
        then.instances.remove(instance);
        let parameters = pairs([("InstanceId.1", self.id(instance))]);
        self.change("TerminateInstances", &parameters, then);
    }

    /// What is listed is what the books say.
    fn describe_groups(&mut self) {
        let filter = format!("{}-*", self.prefix);
        let parameters = pairs([("Filter.1.Name", "group-name"), ("Filter.1.Value.1", &filter)]);
        if let Some(reply) = self.call("DescribeSecurityGroups", &parameters) {
            let listed =
                values(&reply, "groupName").into_iter().filter(|name| name.starts_with(&self.prefix));
            self.compare(
                "DescribeSecurityGroups",
                listed.collect(),
                self.books.groups.keys().cloned().collect(),
            );
        }
    }

    fn describe_instances(&mut self) {
        let filter = format!("{}-*", self.prefix);
        let parameters = pairs([
            ("Filter.1.Name", "tag:Name"),
            ("Filter.1.Value.1", &filter),
            ("Filter.2.Name", "instance-state-name"),
            ("Filter.2.Value.1", "running"),
        ]);
        if let Some(reply) = self.call("DescribeInstances", &parameters) {
            let own = format!("{}-", self.prefix);
            let listed = values(&reply, "value").into_iter().filter(|name| name.starts_with(&own)).collect();
            self.compare("DescribeInstances", listed, self.books.instances.keys().cloned().collect());
        }
    }

    fn compare(&mut self, action: &str, listed: BTreeSet<String>, known: BTreeSet<String>) {
        if listed != known {
            self.surprises.push(format!("{action} lists {listed:?}, and the books have {known:?}"));
        }
    }

    /// Compares the books with the world, and settles a doubt: what was not answered is there whole, or not at all.
    ///
    /// # Errors
    /// Where they differ.
    pub fn settle(&mut self, world: &World) -> Result<(), String> {
        let found = Books::found(world, &format!("{}-", self.prefix), &mut self.ids);
        let doubt = self.doubt.take();
        if found != self.books && doubt.as_ref() != Some(&found) {
            return Err(format!(
                "{} has {found:?}, was told {:?}, and was not answered about {doubt:?}",
                self.prefix, self.books
            ));
        }
        self.books = found;
        Ok(())
    }
}

fn permission(n: usize, port: u16, source: &str) -> Vec<(String, String)> {
    let field = |name: &str| format!("IpPermissions.{n}.{name}");
    vec![
        (field("IpProtocol"), "tcp".to_owned()),
        (field("FromPort"), port.to_string()),
        (field("ToPort"), port.to_string()),
        (field("IpRanges.1.CidrIp"), source.to_owned()),
    ]
}
