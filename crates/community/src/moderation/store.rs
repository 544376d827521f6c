//! Every statement on `moderation_case` and `moderation_decision`.

use super::{
    Action, CaseId, DecisionId,
    model::{Case, CaseStatus, Content, Decision, DecisionStatus, Outcome, Reported, Weighed},
};
use crate::{
    messages::MessageId,
    profiles::{Author, author_columns},
    reports::{Reason, SubjectId, SubjectKind},
};
use accounts::{MemberId, Moderator};
use base::{Ids, Paging, Result, Timestamp, page::TimeCursor};
use db::{Executor, Row, Tx, params};
use std::time::Duration;

/// What is looked at, with who wrote or is it.
#[derive(Clone, Debug)]
pub struct Subject {
    pub accused: MemberId,
    pub content: Option<Content>,
}

/// Reads it whoever may see it; none when it is gone.
pub async fn subject(db: &impl Executor, kind: SubjectKind, id: SubjectId) -> Result<Option<Subject>> {
    let sql = match kind {
        SubjectKind::Post => {
            "SELECT author_id, body, html, created_at, withheld IS NOT NULL FROM post
             WHERE id = $1 AND community_id = @community"
        }
        SubjectKind::Comment => {
            "SELECT author_id, body, NULL, created_at, withheld_at IS NOT NULL FROM comment
             WHERE id = $1 AND deleted_at IS NULL AND community_id = @community"
        }
        SubjectKind::Story => {
            "SELECT author_id, caption, NULL, created_at, withheld_at IS NOT NULL FROM story
             WHERE id = $1 AND community_id = @community"
        }
        SubjectKind::Message => {
            "SELECT sender_id, coalesce(withheld, body), NULL, created_at, withheld IS NOT NULL FROM message
             WHERE id = $1 AND (deleted_at IS NULL OR withheld IS NOT NULL) AND community_id = @community"
        }
        SubjectKind::Place => {
            "SELECT created_by, name || ' | ' || description, NULL, created_at, withheld_at IS NOT NULL FROM place
             WHERE id = $1 AND created_by IS NOT NULL AND community_id = @community"
        }
        SubjectKind::Member => {
            let member = "SELECT id FROM member WHERE id = $1";
            let found = db.one(member, params![id], |row| row.get(0)).await?;
            return Ok(found.map(|accused| Subject {
                accused,
                content: None,
            }));
        }
    };
    db.one(sql, params![id], |row| {
        Ok(Subject {
            accused: row.get(0)?,
            content: Some(Content {
                body: row.get(1)?,
                html: row.get(2)?,
                created_at: row.get(3)?,
                is_withheld: row.get(4)?,
            }),
        })
    })
    .await
}

/// Answers that are looked for among the latest messages of a room.
const LATEST: i64 = 50;

/// The text of a message to somebody who is no friend of the sender's, does not follow them and has not
/// answered; none of any other.
pub async fn to_a_stranger(db: &impl Executor, id: MessageId) -> Result<Option<String>> {
    let sql = "SELECT m.body FROM message m JOIN room r ON r.id = m.room_id
               WHERE m.id = $1 AND m.community_id = @community AND m.deleted_at IS NULL AND r.kind = 'direct'
                   AND NOT EXISTS (SELECT 1 FROM (SELECT x.sender_id FROM message x WHERE x.room_id = m.room_id
                       ORDER BY x.seq DESC LIMIT $2) latest WHERE latest.sender_id <> m.sender_id)
                   AND NOT EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community AND f.member_id = m.sender_id
                       AND f.friend_id = CASE WHEN r.low_id = m.sender_id THEN r.high_id ELSE r.low_id END)
                   AND NOT EXISTS (SELECT 1 FROM follow f WHERE f.community_id = @community
                       AND f.followee_id = m.sender_id
                       AND f.follower_id = CASE WHEN r.low_id = m.sender_id THEN r.high_id ELSE r.low_id END)";
    db.one(sql, params![id, LATEST], |row| row.get(0)).await
}

/// How often the author said exactly this within a day, this time aside, and how much they said
/// within the hour before now. Looks no further than to the tenth. Of messages only counts are read: how
/// often it was said in other rooms, and in how many rooms the author spoke.
pub async fn history(
    db: &impl Executor,
    ids: &Ids,
    author: MemberId,
    kind: SubjectKind,
    id: SubjectId,
    body: &str,
    now: Timestamp,
) -> Result<(i64, i64)> {
    const OF_MESSAGES: &str = "SELECT
            (SELECT count(*) FROM (SELECT 1 FROM message WHERE community_id = @community AND sender_id = $1 AND id > $2
                AND id <> $3 AND body = $4 LIMIT 10) same_messages),
            (SELECT count(*) FROM (SELECT DISTINCT room_id FROM message WHERE community_id = @community
                AND sender_id = $1 AND id > $5 LIMIT 10) rooms)";
    const OF_WORDS: &str = "SELECT
            (SELECT count(*) FROM (SELECT 1 FROM post WHERE community_id = @community AND author_id = $1 AND id > $2
                AND id <> $3 AND body = $4 LIMIT 10) same_posts)
          + (SELECT count(*) FROM (SELECT 1 FROM comment WHERE community_id = @community AND author_id = $1 AND id > $2
                AND id <> $3 AND body = $4 LIMIT 10) same_comments),
            (SELECT count(*) FROM (SELECT 1 FROM post WHERE community_id = @community AND author_id = $1 AND id > $5
                LIMIT 10) posts)
          + (SELECT count(*) FROM (SELECT 1 FROM comment WHERE community_id = @community AND author_id = $1 AND id > $5
                LIMIT 10) comments)";
    let sql = match kind {
        SubjectKind::Message => OF_MESSAGES,
        _ => OF_WORDS,
    };
    let [day, hour] = [24, 1].map(|hours| ids.at(now.minus(Duration::from_hours(hours))));
    let found = db
        .one(sql, params![author, day, id, body, hour], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .await?;
    Ok(found.unwrap_or_default())
}

/// Reports that nobody has answered, by reason: how many, and how many by members who are trusted.
/// Trusted is who came before that id and had no more reports dismissed than confirmed.
pub async fn reports(
    db: &impl Executor,
    kind: SubjectKind,
    id: SubjectId,
    trusted_before: base::uuid::Uuid,
) -> Result<Vec<(Reason, i64, i64)>> {
    let sql = "SELECT r.reason, count(*), count(CASE WHEN r.reporter_id < $3
                   AND (SELECT count(*) FROM report d WHERE d.community_id = @community
                            AND d.reporter_id = r.reporter_id AND d.status = 'dismissed')
                    <= (SELECT count(*) FROM report k WHERE k.community_id = @community
                            AND k.reporter_id = r.reporter_id AND k.status = 'resolved') THEN 1 END)
               FROM report r WHERE r.community_id = @community AND r.subject_kind = $1 AND r.subject_id = $2
                   AND r.status = 'pending'
               GROUP BY r.reason";
    db.all(sql, params![kind, id, trusted_before], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .await
}

/// Who said what of it, the latest first.
pub async fn reported(db: &impl Executor, kind: SubjectKind, id: SubjectId) -> Result<Vec<Reported>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", r.reason, r.note, r.created_at
               FROM report r JOIN member m ON m.id = r.reporter_id
               WHERE r.community_id = @community AND r.subject_kind = $1 AND r.subject_id = $2
               ORDER BY r.id DESC LIMIT 50"
    );
    db.all(sql, params![kind, id], |row| {
        Ok(Reported {
            reporter: Some(Author::at(row, 0)?),
            reason: row.get(4)?,
            note: row.get(5)?,
            created_at: row.get(6)?,
        })
    })
    .await
}

/// A case as it is opened or weighed again.
#[derive(Clone, Debug)]
pub struct Opening {
    pub id: CaseId,
    pub kind: SubjectKind,
    pub subject: SubjectId,
    pub accused: MemberId,
    pub score: f64,
    pub why: serde_json::Value,
    pub report_count: i64,
    pub opened_at: Timestamp,
    pub due_at: Timestamp,
}

/// Opens a case, or weighs the open one again; it is never due later than it was.
pub async fn open(tx: &Tx, case: &Opening) -> Result<()> {
    tx.execute(
        "INSERT INTO moderation_case (id, community_id, subject_kind, subject_id, accused_id, status, score, why,
                                      report_count, opened_at, due_at)
         VALUES ($1, @community, $2, $3, $4, 'open', $5, $6, $7, $8, $9)
         ON CONFLICT (community_id, subject_kind, subject_id) WHERE status = 'open' DO UPDATE
             SET score = excluded.score, why = excluded.why, report_count = excluded.report_count,
                 due_at = CASE WHEN excluded.due_at < moderation_case.due_at THEN excluded.due_at
                               ELSE moderation_case.due_at END",
        params![
            case.id,
            case.kind,
            case.subject,
            case.accused,
            case.score,
            case.why,
            case.report_count,
            case.opened_at,
            case.due_at
        ],
    )
    .await
    .map(drop)
}

/// Whether who asks sees the case `k`; `$own` says that they are of the community's own staff. Those see
/// what a member reported, and what a machine found in words that anybody there may read; no messages.
macro_rules! seen {
    ($own:literal) => {
        concat!(
            "(NOT ",
            $own,
            " OR (k.subject_kind <> 'message' AND (k.report_count > 0 OR k.subject_kind = 'place'
                OR (k.subject_kind = 'post' AND EXISTS (SELECT 1 FROM post p WHERE p.community_id = @community
                    AND p.id = k.subject_id AND coalesce(p.withheld, p.visibility) = 'public'))
                OR (k.subject_kind = 'comment' AND EXISTS (SELECT 1 FROM comment c JOIN post p ON p.id = c.post_id
                    WHERE c.community_id = @community AND c.id = k.subject_id
                        AND coalesce(p.withheld, p.visibility) = 'public')))))"
        )
    };
}

macro_rules! cases {
    ($($rest:tt)*) => {
        concat!(
            "SELECT k.id, k.subject_kind, k.subject_id, ", author_columns!("m"), ",
                    k.status, k.why, k.report_count, k.opened_at, k.due_at, k.claimed_by, k.claimed_until
             FROM moderation_case k JOIN member m ON m.id = k.accused_id WHERE k.community_id = @community ",
            $($rest)*
        )
    };
}

fn case(row: &Row<'_>) -> Result<Case> {
    Ok(Case {
        id: row.get(0)?,
        subject_kind: row.get(1)?,
        subject_id: row.get(2)?,
        accused: Author::at(row, 3)?,
        status: row.get(7)?,
        why: row.get::<Weighed>(8)?,
        report_count: row.get(9)?,
        opened_at: row.get(10)?,
        due_at: row.get(11)?,
        claimed_by: row.get(12)?,
        claimed_until: row.get(13)?,
    })
}

/// The queue: what is due first stands first.
pub async fn queue(
    db: &impl Executor,
    is_own: bool,
    status: CaseStatus,
    after: TimeCursor,
    limit: i64,
) -> Result<Vec<Case>> {
    let sql = cases!(
        "AND k.status = $1 AND (k.due_at, k.id) > ($2, $3) AND ",
        seen!("$5"),
        " ORDER BY k.due_at, k.id LIMIT $4"
    );
    db.all(sql, params![status, after.0, after.1, limit, is_own], case)
        .await
}

pub async fn find(db: &impl Executor, id: CaseId, is_own: bool) -> Result<Option<Case>> {
    let sql = cases!("AND k.id = $1 AND ", seen!("$2"));
    db.one(sql, params![id, is_own], case).await
}

/// The case, which nobody else changes before the transaction ends.
pub async fn lock(tx: &Tx, id: CaseId, is_own: bool) -> Result<Option<Case>> {
    let sql = tx.pick(
        "SELECT id FROM moderation_case WHERE id = $1 AND community_id = @community",
        "SELECT id FROM moderation_case WHERE id = $1 AND community_id = @community FOR UPDATE",
    );
    tx.all(sql, params![id], |_| Ok(())).await?;
    find(tx, id, is_own).await
}

pub async fn claim(tx: &Tx, id: CaseId, by: Option<MemberId>, until: Option<Timestamp>) -> Result<()> {
    let sql = "UPDATE moderation_case SET claimed_by = $1, claimed_until = $2
               WHERE id = $3 AND community_id = @community";
    tx.execute(sql, params![by, until, id]).await.map(drop)
}

pub async fn close(tx: &Tx, id: CaseId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE moderation_case SET status = 'decided', closed_at = $1, claimed_by = NULL, claimed_until = NULL
               WHERE id = $2 AND community_id = @community";
    tx.execute(sql, params![now, id]).await.map(drop)
}

macro_rules! decisions {
    ($rest:literal) => {
        concat!(
            "SELECT id, case_id, subject_kind, subject_id, accused_id, decided_by, action, withholds, reason, note,
                    ends_at, status, created_at, appeal, appealed_at, outcome, reviewed_by, review_note, reviewed_at
             FROM moderation_decision WHERE community_id = @community ",
            $rest
        )
    };
}

fn decision(row: &Row<'_>) -> Result<Decision> {
    Ok(Decision {
        id: row.get(0)?,
        case_id: row.get(1)?,
        subject_kind: row.get(2)?,
        subject_id: row.get(3)?,
        accused_id: row.get(4)?,
        decided_by: row.get(5)?,
        action: row.get(6)?,
        withholds: row.get(7)?,
        reason: row.get(8)?,
        note: row.get(9)?,
        ends_at: row.get(10)?,
        status: row.get(11)?,
        created_at: row.get(12)?,
        appeal: row.get(13)?,
        appealed_at: row.get(14)?,
        outcome: row.get(15)?,
        reviewed_by: row.get(16)?,
        review_note: row.get(17)?,
        reviewed_at: row.get(18)?,
    })
}

pub async fn insert_decision(tx: &Tx, decision: &Decision) -> Result<()> {
    tx.execute(
        "INSERT INTO moderation_decision (id, community_id, case_id, subject_kind, subject_id, accused_id, decided_by,
                                          action, withholds, reason, note, ends_at, status, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        params![
            decision.id,
            decision.case_id,
            decision.subject_kind,
            decision.subject_id,
            decision.accused_id,
            decision.decided_by,
            decision.action,
            decision.withholds,
            decision.reason,
            decision.note,
            decision.ends_at,
            decision.status,
            decision.created_at
        ],
    )
    .await
    .map(drop)
}

pub async fn find_decision(db: &impl Executor, id: DecisionId) -> Result<Option<Decision>> {
    db.one(decisions!("AND id = $1"), params![id], decision).await
}

/// The decision, which nobody else changes before the transaction ends.
pub async fn lock_decision(tx: &Tx, id: DecisionId) -> Result<Option<Decision>> {
    let sql = tx.pick(decisions!("AND id = $1"), decisions!("AND id = $1 FOR UPDATE"));
    tx.one(sql, params![id], decision).await
}

/// What was decided in a case, the latest first.
pub async fn of_case(db: &impl Executor, case: CaseId) -> Result<Vec<Decision>> {
    db.all(
        decisions!("AND case_id = $1 ORDER BY id DESC"),
        params![case],
        decision,
    )
    .await
}

/// What was decided about another member, the latest first: nobody reads here who decided about themselves.
pub async fn about(
    db: &impl Executor,
    by: &Moderator,
    member: MemberId,
    page: Paging,
) -> Result<Vec<Decision>> {
    let sql = decisions!(
        "AND accused_id = $1 AND id < $2 AND accused_id <> $4 AND (NOT $5 OR subject_kind <> 'message')
         ORDER BY id DESC LIMIT $3"
    );
    db.all(
        sql,
        params![member, page.before(), page.fetch(), by.id, by.is_own],
        decision,
    )
    .await
}

/// The same without those of which the member was not told.
pub async fn told_to(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<Decision>> {
    let sql = decisions!("AND accused_id = $1 AND action <> 'nothing' AND id < $2 ORDER BY id DESC LIMIT $3");
    db.all(sql, params![member, page.before(), page.fetch()], decision)
        .await
}

/// Everything that was decided about others, the latest first.
pub async fn list(db: &impl Executor, by: &Moderator, page: Paging) -> Result<Vec<Decision>> {
    let sql = decisions!(
        "AND id < $1 AND accused_id <> $3 AND (NOT $4 OR subject_kind <> 'message') ORDER BY id DESC LIMIT $2"
    );
    db.all(
        sql,
        params![page.before(), page.fetch(), by.id, by.is_own],
        decision,
    )
    .await
}

/// Appeals that nobody has answered, the oldest first. To the community's own staff, those against
/// what they might have decided.
pub async fn appeals(
    db: &impl Executor,
    by: &Moderator,
    after: TimeCursor,
    limit: i64,
) -> Result<Vec<Decision>> {
    let sql = decisions!(
        "AND appealed_at IS NOT NULL AND outcome IS NULL AND (appealed_at, id) > ($1, $2)
             AND accused_id <> $4 AND (NOT $5 OR (subject_kind <> 'message' AND action IN ('withhold', 'warn')))
         ORDER BY appealed_at, id LIMIT $3"
    );
    db.all(sql, params![after.0, after.1, limit, by.id, by.is_own], decision)
        .await
}

/// False when there was an appeal already.
pub async fn appeal(tx: &Tx, id: DecisionId, words: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE moderation_decision SET appeal = $1, appealed_at = $2
               WHERE id = $3 AND appealed_at IS NULL AND community_id = @community";
    Ok(tx.execute(sql, params![words, now, id]).await? > 0)
}

pub async fn review(
    tx: &Tx,
    id: DecisionId,
    by: MemberId,
    outcome: Outcome,
    note: &str,
    status: DecisionStatus,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE moderation_decision SET outcome = $1, reviewed_by = $2, review_note = $3, reviewed_at = $4, status = $5
         WHERE id = $6 AND community_id = @community",
        params![outcome, by, note, now, status, id],
    )
    .await
    .map(drop)
}

/// Whether another decision keeps the same content out of sight.
pub async fn is_withheld_by_another(tx: &Tx, decision: &Decision) -> Result<bool> {
    let sql = "SELECT 1 FROM moderation_decision WHERE community_id = @community AND accused_id = $1
                   AND subject_kind = $2 AND subject_id = $3 AND id <> $4 AND withholds AND status <> 'reversed' LIMIT 1";
    let (kind, subject) = (decision.subject_kind, decision.subject_id);
    let found = tx.one(
        sql,
        params![decision.accused_id, kind, subject, decision.id],
        |_| Ok(()),
    );
    Ok(found.await?.is_some())
}

/// Until when other decisions of that kind hold: the last of them; the inner `None`: for good.
pub async fn held_by_others(
    tx: &Tx,
    decision: &Decision,
    action: Action,
) -> Result<Option<Option<Timestamp>>> {
    let sql = "SELECT ends_at FROM moderation_decision WHERE community_id = @community AND accused_id = $1
                   AND action = $2 AND id <> $3 AND status = 'in_force'
               ORDER BY CASE WHEN ends_at IS NULL THEN 0 ELSE 1 END, ends_at DESC LIMIT 1";
    tx.one(sql, params![decision.accused_id, action, decision.id], |row| {
        row.get(0)
    })
    .await
}

/// Decisions whose time is over no longer hold.
pub async fn end(tx: &Tx, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE moderation_decision /* every community */ SET status = 'ended'
               WHERE status = 'in_force' AND ends_at <= $1";
    tx.execute(sql, params![now]).await
}
