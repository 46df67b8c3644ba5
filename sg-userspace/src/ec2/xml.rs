//! Replies as XML, written by the table of shapes.

use serde_json::Value;

use super::fault::Fault;
use super::model::{Model, Operation, Shape, ShapeRef};

/// What every document begins with.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A text as XML has it. Characters that XML cannot have at all are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// The reply of an action: `value` has its members by the model's names. `null` and absent members are left out; an action
/// without any answers `return`.
///
/// # Errors
/// `InternalError` where the value is not of the reply's shape.
pub fn reply(
    model: &Model,
    action: &str,
    operation: &Operation,
    value: &Value,
    request_id: &str,
) -> Result<String, Fault> {
    let mut out = format!(
        "{DECLARATION}<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/{}/\"><requestId>{}</requestId>",
        model.api_version(),
        escaped(request_id)
    );
    match &operation.output {
        Some(output) => write(model, output, value, &mut out)?,
        None => out.push_str("<return>true</return>"),
    }
    out.push_str(&format!("</{action}Response>"));
    Ok(out)
}

/// What is between the tags of a value.
fn write(model: &Model, reference: &ShapeRef, value: &Value, out: &mut String) -> Result<(), Fault> {
    let wrong = || Fault::internal(format!("a reply has {value} for a {}", reference.shape));
    match (model.shape(&reference.shape), value) {
        (Some(Shape::Structure { members, .. }), Value::Object(values)) => {
            for (name, value) in values.iter().filter(|(_, value)| !value.is_null()) {
                let member = members
                    .get(name)
                    .ok_or_else(|| Fault::internal(format!("a {} has no {name}", reference.shape)))?;
                element(model, member, member.reply_name(name), value, out)?;
            }
            Ok(())
        }
        (Some(Shape::List { member, .. }), Value::Array(values)) => {
            let name = member.reply_name("member");
            values.iter().try_for_each(|value| element(model, member, name, value, out))
        }
        (Some(Shape::String | Shape::Timestamp | Shape::Blob), Value::String(text)) => {
            out.push_str(&escaped(text));
            Ok(())
        }
        (Some(Shape::Boolean), Value::Bool(_))
        | (Some(Shape::Integer | Shape::Long | Shape::Float | Shape::Double), Value::Number(_)) => {
            out.push_str(&value.to_string());
            Ok(())
        }
        _ => Err(wrong()),
    }
}

fn element(
    model: &Model,
    reference: &ShapeRef,
    name: &str,
    value: &Value,
    out: &mut String,
) -> Result<(), Fault> {
    if let (true, Value::Array(values), Some(Shape::List { member, .. })) =
        (model.is_flattened(reference), value, model.shape(&reference.shape))
    {
        return values.iter().try_for_each(|value| element(model, member, name, value, out));
    }
    let start = out.len();
    out.push_str(&format!("<{name}>"));
    let inside = out.len();
    write(model, reference, value, out)?;
    if out.len() == inside {
        out.truncate(start);
        out.push_str(&format!("<{name}/>"));
    } else {
        out.push_str(&format!("</{name}>"));
    }
    Ok(())
}
