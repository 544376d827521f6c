//! Devices: browsers and apps that a member has logged in from before.
//!
//! A device is known by a random secret that the server gave it, in a cookie or
//! to an app's keeping, and by nothing else: no fingerprint of the person, and
//! an address that changes means nothing.

use crate::members::MemberId;
use base::{Result, Timestamp};
use db::{Executor, Tx, params};

/// Characters of a device's secret: 32 random bytes in base64.
pub const SECRET_LENGTH: usize = 43;

/// What the server keeps of a secret.
pub fn hash(secret: &str) -> Vec<u8> {
    blake3::derive_key("mundo-tango device secret", secret.as_bytes()).to_vec()
}

/// Whether this server ever gave that secret to anybody's device. Others are
/// not taken over: somebody could have planted them.
pub async fn was_issued(db: &impl Executor, hash: &[u8]) -> Result<bool> {
    let sql = "SELECT 1 FROM device WHERE secret_hash = $1 LIMIT 1";
    let found: Option<i64> = db.one(sql, params![hash.to_vec()], |row| row.get(0)).await?;
    Ok(found.is_some())
}

/// Whether the member has logged in from this device before.
pub async fn is_known(db: &impl Executor, member: MemberId, hash: &[u8]) -> Result<bool> {
    let sql = "SELECT 1 FROM device WHERE member_id = $1 AND secret_hash = $2";
    let found: Option<i64> = db
        .one(sql, params![member, hash.to_vec()], |row| row.get(0))
        .await?;
    Ok(found.is_some())
}

/// The same of an account that is known by its e-mail alone.
pub async fn is_known_to(db: &impl Executor, email: &str, secret: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM device d JOIN member m ON m.id = d.member_id
               WHERE m.email = $1 AND d.secret_hash = $2";
    let found: Option<i64> = db
        .one(sql, params![email, hash(secret)], |row| row.get(0))
        .await?;
    Ok(found.is_some())
}

/// Notes a log-in from the device.
pub async fn remember(tx: &Tx, member: MemberId, hash: &[u8], name: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO device (member_id, secret_hash, name, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (member_id, secret_hash) DO UPDATE SET name = excluded.name, last_seen_at = excluded.last_seen_at",
        params![member, hash.to_vec(), name, now],
    )
    .await
    .map(drop)
}

/// The member says that it is not theirs.
pub async fn forget(tx: &Tx, member: MemberId, hash: &[u8]) -> Result<()> {
    let sql = "DELETE FROM device WHERE member_id = $1 AND secret_hash = $2";
    tx.execute(sql, params![member, hash.to_vec()]).await.map(drop)
}

/// What to call a client by its User-Agent: `Firefox on Linux`.
pub fn name(user_agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        // `MundoApp/2.1 (…)`: the first word, without its version.
        (None, None) => user_agent
            .split(['/', ' ', '('])
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(40)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn clients_are_called_by_what_people_know() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(name(firefox), "Firefox on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1";
        assert_eq!(name(phone), "Safari on iPhone");
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0";
        assert_eq!(name(edge), "Edge on Windows");
        assert_eq!(name("MundoApp/2.1 (build 7)"), "MundoApp");
        assert_eq!(name(""), "");
    }
}
