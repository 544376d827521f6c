//! Moves what older master keys have sealed under the current one.
//!
//! Whatever is sealed in the database stands in [`places`]. Each row is written
//! only if it still holds what was read, so that runs on two nodes at once, or
//! one cut off in the middle, do no harm.

use crate::{SessionId, keys, master_keys::MasterKeys, passwords, push, sealing::id_text, secrets};
use base::{Entropy, Result, error::internal};
use db::{Column, Db, Executor, ToParam, params};

/// Rows in one transaction.
const BATCH: i64 = 200;

/// A column of sealed bytes.
struct Place {
    table: &'static str,
    read: &'static str,
    write: &'static str,
    count: &'static str,
    marks: &'static str,
}

macro_rules! place {
    ($table:literal, $column:literal) => {
        Place {
            table: $table,
            read: concat!(
                "SELECT id, ",
                $column,
                " FROM ",
                $table,
                " WHERE substr(",
                $column,
                ", 1, 8) = $1 LIMIT $2"
            ),
            write: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = $1 WHERE id = $2 AND ",
                $column,
                " = $3"
            ),
            count: concat!(
                "SELECT count(*) FROM ",
                $table,
                " WHERE substr(",
                $column,
                ", 1, 8) = $1"
            ),
            marks: concat!("SELECT DISTINCT substr(", $column, ", 1, 8) FROM ", $table),
        }
    };
}

const SESSIONS: Place = place!("session", "sealed_key");
const SIGNING_KEYS: Place = place!("signing_key", "sealed_private");
const PEPPERS: Place = place!("pepper", "sealed");
const SECRETS: Place = place!("secret", "sealed");
const PUSH_KEYS: Place = place!("push_key", "sealed");

/// All there are.
fn places() -> [Place; 5] {
    [SESSIONS, SIGNING_KEYS, PEPPERS, SECRETS, PUSH_KEYS]
}

/// Seals anew all that older keys at hand have sealed; tells how many values that were.
pub async fn reseal(db: &Db, entropy: &Entropy, master: &MasterKeys) -> Result<i64> {
    master.reload()?;
    let mut count = 0;
    for (_, mark) in master.older() {
        let work = Work {
            db,
            entropy,
            master,
            mark: mark.to_vec(),
        };
        count += work
            .place(SESSIONS, |id: &SessionId| crate::session_purpose(*id))
            .await?;
        count += work.place(SIGNING_KEYS, |id: &String| keys::purpose(id)).await?;
        count += work
            .place(PEPPERS, |id: &String| passwords::pepper_purpose(id))
            .await?;
        count += work.place(SECRETS, |id: &String| secrets::purpose(id)).await?;
        count += work.place(PUSH_KEYS, |id: &String| push::purpose(id)).await?;
    }
    Ok(count)
}

/// How many values the key with that mark has sealed.
pub async fn sealed_under(db: &Db, mark: &[u8]) -> Result<i64> {
    let mut sum = 0;
    for place in places() {
        let count = db
            .one(place.count, params![mark], |row| row.get::<i64>(0))
            .await?;
        sum += count.unwrap_or(0);
    }
    Ok(sum)
}

/// Fails when something in the database is sealed under a key that is not at hand.
pub async fn check_all_open(db: &Db, master: &MasterKeys) -> Result<()> {
    let mut at_hand: Vec<Vec<u8>> = vec![master.mark().to_vec()];
    at_hand.extend(master.older().into_iter().map(|(_, mark)| mark.to_vec()));
    // A database of an older version may lack a table.
    let tables = db::migrate::tables(db).await?;
    for place in places().into_iter().filter(|place| tables.contains(place.table)) {
        let marks = db
            .all(place.marks, params![], |row| row.get::<Vec<u8>>(0))
            .await?;
        if let Some(foreign) = marks.iter().find(|mark| !at_hand.contains(mark)) {
            return Err(crate::sealing::foreign(foreign, &master.id()));
        }
    }
    Ok(())
}

struct Work<'a> {
    db: &'a Db,
    entropy: &'a Entropy,
    master: &'a MasterKeys,
    mark: Vec<u8>,
}

impl Work<'_> {
    async fn place<I>(&self, place: Place, purpose: fn(&I) -> String) -> Result<i64>
    where
        I: Column + ToParam + Clone + Send + Sync + 'static,
    {
        let mut sum = 0;
        loop {
            let rows = self
                .db
                .all(place.read, params![self.mark, BATCH], |row| {
                    Ok((row.get::<I>(0)?, row.get::<Vec<u8>>(1)?))
                })
                .await?;
            if rows.is_empty() {
                return Ok(sum);
            }
            let mut changes = vec![];
            for (id, old) in rows {
                let secret = self.master.open(&purpose(&id), &old)?;
                let new = self.master.seal(self.entropy, &purpose(&id), &secret)?;
                changes.push((id, old, new));
            }
            let write = place.write;
            let changed = self
                .db
                .write_again(move |tx| async move {
                    let mut changed = 0;
                    for (id, old, new) in changes {
                        changed += tx.execute(write, params![new, id, old]).await?;
                    }
                    Ok(changed)
                })
                .await?;
            if changed == 0 {
                return Err(internal(format!(
                    "what master key {} has sealed cannot be moved",
                    id_text(&self.mark)
                )));
            }
            sum += changed as i64;
        }
    }
}
