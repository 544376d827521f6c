//! Limits that nodes share in Redis, and what they do while it is away.

use crate::{Fixture, config, sqlite};
use base::{Entropy, Result};
use platform::{
    App, AppState,
    limits::{Budget, Decision, Limit, StoreState, workers},
};
use redistemp::Server;
use std::time::{Duration, Instant};
use supervisor::{Settings, Supervisor};

const MANY: Limit = Limit {
    name: "many",
    count: 40,
    period: Duration::from_hours(10),
};

/// A node that has met Redis, if it could.
async fn node(fixture: &Fixture, redis: &str, timeout_ms: &str) -> AppState {
    let supervisor = Supervisor::new(Settings {
        groups: vec!["platform"],
        ..Settings::with_clock(|| 0)
    });
    let config = config(&[
        ("cluster.redis_url", redis),
        ("limits.redis_timeout_ms", timeout_ms),
    ]);
    let app = AppState::new(App::new(
        config,
        fixture.db.clone(),
        fixture.clock.clone(),
        Entropy::system(),
        supervisor,
    ));
    for plan in workers(&app) {
        app.supervisor.add(plan);
    }
    app.supervisor.start().await;
    app
}

/// Waits for the keeper, which works in the background.
async fn until(app: &AppState, state: StoreState) {
    let began = Instant::now();
    while app.limits.health().state != state {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            app.limits.health()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many of so many requests, all at once, spread over the nodes, were allowed.
async fn allowed(nodes: &[&AppState], limit: Limit, key: &str, requests: usize) -> usize {
    let all = (0..requests).map(|nth| nodes[nth % nodes.len()].limits.take(limit, key));
    let decisions = futures_util::future::join_all(all).await;
    decisions
        .iter()
        .filter(|decision| decision.retry_after.is_none())
        .count()
}

async fn end(nodes: &[&AppState]) {
    for node in nodes {
        let broken = node
            .supervisor
            .status()
            .workers
            .iter()
            .any(|worker| worker.panics + worker.errors > 0);
        assert!(!broken, "{:?}", node.supervisor.status());
        node.supervisor.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_a_budget_exactly() {
    let (redis, fixture) = (Server::start().unwrap(), sqlite().await);
    let (one, two) = (
        node(&fixture, &redis.url(), "20000").await,
        node(&fixture, &redis.url(), "20000").await,
    );
    assert_eq!(allowed(&[&one, &two], MANY, "ana@example.test", 400).await, 40);
    let (there, here) = (
        two.limits.take(MANY, "ana@example.test").await,
        one.limits.take(MANY, "bruno").await,
    );
    assert!(there.retry_after.is_some());
    assert_eq!(here.remaining, 39, "others have their own budget");
    let keys = redis.say("KEYS *").unwrap();
    assert!(
        keys.contains("mundo:limit:many:") && !keys.contains("ana"),
        "{keys}"
    );
    let key = keys.lines().find(|line| line.starts_with("mundo:")).unwrap();
    let left = redis.say(&format!("PTTL {key}")).unwrap();
    assert!(
        left[1..].trim().parse::<i64>().unwrap() > 0,
        "a bucket goes when it is empty: {left}"
    );
    end(&[&one, &two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_counts_as_the_process_does() -> Result<()> {
    let (redis, fixture) = (Server::start().unwrap(), sqlite().await);
    let shared = node(&fixture, &redis.url(), "20000").await;
    let local = node(&fixture, "", "20000").await;
    let entropy = Entropy::seeded(4);
    let limit = |name, count| Limit { name, count, ..MANY };
    let limits = [limit("a", 3), limit("b", 5), limit("c", 7)];
    for round in 0..600 {
        // Any selection, in any order.
        let mut some: Vec<_> = limits.into_iter().filter(|_| entropy.below(3) > 0).collect();
        if entropy.below(2) == 0 {
            some.reverse();
        }
        let act = entropy.below(8);
        let of = async |app: &AppState| -> Vec<(u32, bool)> {
            let budgets: Vec<Budget> = some
                .iter()
                .map(|limit| app.limits.budget(*limit, "ana"))
                .collect();
            let decisions: Vec<Decision> = match act {
                0 => app.limits.look(&budgets).await,
                1 => app.limits.charge(&budgets).await,
                2..5 => app.limits.give_back(&budgets).await,
                _ => app.limits.take_all(&budgets).await,
            };
            let told = |decision: &Decision| (decision.remaining, decision.retry_after.is_some());
            decisions.iter().map(told).collect()
        };
        assert_eq!(
            of(&shared).await,
            of(&local).await,
            "round {round}, act {act}, {some:?}"
        );
    }
    assert_eq!(shared.limits.health().outages, 0);
    end(&[&shared, &local]).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_node_allows_a_quarter_and_shares_again_when_it_is_back() {
    let (mut redis, fixture) = (Server::start().unwrap(), sqlite().await);
    let (one, two) = (
        node(&fixture, &redis.url(), "20000").await,
        node(&fixture, &redis.url(), "20000").await,
    );
    assert_eq!(allowed(&[&one, &two], MANY, "ana", 30).await, 30);
    redis.stop();
    assert_eq!(allowed(&[&one], MANY, "ana", 30).await, 10);
    assert_eq!(allowed(&[&two], MANY, "ana", 30).await, 10);
    assert_eq!(allowed(&[&one], MANY, "bruno", 10).await, 10);
    let rare = Limit {
        name: "rare",
        count: 2,
        ..MANY
    };
    assert_eq!(allowed(&[&one], rare, "ana", 5).await, 1, "never less than one");
    for node in [&one, &two] {
        let health = node.limits.health();
        assert_eq!((health.state, health.outages), (StoreState::Away, 1));
        assert!(health.last_error.is_some());
    }
    redis.resume().unwrap();
    until(&one, StoreState::Shared).await;
    until(&two, StoreState::Shared).await;
    assert_eq!(allowed(&[&one, &two], MANY, "ana", 100).await, 40);
    assert_eq!(
        one.limits.health().outages,
        1,
        "one outage, however often it was tried"
    );
    end(&[&one, &two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_does_not_answer_holds_nobody_up() {
    let (redis, fixture) = (Server::start().unwrap(), sqlite().await);
    let node = node(&fixture, &redis.url(), "50").await;
    until(&node, StoreState::Shared).await;
    redis.freeze();
    let began = Instant::now();
    assert_eq!(allowed(&[&node], MANY, "ana", 300).await, 10);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    until(&node, StoreState::Away).await;
    redis.thaw();
    until(&node, StoreState::Shared).await;
    // What a restart of Redis behind a proxy looks like.
    redis.say("SCRIPT FLUSH").unwrap();
    assert!(node.limits.take(MANY, "bruno").await.retry_after.is_none());
    until(&node, StoreState::Shared).await;
    end(&[&node]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_starts_without_redis_and_finds_it_later() {
    let (mut redis, fixture) = (Server::start().unwrap(), sqlite().await);
    redis.stop();
    let node = node(&fixture, &redis.url(), "20000").await;
    assert_eq!(node.limits.health().state, StoreState::Away);
    assert_eq!(allowed(&[&node], MANY, "ana", 30).await, 10);
    redis.resume().unwrap();
    until(&node, StoreState::Shared).await;
    assert_eq!(allowed(&[&node], MANY, "ana", 80).await, 40);
    end(&[&node]).await;
}

#[tokio::test]
async fn tls_to_a_server_without_it_is_an_outage_and_no_panic() {
    let (redis, fixture) = (Server::start().unwrap(), sqlite().await);
    let node = node(&fixture, &redis.url().replace("redis://", "rediss://"), "50").await;
    let health = node.limits.health();
    assert_eq!((health.state, health.outages), (StoreState::Away, 1));
    end(&[&node]).await;
}

/// Prints what docs/performance.md quotes: `cargo test -p platform --release --test it -- --ignored cost --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn cost_of_a_take() {
    const ROUNDS: u32 = 20_000;
    let (redis, fixture) = (Server::start().unwrap(), sqlite().await);
    let wide = Limit {
        name: "wide",
        count: 1_000_000,
        period: Duration::from_mins(1),
    };
    for (place, url) in [("in the process", String::new()), ("in Redis", redis.url())] {
        let node = node(&fixture, &url, "20000").await;
        let began = Instant::now();
        for key in 0..ROUNDS {
            assert!(node.limits.take(wide, key % 1000).await.retry_after.is_none());
        }
        let one = began.elapsed() / ROUNDS;
        let began = Instant::now();
        for key in 0..ROUNDS / 5 {
            let six = [(); 6].map(|()| node.limits.budget(wide, key % 1000));
            node.limits.take_all(&six).await;
        }
        let six = began.elapsed() / (ROUNDS / 5);
        let began = Instant::now();
        for _ in 0..ROUNDS / 100 {
            let all = (0..100).map(|key| node.limits.take(wide, key));
            futures_util::future::join_all(all).await;
        }
        let together = began.elapsed() / ROUNDS;
        println!("{place}: {one:?} alone, {six:?} for six limits at once, {together:?} among 100 at once");
        end(&[&node]).await;
    }
}
