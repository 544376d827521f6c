//! Peppers: Argon2's secret input, so that stolen hashes alone cannot be tried.
//!
//! Each lies in the database sealed under the master key; a hash names its own.
//! Never true: a pepper deleted while a hash may name it.

use crate::{SealedPepper, master_keys::MasterKeys};
use base::{Entropy, Result, Timestamp, error::internal};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use db::{Db, Executor, params};

/// Six bytes are eight characters; Argon2 takes eight bytes at most.
const ID_BYTES: usize = 6;

pub struct Pepper {
    pub id: Vec<u8>,
    pub secret: [u8; 32],
}

/// All of them, the newest first.
#[derive(Default)]
pub struct Peppers(Vec<Pepper>);

impl Peppers {
    /// The one for new hashes.
    pub fn newest(&self) -> Result<&Pepper> {
        self.0
            .first()
            .ok_or_else(|| internal("there is no pepper for passwords"))
    }

    pub fn find(&self, id: &[u8]) -> Option<&Pepper> {
        self.0.iter().find(|pepper| pepper.id == id)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A pepper's id as text.
pub fn written(id: &[u8]) -> String {
    BASE64.encode(id)
}

pub fn purpose(id: &str) -> String {
    format!("pepper {id}")
}

pub async fn load(db: &Db, master: &MasterKeys) -> Result<Peppers> {
    let sql = "SELECT id, sealed FROM pepper ORDER BY created_at DESC, id DESC";
    let rows = db
        .all(sql, params![], |row| {
            Ok((row.get::<String>(0)?, row.get::<Vec<u8>>(1)?))
        })
        .await?;
    let peppers = rows.into_iter().map(|(id, sealed)| {
        let secret = master.open(&purpose(&id), &sealed)?;
        Ok(Pepper {
            id: BASE64.decode(&id).map_err(internal)?,
            secret: secret
                .try_into()
                .map_err(|_| internal("a pepper is not 32 bytes"))?,
        })
    });
    peppers.collect::<Result<_>>().map(Peppers)
}

/// Makes the first pepper when there is none.
pub async fn ensure(db: &Db, entropy: &Entropy, master: &MasterKeys, now: Timestamp) -> Result<()> {
    if list(db).await?.is_empty() {
        // Two nodes may find none at the same time: a second one does no harm.
        rotate(db, entropy, master, now).await?;
    }
    Ok(())
}

/// Adds a pepper for all new hashes and names it. Old hashes keep theirs until
/// their owners log in.
pub async fn rotate(db: &Db, entropy: &Entropy, master: &MasterKeys, now: Timestamp) -> Result<String> {
    let id = BASE64.encode(entropy.bytes::<ID_BYTES>());
    let sealed = master.seal(entropy, &purpose(&id), &entropy.bytes::<32>())?;
    let named = id.clone();
    db.write_again(move |tx| async move {
        tx.execute(
            "INSERT INTO pepper (id, sealed, created_at) VALUES ($1, $2, $3)",
            params![named, sealed, now],
        )
        .await
    })
    .await?;
    Ok(id)
}

/// All of them as they lie in the database.
pub(crate) async fn sealed(db: &Db) -> Result<Vec<SealedPepper>> {
    let sql = "SELECT id, sealed, created_at FROM pepper ORDER BY created_at, id";
    db.all(sql, params![], |row| {
        Ok(SealedPepper {
            id: row.get(0)?,
            sealed: row.get(1)?,
            created_at: row.get(2)?,
        })
    })
    .await
}

/// Adds one that was made before, unless it is there.
pub(crate) async fn add(db: &Db, id: String, sealed: Vec<u8>, created_at: Timestamp) -> Result<()> {
    db.write_again(move |tx| async move {
        let sql =
            "INSERT INTO pepper (id, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        tx.execute(sql, params![id, sealed, created_at]).await
    })
    .await
    .map(drop)
}

/// A pepper as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub created_at: Timestamp,
}

/// All of them, the one in use first.
pub async fn list(db: &Db) -> Result<Vec<Listed>> {
    let sql = "SELECT id, created_at FROM pepper ORDER BY created_at DESC, id DESC";
    db.all(sql, params![], |row| {
        Ok(Listed {
            id: row.get(0)?,
            created_at: row.get(1)?,
        })
    })
    .await
}
