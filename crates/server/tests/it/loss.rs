//! The loss auditor: members who talk and listen while their connections break, servers die and
//! Redis comes and goes. Everybody hears everything once and in order, or this fails.
//!
//! The servers are processes, ended with `kill -9`. A client knows nothing but the last number it
//! heard of each room, and resumes with that, wherever it comes back.

use crate::support::{Server, UNHINDERED};
use db::{Executor, params};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use testkit::SocketClient;
use uuid::Uuid;

const CLIENTS: usize = 200;
const ROOMS: usize = 20;
/// Rooms that each client listens to.
const LISTENS: usize = 5;
const MEMBERS: usize = 40;
const SPEAKERS: usize = 20;

/// What an audit goes through.
struct Plan {
    database_url: Option<String>,
    nodes: usize,
    redis: bool,
    deliveries: usize,
    kills: usize,
}

/// Where clients may connect, and whether somebody is there.
struct Node {
    url: String,
    up: AtomicBool,
    /// Goes on with each death.
    life: AtomicU32,
}

#[derive(Default)]
struct Audit {
    /// Each message that was acknowledged: its room and number, with its id.
    acknowledged: Mutex<BTreeMap<(usize, i64), String>>,
    delivered: AtomicUsize,
    connects: AtomicUsize,
    /// Connects that failed while the node they went to lived.
    failed: AtomicUsize,
    /// Connections that broke.
    broken: AtomicUsize,
    faults: Mutex<Vec<String>>,
    /// Nobody speaks any more.
    silent: AtomicBool,
}

impl Audit {
    fn fault(&self, what: String) {
        let mut faults = self.faults.lock().unwrap();
        if faults.len() < 20 {
            faults.push(what);
        }
    }
}

/// A small generator, so that an audit can be told again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn room(number: usize) -> Uuid {
    Uuid::from_u128(0x4000 + number as u128)
}

pub fn stream(number: usize) -> String {
    format!("chat:{}", room(number))
}

/// Makes the open rooms, past the server.
pub async fn make_rooms(server: &Server) {
    let database = server.database().await;
    database
        .write(|tx| async move {
            for number in 0..ROOMS {
                tx.execute(
                    "INSERT INTO room (id, community_id, kind, slug, title, created_at)
                     VALUES ($1, @community, 'open', $2, $3, $4)",
                    params![
                        room(number),
                        format!("audit-{number}"),
                        format!("Audit {number}"),
                        base::Timestamp::from_micros(0)
                    ],
                )
                .await?;
            }
            Ok(())
        })
        .await
        .expect("the rooms are made");
    database.close().await;
}

/// What a client has heard: of each of its rooms, the ids by their numbers.
struct Ear {
    audit: Arc<Audit>,
    name: usize,
    rooms: HashMap<String, (usize, Vec<String>)>,
}

impl Ear {
    fn resume(&self) -> Value {
        let last =
            |(stream, (_, heard)): (&String, &(usize, Vec<String>))| (stream.clone(), json!(heard.len()));
        Value::Object(self.rooms.iter().map(last).collect::<Map<_, _>>())
    }

    fn hear(&mut self, event: &str, data: &Value) {
        if event == "room:joined" {
            let outcome = data["outcome"].as_str().unwrap_or_default();
            let own = data["room"]
                .as_str()
                .is_some_and(|room| room.starts_with("user:"));
            if !own && outcome != "live" && outcome != "recovered" {
                self.audit.fault(format!(
                    "client {} comes back and is {outcome}: {data}",
                    self.name
                ));
            }
            for missed in data["missed"].as_array().into_iter().flatten() {
                self.hear(missed["event"].as_str().unwrap_or_default(), &missed["data"]);
            }
        }
        let Some(seq) = data["seq"].as_i64().filter(|_| event == "message:new") else {
            return;
        };
        let Some((_, heard)) = data["stream"]
            .as_str()
            .and_then(|stream| self.rooms.get_mut(stream))
        else {
            self.audit
                .fault(format!("client {} hears of a foreign room: {data}", self.name));
            return;
        };
        if seq != heard.len() as i64 + 1 {
            self.audit.fault(format!(
                "client {} has {} and hears {seq}",
                self.name,
                heard.len()
            ));
            return;
        }
        heard.push(data["id"].as_str().unwrap_or_default().to_owned());
        self.audit.delivered.fetch_add(1, SeqCst);
    }

    /// Everything is there when each room has come as far as its last message.
    fn is_complete(&self, heads: &[i64]) -> bool {
        self.rooms
            .values()
            .all(|(number, heard)| heard.len() as i64 >= heads[*number])
    }
}

/// Connects again and again until it is in.
async fn connect(nodes: &[Node], audit: &Audit, dice: &mut Dice, auth: &Value) -> SocketClient {
    let give_up = Instant::now() + Duration::from_mins(1);
    loop {
        assert!(Instant::now() < give_up, "no node lets a client in for a minute");
        let node = &nodes[dice.below(nodes.len())];
        let (was_up, life) = (node.up.load(SeqCst), node.life.load(SeqCst));
        match SocketClient::try_connect(&node.url, auth).await {
            Ok(client) => {
                audit.connects.fetch_add(1, SeqCst);
                return client;
            }
            Err(error) => {
                if was_up && node.up.load(SeqCst) && node.life.load(SeqCst) == life {
                    audit.connects.fetch_add(1, SeqCst);
                    audit.failed.fetch_add(1, SeqCst);
                    eprintln!("a connect to a living node failed: {error}");
                }
                tokio::time::sleep(Duration::from_millis(20 + dice.below(100) as u64)).await;
            }
        }
    }
}

/// Listens until it has heard everything, over many connections.
async fn listen(nodes: Arc<Vec<Node>>, audit: Arc<Audit>, name: usize, token: String, heads: Heads) -> Ear {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (name as u64 + 1));
    let rooms = (0..LISTENS).map(|n| {
        let number = (name + n * 7) % ROOMS;
        (stream(number), (number, vec![]))
    });
    let mut ear = Ear {
        audit: audit.clone(),
        name,
        rooms: rooms.collect(),
    };
    loop {
        let auth = json!({"token": token, "resume": ear.resume()});
        let mut client = connect(&nodes, &audit, &mut dice, &auth).await;
        // Some hear little before the network lets them down.
        let patience = 5 + dice.below(400);
        for _ in 0..patience {
            let heard = tokio::time::timeout(Duration::from_millis(200), client.next()).await;
            match heard {
                Ok(Some(heard)) => ear.hear(&heard.event, &heard.data),
                Ok(None) => {
                    audit.broken.fetch_add(1, SeqCst);
                    break;
                }
                Err(_) => {}
            }
            if audit.silent.load(SeqCst) && ear.is_complete(&heads.lock().unwrap()) {
                // Nothing may follow.
                tokio::time::sleep(Duration::from_millis(50)).await;
                for heard in client.waiting() {
                    ear.hear(&heard.event, &heard.data);
                }
                return ear;
            }
        }
        drop(client);
        tokio::time::sleep(Duration::from_millis(dice.below(150) as u64)).await;
    }
}

type Heads = Arc<Mutex<Vec<i64>>>;

/// Says its messages, each until it is acknowledged, always under the same name.
async fn speak(
    nodes: Arc<Vec<Node>>,
    audit: Arc<Audit>,
    name: usize,
    token: String,
    messages: usize,
    pace: Duration,
) {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03 ^ (name as u64 + 1));
    let auth = json!({"token": token});
    let mut client = connect(&nodes, &audit, &mut dice, &auth).await;
    for message in 0..messages {
        let number = dice.below(ROOMS);
        let words = json!({
            "room": stream(number), "body": format!("message {message} of {name}"),
            "client_id": format!("{name}-{message}"),
        });
        let give_up = Instant::now() + Duration::from_mins(1);
        let answer = loop {
            assert!(Instant::now() < give_up, "{words} is never acknowledged");
            // A repeated message must not become two; so some answers are thrown away.
            let lost = dice.below(20) == 0;
            match client.try_call("message:send", &words).await {
                Some(answer) if answer["ok"] == true && !lost => break answer,
                Some(answer) if answer["ok"] == true => {}
                Some(answer) if answer["code"] == "unavailable" => {}
                Some(answer) => panic!("{words}: {answer}"),
                None => client = connect(&nodes, &audit, &mut dice, &auth).await,
            }
        };
        let (seq, id) = (
            answer["seq"].as_i64().expect("a number"),
            answer["id"].as_str().expect("an id"),
        );
        let before = audit
            .acknowledged
            .lock()
            .unwrap()
            .insert((number, seq), id.to_owned());
        if before.is_some_and(|before| before != id) {
            audit.fault(format!("two messages are number {seq} of room {number}"));
        }
        tokio::time::sleep(pace).await;
    }
}

async fn audit(plan: Plan) {
    let mut redis = plan
        .redis
        .then(|| redistemp::Server::start().expect("Redis starts"));
    let mut environment: Vec<(&str, String)> = UNHINDERED
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    // One address for all nodes: who signs tokens.
    environment.push(("MUNDO_SERVER_PUBLIC_URL", "http://127.0.0.1:5000".to_owned()));
    if let Some(redis) = &redis {
        environment.push(("REDIS_URL", redis.url()));
    }
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut servers = vec![Server::new(plan.database_url.clone(), &environment)];
    for _ in 1..plan.nodes {
        let data = servers[0].data();
        servers.push(Server::new(plan.database_url.clone(), &environment).with_data_of(&data));
    }
    for server in &mut servers {
        server.start().await;
    }
    let members = join_all((0..MEMBERS).map(|n| {
        let server = &servers[0];
        async move { server.member(&format!("auditor{n}")).await }
    }))
    .await;
    make_rooms(&servers[0]).await;
    let nodes: Arc<Vec<Node>> = Arc::new(
        servers
            .iter()
            .map(|server| Node {
                url: server.url.clone(),
                up: AtomicBool::new(true),
                life: AtomicU32::new(0),
            })
            .collect(),
    );

    let (report, heads, began) = (Arc::new(Audit::default()), Heads::default(), Instant::now());
    *heads.lock().unwrap() = vec![i64::MAX; ROOMS];
    let listening: Vec<_> = (0..CLIENTS)
        .map(|name| {
            let token = members[name % MEMBERS].token.clone();
            let work = listen(nodes.clone(), report.clone(), name, token, heads.clone());
            spawn(work)
        })
        .collect();
    let messages = plan.deliveries * ROOMS / (CLIENTS * LISTENS) / SPEAKERS;
    // Slow enough that every kill finds somebody talking.
    let pace = Duration::from_secs(3) * (plan.kills as u32 + 1) / messages as u32;
    let speaking: Vec<_> = (0..SPEAKERS)
        .map(|name| {
            let token = members[name].token.clone();
            let work = speak(nodes.clone(), report.clone(), name, token, messages, pace);
            spawn(work)
        })
        .collect();

    let mut starts = vec![];
    for kill in 0..plan.kills {
        let enough = (kill + 1) * SPEAKERS * messages / (plan.kills + 1);
        while report.acknowledged.lock().unwrap().len() < enough {
            assert!(
                began.elapsed() < Duration::from_mins(25),
                "the talk does not go on"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let Some(redis) = &mut redis
            && kill % 2 == 1
        {
            redis.stop();
        }
        let victim = kill % servers.len();
        nodes[victim].up.store(false, SeqCst);
        nodes[victim].life.fetch_add(1, SeqCst);
        servers[victim].kill();
        starts.push(servers[victim].start().await);
        nodes[victim].up.store(true, SeqCst);
        if let Some(redis) = &mut redis
            && kill % 2 == 1
        {
            redis.resume().expect("Redis starts again");
        }
    }
    for speaker in join_all(speaking).await {
        speaker.expect("a speaker does not fail");
    }
    // The truth, past the servers.
    let database = servers[0].database().await;
    let sql = "SELECT id, seq FROM stream_head WHERE community_id = @community AND kind = 'chat'";
    let found = database
        .all(sql, vec![], |row| Ok((row.get::<Uuid>(0)?, row.get::<i64>(1)?)))
        .await
        .expect("the heads are read");
    let found: HashMap<_, _> = found.into_iter().collect();
    *heads.lock().unwrap() = (0..ROOMS)
        .map(|number| found.get(&room(number)).copied().unwrap_or(0))
        .collect();
    report.silent.store(true, SeqCst);
    let ears = tokio::time::timeout(Duration::from_mins(2), join_all(listening)).await;
    let ears = ears.expect("everybody hears everything");

    let acknowledged = report.acknowledged.lock().unwrap().clone();
    let last: i64 = heads.lock().unwrap().iter().sum();
    let mut wrong = std::mem::take(&mut *report.faults.lock().unwrap());
    if last != acknowledged.len() as i64 || acknowledged.len() != SPEAKERS * messages {
        wrong.push(format!(
            "{last} messages stand in the rooms, {} were acknowledged",
            acknowledged.len()
        ));
    }
    for ear in ears {
        let ear = ear.expect("a listener does not fail");
        for (number, heard) in ear.rooms.values() {
            for (place, id) in heard.iter().enumerate() {
                if acknowledged.get(&(*number, place as i64 + 1)) != Some(id) {
                    wrong.push(format!(
                        "client {} heard another message {} in room {number}",
                        ear.name,
                        place + 1
                    ));
                }
            }
        }
    }
    let (connects, failed) = (report.connects.load(SeqCst), report.failed.load(SeqCst));
    println!(
        "{} on {} node(s){}: {} deliveries of {} messages in {:.1?}; {} kills, restarts {:.0?}; {} connects, {} failed \
         while their node lived; {} connections broken by kills; wrong: {}",
        database.engine_name(),
        plan.nodes,
        if plan.redis { " with Redis" } else { "" },
        report.delivered.load(SeqCst),
        acknowledged.len(),
        began.elapsed(),
        plan.kills,
        starts,
        connects,
        failed,
        report.broken.load(SeqCst),
        wrong.len(),
    );
    database.close().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        report.delivered.load(SeqCst) >= plan.deliveries,
        "too little was said"
    );
    assert!(
        report.broken.load(SeqCst) > 0,
        "no kill broke a connection: the audit proves nothing"
    );
    assert!(failed * 100 < connects, "{failed} of {connects} connects failed");
    for mut server in servers {
        let (status, _) = server.terminate().await;
        assert!(status.success(), "{status}: {}", server.log());
        assert!(!server.log().contains("panicked"), "{}", server.log());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "clients run beside each other as their phones do; a test ends them all"
)]
fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(work)
}

async fn all(deliveries: usize, kills: usize) {
    audit(Plan {
        database_url: None,
        nodes: 1,
        redis: false,
        deliveries,
        kills,
    })
    .await;
    audit(Plan {
        database_url: Some(testkit::postgres_url().await),
        nodes: 1,
        redis: false,
        deliveries,
        kills,
    })
    .await;
    audit(Plan {
        database_url: Some(testkit::postgres_url().await),
        nodes: 2,
        redis: true,
        deliveries,
        kills,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_misses_anything_while_servers_die() {
    all(50_000, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn nobody_misses_anything_in_a_million_deliveries() {
    all(1_000_000, 20).await;
}
