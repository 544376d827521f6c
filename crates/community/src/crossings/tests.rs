//! Several communities, their data kept apart, and posts that cross with leave.

use crate::tests::{bodies, each_db, found, put, staff, within};
use accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, TestUser};

async fn get(user: &TestUser, slug: &str, path: &str) -> Answer {
    within(user, slug, Method::GET, path, None).await
}

async fn post(user: &TestUser, slug: &str, path: &str, body: Value) -> Answer {
    within(user, slug, Method::POST, path, Some(body)).await
}

#[tokio::test]
async fn a_community_is_made_by_staff_joined_by_members_and_keeps_its_own_data() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        found(&root, "lisboa", true).await;
        ana.post(
            "/communities",
            json!({"slug": "mine", "name": "Mine", "is_open": true}),
        )
        .await
        .refused(403, "forbidden");
        root.post(
            "/communities",
            json!({"slug": "lisboa", "name": "Again", "is_open": true}),
        )
        .await
        .refused(409, "slug_taken");

        get(&ana, "lisboa", "/feed")
            .await
            .refused(403, "not_in_community");
        get(&ana, "nowhere", "/feed").await.refused(404, "not_found");
        let joined = ana.put("/communities/lisboa/membership").await.expect(200);
        assert_eq!(
            (&joined["i_belong"], &joined["my_role"]),
            (&json!(true), &json!("member"))
        );
        let there = post(&ana, "lisboa", "/posts", json!({"body": "Olá"}))
            .await
            .expect(201);
        let here = ana.post("/posts", json!({"body": "Hola"})).await.expect(201);

        assert_eq!(bodies(&get(&ana, "lisboa", "/feed").await.expect(200)), ["Olá"]);
        assert_eq!(bodies(&ana.get("/feed").await.expect(200)), ["Hola"]);
        let path = |post: &Value| format!("/posts/{}", post["id"].as_str().unwrap());
        ana.get(&path(&there)).await.refused(404, "not_found");
        get(&ana, "lisboa", &path(&here)).await.refused(404, "not_found");
        bruno.get(&path(&there)).await.refused(404, "not_found");
        get(&bruno, "lisboa", &path(&there))
            .await
            .refused(403, "not_in_community");

        ana.delete("/communities/lisboa/membership").await.expect(204);
        get(&ana, "lisboa", "/feed")
            .await
            .refused(403, "not_in_community");
    })
    .await;
}

#[tokio::test]
async fn a_closed_community_is_entered_by_its_admins_leave_and_unknown_to_strangers() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        found(&root, "salon", false).await;
        ana.get("/communities/salon").await.refused(404, "not_found");
        ana.put("/communities/salon/membership")
            .await
            .refused(404, "not_found");
        let listed = ana.get("/communities").await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        let hers = format!("/communities/salon/members/{}", ana.id);
        put(&root, &hers, json!({"role": "admin"})).await.expect(204);
        let his = format!("/communities/salon/members/{}", bruno.id);
        put(&ana, &his, json!({"role": "member"})).await.expect(204);
        put(&bruno, &his, json!({"role": "admin"}))
            .await
            .refused(403, "not_community_admin");
        let members = bruno.get("/communities/salon/members").await.expect(200);
        assert_eq!(members["items"].as_array().unwrap().len(), 3);
        ana.delete(&his).await.expect(204);
        get(&bruno, "salon", "/feed")
            .await
            .refused(403, "not_in_community");
        root.delete("/communities/salon/membership").await.expect(204);
        ana.delete("/communities/salon/membership")
            .await
            .refused(409, "last_community_admin");
        ana.delete("/communities/mundo-tango/membership")
            .await
            .refused(409, "first_community");
        ana.patch("/communities/salon", json!({"is_open": true}))
            .await
            .expect(200);
        ana.patch("/communities/salon", json!({"domain": "salon.example"}))
            .await
            .refused(403, "forbidden");
        bruno.put("/communities/salon/membership").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_host_name_leads_to_its_community() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let ana = app.user("Ana").await;
        let new = json!({"slug": "porto", "name": "Porto", "is_open": true, "domain": "Porto.Example.TEST"});
        root.post("/communities", new).await.expect(201);
        ana.put("/communities/porto/membership").await.expect(200);
        let request = |host: &str| {
            ana.request(Method::POST, "/posts")
                .header("host", host.to_owned())
        };
        Answer::of(request("porto.example.test:8443").json(&json!({"body": "Oi"})))
            .await
            .expect(201);
        assert_eq!(bodies(&get(&ana, "porto", "/feed").await.expect(200)), ["Oi"]);
        assert!(bodies(&ana.get("/feed").await.expect(200)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_post_crosses_when_the_other_communitys_staff_let_it_in() {
    each_db(async |app| {
        let root = staff(app, "Root", Role::God).await;
        let (ana, bruno, zoe) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Zoe").await,
        );
        for slug in ["lisboa", "porto"] {
            found(&root, slug, true).await;
        }
        for (user, slug) in [
            (&ana, "lisboa"),
            (&ana, "porto"),
            (&bruno, "lisboa"),
            (&zoe, "porto"),
        ] {
            user.put(&format!("/communities/{slug}/membership"))
                .await
                .expect(200);
        }
        let hers = format!("/communities/porto/members/{}", zoe.id);
        put(&root, &hers, json!({"role": "moderator"})).await.expect(204);
        let milonga = post(&ana, "lisboa", "/posts", json!({"body": "Milonga on Friday"}))
            .await
            .expect(201);
        let secret = json!({"body": "For friends", "visibility": "friends"});
        let secret = post(&ana, "lisboa", "/posts", secret).await.expect(201);
        let ask = |post: &Value| json!({"post_id": post["id"], "community": "porto"});

        post(&ana, "lisboa", "/crossings", ask(&secret))
            .await
            .refused(403, "not_public");
        post(&bruno, "lisboa", "/crossings", ask(&milonga))
            .await
            .refused(404, "not_found");
        post(&ana, "porto", "/crossings", ask(&milonga))
            .await
            .refused(409, "same_community");
        let asked = post(&ana, "lisboa", "/crossings", ask(&milonga))
            .await
            .expect(201);
        post(&ana, "lisboa", "/crossings", ask(&milonga))
            .await
            .refused(409, "already_shared");
        let view = |name: &str| format!("/community-posts?view={name}");
        assert!(bodies(&get(&zoe, "porto", &view("shared")).await.expect(200)).is_empty());

        let decision = format!("/crossings/{}/decision", asked["id"].as_str().unwrap());
        let approve = async |user: &TestUser, slug: &str| {
            within(user, slug, Method::PUT, &decision, Some(json!({"approve": true}))).await
        };
        approve(&ana, "porto").await.refused(404, "not_found");
        approve(&bruno, "lisboa").await.refused(404, "not_found");
        get(&ana, "porto", "/crossings")
            .await
            .refused(403, "not_community_admin");
        let waiting = get(&zoe, "porto", "/crossings").await.expect(200);
        assert_eq!(waiting["items"][0]["source"]["slug"], "lisboa");
        approve(&zoe, "porto").await.expect(200);
        let seen = get(&zoe, "porto", &view("shared")).await.expect(200);
        assert_eq!(
            (bodies(&seen), &seen["items"][0]["community"]["slug"]),
            (vec!["Milonga on Friday"], &json!("lisboa"))
        );
        get(
            &zoe,
            "porto",
            &format!("/posts/{}", milonga["id"].as_str().unwrap()),
        )
        .await
        .refused(404, "not_found");

        app.clock.advance(Duration::from_secs(1));
        post(&zoe, "porto", "/posts", json!({"body": "In Porto"}))
            .await
            .expect(201);
        app.clock.advance(Duration::from_secs(1));
        post(&bruno, "lisboa", "/posts", json!({"body": "In Lisboa"}))
            .await
            .expect(201);
        assert_eq!(
            bodies(&get(&ana, "porto", &view("own")).await.expect(200)),
            ["In Porto"]
        );
        let all = ["In Lisboa", "In Porto", "Milonga on Friday"];
        assert_eq!(bodies(&get(&ana, "porto", &view("all")).await.expect(200)), all);
        assert_eq!(
            bodies(&get(&zoe, "porto", &view("all")).await.expect(200)),
            ["In Porto"]
        );
        within(
            &zoe,
            "porto",
            Method::PUT,
            "/community-view",
            Some(json!({"view": "shared"})),
        )
        .await
        .expect(204);
        assert_eq!(
            bodies(&get(&zoe, "porto", "/community-posts").await.expect(200)),
            ["Milonga on Friday"]
        );

        let one = format!("/posts/{}", milonga["id"].as_str().unwrap());
        within(
            &ana,
            "lisboa",
            Method::PATCH,
            &one,
            Some(json!({"visibility": "private"})),
        )
        .await
        .expect(200);
        assert!(
            bodies(&get(&zoe, "porto", &view("shared")).await.expect(200)).is_empty(),
            "it follows the post"
        );
        within(
            &ana,
            "lisboa",
            Method::PATCH,
            &one,
            Some(json!({"visibility": "public"})),
        )
        .await
        .expect(200);
        let crossing = format!("/crossings/{}", asked["id"].as_str().unwrap());
        zoe.delete(&crossing).await.refused(404, "not_found");
        ana.delete(&crossing).await.expect(204);
        assert!(bodies(&get(&zoe, "porto", &view("shared")).await.expect(200)).is_empty());
    })
    .await;
}
