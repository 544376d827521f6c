//! Members recommend places to each other.

use crate::{
    media::tests::{photo, upload, written},
    tests::each_db,
};
use db::{Executor, params};
use futures_util::future::join_all;
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, TestUser, eventually};

async fn recommend(user: &TestUser, name: &str, kind: &str) -> Value {
    let new = json!({"name": name, "kind": kind, "city": "buenos aires", "address": "Sarmiento 4006",
        "latitude": -34.603, "longitude": -58.420, "description": "Parquet, tango every night"});
    user.post("/places", new).await.expect(201)
}

async fn rate(user: &TestUser, place: &Value, stars: i64) -> Answer {
    let path = format!("/places/{}/rating", place["id"].as_str().unwrap());
    Answer::of(
        user.request(Method::PUT, &path)
            .json(&json!({"stars": stars, "body": "I was there"})),
    )
    .await
}

fn path(place: &Value) -> String {
    format!("/places/{}", place["id"].as_str().unwrap())
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|place| place["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn places_are_recommended_rated_once_each_and_listed_best_first() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let catedral = recommend(&ana, "La Catedral", "venue").await;
        assert_eq!(
            (&catedral["city"], &catedral["country"]),
            (&json!("Buenos Aires"), &json!("AR"))
        );
        assert_eq!(
            (&catedral["rating"], &catedral["rating_count"]),
            (&Value::Null, &json!(0))
        );
        assert_eq!(catedral["recommended_by"]["username"], "ana");
        let cantina = recommend(&bruno, "La Cantina", "restaurant").await;
        let berlin = json!({"name": "Clärchens", "kind": "venue", "city": "Berlin"});
        ana.post("/places", berlin).await.expect(201);

        // Once, however it is written.
        let again = json!({"name": "la catedral", "kind": "bar", "city": "CABA"});
        bruno.post("/places", again).await.refused(409, "place_is_there");

        rate(&ana, &catedral, 5).await.expect(200);
        rate(&bruno, &catedral, 4).await.expect(200);
        let rated = rate(&bruno, &catedral, 2).await.expect(200);
        assert_eq!(
            (&rated["rating"], &rated["rating_count"], &rated["my_stars"]),
            (&json!(3.5), &json!(2), &json!(2))
        );
        rate(&carla, &cantina, 5).await.expect(200);
        rate(&carla, &catedral, 6).await.refused(422, "invalid");
        rate(&carla, &catedral, 0).await.refused(422, "invalid");

        let all = carla.get("/places").await.expect(200);
        assert_eq!(names(&all)[0], "La Cantina");
        let here = carla.get("/places?city=Buenos%20Aires&limit=1").await.expect(200);
        assert_eq!(names(&here), ["La Cantina"]);
        let next = here["next_cursor"].as_str().unwrap();
        let rest = carla
            .get(&format!("/places?city=CABA&cursor={next}"))
            .await
            .expect(200);
        assert_eq!(names(&rest), ["La Catedral"]);
        assert_eq!(
            names(&carla.get("/places?kind=venue&city=Berlin").await.expect(200)),
            ["Clärchens"]
        );
        let ratings = carla
            .get(&format!("{}/ratings", path(&catedral)))
            .await
            .expect(200);
        let stars: Vec<_> = ratings["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (&one["member"]["username"], &one["stars"]))
            .collect();
        assert_eq!(stars, [(&json!("bruno"), &json!(2)), (&json!("ana"), &json!(5))]);

        bruno
            .delete(&format!("{}/rating", path(&catedral)))
            .await
            .expect(204);
        let left = bruno.get(&path(&catedral)).await.expect(200);
        assert_eq!(
            (&left["rating"], &left["rating_count"], &left["my_stars"]),
            (&json!(5.0), &json!(1), &Value::Null)
        );
    })
    .await;
}

#[tokio::test]
async fn only_who_recommended_it_changes_a_place() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let place = recommend(&ana, "La Viruta", "venue").await;
        bruno
            .patch(&path(&place), json!({"name": "Mine"}))
            .await
            .refused(403, "not_author");
        bruno.delete(&path(&place)).await.refused(403, "not_author");
        let edited = ana
            .patch(
                &path(&place),
                json!({"name": "La Viruta Tango Club", "website": "https://example.org"}),
            )
            .await
            .expect(200);
        assert_eq!(
            (&edited["name"], &edited["kind"], &edited["version"]),
            (&json!("La Viruta Tango Club"), &json!("venue"), &json!(2))
        );
        // A new city brings its own country, and null takes away.
        let moved = json!({"city": "Roma", "website": null, "latitude": null, "longitude": null});
        let moved = ana.patch(&path(&place), moved).await.expect(200);
        assert_eq!(
            [
                &moved["city"],
                &moved["country"],
                &moved["website"],
                &moved["latitude"]
            ],
            [&json!("Roma"), &json!("IT"), &Value::Null, &Value::Null]
        );
        assert_eq!(moved["address"], place["address"]);
        let stale = ana
            .request(Method::PATCH, &path(&place))
            .header("if-match", "\"1\"")
            .json(&json!({"name": "Older"}));
        Answer::of(stale).await.refused(412, "stale");
        ana.patch(&path(&place), json!({"website": "javascript:alert(1)"}))
            .await
            .refused(422, "invalid");
        ana.post("/places", json!({"name": "!!!", "kind": "bar", "city": "Roma"}))
            .await
            .refused(422, "invalid");
        ana.post(
            "/places",
            json!({"name": "X", "kind": "bar", "city": "Roma", "latitude": 1.0}),
        )
        .await
        .refused(422, "invalid");
        ana.delete(&path(&place)).await.expect(204);
        ana.get(&path(&place)).await.refused(404, "not_found");
        rate(&ana, &place, 3).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_place_has_pictures_of_who_recommended_it() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let mut ids = vec![];
        for _ in 0..2 {
            let media = upload(app, &ana, &written(&photo(60, 40), ImageFormat::Png)).await;
            ids.push(media["id"].clone());
        }
        let new = json!({"name": "Gricel", "kind": "venue", "city": "Buenos Aires", "media_ids": ids});
        bruno.post("/places", new.clone()).await.refused(422, "invalid");
        let place = ana.post("/places", new).await.expect(201);
        let shown = |place: &Value| -> Vec<Value> {
            let photos = place["photos"].as_array().unwrap();
            photos.iter().map(|photo| photo["id"].clone()).collect()
        };
        assert_eq!(shown(&place), ids);
        let seen = bruno.get(&path(&place)).await.expect(200);
        let listed = bruno.get("/places").await.expect(200);
        assert_eq!(
            (shown(&seen), shown(&listed["items"][0])),
            (ids.clone(), ids.clone())
        );
        let url = format!("{}{}", app.url, seen["photos"][0]["url"].as_str().unwrap());
        assert_eq!(app.http.get(url).send().await.unwrap().status(), 200);
        let rated = rate(&bruno, &place, 5).await.expect(200);
        assert_eq!(shown(&rated), ids);
        let edited = ana
            .patch(&path(&place), json!({"media_ids": [ids[1]]}))
            .await
            .expect(200);
        assert_eq!(shown(&edited), [ids[1].clone()]);
        ana.delete(&path(&place)).await.expect(204);
        ana.get(&format!("/media/{}", ids[1].as_str().unwrap()))
            .await
            .refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn who_is_blocked_has_no_name_beside_a_place_and_no_rating() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let place = recommend(&ana, "El Beso", "venue").await;
        rate(&ana, &place, 5).await.expect(200);
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        let seen = bruno.get(&path(&place)).await.expect(200);
        assert_eq!(
            (&seen["recommended_by"], &seen["rating_count"]),
            (&Value::Null, &json!(1))
        );
        let ratings = bruno.get(&format!("{}/ratings", path(&place))).await.expect(200);
        assert_eq!(ratings["items"], json!([]));
        rate(&bruno, &place, 1).await.expect(200);
        assert_eq!(
            ana.get(&format!("{}/ratings", path(&place))).await.expect(200)["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_withheld_place_is_there_for_its_author_alone() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let place = recommend(&ana, "Sin Rumbo", "venue").await;
        let id: super::PlaceId = place["id"].as_str().unwrap().parse().unwrap();
        for (at, here) in [(Some(app.clock.now()), false), (None, true)] {
            let work = app
                .app
                .db
                .write(move |tx| async move { super::store::withhold(&tx, id, at).await });
            assert!(work.await.unwrap());
            assert_eq!(ana.get(&path(&place)).await.expect(200)["is_withheld"], !here);
            let edited = ana
                .patch(&path(&place), json!({"address": "Tamborini 6157"}))
                .await;
            assert_eq!(edited.status, if here { 200 } else { 403 }, "{}", edited.text);
            assert_eq!(
                bruno.get(&path(&place)).await.status,
                if here { 200 } else { 404 }
            );
            assert_eq!(
                names(&bruno.get("/places").await.expect(200)).len(),
                usize::from(here)
            );
            assert_eq!(rate(&bruno, &place, 4).await.status, if here { 200 } else { 404 });
            assert_eq!(found(app, &bruno, "rumbo").await, usize::from(here));
        }
    })
    .await;
}

/// Hits of places for a query, once the index has all of them.
async fn found(app: &TestApp, user: &TestUser, query: &str) -> usize {
    eventually(async || {
        app.app.supervisor.wake("search.index");
        let sql = "SELECT /* every community */ (SELECT count(*) FROM place) - (SELECT count(*) FROM search_document WHERE kind = 'place')";
        let missing: Option<i64> = app.app.db.one(sql, params![], |row| row.get(0)).await.unwrap();
        (missing == Some(0)).then_some(())
    })
    .await;
    let page = user
        .get(&format!("/search?kind=place&q={query}"))
        .await
        .expect(200);
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn places_are_found_with_accents_slips_and_by_distance() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let new = json!({"name": "Confitería Ideal", "kind": "cafe", "city": "Buenos Aires",
            "latitude": -34.6045, "longitude": -58.3790, "description": "Milonga under a dome"});
        let place = ana.post("/places", new).await.expect(201);
        for query in ["confiteria", "ideal", "dome", "confitreia", "buenos"] {
            assert_eq!(found(app, &ana, query).await, 1, "{query}");
        }
        let hit = ana.get("/search?q=ideal").await.expect(200)["items"][0].clone();
        assert_eq!(
            (&hit["kind"], &hit["id"], &hit["name"]),
            (&json!("place"), &place["id"], &json!("Confitería Ideal"))
        );
        for (km, hits) in [(5, 1), (1, 0)] {
            let near = format!("ideal&latitude=-34.62&longitude=-58.37&within_km={km}");
            assert_eq!(found(app, &ana, &near).await, hits, "{km} km");
        }
        assert_eq!(found(app, &ana, "ideal&city=CABA").await, 1);
        assert_eq!(found(app, &ana, "ideal&city=Roma").await, 0);
        ana.patch(&path(&place), json!({"name": "Confitería La Paz"}))
            .await
            .expect(200);
        eventually(async || {
            app.app.supervisor.wake("search.index");
            let page = ana.get("/search?kind=place&q=paz").await.expect(200);
            (page["items"].as_array().unwrap().len() == 1).then_some(())
        })
        .await;
        ana.delete(&path(&place)).await.expect(204);
        assert_eq!(found(app, &ana, "paz").await, 0);
    })
    .await;
}

#[tokio::test]
async fn many_who_rate_at_once_are_all_counted() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let place = recommend(&ana, "Canning", "venue").await;
        let mut members = vec![];
        for n in 0..12 {
            members.push(app.user(&format!("Member{n}")).await);
        }
        let rated = members.iter().enumerate().flat_map(|(n, member)| {
            let place = &place;
            [1, n as i64 % 5 + 1].map(|stars| async move { rate(member, place, stars).await.expect(200) })
        });
        join_all(rated).await;
        let sql = "SELECT /* every community */ rating_sum - (SELECT sum(stars) FROM place_rating),
                          rating_count - (SELECT count(*) FROM place_rating) FROM place";
        let drift: Option<(i64, i64)> = app
            .app
            .db
            .one(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))
            .await
            .unwrap();
        assert_eq!(drift, Some((0, 0)));
        assert_eq!(ana.get(&path(&place)).await.expect(200)["rating_count"], 12);
    })
    .await;
}

#[tokio::test]
async fn nobody_recommends_without_end() {
    let app = crate::tests::app_with(&[("limits.enabled", "on"), ("limits.places_per_day", "2")]).await;
    let ana = app.user("Ana").await;
    for (name, status) in [("One", 201), ("Two", 201), ("Three", 429)] {
        let new = json!({"name": name, "kind": "bar", "city": "Roma"});
        assert_eq!(ana.post("/places", new).await.status, status, "{name}");
    }
    app.end().await;
}
