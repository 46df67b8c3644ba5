//! Worlds that are equal but for the numbers that objects were given: a world that is made again counts anew, one region after
//! the other.

use std::collections::BTreeMap;

use sg_userspace::aws::ids::VpcId;
use sg_userspace::aws::region::Region;
use sg_userspace::aws::world::World;

/// A world whose numbers say nothing but the order in which objects of one kind were made in their region.
pub fn renumbered(mut world: World) -> World {
    fn ranks(mut keys: Vec<(Region, u32)>) -> BTreeMap<u32, u32> {
        keys.sort_unstable();
        keys.into_iter().map(|(_, number)| number).zip(1..).collect()
    }
    let regions = world.vpcs.values().map(|vpc| (vpc.id.clone(), vpc.region.clone()));
    let regions = regions.collect::<BTreeMap<_, _>>();
    let logs = world.flow_logs.values();
    let vpcs_of_logs = logs.filter_map(|log| Some((log.id.clone(), log.resource.vpc_id(&world)?.clone())));
    let vpcs_of_logs = vpcs_of_logs.collect::<BTreeMap<_, _>>();
    let region_of = |vpc_id: &VpcId| regions.get(vpc_id).cloned().unwrap_or_default();
    macro_rules! rank {
        ($($table:ident by $region:expr;)*) => {$(
            let keys = world.$table.values().map(|it| ($region(it), it.number)).collect();
            let known = ranks(keys);
            world.$table.values_mut().for_each(|it| it.number = known[&it.number]);
        )*};
    }
    let rules = world
        .security_groups
        .values()
        .flat_map(|group| group.rules.iter().map(|rule| (region_of(&group.vpc_id), rule.number)));
    let known = ranks(rules.collect());
    for group in world.security_groups.values_mut() {
        group.rules.iter_mut().for_each(|rule| rule.number = known[&rule.number]);
        group.rules.sort_by_key(|rule| rule.number);
    }
    rank! {
        vpcs by |it: &sg_userspace::aws::vpc::Vpc| it.region.clone();
        prefix_lists by |it: &sg_userspace::aws::prefix_list::PrefixList| it.region.clone();
        subnets by |it: &sg_userspace::aws::vpc::Subnet| region_of(&it.vpc_id);
        security_groups by |it: &sg_userspace::aws::group::SecurityGroup| region_of(&it.vpc_id);
        network_acls by |it: &sg_userspace::aws::network_acl::NetworkAcl| region_of(&it.vpc_id);
        network_interfaces by |it: &sg_userspace::aws::interface::NetworkInterface| region_of(&it.vpc_id);
        instances by |it: &sg_userspace::aws::instance::Instance| region_of(&it.vpc_id);
        vpc_peering_connections by |_: &_| Region::default();
        internet_gateways by |it: &sg_userspace::aws::internet_gateway::InternetGateway| it.region.clone();
        route_tables by |it: &sg_userspace::aws::route_table::RouteTable| region_of(&it.vpc_id);
        flow_logs by |it: &sg_userspace::aws::flow_log::FlowLog| {
            vpcs_of_logs.get(&it.id).map(&region_of).unwrap_or_default()
        };
    }
    for interface in world.network_interfaces.values_mut() {
        interface.slot = interface.number;
    }
    (world.seed, world.last_number) = (0, 0);
    world
}
