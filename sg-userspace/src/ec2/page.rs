//! Pages of long answers: `MaxResults` and `NextToken`.
//!
//! A token names the last thing shown by its place in an order that never changes, so that what is made or deleted between
//! two pages neither repeats nor hides anything else.

use std::ops::RangeInclusive;

use crate::aws::error::AwsError;

use super::params::Params;

/// What tells our tokens from other texts.
const MARK: &str = "sgsim-after-";

/// One page of things, each with its number in creation order, and the token of the next page.
///
/// # Errors
/// `InvalidParameterValue` for a size out of `sizes`, `InvalidNextToken` for a token that is none of ours.
pub fn page<T>(
    params: Params<'_>,
    sizes: RangeInclusive<i64>,
    mut things: Vec<(u32, T)>,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let size = match params.integer("MaxResults") {
        Some(size) if !sizes.contains(&size) => {
            let (least, most) = sizes.into_inner();
            let bound = if size < least {
                ("greater than or equal to", least)
            } else {
                ("less than or equal to", most)
            };
            return Err(AwsError::invalid_value(format!(
                "Value ( {size} ) for parameter maxResults is invalid. Expecting a value {} {}.",
                bound.0, bound.1
            )));
        }
        size => size.and_then(|size| usize::try_from(size).ok()),
    };
    let after = match params.text("NextToken") {
        Some(token) => {
            let number = token.strip_prefix(MARK).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let invalid = || AwsError::new("InvalidNextToken", "The token provided is not valid.");
            Some(number.ok_or_else(invalid)?)
        }
        None => None,
    };
    things.sort_by_key(|(number, _)| *number);
    things.retain(|(number, _)| after.is_none_or(|after| *number > after));
    let mut next = None;
    if let Some(size) = size
        && things.len() > size
    {
        things.truncate(size);
        next = things.last().map(|(number, _)| format!("{MARK}{number:08x}"));
    }
    Ok((things.into_iter().map(|(_, thing)| thing).collect(), next))
}
