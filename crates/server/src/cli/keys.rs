//! `mundo keys`: what there is, and how it is replaced.
//!
//! All of it may be done beside a running server, which takes up what changed
//! within a minute.

use super::{Flags, block_on};
use crate::lifecycle;
use accounts::{
    MasterKeys,
    keys::{self, Vault},
    passwords, push, resealing,
};
use anyhow::{Context, Result, bail, ensure};
use base::{Clock, Entropy, Ids};
use db::{Db, Place};
use platform::Config;
use std::time::{Duration, SystemTime};

/// A server that has not looked for this long is not expected to seal any more
/// under an older key.
const SETTLED: Duration = Duration::from_mins(10);

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List master keys, signing keys, peppers and push keys, never their secrets
    List {
        #[command(flatten)]
        settings: Flags,
    },
    /// Let the next signing key sign soon; access tokens stay valid
    RotateSigning {
        /// Throw the current key away: every access token is refused at once and refreshed
        #[arg(long)]
        compromised: bool,
        #[command(flatten)]
        settings: Flags,
    },
    /// Make a new master key; a running server moves everything to it
    RotateMaster {
        /// Instead, delete older master keys once nothing is sealed under them
        #[arg(long)]
        finish: bool,
        #[command(flatten)]
        settings: Flags,
    },
    /// Add a new pepper for passwords; hashes move to it when their owners log in
    RotatePepper {
        #[command(flatten)]
        settings: Flags,
    },
    /// Add a new key for Web Push; browsers move to it when they subscribe again
    RotatePush {
        #[command(flatten)]
        settings: Flags,
    },
}

/// What each of them needs.
struct Desk {
    db: Db,
    master: MasterKeys,
    entropy: Entropy,
    clock: Clock,
}

pub fn run(what: &What) -> Result<()> {
    let (What::List { settings }
    | What::RotateSigning { settings, .. }
    | What::RotateMaster { settings, .. }
    | What::RotatePepper { settings }
    | What::RotatePush { settings }) = what;
    let (config, _) = settings.load()?;
    block_on(async {
        let desk = Desk::open(&config).await?;
        match what {
            What::List { .. } => desk.list().await,
            What::RotateSigning { compromised, .. } => desk.rotate_signing(*compromised).await,
            What::RotateMaster { finish: false, .. } => desk.rotate_master(),
            What::RotateMaster { finish: true, .. } => desk.finish_master().await,
            What::RotatePepper { .. } => desk.rotate_pepper().await,
            What::RotatePush { .. } => desk.rotate_push().await,
        }?;
        desk.db.close().await;
        Ok(())
    })
}

impl Desk {
    async fn open(config: &Config) -> Result<Desk> {
        let settings = lifecycle::database(config);
        if let Place::Sqlite(path) = &settings.place {
            ensure!(
                path.is_file(),
                "there is no database in {}",
                config.data.dir.display()
            );
        }
        let master = MasterKeys::load(&config.data.dir.join("keys"))?;
        let db = Db::open(&settings).await?;
        let tables = db::migrate::tables(&db).await?;
        ensure!(
            tables.contains("push_key"),
            "the database is of an older version: start the server once, or run mundo migrate"
        );
        resealing::check_all_open(&db, &master)
            .await
            .context("the keys do not fit the database")?;
        Ok(Desk {
            db,
            master,
            entropy: Entropy::system(),
            clock: Clock::system(),
        })
    }

    async fn list(&self) -> Result<()> {
        let sealed = resealing::sealed_under(&self.db, &self.master.mark()).await?;
        println!(
            "master key   {}  in use, {sealed} sealed under it",
            self.master.id()
        );
        for (id, mark) in self.master.older() {
            let sealed = resealing::sealed_under(&self.db, &mark).await?;
            println!("master key   {id}  older, {sealed} still sealed under it");
        }
        let now = self.clock.now();
        for key in keys::list(&self.db, now).await? {
            let state = if key.signs {
                format!("signs since {}", key.signs_from)
            } else if key.signs_from > now {
                format!("will sign from {}", key.signs_from)
            } else {
                "verifies its last tokens".to_owned()
            };
            println!("signing key  {}  {}, {state}", key.id, key.algorithm);
        }
        for (place, pepper) in passwords::list_peppers(&self.db).await?.into_iter().enumerate() {
            let state = if place == 0 { "in use" } else { "older" };
            println!("pepper       {}  {state}, made {}", pepper.id, pepper.created_at);
        }
        for (place, (id, made)) in push::list_keys(&self.db).await?.into_iter().enumerate() {
            let state = if place == 0 {
                "for new subscriptions"
            } else {
                "for older ones"
            };
            println!("push key     {id}  {state}, made {made}");
        }
        Ok(())
    }

    async fn rotate_signing(&self, compromised: bool) -> Result<()> {
        let ids = Ids::new(self.clock.clone(), self.entropy.clone());
        let vault = Vault {
            db: &self.db,
            entropy: &self.entropy,
            master: &self.master,
            now: self.clock.now(),
            holder: ids.next(),
        };
        let from = keys::rotate(&vault, compromised)
            .await
            .context("a server is changing the keys at this moment: try again")?;
        if compromised {
            println!("The current signing key is gone. Servers refuse its tokens within a minute.");
        } else {
            println!("The next signing key signs from {from}; tokens signed before stay valid.");
        }
        Ok(())
    }

    fn rotate_master(&self) -> Result<()> {
        let before = self.master.id();
        let id = self.master.rotate(&self.entropy)?;
        println!("The master key is {id} now; {before} stays until nothing needs it.");
        println!(
            "A running server moves everything to it within a few minutes; a stopped one does when it starts. \
             Servers on other machines need a copy of the keys folder now. Then: mundo backup, \
             and mundo keys rotate-master --finish."
        );
        Ok(())
    }

    async fn finish_master(&self) -> Result<()> {
        let older = self.master.older();
        if older.is_empty() {
            println!("There is no older master key.");
        }
        for (id, mark) in older {
            let sealed = resealing::sealed_under(&self.db, &mark).await?;
            if sealed > 0 {
                bail!(
                    "{sealed} values are still sealed under master key {id}: let a server run for some minutes, then try again"
                );
            }
            let retired = self
                .master
                .retired_at(&id)?
                .duration_since(SystemTime::UNIX_EPOCH)?;
            let age =
                Duration::from_micros(self.clock.now().as_micros().max(0) as u64).saturating_sub(retired);
            ensure!(
                age >= SETTLED,
                "master key {id} was replaced less than ten minutes ago and a server may still use it: try again later"
            );
            self.master.remove_older(&id)?;
            println!("Master key {id} is deleted.");
        }
        Ok(())
    }

    async fn rotate_pepper(&self) -> Result<()> {
        let now = self.clock.now();
        let id = passwords::rotate_pepper(&self.db, &self.entropy, &self.master, now).await?;
        println!("New hashes use pepper {id}; older ones move to it when their owners log in.");
        println!("Make a backup: one from before does not know this pepper.");
        Ok(())
    }

    async fn rotate_push(&self) -> Result<()> {
        let id = push::rotate_key(&self.db, &self.entropy, &self.master, self.clock.now()).await?;
        println!("Browsers subscribe with push key {id} from now on; older subscriptions keep theirs.");
        Ok(())
    }
}
