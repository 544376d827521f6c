//! Members upload what they saw, and others look at it.

use super::{MediaId, Subject, SubjectKind, attach, copy, detach, of_subjects, store};
use crate::tests::{app_with, each_db};
use accounts::MemberId;
use base::Kind;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use db::{Executor, params};
use futures_util::{future::join_all, stream};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Digest;
use std::{collections::BTreeSet, io::Cursor, path::Path, time::Duration};
use testkit::{Answer, TestApp, TestUser, eventually};
use uuid::Uuid;

/// What no copy may hold.
const SECRET: &str = "34.6037S 58.3816W at home";

/// Two dancers, as far as a test can tell: left is red, right is blue.
pub fn photo(width: u32, height: u32) -> DynamicImage {
    let side = |x, y| {
        if x < width / 2 {
            Rgb([200, (y % 50) as u8, 20])
        } else {
            Rgb([20, (x % 50) as u8, 200])
        }
    };
    RgbImage::from_fn(width, height, side).into()
}

pub fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG as a phone writes it: lying on its side, with the place it was taken at.
fn jpeg_of_a_phone(width: u32, height: u32) -> Vec<u8> {
    let jpeg = written(&photo(width, height), ImageFormat::Jpeg);
    // One TIFF directory: orientation 6 (turn right), and a description.
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    tiff.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    tiff.extend(b"\x01\x0e\0\x02");
    tiff.extend((SECRET.len() as u32 + 1).to_be_bytes());
    tiff.extend(38_u32.to_be_bytes());
    tiff.extend([0; 4]);
    tiff.extend(SECRET.as_bytes());
    tiff.push(0);
    let exif = [b"Exif\0\0", tiff.as_slice()].concat();
    let comment = format!("comment: {SECRET}");
    let mut all = jpeg[..2].to_vec();
    for (marker, segment) in [(0xe1, exif.as_slice()), (0xfe, comment.as_bytes())] {
        all.extend([0xff, marker]);
        all.extend((segment.len() as u16 + 2).to_be_bytes());
        all.extend(segment);
    }
    all.extend(&jpeg[2..]);
    all
}

/// A beginning of an MP4, and bytes that no copy may change.
fn video(length: usize) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    let mut state = 7_u32;
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The same member a day later: with a token of today.
async fn come_back(user: &TestUser) -> TestUser {
    let session = user.refresh(&user.refresh_token, Some(&user.device_token)).await;
    user.with(&session.expect(200))
}

fn tus(user: &TestUser, method: Method, path: &str) -> RequestBuilder {
    user.request(method, path).header("tus-resumable", "1.0.0")
}

/// Begins an upload and gives the path to go on at.
async fn begin(user: &TestUser, length: usize, metadata: &str) -> String {
    let answer = Answer::of(
        tus(user, Method::POST, "/uploads")
            .header("upload-length", length)
            .header("upload-metadata", metadata),
    )
    .await;
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    let location = answer.header("location").to_owned();
    answer.expect(201);
    location
        .strip_prefix("/api/v1")
        .expect("a path of ours")
        .to_owned()
}

fn piece(user: &TestUser, path: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
    tus(user, Method::PATCH, path)
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", offset)
        .body(bytes.to_vec())
}

async fn offset(user: &TestUser, path: &str) -> usize {
    let answer = Answer::of(tus(user, Method::HEAD, path)).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    answer.header("upload-offset").parse().expect("a count")
}

fn id(path: &str) -> MediaId {
    path.rsplit('/').next().unwrap().parse().expect("an id")
}

/// Uploads all of it and gives the medium when it was looked at.
pub async fn upload(app: &TestApp, user: &TestUser, bytes: &[u8]) -> Value {
    let path = begin(
        user,
        bytes.len(),
        "filename bWlsb25nYS5qcGc=,alt RG9zIGJhaWxhcmluZXM=",
    )
    .await;
    Answer::of(piece(user, &path, 0, bytes)).await.expect(204);
    looked_at(app, user, id(&path)).await
}

async fn looked_at(app: &TestApp, user: &TestUser, id: MediaId) -> Value {
    eventually(async || {
        app.app.supervisor.wake("tasks.run");
        let media = user.get(&format!("/media/{id}")).await.expect(200);
        (media["status"] != "processing").then_some(media)
    })
    .await
}

/// The bytes behind an address, asked for by nobody in particular.
async fn fetch(app: &TestApp, url: &Value) -> Vec<u8> {
    let url = format!("{}{}", app.url, url.as_str().expect("an address"));
    let response = app.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

fn size(bytes: &[u8]) -> (u32, u32) {
    let image = image::load_from_memory(bytes).expect("a picture");
    (image.width(), image.height())
}

/// Every file in the store of bytes.
pub fn stored(app: &TestApp) -> Vec<Vec<u8>> {
    fn walk(folder: &Path, found: &mut Vec<Vec<u8>>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(std::fs::read(path).unwrap());
            }
        }
    }
    let mut found = vec![];
    walk(&app.app.config.data.dir.join("media"), &mut found);
    found
}

async fn used(user: &TestUser) -> i64 {
    let usage = user.get("/media/usage").await.expect(200);
    usage["used_bytes"].as_i64().unwrap()
}

/// What is charged, counted anew.
async fn recounted(app: &TestApp, user: &TestUser) -> i64 {
    let owner: MemberId = user.id.parse().unwrap();
    let sql = "SELECT CAST(coalesce(sum(charged_bytes), 0) AS BIGINT) FROM media
               WHERE community_id = @community AND owner_id = $1";
    let sum = app.app.db.one(sql, params![owner], |row| row.get(0)).await;
    sum.unwrap().unwrap()
}

async fn attached(
    app: &TestApp,
    user: &TestUser,
    subject: Subject,
    ids: &[MediaId],
) -> base::Result<Vec<String>> {
    let (own, owner, ids) = (app.app.clone(), user.id.parse().unwrap(), ids.to_vec());
    let views = app
        .app
        .db
        .write_again(move |tx| async move { attach(&own, &tx, owner, subject, &ids).await })
        .await?;
    Ok(views.into_iter().map(|view| view.url).collect())
}

#[tokio::test]
async fn a_photo_of_a_phone_is_shown_upright_and_says_nothing_of_where_it_was_taken() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let came = jpeg_of_a_phone(1600, 1200);
        assert!(
            String::from_utf8_lossy(&came).contains(SECRET),
            "it would prove nothing"
        );
        let media = upload(app, &ana, &came).await;
        assert_eq!(
            (&media["status"], &media["attached"]),
            (&json!("ready"), &json!(false))
        );
        let view = &media["view"];
        assert_eq!(
            (&view["kind"], &view["content_type"], &view["alt"]),
            (&json!("image"), &json!("image/jpeg"), &json!("Dos bailarines"))
        );
        assert_eq!(
            (&view["width"], &view["height"]),
            (&json!(1200), &json!(1600)),
            "it was turned"
        );
        assert!(view["blurhash"].as_str().is_some_and(|hash| hash.len() > 10));

        let full = fetch(app, &view["url"]).await;
        assert_eq!(size(&full), (1200, 1600));
        let turned = image::load_from_memory(&full).unwrap().to_rgb8();
        let (top, bottom) = (turned.get_pixel(600, 100), turned.get_pixel(600, 1500));
        assert!(
            top[0] > 150 && bottom[2] > 150,
            "what was left is on top: {top:?} {bottom:?}"
        );
        let sizes = view["sizes"].as_array().unwrap();
        let widths: Vec<_> = sizes.iter().map(|size| size["width"].as_i64().unwrap()).collect();
        assert_eq!(widths, [320, 640]);
        for smaller in sizes {
            let bytes = fetch(app, &smaller["url"]).await;
            let (width, height) = size(&bytes);
            assert_eq!(
                (json!(width), json!(height)),
                (smaller["width"].clone(), smaller["height"].clone())
            );
            assert!(bytes.len() < full.len());
        }
        // Not in any copy, and not in what came: that is gone.
        let kept = stored(app);
        assert_eq!(kept.len(), 3);
        for bytes in kept {
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
        }
        assert_eq!(used(&ana).await, recounted(app, &ana).await);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_goes_on_where_it_stopped() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let bytes = video(5_000_000);
        let path = begin(&ana, bytes.len(), "").await;
        assert_eq!(offset(&ana, &path).await, 0);

        // The connection breaks behind three million bytes.
        let sent: Vec<_> = bytes[..3_000_000]
            .chunks(100_000)
            .map(|part| Ok(Bytes::copy_from_slice(part)))
            .collect();
        let broken = stream::iter(
            sent.into_iter()
                .chain([Err(std::io::Error::other("the train is in a tunnel"))]),
        );
        let request = tus(&ana, Method::PATCH, &path)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", 0)
            .header("content-length", bytes.len())
            .body(reqwest::Body::wrap_stream(broken));
        assert!(request.send().await.is_err());
        let reached = eventually(async || {
            let reached = offset(&ana, &path).await;
            (reached >= 3_000_000).then_some(reached)
        })
        .await;
        assert_eq!(reached, 3_000_000, "nothing that arrived was lost");

        // From a wrong place it does not go on, whoever asks.
        let wrong = piece(&ana, &path, 2_000_000, &bytes[2_000_000..]);
        Answer::of(wrong).await.refused(409, "wrong_offset");
        Answer::of(piece(&ana, &path, reached, &bytes))
            .await
            .refused(413, "beyond_length");
        assert_eq!(offset(&ana, &path).await, reached, "none of that counts");

        let rest = Answer::of(piece(&ana, &path, reached, &bytes[reached..])).await;
        assert_eq!(rest.header("upload-offset"), bytes.len().to_string());
        assert!(rest.header("upload-expires").ends_with(" GMT"));
        rest.expect(204);
        let media = looked_at(app, &ana, id(&path)).await;
        let view = &media["view"];
        assert_eq!(
            (&view["kind"], &view["content_type"]),
            (&json!("video"), &json!("video/mp4"))
        );
        assert!(
            fetch(app, &view["url"]).await == bytes,
            "the video is what was sent"
        );
        assert_eq!(
            offset(&ana, &path).await,
            bytes.len(),
            "a lost last answer can be asked for"
        );
    })
    .await;
}

#[tokio::test]
async fn two_requests_that_continue_one_upload_do_not_mix() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let bytes = video(3_000_000);
        let path = begin(&ana, bytes.len(), "").await;
        let answers = join_all((0..4).map(|_| Answer::of(piece(&ana, &path, 0, &bytes)))).await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        let done = statuses.iter().filter(|status| **status == 204).count();
        assert!(
            done >= 1 && statuses.iter().all(|status| [204, 409].contains(status)),
            "{statuses:?}"
        );
        let media = looked_at(app, &ana, id(&path)).await;
        assert!(fetch(app, &media["view"]["url"]).await == bytes);
        assert_eq!(stored(app).len(), 2, "what lost is deleted");
    })
    .await;
}

#[tokio::test]
async fn a_checksum_counts_for_all_of_a_request_or_none() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let bytes = video(2_500_000);
        let path = begin(&ana, bytes.len(), "").await;
        let sum = |bytes: &[u8]| format!("sha1 {}", BASE64_STANDARD.encode(Sha1::digest(bytes)));
        let bent = piece(&ana, &path, 0, &bytes).header("upload-checksum", sum(b"something else"));
        Answer::of(bent).await.refused(460, "checksum_mismatch");
        assert_eq!(offset(&ana, &path).await, 0);
        assert!(stored(app).is_empty(), "what does not count is deleted");
        let unknown = piece(&ana, &path, 0, &bytes).header("upload-checksum", "md5 AAAA");
        Answer::of(unknown).await.refused(400, "checksum_algorithm");
        let good = piece(&ana, &path, 0, &bytes).header("upload-checksum", sum(&bytes));
        Answer::of(good).await.expect(204);
        assert_eq!(looked_at(app, &ana, id(&path)).await["status"], "ready");
    })
    .await;
}

#[tokio::test]
async fn an_upload_is_its_owners_alone_and_speaks_tus() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let abilities = app
            .http
            .request(Method::OPTIONS, format!("{}/api/v1/uploads", app.url));
        let abilities = Answer::of(abilities).await;
        assert_eq!(abilities.status, 204);
        assert_eq!(abilities.header("tus-version"), "1.0.0");
        assert_eq!(abilities.header("tus-max-size"), "268435456");
        for extension in [
            "creation",
            "creation-with-upload",
            "expiration",
            "termination",
            "checksum",
        ] {
            assert!(
                abilities
                    .header("tus-extension")
                    .split(',')
                    .any(|known| known == extension)
            );
        }

        let bytes = video(1000);
        let with_bytes = tus(&ana, Method::POST, "/uploads")
            .header("upload-length", bytes.len())
            .header("content-type", "application/offset+octet-stream")
            .body(bytes[..600].to_vec());
        let answer = Answer::of(with_bytes).await;
        assert_eq!(answer.header("upload-offset"), "600");
        let path = answer
            .header("location")
            .strip_prefix("/api/v1")
            .unwrap()
            .to_owned();
        answer.expect(201);

        let old = ana.request(Method::HEAD, &path);
        let old = Answer::of(old).await;
        assert_eq!((old.status, old.header("tus-version")), (412, "1.0.0"));
        let json = ana
            .request(Method::PATCH, &path)
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", 600);
        Answer::of(json.json(&json!({})))
            .await
            .refused(415, "not_a_piece");
        for wrong in ["", "-1", "x", "0"] {
            let request = tus(&ana, Method::POST, "/uploads").header("upload-length", wrong);
            Answer::of(request).await.refused(422, "invalid");
        }
        let huge = tus(&ana, Method::POST, "/uploads").header("upload-length", 268_435_457);
        Answer::of(huge).await.refused(413, "upload_too_large");

        // Bruno cannot tell it from one that never was.
        let never = format!("/uploads/{}", app.app.ids.next::<Uuid>());
        for path in [&path, &never] {
            assert_eq!(Answer::of(tus(&bruno, Method::HEAD, path)).await.status, 404);
            Answer::of(piece(&bruno, path, 600, &bytes[600..]))
                .await
                .refused(404, "not_found");
            Answer::of(tus(&bruno, Method::DELETE, path))
                .await
                .refused(404, "not_found");
        }
        let path_of_media = format!("/media/{}", id(&path));
        bruno.get(&path_of_media).await.refused(404, "not_found");
        bruno
            .patch(&path_of_media, json!({"alt": "mine"}))
            .await
            .refused(404, "not_found");
        bruno.delete(&path_of_media).await.refused(404, "not_found");

        assert_eq!(Answer::of(tus(&ana, Method::DELETE, &path)).await.status, 204);
        assert_eq!(Answer::of(tus(&ana, Method::HEAD, &path)).await.status, 404);
        app.run_worker("media.clean_up").await;
        assert!(stored(app).is_empty());
        assert_eq!((used(&ana).await, recounted(app, &ana).await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn what_a_browser_could_run_is_refused_whatever_it_is_called() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let page =
            b"<!doctype html><html><body><script>alert(document.domain)</script></body></html>".to_vec();
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10' onload='alert(1)'></svg>"
            .to_vec();
        for bytes in [page, svg, vec![0; 5000]] {
            // filename dance.jpg, filetype image/jpeg
            let path = begin(
                &ana,
                bytes.len(),
                "filename ZGFuY2UuanBn,filetype aW1hZ2UvanBlZw==",
            )
            .await;
            Answer::of(piece(&ana, &path, 0, &bytes))
                .await
                .refused(415, "unknown_media_type");
            let media = ana.get(&format!("/media/{}", id(&path))).await.expect(200);
            assert_eq!(
                (&media["status"], &media["refusal"]),
                (&json!("refused"), &json!("unknown_type"))
            );
        }
        // Too short to be told at once: told when it is whole.
        let media = upload(app, &ana, b"<svg/>").await;
        assert_eq!(
            (&media["refusal"], &media["view"]),
            (&json!("unknown_type"), &Value::Null)
        );
        // A picture at its beginning, a page behind it.
        let mut both = written(&photo(40, 30), ImageFormat::Png);
        both.extend(b"<script>alert(1)</script>");
        let media = upload(app, &ana, &both).await;
        let shown = fetch(app, &media["view"]["url"]).await;
        assert!(
            !String::from_utf8_lossy(&shown).contains("script"),
            "only pixels come through"
        );
        assert_eq!(
            (used(&ana).await, shown.len() as i64),
            (recounted(app, &ana).await, used(&ana).await)
        );
    })
    .await;
}

/// A chunk of a PNG.
fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let crc = [kind.as_slice(), data].concat().iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (!(crc & 1)).wrapping_add(1))
        })
    });
    [
        &(data.len() as u32).to_be_bytes(),
        kind.as_slice(),
        data,
        &(!crc).to_be_bytes(),
    ]
    .concat()
}

#[tokio::test]
async fn a_picture_that_would_fill_the_memory_is_refused_by_its_size() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    for (width, height) in [(25_000_u32, 25_000_u32), (60_000, 10), (7_100, 7_100)] {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        let bomb = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(*b"IHDR", &header),
            chunk(*b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]),
            chunk(*b"IEND", &[]),
        ]
        .concat();
        let media = upload(&app, &ana, &bomb).await;
        assert_eq!(media["refusal"], "too_many_pixels", "{width} x {height}: {media}");
    }
    let mut half = written(&photo(300, 200), ImageFormat::Png);
    half.truncate(half.len() / 2);
    assert_eq!(upload(&app, &ana, &half).await["refusal"], "broken");
    let mut noise = video(4000);
    noise[..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    assert_eq!(upload(&app, &ana, &noise).await["refusal"], "broken");
    assert!(stored(&app).is_empty());
    assert_eq!(used(&ana).await, 0);
    app.end().await;
}

#[tokio::test]
async fn every_kind_of_picture_comes_out_as_one_that_all_browsers_show() {
    let app = app_with(&[]).await;
    let ana = app.user("Ana").await;
    let clear: DynamicImage = RgbaImage::from_fn(60, 40, |x, _| Rgba([10, 200, 30, (x * 4) as u8])).into();
    for (bytes, content_type) in [
        (written(&photo(60, 40), ImageFormat::Png), "image/jpeg"),
        (written(&clear, ImageFormat::Png), "image/png"),
        (written(&photo(60, 40), ImageFormat::WebP), "image/jpeg"),
        (written(&clear, ImageFormat::WebP), "image/png"),
        (written(&photo(60, 40), ImageFormat::Gif), "image/jpeg"),
    ] {
        let media = upload(&app, &ana, &bytes).await;
        assert_eq!(media["view"]["content_type"], content_type, "{media}");
        assert_eq!(size(&fetch(&app, &media["view"]["url"]).await), (60, 40));
        assert_eq!(media["view"]["sizes"], json!([]));
    }
    // One that moves goes on moving.
    let mut gif = vec![];
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for shade in [10, 200] {
        let frame = RgbaImage::from_pixel(400, 300, Rgba([shade, 0, 0, 255]));
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    let media = upload(&app, &ana, &gif).await;
    assert_eq!(media["view"]["content_type"], "image/gif");
    assert_eq!(media["view"]["sizes"][0]["width"], 320);
    let shown = fetch(&app, &media["view"]["url"]).await;
    let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(shown)).unwrap();
    assert_eq!(image::AnimationDecoder::into_frames(decoder).count(), 2);
    app.end().await;
}

#[tokio::test]
async fn addresses_are_signed_and_end() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let media = upload(app, &ana, &video(5_000_000)).await;
        let url = format!("{}{}", app.url, media["view"]["url"].as_str().unwrap());
        let get = |url: &str| app.http.get(url);
        let answer = get(&url).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "video/mp4");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("sandbox"));
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("content-disposition"), "inline; filename=\"milonga.mp4\"");
        assert!(header("cache-control").starts_with("private, max-age="));
        assert_eq!(
            (header("content-length"), header("accept-ranges")),
            ("5000000".into(), "bytes".into())
        );
        let etag = header("etag");

        // Over the seam of two pieces.
        let range = get(&url)
            .header("range", "bytes=2097100-2097200")
            .send()
            .await
            .unwrap();
        assert_eq!(range.status(), 206);
        assert_eq!(range.headers()["content-range"], "bytes 2097100-2097200/5000000");
        assert_eq!(
            range.bytes().await.unwrap(),
            video(5_000_000)[2_097_100..=2_097_200]
        );
        let beyond = get(&url).header("range", "bytes=5000000-");
        Answer::of(beyond).await.refused(416, "range_not_satisfiable");
        let known = get(&url).header("if-none-match", &etag).send().await.unwrap();
        assert_eq!(known.status(), 304);
        let head = app.http.head(&url).send().await.unwrap();
        assert_eq!(
            (head.status().as_u16(), &head.headers()["content-length"]),
            (200, &"5000000".parse().unwrap())
        );

        // Not without a signature, not with another's, not for another file, not longer than it says.
        let (bare, query) = url.split_once('?').unwrap();
        let other = upload(app, &ana, &video(100)).await;
        let others = other["view"]["url"]
            .as_str()
            .unwrap()
            .split_once('?')
            .unwrap()
            .1
            .to_owned();
        let later = query.replacen("expires=1", "expires=2", 1);
        for bad in [
            String::new(),
            others,
            later,
            query.replace("signature=", "signature=A"),
        ] {
            let answer = Answer::of(get(&format!("{bare}?{bad}"))).await;
            assert!([404, 422].contains(&answer.status), "{bad}: {}", answer.text);
        }
        Answer::of(get(&url.replace("/files/original", "/files/full")))
            .await
            .refused(404, "not_found");
        app.clock.advance(Duration::from_mins(59));
        assert_eq!(get(&url).send().await.unwrap().status(), 200, "an hour at least");
        app.clock.advance(Duration::from_mins(62));
        Answer::of(get(&url)).await.refused(403, "url_expired");
    })
    .await;
}

#[tokio::test]
async fn what_is_attached_stays_and_the_rest_vanishes_after_a_day() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let picture = written(&photo(50, 50), ImageFormat::Png);
        let mut ids = vec![];
        for _ in 0..4 {
            let media = upload(app, &ana, &picture).await;
            ids.push(media["id"].as_str().unwrap().parse::<MediaId>().unwrap());
        }
        let unfinished = begin(&ana, 1000, "").await;
        let (post, other) = (
            Subject::new(SubjectKind::Post, app.app.ids.next::<Uuid>()),
            Subject::new(SubjectKind::Post, app.app.ids.next::<Uuid>()),
        );
        let avatar = Subject::new(SubjectKind::Avatar, ana.id.parse::<Uuid>().unwrap());
        let code = |outcome: base::Result<Vec<String>>| {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid);
            (error.fields()[0].pointer.clone(), error.fields()[0].code)
        };
        // Only one's own, only what is ready, only once.
        assert_eq!(
            code(attached(app, &bruno, post, &ids[..1]).await),
            ("/media_ids/0".to_owned(), "unknown_media")
        );
        let both = [ids[0], id(&unfinished)];
        assert_eq!(
            code(attached(app, &ana, post, &both).await),
            ("/media_ids/1".to_owned(), "media_not_ready")
        );
        assert_eq!(
            code(attached(app, &ana, post, &[ids[0], ids[0]]).await).1,
            "unknown_media"
        );
        let views = attached(app, &ana, post, &[ids[1], ids[0]]).await.unwrap();
        assert!(views[0].contains(&ids[1].to_string()) && views[0].contains("signature="));
        assert_eq!(
            code(attached(app, &ana, other, &ids[..1]).await).1,
            "media_in_use"
        );
        let public = attached(app, &ana, avatar, &ids[2..3]).await.unwrap();
        assert!(
            !public[0].contains('?'),
            "everybody may keep the address of an avatar"
        );

        app.clock.advance(Duration::from_hours(25));
        let ana = come_back(&ana).await;
        app.run_worker("media.clean_up").await;
        assert_eq!(Answer::of(tus(&ana, Method::HEAD, &unfinished)).await.status, 404);
        ana.get(&format!("/media/{}", ids[3]))
            .await
            .refused(404, "not_found");
        assert_eq!(stored(app).len(), 3);
        let of = of_subjects(&app.app, &app.app.db, SubjectKind::Post, [post.id, other.id])
            .await
            .unwrap();
        let shown: Vec<_> = of[&post.id].iter().map(|view| view.id).collect();
        assert_eq!((shown, of.len()), (vec![ids[1], ids[0]], 1));
        let avatar_url = format!("{}{}", app.url, public[0]);
        let answer = app.http.get(&avatar_url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(
            answer.headers()["cache-control"]
                .to_str()
                .unwrap()
                .starts_with("public, ")
        );

        // Another picture instead: the one before goes, and its bytes with it.
        attached(app, &ana, post, &[ids[0]]).await.unwrap();
        app.run_worker("media.clean_up").await;
        assert_eq!(stored(app).len(), 2);
        let (own, tx_post) = (app.app.clone(), post);
        let detached = app
            .app
            .db
            .write_again(move |tx| async move { detach(&own, &tx, tx_post).await });
        detached.await.unwrap();
        ana.delete(&format!("/media/{}", ids[2])).await.expect(204);
        assert_eq!(
            app.http.get(&avatar_url).send().await.unwrap().status(),
            404,
            "at once"
        );
        app.run_worker("media.clean_up").await;
        assert!(stored(app).is_empty(), "deletion removes the bytes");
        assert_eq!((used(&ana).await, recounted(app, &ana).await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_member_who_goes_takes_their_pictures_along() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let media = upload(app, &ana, &written(&photo(50, 50), ImageFormat::Png)).await;
        let avatar = Subject::new(SubjectKind::Avatar, ana.id.parse::<Uuid>().unwrap());
        let own = media["id"].as_str().unwrap().parse().unwrap();
        attached(app, &ana, avatar, &[own]).await.unwrap();
        let member: MemberId = ana.id.parse().unwrap();
        let gone = app.app.db.write(move |tx| async move {
            tx.execute("DELETE FROM member WHERE id = $1", params![member])
                .await
        });
        gone.await.unwrap();
        app.run_worker("media.clean_up").await;
        assert!(stored(app).is_empty());
    })
    .await;
}

#[tokio::test]
async fn copies_share_bytes_and_go_with_who_brought_them() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let media = upload(app, &ana, &written(&photo(50, 50), ImageFormat::Png)).await;
        let own: MediaId = media["id"].as_str().unwrap().parse().unwrap();
        let subject = || Subject::new(SubjectKind::Message, app.app.ids.next::<Uuid>());
        let (first, second, third) = (subject(), subject(), subject());
        attached(app, &ana, first, &[own]).await.unwrap();
        let copied = async |from: Subject, to: Subject| {
            let (own, by) = (app.app.clone(), bruno.id.parse().unwrap());
            let write = app
                .app
                .db
                .write_again(move |tx| async move { copy(&own, &tx, by, from, to).await });
            write.await.unwrap().len()
        };
        assert_eq!((copied(first, second).await, copied(second, third).await), (1, 1));
        assert_eq!(
            copied(subject(), subject()).await,
            0,
            "of nothing there is no copy"
        );
        let files = stored(app).len();
        assert_eq!(used(&bruno).await, 2 * used(&ana).await);

        let gone = app.app.clone();
        let detached = app
            .app
            .db
            .write_again(move |tx| async move { detach(&gone, &tx, second).await });
        detached.await.unwrap();
        app.run_worker("media.clean_up").await;
        assert_eq!(stored(app).len(), files, "others still name the bytes");
        assert_eq!(used(&bruno).await, recounted(app, &bruno).await);

        let (member, now) = (ana.id.parse().unwrap(), app.app.clock.now());
        let forgotten = app
            .app
            .db
            .write_again(move |tx| async move { store::forget(&tx, member, now).await });
        forgotten.await.unwrap();
        app.run_worker("media.clean_up").await;
        assert!(stored(app).is_empty(), "also the copy of a copy");
        assert_eq!((used(&bruno).await, recounted(app, &bruno).await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn bytes_that_a_crash_left_without_a_row_are_swept_away() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let media = upload(app, &ana, &written(&photo(50, 50), ImageFormat::Png)).await;
        let avatar = Subject::new(SubjectKind::Avatar, ana.id.parse::<Uuid>().unwrap());
        attached(
            app,
            &ana,
            avatar,
            &[media["id"].as_str().unwrap().parse().unwrap()],
        )
        .await
        .unwrap();
        let lost = platform::blobs::new_id(&app.app.ids);
        app.app
            .blobs
            .put(lost, Bytes::from_static(b"half an upload"))
            .await
            .unwrap();
        let sweep_all = async || {
            for _ in 0..24 {
                app.run_worker("media.sweep").await;
                app.clock.advance(Duration::from_hours(1));
            }
        };
        sweep_all().await;
        assert_eq!(stored(app).len(), 2, "what is young may still get its row");
        // The files bear the time of this machine, which is later than the story's.
        app.clock.advance(Duration::from_hours(365 * 24 * 10));
        sweep_all().await;
        assert_eq!(stored(app).len(), 1);
        assert!(app.app.blobs.get(lost).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn the_quota_holds_when_everything_comes_at_once() {
    for url in [None, Some(testkit::postgres_url().await)] {
        let assembly = testkit::area_with_tasks(crate::routes, crate::sockets, crate::workers, crate::tasks);
        let more = [("media.quota_bytes", "10000"), ("media.open_uploads", "6")];
        let app = TestApp::start(&assembly, url, &more).await;
        let ana = app.user("Ana").await;
        let create = |length: usize| {
            let request = tus(&ana, Method::POST, "/uploads").header("upload-length", length);
            Answer::of(request)
        };
        let answers = join_all((0..8).map(|_| create(3000))).await;
        let codes: BTreeSet<_> = answers.iter().map(|answer| answer.status).collect();
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!((made, codes), (3, BTreeSet::from([201, 409])));
        create(3000).await.refused(409, "quota_exceeded");
        assert_eq!((used(&ana).await, recounted(&app, &ana).await), (9000, 9000));
        for _ in 0..3 {
            create(100).await.expect(201);
        }
        create(100).await.refused(409, "too_many_uploads");
        // What expires makes room again.
        app.clock.advance(Duration::from_hours(25));
        let ana = come_back(&ana).await;
        app.run_worker("media.clean_up").await;
        assert_eq!((used(&ana).await, recounted(&app, &ana).await), (0, 0));
        let request = tus(&ana, Method::POST, "/uploads").header("upload-length", 9000);
        Answer::of(request).await.expect(201);
        app.end().await;
    }
}

#[tokio::test]
async fn words_can_be_put_to_a_picture_later_and_the_list_goes_page_by_page() {
    each_db(async |app| {
        let ana = app.user("Ana").await;
        let mut ids = vec![];
        for n in 0..3 {
            app.clock.advance(Duration::from_secs(1));
            let media = upload(app, &ana, &video(100 + n)).await;
            ids.insert(0, media["id"].clone());
        }
        let path = format!("/media/{}", ids[0].as_str().unwrap());
        let edited = ana.patch(&path, json!({"alt": "El abrazo"})).await.expect(200);
        assert_eq!(edited["view"]["alt"], "El abrazo");
        assert_eq!(ana.get(&path).await.expect(200)["view"]["alt"], "El abrazo");
        let first = ana.get("/media?limit=2").await.expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = ana
            .get(&format!("/media?limit=2&cursor={cursor}"))
            .await
            .expect(200);
        let listed: Vec<_> = [&first, &second]
            .iter()
            .flat_map(|page| page["items"].as_array().unwrap())
            .map(|media| media["id"].clone())
            .collect();
        assert_eq!((listed, &second["next_cursor"]), (ids, &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn a_member_shows_a_picture_to_those_they_have_something_to_do_with() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let of_ana = format!("/members/{}/avatar", ana.id);
        assert_eq!(bruno.get(&of_ana).await.expect(200), json!({"picture": null}));
        let picture = upload(app, &ana, &written(&photo(400, 400), ImageFormat::Png)).await;
        let film = upload(app, &ana, &video(100)).await;
        ana.post("/me/avatar", json!({"media_id": film["id"]}))
            .await
            .refused(422, "invalid");
        let set = ana
            .post("/me/avatar", json!({"media_id": picture["id"]}))
            .await
            .expect(200);
        assert_eq!(bruno.get(&of_ana).await.expect(200)["picture"], set);
        assert_eq!(size(&fetch(app, &set["sizes"][0]["url"]).await), (320, 320));
        // What is said of it later is heard as well.
        let path = format!("/media/{}", picture["id"].as_str().unwrap());
        ana.patch(&path, json!({"alt": "Ana"})).await.expect(200);
        assert_eq!(bruno.get(&of_ana).await.expect(200)["picture"]["alt"], "Ana");
        ana.delete("/me/avatar").await.expect(204);
        assert_eq!(ana.get(&of_ana).await.expect(200), json!({"picture": null}));
        ana.get(&path).await.refused(404, "not_found");
        ana.delete("/me/avatar").await.expect(204);
    })
    .await;
}
