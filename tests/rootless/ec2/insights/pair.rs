//! Two instances to find paths between, and what analyses say, by the places of the reply.

use roxmltree::{Document, Node};

use crate::ec2::{Account, Named, text};

/// A client and a server in two subnets of one VPC, each with a group of its own that nothing else has.
pub(super) struct Pair {
    pub(super) account: Account,
    pub(super) client: String,
    pub(super) server: String,
    pub(super) client_group: String,
    pub(super) server_group: String,
    pub(super) server_subnet: String,
}

impl Pair {
    pub(super) fn new() -> Self {
        let account = Account::new();
        let vpc = text(&account.call("DescribeVpcs"), "vpcId");
        let subnet =
            |cidr| text(&account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock={cidr}")), "subnetId");
        let subnets = [subnet("172.31.0.0/24"), subnet("172.31.1.0/24")];
        let groups = [account.group("client"), account.group("server")];
        let launch = |at: usize, address| {
            let place = format!("SubnetId={}&SecurityGroupId.1={}", subnets[at], groups[at]);
            let call = format!(
                "RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&{place}&PrivateIpAddress={address}"
            );
            text(&account.call(&call), "instanceId")
        };
        let (client, server) = (launch(0, "172.31.0.10"), launch(1, "172.31.1.10"));
        let [client_group, server_group] = groups;
        let [_, server_subnet] = subnets;
        Self { account, client, server, client_group, server_group, server_subnet }
    }

    pub(super) fn interface(&self, instance: &str) -> String {
        let filter = format!("Filter.1.Name=attachment.instance-id&Filter.1.Value.1={instance}");
        text(&self.account.call(&format!("DescribeNetworkInterfaces&{filter}")), "networkInterfaceId")
    }

    pub(super) fn allow(&self, protocol: &str, port: u16, source: &str) {
        let permission = format!("IpProtocol={protocol}&FromPort={port}&ToPort={port}&CidrIp={source}");
        let group = &self.server_group;
        self.account.call(&format!("AuthorizeSecurityGroupIngress&GroupId={group}&{permission}"));
    }

    /// A path from the client to the server.
    pub(super) fn path(&self, protocol: &str, port: u16) -> String {
        let ends = format!("Source={}&Destination={}", self.client, self.server);
        self.path_of(&format!("{ends}&Protocol={protocol}&DestinationPort={port}"))
    }

    pub(super) fn path_of(&self, parameters: &str) -> String {
        let token = parameters.replace('&', ".");
        let reply = self.account.call(&format!("CreateNetworkInsightsPath&ClientToken={token}&{parameters}"));
        text(&reply, "networkInsightsPathId")
    }

    /// An analysis, as it is described after it was started.
    pub(super) fn analyse(&self, path: &str) -> String {
        let token = self.account.world().last_number;
        let call = format!("StartNetworkInsightsAnalysis&ClientToken={token}&NetworkInsightsPathId={path}");
        let started = self.account.call(&call);
        let id = text(&started, "networkInsightsAnalysisId");
        let described =
            self.account.call(&format!("DescribeNetworkInsightsAnalyses&NetworkInsightsAnalysisId.1={id}"));
        assert_eq!(text(&started, "status"), text(&described, "status"));
        described
    }
}

/// Of every item of a list, the text at a path of names below it; empty where there is none.
pub(super) fn of_items(xml: &str, list: &str, names: &[&str]) -> Vec<String> {
    let document = Document::parse(xml).unwrap();
    let child = |node: Node<'_, '_>, name: &str| {
        node.children().find(|it| it.has_tag_name_in(name)).map(|it| it.id())
    };
    let set = document.descendants().find(|node| node.has_tag_name_in(list));
    let items = set.into_iter().flat_map(|set| set.children().filter(Node::is_element));
    let texts = items.map(|item| {
        let found = names.iter().try_fold(item.id(), |id, name| child(document.get_node(id)?, name));
        found.and_then(|id| document.get_node(id)?.text()).unwrap_or_default().to_owned()
    });
    texts.collect()
}

pub(super) fn codes(xml: &str) -> Vec<String> {
    of_items(xml, "explanationSet", &["explanationCode"])
}

pub(super) fn forward(xml: &str) -> Vec<String> {
    of_items(xml, "forwardPathComponentSet", &["component", "id"])
}
