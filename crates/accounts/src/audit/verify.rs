//! Computes the whole chain again and names what does not fit.

use super::{
    chain::{BEGINNING, commitment, link},
    head::{Head, hex},
    store::{self, Kept},
};
use base::Result;
use db::{Db, Snapshot};
use std::fmt;
use uuid::Uuid;

const PAGE: i64 = 1000;

/// Something that was done to the log behind its back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Entries were taken out.
    Missing { first: i64, last: i64 },
    /// The first entry that is not what was chained, or follows something else.
    Changed { seq: i64, id: Uuid },
    /// An entry stands where another belongs.
    Moved { seq: i64, id: Uuid, belongs: Uuid },
    /// A text is not the one that the entry committed to.
    TextChanged { id: Uuid },
    /// A text whose entry is gone.
    EntryGone { id: Uuid },
    /// The log ends before the entry that was recorded outside the database.
    CutOff { recorded: i64, found: i64 },
    /// The chain fits in itself, but is not the one that was recorded.
    Rewritten { recorded: i64 },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Missing { first, last } if first == last => write!(f, "entry {first} is missing"),
            Flaw::Missing { first, last } => write!(f, "entries {first} to {last} are missing"),
            Flaw::Changed { seq, id } => write!(
                f,
                "the chain breaks at entry {seq} ({id}): it was changed, or one before it was taken out"
            ),
            Flaw::Moved { seq, id, belongs } => {
                write!(
                    f,
                    "the order was changed: {id} stands at {seq}, where {belongs} belongs"
                )
            }
            Flaw::TextChanged { id } => write!(f, "the text of entry {id} was changed"),
            Flaw::EntryGone { id } => write!(f, "entry {id} is gone; its text is still there"),
            Flaw::CutOff { recorded, found } => write!(
                f,
                "the end was cut off: entry {recorded} was recorded outside the database, the log ends at {found}"
            ),
            Flaw::Rewritten { recorded } => write!(
                f,
                "the log was written anew: entry {recorded} is not the one recorded outside the database"
            ),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub flaws: Vec<Flaw>,
    /// Links whose hash is right.
    pub links: i64,
    /// Entries that wait for their place.
    pub unchained: i64,
    /// Numbers of entries whose text was erased: allowed, and told.
    pub erased: Vec<i64>,
    /// The head that the log was compared with.
    pub head: Option<Head>,
}

/// Verifies the log against itself and against the head recorded in the data folder.
pub async fn verify(db: &Db, head: Option<Head>) -> Result<Findings> {
    db.read(move |snapshot| async move {
        let mut findings = Findings::default();
        let newest = verify_chain(&snapshot, &mut findings).await?;
        verify_waiting(&snapshot, &mut findings).await?;
        let lonely = store::lonely_texts(&snapshot).await?;
        findings
            .flaws
            .extend(lonely.into_iter().map(|id| Flaw::EntryGone { id }));
        let birth = store::birth(&snapshot).await?;
        if let Some(head) = head.filter(|head| head.database == birth) {
            let there = store::hash_at(&snapshot, head.seq).await?;
            if head.seq > newest {
                findings.flaws.push(Flaw::CutOff {
                    recorded: head.seq,
                    found: newest,
                });
            } else if there.as_deref().map(hex).as_deref() != Some(&*head.hash) {
                findings.flaws.push(Flaw::Rewritten { recorded: head.seq });
            }
            findings.head = Some(head);
        }
        Ok(findings)
    })
    .await
}

fn verify_text(kept: &Kept, findings: &mut Findings) {
    let Some((salt, detail)) = &kept.text else {
        findings.erased.extend(kept.seq);
        return;
    };
    let fits = <[u8; 32]>::try_from(&salt[..])
        .is_ok_and(|salt| commitment(&salt, detail)[..] == kept.entry.commitment[..]);
    if !fits {
        findings.flaws.push(Flaw::TextChanged { id: kept.entry.id });
    }
}

/// Walks along the chain, names its first flaw and gives the last number.
async fn verify_chain(snapshot: &Snapshot, findings: &mut Findings) -> Result<i64> {
    let (mut last, mut before, mut broken) = (0, BEGINNING, false);
    // Numbers begin at 1; one below would hide from a walk that began there.
    let mut position = i64::MIN;
    loop {
        let page = store::chained_after(snapshot, position, PAGE).await?;
        for kept in &page {
            let seq = kept.seq.unwrap_or_default();
            verify_text(kept, findings);
            if !broken {
                let hash = link(&before, seq, &kept.entry);
                if seq > last + 1 {
                    findings.flaws.push(Flaw::Missing {
                        first: last + 1,
                        last: seq - 1,
                    });
                    broken = true;
                } else if seq != last + 1 || hash[..] != kept.hash[..] {
                    findings
                        .flaws
                        .push(break_at(snapshot, &before, last + 1, kept).await?);
                    broken = true;
                } else {
                    findings.links += 1;
                }
                before = hash;
            }
            last = seq;
            position = seq;
        }
        if (page.len() as i64) < PAGE {
            return Ok(last);
        }
    }
}

/// Whether the entry was changed, or a later one belongs where it stands.
async fn break_at(snapshot: &Snapshot, before: &[u8; 32], seq: i64, found: &Kept) -> Result<Flaw> {
    let (id, mut position) = (found.entry.id, seq);
    loop {
        let page = store::chained_after(snapshot, position, PAGE).await?;
        for other in &page {
            let hash = link(before, seq, &other.entry);
            if hash[..] == other.hash[..] || hash[..] == found.hash[..] {
                return Ok(Flaw::Moved {
                    seq,
                    id,
                    belongs: other.entry.id,
                });
            }
            position = other.seq.unwrap_or(position);
        }
        if (page.len() as i64) < PAGE {
            return Ok(Flaw::Changed { seq, id });
        }
    }
}

async fn verify_waiting(snapshot: &Snapshot, findings: &mut Findings) -> Result<()> {
    let mut position = Uuid::nil();
    loop {
        let page = store::unchained_after(snapshot, position, PAGE).await?;
        for kept in &page {
            verify_text(kept, findings);
            position = kept.entry.id;
        }
        findings.unchained += page.len() as i64;
        if (page.len() as i64) < PAGE {
            return Ok(());
        }
    }
}
