//! Times as AWS writes them.

use std::time::{Duration, UNIX_EPOCH};

/// Reads what [`timestamp`] writes, and what the AWS CLI makes of it.
pub fn seconds(text: &str) -> Option<u64> {
    let text = text.replace("+00:00", "Z");
    let time = humantime::parse_rfc3339(&text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// Seconds since 1970, such as `2026-11-28T12:00:00.000Z`.
pub fn timestamp(seconds: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
