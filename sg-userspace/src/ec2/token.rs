//! Client tokens: a call that is sent again, since its answer was lost, is done once.
//!
//! Answers are remembered by this process, the last ones only, which is long enough for a client that tries again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::aws::error::AwsError;

use super::fault::Fault;

/// How many answers are remembered.
const REMEMBERED: usize = 500;

/// Answers by client token.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<VecDeque<Remembered>>);

#[derive(Debug)]
struct Remembered {
    action: String,
    region: String,
    parameters: Map<String, Value>,
    answer: Value,
}

impl Tokens {
    /// The answer to a call: the one that it has had already where its token has been seen, or else what `run` gives. Calls
    /// with tokens wait for each other, so that one which is sent twice at once is done once.
    ///
    /// # Errors
    /// `IdempotentParameterMismatch` where the token was another call's; else as `run`, which is not remembered.
    pub fn once(
        &self,
        action: &str,
        region: &str,
        parameters: &Map<String, Value>,
        run: impl FnOnce() -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let Some(token) = parameters.get("ClientToken").and_then(Value::as_str) else { return run() };
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |it: &&Remembered| {
            it.action == action
                && it.region == region
                && it.parameters.get("ClientToken").and_then(Value::as_str) == Some(token)
        };
        if let Some(before) = remembered.iter().find(is_it) {
            if before.parameters == *parameters {
                return Ok(before.answer.clone());
            }
            let message = format!("The client token '{token}' was used with other parameters before.");
            return Err(AwsError::new("IdempotentParameterMismatch", message).into());
        }
        let answer = run()?;
        if remembered.len() == REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back(Remembered {
            action: action.to_owned(),
            region: region.to_owned(),
            parameters: parameters.clone(),
            answer: answer.clone(),
        });
        Ok(answer)
    }
}
