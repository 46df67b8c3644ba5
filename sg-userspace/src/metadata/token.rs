//! Session tokens of IMDSv2: random, of one instance, good for as long as was asked for.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest that a token is good for, in seconds: six hours, as in AWS.
pub(super) const MAX_TTL: u64 = 21_600;
/// The most tokens of an instance; beyond, the one that ends first goes.
const MAX_TOKENS: usize = 1024;
/// Bytes of a token.
const LENGTH: usize = 32;

/// An instance's tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    random: Arc<File>,
    ends: HashMap<String, Instant>,
}

impl Tokens {
    /// None yet; `random` is where they are from.
    pub(super) fn new(random: Arc<File>) -> Self {
        Self { random, ends: HashMap::new() }
    }

    /// A new one.
    pub(super) fn issue(&mut self, ttl: Duration) -> io::Result<String> {
        let mut bytes = [0; LENGTH];
        (&*self.random).read_exact(&mut bytes)?;
        let token = bytes.iter().fold(String::with_capacity(2 * LENGTH), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let now = Instant::now();
        self.ends.retain(|_, end| *end > now);
        if self.ends.len() >= MAX_TOKENS
            && let Some(first) = self.ends.iter().min_by_key(|(_, end)| **end).map(|(token, _)| token.clone())
        {
            self.ends.remove(&first);
        }
        self.ends.insert(token.clone(), now + ttl);
        Ok(token)
    }

    /// Whether one is good.
    pub(super) fn is_good(&self, token: &str) -> bool {
        self.ends.get(token).is_some_and(|end| *end > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_end_and_are_not_without_number() {
        let mut tokens = Tokens::new(Arc::new(File::open("/dev/urandom").unwrap()));
        let first = tokens.issue(Duration::from_secs(60)).unwrap();
        let over = tokens.issue(Duration::ZERO).unwrap();
        assert!(tokens.is_good(&first) && !tokens.is_good(&over) && first != over);
        assert!(!tokens.is_good("") && !tokens.is_good(&first[1..]));
        for _ in 0..MAX_TOKENS {
            tokens.issue(Duration::from_secs(120)).unwrap();
        }
        assert_eq!(tokens.ends.len(), MAX_TOKENS);
        assert!(!tokens.is_good(&first), "the one that ends first went");
    }
}
