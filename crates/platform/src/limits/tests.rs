use super::*;
use crate::config::Sources;
use base::Timestamp;

fn limits() -> (Limits, Clock) {
    let clock = Clock::manual(Timestamp::from_micros(1_000_000_000));
    let config = Config::load(&Sources::default()).unwrap().0;
    (Limits::new(clock.clone(), &config).unwrap(), clock)
}

fn limit(name: &'static str, count: u32, minutes: u64) -> Limit {
    Limit {
        name,
        count,
        period: Duration::from_mins(minutes),
    }
}

#[tokio::test]
async fn a_burst_is_allowed_then_the_steady_rate() {
    let (limits, clock) = limits();
    let limit = limit("login", 5, 5);
    for left in (0..5).rev() {
        assert_eq!(limits.take(limit, "ana").await.remaining, left);
    }
    let refused = limits.take(limit, "ana").await;
    assert_eq!(refused.retry_after, Some(Duration::from_mins(1)));
    let other = limits.take(limit, "bruno").await;
    assert!(other.retry_after.is_none(), "others have their own budget");
    clock.advance(Duration::from_mins(1));
    assert!(limits.take(limit, "ana").await.retry_after.is_none());
    assert!(limits.take(limit, "ana").await.retry_after.is_some());
}

#[tokio::test]
async fn what_one_limit_refuses_the_others_do_not_count() {
    let (limits, _) = limits();
    let wide = limits.budget(limit("wide", 10, 1), "ana");
    let narrow = limits.budget(limit("narrow", 2, 1), "ana");
    for _ in 0..2 {
        let both = limits.take_all(&[wide, narrow]).await;
        assert!(both.iter().all(|decision| decision.retry_after.is_none()));
    }
    for _ in 0..5 {
        let both = limits.take_all(&[wide, narrow]).await;
        assert_eq!((both[0].remaining, both[0].retry_after), (8, None));
        assert_eq!(both[1].retry_after, Some(Duration::from_secs(30)));
    }
    let first = limits.take_all(&[narrow, wide]).await;
    assert!(first[0].retry_after.is_some() && first[1].retry_after.is_none());
}

#[tokio::test]
async fn what_turned_out_well_is_given_back_and_what_happened_is_charged() {
    let (limits, clock) = limits();
    let budget = limits.budget(limit("refresh", 3, 1), "ana");
    assert_eq!(limits.take_all(&[budget]).await[0].remaining, 2);
    assert_eq!(limits.give_back(&[budget]).await[0].remaining, 3);
    assert_eq!(
        limits.give_back(&[budget]).await[0].remaining,
        3,
        "never more than all"
    );
    for _ in 0..9 {
        assert_eq!(limits.charge(&[budget]).await[0].retry_after, None);
    }
    let full = limits.look(&[budget]).await[0];
    assert_eq!(
        full.retry_after,
        Some(Duration::from_secs(20)),
        "no debt beyond a full bucket"
    );
    clock.advance(Duration::from_secs(20));
    for _ in 0..3 {
        assert_eq!(
            limits.look(&[budget]).await[0].retry_after,
            None,
            "looking costs nothing"
        );
    }
}

#[tokio::test]
async fn a_clock_set_back_locks_nobody_out() {
    let clock = Clock::manual(Timestamp::from_micros(10_000_000_000));
    let config = Config::load(&Sources::default()).unwrap().0;
    let limits = Limits::new(clock.clone(), &config).unwrap();
    let limit = limit("login", 2, 1);
    for _ in 0..2 {
        limits.take(limit, "ana").await;
    }
    clock.advance_micros(-9_000_000_000);
    let refused = limits.take(limit, "ana").await;
    assert_eq!(refused.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn crowds_of_keys_are_forgotten_once_their_buckets_are_empty() {
    let (limits, clock) = limits();
    let limit = limit("login", 2, 1);
    for key in 0..100_000 {
        limits.take(limit, key).await;
    }
    clock.advance(Duration::from_mins(2));
    for key in 0..200_000 {
        limits.take(limit, key).await;
        clock.advance(Duration::from_millis(1));
    }
    assert!(limits.local.len() < 150_000, "{}", limits.local.len());
}

#[test]
fn all_nodes_name_a_bucket_alike() {
    assert_eq!(same_everywhere("a", ("x", 1)), same_everywhere("a", ("x", 1)));
    assert_ne!(same_everywhere("a", "x"), same_everywhere("b", "x"));
    assert_ne!(
        same_everywhere("a", ("xy", "z")),
        same_everywhere("a", ("x", "yz"))
    );
}
