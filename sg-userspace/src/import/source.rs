//! What a world is made from: a lab file, or files of what AWS's clients, CloudFormation or Terraform say. Which it is, the
//! content tells. Reading files is the caller's; the same texts make the same world wherever they are read again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::region::Region;
use crate::aws::world::World;
use crate::lab::file::LabFile;
use crate::lab::file::position::LabError;
use crate::lab::plan::{Lab, plan};

use super::draft::{Draft, Report};
use super::error::{ImportError, Place};
use super::items::Items;
use super::node::Node;
use super::{cloudformation, describe, lab, terraform};

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// What it is called, with its directory.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Files, and what was said about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The files, in the order in which they were named.
    pub files: Vec<SourceFile>,
    /// Values of a template's parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The region of what does not say its own.
    #[serde(default)]
    pub region: Option<Region>,
    /// Addresses of the internet host, other than the usual ones.
    #[serde(default)]
    pub internet: Vec<IpAddr>,
}

/// What sources make.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The world.
    pub world: World,
    /// What a lab of it would be.
    pub lab: Lab,
    /// What was left out and assumed; nothing of a lab file.
    pub report: Report,
    /// Whether a lab file was read, whose plan has been checked already.
    is_lab_file: bool,
}

/// Why sources make no world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A lab file is wrong.
    #[error("{name}: {error}")]
    Lab {
        /// The file.
        name: String,
        /// In what.
        error: LabError,
    },
    /// Another source is.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl LoadError {
    /// AWS's error code, where it is AWS that would refuse.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Lab { error, .. } => error.code.as_deref(),
            Self::Import(error) => error.code.as_deref(),
        }
    }
}

/// The key by which sources are known among lab files.
const TEXT_KEY: &str = "sgsim-sources";

impl Sources {
    /// One lab file.
    pub fn lab_file(name: &str, text: &str) -> Self {
        let files = vec![SourceFile { name: name.to_owned(), text: text.to_owned() }];
        Self { files, ..Self::default() }
    }

    /// One text that says all of it: a lab file's own, or else JSON.
    pub fn to_text(&self) -> String {
        match &self.files[..] {
            [file] if kind(file) == Kind::LabFile => file.text.clone(),
            _ => serde_json::json!({ TEXT_KEY: self }).to_string(),
        }
    }

    /// What [`Sources::to_text`] said.
    pub fn from_text(name: &str, text: &str) -> Self {
        #[derive(Deserialize)]
        struct Wrapped {
            #[serde(rename = "sgsim-sources")]
            sources: Sources,
        }
        match serde_json::from_str::<Wrapped>(text) {
            Ok(wrapped) => wrapped.sources,
            Err(_) => Self::lab_file(name, text),
        }
    }

    /// Makes the world.
    ///
    /// # Errors
    /// What of a source cannot be, and where it stands; nothing is made then.
    pub fn load(&self, seed: u64) -> Result<Loaded, LoadError> {
        if let [file] = &self.files[..]
            && kind(file) == Kind::LabFile
        {
            if !self.parameters.is_empty() || self.region.is_some() || !self.internet.is_empty() {
                let message =
                    "a lab file says these things itself: leave --parameter, --region and --internet out";
                return Err(Place::file(&file.name).error(message).into());
            }
            let wrong = |error| LoadError::Lab { name: file.name.clone(), error };
            let lab_file = LabFile::parse(&file.text).map_err(wrong)?;
            let planned = plan(&lab_file, &World { seed, ..World::default() }).map_err(wrong)?;
            return Ok(Loaded {
                world: planned.world,
                lab: planned.lab,
                report: Report::default(),
                is_lab_file: true,
            });
        }
        Ok(self.import(seed)?)
    }

    fn import(&self, seed: u64) -> Result<Loaded, ImportError> {
        let mut documents: Vec<(&str, Value)> = Vec::new();
        for file in &self.files {
            match kind(file) {
                Kind::LabFile => {
                    let message = "a lab file stands for itself, and goes with nothing else";
                    return Err(Place::file(&file.name).error(message));
                }
                Kind::Json(values) => {
                    documents.extend(values.into_iter().map(|value| (file.name.as_str(), value)))
                }
                Kind::Broken(message) => return Err(Place::file(&file.name).error(message)),
            }
        }
        let mut draft = Draft { internet: self.internet.clone(), ..Draft::default() };
        let mut described = Vec::new();
        let mut items = Items::default();
        let mut has_template = false;
        for (file, document) in &documents {
            if cloudformation::is_it(document) {
                has_template = true;
                let (parameters, region) = (&self.parameters, self.region.as_ref());
                cloudformation::read(file, document, parameters, region, &mut items, &mut draft.report)?;
            } else if terraform::is_it(document) {
                terraform::read(file, document, &mut items, &mut draft.report)?;
            } else if describe::is_it(document) {
                described.push(Node::root(file, document));
            } else {
                draft.report.leave(
                    *file,
                    Place::file(file),
                    "it is nothing that an `aws ec2 describe-` call prints",
                    "nothing of it is there",
                );
            }
        }
        if !has_template && !self.parameters.is_empty() {
            let place = self.files.first().map(|file| Place::file(&file.name)).unwrap_or_default();
            return Err(place.error("--parameter is about a template's parameters, and there is no template"));
        }
        if described.is_empty() && items.is_empty() {
            let place = self.files.first().map(|file| Place::file(&file.name)).unwrap_or_default();
            return Err(place.error(
                "no lab file, and nothing that an `aws ec2 describe-…` call, CloudFormation or `terraform show -json` writes",
            ));
        }
        describe::read(&described, &items, self.region.as_ref(), &mut draft)?;
        let (world, draft) = draft.build(seed)?;
        let lab = lab::lab(&world, &draft.internet);
        Ok(Loaded { world, lab, report: draft.report, is_lab_file: false })
    }
}

impl Loaded {
    /// Refuses what could not be told apart on one machine, which only a lab minds.
    ///
    /// # Errors
    /// What it is, and what to do.
    pub fn check_lab(&self, source: &str) -> Result<(), ImportError> {
        if self.is_lab_file { Ok(()) } else { lab::check(source, &self.world, &self.lab) }
    }
}

/// What a file is.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// A lab file, or nothing that is known, of which a lab file's reader tells most.
    LabFile,
    /// Documents, the pages of one call or several calls' answers.
    Json(Vec<Value>),
    /// None of the two.
    Broken(String),
}

fn kind(file: &SourceFile) -> Kind {
    let is_json = file.text.trim_start().starts_with(['{', '[']);
    if !is_json {
        // Only a template has tags, and a key of its own.
        return match cloudformation::parse(&file.text) {
            Ok(document) if cloudformation::is_it(&document) => Kind::Json(vec![document]),
            Err(error) if file.text.contains("AWSTemplateFormatVersion") => Kind::Broken(error),
            _ => Kind::LabFile,
        };
    }
    let mut documents = Vec::new();
    for value in serde_json::Deserializer::from_str(&file.text).into_iter::<Value>() {
        match value {
            // Pages may stand one after the other, or in a list.
            Ok(Value::Array(pages)) => documents.extend(pages),
            Ok(value) => documents.push(value),
            // A lab file may be written as JSON's superset.
            Err(_) if documents.is_empty() && LabFile::parse(&file.text).is_ok() => return Kind::LabFile,
            Err(error) => return Kind::Broken(format!("this is no JSON: {error}")),
        }
    }
    match &documents[..] {
        [Value::Object(only)] if only.contains_key("vpcs") => Kind::LabFile,
        _ => Kind::Json(documents),
    }
}
