//! The keys that sign access tokens: a new one every 30 days, the one before
//! kept until the last token it signed has expired.

use crate::sealing::MasterKey;
use base::{Result, Timestamp, error::internal};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use db::{Executor, params};
use ed25519_dalek::SigningKey;
use platform::App;
use std::time::Duration;

/// The key record owns the algorithm; there is one.
const ALGORITHM: &str = "EdDSA";
const LIFE: Duration = Duration::from_hours(720);
/// A key verifies for this long after it has stopped signing.
const AFTERLIFE: Duration = Duration::from_hours(24);

#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub signing: SigningKey,
    pub retires_at: Timestamp,
}

/// The live keys, the one that signs first. Makes one when none is left.
pub async fn load_or_create(app: &App, master: &MasterKey) -> Result<Vec<Key>> {
    let now = app.clock.now();
    let mut keys = load(app, master, now).await?;
    if keys.first().is_none_or(|key| key.retires_at <= now) {
        create(app, master, now).await?;
        keys = load(app, master, now).await?;
    }
    if keys.is_empty() {
        return Err(internal("there is no key to sign access tokens with"));
    }
    Ok(keys)
}

async fn load(app: &App, master: &MasterKey, now: Timestamp) -> Result<Vec<Key>> {
    let rows = app
        .db
        .all(
            "SELECT id, sealed_private, retires_at FROM signing_key
             WHERE algorithm = $1 AND retires_at > $2 ORDER BY retires_at DESC, id",
            params![ALGORITHM, now.minus(AFTERLIFE)],
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
        .map(|(id, sealed, retires_at)| {
            let secret = master.open(&format!("signing key {id}"), &sealed)?;
            let secret: [u8; 32] = secret
                .try_into()
                .map_err(|_| internal("a signing key is not 32 bytes"))?;
            let signing = SigningKey::from_bytes(&secret);
            Ok(Key {
                id,
                signing,
                retires_at,
            })
        })
        .collect()
}

async fn create(app: &App, master: &MasterKey, now: Timestamp) -> Result<()> {
    let signing = SigningKey::from_bytes(&app.entropy.bytes());
    let public = signing.verifying_key().to_bytes().to_vec();
    let id = BASE64_URL_SAFE_NO_PAD.encode(app.entropy.bytes::<9>());
    let sealed = master.seal(&app.entropy, &format!("signing key {id}"), &signing.to_bytes())?;
    app.db
        .write(move |tx| async move {
            // Two nodes may find none at the same time; one key too many does no harm.
            tx.execute(
                "INSERT INTO signing_key (id, algorithm, sealed_private, public, created_at, retires_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                params![id, ALGORITHM, sealed, public, now, now.plus(LIFE)],
            )
            .await?;
            tx.execute(
                "DELETE FROM signing_key WHERE retires_at < $1",
                params![now.minus(AFTERLIFE)],
            )
            .await
        })
        .await
        .map(drop)
}
