//! The table of EC2's shapes: which members an action's request and reply have, of which types, and under which names
//! they travel. It is botocore's model without documentation; `cargo xtask ec2-model` writes it.
//!
//! The wire's name of a member is not the model's: a request has `queryName`, or else `locationName` or the member's own
//! name with a capital; a reply has `locationName` or the member's own name.

use std::collections::BTreeMap;

use serde::Deserialize;

/// EC2's table, as text.
const EC2: &str = include_str!("model/shapes.json");

/// A table of shapes.
#[derive(Clone, Debug, Deserialize)]
pub struct Model {
    /// What it describes.
    metadata: Metadata,
    /// Actions by name.
    #[serde(default)]
    operations: BTreeMap<String, Operation>,
    /// Shapes by name.
    shapes: BTreeMap<String, Shape>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    api_version: String,
}

/// An action: the shapes of its request and its reply.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Operation {
    /// The request's; none stands for no parameters.
    #[serde(default)]
    pub input: Option<ShapeRef>,
    /// The reply's; none stands for a bare `return`.
    #[serde(default)]
    pub output: Option<ShapeRef>,
}

/// A use of a shape, with the names that it has there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShapeRef {
    /// The shape's name.
    pub shape: String,
    location_name: Option<String>,
    query_name: Option<String>,
    #[serde(default)]
    flattened: bool,
}

impl ShapeRef {
    /// The name in a request of a member that the model calls `name`.
    pub fn request_name(&self, name: &str) -> String {
        match &self.query_name {
            Some(name) => name.clone(),
            None => capitalised(self.location_name.as_deref().unwrap_or(name)),
        }
    }

    /// The name in a reply of a member that the model calls `name`.
    pub fn reply_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(name)
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A type.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Shape {
    /// Named members.
    Structure {
        /// Them, by the model's names.
        #[serde(default)]
        members: BTreeMap<String, ShapeRef>,
        /// Those that a request must have.
        #[serde(default)]
        required: Vec<String>,
    },
    /// Any number of one shape.
    List {
        /// It.
        member: ShapeRef,
        /// Whether a reply repeats the list's own element for each member.
        #[serde(default)]
        flattened: bool,
    },
    /// Text.
    String,
    /// Text that stands for a time.
    Timestamp,
    /// Text that stands for bytes, in Base64.
    Blob,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// A number.
    Float,
    /// A number.
    Double,
    /// Names and values, which only other protocols' suites have.
    Map,
}

impl Model {
    /// EC2's.
    ///
    /// # Panics
    /// Never: a test reads the table, which is part of the program.
    pub fn ec2() -> &'static Self {
        static MODEL: std::sync::OnceLock<Model> = std::sync::OnceLock::new();
        MODEL.get_or_init(|| serde_json::from_str(EC2).expect("the table is read by a test"))
    }

    /// The version of the API.
    pub fn api_version(&self) -> &str {
        &self.metadata.api_version
    }

    /// An action.
    pub fn operation(&self, action: &str) -> Option<&Operation> {
        self.operations.get(action)
    }

    /// A shape.
    pub fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }

    /// Whether a use of a list repeats the list's own element in replies.
    pub(super) fn is_flattened(&self, reference: &ShapeRef) -> bool {
        reference.flattened
            || matches!(self.shape(&reference.shape), Some(Shape::List { flattened: true, .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_knows_every_shape_that_it_names() {
        let model = Model::ec2();
        assert_eq!(model.api_version(), "2016-11-15");
        assert!(model.operations.len() > 90);
        let of_operations = model.operations.values().flat_map(|it| it.input.iter().chain(&it.output));
        let of_shapes = model.shapes.values().flat_map(|shape| match shape {
            Shape::Structure { members, .. } => members.values().collect::<Vec<_>>(),
            Shape::List { member, .. } => vec![member],
            _ => Vec::new(),
        });
        for reference in of_operations.chain(of_shapes) {
            assert!(model.shape(&reference.shape).is_some(), "no shape {}", reference.shape);
        }
    }

    #[test]
    fn names_on_the_wire_are_not_the_model_s() {
        let member = |shape: &str, name: &str| match Model::ec2().shape(shape) {
            Some(Shape::Structure { members, .. }) => members[name].clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(member("IpPermission", "UserIdGroupPairs").request_name("UserIdGroupPairs"), "Groups");
        let description = member("CreateSecurityGroupRequest", "Description");
        assert_eq!(description.request_name("Description"), "GroupDescription");
        assert_eq!(member("SecurityGroup", "Description").reply_name("Description"), "groupDescription");
    }
}
