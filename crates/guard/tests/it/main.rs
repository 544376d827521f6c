//! The guard as those who lose files meet it.

mod faults;
mod kill;
mod random;
mod rivals;
mod support;
