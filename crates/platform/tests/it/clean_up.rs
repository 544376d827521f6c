//! What is old goes away, and what is not stays.

use crate::{Fixture, each_db};
use base::Timestamp;
use db::{Executor, params};
use platform::tasks::Tasks;
use std::time::Duration;
use supervisor::Supervisor;
use uuid::Uuid;

/// One kept answer, one signal and one mail of that time.
async fn leave(f: &Fixture, at: Timestamp) {
    f.db.write(move |tx| async move {
        let id = Uuid::from_u128(at.as_micros() as u128);
        tx.execute(
            "INSERT INTO idempotency_key (member_id, key, operation, request_hash, status, body, created_at)
             VALUES ($1, 'k', 'o', $2, 201, 'null', $3)",
            params![id, [0_u8; 32], at],
        )
        .await?;
        tx.execute(
            "INSERT INTO signal (community_id, kind, payload, created_at) VALUES (@community, 'x', '{}', $1)",
            params![at],
        )
        .await?;
        tx.execute(
            "INSERT INTO mail (id, recipient, subject, body, created_at, sent_at) VALUES ($1, 'a', 'b', 'c', $2, $2)",
            params![id, at],
        )
        .await
    })
    .await
    .unwrap();
}

async fn left(f: &Fixture) -> [i64; 3] {
    let sql =
        "SELECT /* every community */ (SELECT count(*) FROM idempotency_key), (SELECT count(*) FROM signal),
               (SELECT count(*) FROM mail)";
    let counts = |row: &db::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
    f.db.one(sql, vec![], counts).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_workers_delete_what_is_old_and_nothing_else() {
    each_db(async |f| {
        let now = f.clock.now();
        leave(&f, now.minus(Duration::from_hours(24 * 31))).await;
        leave(&f, now.minus(Duration::from_hours(1))).await;
        let app = f.app(Tasks::default());
        let supervisor = Supervisor::new(supervisor::Settings {
            groups: vec!["platform"],
            spread: Duration::ZERO,
            ..supervisor::Settings::with_clock(|| 0)
        });
        for plan in platform::workers(&app) {
            supervisor.add(plan);
        }
        supervisor.start().await;
        let all_ran = async {
            while supervisor
                .status()
                .workers
                .iter()
                .any(|worker| worker.last_report.is_none())
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all_ran)
            .await
            .expect("every worker ran");
        let workers = supervisor.status().workers;
        assert_eq!(workers.len(), 4);
        assert!(workers.iter().all(|worker| worker.errors == 0), "{workers:?}");
        assert_eq!(left(&f).await, [1, 1, 1]);
        assert!(supervisor.stop(Duration::from_secs(5)).await.is_clean());
    })
    .await;
}
