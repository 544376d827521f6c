use super::{Report, ReportStatus, SubjectId, SubjectKind};
use accounts::MemberId;
use base::{Paging, Result};
use db::{Executor, OrConflict, Row, Tx, params};

fn report(row: &Row<'_>) -> Result<Report> {
    Ok(Report {
        id: row.get(0)?,
        subject_kind: row.get(1)?,
        subject_id: row.get(2)?,
        reason: row.get(3)?,
        note: row.get(4)?,
        status: row.get(5)?,
        created_at: row.get(6)?,
    })
}

pub async fn insert(tx: &Tx, reporter: MemberId, accused: MemberId, report: &Report) -> Result<()> {
    tx.execute(
        "INSERT INTO report (id, community_id, reporter_id, subject_kind, subject_id, accused_id, reason, note,
                             status, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            report.id,
            reporter,
            report.subject_kind,
            report.subject_id,
            accused,
            report.reason,
            report.note,
            report.status,
            report.created_at
        ],
    )
    .await
    .map(drop)
    .or_conflict("report_reporter_id_subject_kind_subject_id_key", "already_reported")
}

/// What the member reported, the latest first.
pub async fn list(db: &impl Executor, reporter: MemberId, page: Paging) -> Result<Vec<Report>> {
    let sql = "SELECT id, subject_kind, subject_id, reason, note, status, created_at FROM report
               WHERE community_id = @community AND reporter_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    db.all(sql, params![reporter, page.before(), page.fetch()], report)
        .await
}

/// Answers every report of it that waits, as a part of what staff decided.
pub async fn answer(tx: &Tx, kind: SubjectKind, id: SubjectId, status: ReportStatus) -> Result<()> {
    let sql = "UPDATE report SET status = $1 WHERE community_id = @community AND subject_kind = $2
                   AND subject_id = $3 AND status = 'pending'";
    tx.execute(sql, params![status, kind, id]).await.map(drop)
}
