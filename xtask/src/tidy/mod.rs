//! stub
use crate::repo::Repo;
pub(crate) fn execute(_: &Repo) -> anyhow::Result<()> { Ok(()) }
