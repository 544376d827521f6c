//! What the table of routes promises of a route, its answers keep.

use crate::sqlite;
use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use base::{Day, error::not_found};
use http_body_util::BodyExt;
use platform::{
    AppState,
    http::{Caller, NoContent, Result, Routes, document, edge},
    tasks::Tasks,
};
use tower::ServiceExt;

const SINCE: Day = Day::new(2026, 11, 1);
const SUNSET: Day = Day::new(2027, 5, 1);

async fn old_way() -> Result<NoContent> {
    Ok(NoContent)
}

async fn lost_way() -> Result<NoContent> {
    Err(not_found("page").into())
}

fn routes() -> Routes {
    let old = Routes::new("ways")
        .get("/old", "old_way", old_way, "The old way")
        .by(Caller::Public)
        .deprecated(SINCE, SUNSET)
        .post("/old", "new_way", old_way, "The new way on the same path")
        .by(Caller::Public);
    let lost = Routes::new("ways")
        .get("/lost", "lost_way", lost_way, "A way that leads nowhere")
        .by(Caller::Public)
        .deprecated(SINCE, SUNSET);
    old.merge(lost)
}

async fn ask(app: &AppState, method: &str, path: &str) -> Response<Body> {
    let (router, _, _) = routes().into_parts();
    let router: Router = edge::around(router, app).with_state(app.clone());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("accept-language", "es-AR");
    router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_deprecated_route_says_so_in_every_answer_and_in_the_document() {
    let it = sqlite().await;
    let app = it.app(Tasks::default());
    for (path, status) in [("/api/v1/old", 204), ("/api/v1/lost", 404)] {
        let answer = ask(&app, "GET", path).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["deprecation"], "@1793491200");
        assert_eq!(answer.headers()["sunset"], "Sat, 01 May 2027 00:00:00 GMT");
    }
    let answer = ask(&app, "POST", "/api/v1/old").await;
    assert_eq!(answer.status(), 204);
    assert!(!answer.headers().contains_key("deprecation"));

    let (_, operations, schemas) = routes().into_parts();
    let document = document(&operations, &schemas);
    assert_eq!(document["paths"]["/api/v1/old"]["get"]["deprecated"], true);
    assert!(
        document["paths"]["/api/v1/old"]["post"]
            .get("deprecated")
            .is_none()
    );
}

#[tokio::test]
async fn argentina_reads_its_own_spanish() {
    let it = sqlite().await;
    let answer = ask(&it.app(Tasks::default()), "GET", "/api/v1/lost").await;
    assert_eq!(answer.headers()["content-language"], "es-AR");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["detail"], "No existe esa página, o no podés verla.");
    assert_eq!(problem["title"], "No encontrado", "what is the same is Spanish");
}
