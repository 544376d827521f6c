//! Bytes on the wire that two readers could take for different requests.

use super::site;
use platform::http::Caller;
use reqwest::{Method, StatusCode};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};
use testkit::{Answer, TestApp};

/// Sends the bytes as they are and reads until the server hangs up or has nothing to say.
async fn wire(app: &TestApp, bytes: Vec<u8>) -> String {
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        stream.write_all(&bytes).unwrap();
        let (mut heard, mut buffer) = (vec![], [0; 4096]);
        while let Ok(count) = stream.read(&mut buffer) {
            if count == 0 {
                break;
            }
            heard.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8_lossy(&heard).into_owned()
    })
    .await
    .unwrap()
}

fn statuses(heard: &str) -> Vec<&str> {
    heard
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|answer| answer.get(..3))
        .collect()
}

const SMUGGLED: &str = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_body_with_two_ends_is_refused_and_nothing_behind_it_is_answered() {
    let app = site().await;
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    let attacks = [
        (
            "two lengths",
            "Content-Length: 2\r\nContent-Length: 40\r\n",
            format!("{{}}{SMUGGLED}"),
        ),
        (
            "two lengths in one",
            "Content-Length: 2, 40\r\n",
            format!("{{}}{SMUGGLED}"),
        ),
        (
            "a signed length",
            "Content-Length: +2\r\n",
            format!("{{}}{SMUGGLED}"),
        ),
        ("a negative length", "Content-Length: -1\r\n", SMUGGLED.to_owned()),
        (
            "a hexadecimal length",
            "Content-Length: 0x2\r\n",
            format!("{{}}{SMUGGLED}"),
        ),
        (
            "length, then chunks",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            chunked.clone(),
        ),
        (
            "unknown coding",
            "Transfer-Encoding: xchunked\r\n",
            chunked.clone(),
        ),
        (
            "chunks, then unknown",
            "Transfer-Encoding: chunked, identity\r\n",
            chunked.clone(),
        ),
        (
            "a space before the colon",
            "Transfer-Encoding : chunked\r\n",
            chunked.clone(),
        ),
        (
            "a folded header",
            "X-A: b\r\n Transfer-Encoding: chunked\r\n",
            SMUGGLED.to_owned(),
        ),
        (
            "a nul in a header",
            "X-A: b\0c\r\nContent-Length: 2\r\n",
            format!("{{}}{SMUGGLED}"),
        ),
    ];
    for (what, headers, body) in attacks {
        let heard = wire(&app, post(headers, &body)).await;
        assert_eq!(statuses(&heard), ["400"], "{what}: {heard}");
    }
    app.end().await;
}

#[tokio::test]
async fn nothing_is_answered_behind_chunks() {
    let app = site().await;
    for headers in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let heard = wire(&app, post(headers, &format!("2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"))).await;
        assert_eq!(statuses(&heard).len(), 1, "{headers}: {heard}");
        assert!(heard.to_lowercase().contains("connection: close"), "{heard}");
    }
    let bad = "2;x=\ry\r\n{}\r\n0\r\n\r\n";
    let heard = wire(&app, post("Transfer-Encoding: chunked\r\n", bad)).await;
    assert_eq!(statuses(&heard).len(), 1, "{heard}");
    app.end().await;
}

#[tokio::test]
async fn odd_request_lines_are_refused() {
    let app = site().await;
    for line in [
        "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /livez\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GE\u{1}T /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let heard = wire(&app, line.as_bytes().to_vec()).await;
        assert!(
            statuses(&heard).iter().all(|status| *status == "400"),
            "{line:?}: {heard}"
        );
    }
    let big = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n",
        "x".repeat(400_000)
    );
    let heard = wire(&app, big.into_bytes()).await;
    assert!(["431", "400"].contains(&statuses(&heard)[0]), "{heard}");
    app.end().await;
}

#[tokio::test]
async fn a_line_of_ours_cannot_be_split() {
    let app = site().await;
    for path in [
        "/%0d%0aSet-Cookie:%20a=b",
        "/docs/errors/x%0d%0aLocation:%20https:%2f%2fevil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/%5cevil.example/",
    ] {
        let heard = wire(
            &app,
            format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").into_bytes(),
        )
        .await;
        let head = heard.split("\r\n\r\n").next().unwrap().to_lowercase();
        for header in ["set-cookie:", "location:"] {
            assert!(!head.contains(header), "{path}: {head}");
        }
    }
    let request = app
        .http
        .get(format!("{}/livez", app.url))
        .header("x-request-id", "a\tb%0d%0ax");
    let answer = Answer::of(request).await;
    assert!(!answer.header("x-request-id").contains('%'));
    app.end().await;
}

#[tokio::test]
async fn other_methods_are_refused_and_told_which_there_are() {
    let app = site().await;
    let ana = app.user("Ana").await;
    let (operations, _) = server::router::table();
    let mut asked = 0;
    for operation in &operations {
        let path = match operation.path.split_once('{') {
            Some((start, rest)) => format!("{start}x{}", rest.split_once('}').unwrap().1),
            None => operation.path.to_owned(),
        };
        let siblings: Vec<&str> = operations
            .iter()
            .filter(|other| other.path == operation.path)
            .map(|other| other.method)
            .collect();
        for method in [
            "TRACE", "PUT", "PATCH", "DELETE", "POST", "PROPFIND", "OPTIONS", "FOO",
        ] {
            if siblings.contains(&method.to_lowercase().as_str()) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = Answer::of(ana.request(method.clone(), &path)).await;
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
            let allowed = answer.header("allow").to_owned();
            for sibling in &siblings {
                assert!(
                    allowed.contains(&sibling.to_uppercase()),
                    "{method} {path}: {allowed}"
                );
            }
            answer.refused(405, "method_not_allowed");
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
    app.end().await;
}

#[tokio::test]
async fn reading_changes_nothing() {
    let app = site().await;
    let ana = app.user("Ana").await;
    ana.post("/posts", serde_json::json!({"body": "hello"}))
        .await
        .expect(201);
    let (operations, _) = server::router::table();
    let before = contents(&app).await;
    // An export of all that is a member's is noted in the security log.
    let reads = operations
        .iter()
        .filter(|operation| operation.path != "/me/export");
    for operation in reads {
        let path = operation.path.replace(['{', '}'], "");
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let mut request = ana.request(method, &path);
            if operation.caller == Some(Caller::Public) {
                request = request
                    .header("x-client", "web")
                    .header("sec-fetch-site", "same-origin");
            }
            let answer = request.send().await.unwrap();
            assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
    assert_eq!(contents(&app).await, before);
    app.end().await;
}

/// How many rows each table that requests write to has, and the session's state.
async fn contents(app: &TestApp) -> Vec<(String, Option<String>)> {
    use db::Executor;
    let mut all = vec![];
    for (table, sql) in [
        ("member", "SELECT count(*) || ':' || max(updated_at) FROM member"),
        (
            "session",
            "SELECT count(*) || ':' || max(generation) || ':' || count(revoked_at) FROM session",
        ),
        ("device", "SELECT CAST(count(*) AS TEXT) FROM device"),
        ("security_log", "SELECT CAST(count(*) AS TEXT) FROM security_log"),
        ("revocation", "SELECT CAST(count(*) AS TEXT) FROM revocation"),
        (
            "post",
            "SELECT /* every community */ count(*) || ':' || sum(version) FROM post",
        ),
        (
            "follow",
            "SELECT /* every community */ CAST(count(*) AS TEXT) FROM follow",
        ),
        (
            "mail",
            "SELECT /* every community */ CAST(count(*) AS TEXT) FROM task",
        ),
    ] {
        let count: Option<String> = app.app.db.one(sql, vec![], |row| row.get(0)).await.unwrap();
        all.push((table.to_owned(), count));
    }
    all
}
