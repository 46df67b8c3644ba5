//! `sgsim export`: the world as the AWS CLI would print it.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use crate::aws::world::World;
use crate::import;

use super::Exit;
use super::context::Context;
use super::source::FileArgs;

/// The account that owns everything, as in `sgsim serve`.
pub(super) const ACCOUNT: &str = "123456789012";

/// Write everything to files, as `aws ec2 describe-…` would print it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sgsim export state                                    the running lab
  sgsim export state --file examples/article.yaml       a lab file, or another source
  sgsim reach --file state                              and back again")]
pub(super) struct ExportArgs {
    /// Where to; it is made, and must not have anything in it
    directory: PathBuf,
    /// The account that owns everything in the files
    #[arg(long, value_name = "TWELVE DIGITS", default_value = ACCOUNT)]
    account_id: String,
    #[command(flatten)]
    file: FileArgs,
}

impl ExportArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let (world, internet) = context.world_of(&self.file)?;
        let files = write(&self.directory, &world, &internet, &self.account_id)?;
        let sentence = format!("wrote {} files to {}", files.len(), self.directory.display());
        context.output.said("export", &files, &sentence)?;
        Ok(Exit::Success)
    }
}

/// Writes a world's files, and says which.
pub(super) fn write(
    directory: &Path,
    world: &World,
    internet: &[IpAddr],
    account_id: &str,
) -> Result<Vec<PathBuf>> {
    let files =
        import::export::export(world, internet, account_id).map_err(|fault| anyhow!("{}", fault.error))?;
    let is_empty = |directory: &Path| fs::read_dir(directory).map(|mut entries| entries.next().is_none());
    // What lies there already would become part of what is written.
    if directory.exists()
        && !is_empty(directory).with_context(|| format!("cannot read `{}`", directory.display()))?
    {
        bail!(
            "`{}` has something in it; name a directory that is empty or not there yet",
            directory.display()
        );
    }
    let mut written = Vec::new();
    for file in files {
        let path = directory.join(file.name);
        let parent = path.parent().unwrap_or(directory);
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make the directory `{}`", parent.display()))?;
        fs::write(&path, file.text).with_context(|| format!("cannot write `{}`", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
