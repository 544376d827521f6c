#![doc = include_str!("../README.md")]

mod contain;
mod driver;
mod jitter;
mod jobs;
mod restart;
mod spec;
mod status;
mod supervisor;
mod wake;
mod worker;

#[cfg(test)]
mod tests;

pub use restart::Restart;
pub use spec::{Plan, Spec};
pub use status::{JobStatus, Kind, State, Status, UnixMicros, WorkerStatus};
pub use supervisor::{Settings, Stopped, Supervisor};
pub use wake::Wake;
pub use worker::{Context, Failure, Report, Worker};
