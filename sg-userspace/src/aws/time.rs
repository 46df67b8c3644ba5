//! Times as AWS writes them.

use std::time::{Duration, UNIX_EPOCH};

/// Seconds since 1970, such as `2026-11-28T12:00:00.000Z`.
pub fn timestamp(seconds: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
