//! The privileged tier: real programs in a real kernel. Fails, rather than skips, where it cannot run.

mod load;
