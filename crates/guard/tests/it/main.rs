//! The guard as those who lose files meet it.

mod faults;
mod hooks;
mod kill;
mod legal;
mod levels;
mod prune;
mod random;
mod rivals;
mod support;
