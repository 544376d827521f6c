//! Many who speak at once.

use crate::hall::{connect, each_db, hall};
use db::Executor;
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn the_same_client_id_is_written_once_however_often_and_from_wherever() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let (one, two) = (connect(app, &ana).await, connect(app, &ana).await);
        let room = hall(1).to_string();
        let mut listener = connect(app, &ana).await;
        listener.accepted("room:join", json!({"room": room})).await;
        let words =
            |n: usize| json!({"hall": room, "body": format!("word {n}"), "client_id": format!("mine {n}")});
        let saying = (0..200).map(|n| {
            let client = if n % 2 == 0 { &one } else { &two };
            client.accepted("hall:say", words(n / 10))
        });
        let answers = join_all(saying).await;
        for same in answers.chunks(10) {
            assert_eq!(
                same.iter().filter(|answer| answer["new"] == true).count(),
                1,
                "{same:?}"
            );
            assert!(
                same.iter()
                    .all(|answer| answer["id"] == same[0]["id"] && answer["seq"] == same[0]["seq"])
            );
        }
        let mut seqs: Vec<_> = answers
            .iter()
            .filter_map(|answer| answer["seq"].as_i64())
            .collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs, (1..=20).collect::<Vec<_>>());
        for seq in 1..=20 {
            assert_eq!(listener.hears("hall:said").await["seq"], seq);
        }
        let again = one.accepted("hall:say", words(3)).await;
        assert_eq!((&again["new"], &again["id"]), (&json!(false), &answers[30]["id"]));
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_or_breaks_takes_nobody_else_along() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let client = connect(app, &ana).await;
        let bodies: Vec<String> = (0..60)
            .map(|n| match n {
                20 => "unspeakable".to_owned(),
                40 => "poison".to_owned(),
                n => format!("word {n}"),
            })
            .collect();
        let saying = bodies.iter().map(|body| {
            client.call(
                "hall:say",
                json!({"hall": hall(1 + body.len() as u128 % 3).to_string(), "body": body}),
            )
        });
        let answers = join_all(saying).await;
        for (body, answer) in bodies.iter().zip(&answers) {
            match body.as_str() {
                "unspeakable" => assert_eq!(answer["code"], "forbidden"),
                "poison" => assert_eq!(answer["code"], "internal"),
                _ => assert_eq!(answer["ok"], true, "{body}: {answer}"),
            }
        }
        assert_eq!(app.take_faults().len(), 1, "the poison is told of once");
        let counts = [
            "SELECT count(*) FROM spoken",
            "SELECT /* every community */ count(*) FROM stream_entry",
            "SELECT /* every community */ CAST(sum(seq) AS BIGINT) FROM stream_head",
        ];
        for sql in counts {
            let count: Option<i64> = app.app.db.one(sql, vec![], |row| row.get(0)).await.unwrap();
            assert_eq!(count, Some(58), "{sql}");
        }
    })
    .await;
}

#[tokio::test]
async fn numbers_have_no_gaps_when_a_write_fails() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let client = connect(app, &ana).await;
        let room = hall(1).to_string();
        let mut seqs = vec![];
        for n in 0..10 {
            let body = if n % 3 == 0 { "poison" } else { "word" };
            let answer = client.call("hall:say", json!({"hall": room, "body": body})).await;
            seqs.extend(answer["seq"].as_i64());
        }
        assert_eq!(seqs, (1..=6).collect::<Vec<_>>());
        app.take_faults();
    })
    .await;
}
