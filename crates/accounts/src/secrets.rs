//! One secret from which slices derive keys of their own.
//!
//! It lies in the database, sealed under the master key, and is read once at the
//! start: whoever needs a key names its purpose and needs no row. So a copied
//! database forges nothing, and what is signed outlives a restart.

use crate::{Accounts, master_keys::MasterKeys};
use base::{Entropy, Result, Timestamp, error::internal};
use db::{Db, Executor, params};
use platform::App;

/// The name of its row.
const ROOT: &str = "root";

/// What binds a sealed secret to its row.
pub fn purpose(id: &str) -> String {
    format!("secret {id}")
}

/// Reads the secret; the first node that starts makes it.
pub(crate) async fn root(
    db: &Db,
    entropy: &Entropy,
    master: &MasterKeys,
    now: Timestamp,
) -> Result<[u8; 32]> {
    let read = || {
        db.one("SELECT sealed FROM secret WHERE id = $1", params![ROOT], |row| {
            row.get::<Vec<u8>>(0)
        })
    };
    let sealed = if let Some(sealed) = read().await? {
        sealed
    } else {
        let new = master.seal(entropy, &purpose(ROOT), &entropy.bytes::<32>())?;
        db.write_again(move |tx| async move {
            tx.execute(
                "INSERT INTO secret (id, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                params![ROOT, new, now],
            )
            .await
        })
        .await?;
        // Another node may have been faster.
        read().await?.ok_or_else(|| internal("the secret is gone"))?
    };
    let opened = master.open(&purpose(ROOT), &sealed)?;
    opened
        .try_into()
        .map_err(|_| internal("the secret is not 32 bytes"))
}

/// The key for that purpose, the same on every node and after every start.
pub fn derived_key(app: &App, purpose: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("mundo-tango derived key");
    hasher.update(&Accounts::of(app).root);
    hasher.update(purpose.as_bytes());
    *hasher.finalize().as_bytes()
}
