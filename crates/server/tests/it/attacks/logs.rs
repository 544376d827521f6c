//! What the program writes about itself: no secret, and no line that a caller wrote.

use crate::support::{Server, UNHINDERED};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "a sentence nobody else would log";

async fn post(server: &Server, path: &str, body: &Value) -> Value {
    let request = server.http.post(format!("{}/api/v1{path}", server.url));
    let answer = request
        .header("user-agent", "Mozilla\u{9}(X11) evil")
        .json(body)
        .send()
        .await
        .expect("an answer");
    answer.json().await.unwrap_or_default()
}

#[tokio::test]
async fn neither_secrets_nor_forged_lines_reach_the_log() {
    for format in ["pretty", "json"] {
        let mut settings = UNHINDERED.to_vec();
        settings.extend([("RUST_LOG", "debug"), ("MUNDO_LOG_FORMAT", format)]);
        let mut server = Server::new(None, &settings);
        server.start().await;
        let form = json!({
            "email": "ana@example.test", "password": PASSWORD, "username": "ana",
            "display_name": "Ana",
        });
        let registered = post(&server, "/auth/register", &form).await;
        let credentials = json!({"email": "ana@example.test", "password": PASSWORD});
        let session = post(&server, "/auth/login", &credentials).await;
        let mut secrets = vec![PASSWORD.to_owned(), "wrong but close to it".to_owned()];
        for answer in [&registered, &session] {
            for key in ["access_token", "refresh_token", "device_token"] {
                secrets.push(answer[key].as_str().expect("a token").to_owned());
            }
        }
        let wrong = json!({"email": "ana@example.test", "password": "wrong but close to it"});
        post(&server, "/auth/login", &wrong).await;
        let refresh =
            json!({"refresh_token": session["refresh_token"], "device_token": session["device_token"]});
        let rotated = post(&server, "/auth/refresh", &refresh).await;
        secrets.push(rotated["refresh_token"].as_str().expect("a token").to_owned());
        // A spent grandparent: reuse, which is logged.
        let next =
            json!({"refresh_token": rotated["refresh_token"], "device_token": session["device_token"]});
        post(&server, "/auth/refresh", &next).await;
        post(&server, "/auth/refresh", &refresh).await;
        let injected = json!({
            "email": "x\r\n2026-01-01 ERROR forged line@example.test", "password": PASSWORD,
            "username": "a\u{1b}[31mred", "display_name": "b\nFORGED",
        });
        post(&server, "/auth/register", &injected).await;
        let token = registered["access_token"].as_str().unwrap();
        let odd = server
            .http
            .request(Method::GET, format!("{}/api/v1/me%0aFORGED%1b[31m", server.url))
            .bearer_auth(token)
            .header("x-request-id", "FORGED\tid");
        odd.send().await.expect("an answer");
        let (status, _) = server.terminate().await;
        assert!(status.success());

        let log = server.log();
        assert!(log.contains("a spent refresh token was shown"), "{log}");
        for secret in secrets {
            assert!(!log.contains(&secret), "{format}: {secret} stands in the log");
        }
        for line in log.lines() {
            assert!(
                !line.starts_with("2026-01-01 ERROR forged") && !line.starts_with("FORGED"),
                "{format}: {line}"
            );
            assert!(
                !line.contains("[31mred") || !line.contains('\u{1b}'),
                "{format}: {line}"
            );
            assert!(
                format == "pretty" || serde_json::from_str::<Value>(line).is_ok(),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn who_asks_for_what_is_not_theirs_stands_in_the_log() {
    let mut server = Server::new(None, &UNHINDERED);
    server.start().await;
    let form = json!({
        "email": "ana@example.test", "password": PASSWORD, "username": "ana", "display_name": "Ana",
    });
    let ana = post(&server, "/auth/register", &form).await;
    let (id, token) = (
        ana["user"]["id"].as_str().unwrap(),
        ana["access_token"].as_str().unwrap(),
    );
    for (method, path, status) in [
        (Method::GET, format!("/members/{id}/roles"), 403),
        (
            Method::DELETE,
            "/me/sessions/01900000-0000-7000-8000-000000000000".to_owned(),
            404,
        ),
        (Method::GET, "/me".to_owned(), 200),
    ] {
        let url = format!("{}/api/v1{path}", server.url);
        let answer = server
            .http
            .request(method, url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    server.terminate().await;
    let log = server.log();
    let refusals: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("refused") && line.contains(id))
        .collect();
    assert_eq!(refusals.len(), 2, "{log}");
    assert!(
        refusals[0].contains("forbidden") && refusals[0].contains("/roles"),
        "{log}"
    );
    assert!(
        refusals[1].contains("not_found") && refusals[1].contains("/me/sessions"),
        "{log}"
    );
}
