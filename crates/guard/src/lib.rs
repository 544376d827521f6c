#![doc = include_str!("../README.md")]

mod events;
mod fault;
mod git;
mod guard;
mod hash;
mod judge;
mod keep;
mod keys;
mod ledger;
mod lock;
mod mend;
mod pass;
mod places;
mod settings;
mod state;
mod tree;
mod view;
mod watch;

pub use fault::say;
pub use guard::{Guard, Probe, Step, Witness};
pub use hash::Hash;
pub use judge::{Fault, Want};
pub use keep::{Keeper, keep};
pub use keys::{Public, Signer};
pub use ledger::{Record, What, Who, verify as verify_ledger};
pub use lock::{Entry, Gone, Header, Lock, Tombstone};
pub use pass::{Demand, Found, Report, Scope};
pub use places::LastResort;
pub use settings::Settings;
pub use tree::Kind;
pub use view::{ClassCount, Overview, Quarantined};
pub use watch::{Watcher, WatcherStatus};
