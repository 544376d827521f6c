//! Access tokens that the server did not make, or made for something else.

use super::{PASSWORD, polling::Polling, site};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use db::Executor;
use ed25519_dalek::{Signer, SigningKey};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{io::ErrorKind, net::TcpListener};
use testkit::{Answer, TestUser};

fn parts(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap();
    (read(parts[0]), read(parts[1]), parts[2].to_owned())
}

fn body(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        BASE64.encode(header.to_string()),
        BASE64.encode(claims.to_string())
    )
}

/// Signed with a key of the attacker's own.
fn signed(header: &Value, claims: &Value) -> String {
    let key = SigningKey::from_bytes(&[7; 32]);
    let body = body(header, claims);
    let signature = BASE64.encode(key.sign(body.as_bytes()).to_bytes());
    format!("{body}.{signature}")
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([&padded(0x36)[..], text].concat());
    Sha256::digest([&padded(0x5c)[..], &inner[..]].concat()).to_vec()
}

/// The forgery is refused, the member's own token still counts.
async fn refused(ana: &TestUser, forgeries: Vec<String>) {
    for token in forgeries {
        let forged = ana.with(&json!({"access_token": token}));
        let answer = forged.get("/me").await;
        assert_eq!(answer.status, 401, "{token}");
        answer.refused(401, "unauthenticated");
    }
    ana.get("/me").await.expect(200);
}

#[tokio::test]
async fn no_algorithm_is_accepted_but_the_keys_own() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let (header, claims, signature) = parts(&ana.token);
    let mut forgeries = vec![];
    for alg in [
        "none", "None", "nOnE", "NONE", "", "HS256", "ES256", "RS256", "PS256", "Ed25519", "eddsa",
    ] {
        let mut header = header.clone();
        header["alg"] = json!(alg);
        let body = body(&header, &claims);
        forgeries.push(format!("{body}."));
        forgeries.push(format!("{body}.{signature}"));
    }
    let public: Vec<Vec<u8>> = app
        .app
        .db
        .all("SELECT public FROM signing_key", vec![], |row| row.get(0))
        .await
        .unwrap();
    assert!(!public.is_empty());
    for alg in ["HS256", "EdDSA"] {
        let mut header = header.clone();
        header["alg"] = json!(alg);
        let body = body(&header, &claims);
        for key in &public {
            let mac = BASE64.encode(hmac(key, body.as_bytes()));
            forgeries.push(format!("{body}.{mac}"));
        }
    }
    refused(&ana, forgeries).await;
    app.end().await;
}

#[tokio::test]
async fn a_key_id_is_looked_up_and_nothing_else() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let (header, claims, _) = parts(&ana.token);
    let kids = [
        json!("../../dev/null"),
        json!("/dev/null"),
        json!("' OR '1'='1"),
        json!("x'; DROP TABLE signing_key; --"),
        json!("x".repeat(10_000)),
        json!(["a", "b"]),
        json!({"$ne": null}),
        json!(0),
        json!(null),
        json!("01900000-0000-7000-8000-000000000000"),
        json!("http://127.0.0.1/key"),
    ];
    let forgeries = kids.map(|kid| {
        let mut header = header.clone();
        header["kid"] = kid;
        signed(&header, &claims)
    });
    refused(&ana, forgeries.to_vec()).await;
    app.end().await;
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_is_neither_used_nor_fetched() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", canary.local_addr().unwrap());
    let app = site().await;
    let ana = app.user("Ana").await;
    let (header, claims, _) = parts(&ana.token);
    let public = SigningKey::from_bytes(&[7; 32]).verifying_key();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(public.to_bytes()), "kid": "own"});
    let mut forgeries = vec![];
    for (name, value) in [
        ("jwk", jwk.clone()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!([BASE64.encode(public.to_bytes())])),
        ("crit", json!(["jwk"])),
    ] {
        for kid in [&header["kid"], &json!("own")] {
            let mut header = header.clone();
            header["kid"] = kid.clone();
            header[name] = value.clone();
            forgeries.push(signed(&header, &claims));
        }
    }
    let mut claims = claims;
    claims["iss"] = json!(url);
    forgeries.push(signed(&header, &claims));
    refused(&ana, forgeries).await;
    let heard = canary.accept().map(|(_, from)| from);
    assert_eq!(
        heard.unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "the server fetched a key"
    );
    app.end().await;
}

#[tokio::test]
async fn a_token_bent_anywhere_is_refused() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let mut forgeries = vec![];
    for at in (0..ana.token.len()).step_by(3) {
        let mut bent = ana.token.clone().into_bytes();
        if bent[at] != b'.' {
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            forgeries.push(String::from_utf8(bent).unwrap());
        }
    }
    assert!(forgeries.len() > 100);
    let (header, mut claims, signature) = parts(&ana.token);
    claims["sub"] = json!("01900000-0000-7000-8000-000000000000");
    forgeries.push(format!("{}.{signature}", body(&header, &claims)));
    forgeries.extend([
        String::new(),
        "..".to_owned(),
        "a.b.c.d".to_owned(),
        "a".repeat(30_000),
    ]);
    refused(&ana, forgeries).await;
    app.end().await;
}

#[tokio::test]
async fn a_token_made_for_something_else_opens_nothing() {
    let app = site().await;
    let ana = app.user("Ana").await;
    refused(&ana, vec![ana.refresh_token.clone(), ana.device_token.clone()]).await;
    let (refresh, access) = (json!(ana.refresh_token), json!(ana.token));
    assert!(Polling::connect(&app, &refresh).await.1.starts_with("44"));
    assert!(Polling::connect(&app, &access).await.1.starts_with("40"));
    let answer = ana.refresh(&ana.token, None).await;
    assert!([401, 422].contains(&answer.status), "{}", answer.text);
    app.end().await;
}

#[tokio::test]
async fn a_token_counts_in_one_place_once() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let url = format!("{}/api/v1/me", app.url);
    for pair in ["access_token", "token", "authorization"] {
        let answer = Answer::of(app.http.get(format!("{url}?{pair}={}", ana.token))).await;
        assert!([401, 422].contains(&answer.status), "{}", answer.text);
    }
    let twice = ana
        .request(Method::GET, "/me")
        .header("authorization", "Bearer nonsense");
    Answer::of(twice).await.refused(400, "malformed_request");
    let twice = app
        .http
        .get(&url)
        .header("authorization", "Bearer nonsense")
        .bearer_auth(&ana.token);
    Answer::of(twice).await.refused(400, "malformed_request");
    app.end().await;
}

#[tokio::test]
async fn nothing_of_a_session_works_after_its_log_out() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let (socket, welcome) = Polling::connect(&app, &json!(ana.token)).await;
    assert!(welcome.starts_with("40"));
    let began = std::time::Instant::now();
    let (answer, told) = tokio::join!(
        ana.post("/auth/logout", json!({})),
        socket.hear(&["42[\"session:revoked\"", "41"])
    );
    answer.expect(204);
    assert!(told.is_none_or(|packet| packet.contains("session:revoked") || packet == "41"));
    assert!(
        began.elapsed() < std::time::Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    ana.get("/me").await.refused(401, "session_revoked");
    ana.refresh(&ana.refresh_token, Some(&ana.device_token))
        .await
        .refused(401, "session_revoked");
    assert!(
        Polling::connect(&app, &json!(ana.token))
            .await
            .1
            .starts_with("44")
    );
    app.end().await;
}

#[tokio::test]
async fn nobody_has_an_account_from_the_start() {
    let app = site().await;
    for (email, password) in [
        ("admin@example.test", "admin1234"),
        ("root@localhost.test", "password"),
        ("user1@example.test", "bench-password-1"),
        ("ana@example.test", PASSWORD),
    ] {
        let credentials = json!({"email": email, "password": password});
        app.post("/api/v1/auth/login", credentials)
            .await
            .refused(401, "wrong_credentials");
    }
    let count: Option<i64> = app
        .app
        .db
        .one("SELECT count(*) FROM member", vec![], |row| row.get(0))
        .await
        .unwrap();
    assert_eq!(count, Some(0));
    app.end().await;
}
