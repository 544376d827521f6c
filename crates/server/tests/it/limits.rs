//! Rate limits: they stop guessing, and keep nobody out who has a right to come in.

use crate::{
    app_with,
    foreign::{node, root},
    support::{Member, Server, UNHINDERED},
};
use futures_util::{StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};
use testkit::{Answer, TestApp, TestUser};

/// Limits on, behind a proxy on this machine, which tells each caller's address.
const BEHIND_A_PROXY: [(&str, &str); 2] = [
    ("limits.enabled", "on"),
    ("server.trusted_proxies", "127.0.0.0/8"),
];

async fn log_in(app: &TestApp, from: &str, password: &str, device: Option<&str>) -> Answer {
    let body = json!({"email": "ana@example.test", "password": password, "device_token": device});
    let request = app.http.post(format!("{}/api/v1/auth/login", app.url));
    Answer::of(request.header("x-forwarded-for", from).json(&body)).await
}

async fn guess(app: &TestApp, from: &str) -> Answer {
    log_in(app, from, "wrong horse", None).await
}

#[tokio::test]
async fn a_member_on_a_known_device_comes_in_while_50_addresses_flood_the_account() {
    let app = app_with(&BEHIND_A_PROXY).await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let flood = async || {
        let all = (0..50).flat_map(|host| (0..5).map(move |_| format!("203.0.113.{host}")));
        let app = &app;
        let answers = all.map(|address| async move { guess(app, &address).await.status });
        stream::iter(answers)
            .buffer_unordered(16)
            .collect::<Vec<_>>()
            .await
    };
    let answers = flood().await;
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 240);

    let right = "correct horse";
    log_in(&app, "198.51.100.1", right, None)
        .await
        .refused(429, "rate_limited");
    let foreign = log_in(&app, "198.51.100.1", right, Some(&bruno.device_token)).await;
    foreign.refused(429, "rate_limited");
    let known = log_in(&app, "198.51.100.1", right, Some(&ana.device_token)).await;
    assert!(
        known.header("ratelimit").starts_with("\"login_device\";"),
        "{:?}",
        known.headers
    );
    known.expect(200);
    // The attacker sits beside her, and goes on.
    let (stormed, again) = tokio::join!(
        flood(),
        log_in(&app, "203.0.113.7", right, Some(&ana.device_token))
    );
    assert!(stormed.iter().all(|status| *status == 429));
    again.expect(200);
    ana.get("/me").await.expect(200);
    ana.refresh(&ana.refresh_token, Some(&ana.device_token))
        .await
        .expect(200);

    // A stolen device is no way around the limits either.
    for _ in 0..10 {
        let wrong = log_in(&app, "198.51.100.1", "wrong horse", Some(&ana.device_token)).await;
        wrong.refused(401, "wrong_credentials");
    }
    let wrong = log_in(&app, "198.51.100.1", right, Some(&ana.device_token)).await;
    wrong.refused(429, "rate_limited");
    app.end().await;
}

#[tokio::test]
async fn who_goes_on_guessing_waits_longer_each_time() {
    let app = app_with(&BEHIND_A_PROXY).await;
    app.user("Ana").await;
    let (mut tried, mut waits) = (0, vec![]);
    while tried < 140 {
        // A new address each time: the account alone is counted.
        let answer = guess(&app, &format!("203.0.113.{tried}")).await;
        if answer.status == 429 {
            assert!(tried >= 10, "ten guesses without a pause");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            waits.push(wait);
            app.clock.advance(Duration::from_secs(wait));
        } else {
            answer.refused(401, "wrong_credentials");
            tried += 1;
        }
    }
    assert_eq!((waits[0], *waits.last().unwrap()), (90, 720));
    let mut seen = waits.clone();
    seen.dedup();
    for pause in [90, 180, 360, 720] {
        assert!(seen.contains(&pause), "{seen:?}");
    }
    app.clock.advance(Duration::from_mins(12));
    let right = log_in(&app, "198.51.100.1", "correct horse", None).await;
    right.expect(200);
    app.end().await;
}

#[tokio::test]
async fn the_right_password_is_not_counted() {
    let app = app_with(&BEHIND_A_PROXY).await;
    app.user("Ana").await;
    for _ in 0..12 {
        let answer = log_in(&app, "203.0.113.1", "correct horse", None).await;
        assert!(
            answer.header("ratelimit").contains("\"login\";r=5;t=0"),
            "{:?}",
            answer.headers
        );
        answer.expect(200);
    }
    app.end().await;
}

#[tokio::test]
async fn a_stolen_access_token_is_no_good_for_guessing() {
    let app = app_with(&BEHIND_A_PROXY).await;
    let ana = app.user("Ana").await;
    let prove = async |token: &str, password: &str| {
        let request = app.http.post(format!("{}/api/v1/auth/reauthenticate", app.url));
        let request = request
            .bearer_auth(token)
            .header("x-forwarded-for", "203.0.113.1");
        Answer::of(request.json(&json!({"password": password}))).await
    };
    // Each proof gives a new token.
    let mut token = ana.token.clone();
    for _ in 0..7 {
        let proven = prove(&token, "correct horse").await.expect(200);
        proven["access_token"].as_str().unwrap().clone_into(&mut token);
    }
    for _ in 0..5 {
        let wrong = prove(&token, "wrong horse").await;
        assert!(
            wrong.header("ratelimit").contains("\"auth\";r=9"),
            "{:?}",
            wrong.headers
        );
        wrong.refused(403, "wrong_password");
    }
    prove(&token, "correct horse").await.refused(429, "rate_limited");
    // Her other phone is another session.
    let other = log_in(&app, "198.51.100.1", "correct horse", None)
        .await
        .expect(200);
    prove(other["access_token"].as_str().unwrap(), "correct horse")
        .await
        .expect(200);
    let still = app.http.get(format!("{}/api/v1/me", app.url)).bearer_auth(&token);
    Answer::of(still).await.expect(200);
    app.end().await;
}

#[tokio::test]
async fn a_stranger_gains_nothing_by_naming_other_addresses() {
    let app = app_with(&[("limits.enabled", "on")]).await;
    app.user("Ana").await;
    for nth in 0..8 {
        let address = format!("203.0.113.{nth}");
        let body = json!({"email": "ana@example.test", "password": "wrong horse"});
        let request = app
            .http
            .post(format!("{}/api/v1/auth/login", app.url))
            .header("x-forwarded-for", &address)
            .header("forwarded", format!("for={address}"))
            .header("x-real-ip", &address);
        let answer = Answer::of(request.json(&body)).await;
        assert_eq!(answer.status, if nth < 5 { 401 } else { 429 }, "{}", answer.text);
    }
    app.end().await;
}

#[tokio::test]
async fn a_household_is_one_address_and_the_next_is_another() {
    let app = app_with(&BEHIND_A_PROXY).await;
    for host in 1..=5 {
        guess(&app, &format!("2001:db8:1:2:{host}::9"))
            .await
            .refused(401, "wrong_credentials");
    }
    guess(&app, "2001:db8:1:2:ffff::9")
        .await
        .refused(429, "rate_limited");
    guess(&app, "2001:db8:1:3::9")
        .await
        .refused(401, "wrong_credentials");
    guess(&app, "::ffff:203.0.113.1")
        .await
        .refused(401, "wrong_credentials");
    let same = guess(&app, "203.0.113.1").await;
    assert!(
        same.header("ratelimit").contains("\"login\";r=3;"),
        "{:?}",
        same.headers
    );
    same.refused(401, "wrong_credentials");
    app.end().await;
}

#[tokio::test]
async fn an_answer_names_every_limit_that_was_asked() {
    let app = app_with(&BEHIND_A_PROXY).await;
    let answer = guess(&app, "203.0.113.1").await;
    assert_eq!(
        answer.header("ratelimit"),
        "\"login\";r=4;t=60, \"login_account\";r=9;t=90, \"login_account_1h\";r=19;t=180, \
         \"login_account_4h\";r=39;t=360, \"login_account_16h\";r=79;t=720, \"auth\";r=99;t=1"
    );
    assert_eq!(
        answer.header("ratelimit-policy"),
        "\"login\";q=5;w=300, \"login_account\";q=10;w=900, \"login_account_1h\";q=20;w=3600, \
         \"login_account_4h\";q=40;w=14400, \"login_account_16h\";q=80;w=57600, \"auth\";q=100;w=60"
    );
    assert_eq!(answer.header("retry-after"), "");
    for _ in 0..4 {
        guess(&app, "203.0.113.1").await.refused(401, "wrong_credentials");
    }
    let limited = guess(&app, "203.0.113.1").await;
    assert!(
        limited.header("ratelimit").starts_with("\"login\";r=0;t=60, "),
        "{:?}",
        limited.headers
    );
    assert_eq!(limited.header("retry-after"), "60");
    limited.refused(429, "rate_limited");
    app.end().await;
}

#[tokio::test]
async fn only_refreshes_that_fail_count_against_the_address() {
    let app = app_with(&[("limits.enabled", "on"), ("limits.auth_per_minute", "4")]).await;
    let (mut ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    let device = ana.device_token.clone();
    let first = ana.refresh_token.clone();
    for _ in 0..8 {
        rotate(&mut ana).await.expect(200);
    }
    // What a stranger knows of a session is its name.
    let mut forged = bruno.refresh_token.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for _ in 0..2 {
        bruno.refresh(&forged, None).await.refused(401, "invalid_token");
    }
    for token in [&forged, "nonsense"] {
        bruno.refresh(token, None).await.refused(429, "rate_limited");
    }
    for _ in 0..50 {
        bruno.refresh(&forged, None).await.refused(429, "rate_limited");
    }
    rotate(&mut ana).await.expect(200);
    bruno
        .refresh(&bruno.refresh_token, Some(&bruno.device_token))
        .await
        .expect(200);
    // A token of hers that was spent long ago is hers all the same: it is judged, not turned away.
    ana.refresh(&first, Some(&device))
        .await
        .refused(401, "session_revoked");
    app.end().await;
}

/// Takes the next token.
async fn rotate(member: &mut TestUser) -> Answer {
    let answer = member
        .refresh(&member.refresh_token, Some(&member.device_token))
        .await;
    if answer.status == 200 {
        let tokens: Value = serde_json::from_str(&answer.text).unwrap();
        tokens["refresh_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut member.refresh_token);
    }
    answer
}

#[tokio::test]
async fn a_session_that_refreshes_too_often_waits_and_lives_on() {
    let app = app_with(&[("limits.enabled", "on")]).await;
    let mut ana = app.user("Ana").await;
    let lost = ana.refresh_token.clone();
    rotate(&mut ana).await.expect(200);
    // Answers that were lost are given again, and are no rotations.
    for _ in 0..40 {
        let again = ana.refresh(&lost, Some(&ana.device_token)).await;
        assert_eq!(again.expect(200)["refresh_token"], ana.refresh_token.as_str());
    }
    for _ in 1..30 {
        rotate(&mut ana).await.expect(200);
    }
    let limited = rotate(&mut ana).await;
    assert_eq!(limited.header("retry-after"), "2");
    limited.refused(429, "rate_limited");
    ana.get("/me").await.expect(200);
    app.clock.advance(Duration::from_secs(2));
    rotate(&mut ana).await.expect(200);
    app.end().await;
}

/// A socket by long polling: what the server says to the token, a packet.
async fn connect(app: &TestApp, token: &str) -> String {
    let url = format!("{}/socket.io/?EIO=4&transport=polling", app.url);
    let opened = Answer::of(app.http.get(&url)).await.text;
    let opened: Value = serde_json::from_str(&opened[1..]).expect("an open packet");
    let url = format!("{url}&sid={}", opened["sid"].as_str().expect("a sid"));
    let packet = format!("40{}", json!({"token": token}));
    assert_eq!(Answer::of(app.http.post(&url).body(packet)).await.text, "ok");
    loop {
        let heard = Answer::of(app.http.get(&url)).await.text;
        let mut packets = heard.split('\u{1e}');
        if let Some(packet) = packets.find(|packet| packet.starts_with("40") || packet.starts_with("44")) {
            return packet.to_owned();
        }
        if heard.split('\u{1e}').any(|packet| packet == "2") {
            Answer::of(app.http.post(&url).body("3")).await;
        }
    }
}

#[tokio::test]
async fn strangers_at_the_sockets_keep_no_member_out() {
    let app = app_with(&[
        ("limits.enabled", "on"),
        ("limits.socket_connects_per_minute", "3"),
        ("limits.socket_failures_per_minute", "4"),
    ])
    .await;
    let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
    for nth in 0..6 {
        let word = if nth < 4 {
            "unauthenticated"
        } else {
            "rate_limited"
        };
        let refused = connect(&app, "nonsense").await;
        assert!(
            refused.starts_with("44") && refused.contains(word),
            "{nth}: {refused}"
        );
    }
    for nth in 0..5 {
        let answer = connect(&app, &ana.token).await;
        assert_eq!(answer.starts_with("40"), nth < 3, "{nth}: {answer}");
        assert_eq!(answer.contains("rate_limited"), nth >= 3, "{nth}: {answer}");
    }
    assert!(connect(&app, &bruno.token).await.starts_with("40"));
    ana.get("/me").await.expect(200);
    app.clock.advance(Duration::from_secs(20));
    assert!(connect(&app, &ana.token).await.starts_with("40"));
    app.end().await;
}

#[tokio::test]
async fn nodes_with_one_redis_have_one_budget_and_tell_when_it_is_away() {
    let mut redis = redistemp::Server::start().unwrap();
    let url = redis.url();
    let settings = [
        ("limits.enabled", "on"),
        ("limits.register_per_hour", "8"),
        ("limits.redis_timeout_ms", "20000"),
        ("cluster.redis_url", &url),
    ];
    let nodes = [app_with(&settings).await, app_with(&settings).await];
    let store = async |app: &TestApp| {
        let health = app.get("/api/v1/health").await.expect(200);
        let limits = &health["details"]["limits"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&health["status"]),
            text(&limits["store"]),
            limits["outages"].as_u64().unwrap(),
        )
    };
    let register = async |app: &TestApp, name: String| {
        let body = json!({
            "email": format!("{name}@example.test"), "password": "correct horse",
            "username": name, "display_name": name,
        });
        app.post("/api/v1/auth/register", body).await.status
    };
    let ok = |store: &str, outages| ("ok".to_owned(), store.to_owned(), outages);
    let all = (0..20).map(|nth| register(&nodes[nth % 2], format!("first{nth}")));
    let answers = join_all(all).await;
    assert_eq!(
        answers.iter().filter(|status| **status == 201).count(),
        8,
        "{answers:?}"
    );
    assert_eq!(store(&nodes[0]).await, ok("shared", 0));

    redis.stop();
    for node in &nodes {
        let answers = join_all((0..4).map(|nth| register(node, format!("alone{nth}")))).await;
        assert_eq!(
            answers.iter().filter(|status| **status == 201).count(),
            2,
            "{answers:?}"
        );
        assert_eq!(store(node).await, ("degraded".to_owned(), "away".to_owned(), 1));
    }
    redis.resume().unwrap();
    let began = Instant::now();
    for node in &nodes {
        while store(node).await != ok("shared", 1) {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "Redis is not found again"
            );
        }
    }
    let all = (0..20).map(|nth| register(&nodes[nth % 2], format!("second{nth}")));
    let answers = join_all(all).await;
    assert_eq!(
        answers.iter().filter(|status| **status == 201).count(),
        8,
        "{answers:?}"
    );
    for node in nodes {
        node.end().await;
    }
}

#[tokio::test]
async fn a_hall_of_300_comes_back_from_one_address_within_ten_seconds() {
    const HALL: usize = 300;
    let mut server = Server::new(None, &UNHINDERED);
    server.start().await;
    let arrivals = (0..HALL).map(|nth| {
        let server = &server;
        async move { server.member(&format!("dancer{nth}")).await }
    });
    let members: Vec<_> = stream::iter(arrivals).buffer_unordered(8).collect().await;
    server.terminate().await;

    server.set("MUNDO_LIMITS", "on");
    server.start().await;
    let took = come_back(&server, &members).await;
    // The limits were on: this address has its failures counted.
    let forged = members[0].request(Method::POST, "/auth/refresh");
    let answer = forged
        .json(&json!({"refresh_token": "nonsense"}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 401);
    assert!(
        answer.headers()["ratelimit"]
            .to_str()
            .unwrap()
            .contains("\"auth\";r=99;")
    );

    if took > Duration::from_secs(10) {
        // A machine that is as slow without limits says nothing about them. The same tokens are
        // good for it: they are lost answers now.
        server.terminate().await;
        server.set("MUNDO_LIMITS", "off");
        server.start().await;
        let unlimited = come_back(&server, &members).await;
        assert!(took < unlimited * 2, "{took:?}, and {unlimited:?} without limits");
    }
}

/// All refresh, ask and connect at once, with a stock client; nobody may be refused. Tells how long it took.
async fn come_back(server: &Server, members: &[Member]) -> Duration {
    let began = Instant::now();
    let tokens: Vec<_> = members
        .iter()
        .map(|member| json!({"refresh_token": member.refresh_token, "device_token": member.device_token}))
        .collect();
    let (url, tokens) = (server.url.clone(), json!(tokens).to_string());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = node()
            .arg(root().join("crates/server/tests/node/hall.mjs"))
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(tokens.as_bytes()).expect("node reads");
        drop(input);
        child.wait_with_output().expect("node ends")
    })
    .await
    .expect("node was run");
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    let heard: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(heard["back"], members.len());
    println!("all back after {took:?}; in the client, ms: {said}");
    took
}

#[tokio::test]
async fn so_many_groups_a_day_and_no_more() {
    let app = app_with(&[("limits.enabled", "on"), ("limits.groups_per_day", "2")]).await;
    let ana = app.user("Ana").await;
    let make = async |name: &str| {
        let group = json!({"name": name, "kind": "interest", "visibility": "public"});
        ana.post("/groups", group).await
    };
    make("Vals at dawn").await.expect(201);
    make("Milonga on Mondays").await.expect(201);
    make("One too many").await.refused(429, "rate_limited");
    app.clock.advance(Duration::from_hours(13));
    let again = log_in(&app, "127.0.0.1", "correct horse", Some(&ana.device_token)).await;
    let ana = ana.with(&again.expect(200));
    let group = json!({"name": "One more", "kind": "interest", "visibility": "public"});
    ana.post("/groups", group).await.expect(201);
    app.end().await;
}
