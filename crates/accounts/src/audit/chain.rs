//! The chain: each entry's hash covers the hash before it, its number and all it says.

use base::Timestamp;
use uuid::Uuid;

/// An entry as it lies in the database, tampered with or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: Uuid,
    pub actor: Option<Uuid>,
    pub action: String,
    pub subject: Option<Uuid>,
    pub commitment: Vec<u8>,
    pub created_at: Timestamp,
}

/// What comes before the first entry.
pub const BEGINNING: [u8; 32] = [0; 32];

/// What an entry keeps of its text: binding, and without the salt not to be guessed.
pub fn commitment(salt: &[u8; 32], detail: &str) -> [u8; 32] {
    *blake3::keyed_hash(salt, detail.as_bytes()).as_bytes()
}

/// BLAKE3 over the hash before, the number and the entry. Each part has a fixed
/// length or says its own, so that no two entries read the same.
pub fn link(before: &[u8; 32], seq: i64, entry: &Entry) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("mundo-tango audit chain 1");
    hasher.update(before).update(&seq.to_be_bytes());
    hasher.update(entry.id.as_bytes());
    for id in [entry.actor, entry.subject] {
        hasher.update(&[u8::from(id.is_some())]);
        hasher.update(id.unwrap_or_default().as_bytes());
    }
    for part in [entry.action.as_bytes(), &entry.commitment] {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    hasher.update(&entry.created_at.as_micros().to_be_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let entry = Entry {
            id: Uuid::from_u128(1),
            actor: Some(Uuid::from_u128(2)),
            action: "role_granted".to_owned(),
            subject: Some(Uuid::from_u128(3)),
            commitment: commitment(&[7; 32], "god").to_vec(),
            created_at: Timestamp::from_micros(5),
        };
        let mut hashes = vec![
            link(&BEGINNING, 1, &entry),
            link(&[1; 32], 1, &entry),
            link(&BEGINNING, 2, &entry),
        ];
        let changes: [fn(&mut Entry); 8] = [
            |entry| entry.id = Uuid::from_u128(9),
            |entry| entry.actor = None,
            |entry| entry.actor = Some(Uuid::nil()),
            |entry| std::mem::swap(&mut entry.actor, &mut entry.subject),
            |entry| entry.action.push('x'),
            |entry| entry.subject = None,
            |entry| entry.commitment = commitment(&[7; 32], "free").to_vec(),
            |entry| entry.created_at = Timestamp::from_micros(6),
        ];
        for change in changes {
            let mut changed = entry.clone();
            change(&mut changed);
            hashes.push(link(&BEGINNING, 1, &changed));
        }
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
