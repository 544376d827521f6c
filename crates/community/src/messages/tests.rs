//! What members say in rooms, and who hears it.

use crate::{
    media::tests::{photo, stored, upload, written},
    tests::each_db,
};
use base::Entropy;
use futures_util::future::join_all;
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use testkit::{Answer, TestApp, TestUser};

pub(super) async fn direct(user: &TestUser, other: &TestUser) -> String {
    let room = user.put(&format!("/rooms/direct/{}", other.id)).await.expect(200);
    room["id"].as_str().unwrap().to_owned()
}

/// A room of its owner and the others, who have joined.
pub(super) async fn group(owner: &TestUser, others: &[&TestUser]) -> String {
    let ids: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
    let room = owner
        .post("/rooms", json!({"title": "Encuentro", "member_ids": ids}))
        .await
        .expect(201);
    let id = room["id"].as_str().unwrap().to_owned();
    for other in others {
        other.put(&format!("/rooms/{id}/membership")).await.expect(200);
    }
    id
}

async fn say(user: &TestUser, room: &str, message: Value) -> Value {
    user.post(&format!("/rooms/{room}/messages"), message)
        .await
        .expect(201)
}

async fn hear(user: &TestUser, room: &str) -> Value {
    user.get(&format!("/rooms/{room}/messages")).await.expect(200)
}

fn bodies(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .map(|message| message["body"].as_str().unwrap())
        .collect()
}

fn at(message: &Value) -> String {
    format!("/messages/{}", message["id"].as_str().unwrap())
}

#[tokio::test]
async fn what_was_said_is_read_latest_first_page_by_page() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        let mut last = 0;
        for n in 0..7 {
            let user = if n % 2 == 0 { &ana } else { &bruno };
            let said = say(user, &room, json!({"body": format!(" message {n} ")})).await;
            assert_eq!(said["body"], format!("message {n}"));
            assert_eq!(said["room"], format!("chat:{room}"));
            let seq = said["seq"].as_i64().unwrap();
            assert!(seq > last, "{seq} comes after {last}");
            last = seq;
        }
        let (mut seen, mut cursor) = (vec![], String::new());
        loop {
            let page = bruno
                .get(&format!("/rooms/{room}/messages?limit=3{cursor}"))
                .await
                .expect(200);
            seen.extend(bodies(&page).into_iter().map(str::to_owned));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let wanted: Vec<String> = (0..7).rev().map(|n| format!("message {n}")).collect();
        assert_eq!(seen, wanted);
        for bad in [
            json!({}),
            json!({"body": "  "}),
            json!({"body": "x".repeat(5001)}),
            json!({"body": 5}),
        ] {
            ana.post(&format!("/rooms/{room}/messages"), bad)
                .await
                .refused(422, "invalid");
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_sent_again_is_the_same_message() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        let path = format!("/rooms/{room}/messages");
        let message = json!({"body": "hola", "client_id": "c-1"});
        // At the same moment, and later.
        let sent = join_all((0..6).map(|_| ana.post(&path, message.clone()))).await;
        let first = sent
            .into_iter()
            .map(|answer| answer.expect(201))
            .reduce(|one, other| {
                assert_eq!((&one["id"], &one["seq"]), (&other["id"], &other["seq"]));
                one
            });
        let again = say(&ana, &room, message).await;
        assert_eq!(again["id"], first.unwrap()["id"]);
        assert_eq!(bodies(&hear(&bruno, &room).await), ["hola"]);
        let other = json!({"body": "otra cosa", "client_id": "c-1"});
        ana.post(&path, other.clone())
            .await
            .refused(409, "client_id_reused");
        // The name is the sender's own.
        say(&bruno, &room, other).await;
        assert_eq!(bodies(&hear(&ana, &room).await), ["otra cosa", "hola"]);

        // Over HTTP the Idempotency-Key does the same.
        let request = || {
            ana.request(Method::POST, &path)
                .header("idempotency-key", "key-1")
                .json(&json!({"body": "una vez"}))
        };
        let (one, two) = (
            Answer::of(request()).await.expect(201),
            Answer::of(request()).await.expect(201),
        );
        assert_eq!(one["id"], two["id"]);
        assert_eq!(bodies(&hear(&bruno, &room).await).len(), 3);
    })
    .await;
}

#[tokio::test]
async fn only_the_sender_edits_and_a_deleted_message_keeps_its_place_alone() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let room = group(&ana, &[&bruno]).await;
        let said = say(&bruno, &room, json!({"body": "a las ocho"})).await;
        ana.patch(&at(&said), json!({"body": "!"}))
            .await
            .refused(403, "not_author");
        carla.get(&at(&said)).await.refused(404, "not_found");
        carla
            .patch(&at(&said), json!({"body": "!"}))
            .await
            .refused(404, "not_found");
        carla.delete(&at(&said)).await.refused(404, "not_found");
        app.clock.advance(Duration::from_secs(1));
        let edited = bruno
            .patch(&at(&said), json!({"body": "a las nueve"}))
            .await
            .expect(200);
        assert_eq!(
            (&edited["body"], &edited["seq"]),
            (&json!("a las nueve"), &said["seq"])
        );
        assert!(edited["edited_at"].is_string());
        assert_eq!(bodies(&hear(&ana, &room).await), ["a las nueve"]);

        // Bruno may not delete what the owner says; the owner may.
        let hers = say(&ana, &room, json!({"body": "sí"})).await;
        bruno.delete(&at(&hers)).await.refused(403, "not_author");
        bruno
            .post(&format!("{}/reactions", at(&said)), json!({"type": "love"}))
            .await
            .expect(200);
        ana.delete(&at(&said)).await.expect(204);
        let page = hear(&bruno, &room).await;
        assert_eq!(bodies(&page), ["sí", ""]);
        let gone = &page["items"][1];
        assert_eq!((&gone["deleted"], &gone["reactions"]), (&json!(true), &json!([])));
        for answer in [
            bruno.get(&at(&said)).await,
            bruno.patch(&at(&said), json!({"body": "?"})).await,
            bruno.delete(&at(&said)).await,
            bruno
                .post(&format!("{}/reactions", at(&said)), json!({"type": "love"}))
                .await,
        ] {
            answer.refused(404, "not_found");
        }
        let list = bruno.get("/rooms").await.expect(200);
        assert_eq!(list["items"][0]["last_message"]["body"], "sí");
    })
    .await;
}

#[tokio::test]
async fn an_edit_and_a_deletion_at_the_same_moment_leave_no_words() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        for round in 0..4 {
            let said = say(&ana, &room, json!({"body": format!("secret {round}")})).await;
            let path = at(&said);
            let edit = ana.patch(&path, json!({"body": "still secret"}));
            let delete = ana.delete(&path);
            let (edited, deleted) = if round % 2 == 0 {
                futures_util::future::join(edit, delete).await
            } else {
                let (deleted, edited) = futures_util::future::join(delete, edit).await;
                (edited, deleted)
            };
            assert!([200, 404].contains(&edited.status), "{}", edited.text);
            deleted.expect(204);
        }
        let page = hear(&bruno, &room).await;
        assert!(bodies(&page).iter().all(|body| body.is_empty()), "{page}");
        let kept = "SELECT /* every community */ count(*) FROM message WHERE body <> '' OR folded <> ''";
        let kept: Option<i64> = db::Executor::one(&app.app.db, kept, vec![], |row| row.get(0))
            .await
            .unwrap();
        assert_eq!(kept, Some(0));
    })
    .await;
}

#[tokio::test]
async fn replies_name_what_they_answer_and_forwards_say_it_again() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let (here, there) = (direct(&ana, &bruno).await, direct(&bruno, &carla).await);
        let said = say(&ana, &here, json!({"body": "Milonga en el río"})).await;
        let reply = say(&bruno, &here, json!({"body": "voy", "reply_to_id": said["id"]})).await;
        assert_eq!(reply["reply_to_id"], said["id"]);
        let path = format!("/rooms/{there}/messages");
        let elsewhere = bruno
            .post(&path, json!({"body": "?", "reply_to_id": said["id"]}))
            .await
            .refused(422, "invalid");
        assert_eq!(elsewhere["errors"][0]["code"], "unknown_message");

        let forward = json!({"forward_of_id": said["id"], "client_id": "f"});
        let again = say(&bruno, &there, forward.clone()).await;
        assert_eq!(
            (&again["body"], &again["forwarded"]),
            (&json!("Milonga en el río"), &json!(true))
        );
        assert_eq!(say(&bruno, &there, forward).await["id"], again["id"]);
        assert_eq!(bodies(&hear(&carla, &there).await), ["Milonga en el río"]);
        // Nobody forwards what they cannot read.
        carla
            .post(&path, json!({"forward_of_id": said["id"]}))
            .await
            .refused(404, "not_found");
        let both = carla
            .post(&path, json!({"forward_of_id": again["id"], "body": "x"}))
            .await
            .refused(422, "invalid");
        assert_eq!(both["errors"][0]["code"], "body_or_forward");
    })
    .await;
}

#[tokio::test]
async fn reactions_are_one_each_and_told_by_their_number() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        let said = say(&ana, &room, json!({"body": "hola"})).await;
        let path = format!("{}/reactions", at(&said));
        for kind in ["like", "love", "love"] {
            bruno.post(&path, json!({"type": kind})).await.expect(200);
        }
        let both = ana.post(&path, json!({"type": "love"})).await.expect(200);
        assert_eq!(both["reactions"], json!([{"type": "love", "count": 2}]));
        let after = bruno.delete(&path).await.expect(200);
        assert_eq!(
            (&after["reactions"], &after["reaction"]),
            (&json!([{"type": "love", "count": 1}]), &Value::Null)
        );
        let seen = hear(&ana, &room).await;
        assert_eq!(seen["items"][0]["reaction"], "love");
        ana.post(&path, json!({"type": "yawn"}))
            .await
            .refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_room_is_searched_whatever_the_accents() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        for body in ["Canción de otoño", "cancion de primavera", "Vals", "100 % tango"] {
            say(&ana, &room, json!({"body": body})).await;
        }
        let search = async |query: &str| {
            let page = bruno
                .get(&format!("/rooms/{room}/messages?query={query}"))
                .await
                .expect(200);
            bodies(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            search("CANCI%C3%93N").await,
            ["cancion de primavera", "Canción de otoño"]
        );
        assert_eq!(search("otono").await, ["Canción de otoño"]);
        assert_eq!(search("polca").await, Vec::<String>::new());
        assert_eq!(search("100").await, ["100 % tango"]);
        let gone = hear(&bruno, &room).await["items"][2].clone();
        ana.delete(&at(&gone)).await.expect(204);
        assert_eq!(search("cancion").await, ["Canción de otoño"]);
    })
    .await;
}

#[tokio::test]
async fn who_blocked_somebody_does_not_hear_them_in_a_room_of_many() {
    each_db(async |app| {
        let (ana, bruno, carla) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Carla").await,
        );
        let room = group(&carla, &[&ana, &bruno]).await;
        let from_carla = say(&carla, &room, json!({"body": "from Carla"})).await;
        let from_bruno = say(&bruno, &room, json!({"body": "from Bruno"})).await;
        ana.put(&format!("/blocks/{}", bruno.id)).await.expect(204);
        assert_eq!(bodies(&hear(&ana, &room).await), ["from Carla"]);
        assert_eq!(bodies(&hear(&carla, &room).await), ["from Bruno", "from Carla"]);
        ana.get(&at(&from_bruno)).await.refused(404, "not_found");
        ana.post(&format!("{}/reactions", at(&from_bruno)), json!({"type": "like"}))
            .await
            .refused(404, "not_found");
        let found = ana
            .get(&format!("/rooms/{room}/messages?query=bruno"))
            .await
            .expect(200);
        assert!(bodies(&found).is_empty());
        let seen = ana.get(&format!("/rooms/{room}")).await.expect(200);
        assert_eq!(seen["unread_count"], 1);
        assert_eq!(seen["last_message"]["id"], from_carla["id"]);
        // The blocked one does not hear the other either, and is not told why.
        say(&ana, &room, json!({"body": "from Ana"})).await;
        assert_eq!(bodies(&hear(&bruno, &room).await), ["from Bruno", "from Carla"]);
        let members = bruno.get(&format!("/rooms/{room}/members")).await.expect(200);
        let names: HashSet<&str> = members["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["member"]["display_name"].as_str().unwrap())
            .collect();
        assert_eq!(names, HashSet::from(["Bruno", "Carla"]));
    })
    .await;
}

#[tokio::test]
async fn reading_moves_a_mark_forward_and_others_see_it_in_rooms_of_few() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        let mut seqs = vec![];
        for n in 0..3 {
            seqs.push(
                say(&ana, &room, json!({"body": format!("{n}")})).await["seq"]
                    .as_i64()
                    .unwrap(),
            );
        }
        let read = async |user: &TestUser, seq: i64| {
            let request = user
                .request(Method::PUT, &format!("/rooms/{room}/read"))
                .json(&json!({"seq": seq}));
            Answer::of(request).await.expect(200)["read_seq"]
                .as_i64()
                .unwrap()
        };
        let unread = async || {
            bruno.get(&format!("/rooms/{room}")).await.expect(200)["unread_count"]
                .as_i64()
                .unwrap()
        };
        assert_eq!(unread().await, 3);
        assert_eq!(read(&bruno, seqs[1]).await, seqs[1]);
        assert_eq!(unread().await, 1);
        assert_eq!(read(&bruno, seqs[0]).await, seqs[1], "never back");
        assert_eq!(
            read(&bruno, 9_000_000).await,
            seqs[2],
            "and not beyond what was said"
        );
        assert_eq!(unread().await, 0);
        say(&ana, &room, json!({"body": "más"})).await;
        assert_eq!(unread().await, 1, "what comes later is unread");
        let members = ana.get(&format!("/rooms/{room}/members")).await.expect(200);
        let his = members["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|member| member["member"]["id"] == bruno.id);
        assert_eq!(his.unwrap()["read_seq"], seqs[2]);
    })
    .await;
}

/// Whatever members do, in any order: what is unread is what a recount of everything says.
#[tokio::test]
async fn unread_counts_are_those_of_a_recount() {
    each_db(async |app| {
        for seed in [3, 5] {
            unread_counts_hold(app, seed).await;
        }
    })
    .await;
}

#[derive(Clone)]
struct Spoken {
    path: String,
    sender: usize,
    seq: i64,
    deleted: bool,
}

async fn unread_counts_hold(app: &TestApp, seed: u64) {
    let dice = Entropy::seeded(seed);
    let mut people = vec![];
    for name in ["Ana", "Bruno", "Carla"] {
        people.push(app.user(&format!("{name}{seed}")).await);
    }
    let others: Vec<&TestUser> = people[1..].iter().collect();
    let room = group(&people[0], &others).await;
    let mut said: Vec<Spoken> = vec![];
    let mut marks: BTreeMap<usize, i64> = (0..3).map(|who| (who, 0)).collect();
    let mut blocks: HashSet<(usize, usize)> = HashSet::new();
    for step in 0..40 {
        let who = dice.below(3) as usize;
        match dice.below(10) {
            0..5 => {
                let message = say(&people[who], &room, json!({"body": format!("{step}")})).await;
                said.push(Spoken {
                    path: at(&message),
                    sender: who,
                    seq: message["seq"].as_i64().unwrap(),
                    deleted: false,
                });
            }
            5 | 6 => {
                if let Some(upto) = said.get(dice.below(said.len().max(1) as u64) as usize).cloned() {
                    let request = people[who]
                        .request(Method::PUT, &format!("/rooms/{room}/read"))
                        .json(&json!({"seq": upto.seq}));
                    Answer::of(request).await.expect(200);
                    let mark = marks.get_mut(&who).unwrap();
                    *mark = upto.seq.max(*mark);
                }
            }
            7 => {
                let place = dice.below(said.len().max(1) as u64) as usize;
                if let Some(message) = said.get_mut(place).filter(|message| !message.deleted) {
                    people[message.sender].delete(&message.path).await.expect(204);
                    message.deleted = true;
                }
            }
            8 => {
                let other = (who + 1) % 3;
                if !blocks.contains(&(who, other)) && !blocks.contains(&(other, who)) {
                    people[who]
                        .put(&format!("/blocks/{}", people[other].id))
                        .await
                        .expect(204);
                    blocks.insert((who, other));
                }
            }
            _ => {
                if let Some((one, other)) = blocks.iter().next().copied() {
                    people[one]
                        .delete(&format!("/blocks/{}", people[other].id))
                        .await
                        .expect(204);
                    blocks.remove(&(one, other));
                }
            }
        }
        for (reader, person) in people.iter().enumerate() {
            let apart = |one, other| blocks.contains(&(one, other)) || blocks.contains(&(other, one));
            let recount = said.iter().filter(|message| {
                !message.deleted
                    && message.sender != reader
                    && message.seq > marks[&reader]
                    && !apart(reader, message.sender)
            });
            let wanted = recount.count();
            let seen = person.get("/rooms").await.expect(200);
            assert_eq!(
                seen["items"][0]["unread_count"], wanted,
                "seed {seed}, step {step}, reader {reader}"
            );
            let total = person.get("/rooms/unread").await.expect(200);
            assert_eq!(
                total["messages"], wanted,
                "seed {seed}, step {step}, reader {reader}"
            );
        }
    }
}

#[tokio::test]
async fn a_message_shows_its_media_to_those_in_the_room() {
    each_db(async |app| {
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let room = direct(&ana, &bruno).await;
        let media = upload(app, &ana, &written(&photo(60, 40), ImageFormat::Png)).await;
        let said = say(&ana, &room, json!({"media_ids": [media["id"]]})).await;
        assert_eq!(
            (&said["body"], &said["media"][0]["id"]),
            (&json!(""), &media["id"])
        );
        let heard = hear(&bruno, &room).await;
        assert_eq!(heard["items"][0]["media"][0]["id"], media["id"]);
        let url = format!(
            "{}{}",
            app.url,
            heard["items"][0]["media"][0]["url"].as_str().unwrap()
        );
        assert_eq!(app.http.get(url).send().await.unwrap().status(), 200);
        // What stands somewhere, or belongs to somebody else, is not sent; the others' words are.
        let messages = format!("/rooms/{room}/messages");
        let both = [
            ana.post(&messages, json!({"body": "again", "media_ids": [media["id"]]})),
            bruno.post(&messages, json!({"body": "mine", "media_ids": [media["id"]]})),
            bruno.post(&messages, json!({"body": "hola"})),
        ];
        let statuses: Vec<u16> = join_all(both).await.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [422, 422, 201]);
        let nothing = json!({"forward_of_id": said["id"], "media_ids": [media["id"]]});
        bruno.post(&messages, nothing).await.refused(422, "invalid");
        ana.delete(&at(&said)).await.expect(204);
        app.run_worker("media.clean_up").await;
        assert!(stored(app).is_empty(), "its media go with it");
        assert_eq!(bodies(&hear(&bruno, &room).await)[0], "hola");
    })
    .await;
}

#[tokio::test]
async fn a_forwarded_message_brings_its_picture_along_and_takes_it_away() {
    each_db(async |app| {
        let (ana, bruno, zoe) = (
            app.user("Ana").await,
            app.user("Bruno").await,
            app.user("Zoe").await,
        );
        let (here, there) = (direct(&ana, &bruno).await, direct(&bruno, &zoe).await);
        let media = upload(app, &ana, &written(&photo(60, 40), ImageFormat::Png)).await;
        let said = say(&ana, &here, json!({"body": "Us two", "media_ids": [media["id"]]})).await;
        let files = stored(app).len();
        let forward = json!({"forward_of_id": said["id"], "client_id": "f"});
        zoe.post(&format!("/rooms/{there}/messages"), forward.clone())
            .await
            .refused(404, "not_found");
        let again = say(&bruno, &there, forward.clone()).await;
        assert_eq!(
            say(&bruno, &there, forward).await["id"],
            again["id"],
            "sent again, it is the same"
        );
        let heard = hear(&zoe, &there).await["items"][0].clone();
        assert_eq!(
            (
                &heard["body"],
                &heard["forwarded"],
                heard["media"].as_array().unwrap().len()
            ),
            (&json!("Us two"), &json!(true), 1)
        );
        assert_ne!(heard["media"][0]["id"], media["id"], "it is a copy");
        assert_eq!(heard["media"][0]["alt"], media["view"]["alt"]);
        assert_eq!(stored(app).len(), files, "which shares the bytes");
        let opens = async |message: &Value| {
            let url = format!("{}{}", app.url, message["media"][0]["url"].as_str().unwrap());
            app.http.get(url).send().await.unwrap().status().as_u16()
        };
        let usage = async |user: &TestUser| user.get("/media/usage").await.expect(200)["used_bytes"].clone();
        assert_eq!(
            usage(&bruno).await,
            usage(&ana).await,
            "and is charged to who forwards"
        );

        // The original goes, the copy stays; the copy goes, and the bytes with it.
        ana.delete(&at(&said)).await.expect(204);
        app.run_worker("media.clean_up").await;
        assert_eq!((usage(&ana).await, opens(&heard).await), (json!(0), 200));
        zoe.get(&at(&said)).await.refused(404, "not_found");
        bruno.delete(&at(&again)).await.expect(204);
        app.run_worker("media.clean_up").await;
        assert_eq!((usage(&bruno).await, opens(&heard).await), (json!(0), 404));
        assert!(stored(app).is_empty(), "nobody needs the bytes any more");

        // A picture without words is forwarded as well, unless it went meanwhile.
        let media = upload(app, &ana, &written(&photo(60, 40), ImageFormat::Png)).await;
        let said = say(&ana, &here, json!({"media_ids": [media["id"]]})).await;
        ana.delete(&format!("/media/{}", media["id"].as_str().unwrap()))
            .await
            .expect(204);
        let forward = json!({"forward_of_id": said["id"]});
        bruno
            .post(&format!("/rooms/{there}/messages"), forward)
            .await
            .refused(404, "not_found");
    })
    .await;
}
