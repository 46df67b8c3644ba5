//! What is behind the EC2 API where there is no controller: a world in memory.

use std::cell::RefCell;

use sg_userspace::aws::world::World;
use sg_userspace::command::{self, Command, Reply};
use sg_userspace::ec2::call::Backend;
use sg_userspace::ec2::fault::Fault;

/// A world that calls change, as a controller would.
#[derive(Clone, Debug, Default)]
pub struct Backing(pub RefCell<World>);

impl Backend for Backing {
    fn world(&self) -> Result<World, Fault> {
        Ok(self.0.borrow().clone())
    }

    fn change(&self, command: Command) -> Result<Reply, Fault> {
        Ok(command::apply(&mut self.0.borrow_mut(), command)?.reply)
    }
}
