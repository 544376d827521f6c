//! One holder at a time, and a token that goes up.

use crate::each_db;
use platform::leases::{acquire, fence, release, renew};
use std::time::Duration;
use uuid::Uuid;

const TTL: Duration = Duration::from_secs(30);
const ANNA: Uuid = Uuid::from_u128(1);
const BRUNO: Uuid = Uuid::from_u128(2);

#[tokio::test]
async fn a_lease_has_one_holder_until_it_runs_out() {
    each_db(async |f| {
        let take = async |who| acquire(&f.db, "digest", who, f.clock.now(), TTL).await.unwrap();
        let first = take(ANNA).await.unwrap();
        assert_eq!(take(BRUNO).await, None);
        f.clock.advance(Duration::from_secs(20));
        let again = take(ANNA).await.unwrap();
        assert_eq!(again.token, first.token, "the same hands");
        f.clock.advance(Duration::from_secs(29));
        assert_eq!(take(BRUNO).await, None, "asking again moved the end on");
        f.clock.advance(Duration::from_secs(1));
        let taken = take(BRUNO).await.unwrap();
        assert!(taken.token > first.token);
        assert_eq!(renew(&f.db, &again, f.clock.now(), TTL).await.unwrap(), None);
        assert!(
            acquire(&f.db, "other", ANNA, f.clock.now(), TTL)
                .await
                .unwrap()
                .is_some()
        );
    })
    .await;
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_it_is_renewed_in_time() {
    each_db(async |f| {
        let mut lease = acquire(&f.db, "digest", ANNA, f.clock.now(), TTL)
            .await
            .unwrap()
            .unwrap();
        for _ in 0..3 {
            f.clock.advance(Duration::from_secs(29));
            lease = renew(&f.db, &lease, f.clock.now(), TTL).await.unwrap().unwrap();
        }
        f.clock.advance(TTL);
        assert_eq!(
            renew(&f.db, &lease, f.clock.now(), TTL).await.unwrap(),
            None,
            "too late"
        );
    })
    .await;
}

#[tokio::test]
async fn a_released_lease_is_free_and_its_old_token_fenced_off() {
    each_db(async |f| {
        let write = |lease: platform::leases::Lease| {
            let db = f.db.clone();
            async move { db.write(move |tx| async move { fence(&tx, &lease).await }).await }
        };
        let first = acquire(&f.db, "digest", ANNA, f.clock.now(), TTL)
            .await
            .unwrap()
            .unwrap();
        write(first.clone()).await.unwrap();
        release(&f.db, first.clone(), f.clock.now()).await.unwrap();
        let second = acquire(&f.db, "digest", BRUNO, f.clock.now(), TTL)
            .await
            .unwrap()
            .unwrap();
        assert!(second.token > first.token);
        assert_eq!(write(first.clone()).await.unwrap_err().code(), "lease_lost");
        write(second.clone()).await.unwrap();
        release(&f.db, first, f.clock.now()).await.unwrap();
        assert_eq!(
            acquire(&f.db, "digest", ANNA, f.clock.now(), TTL).await.unwrap(),
            None,
            "a late release frees nothing"
        );
    })
    .await;
}
