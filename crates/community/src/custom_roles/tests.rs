//! A member asks for a role, staff decide.

use crate::tests::{each_db, put, staff};
use accounts::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn a_member_proposes_a_role_staff_approve_it_and_others_hold_it_too() {
    each_db(async |app| {
        let (root, ana, bruno) = (
            staff(app, "Root", Role::God).await,
            app.user("Ana").await,
            app.user("Bruno").await,
        );
        let new = json!({"name": "Zapatero", "description": "Makes shoes for dancers."});
        let role = ana.post("/custom-roles", new.clone()).await.expect(201);
        let id = role["id"].as_str().unwrap().to_owned();
        bruno
            .post("/custom-roles", json!({"name": "ZAPATÉRO", "description": "x"}))
            .await
            .refused(409, "role_exists");
        let holding = format!("/custom-roles/{id}/holding");
        bruno.put(&holding).await.refused(404, "not_found");
        let all = async |path: &str| {
            bruno.get(path).await.expect(200)["items"]
                .as_array()
                .unwrap()
                .clone()
        };
        assert!(
            all("/custom-roles").await.is_empty(),
            "what waits is not shown to others"
        );

        bruno.get("/staff/custom-roles").await.refused(403, "forbidden");
        let waiting = root.get("/staff/custom-roles").await.expect(200);
        assert_eq!(waiting["items"][0]["proposed_by"]["username"], "ana");
        let decision = format!("/staff/custom-roles/{id}/decision");
        put(&root, &decision, json!({"approve": true, "note": "Good idea."}))
            .await
            .expect(200);
        put(&root, &decision, json!({"approve": false}))
            .await
            .refused(409, "already_decided");
        let mine = ana.get("/custom-roles/proposals").await.expect(200);
        assert_eq!(
            (&mine["items"][0]["status"], &mine["items"][0]["note"]),
            (&json!("approved"), &json!("Good idea."))
        );

        for _ in 0..2 {
            bruno.put(&holding).await.expect(204);
        }
        let listed = all("/custom-roles").await;
        assert_eq!(
            (
                &listed[0]["holder_count"],
                &listed[0]["held_by_me"],
                &listed[0]["note"]
            ),
            (&json!(2), &json!(true), &json!(""))
        );
        assert_eq!(
            all(&format!("/custom-roles?member_id={}", ana.id)).await[0]["name"],
            "Zapatero"
        );
        bruno.delete(&holding).await.expect(204);
        assert_eq!(all("/custom-roles").await[0]["holder_count"], 1);
        let log = root.get("/audit").await.expect(200);
        assert_eq!(
            (&log["items"][0]["action"], &log["items"][0]["subject"]),
            (&json!("custom_role_approved"), &json!("ana"))
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_rejected_can_be_proposed_again_and_what_waits_can_be_taken_back() {
    each_db(async |app| {
        let (root, ana, bruno) = (
            staff(app, "Root", Role::God).await,
            app.user("Ana").await,
            app.user("Bruno").await,
        );
        let new = |name: &str| json!({"name": name, "description": "Something."});
        let role = ana.post("/custom-roles", new("King")).await.expect(201);
        let path = |role: &Value| format!("/custom-roles/{}", role["id"].as_str().unwrap());
        let decision = format!("/staff{}/decision", path(&role));
        put(&root, &decision, json!({"approve": false, "note": "No kings."}))
            .await
            .expect(200);
        let again = ana.post("/custom-roles", new("King")).await.expect(201);
        bruno.delete(&path(&again)).await.refused(404, "not_found");
        ana.delete(&path(&again)).await.expect(204);
        ana.delete(&path(&role)).await.refused(404, "not_found");
        for n in 0..5 {
            ana.post("/custom-roles", new(&format!("Role {n}")))
                .await
                .expect(201);
        }
        ana.post("/custom-roles", new("One more"))
            .await
            .refused(409, "too_many_proposals");
    })
    .await;
}
