//! Internet gateways, route tables, their associations and routes.

use sg_userspace::aws::ids::{InternetGatewayId, RouteTableAssociationId, RouteTableId, VpcId};
use sg_userspace::aws::route_table::{RouteState, RouteTarget};
use sg_userspace::aws::world::World;
use sg_userspace::command::Reply;
use sg_userspace::command::internet_gateway::{
    AttachInternetGateway, CreateInternetGateway, DeleteInternetGateway, DetachInternetGateway,
};
use sg_userspace::command::peering::{
    AcceptVpcPeeringConnection, CreateVpcPeeringConnection, DeleteVpcPeeringConnection,
};
use sg_userspace::command::route::{CreateRoute, DeleteRoute, ReplaceRoute};
use sg_userspace::command::route_table::{
    AssociateRouteTable, CreateRouteTable, DeleteRouteTable, DisassociateRouteTable,
    ReplaceRouteTableAssociation,
};
use sg_userspace::command::subnet::DeleteSubnet;
use sg_userspace::command::vpc::DeleteVpc;

use super::{account, applied, check_refused, made_vpc, reply, vpc};

#[track_caller]
fn made_gateway(world: &mut World) -> InternetGatewayId {
    let Reply::InternetGateway(id) = reply(world, CreateInternetGateway::default()) else {
        panic!("no gateway")
    };
    id
}

#[track_caller]
fn made_table(world: &mut World, vpc_id: &VpcId) -> RouteTableId {
    let create = CreateRouteTable { vpc_id: vpc_id.clone(), tags: Default::default() };
    let Reply::RouteTable(id) = reply(world, create) else { panic!("no route table") };
    id
}

fn attach(internet_gateway_id: &InternetGatewayId, vpc_id: &VpcId) -> AttachInternetGateway {
    AttachInternetGateway { internet_gateway_id: internet_gateway_id.clone(), vpc_id: vpc_id.clone() }
}

fn detach(internet_gateway_id: &InternetGatewayId, vpc_id: &VpcId) -> DetachInternetGateway {
    DetachInternetGateway { internet_gateway_id: internet_gateway_id.clone(), vpc_id: vpc_id.clone() }
}

fn route(table: &RouteTableId, destination: &str, target: &RouteTarget) -> CreateRoute {
    CreateRoute {
        route_table_id: table.clone(),
        destination: destination.parse().unwrap(),
        target: target.clone(),
    }
}

fn main_table(world: &World, vpc_id: &VpcId) -> RouteTableId {
    world.main_route_table_of(vpc_id).unwrap().id.clone()
}

#[test]
fn an_internet_gateway_and_a_vpc_have_one_of_each_other() {
    let mut account = account();
    let world = &mut account.world;
    let other = made_vpc(world, vpc(&["10.1.0.0/16"], &[]));
    let far = made_vpc(
        world,
        sg_userspace::command::vpc::CreateVpc {
            region: "eu-west-1".parse().unwrap(),
            ..vpc(&["10.2.0.0/16"], &[])
        },
    );
    let (one, two) = (made_gateway(world), made_gateway(world));
    check_refused(world, detach(&one, &account.vpc), "Gateway.NotAttached", "is not attached to network");
    check_refused(world, attach(&one, &far), "InvalidVpcID.NotFound", far.as_str());
    applied(world, attach(&one, &account.vpc));
    check_refused(
        world,
        attach(&one, &other),
        "Resource.AlreadyAssociated",
        "is already attached to network",
    );
    let refusal = "already has an internet gateway attached";
    check_refused(world, attach(&two, &account.vpc), "InvalidParameterValue", refusal);
    check_refused(world, detach(&one, &other), "Gateway.NotAttached", other.as_str());
    let delete = DeleteInternetGateway { internet_gateway_id: one.clone() };
    check_refused(world, delete.clone(), "DependencyViolation", "has dependencies and cannot be deleted");
    applied(world, detach(&one, &account.vpc));
    applied(world, delete.clone());
    check_refused(world, delete, "InvalidInternetGatewayID.NotFound", "does not exist");
    applied(world, attach(&two, &account.vpc));
}

#[test]
fn a_vpc_is_not_deleted_with_its_gateway_or_a_table_but_the_main_one() {
    let mut world = World::default();
    let id = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    let delete = DeleteVpc { vpc_id: id.clone() };
    let gateway = made_gateway(&mut world);
    applied(&mut world, attach(&gateway, &id));
    check_refused(&mut world, delete.clone(), "DependencyViolation", "cannot be deleted");
    applied(&mut world, detach(&gateway, &id));
    let table = made_table(&mut world, &id);
    check_refused(&mut world, delete.clone(), "DependencyViolation", "cannot be deleted");
    applied(&mut world, DeleteRouteTable { route_table_id: table });
    applied(&mut world, delete);
    assert!(world.route_tables.is_empty(), "the main table goes with its VPC");
}

#[test]
fn a_subnet_has_one_table_and_the_main_one_without_it() {
    let mut account = account();
    let world = &mut account.world;
    let main = main_table(world, &account.vpc);
    let (one, two) = (made_table(world, &account.vpc), made_table(world, &account.vpc));
    let associate = |table: &RouteTableId| AssociateRouteTable {
        route_table_id: table.clone(),
        subnet_id: account.subnet.clone(),
    };
    let associated = |reply: Reply| -> RouteTableAssociationId {
        let Reply::RouteTableAssociation(id) = reply else { panic!("{reply:?}") };
        id
    };
    let first = associated(reply(world, associate(&one)));
    assert_eq!(associated(reply(world, associate(&one))), first, "what is so already");
    check_refused(world, associate(&two), "Resource.AlreadyAssociated", two.as_str());
    let delete = DeleteRouteTable { route_table_id: one.clone() };
    check_refused(world, delete.clone(), "DependencyViolation", "The routeTable");
    let replace = |association_id: &RouteTableAssociationId, table: &RouteTableId| {
        ReplaceRouteTableAssociation { association_id: association_id.clone(), route_table_id: table.clone() }
    };
    assert_eq!(associated(reply(world, replace(&first, &one))), first, "what is so already");
    let second = associated(reply(world, replace(&first, &two)));
    assert_ne!(first, second);
    check_refused(world, replace(&first, &one), "InvalidAssociationID.NotFound", first.as_str());
    let elsewhere = made_vpc(world, vpc(&["10.1.0.0/16"], &[]));
    let foreign = made_table(world, &elsewhere);
    check_refused(world, associate(&foreign), "InvalidParameterValue", "belong to different networks");
    check_refused(world, replace(&second, &foreign), "InvalidParameterValue", "different networks");
    applied(world, delete);

    // The main association moves, and is never ended.
    let association_id = world.route_tables[&main].associations[0].id.clone();
    let end = DisassociateRouteTable { association_id: association_id.clone() };
    check_refused(world, end, "InvalidParameterValue", "cannot disassociate the main route table");
    applied(world, replace(&association_id, &two));
    assert_eq!(main_table(world, &account.vpc), two);
    assert!(!world.route_tables[&main].is_main());
    applied(world, DeleteRouteTable { route_table_id: main });
    applied(world, DeleteSubnet { subnet_id: account.subnet.clone() });
    assert_eq!(world.route_tables[&two].associations.len(), 1, "a subnet's association goes with it");
}

#[test]
fn a_route_leads_to_a_gateway_of_its_vpc_and_to_no_local_block() {
    let mut account = account();
    let world = &mut account.world;
    let table = main_table(world, &account.vpc);
    let gateway = made_gateway(world);
    let target = RouteTarget::InternetGateway(gateway.clone());
    let everything = route(&table, "0.0.0.0/0", &target);
    check_refused(world, everything.clone(), "InvalidParameterValue", "belong to different networks");
    applied(world, attach(&gateway, &account.vpc));
    applied(world, everything.clone());
    check_refused(
        world,
        everything,
        "RouteAlreadyExists",
        "The route identified by 0.0.0.0/0 already exists.",
    );
    check_refused(world, route(&table, "10.0.0.0/16", &target), "RouteAlreadyExists", "10.0.0.0/16");
    check_refused(world, route(&table, "10.0.9.1/24", &target), "InvalidParameterValue", "10.0.9.0/24");
    applied(world, route(&table, "192.0.2.77/24", &target));
    assert_eq!(world.route_tables[&table].routes.len(), 2);
    assert!(world.route_tables[&table].routes.contains_key(&"192.0.2.0/24".parse().unwrap()), "no host bits");
    let delete = |destination: &str| DeleteRoute {
        route_table_id: table.clone(),
        destination: destination.parse().unwrap(),
    };
    check_refused(world, delete("10.0.0.0/16"), "InvalidParameterValue", "cannot remove local route");
    check_refused(world, delete("::/0"), "InvalidRoute.NotFound", "destination-ipv6-cidr-block ::/0");
    applied(world, delete("192.0.2.0/24"));
    let missing = RouteTarget::InternetGateway("igw-12345678".parse().unwrap());
    check_refused(world, route(&table, "::/0", &missing), "InvalidGatewayID.NotFound", "igw-12345678");

    assert_eq!(world.route_state(&account.vpc, &target), RouteState::Active);
    applied(world, detach(&gateway, &account.vpc));
    assert_eq!(world.route_state(&account.vpc, &target), RouteState::Blackhole);
    assert_eq!(world.route_tables[&table].routes.len(), 1, "a route stays when its gateway goes");
}

#[test]
fn a_route_over_a_peering_leads_somewhere_while_that_is_active() {
    let mut account = account();
    let world = &mut account.world;
    let other = made_vpc(world, vpc(&["10.1.0.0/16"], &[]));
    let third = made_vpc(world, vpc(&["10.2.0.0/16"], &[]));
    let ask = CreateVpcPeeringConnection {
        requester_vpc_id: account.vpc.clone(),
        accepter_vpc_id: other,
        tags: Default::default(),
    };
    let Reply::VpcPeeringConnection { id, .. } = reply(world, ask) else { panic!("no peering") };
    let target = RouteTarget::VpcPeeringConnection(id.clone());
    let table = main_table(world, &account.vpc);
    applied(world, route(&table, "10.1.0.0/16", &target));
    assert_eq!(world.route_state(&account.vpc, &target), RouteState::Blackhole, "it is only asked for");
    applied(world, AcceptVpcPeeringConnection { vpc_peering_connection_id: id.clone() });
    assert_eq!(world.route_state(&account.vpc, &target), RouteState::Active);
    let foreign = main_table(world, &third);
    check_refused(
        world,
        route(&foreign, "10.1.0.0/16", &target),
        "InvalidParameterValue",
        "different networks",
    );
    let gateway = made_gateway(world);
    applied(world, attach(&gateway, &account.vpc));
    let replace = |destination: &str| ReplaceRoute {
        route_table_id: table.clone(),
        destination: destination.parse().unwrap(),
        target: RouteTarget::InternetGateway(gateway.clone()),
    };
    check_refused(world, replace("10.3.0.0/16"), "InvalidParameterValue", "There is no route defined for");
    applied(world, replace("10.1.0.0/16"));
    applied(world, DeleteVpcPeeringConnection { vpc_peering_connection_id: id });
    assert_eq!(world.route_state(&account.vpc, &target), RouteState::Blackhole);
    check_refused(world, route(&table, "10.1.1.0/24", &target), "InvalidStateTransition", "is deleted");
}
