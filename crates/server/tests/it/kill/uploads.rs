//! An upload through `kill -9`: what was acknowledged is there, and nothing else.

use crate::{
    media::video,
    support::{Member, Server, UNHINDERED},
};
use base::Entropy;
use bytes::Bytes;
use futures_util::stream;
use reqwest::Method;
use std::time::{Duration, Instant};

const LENGTH: usize = 12_000_000;
const KILLS: usize = 6;

async fn offset(member: &Member, path: &str) -> usize {
    let head = member
        .request(Method::HEAD, path)
        .header("tus-resumable", "1.0.0");
    let answer = head.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.headers()["upload-offset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// Sends from there on, a little at a time.
async fn go_on(
    member: &Member,
    path: &str,
    bytes: &[u8],
    from: usize,
    slowly: bool,
) -> Result<u16, reqwest::Error> {
    let pieces: Vec<Bytes> = bytes[from..]
        .chunks(64 * 1024)
        .map(Bytes::copy_from_slice)
        .collect();
    let body = stream::unfold(pieces.into_iter(), move |mut rest| async move {
        if slowly {
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        rest.next().map(|piece| (Ok::<_, std::io::Error>(piece), rest))
    });
    let request = member
        .request(Method::PATCH, path)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", from)
        .header("content-type", "application/offset+octet-stream")
        .header("content-length", bytes.len() - from)
        .body(reqwest::Body::wrap_stream(body));
    Ok(request.send().await?.status().as_u16())
}

#[tokio::test]
async fn an_upload_goes_on_through_kills() {
    for database_url in [None, Some(testkit::postgres_url().await)] {
        let mut server = Server::new(database_url, &UNHINDERED);
        server.start().await;
        let ana = server.member("ana").await;
        let bytes = video(LENGTH);
        let begin = ana
            .request(Method::POST, "/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", LENGTH);
        let answer = begin.send().await.expect("an answer");
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let path = location.strip_prefix("/api/v1").unwrap().to_owned();

        let (chance, mut stations) = (Entropy::seeded(11), vec![0]);
        for _ in 0..KILLS {
            let from = *stations.last().unwrap();
            if from == LENGTH {
                break;
            }
            let until = Instant::now() + Duration::from_millis(120 + chance.below(250));
            let sending = go_on(&ana, &path, &bytes, from, true);
            let killed = async {
                tokio::time::sleep_until(until.into()).await;
                server.kill();
            };
            let (sent, ()) = tokio::join!(sending, killed);
            server.start().await;
            let reached = offset(&ana, &path).await;
            assert!(
                reached >= from,
                "acknowledged bytes are gone: {reached} after {from}"
            );
            if let Ok(status) = sent {
                assert_eq!((status, reached), (204, LENGTH));
            }
            stations.push(reached);
        }
        println!("stations of the upload: {stations:?}");
        assert!(
            stations.iter().any(|at| (1..LENGTH).contains(at)),
            "no kill hit the middle: {stations:?}"
        );
        let from = *stations.last().unwrap();
        if from < LENGTH {
            assert_eq!(go_on(&ana, &path, &bytes, from, false).await.unwrap(), 204);
        }
        let id = path.rsplit('/').next().unwrap();
        let give_up = Instant::now() + Duration::from_secs(20);
        let media = loop {
            let media = ana.get(&format!("/media/{id}")).await.expect("an answer").body;
            if media["status"] == "ready" {
                break media;
            }
            assert!(Instant::now() < give_up, "it is not looked at: {media}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let url = format!("{}{}", server.url, media["view"]["url"].as_str().unwrap());
        let shown = server.http.get(url).send().await.unwrap().bytes().await.unwrap();
        assert!(shown == bytes, "the video is not what was sent");
        let (status, _) = server.terminate().await;
        assert!(status.success(), "{status}: {}", server.log());
        assert!(!server.log().contains("panicked"), "{}", server.log());
    }
}
