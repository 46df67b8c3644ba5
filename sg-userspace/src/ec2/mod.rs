//! The EC2 Query API over the world: from a form body to an XML reply.
//!
//! One codec, driven by the table of shapes (`model`), reads every request and writes every reply; `action` has what each
//! action does, in terms of [`crate::command`]s and of the world. Validation is theirs: nothing is checked here but the
//! wire. How requests come in, and what owns the world, is the caller's.

pub mod action;
pub mod call;
pub mod fault;
pub mod filter;
pub mod model;
pub mod page;
pub mod params;
pub mod request;
pub mod token;
pub mod xml;

use call::{Backend, Call, Caller};
use fault::Fault;
use model::Model;
use params::Params;
use request::Form;
use serde_json::{Map, Value};
use token::Tokens;

/// What goes back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// XML.
    pub body: String,
    /// What was asked for, where that is something that there is.
    pub action: Option<&'static str>,
    /// Why it was refused or failed, if it was.
    pub code: Option<String>,
}

impl Answer {
    /// The answer that something went well.
    pub fn of_success(body: String, action: Option<&'static str>) -> Self {
        Self { status: 200, body, action, code: None }
    }

    /// The answer that something was refused or failed.
    pub fn of_fault(fault: &Fault, action: Option<&'static str>, request_id: &str) -> Self {
        let code = Some(fault.error.code.clone());
        Self { status: fault.status, body: fault.body(request_id), action, code }
    }
}

/// What a call that changes nothing answers, by the model's names: what a client would show of the reply.
///
/// # Errors
/// The refusal that a client would get; and where the answer is not of its shape.
pub fn describe(
    backend: &impl Backend,
    caller: &Caller,
    action: &str,
    parameters: &Value,
) -> Result<Value, Fault> {
    let model = Model::ec2();
    let ((_, run), operation) =
        action::find(action).zip(model.operation(action)).ok_or_else(|| Fault::invalid_action(action))?;
    let none = Map::new();
    let parameters = Params::new(parameters.as_object().unwrap_or(&none));
    let value = run(&mut Call::begin(parameters, caller, backend)?)?;
    // Nothing but the shape is asked of the codec here.
    xml::reply(model, action, operation, &value, "")?;
    Ok(without_nulls(value))
}

/// What is `null` is not in the reply at all.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// The API over what owns a world.
pub struct Api<B> {
    backend: B,
    tokens: Tokens,
}

impl<B: Backend> Api<B> {
    /// The API over this.
    pub fn new(backend: B) -> Self {
        Self { backend, tokens: Tokens::default() }
    }

    /// What is behind it.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Answers a request, given its form body.
    pub fn answer(&self, body: &[u8], caller: &Caller, request_id: &str) -> Answer {
        let mut action = None;
        match self.carry_out(body, caller, request_id, &mut action) {
            Ok(body) => Answer::of_success(body, action),
            Err(fault) => Answer::of_fault(&fault, action, request_id),
        }
    }

    fn carry_out(
        &self,
        body: &[u8],
        caller: &Caller,
        request_id: &str,
        action: &mut Option<&'static str>,
    ) -> Result<String, Fault> {
        let model = Model::ec2();
        let mut form = Form::parse(body)?;
        let name = form.take("Action").ok_or_else(|| {
            Fault::new(400, "MissingAction", "The request must contain the parameter Action")
        })?;
        match form.take("Version") {
            Some(version) if version == model.api_version() => {}
            version => {
                let version = version.unwrap_or_default();
                let message =
                    format!("The requested version ({version}) of service AmazonEC2 does not exist");
                return Err(Fault::new(400, "NoSuchVersion", message));
            }
        }
        let (known, run) = action::find(&name).ok_or_else(|| Fault::invalid_action(&name))?;
        *action = Some(known);
        let operation = model.operation(&name).ok_or_else(|| Fault::invalid_action(&name))?;
        let parameters = request::parameters(model, operation, form)?;
        let value = self.tokens.once(&name, caller.region.as_str(), &parameters, || {
            let mut call = Call::begin(Params::new(&parameters), caller, &self.backend)?;
            let value = run(&mut call)?;
            // What changes nothing comes so far even where the run is dry.
            if call.is_dry() { Err(Fault::dry_run()) } else { Ok(value) }
        })?;
        xml::reply(model, &name, operation, &value, request_id)
    }
}
