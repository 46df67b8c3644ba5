//! One call: who asks, what for, and the world that they may see.

use serde_json::Value;

use crate::aws::error::AwsError;
use crate::aws::flow_log::FlowLogResource;
use crate::aws::region::Region;
use crate::aws::vpc::Vpc;
use crate::aws::world::World;
use crate::command::{self, Command, Reply};

use super::fault::Fault;
use super::params::Params;

/// What owns the world.
pub trait Backend {
    /// The world as it is now.
    ///
    /// # Errors
    /// Where there is none.
    fn world(&self) -> Result<World, Fault>;

    /// Carries out a command.
    ///
    /// # Errors
    /// Where it is refused or fails; it then changed nothing.
    fn change(&self, command: Command) -> Result<Reply, Fault>;
}

/// On whose behalf, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The region that the credentials are scoped to.
    pub region: Region,
    /// The account that owns everything here.
    pub account_id: String,
    /// When, in seconds since 1970.
    pub now: u64,
    /// Whether user data of instances that they launch is run.
    pub runs_user_data: bool,
}

impl Caller {
    /// The ARN of a resource (M-01).
    pub fn arn(&self, kind: &str, id: impl std::fmt::Display) -> String {
        format!("arn:aws:ec2:{}:{}:{kind}/{id}", self.region, self.account_id)
    }
}

/// A call under way.
pub struct Call<'c> {
    /// Its parameters.
    pub params: Params<'c>,
    /// Who asks.
    pub caller: &'c Caller,
    /// The caller's region as it was when the call began, with what the call itself has changed since.
    pub world: World,
    backend: &'c dyn Backend,
    is_dry: bool,
}

impl<'c> Call<'c> {
    /// A call that begins.
    ///
    /// # Errors
    /// Where there is no world.
    pub fn begin(params: Params<'c>, caller: &'c Caller, backend: &'c dyn Backend) -> Result<Self, Fault> {
        let mut world = backend.world()?;
        restrict(&mut world, &caller.region);
        let is_dry = params.flag("DryRun").unwrap_or_default();
        Ok(Self { params, caller, world, backend, is_dry })
    }

    /// Refuses parameters that AWS has and that mean nothing here: what is passed over would seem to be in force.
    ///
    /// # Errors
    /// `UnsupportedOperation` for the first parameter that is not among `supported`.
    pub fn only(&self, supported: &[&str]) -> Result<(), AwsError> {
        match self.params.other_than(&[supported, &["DryRun"]].concat()) {
            Some(name) => Err(AwsError::new(
                "UnsupportedOperation",
                format!("The parameter {name} is not supported by sgsim."),
            )),
            None => Ok(()),
        }
    }

    /// Whether nothing is to be changed.
    pub fn is_dry(&self) -> bool {
        self.is_dry
    }

    /// Sees every region from now on.
    ///
    /// # Errors
    /// Where there is no world.
    pub fn see_all_regions(&mut self) -> Result<(), Fault> {
        self.world = self.backend.world()?;
        Ok(())
    }

    /// Carries out a command, first on what the caller may see: what is in another region does not exist in this one, and
    /// a dry run goes no further.
    ///
    /// # Errors
    /// AWS's refusal; `DryRunOperation` where there is none but the run is dry; or what the backend says.
    pub fn change(&mut self, command: impl Into<Command>) -> Result<Reply, Fault> {
        let command = command.into();
        let expected = command::apply(&mut self.world, command.clone())?.reply;
        if self.is_dry {
            return Err(Fault::dry_run());
        }
        let reply = self.backend.change(command)?;
        if reply != expected {
            // Somebody else was faster, so objects have other ids than here.
            let mut world = self.backend.world()?;
            restrict(&mut world, &self.caller.region);
            self.world = world;
        }
        Ok(reply)
    }

    /// The region's default VPC.
    ///
    /// # Errors
    /// `VPCIdNotSpecified` where it has none.
    pub fn default_vpc(&self) -> Result<&Vpc, AwsError> {
        self.world
            .vpcs
            .values()
            .find(|vpc| vpc.is_default)
            .ok_or_else(|| AwsError::new("VPCIdNotSpecified", "No default VPC for this user"))
    }
}

/// The reply to something that only succeeds.
pub fn done() -> Result<Value, Fault> {
    Ok(serde_json::json!({ "Return": true }))
}

/// The refusal of an answer that no command gives.
pub fn unexpected(reply: &Reply) -> Fault {
    Fault::internal(format!("the command answered something else than what was asked: {reply:?}"))
}

/// Leaves in a world what is in a region.
fn restrict(world: &mut World, region: &Region) {
    world.vpcs.retain(|_, vpc| vpc.region == *region);
    let vpcs = &world.vpcs;
    world.subnets.retain(|_, subnet| vpcs.contains_key(&subnet.vpc_id));
    world.security_groups.retain(|_, group| vpcs.contains_key(&group.vpc_id));
    world.network_interfaces.retain(|_, interface| vpcs.contains_key(&interface.vpc_id));
    world.instances.retain(|_, instance| vpcs.contains_key(&instance.vpc_id));
    world.network_acls.retain(|_, acl| vpcs.contains_key(&acl.vpc_id));
    world.internet_gateways.retain(|_, gateway| gateway.region == *region);
    world.route_tables.retain(|_, table| vpcs.contains_key(&table.vpc_id));
    world.flow_logs.retain(|_, log| match &log.resource {
        FlowLogResource::Vpc(id) => vpcs.contains_key(id),
        FlowLogResource::Subnet(id) => world.subnets.contains_key(id),
        FlowLogResource::NetworkInterface(id) => world.network_interfaces.contains_key(id),
    });
    world.network_insights_paths.retain(|_, path| path.region == *region);
    let paths = &world.network_insights_paths;
    world.network_insights_analyses.retain(|_, analysis| paths.contains_key(&analysis.path_id));
    world.prefix_lists.retain(|_, list| list.region == *region);
    world.vpc_peering_connections.retain(|_, peering| {
        vpcs.contains_key(&peering.requester_vpc_id) || vpcs.contains_key(&peering.accepter_vpc_id)
    });
}
