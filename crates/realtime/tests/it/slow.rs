//! A slow client costs next to nothing, stays connected, and misses nothing.

use crate::hall::{connect, each_db, hall, say};
use realtime::Realtime;
use serde_json::json;

/// Far more than sockets and queues hold together.
const MESSAGES: i64 = 600;

#[tokio::test]
async fn a_slow_client_catches_up_by_itself() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let (speaker, mut slow, mut quick) = (
            connect(app, &ana).await,
            connect(app, &bruno).await,
            connect(app, &bruno).await,
        );
        let room = hall(1).to_string();
        for client in [&slow, &quick] {
            client.accepted("room:join", json!({"room": room})).await;
        }
        slow.read(false);
        let body = "x".repeat(30_000);
        for seq in 1..=MESSAGES {
            say(&speaker, hall(1), &body).await;
            assert_eq!(quick.hears("hall:said").await["seq"], seq);
        }
        let realtime = Realtime::of(&app.app);
        assert_eq!(realtime.figures().fell_behind.get(), 1, "the client is too slow");
        let depth = realtime.server().queue_depth();
        assert!(depth.bytes <= 1_100_000, "{depth:?}");
        slow.read(true);
        for seq in 1..=MESSAGES {
            assert_eq!(slow.hears("hall:said").await["seq"], seq);
        }
        say(&speaker, hall(1), "live again").await;
        assert_eq!(slow.hears("hall:said").await["body"], "live again");
        assert!(realtime.figures().caught_up.get() > 0);
    })
    .await;
}
