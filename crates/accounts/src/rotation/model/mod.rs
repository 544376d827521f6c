//! Every order of what an owner, a thief, the network, the power switch and a
//! restored backup can do to one session, to a stated depth.
//!
//! The explorer walks breadth first over whole worlds: what the server knows,
//! what each party holds, and how long ago everything was. Worlds that differ
//! in absolute time or generation alone are one. [`Rules`] are the functions
//! under test; the controls replace one each and must be caught.
//!
//! Taken for granted of an honest client: a token reaches its disk within
//! [`DISK`] and before the next rotation; a request that left before is served
//! or gone within [`IN_FLIGHT`] and before the client shows a newer token; a
//! plain client, which has no grace, asks one thing at a time and stores first.

mod controls;
mod explorer;
mod world;

use super::*;
use explorer::Explorer;

/// Chromium writes cookies every 30 s; half of that on top.
const DISK: Duration = Duration::from_secs(45);
const IN_FLIGHT: Duration = Duration::from_secs(30);
const ACCESS: Duration = Duration::from_mins(10);
/// Every world's present.
const NOW: Timestamp = Timestamp::from_micros(20_000 * 86_400_000_000 + 43_200_000_000);
/// Every world's newest generation.
const NEWEST: i64 = 100;
const DAY: u64 = 86_400;
const STEPS: [u64; 4] = [5, 30, 61, DAY];

#[derive(Clone, Copy)]
struct Rules {
    decide: fn(&Known, i64, Device, Timestamp, bool) -> Decision,
    after: fn(Known, Decision, i64, Device, Timestamp) -> Known,
    learns: fn(&Known, Timestamp) -> bool,
    honours: fn(&Known, i64, i64) -> bool,
    restored: fn(Known, Timestamp) -> Known,
    renewed: fn(Known, i64, Timestamp, bool) -> Known,
}

const OURS: Rules = Rules {
    decide,
    after: Known::after,
    learns: Known::learns_from_call,
    honours: Known::honours,
    restored: Known::restored,
    renewed: Known::renewed,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// Its device is known from log-in on.
    Browser,
    /// Shows its device with its first refresh.
    Native,
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loot {
    Nothing,
    Token,
    TokenAndDevice,
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    client: Client,
    loot: Loot,
    strict: bool,
    restores: bool,
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Refresh,
    /// Committed, then the answer or the server is lost.
    RefreshLost,
    /// Two at once: the first is answered, the second is still on its way.
    RefreshTwice,
    SecondArrives,
    SecondLost,
    Call,
    /// The owner proves who they are: a step-up, a new password.
    Renew,
    RenewLost,
    /// The client dies before its newest token has reached its disk.
    Kill,
    Backup,
    /// Together with the journal of revocations.
    Restore,
    Steal,
    ThiefRefresh,
    ThiefCall,
    Wait(u64),
}

type Broken = &'static str;

fn explore(rules: Rules, setting: Setting) -> Result<usize, (Broken, Vec<Action>)> {
    Explorer { rules, setting }.explore()
}

fn setting(client: Client, loot: Loot, depth: usize) -> Setting {
    Setting {
        client,
        loot,
        strict: false,
        restores: false,
        depth,
    }
}

#[track_caller]
fn holds(setting: Setting) {
    match explore(OURS, setting) {
        Ok(worlds) => assert!(worlds > 1000, "{setting:?}: only {worlds} worlds were reached"),
        Err((broken, path)) => panic!("{setting:?}: {broken}: {path:?}"),
    }
}

#[test]
fn no_honest_path_logs_anybody_out() {
    for client in [Client::Browser, Client::Native, Client::Plain] {
        holds(setting(client, Loot::Nothing, 9));
    }
}

#[test]
fn no_restored_backup_logs_anybody_out() {
    for client in [Client::Browser, Client::Native, Client::Plain] {
        holds(Setting {
            restores: true,
            ..setting(client, Loot::Nothing, 7)
        });
    }
}

#[test]
fn a_stolen_token_without_its_device_is_worth_nothing() {
    for client in [Client::Browser, Client::Native] {
        holds(setting(client, Loot::Token, 7));
    }
}

#[test]
fn no_theft_of_everything_stays_unseen_beyond_its_price() {
    for client in [Client::Browser, Client::Native, Client::Plain] {
        holds(setting(client, Loot::TokenAndDevice, 7));
    }
}

#[test]
fn theft_is_seen_across_a_restored_backup_too() {
    for client in [Client::Browser, Client::Native] {
        holds(Setting {
            restores: true,
            ..setting(client, Loot::TokenAndDevice, 6)
        });
    }
}

#[test]
fn strict_mode_gives_nothing_twice() {
    for loot in [Loot::Nothing, Loot::TokenAndDevice] {
        holds(Setting {
            strict: true,
            ..setting(Client::Browser, loot, 8)
        });
    }
}

#[test]
#[ignore = "minutes and gigabytes; part of the nightly run"]
fn two_steps_further_nothing_else_breaks() {
    holds(setting(Client::Browser, Loot::Nothing, 11));
    for client in [Client::Browser, Client::Native] {
        for (loot, restores) in [
            (Loot::Nothing, true),
            (Loot::Token, false),
            (Loot::TokenAndDevice, false),
            (Loot::TokenAndDevice, true),
        ] {
            holds(Setting {
                restores,
                ..setting(client, loot, 9)
            });
        }
    }
}
