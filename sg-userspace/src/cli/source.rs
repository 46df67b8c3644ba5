//! Where a world comes from on the command line: `--file`, or the arguments of `up`, `check` and `import`. Files and
//! directories are read here; what they are and mean is `import`'s.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, bail};
use clap::Args;

use crate::aws::region::Region;
use crate::import::source::{LoadError, Loaded, SourceFile, Sources};

/// How often directories may lie in each other: one for each account or region, say.
const DEPTH: usize = 2;

/// What may be said about sources.
#[derive(Debug, Default, Args)]
pub(super) struct SourceOptions {
    /// The value of a template's parameter
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// The region of what does not say its own
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    /// An address of the internet host, if the usual one will not do
    #[arg(long, value_name = "ADDRESS")]
    internet: Vec<IpAddr>,
}

impl SourceOptions {
    /// Addresses of the internet host that were given.
    pub(super) fn internet(&self) -> &[IpAddr] {
        &self.internet
    }

    /// Refuses what was said where no source is `named`.
    pub(super) fn refuse_unless(&self, named: &str) -> Result<()> {
        let Self { parameters, region, internet } = self;
        if parameters.is_empty() && region.is_none() && internet.is_empty() {
            return Ok(());
        }
        bail!("--parameter, --region and --internet are about {named}")
    }
}

/// `--file`, for commands that can do without a running lab.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// Ask about this rather than the running lab: a lab file, a directory of what `aws ec2 describe-…` printed, a
    /// CloudFormation template, or what `terraform show -json` printed; needs no root
    #[arg(long, value_name = "SOURCE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    options: SourceOptions,
}

impl FileArgs {
    /// Whether anything was named.
    pub(super) fn is_given(&self) -> bool {
        !self.file.is_empty()
    }

    /// What was named, if anything was.
    pub(super) fn load(&self) -> Result<Option<Loaded>> {
        if !self.is_given() {
            self.options.refuse_unless("what --file names")?;
            return Ok(None);
        }
        load(&sources(&self.file, &self.options)?).map(Some)
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// What sources are called together.
pub(super) fn name_of(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}

/// Reads sources.
pub(super) fn sources(paths: &[PathBuf], options: &SourceOptions) -> Result<Sources> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            read_directory(path, DEPTH, &mut files)?;
            if files.len() == before {
                bail!("`{}` has no file whose name ends in .json", path.display());
            }
        } else {
            files.push(read(path)?);
        }
    }
    let SourceOptions { parameters, region, internet } = options;
    let mut values = BTreeMap::new();
    for (key, value) in parameters {
        if values.insert(key.clone(), value.clone()).is_some() {
            bail!("the parameter `{key}` is given twice");
        }
    }
    Ok(Sources { files, parameters: values, region: region.clone(), internet: internet.clone() })
}

/// What sources make, in answers' world.
pub(super) fn load(sources: &Sources) -> Result<Loaded> {
    sources.load(0).map_err(|error| match error {
        // The file's name stands in front, and the error keeps its own code.
        LoadError::Lab { name, error } => Error::new(error).context(name),
        LoadError::Import(error) => Error::new(error),
    })
}

fn read(path: &Path) -> Result<SourceFile> {
    // What is named and cannot be read is most often a lab file.
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read the lab file `{}`", path.display()))?;
    Ok(SourceFile { name: path.display().to_string(), text })
}

/// The JSON files of a directory and of those in it, by name.
fn read_directory(directory: &Path, depth: usize, files: &mut Vec<SourceFile>) -> Result<()> {
    let cannot = || format!("cannot read the directory `{}`", directory.display());
    let entries = fs::read_dir(directory).with_context(cannot)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(cannot)?;
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() && depth > 1 {
            read_directory(&path, depth - 1, files)?;
        } else if path.is_file() && path.extension().is_some_and(|end| end == "json") {
            files.push(read(&path)?);
        }
    }
    Ok(())
}
