//! Signing keys in the database. Private halves are sealed under the master key.

use super::{Key, Vault, schedule};
use base::{Result, Timestamp, error::internal};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use db::{Db, Executor, params};
use ed25519_dalek::SigningKey;
use platform::leases::{self, Lease};

const ALGORITHM: &str = "EdDSA";

pub fn purpose(id: &str) -> String {
    format!("signing key {id}")
}

/// All keys, in the order in which they sign.
pub async fn load(vault: &Vault<'_>) -> Result<Vec<Key>> {
    let rows = vault
        .db
        .all(
            "SELECT id, sealed_private, signs_from FROM signing_key
             WHERE algorithm = $1 ORDER BY signs_from, id",
            params![ALGORITHM],
            |row| {
                Ok((
                    row.get::<String>(0)?,
                    row.get::<Vec<u8>>(1)?,
                    row.get::<Timestamp>(2)?,
                ))
            },
        )
        .await?;
    rows.into_iter()
        .map(|(id, sealed, signs_from)| {
            let secret: [u8; 32] = vault
                .master
                .open(&purpose(&id), &sealed)?
                .try_into()
                .map_err(|_| internal("a signing key is not 32 bytes"))?;
            Ok(Key {
                id,
                signing: SigningKey::from_bytes(&secret),
                signs_from,
            })
        })
        .collect()
}

/// Makes keys that start then, deletes those named, moves the start of one.
pub async fn change(
    vault: &Vault<'_>,
    lease: Lease,
    new: Vec<Timestamp>,
    past: Vec<String>,
    moved: Option<(String, Timestamp)>,
) -> Result<()> {
    let now = vault.now;
    let new = new
        .into_iter()
        .map(|signs_from| {
            let signing = SigningKey::from_bytes(&vault.entropy.bytes());
            let public = signing.verifying_key().to_bytes().to_vec();
            let id = BASE64_URL_SAFE_NO_PAD.encode(vault.entropy.bytes::<9>());
            let sealed = vault
                .master
                .seal(vault.entropy, &purpose(&id), &signing.to_bytes())?;
            Ok((id, sealed, public, signs_from))
        })
        .collect::<Result<Vec<_>>>()?;
    vault
        .db
        .write_again(move |tx| async move {
            leases::fence(&tx, &lease).await?;
            for (id, sealed, public, signs_from) in new {
                tx.execute(
                    "INSERT INTO signing_key (id, algorithm, sealed_private, public, created_at, signs_from, retires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    params![
                        id,
                        ALGORITHM,
                        sealed,
                        public,
                        now,
                        signs_from,
                        signs_from.plus(schedule::LIFE)
                    ],
                )
                .await?;
            }
            for id in past {
                tx.execute("DELETE FROM signing_key WHERE id = $1", params![id])
                    .await?;
            }
            if let Some((id, signs_from)) = moved {
                tx.execute(
                    "UPDATE signing_key SET signs_from = $1 WHERE id = $2",
                    params![signs_from, id],
                )
                .await?;
            }
            Ok(())
        })
        .await
}

/// A key as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub algorithm: String,
    pub signs_from: Timestamp,
    /// Which of all keys signs now.
    pub signs: bool,
}

pub async fn list(db: &Db, now: Timestamp) -> Result<Vec<Listed>> {
    let sql = "SELECT id, algorithm, signs_from FROM signing_key ORDER BY signs_from, id";
    let mut keys = db
        .all(sql, params![], |row| {
            Ok(Listed {
                id: row.get(0)?,
                algorithm: row.get(1)?,
                signs_from: row.get(2)?,
                signs: false,
            })
        })
        .await?;
    let starts: Vec<_> = keys.iter().map(|key| key.signs_from).collect();
    if let Some(place) = schedule::signing(&starts, now) {
        keys[place].signs = true;
    }
    Ok(keys)
}
