//! What ended stays ended: on every node, on open sockets, and after a restore.

use crate::{each_db, server};
use accounts::{
    Activity, Permission, Role,
    staff::{self, By},
};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{TestApp, eventually, postgres_url};

/// Two nodes on one database, with the same keys.
async fn two_nodes() -> (TestApp, TestApp) {
    let url = postgres_url().await;
    let first = TestApp::start(&server, Some(url.clone()), &[]).await;
    let folder = first.app.config.data.dir.display().to_string();
    let second = TestApp::start(&server, Some(url), &[("data.dir", &folder)]).await;
    (first, second)
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_is_refused_by_the_other_within_a_second() {
    let (here, there) = two_nodes().await;
    let ana = here.user("Ana").await;
    let visiting = ana.at(&there);
    visiting.get("/me").await.expect(200);
    let mut heard = accounts::Accounts::of(&there.app).sessions.revocations();

    ana.post("/auth/logout", json!({})).await.expect(204);
    let ended = Instant::now();
    let revoked = heard.recv().await.expect("the other node listens");
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
    assert_eq!(revoked.reason, accounts::Reason::LogOut);
    visiting.get("/me").await.refused(401, "session_revoked");
    visiting
        .refresh(&ana.refresh_token, Some(&ana.device_token))
        .await
        .refused(401, "session_revoked");
    there.end().await;
    here.end().await;
}

#[tokio::test]
async fn a_socket_is_cut_by_a_log_out_on_another_node() {
    let (here, there) = two_nodes().await;
    let ana = here.user("Ana").await;
    let log_in = json!({"email": "ana@example.test", "password": "correct horse"});
    let other = here.post("/api/v1/auth/login", log_in).await.expect(200);
    let context = json!({
        "token": ana.token, "other": other["access_token"], "reason": "log_out", "elsewhere": here.url,
    });
    crate::realtime::client(&there, "revoked", context).await;
    there.end().await;
    here.end().await;
}

/// Sockets ask with each message, as the handler of one does here; nothing but the
/// news from the other node makes this one ask the database again, since its clock stands.
#[tokio::test]
async fn a_role_changed_on_one_node_counts_for_sockets_of_the_other_within_a_second() {
    let (here, there) = two_nodes().await;
    let ana = here.user("Ana").await;
    let member = accounts::MemberId(ana.id.parse().unwrap());
    let speaker = accounts::authenticate(&there.app, &ana.token, Activity::Background)
        .await
        .unwrap();
    let may = async || {
        let now = accounts::recheck(&there.app, speaker, Activity::Call)
            .await
            .unwrap();
        now.roles.may(Permission::UsersSuspend)
    };
    assert!(!may().await);
    for given in [true, false] {
        let began = Instant::now();
        let changed = if given {
            staff::grant(&here.app, By::CommandLine, member, Role::Admin).await
        } else {
            staff::revoke(&here.app, By::CommandLine, member, Role::Admin).await
        };
        assert!(changed.unwrap());
        eventually(async || (may().await == given).then_some(())).await;
        println!("after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    there.end().await;
    here.end().await;
}

#[tokio::test]
async fn a_journal_beside_the_database_knows_what_was_revoked() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let changed = json!({"current_password": "correct horse", "new_password": "a better battery"});
        ana.post("/auth/password", changed).await.expect(200);
        ana.post("/auth/logout", json!({})).await.expect(204);
        let folder = app.app.config.data.dir.join(accounts::Journal::FOLDER);
        let entries = eventually(async || {
            let journal = accounts::Journal::read(&folder).unwrap()?;
            let began = journal.complete_since();
            Some(journal.since(began)).filter(|entries| entries.len() == 2)
        })
        .await;
        let (password, log_out) = (&entries[0], &entries[1]);
        assert!(
            password
                .password_hash
                .as_deref()
                .is_some_and(|hash| hash.starts_with("$argon2id$"))
        );
        assert_eq!(log_out.reason, accounts::Reason::LogOut);
        assert!(log_out.session.is_some());
    })
    .await;
}
