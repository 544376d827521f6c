//! A hall is a room in which everybody may speak who is not barred. It is here to test what rooms
//! have in common.

use accounts::{CurrentUser, MemberId};
use base::{Result, Text, Timestamp, error::internal, input};
use db::{Db, Executor, Snapshot, Tx, params};
use platform::{AppState, http::Routes};
use realtime::{
    Hides, Push, Realtime, Rendered, RoomKind, Sockets, Speaker, Stream, StreamKind,
    streams::{self, Decision, Entry, Placed, Queued, Wanted},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use testkit::{SocketClient, TestApp, TestUser};
use uuid::Uuid;

/// Tells the story on both databases.
pub async fn each_db(story: impl AsyncFn(&TestApp)) {
    testkit::each_db(testkit::area(Routes::default, sockets, |_| vec![]), async |app| {
        tables(&app.app.db).await;
        story(app).await;
    })
    .await;
}

/// One app with further settings.
pub async fn app(database_url: Option<String>, more: &[(&'static str, &str)]) -> TestApp {
    let area = testkit::area(Routes::default, sockets, |_| vec![]);
    let app = TestApp::start(&area, database_url, more).await;
    tables(&app.app.db).await;
    app
}

pub fn hall(number: u128) -> Stream {
    Stream::new(StreamKind::Chat, Uuid::from_u128(number))
}

pub async fn connect(app: &TestApp, user: &TestUser) -> SocketClient {
    SocketClient::connect(&app.url, json!({"token": user.token})).await
}

/// Says it in the hall; gives the answer.
pub async fn say(client: &SocketClient, hall: Stream, body: &str) -> Value {
    client
        .accepted("hall:say", json!({"hall": hall.to_string(), "body": body}))
        .await
}

/// Numbers and words of what was said.
pub fn spoken(pushes: &[Value]) -> Vec<(i64, &str)> {
    pushes
        .iter()
        .map(|push| {
            (
                push["seq"].as_i64().expect("a number"),
                push["body"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

async fn tables(db: &Db) {
    let spoken = db.pick(
        "CREATE TABLE IF NOT EXISTS spoken (id BLOB PRIMARY KEY, hall BLOB, sender BLOB, client_id TEXT, body TEXT, seq INTEGER,
         UNIQUE (hall, sender, client_id))",
        "CREATE TABLE IF NOT EXISTS spoken (id UUID PRIMARY KEY, hall UUID, sender UUID, client_id TEXT, body TEXT, seq BIGINT,
         UNIQUE (hall, sender, client_id))",
    );
    let barred = db.pick(
        "CREATE TABLE IF NOT EXISTS barred (hall BLOB, member BLOB)",
        "CREATE TABLE IF NOT EXISTS barred (hall UUID, member UUID)",
    );
    let hidden = db.pick(
        "CREATE TABLE IF NOT EXISTS hidden (reader BLOB, member BLOB)",
        "CREATE TABLE IF NOT EXISTS hidden (reader UUID, member UUID)",
    );
    db.write(move |tx| async move {
        for table in [spoken, barred, hidden] {
            tx.batch(table).await?;
        }
        Ok(())
    })
    .await
    .expect("the tables are made");
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HallSaid {
    pub body: String,
    pub sender: MemberId,
}

impl Push for HallSaid {
    const NAME: &'static str = "hall:said";
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HallBarred {
    pub member: MemberId,
}

impl Push for HallBarred {
    const NAME: &'static str = "hall:barred";
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HallWave {
    pub turn: i64,
}

impl Push for HallWave {
    const NAME: &'static str = "hall:wave";
}

input! {
    pub struct Say {
        pub hall: Text<1, 100>,
        pub body: Text<1, 60000>,
        pub client_id: Option<Text<1, 64>>,
    }
}

input! {
    pub struct Wave {
        pub hall: Text<1, 100>,
        pub turn: Turn,
    }
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Turn(i64);
impl base::input::Field for Turn {}

input! {
    pub struct Bar {
        pub hall: Text<1, 100>,
        pub member: MemberId,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Said {
    pub id: String,
    pub seq: i64,
    pub new: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {}

pub fn sockets() -> Sockets {
    Sockets::new("halls")
        .on("hall:say", say_it, "Say something in a hall")
        .on("hall:whisper", whisper, "Say something the slow way")
        .on("hall:bar", bar, "Put somebody out of a hall")
        .on("hall:wave", wave, "Wave to those who are there")
        .on("hall:panic", panic, "Break")
        .durable(render, "Somebody has spoken")
        .durable(render_barred, "Somebody was put out")
        .asks_readers_again()
        .ephemeral::<HallWave>("Somebody waves")
        .room(Halls)
        .hides(Hidden)
}

fn stream(name: Text<1, 100>) -> Result<Stream> {
    let name: String = name.into();
    name.parse().map_err(|_| base::error::not_found("room"))
}

async fn say_it(app: AppState, speaker: Speaker, say: Say) -> Result<Said> {
    let item = words(&app, speaker.id, say.body.into(), say.client_id.map(Into::into));
    let written = streams::submit::<Spoken>(&app, stream(say.hall)?, item).await?;
    Ok(Said {
        id: written.done.to_string(),
        seq: written.seq,
        new: written.new,
    })
}

/// Through `append`, in a transaction of its own, and rendered from its row.
async fn whisper(app: AppState, speaker: Speaker, say: Say) -> Result<Said> {
    let (id, at, sender, hall) = (
        app.ids.next::<Uuid>(),
        app.clock.now(),
        speaker.id,
        stream(say.hall)?,
    );
    let (own, body) = (app.clone(), String::from(say.body));
    let seq = app
        .db
        .write_again(move |tx| async move {
            tx.execute_last(
                "INSERT INTO spoken (id, hall, sender, body) VALUES ($1, $2, $3, $4)",
                params![id, hall.id, sender, body],
            )
            .await?;
            streams::append(&tx, &own, hall, Entry::new::<HallSaid>(id, at)).await
        })
        .await?;
    Ok(Said {
        id: id.to_string(),
        seq,
        new: true,
    })
}

async fn bar(app: AppState, _: Speaker, bar: Bar) -> Result<Done> {
    let (hall, at, own) = (stream(bar.hall)?, app.clock.now(), app.clone());
    app.db
        .write(move |tx| async move {
            tx.execute(
                "INSERT INTO barred (hall, member) VALUES ($1, $2)",
                params![hall.id, bar.member],
            )
            .await?;
            streams::append(&tx, &own, hall, Entry::new::<HallBarred>(bar.member.0, at)).await
        })
        .await?;
    Ok(Done {})
}

async fn wave(app: AppState, speaker: Speaker, wave: Wave) -> Result<Done> {
    let push = HallWave { turn: wave.turn.0 };
    Realtime::of(&app).tell(stream(wave.hall)?, speaker.id, Some(speaker.id), &push);
    Ok(Done {})
}

async fn panic(_: AppState, _: Speaker, _: Bar) -> Result<Done> {
    panic!("broken on purpose");
}

async fn render(app: AppState, _: Stream, rows: Vec<Uuid>) -> Result<HashMap<Uuid, Rendered<HallSaid>>> {
    let rows = json!(
        rows.iter()
            .map(|row| row.simple().to_string())
            .collect::<Vec<_>>()
    );
    let sql = app.db.pick(
        "SELECT id, sender, body FROM spoken WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        "SELECT id, sender, body FROM spoken WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))",
    );
    let found = app.db.all(sql, params![rows], |row| {
        Ok((
            row.get::<Uuid>(0)?,
            row.get::<MemberId>(1)?,
            row.get::<String>(2)?,
        ))
    });
    let rendered = found.await?.into_iter().map(|(id, sender, body)| {
        let push = HallSaid { body, sender };
        let from = Some(sender);
        (id, Rendered { from, push })
    });
    Ok(rendered.collect())
}

async fn render_barred(
    _: AppState,
    _: Stream,
    rows: Vec<Uuid>,
) -> Result<HashMap<Uuid, Rendered<HallBarred>>> {
    let rendered = rows.into_iter().map(|row| {
        let push = HallBarred {
            member: MemberId(row),
        };
        (row, Rendered { from: None, push })
    });
    Ok(rendered.collect())
}

struct Halls;

impl RoomKind for Halls {
    const KIND: StreamKind = StreamKind::Chat;

    async fn open(&self, app: &AppState, reader: &CurrentUser, name: &str) -> Result<Option<Stream>> {
        let Ok(id) = name.parse::<Uuid>() else {
            return Ok(None);
        };
        let stream = Stream::new(StreamKind::Chat, id);
        let allowed = self.readers(app, stream, vec![reader.id]).await?;
        Ok(allowed.contains(&reader.id).then_some(stream))
    }

    async fn readers(&self, app: &AppState, stream: Stream, among: Vec<MemberId>) -> Result<Vec<MemberId>> {
        let barred = app.db.all(
            "SELECT member FROM barred WHERE hall = $1",
            params![stream.id],
            |row| row.get::<MemberId>(0),
        );
        let barred = barred.await?;
        Ok(among
            .into_iter()
            .filter(|member| !barred.contains(member))
            .collect())
    }

    async fn snapshot(
        &self,
        _: &AppState,
        db: &Snapshot,
        _: MemberId,
        stream: Stream,
    ) -> Result<Option<Value>> {
        let count = db.one(
            "SELECT count(*) FROM spoken WHERE hall = $1",
            params![stream.id],
            |row| row.get::<i64>(0),
        );
        Ok(Some(json!({"spoken": count.await?})))
    }
}

struct Hidden;

impl Hides for Hidden {
    async fn hidden_from(&self, app: &AppState, reader: MemberId) -> Result<HashSet<MemberId>> {
        let hidden = app.db.all(
            "SELECT member FROM hidden WHERE reader = $1",
            params![reader],
            |row| row.get(0),
        );
        Ok(hidden.await?.into_iter().collect())
    }
}

/// Hides one member from another from now on.
pub async fn hide(app: &TestApp, member: &TestUser, from: &TestUser) {
    let (reader, member): (Uuid, Uuid) = (from.id.parse().unwrap(), member.id.parse().unwrap());
    app.app
        .db
        .write(move |tx| async move {
            tx.execute(
                "INSERT INTO hidden (reader, member) VALUES ($1, $2)",
                params![reader, member],
            )
            .await
        })
        .await
        .unwrap();
    Realtime::of(&app.app)
        .forget_hidden(&app.app, &[MemberId(reader)])
        .await;
}

pub struct Words {
    id: Uuid,
    sender: MemberId,
    client_id: Option<String>,
    body: String,
}

/// Something to say, by its speaker.
pub fn words(app: &AppState, sender: MemberId, body: String, client_id: Option<String>) -> Words {
    Words {
        id: app.ids.next(),
        sender,
        client_id,
        body,
    }
}

#[derive(Default)]
pub struct Spoken;

impl Queued for Spoken {
    type Item = Words;
    type Done = Uuid;

    async fn decide(
        &self,
        _: &AppState,
        tx: &Tx,
        at: Timestamp,
        items: &[Arc<Wanted<Words>>],
    ) -> Result<Vec<Decision<Uuid>>> {
        let named: Vec<_> = items
            .iter()
            .filter_map(|wanted| {
                let client_id = wanted.item.client_id.as_ref()?;
                Some(json!({
                    "hall": wanted.stream.id.simple().to_string(), "client_id": client_id,
                    "sender": wanted.item.sender.0.simple().to_string(),
                }))
            })
            .collect();
        let sql = tx.pick(
            "SELECT s.hall, s.sender, s.client_id, s.id, s.seq FROM json_each($1) w JOIN spoken s
             ON s.hall = unhex(w.value ->> 'hall') AND s.sender = unhex(w.value ->> 'sender') AND s.client_id = w.value ->> 'client_id'",
            "SELECT s.hall, s.sender, s.client_id, s.id, s.seq
             FROM jsonb_to_recordset($1) AS w(hall UUID, sender UUID, client_id TEXT) JOIN spoken s
             ON s.hall = w.hall AND s.sender = w.sender AND s.client_id = w.client_id",
        );
        let known = if named.is_empty() {
            vec![]
        } else {
            tx.all(sql, params![json!(named)], |row| {
                let key = (
                    row.get::<Uuid>(0)?,
                    row.get::<MemberId>(1)?,
                    row.get::<String>(2)?,
                );
                Ok((key, (row.get::<Uuid>(3)?, row.get::<i64>(4)?)))
            })
            .await?
        };
        let known: HashMap<_, _> = known.into_iter().collect();
        let mut first = HashMap::new();
        let decided = items.iter().enumerate().map(|(place, wanted)| {
            let words = &wanted.item;
            if words.body == "unspeakable" {
                return Decision::Refused(base::error::forbidden("forbidden"));
            }
            if let Some(client_id) = &words.client_id {
                let key = (wanted.stream.id, words.sender, client_id.clone());
                if let Some((done, seq)) = known.get(&key) {
                    return Decision::Known {
                        done: *done,
                        seq: *seq,
                    };
                }
                if let Some(earlier) = first.get(&key) {
                    return Decision::SameAs(*earlier);
                }
                first.insert(key, place);
            }
            let push = HallSaid {
                body: words.body.clone(),
                sender: words.sender,
            };
            Decision::New {
                done: words.id,
                entry: Entry::new::<HallSaid>(words.id, at).said(Some(words.sender), &push),
            }
        });
        Ok(decided.collect())
    }

    async fn write(
        &self,
        _: &AppState,
        tx: &Tx,
        _: Timestamp,
        items: &[Placed<'_, Words, Uuid>],
    ) -> Result<()> {
        if items.iter().any(|placed| placed.item.body == "poison") {
            return Err(internal("poison"));
        }
        let rows = items.iter().map(|placed| {
            json!({
                "id": placed.item.id.simple().to_string(), "hall": placed.stream.id.simple().to_string(),
                "sender": placed.item.sender.0.simple().to_string(), "client_id": placed.item.client_id,
                "body": placed.item.body, "seq": placed.seq,
            })
        });
        let rows: Value = rows.collect();
        let sql = tx.pick(
            "INSERT INTO spoken (id, hall, sender, client_id, body, seq)
             SELECT unhex(value ->> 'id'), unhex(value ->> 'hall'), unhex(value ->> 'sender'), value ->> 'client_id',
                    value ->> 'body', value ->> 'seq' FROM json_each($1)",
            "INSERT INTO spoken (id, hall, sender, client_id, body, seq)
             SELECT * FROM jsonb_to_recordset($1) AS w(id UUID, hall UUID, sender UUID, client_id TEXT, body TEXT, seq BIGINT)",
        );
        tx.execute_last(sql, params![rows]).await
    }
}
