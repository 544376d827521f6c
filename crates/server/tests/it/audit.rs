//! The audit log: what was done to it behind its back is found.

use crate::{app_with, each_db, staff::give};
use accounts::{
    MemberId, Role,
    audit::{self, Findings, Flaw, Head, chain},
    staff,
};
use base::{Timestamp, uuid::Uuid};
use db::{Executor, params};
use std::time::{Duration, Instant};
use testkit::{TestApp, TestUser};

async fn findings(app: &TestApp) -> Findings {
    let head = Head::read(&app.app.config.data.dir).expect("the head is read");
    audit::verify(&app.app.db, head).await.expect("the log is read")
}

/// Waits until the worker has chained so many entries and recorded the last.
async fn chained(app: &TestApp, count: i64) -> Findings {
    let began = Instant::now();
    loop {
        let findings = findings(app).await;
        let recorded = findings.head.as_ref().is_some_and(|head| head.seq == count);
        if findings.links == count && findings.unchained == 0 && recorded {
            return findings;
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "not chained: {findings:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn run(app: &TestApp, statements: &'static [&'static str]) {
    app.may_fail("accounts.audit");
    let done = app.app.db.write(move |tx| async move {
        for sql in statements {
            tx.execute(sql, params![]).await?;
        }
        Ok(())
    });
    done.await.expect("somebody with the database's password");
}

async fn id_at(app: &TestApp, seq: i64) -> Uuid {
    let sql = "SELECT id FROM audit_log WHERE seq = $1";
    let id = app.app.db.one(sql, params![seq], |row| row.get(0)).await;
    id.expect("the log is read").expect("there is such an entry")
}

/// Six acts, chained, and a copy to go back to.
async fn six_acts(app: &TestApp) -> TestUser {
    let ana = app.user("Ana").await;
    for role in &Role::ALL[1..7] {
        app.clock.advance(Duration::from_secs(1));
        give(app, &ana, *role).await;
    }
    let whole = chained(app, 6).await;
    assert_eq!(whole.flaws, []);
    let copy = app.app.db.write(|tx| async move {
        tx.batch("CREATE TABLE log_copy AS SELECT * FROM audit_log; CREATE TABLE text_copy AS SELECT * FROM audit_text;")
            .await
    });
    copy.await.expect("a copy");
    ana
}

/// What is found after the change; then the change is undone.
async fn after(app: &TestApp, change: &'static [&'static str]) -> Vec<Flaw> {
    run(app, change).await;
    let found = findings(app).await.flaws;
    run(
        app,
        &[
            "DELETE FROM audit_text",
            "DELETE FROM audit_log",
            "INSERT INTO audit_log SELECT * FROM log_copy",
            "INSERT INTO audit_text SELECT * FROM text_copy",
        ],
    )
    .await;
    assert_eq!(findings(app).await.flaws, []);
    found
}

#[tokio::test]
async fn every_kind_of_tampering_is_found() {
    each_db(async |app| {
        six_acts(app).await;
        let mut ids = vec![Uuid::nil()];
        for seq in 1..=6 {
            ids.push(id_at(app, seq).await);
        }
        let changed = |seq: i64| {
            vec![Flaw::Changed {
                seq,
                id: ids[seq as usize],
            }]
        };

        // Changed.
        assert_eq!(
            after(
                app,
                &["UPDATE audit_log SET action = 'role_revoked' WHERE seq = 3"]
            )
            .await,
            changed(3)
        );
        assert_eq!(
            after(app, &["UPDATE audit_log SET actor_id = subject_id WHERE seq = 1"]).await,
            changed(1)
        );
        assert_eq!(
            after(app, &["UPDATE audit_log SET subject_id = NULL WHERE seq = 6"]).await,
            changed(6)
        );
        let text = after(
            app,
            &["UPDATE audit_text SET detail = 'premium' WHERE detail = 'super_admin'"],
        )
        .await;
        assert_eq!(text, [Flaw::TextChanged { id: ids[6] }]);

        // Taken out of the middle, with and without closing the ranks.
        let gone = Flaw::EntryGone { id: ids[3] };
        let missing = after(app, &["DELETE FROM audit_log WHERE seq = 3"]).await;
        assert_eq!(missing, [Flaw::Missing { first: 3, last: 3 }, gone.clone()]);
        let missing = after(
            app,
            &[
                "DELETE FROM audit_log WHERE seq < 3",
                "DELETE FROM audit_text WHERE detail <> 'x'",
            ],
        )
        .await;
        assert_eq!(missing, [Flaw::Missing { first: 1, last: 2 }]);
        let closed = after(
            app,
            &[
                "DELETE FROM audit_log WHERE seq = 3",
                "UPDATE audit_log SET seq = 3 WHERE seq = 4",
                "UPDATE audit_log SET seq = 4 WHERE seq = 5",
                "UPDATE audit_log SET seq = 5 WHERE seq = 6",
            ],
        )
        .await;
        assert_eq!(
            closed,
            [
                Flaw::Changed { seq: 3, id: ids[4] },
                gone,
                Flaw::CutOff {
                    recorded: 6,
                    found: 5
                }
            ]
        );

        // Cut off at the end, text and all.
        let cut = after(
            app,
            &[
                "DELETE FROM audit_text WHERE audit_id IN (SELECT id FROM audit_log WHERE seq > 4)",
                "DELETE FROM audit_log WHERE seq > 4",
            ],
        )
        .await;
        assert_eq!(
            cut,
            [Flaw::CutOff {
                recorded: 6,
                found: 4
            }]
        );
        let emptied = after(app, &["DELETE FROM audit_text", "DELETE FROM audit_log"]).await;
        assert_eq!(
            emptied,
            [Flaw::CutOff {
                recorded: 6,
                found: 0
            }]
        );

        // Swapped.
        let swapped = after(
            app,
            &[
                "UPDATE audit_log SET seq = 100 WHERE seq = 2",
                "UPDATE audit_log SET seq = 2 WHERE seq = 3",
                "UPDATE audit_log SET seq = 3 WHERE seq = 100",
            ],
        )
        .await;
        assert_eq!(
            swapped,
            [Flaw::Moved {
                seq: 2,
                id: ids[3],
                belongs: ids[2]
            }]
        );

        // Taken out of the chain again.
        let unplaced = after(
            app,
            &["UPDATE audit_log SET seq = NULL, hash = NULL WHERE seq = 6"],
        )
        .await;
        assert_eq!(
            unplaced,
            [Flaw::CutOff {
                recorded: 6,
                found: 5
            }]
        );
    })
    .await;
}

#[tokio::test]
async fn a_chain_forged_from_end_to_end_is_not_the_recorded_one() {
    each_db(async |app| {
        six_acts(app).await;
        app.may_fail("accounts.audit");
        let forged = app.app.db.write(|tx| async move {
            tx.execute("UPDATE audit_log SET actor_id = subject_id WHERE seq = 2", params![]).await?;
            let sql = "SELECT id, actor_id, action, subject_id, commitment, created_at, seq FROM audit_log ORDER BY seq";
            let entries = tx
                .all(sql, params![], |row| {
                    let entry = chain::Entry {
                        id: row.get(0)?,
                        actor: row.get(1)?,
                        action: row.get(2)?,
                        subject: row.get(3)?,
                        commitment: row.get(4)?,
                        created_at: row.get::<Timestamp>(5)?,
                    };
                    Ok((row.get::<i64>(6)?, entry))
                })
                .await?;
            let mut before = chain::BEGINNING;
            for (seq, entry) in entries {
                before = chain::link(&before, seq, &entry);
                tx.execute("UPDATE audit_log SET hash = $1 WHERE seq = $2", params![before, seq]).await?;
            }
            Ok(())
        });
        forged.await.expect("a patient forger");
        let found = findings(app).await;
        assert_eq!((found.links, found.flaws), (6, vec![Flaw::Rewritten { recorded: 6 }]));
    })
    .await;
}

#[tokio::test]
async fn texts_may_be_erased_and_are_named() {
    each_db(async |app| {
        let ana = six_acts(app).await;
        let bruno = app.user("Bruno").await;
        app.clock.advance(Duration::from_secs(1));
        give(app, &bruno, Role::God).await;
        chained(app, 7).await;
        let member: MemberId = ana.id.parse().unwrap();
        let erased = app
            .app
            .db
            .write(move |tx| async move { audit::erase_texts(&tx, member).await });
        assert_eq!(erased.await.unwrap(), 6);
        let found = findings(app).await;
        assert_eq!((found.links, found.flaws), (7, vec![]));
        assert_eq!(found.erased, [1, 2, 3, 4, 5, 6]);
        let log = bruno.get("/audit?limit=2").await.expect(200);
        let details: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["detail"].clone())
            .collect();
        assert_eq!(details, ["god".into(), serde_json::Value::Null]);
        assert_eq!(log["items"][0]["seq"], 7);
        let next = log["next_cursor"].as_str().unwrap();
        let more = bruno.get(&format!("/audit?cursor={next}")).await.expect(200);
        assert_eq!(more["items"].as_array().unwrap().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn many_acts_at_once_make_one_chain() {
    each_db(async |app| {
        let root = app.user("Root").await;
        give(app, &root, Role::God).await;
        let mut members = vec![];
        for n in 0..8 {
            members.push(app.user(&format!("Member{n}")).await);
        }
        let paths: Vec<String> = members
            .iter()
            .flat_map(|member| {
                Role::ALL[1..4]
                    .iter()
                    .map(|role| format!("/members/{}/roles/{role}", member.id))
            })
            .collect();
        let given = futures_util::future::join_all(paths.iter().map(|path| root.put(path))).await;
        assert!(given.iter().all(|answer| answer.status == 204));
        let whole = chained(app, 25).await;
        assert_eq!(whole.flaws, []);
    })
    .await;
}

#[tokio::test]
async fn the_worker_does_not_go_on_behind_a_cut() {
    let app = app_with(&[]).await;
    six_acts(&app).await;
    let before = std::fs::read(app.app.config.data.dir.join("audit.head")).unwrap();
    run(&app, &["DELETE FROM audit_text", "DELETE FROM audit_log"]).await;
    let ana: MemberId = app.user("Eva").await.id.parse().unwrap();
    staff::grant(&app.app, staff::By::CommandLine, ana, Role::Premium)
        .await
        .unwrap();
    let began = Instant::now();
    let said = loop {
        let status = app.app.supervisor.status();
        let worker = status
            .workers
            .into_iter()
            .find(|worker| &*worker.name == "accounts.audit")
            .unwrap();
        if worker.errors > 0 {
            break format!("{:?}", worker.last_error);
        }
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(
        said.contains("does not hold entry 6 as it was recorded"),
        "{said}"
    );
    assert_eq!(findings(&app).await.unchained, 1);
    assert_eq!(
        std::fs::read(app.app.config.data.dir.join("audit.head")).unwrap(),
        before,
        "the evidence stays"
    );
}
