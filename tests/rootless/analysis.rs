//! Answers about worlds: held equal to the oracle's on random ones, and one case for everything that can be said.

mod agreement;
