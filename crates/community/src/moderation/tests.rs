//! What was reported is looked at, decided, told, appealed against and undone.

use crate::tests::{again, bodies, each_db, found, publish, put, staff, within};
use accounts::Role;
use db::Executor;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{TestApp, TestUser, eventually};

/// Reports something, and waits until there is a case that knows of it.
async fn report(app: &TestApp, by: &TestUser, kind: &str, id: &Value, reason: &str) {
    report_within(app, by, "mundo-tango", kind, id, reason).await;
}

/// The same within a community.
async fn report_within(app: &TestApp, by: &TestUser, slug: &str, kind: &str, id: &Value, reason: &str) {
    app.clock.advance(Duration::from_millis(1));
    let report = json!({"subject_kind": kind, "subject_id": id, "reason": reason, "note": "look"});
    within(by, slug, Method::POST, "/reports", Some(report))
        .await
        .expect(201);
    let sql = "SELECT /* every community */ count(*) FROM report r WHERE r.status = 'pending' AND NOT EXISTS
             (SELECT 1 FROM moderation_case k WHERE k.subject_id = r.subject_id AND k.status = 'open' AND k.report_count =
                 (SELECT count(*) FROM report o WHERE o.subject_id = r.subject_id AND o.status = 'pending'))";
    eventually(async || {
        app.run_worker("moderation.watch").await;
        let waiting: Option<i64> = app.app.db.one(sql, vec![], |row| row.get(0)).await.unwrap();
        (waiting == Some(0)).then_some(())
    })
    .await;
}

async fn queue(moderator: &TestUser) -> Vec<Value> {
    let page = moderator.get("/moderation/cases").await.expect(200);
    page["items"].as_array().unwrap().clone()
}

fn path(case: &Value, rest: &str) -> String {
    format!("/moderation/cases/{}{rest}", case["id"].as_str().unwrap())
}

fn verdict(action: &str) -> Value {
    json!({"action": action, "reason": "spam", "note": "Please do not advertise."})
}

async fn actions(god: &TestUser) -> Vec<String> {
    let log = god.get("/audit").await.expect(200);
    let entries = log["items"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_withheld_is_gone_for_everybody_but_its_author_and_staff_and_comes_back() {
    each_db(async |app| {
        let (ana, bruno, zoe) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Zoe").await,
        );
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let nora = staff(app, "Nora", Role::PlatformVolunteer).await;
        bruno.put(&format!("/follows/{}", ana.id)).await.expect(204);
        let tagged = json!({"body": "Buy my #tango shoes", "companions": [bruno.id]});
        app.clock.advance(Duration::from_secs(1));
        let post = ana.post("/posts", tagged).await.expect(201);
        let id = post["id"].as_str().unwrap().to_owned();
        bruno.put(&format!("/saved/{id}")).await.expect(204);
        bruno
            .post(&format!("/posts/{id}/shares"), json!({"body": "look"}))
            .await
            .expect(201);
        report(app, &bruno, "post", &post["id"], "spam").await;
        report(app, &zoe, "post", &post["id"], "other").await;

        let cases = queue(&mora).await;
        assert_eq!(
            (cases.len(), &cases[0]["report_count"]),
            (1, &json!(2)),
            "{cases:?}"
        );
        let case = &cases[0];
        let file = mora.get(&path(case, "")).await.expect(200);
        assert_eq!(file["content"]["body"], "Buy my #tango shoes");
        assert_eq!(file["reports"][0]["reporter"]["username"], "zoe");
        let decision = mora
            .post(&path(case, "/decisions"), verdict("withhold"))
            .await
            .expect(201);
        assert!(queue(&mora).await.is_empty());

        for reader in [&bruno, &zoe] {
            reader
                .get(&format!("/posts/{id}"))
                .await
                .refused(404, "not_found");
            reader
                .get(&format!("/posts/{id}/comments"))
                .await
                .refused(404, "not_found");
            reader
                .post(&format!("/posts/{id}/comments"), json!({"body": "?"}))
                .await
                .refused(404, "not_found");
            for list in [
                "/feed".to_owned(),
                "/feed?order=ranked".to_owned(),
                format!("/posts?author_id={}", ana.id),
                "/posts?hashtag=tango".to_owned(),
                "/saved".to_owned(),
                "/trending/posts".to_owned(),
                "/companionships".to_owned(),
                "/search?q=shoes".to_owned(),
            ] {
                let answer = reader.get(&list).await;
                assert!(
                    answer.status < 500 && !answer.text.contains("tango shoes"),
                    "{list}: {}",
                    answer.text
                );
            }
        }
        let own = ana.get(&format!("/posts/{id}")).await.expect(200);
        assert_eq!(own["is_withheld"], true);
        let edit = json!({"body": "Sold", "visibility": "public"});
        ana.patch(&format!("/posts/{id}"), edit)
            .await
            .refused(403, "withheld");
        assert_eq!(
            mora.get(&path(case, "")).await.expect(200)["content"]["is_withheld"],
            true
        );
        let mine = bruno.get("/reports").await.expect(200);
        assert_eq!(mine["items"][0]["status"], "resolved");

        let appeal = format!("/decisions/{}/appeal", decision["id"].as_str().unwrap());
        ana.post(&appeal, json!({"text": "They are my own shoes."}))
            .await
            .expect(200);
        let review = format!(
            "/moderation/decisions/{}/review",
            decision["id"].as_str().unwrap()
        );
        put(
            &nora,
            &review,
            json!({"outcome": "reversed", "note": "You are right."}),
        )
        .await
        .expect(200);
        assert_eq!(
            zoe.get(&format!("/posts/{id}")).await.expect(200)["is_withheld"],
            false
        );
        assert_eq!(
            bodies(&bruno.get("/feed").await.expect(200)),
            ["look", "Buy my #tango shoes"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_withheld_comment_is_not_counted_and_its_author_can_still_delete_it() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let post = publish(app, &ana, "Hola").await;
        let comments = format!("/posts/{}/comments", post["id"].as_str().unwrap());
        app.clock.advance(Duration::from_secs(1));
        let rude = bruno.post(&comments, json!({"body": "Idiot"})).await.expect(201);
        app.clock.advance(Duration::from_secs(1));
        bruno.post(&comments, json!({"body": "Sorry"})).await.expect(201);
        report(app, &ana, "comment", &rude["id"], "harassment").await;
        let case = queue(&mora).await.remove(0);
        mora.post(&path(&case, "/decisions"), verdict("withhold"))
            .await
            .expect(201);

        let count = async || {
            ana.get(&format!("/posts/{}", post["id"].as_str().unwrap()))
                .await
                .expect(200)["comment_count"]
                .clone()
        };
        assert_eq!(count().await, 1);
        assert_eq!(bodies(&ana.get(&comments).await.expect(200)), ["Sorry"]);
        assert_eq!(
            bodies(&bruno.get(&comments).await.expect(200)),
            ["Idiot", "Sorry"]
        );
        let one = format!("/comments/{}", rude["id"].as_str().unwrap());
        bruno
            .patch(&one, json!({"body": "Nice"}))
            .await
            .refused(403, "withheld");
        bruno.delete(&one).await.expect(204);
        assert_eq!(count().await, 1, "what was not counted is not taken off");
    })
    .await;
}

#[tokio::test]
async fn stories_messages_and_places_leave_sight_and_come_back_with_their_words() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (mora, nora) = (
            staff(app, "Mora", Role::PlatformVolunteer).await,
            staff(app, "Nora", Role::PlatformVolunteer).await,
        );
        let story = ana.post("/stories", json!({"caption": "Buy!"})).await.expect(201);
        let room = ana.put(&format!("/rooms/direct/{}", bruno.id)).await.expect(200);
        let messages = format!("/rooms/{}/messages", room["id"].as_str().unwrap());
        let message = ana
            .post(&messages, json!({"body": "Buy this!"}))
            .await
            .expect(201);
        let shown = format!("/stories/{}", story["id"].as_str().unwrap());
        let place = json!({"name": "Buy here", "kind": "shop", "city": "Roma", "description": "Shoes!"});
        let place = ana.post("/places", place).await.expect(201);
        let place_path = format!("/places/{}", place["id"].as_str().unwrap());
        for (kind, id) in [
            ("story", &story["id"]),
            ("message", &message["id"]),
            ("place", &place["id"]),
        ] {
            report(app, &bruno, kind, id, "spam").await;
            let case = queue(&mora).await.remove(0);
            let decision = mora
                .post(&path(&case, "/decisions"), verdict("withhold"))
                .await
                .expect(201);
            let file = mora.get(&path(&case, "")).await.expect(200);
            assert_eq!(file["content"]["is_withheld"], true);
            assert!(file["content"]["body"].as_str().unwrap().starts_with("Buy"));
            let seen = match kind {
                "story" => bruno.get(&shown).await,
                "place" => bruno.get(&place_path).await,
                _ => bruno.get(&messages).await,
            };
            assert!(!seen.text.contains("Buy"), "{}", seen.text);
            let id = decision["id"].as_str().unwrap();
            ana.post(&format!("/decisions/{id}/appeal"), json!({"text": "Why?"}))
                .await
                .expect(200);
            let review = format!("/moderation/decisions/{id}/review");
            put(&nora, &review, json!({"outcome": "reversed", "note": "Fine."}))
                .await
                .expect(200);
            let seen = match kind {
                "story" => bruno.get(&shown).await,
                "place" => bruno.get(&place_path).await,
                _ => bruno.get(&messages).await,
            };
            assert!(seen.text.contains("Buy"), "{}", seen.text);
        }
    })
    .await;
}

#[tokio::test]
async fn two_moderators_do_not_collide() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let nora = staff(app, "Nora", Role::PlatformVolunteer).await;
        let post = publish(app, &ana, "Hola").await;
        report(app, &bruno, "post", &post["id"], "other").await;
        let case = queue(&mora).await.remove(0);
        let claimed = mora.put(&path(&case, "/claim")).await.expect(200);
        assert_eq!(claimed["claimed_by"], json!(mora.id));
        nora.put(&path(&case, "/claim"))
            .await
            .refused(409, "case_claimed");
        nora.post(&path(&case, "/decisions"), verdict("nothing"))
            .await
            .refused(409, "case_claimed");
        nora.delete(&path(&case, "/claim"))
            .await
            .refused(409, "case_claimed");
        app.clock.advance(Duration::from_mins(16));
        let (mora, nora) = (again(app, &mora).await, again(app, &nora).await);
        nora.put(&path(&case, "/claim")).await.expect(200);
        nora.delete(&path(&case, "/claim")).await.expect(204);
        let decisions = path(&case, "/decisions");
        let (one, other) = tokio::join!(
            mora.post(&decisions, verdict("nothing")),
            nora.post(&decisions, verdict("withhold")),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, other.text);
        mora.put(&path(&case, "/claim"))
            .await
            .refused(409, "case_decided");
        // Another report opens another case.
        let zoe = app.user("Zoe").await;
        if one.status == 201 {
            report(app, &zoe, "post", &post["id"], "other").await;
            assert_eq!(queue(&mora).await.len(), 1);
            assert_eq!(
                again(app, &ana).await.get("/decisions").await.expect(200)["items"],
                json!([]),
                "nothing is told of nothing"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_weighs_more_or_waits_longer_stands_first_and_nobody_looks_at_their_own() {
    each_db(async |app| {
        let (ana, bruno, zoe) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Zoe").await,
        );
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let (mild, grave) = (
            publish(app, &ana, "mild").await,
            publish(app, &ana, "grave").await,
        );
        let hers = publish(app, &mora, "by a moderator").await;
        report(app, &bruno, "post", &mild["id"], "misinformation").await;
        app.clock.advance(Duration::from_secs(10));
        for by in [&bruno, &zoe] {
            report(app, by, "post", &grave["id"], "hate").await;
        }
        let order = queue(&mora).await;
        assert_eq!(order[0]["subject_id"], grave["id"], "{order:?}");
        let codes: Vec<&str> = order[0]["why"]["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes[0], "hate");
        assert!(
            codes.contains(&"new_account") && codes.contains(&"reported"),
            "{codes:?}"
        );
        let first = mora.get("/moderation/cases?limit=1").await.expect(200);
        let rest = format!(
            "/moderation/cases?cursor={}",
            first["next_cursor"].as_str().unwrap()
        );
        assert_eq!(
            mora.get(&rest).await.expect(200)["items"][0]["subject_id"],
            mild["id"]
        );

        report(app, &bruno, "post", &hers["id"], "hate").await;
        let cases = queue(&mora).await;
        let own = cases
            .iter()
            .find(|case| case["subject_id"] == hers["id"])
            .unwrap();
        mora.get(&path(own, "")).await.refused(403, "own_account");
        mora.post(&path(own, "/decisions"), verdict("nothing"))
            .await
            .refused(403, "own_account");
        ana.get("/moderation/cases").await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn a_member_is_told_without_a_name_appeals_once_and_somebody_else_answers() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let root = staff(app, "Root", Role::God).await;
        let (mora, nora) = (
            staff(app, "Mora", Role::PlatformVolunteer).await,
            staff(app, "Nora", Role::PlatformVolunteer).await,
        );
        let post = publish(app, &ana, "Buy!").await;
        report(app, &bruno, "post", &post["id"], "spam").await;
        let case = queue(&mora).await.remove(0);
        let warned =
            json!({"action": "warn", "withhold": true, "reason": "spam", "note": "Not here, please."});
        let decision = mora.post(&path(&case, "/decisions"), warned).await.expect(201);
        let id = decision["id"].as_str().unwrap().to_owned();

        let told = eventually(async || {
            let list = ana.get("/notifications").await.expect(200);
            let items = list["items"].as_array().unwrap().clone();
            items.into_iter().find(|item| item["kind"] == "moderation")
        })
        .await;
        assert_eq!(
            (&told["path"], &told["actors"]),
            (&json!(format!("/decisions/{id}")), &json!([]))
        );
        let seen = ana.get(&format!("/decisions/{id}")).await.expect(200);
        assert_eq!(
            (&seen["note"], &seen["withholds"]),
            (&json!("Not here, please."), &json!(true))
        );
        assert!(
            seen["appeal_until"].is_string() && !seen.to_string().contains(&mora.id),
            "{seen}"
        );
        let mails = app.mails().await;
        let mail = mails
            .iter()
            .find(|mail| mail.to == "ana@example.test")
            .expect("a mail");
        assert!(
            mail.text.contains("Not here, please.") && mail.text.contains("warned"),
            "{}",
            mail.text
        );
        bruno
            .get(&format!("/decisions/{id}"))
            .await
            .refused(404, "not_found");
        bruno
            .post(&format!("/decisions/{id}/appeal"), json!({"text": "x"}))
            .await
            .refused(404, "not_found");

        let review = format!("/moderation/decisions/{id}/review");
        let upheld = json!({"outcome": "upheld", "note": "It was spam."});
        put(&nora, &review, upheld.clone())
            .await
            .refused(409, "not_appealed");
        ana.post(&format!("/decisions/{id}/appeal"), json!({"text": "Why?"}))
            .await
            .expect(200);
        ana.post(&format!("/decisions/{id}/appeal"), json!({"text": "Why??"}))
            .await
            .refused(409, "already_appealed");
        let appeals = nora.get("/moderation/appeals").await.expect(200);
        assert_eq!(appeals["items"][0]["appeal"], "Why?");
        put(&mora, &review, upheld.clone())
            .await
            .refused(403, "own_decision");
        put(&nora, &review, upheld.clone()).await.expect(200);
        put(&nora, &review, upheld).await.refused(409, "already_reviewed");
        let seen = ana.get(&format!("/decisions/{id}")).await.expect(200);
        assert_eq!(
            (&seen["outcome"], &seen["status"]),
            (&json!("upheld"), &json!("in_force"))
        );
        assert_eq!(
            actions(&root).await[..3],
            ["appeal_refused", "member_warned", "content_withheld"]
        );

        let late = publish(app, &ana, "Buy more!").await;
        report(app, &bruno, "post", &late["id"], "spam").await;
        let case = queue(&mora).await.remove(0);
        let decision = mora
            .post(&path(&case, "/decisions"), verdict("warn"))
            .await
            .expect(201);
        app.clock.advance(Duration::from_hours(31 * 24));
        let session = json!({"email": "ana@example.test", "password": "correct horse"});
        let ana = ana.with(&app.post("/api/v1/auth/login", session).await.expect(200));
        let appeal = format!("/decisions/{}/appeal", decision["id"].as_str().unwrap());
        ana.post(&appeal, json!({"text": "?"}))
            .await
            .refused(409, "too_late_to_appeal");
    })
    .await;
}

#[tokio::test]
async fn who_is_suspended_appeals_by_the_link_in_the_mail_and_is_let_in_again() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let (alma, otto) = (
            staff(app, "Alma", Role::Admin).await,
            staff(app, "Otto", Role::Admin).await,
        );
        report(app, &bruno, "member", &json!(ana.id), "impersonation").await;
        let case = queue(&mora).await.remove(0);
        assert_eq!(case["accused"]["username"], "ana");
        let suspension =
            json!({"action": "suspend", "reason": "impersonation", "note": "You are not Ana.", "days": 30});
        mora.post(&path(&case, "/decisions"), suspension.clone())
            .await
            .refused(403, "forbidden");
        alma.post(&path(&case, "/decisions"), verdict("withhold"))
            .await
            .expect(422);
        let decision = alma
            .post(&path(&case, "/decisions"), suspension)
            .await
            .expect(201);
        ana.get("/me").await.refused(403, "account_suspended");
        let login = json!({"email": "ana@example.test", "password": "correct horse"});
        app.post("/api/v1/auth/login", login.clone())
            .await
            .refused(403, "account_suspended");

        let mails = app.mails().await;
        let mail = mails
            .iter()
            .find(|mail| mail.to == "ana@example.test")
            .expect("a mail");
        let token = mail
            .text
            .split("/appeal#")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap();
        for wrong in ["nonsense", &format!("{}AA", &token[..token.len() - 2]), ""] {
            let status = app
                .post("/api/v1/appeals", json!({"token": wrong, "text": "I am."}))
                .await
                .status;
            assert_eq!(status, 422, "{wrong}");
        }
        app.post("/api/v1/appeals", json!({"token": token, "text": "I am Ana."}))
            .await
            .expect(200);
        app.post("/api/v1/appeals", json!({"token": token, "text": "I am!"}))
            .await
            .refused(409, "already_appealed");
        let review = format!(
            "/moderation/decisions/{}/review",
            decision["id"].as_str().unwrap()
        );
        let reversed = json!({"outcome": "reversed", "note": "Sorry."});
        put(&alma, &review, reversed.clone())
            .await
            .refused(403, "own_decision");
        put(&mora, &review, reversed.clone())
            .await
            .refused(403, "forbidden");
        put(&otto, &review, reversed).await.expect(200);
        let ana = ana.with(&app.post("/api/v1/auth/login", login.clone()).await.expect(200));

        // A suspension for some days ends by itself.
        report(app, &app.user("Zoe").await, "member", &json!(ana.id), "other").await;
        let case = queue(&mora).await.remove(0);
        let brief = json!({"action": "suspend", "reason": "other", "note": "Rest.", "days": 1});
        alma.post(&path(&case, "/decisions"), brief).await.expect(201);
        app.post("/api/v1/auth/login", login.clone())
            .await
            .refused(403, "account_suspended");
        app.clock
            .advance(Duration::from_hours(24) + Duration::from_secs(1));
        app.run_worker("accounts.suspensions").await;
        app.post("/api/v1/auth/login", login).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_machine_shows_spam_to_a_human_and_touches_nothing() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let ad = "CASINO BITCOIN https://a.example https://b.example www.c.example";
        publish(app, &bruno, "Come to https://milonga.example tonight").await;
        for _ in 0..4 {
            publish(app, &ana, ad).await;
        }
        app.run_worker("moderation.watch").await;
        app.run_worker("moderation.watch").await;
        let cases = queue(&mora).await;
        assert!(
            !cases.is_empty() && cases.iter().all(|case| case["accused"]["username"] == "ana"),
            "{cases:?}"
        );
        assert_eq!(cases[0]["report_count"], 0);
        let posts = bruno
            .get(&format!("/posts?author_id={}", ana.id))
            .await
            .expect(200);
        assert_eq!(bodies(&posts), [ad; 4], "all still stand");
        let open = "SELECT /* every community */ count(*) FROM moderation_case WHERE status = 'open'";
        let before: Option<i64> = app.app.db.one(open, vec![], |row| row.get(0)).await.unwrap();
        app.run_worker("moderation.watch").await;
        let after: Option<i64> = app.app.db.one(open, vec![], |row| row.get(0)).await.unwrap();
        assert_eq!(before, after, "no case is opened twice");
    })
    .await;
}

/// Calls every operation of moderation, with a case and a decision in the path; gives each answer.
async fn knock(
    user: &TestUser,
    slug: &str,
    case: &Value,
    decision: &Value,
) -> Vec<(String, testkit::Answer)> {
    let mut answers = vec![];
    let routes = super::routes();
    for operation in routes.operations() {
        if !operation.path.starts_with("/moderation") {
            continue;
        }
        let path = operation
            .path
            .replace("{case_id}", case["id"].as_str().unwrap())
            .replace("{decision_id}", decision["id"].as_str().unwrap());
        let body = match operation.id {
            "decide_case" => Some(verdict("withhold")),
            "review_decision" => Some(json!({"outcome": "reversed", "note": "Mine."})),
            _ => None,
        };
        let method = operation.method.to_uppercase().parse().unwrap();
        let answer = within(user, slug, method, &path, body).await;
        answers.push((
            format!("{} {slug} {path} {}", user.name, operation.method),
            answer,
        ));
    }
    assert_eq!(answers.len(), 8, "every operation of moderation");
    answers
}

#[tokio::test]
async fn a_communitys_own_staff_moderate_there_and_nowhere_else() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let nora = staff(app, "Nora", Role::PlatformVolunteer).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (luis, mara, zoe) = (
            app.user("Luis").await,
            app.user("Mara").await,
            app.user("Zoe").await,
        );
        for (slug, members) in [("lisboa", vec![&ana, &bruno]), ("porto", vec![&zoe])] {
            found(&root, slug, true).await;
            for member in members {
                member
                    .put(&format!("/communities/{slug}/membership"))
                    .await
                    .expect(200);
            }
        }
        for (slug, member, role) in [
            ("lisboa", &luis, "admin"),
            ("lisboa", &mara, "moderator"),
            ("porto", &zoe, "admin"),
        ] {
            let path = format!("/communities/{slug}/members/{}", member.id);
            put(&root, &path, json!({"role": role})).await.expect(204);
        }
        let here = async |user: &TestUser, method: Method, path: &str, body: Option<Value>| {
            within(user, "lisboa", method, path, body).await
        };
        let look = async |user: &TestUser, path: &str| here(user, Method::GET, path, None).await;
        let say = async |user: &TestUser, path: &str, body: Value| {
            app.clock.advance(Duration::from_secs(1));
            here(user, Method::POST, path, Some(body)).await
        };
        let post = say(&ana, "/posts", json!({"body": "Buy my shoes"}))
            .await
            .expect(201);
        report_within(app, &bruno, "lisboa", "post", &post["id"], "spam").await;
        let elsewhere = publish(app, &ana, "Hola").await;
        report(app, &bruno, "post", &elsewhere["id"], "spam").await;

        // Each queue holds what is its own.
        let cases = look(&mara, "/moderation/cases").await.expect(200);
        assert_eq!(cases["items"].as_array().unwrap().len(), 1, "{cases}");
        let case = cases["items"][0].clone();
        assert_eq!(case["subject_id"], post["id"]);
        let first = queue(&nora).await;
        assert_eq!((first.len(), &first[0]["subject_id"]), (1, &elsewhere["id"]));
        let file = look(&mara, &path(&case, "")).await.expect(200);
        assert_eq!(
            (
                &file["content"]["body"],
                &file["reports"][0]["note"],
                &file["reports"][0]["reporter"]
            ),
            (&json!("Buy my shoes"), &json!("look"), &Value::Null),
            "peers do not learn who spoke up"
        );
        let file = look(&nora, &path(&case, "")).await.expect(200);
        assert_eq!(file["reports"][0]["reporter"]["username"], "bruno");

        // What touches an account is the platform's.
        let decisions = path(&case, "/decisions");
        for action in ["limit", "suspend"] {
            say(&mara, &decisions, verdict(action))
                .await
                .refused(403, "forbidden");
        }
        here(&mara, Method::PUT, &path(&case, "/claim"), None)
            .await
            .expect(200);
        say(&luis, &decisions, verdict("withhold"))
            .await
            .refused(409, "case_claimed");
        let decision = say(&mara, &decisions, verdict("withhold")).await.expect(201);
        let shown = format!("/posts/{}", post["id"].as_str().unwrap());
        look(&bruno, &shown).await.refused(404, "not_found");
        look(&ana, &shown).await.expect(200);
        let mails = app.mails().await;
        assert!(
            mails.iter().any(|mail| mail.to == "ana@example.test"),
            "she is told"
        );
        assert!(actions(&root).await.contains(&"content_withheld".to_owned()));
        let appeal = format!("/decisions/{}/appeal", decision["id"].as_str().unwrap());
        say(&ana, &appeal, json!({"text": "They are mine."}))
            .await
            .expect(200);

        // Every door from the other community, from the first one, and for who only belongs.
        let first_decision = decision.clone();
        for (user, slug, code) in [
            (&zoe, "lisboa", "not_in_community"),
            (&mara, "porto", "not_in_community"),
            (&mara, "mundo-tango", "forbidden"),
            (&luis, "mundo-tango", "forbidden"),
            (&bruno, "lisboa", "forbidden"),
        ] {
            for case in [&case, &first[0]] {
                for (door, answer) in knock(user, slug, case, &first_decision).await {
                    assert_eq!(answer.status, 403, "{door}: {}", answer.text);
                    assert!(answer.text.contains(code), "{door}: {}", answer.text);
                }
            }
        }
        for (user, slug, case) in [(&zoe, "porto", &case), (&mara, "lisboa", &first[0])] {
            let foreign = if slug == "porto" { &decision } else { &elsewhere };
            for (door, answer) in knock(user, slug, case, foreign).await {
                let nothing = match answer.status {
                    404 => true,
                    200 => slug == "lisboa" || answer.text.contains("\"items\":[]"),
                    _ => false,
                };
                assert!(nothing, "{door}: {}", answer.text);
                let others = elsewhere["id"].as_str().unwrap();
                assert!(!answer.text.contains(others), "{door}: {}", answer.text);
            }
        }
        assert_eq!(queue(&nora).await, first, "the first community is as it was");
        ana.get(&format!("/posts/{}", elsewhere["id"].as_str().unwrap()))
            .await
            .expect(200);
        look(&bruno, &shown).await.refused(404, "not_found");

        // Another of its staff gives it back.
        let review = format!(
            "/moderation/decisions/{}/review",
            decision["id"].as_str().unwrap()
        );
        let reversed = json!({"outcome": "reversed", "note": "Fine."});
        here(&mara, Method::PUT, &review, Some(reversed.clone()))
            .await
            .refused(403, "own_decision");
        let waiting = look(&luis, "/moderation/appeals").await.expect(200);
        assert_eq!(waiting["items"][0]["id"], decision["id"]);
        here(&luis, Method::PUT, &review, Some(reversed.clone()))
            .await
            .expect(200);
        look(&bruno, &shown).await.expect(200);

        // What the platform's staff decided is theirs to undo, and nobody reads who decided about them.
        let more = say(&mara, "/posts", json!({"body": "Buy mine"}))
            .await
            .expect(201);
        report_within(app, &bruno, "lisboa", "post", &more["id"], "spam").await;
        let cases = look(&nora, "/moderation/cases").await.expect(200);
        let decided = say(&nora, &path(&cases["items"][0], "/decisions"), verdict("warn"))
            .await
            .expect(201);
        let id = decided["id"].as_str().unwrap();
        say(&mara, &format!("/decisions/{id}/appeal"), json!({"text": "Why?"}))
            .await
            .expect(200);
        let review = format!("/moderation/decisions/{id}/review");
        here(&luis, Method::PUT, &review, Some(reversed.clone()))
            .await
            .refused(403, "forbidden");
        for list in ["/moderation/decisions", "/moderation/appeals"] {
            let seen = look(&mara, list).await.expect(200);
            assert!(!seen.to_string().contains(id), "{list}: {seen}");
            assert!(look(&luis, list).await.expect(200).to_string().contains(id));
        }

        // Private messages are not for peers, and a machine shows them nothing that was not for everybody.
        let room = here(&ana, Method::PUT, &format!("/rooms/direct/{}", bruno.id), None)
            .await
            .expect(200);
        let messages = format!("/rooms/{}/messages", room["id"].as_str().unwrap());
        let message = say(&ana, &messages, json!({"body": "Buy!"})).await.expect(201);
        report_within(app, &bruno, "lisboa", "message", &message["id"], "spam").await;
        let ad = "CASINO BITCOIN HTTPS://A.EXAMPLE HTTPS://B.EXAMPLE WWW.C.EXAMPLE";
        for visibility in ["friends", "public", "friends", "public"] {
            let post = json!({"body": ad, "visibility": visibility});
            say(&ana, "/posts", post).await.expect(201);
        }
        let kinds = async |user: &TestUser| {
            let cases = look(user, "/moderation/cases").await.expect(200);
            let cases = cases["items"].as_array().unwrap().clone();
            let mut kinds: Vec<String> = cases
                .iter()
                .map(|case| case["subject_kind"].as_str().unwrap().to_owned())
                .collect();
            kinds.sort();
            (kinds, cases)
        };
        let (all, cases) = eventually(async || {
            app.run_worker("moderation.watch").await;
            let (all, cases) = kinds(&nora).await;
            // The first may have been weighed before it was said again.
            (all.len() >= 4).then_some((all, cases))
        })
        .await;
        assert_eq!(all[..4], ["message", "post", "post", "post"]);
        assert_eq!(
            kinds(&luis).await.0,
            ["post", "post"],
            "those that were for everybody"
        );
        let private = cases
            .iter()
            .find(|case| case["subject_kind"] == "message")
            .unwrap();
        look(&luis, &path(private, "")).await.refused(404, "not_found");
        say(&luis, &path(private, "/decisions"), verdict("warn"))
            .await
            .refused(404, "not_found");
        // Whoever looks after it no longer does so from the next request on.
        let his = format!("/communities/lisboa/members/{}", luis.id);
        put(&root, &his, json!({"role": "member"})).await.expect(204);
        look(&luis, "/moderation/cases").await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn spam_to_strangers_is_shown_to_a_human_one_message_and_nothing_else() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let mora = staff(app, "Mora", Role::PlatformVolunteer).await;
        let mut strangers = vec![];
        for name in ["Bruno", "Carla", "Dario", "Elsa", "Fede"] {
            strangers.push(app.user(name).await);
        }
        let ana = app.user("Ana").await;
        let (zoe, yves) = (app.user("Zoe").await, app.user("Yves").await);
        let say = async |from: &TestUser, to: &TestUser, body: &str| {
            app.clock.advance(Duration::from_secs(1));
            let room = from.put(&format!("/rooms/direct/{}", to.id)).await.expect(200);
            let messages = format!("/rooms/{}/messages", room["id"].as_str().unwrap());
            from.post(&messages, json!({"body": body})).await.expect(201);
            messages
        };
        let ad = "CASINO BITCOIN https://a.example https://b.example www.c.example";

        // Between friends, to who follows, to who answered: what they write is theirs.
        for (asks, asked) in [(&zoe, &yves), (&yves, &zoe)] {
            let ask = json!({"member_id": asked.id});
            asks.post("/friend-requests", ask).await.expect(201);
        }
        strangers[0]
            .put(&format!("/follows/{}", zoe.id))
            .await
            .expect(204);
        say(&zoe, &strangers[1], "Hola").await;
        say(&strangers[1], &zoe, "Hola!").await;
        for _ in 0..2 {
            for to in [&yves, &strangers[0], &strangers[1]] {
                say(&zoe, to, ad).await;
            }
        }
        let group = json!({"title": "Us", "member_ids": [strangers[2].id]});
        let group = zoe.post("/rooms", group).await.expect(201);
        let in_group = format!("/rooms/{}/messages", group["id"].as_str().unwrap());
        zoe.post(&in_group, json!({"body": ad})).await.expect(201);
        say(
            &zoe,
            &strangers[2],
            "Shall we dance on https://milonga.example tonight?",
        )
        .await;
        app.run_worker("moderation.watch").await;
        assert_eq!(queue(&mora).await, Vec::<Value>::new());

        // The same to many who do not know the sender.
        say(&ana, &strangers[4], "My secret").await;
        let mut rooms = vec![];
        for to in &strangers {
            rooms.push(say(&ana, to, ad).await);
        }
        let cases = eventually(async || {
            app.run_worker("moderation.watch").await;
            let cases = queue(&mora).await;
            (!cases.is_empty()).then_some(cases)
        })
        .await;
        for case in &cases {
            assert_eq!(
                (
                    &case["subject_kind"],
                    &case["accused"]["username"],
                    &case["report_count"]
                ),
                (&json!("message"), &json!("ana"), &json!(0))
            );
            assert!(
                !case.to_string().contains("CASINO"),
                "the queue shows no words: {case}"
            );
        }
        assert!(!actions(&root).await.contains(&"message_read".to_owned()));
        let file = mora.get(&path(&cases[0], "")).await.expect(200);
        assert_eq!(file["content"]["body"], ad);
        assert!(!file.to_string().contains("My secret"), "{file}");
        assert_eq!(actions(&root).await[0], "message_read");
        for (to, room) in strangers.iter().zip(&rooms) {
            let heard = to.get(room).await.expect(200);
            assert_eq!(heard["items"][0]["body"], ad, "nothing is hidden");
        }

        // A human takes it from sight; what the sender deletes themselves, nobody reads any more.
        mora.post(&path(&cases[0], "/decisions"), verdict("withhold"))
            .await
            .expect(201);
        if let Some(other) = cases.get(1) {
            let message = format!("/messages/{}", other["subject_id"].as_str().unwrap());
            ana.delete(&message).await.expect(204);
            let file = mora.get(&path(other, "")).await.expect(200);
            assert_eq!(file["content"], Value::Null);
        }
    })
    .await;
}
