//! A template's YAML as JSON: its short tags (`!Ref`, `!Sub`, …) become the functions that they are short for.

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

/// How deep a template may be nested.
const DEPTH: usize = 64;

/// Reads a document.
///
/// # Errors
/// Where it is no YAML, or uses aliases, which templates do not have.
pub(in crate::import) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text), depth: 0 };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(Value::Null),
            (event, span) => return reader.value(event, span),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), String> {
        match self.parser.next_event() {
            Some(Ok((Event::Comment(..), _))) => self.next(),
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the document ends too early".to_owned()),
        }
    }

    fn value(&mut self, event: Event<'t>, span: Span) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("line {}: this is nested too deeply", span.start.line()));
        }
        let (value, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let is_plain = matches!(style, ScalarStyle::Plain) && tag.is_none();
                (if is_plain { plain(&text) } else { Value::String(text.into_owned()) }, tag)
            }
            Event::SequenceStart(_, _, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break (Value::Array(items), tag),
                        (event, span) => items.push(self.value(event, span)?),
                    }
                }
            }
            Event::MappingStart(_, _, tag) => (self.mapping()?, tag),
            _ => return Err(format!("line {}: templates have no aliases", span.start.line())),
        };
        self.depth -= 1;
        Ok(match tag {
            Some(tag) => function(&tag, value),
            None => value,
        })
    }

    fn mapping(&mut self) -> Result<Value, String> {
        let mut members = Map::new();
        loop {
            let (key, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(members)),
                (Event::Scalar(key, ..), span) => (key.into_owned(), span),
                (_, span) => return Err(format!("line {}: a key is text", span.start.line())),
            };
            let (event, span) = self.next()?;
            let value = self.value(event, span)?;
            if members.insert(key.clone(), value).is_some() {
                return Err(format!("line {}: `{key}` is there twice", at.start.line()));
            }
        }
    }
}

/// What a word without quotes is.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    // An account id with a zero in front is text.
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Value::from(number),
        _ => Value::String(text.to_owned()),
    }
}

fn function(tag: &Tag, value: Value) -> Value {
    let name = tag.suffix();
    if tag.handle() != "!" {
        return value;
    }
    let key = match name {
        "Ref" | "Condition" => name.to_owned(),
        _ => format!("Fn::{name}"),
    };
    Value::Object(Map::from_iter([(key, value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_functions() {
        let text = "A: !Sub '${X}-y' # why\nB: [!Ref C, !GetAtt d.E, 010, 10, '10', true, 2010-09-09]\nC: !Join\n  - ''\n  - [a, !If [x, b, ~]]\n";
        let wanted = serde_json::json!({
            "A": { "Fn::Sub": "${X}-y" },
            "B": [{ "Ref": "C" }, { "Fn::GetAtt": "d.E" }, "010", 10, "10", true, "2010-09-09"],
            "C": { "Fn::Join": ["", ["a", { "Fn::If": ["x", "b", null] }]] },
        });
        assert_eq!(parse(text).unwrap(), wanted);
        assert!(parse("a: &x 1\nb: *x\n").unwrap_err().contains("line 2: templates have no aliases"));
        assert!(parse("a: 1\na: 2\n").unwrap_err().contains("`a` is there twice"));
    }
}
