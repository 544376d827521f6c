//! Every setting of the server, in one table.
//!
//! A value comes from, each stronger than the one before: the default, the
//! file (`mundo.toml`), the environment (`MUNDO_SERVER_PORT` for
//! `server.port`, and a few names that tools rely on), a flag. What cannot be
//! read stops the start and is told with its place.

use crate::{cluster::is_redis_url, network::Networks};
use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, str::FromStr};

/// One setting as it stands: for `mundo config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub key: &'static str,
    pub value: String,
    pub source: String,
    pub about: &'static str,
}

/// What is wrong with the configuration, in words for the person at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Where values may come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file's path and text.
    pub file: Option<(PathBuf, String)>,
    pub environment: BTreeMap<String, String>,
    /// Settings given as flags.
    pub flags: BTreeMap<&'static str, String>,
}

/// A text that must not be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { "********" })
    }
}

trait Setting: Sized {
    fn parse(text: &str) -> Result<Self, String>;
    fn show(&self) -> String;
}

macro_rules! plain_settings {
    ($($type:ty: $wanted:literal),*) => {$(
        impl Setting for $type {
            fn parse(text: &str) -> Result<Self, String> {
                <$type>::from_str(text).map_err(|_| format!("{text:?} is not {}", $wanted))
            }
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

plain_settings!(f64: "a number", u16: "a number from 0 to 65535", u32: "a whole number", u64: "a whole number", usize: "a whole number", String: "text", IpAddr: "an IP address");

impl Setting for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err(format!("{text:?} is neither on nor off")),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Networks {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for Secret {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Secret(text.to_owned()))
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

macro_rules! settings {
    ($($section:ident: $struct:ident { $($(#[doc = $about:literal])* $key:ident: $type:ty = $default:expr $(, also $also:literal)?;)* })*) => {
        $(
            #[derive(Clone, Debug)]
            pub struct $struct { $($(#[doc = $about])* pub $key: $type),* }
        )*

        /// All settings.
        #[derive(Clone, Debug)]
        pub struct Config {
            $(pub $section: $struct,)*
            origins: Vec<Origin>,
        }

        /// The keys, each with the further name its environment variable has.
        const KEYS: &[(&str, Option<&str>)] = &[
            $($((concat!(stringify!($section), ".", stringify!($key)), settings!(@also $($also)?)),)*)*
        ];

        impl Config {
            fn gather(mut take: impl FnMut(&'static str) -> Result<Option<(String, String)>, ConfigError>) -> Result<Config, ConfigError> {
                let mut origins = vec![];
                Ok(Config {
                    $($section: $struct {
                        $($key: {
                            let key = concat!(stringify!($section), ".", stringify!($key));
                            let (value, source) = match take(key)? {
                                Some((text, source)) => (
                                    <$type as Setting>::parse(&text).map_err(|why| ConfigError(format!("{source}: {key}: {why}")))?,
                                    source,
                                ),
                                None => ($default, "default".to_owned()),
                            };
                            let about = concat!($($about),*).trim();
                            origins.push(Origin { key, value: value.show(), source, about });
                            value
                        }),*
                    },)*
                    origins,
                })
            }
        }
    };
    (@also $also:literal) => { Some($also) };
    (@also) => { None };
}

settings! {
    server: Server {
        /// Address to listen on.
        host: IpAddr = IpAddr::from([127, 0, 0, 1]), also "HOST";
        /// Port to listen on.
        port: u16 = 5000, also "PORT";
        /// Address under which people reach the server; required when it listens beyond this machine.
        public_url: String = String::new();
        /// Addresses and networks (10.0.0.0/8) of reverse proxies, separated by commas: who they say is calling is believed.
        trusted_proxies: Networks = Networks::default();
        /// The header in which they say it: `x-forwarded-for` or `forwarded`. They must write it themselves on each request.
        forwarded_header: String = "x-forwarded-for".to_owned();
        /// A request that takes longer is given up, in milliseconds.
        request_timeout_ms: u64 = 30_000;
        /// Bytes a request's body may have.
        body_limit_bytes: usize = 262_144;
        /// How long running requests may go on after a stop is asked for, in milliseconds.
        shutdown_grace_ms: u64 = 10_000;
    }
    data: Data {
        /// Folder of the database, the keys and the media.
        dir: PathBuf = PathBuf::from("data"), also "MUNDO_DATA";
    }
    database: Database {
        /// postgres://…; empty: SQLite in the data folder.
        url: Secret = Secret::default(), also "DATABASE_URL";
        /// SQLite: reading threads. PostgreSQL: connections that reads share.
        readers: usize = 4;
        /// PostgreSQL: connections that write.
        writers: usize = 8;
        /// A statement that takes longer is cut off, in milliseconds.
        statement_timeout_ms: u64 = 5_000;
        /// How long to wait for a connection, in milliseconds.
        connect_timeout_ms: u64 = 3_000;
    }
    accounts: Accounts {
        /// Life of an access token, in seconds.
        access_ttl_s: u64 = 600;
        /// Days without a call after which a session ends.
        idle_days: u64 = 7;
        /// Days after which a session ends in any case.
        absolute_days: u64 = 30;
        /// Hours without a call after which a session ends that was not to be remembered.
        brief_idle_hours: u64 = 2;
        /// Hours after which such a session ends in any case.
        brief_absolute_hours: u64 = 24;
        /// Minutes without a call of their own after which a session of staff ends.
        staff_idle_minutes: u64 = 30;
        /// Hours after which a session of staff ends in any case.
        staff_absolute_hours: u64 = 12;
        /// Sessions a member may have; one more lets the one leave that was idle longest.
        max_sessions: u64 = 30;
        /// Days in which a member who asked for the end of the account can take it back.
        deletion_grace_days: u64 = 14;
        /// Argon2id: memory in KiB.
        argon2_memory_kib: u32 = 19_456;
        /// Argon2id: passes.
        argon2_passes: u32 = 2;
        /// Passwords hashed at the same time.
        hashing_threads: usize = 1;
        /// Log-ins that may wait for that; more are told to come back.
        hashing_queue: usize = 100;
        /// New accounts wait until staff approve them.
        approval: bool = false;
        /// No grace for repeated refresh tokens.
        strict: bool = false;
    }
    limits: Limits {
        /// Rate limits; `off` is for benchmarks alone.
        enabled: bool = true, also "MUNDO_LIMITS";
        /// Requests a minute and member.
        member_per_minute: u32 = 1200;
        /// Requests a minute and address on /auth; refreshes that succeed do not count.
        auth_per_minute: u32 = 100;
        /// Wrong log-ins in five minutes for each address and account.
        login_per_5_minutes: u32 = 5;
        /// Wrong log-ins in 15 minutes for each account, wherever from; who goes on waits longer each time.
        login_account_per_15_minutes: u32 = 10;
        /// Wrong log-ins in five minutes for each device that an account knows; the two above do not count there.
        login_device_per_5_minutes: u32 = 10;
        /// Wrong passwords in five minutes and session, by members who prove again who they are.
        proof_per_5_minutes: u32 = 5;
        /// Registrations an hour and address.
        register_per_hour: u32 = 30;
        /// Moves of an account to another address, an hour and member.
        email_changes_per_hour: u32 = 5;
        /// Exports of all that belongs to a member, an hour and member.
        exports_per_hour: u32 = 5;
        /// Refreshes a minute and session.
        refresh_per_minute: u32 = 30;
        /// Lost answers given again, a minute and session.
        refresh_repeats_per_minute: u32 = 60;
        /// Sockets opened a minute and session.
        socket_connects_per_minute: u32 = 30;
        /// Messages a second and socket.
        socket_events_per_second: u32 = 50;
        /// Sockets refused a minute and address, before the reason is no longer told.
        socket_failures_per_minute: u32 = 60;
        /// Passwords whose strength is asked for, a minute and address.
        password_checks_per_minute: u32 = 60;
        /// Forgotten passwords an hour and account.
        forgot_per_hour: u32 = 3;
        /// Forgotten passwords an hour and address.
        forgot_address_per_hour: u32 = 20;
        /// Tries for each code that was sent.
        code_attempts: u32 = 5;
        /// Browser errors a minute and address.
        client_errors_per_minute: u32 = 30;
        /// Places a member may recommend, a day.
        places_per_day: u32 = 30;
        /// Groups that a member may make a day.
        groups_per_day: u32 = 20;
        /// Reports an hour and member.
        reports_per_hour: u32 = 5;
        /// Friend requests an hour and member.
        friend_requests_per_hour: u32 = 20;
        /// How long a request waits for Redis before its node decides alone, in milliseconds.
        redis_timeout_ms: u64 = 50;
        /// What each node allows while Redis is away, in percent of a limit.
        away_percent: u32 = 25;
    }
    ranking: Ranking {
        /// The ranked feed: weight of how new a post is. The four weights should add up to 1.
        feed_recency: f64 = 0.25;
        /// Weight of how many react, comment and share.
        feed_engagement: f64 = 0.30;
        /// Weight of who wrote it.
        feed_relationship: f64 = 0.25;
        /// Weight of what it has to do with the reader.
        feed_relevance: f64 = 0.20;
        /// Hours in which newness falls to a third (e).
        feed_fade_hours: f64 = 24.0;
        /// Likes + 2 comments + 3 shares that count as full engagement.
        feed_full_engagement: f64 = 100.0;
        /// Friend suggestions: weight of mutual friends. The four weights should add up to 1.
        suggest_mutual: f64 = 0.40;
        /// Weight of shared tango roles and languages.
        suggest_interests: f64 = 0.30;
        /// Weight of the same city or country.
        suggest_proximity: f64 = 0.20;
        /// Weight of having posted lately.
        suggest_activity: f64 = 0.10;
        /// Mutual friends that count as many.
        suggest_full_mutual: f64 = 10.0;
        /// Closeness of two friends who did nothing together yet, of 100.
        closeness_base: f64 = 30.0;
        /// For each event that both went to, and at most.
        closeness_event: f64 = 5.0;
        /// At most for events.
        closeness_events_most: f64 = 25.0;
        /// For each message between them.
        closeness_message: f64 = 2.0;
        /// At most for messages.
        closeness_messages_most: f64 = 20.0;
        /// For each dance that they told of.
        closeness_dance: f64 = 10.0;
        /// At most for dances.
        closeness_dances_most: f64 = 30.0;
        /// For each reaction to the other.
        closeness_reaction: f64 = 1.0;
        /// At most for reactions.
        closeness_reactions_most: f64 = 10.0;
        /// For each comment to the other.
        closeness_comment: f64 = 3.0;
        /// At most for comments.
        closeness_comments_most: f64 = 15.0;
        /// What more than 30 days without any of it take.
        closeness_silence_30_days: f64 = 5.0;
        /// What more than 90 days take.
        closeness_silence_90_days: f64 = 15.0;
    }
    moderation: Moderation {
        /// Score (ALGO-5) above which a text that nobody reported is shown to a human.
        review: f64 = 0.5;
        /// The same for how much it looks like spam.
        spam: f64 = 0.7;
        /// Weight of bad language. The five weights should add up to 1.
        profanity: f64 = 0.30;
        /// Weight of hate.
        hate: f64 = 0.40;
        /// Weight of spam.
        spam_part: f64 = 0.15;
        /// Weight of explicit content.
        explicit: f64 = 0.10;
        /// Weight of what is not true.
        misinformation: f64 = 0.05;
        /// Within spam: weight of links. The five weights should add up to 1.
        spam_links: f64 = 0.30;
        /// Of saying the same again.
        spam_repetition: f64 = 0.25;
        /// Of banned words.
        spam_words: f64 = 0.20;
        /// Of capitals.
        spam_capitals: f64 = 0.15;
        /// Of many posts in an hour.
        spam_haste: f64 = 0.10;
        /// What each report adds; one of a trusted member counts twice.
        report: f64 = 0.05;
        /// At most for reports.
        reports_most: f64 = 0.30;
        /// What a new account adds, where there is something else.
        new_account: f64 = 0.10;
        /// Words that stand for bad language, with spaces between; accents and capitals do not matter.
        profanity_words: String = String::new();
        /// Words that stand for hate.
        hate_words: String = String::new();
        /// Words that are banned as spam.
        banned_words: String = "viagra casino forex bitcoin jackpot payday".to_owned();
        /// Words that stand for explicit content.
        explicit_words: String = String::new();
        /// Hours in which somebody should have looked at a case of score 0; one of score 1 is due at once.
        patience_hours: u32 = 72;
        /// Minutes for which a moderator who takes a case has it alone.
        claim_minutes: u32 = 15;
        /// Days within which a member can appeal.
        appeal_days: u32 = 30;
        /// Days after which a member's reports are trusted, when staff did not dismiss more of them than they confirmed.
        trusted_days: u32 = 30;
    }
    newcomers: Newcomers {
        /// Days for which an account is new; 0: none is.
        days: u32 = 3;
        /// Posts and shares of a new account a day.
        posts_per_day: u32 = 30;
        /// Comments a day.
        comments_per_day: u32 = 200;
        /// Messages a day.
        messages_per_day: u32 = 1000;
        /// Friend requests and follows a day.
        requests_per_day: u32 = 50;
        /// Members whom a new account may write to for the first time, a day.
        first_messages_per_day: u32 = 10;
        /// Whom it may write to first: `anybody`, or `acquaintances`: who follows it or is a friend.
        writes_first_to: String = "anybody".to_owned();
    }
    log: Log {
        /// What is logged, as tracing filters are written.
        filter: String = "info".to_owned(), also "RUST_LOG";
        /// `pretty` or `json`.
        format: String = "pretty".to_owned();
    }
    sentry: Sentry {
        /// Where errors are also sent; empty: nowhere.
        dsn: Secret = Secret::default(), also "SENTRY_DSN";
    }
    telemetry: Telemetry {
        /// OpenTelemetry collector (OTLP over HTTP), for instance <http://127.0.0.1:4318>; empty: none.
        otlp_endpoint: String = String::new();
    }
    mail: Mail {
        /// smtp://… or smtps://…; empty: mails are kept for /dev/mail.
        smtp_url: Secret = Secret::default();
        /// Sender of mails.
        from: String = "Mundo Tango <no-reply@localhost>".to_owned();
    }
    notifications: Notifications {
        /// Percent of each part of a priority (ALGO-6): what it is.
        kind_percent: u32 = 40;
        /// Who caused it.
        relationship_percent: u32 = 30;
        /// How long ago.
        recency_percent: u32 = 20;
        /// How much they had to do with the member lately.
        engagement_percent: u32 = 10;
    }
    search: Search {
        /// Points of what is found (ALGO-4): the title is the query.
        exact: u32 = 100;
        /// The title begins with it.
        prefix: u32 = 80;
        /// Each of its words is there.
        whole_word: u32 = 60;
        /// It stands somewhere.
        contains: u32 = 40;
        /// Some of its words do, or words close to them.
        partial: u32 = 20;
        /// Members who must look for a term on one day before it is counted as trending; two at least.
        trending_members: u32 = 5;
    }
    media: Media {
        /// Where the bytes lie: `folder`, which is `media` in the data folder, or `s3`.
        store: String = "folder".to_owned();
        /// S3: the address of the service, for instance <https://s3.eu-central-1.amazonaws.com>; empty: Amazon's own.
        s3_endpoint: String = String::new();
        /// S3: the bucket.
        s3_bucket: String = String::new();
        /// S3: put before the name of each object; empty: nothing.
        s3_prefix: String = String::new();
        /// S3: the region.
        s3_region: String = "us-east-1".to_owned();
        /// S3: the id of the access key.
        s3_access_key: Secret = Secret::default();
        /// S3: the secret of the access key.
        s3_secret_key: Secret = Secret::default();
        /// Bytes an upload may have.
        upload_max_bytes: u64 = 268_435_456;
        /// Bytes a picture may have before it is made smaller.
        image_max_bytes: u64 = 33_554_432;
        /// Pixels a picture may have, width times height.
        image_max_pixels: u64 = 50_000_000;
        /// Seconds that the work on one picture may take.
        image_timeout_s: u64 = 30;
        /// Pictures worked on at the same time.
        image_threads: usize = 1;
        /// Bytes all media of a member may have.
        quota_bytes: u64 = 2_147_483_648;
        /// Uploads a member may have under way.
        open_uploads: u32 = 20;
        /// How long an address of private media is good for, in seconds; at most twice as long.
        url_ttl_s: u64 = 3_600;
    }
    push: Push {
        /// Push services that members' browsers may name: hosts, `*.` and a domain, or origins of services of your own.
        services: String = "fcm.googleapis.com, *.push.services.mozilla.com, *.push.apple.com, *.notify.windows.com".to_owned();
    }
    webhooks: Webhooks {
        /// Private networks (127.0.0.0/8) that webhooks may call all the same, and over http; separated by commas.
        allowed_networks: Networks = Networks::default();
    }
    guard: Guard {
        /// Protected files before a start: `restore`, `verify`, `off`, or `auto`: restore where guard.toml is.
        mode: String = "auto".to_owned();
        /// Folder of guard.toml.
        root: PathBuf = PathBuf::from(".");
    }
    realtime: Realtime {
        /// Rooms that a socket may be in at the same time.
        rooms_per_socket: usize = 200;
    }
    cluster: Cluster {
        /// redis://… or rediss://…; needed as soon as several nodes share a database.
        redis_url: Secret = Secret::default(), also "REDIS_URL";
    }
}

/// Variables that a command or a script reads by itself.
const OF_OTHERS: [&str; 2] = ["MUNDO_BACKUP_PASSPHRASE", "MUNDO_CACHE"];

impl Config {
    /// Puts the sources together. The second value holds warnings.
    pub fn load(sources: &Sources) -> Result<(Config, Vec<String>), ConfigError> {
        let file = match &sources.file {
            Some((path, text)) => read_file(&path.display().to_string(), text)?,
            None => BTreeMap::new(),
        };
        let config = Config::gather(|key| {
            if let Some(value) = sources.flags.get(key) {
                return Ok(Some((value.clone(), "flag".to_owned())));
            }
            for name in variables(key) {
                // Kubernetes puts `tcp://…` into variables called after its services.
                if let Some(value) = sources.environment.get(&name)
                    && !value.starts_with("tcp://")
                {
                    return Ok(Some((value.clone(), format!("environment {name}"))));
                }
            }
            Ok(file.get(key).cloned())
        })?;
        config.check()?;
        let known: Vec<String> = KEYS.iter().flat_map(|(key, _)| variables(key)).collect();
        let warnings = sources
            .environment
            .iter()
            .filter(|(name, _)| {
                name.starts_with("MUNDO_")
                    && !name.starts_with("MUNDO_TEST_")
                    && !OF_OTHERS.contains(&name.as_str())
            })
            .filter(|(name, value)| !known.contains(name) || value.starts_with("tcp://"))
            .map(|(name, _)| format!("the environment variable {name} is not a setting and is ignored"))
            .collect();
        Ok((config, warnings))
    }

    /// Every setting with its value (secrets masked) and where it came from.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The address people use, without a slash at its end.
    pub fn public_url(&self) -> String {
        match self.server.public_url.trim_end_matches('/') {
            "" => format!("http://localhost:{}", self.server.port),
            url => url.to_owned(),
        }
    }

    pub fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, why: &str| {
            let source = self
                .origins
                .iter()
                .find(|o| o.key == key)
                .map_or("", |o| &o.source);
            Err(ConfigError(format!("{source}: {key}: {why}")))
        };
        let url = &self.server.public_url;
        let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        if !url.is_empty()
            && !url.starts_with("https://")
            && !local.iter().any(|start| url.starts_with(start))
        {
            return wrong(
                "server.public_url",
                "must begin with https:// (http is for localhost alone)",
            );
        }
        if !["anybody", "acquaintances"].contains(&self.newcomers.writes_first_to.as_str()) {
            return wrong("newcomers.writes_first_to", "is `anybody` or `acquaintances`");
        }
        if url.is_empty() && !self.server.host.is_loopback() {
            return wrong(
                "server.host",
                "listening beyond this machine needs server.public_url",
            );
        }
        if !["pretty", "json"].contains(&self.log.format.as_str()) {
            return wrong("log.format", "is neither pretty nor json");
        }
        if !["folder", "s3"].contains(&self.media.store.as_str()) {
            return wrong("media.store", "is neither folder nor s3");
        }
        if self.media.store == "s3" && self.media.s3_bucket.is_empty() {
            return wrong("media.s3_bucket", "is needed when media.store is s3");
        }
        if self.media.url_ttl_s == 0 {
            return wrong("media.url_ttl_s", "must be at least 1");
        }
        if !["auto", "off", "verify", "restore"].contains(&self.guard.mode.as_str()) {
            return wrong("guard.mode", "is none of auto, off, verify and restore");
        }
        if !["x-forwarded-for", "forwarded"].contains(&self.server.forwarded_header.as_str()) {
            return wrong(
                "server.forwarded_header",
                "is neither x-forwarded-for nor forwarded",
            );
        }
        if let Some(none) = self
            .origins
            .iter()
            .find(|origin| origin.key.starts_with("limits.") && origin.value == "0")
        {
            return wrong(
                none.key,
                "must be at least 1; limits.enabled switches all limits off",
            );
        }
        let weight = |origin: &&Origin| {
            let value = origin.value.parse::<f64>().unwrap_or(f64::NAN);
            origin.key.starts_with("ranking.") && !(value.is_finite() && value >= 0.0)
        };
        if let Some(bad) = self.origins.iter().find(weight) {
            return wrong(bad.key, "must be a number of at least 0");
        }
        if self.ranking.feed_fade_hours <= 0.0
            || self.ranking.feed_full_engagement <= 0.0
            || self.ranking.suggest_full_mutual <= 0.0
        {
            return wrong(
                "ranking.feed_fade_hours",
                "and ranking.feed_full_engagement and ranking.suggest_full_mutual must be more than 0",
            );
        }
        if self.limits.away_percent > 100 {
            return wrong("limits.away_percent", "must be at most 100");
        }
        let redis = &self.cluster.redis_url.0;
        if !redis.is_empty() && !is_redis_url(redis) {
            return wrong(
                "cluster.redis_url",
                "must be an address such as redis://127.0.0.1:6379/0 (rediss:// for TLS)",
            );
        }
        let database = &self.database.url.0;
        if !database.is_empty()
            && !database.starts_with("postgres://")
            && !database.starts_with("postgresql://")
        {
            return wrong("database.url", "must begin with postgres://");
        }
        for (key, url) in [
            ("database.url", database),
            ("cluster.redis_url", redis),
            ("mail.smtp_url", &self.mail.smtp_url.0),
        ] {
            if has_example_password(url) && !is_of_this_machine(url) {
                return wrong(
                    key,
                    "has a password that everybody tries first; give the service one of its own",
                );
            }
        }
        if self.accounts.argon2_memory_kib < 8 || self.accounts.argon2_passes < 1 {
            return wrong("accounts.argon2_memory_kib", "needs at least 8 KiB and one pass");
        }
        Ok(())
    }
}

/// Passwords that services come with, and that examples are written with.
const EXAMPLES: [&str; 16] = [
    "admin",
    "changeme",
    "change-me",
    "default",
    "example",
    "guest",
    "mundo",
    "pass",
    "passwd",
    "password",
    "postgres",
    "redis",
    "root",
    "secret",
    "test",
    "123456",
];

/// User and password, and the host, of `scheme://user:password@host:port/…`.
fn authority(url: &str) -> Option<(&str, &str)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    Some(authority.rsplit_once('@').unwrap_or(("", authority)))
}

fn has_example_password(url: &str) -> bool {
    authority(url)
        .and_then(|(login, _)| login.split_once(':'))
        .is_some_and(|(user, password)| {
            let password = password.to_lowercase();
            !password.is_empty() && (password == user.to_lowercase() || EXAMPLES.contains(&&*password))
        })
}

/// What only programs of this machine reach may stay as it came.
fn is_of_this_machine(url: &str) -> bool {
    authority(url).is_some_and(|(_, host)| {
        let is_local = |name: &str| {
            host.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        host.is_empty() || ["localhost", "127.0.0.1", "[::1]"].into_iter().any(is_local)
    })
}

/// `server.port` is `MUNDO_SERVER_PORT`, and PORT because tools set that.
fn variables(key: &str) -> impl Iterator<Item = String> {
    let also = KEYS
        .iter()
        .find(|(name, _)| *name == key)
        .and_then(|(_, also)| *also);
    let own = format!("MUNDO_{}", key.replace('.', "_").to_uppercase());
    [Some(own), also.map(str::to_owned)].into_iter().flatten()
}

/// The file's settings with the line each stands on.
fn read_file(name: &str, text: &str) -> Result<BTreeMap<String, (String, String)>, ConfigError> {
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let table = toml::de::DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        ConfigError(format!("{name}, line {line}: {}", error.message()))
    })?;
    let mut values = BTreeMap::new();
    for (section, content) in table.get_ref() {
        let place = |at: usize| format!("{name}, line {}", line_of(at));
        let Some(entries) = content.get_ref().as_table() else {
            let at = place(section.span().start);
            return Err(ConfigError(format!(
                "{at}: {} is not a section",
                section.get_ref()
            )));
        };
        for (key, value) in entries {
            let at = place(key.span().start);
            let full = format!("{}.{}", section.get_ref(), key.get_ref());
            if !KEYS.iter().any(|(known, _)| *known == full) {
                return Err(ConfigError(format!(
                    "{at}: {full} is not a setting{}",
                    nearest(&full)
                )));
            }
            let text = match value.get_ref() {
                toml::de::DeValue::String(text) => text.to_string(),
                toml::de::DeValue::Integer(number) => number.as_str().to_owned(),
                toml::de::DeValue::Boolean(on) => on.to_string(),
                _ => {
                    return Err(ConfigError(format!(
                        "{at}: {full} must be a text, a number or true or false"
                    )));
                }
            };
            values.insert(full, (text, at));
        }
    }
    Ok(values)
}

/// `; did you mean server.port?` when a key is close to that.
fn nearest(key: &str) -> String {
    let likeness = |known: &str| {
        let same = known.chars().filter(|c| key.contains(*c)).count();
        same * 100 / known.len().max(key.len())
    };
    KEYS.iter()
        .map(|(known, _)| (likeness(known), known))
        .filter(|(score, _)| *score > 75)
        .max()
        .map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Sources {
        Sources {
            file: Some(("mundo.toml".into(), file.to_owned())),
            environment: environment
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            flags: flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        }
    }

    fn refusal(file: &str, environment: &[(&str, &str)]) -> String {
        Config::load(&sources(file, environment, &[])).unwrap_err().0
    }

    #[test]
    fn a_flag_beats_the_environment_and_that_beats_the_file() {
        let file = "[server]\nport = 1\nrequest_timeout_ms = 7\n";
        let (config, _) = Config::load(&sources(file, &[("PORT", "2")], &[("server.port", "3")])).unwrap();
        assert_eq!((config.server.port, config.server.request_timeout_ms), (3, 7));
        let (config, _) = Config::load(&sources(file, &[("PORT", "2")], &[])).unwrap();
        let port = config
            .origins()
            .iter()
            .find(|origin| origin.key == "server.port")
            .unwrap();
        assert_eq!((&*port.value, &*port.source), ("2", "environment PORT"));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        assert_eq!(
            refusal("[server]\n\nprot = 1\n", &[]),
            "mundo.toml, line 3: server.prot is not a setting; did you mean server.port?"
        );
        assert_eq!(
            refusal("[server]\nport = \"many\"\n", &[]),
            "mundo.toml, line 2: server.port: \"many\" is not a number from 0 to 65535"
        );
        assert!(refusal("[server\n", &[]).starts_with("mundo.toml, line 1: "));
        assert_eq!(
            refusal("", &[("MUNDO_LOG_FORMAT", "xml")]),
            "environment MUNDO_LOG_FORMAT: log.format: is neither pretty nor json"
        );
        assert_eq!(
            refusal("[limits]\nauth_per_minute = 0\n", &[]),
            "mundo.toml, line 2: limits.auth_per_minute: must be at least 1; limits.enabled switches all limits off"
        );
        assert!(refusal("", &[("REDIS_URL", "http://127.0.0.1")]).contains("redis://127.0.0.1:6379/0"));
        assert!(refusal("", &[("REDIS_URL", "redis://127.0.0.1:many")]).contains("redis://127.0.0.1:6379/0"));
        assert!(refusal("", &[("MUNDO_SERVER_TRUSTED_PROXIES", "10.0.0.1/8")]).contains("10.0.0.0/8"));
        assert!(refusal("", &[("HOST", "0.0.0.0")]).contains("needs server.public_url"));
        assert!(refusal("", &[("MUNDO_SERVER_PUBLIC_URL", "http://tango.example")]).contains("https://"));
    }

    #[test]
    fn secrets_are_masked_and_strangers_warned_of() {
        let environment = [
            ("DATABASE_URL", "postgres://u:hidden-from-all@h/d"),
            ("MUNDO_PORT", "tcp://10.0.0.1:80"),
            ("MUNDO_BACKUP_PASSPHRASE", "a milonga at midnight"),
        ];
        let (config, warnings) = Config::load(&sources("", &environment, &[])).unwrap();
        assert_eq!(config.database.url.0, "postgres://u:hidden-from-all@h/d");
        assert!(!format!("{config:?}").contains("hidden-from-all"));
        assert_eq!(
            warnings,
            ["the environment variable MUNDO_PORT is not a setting and is ignored"]
        );
    }

    #[test]
    fn no_service_is_asked_with_the_password_it_came_with() {
        let load = |key: &str, url: &str| Config::load(&sources("", &[(key, url)], &[]));
        let (config, _) = Config::load(&sources("", &[], &[])).unwrap();
        for secret in [
            &config.database.url,
            &config.cluster.redis_url,
            &config.mail.smtp_url,
        ] {
            assert_eq!(secret.0, "", "nothing is set by itself");
        }
        for (key, url) in [
            (
                "DATABASE_URL",
                "postgres://postgres:postgres@db.internal:5432/mundo",
            ),
            ("DATABASE_URL", "postgres://mundo:MUNDO@10.0.0.7/mundo"),
            (
                "DATABASE_URL",
                "postgres://tango:changeme@localhost.evil.example/mundo",
            ),
            ("REDIS_URL", "redis://default:password@cache:6379/0"),
            ("MUNDO_MAIL_SMTP_URL", "smtps://root:root@mail.example"),
        ] {
            let refused = load(key, url).unwrap_err().to_string();
            assert!(refused.contains("everybody tries first"), "{url}: {refused}");
            assert!(
                !refused.contains("changeme") && !refused.contains("root"),
                "{refused}"
            );
        }
        for (key, url) in [
            (
                "DATABASE_URL",
                "postgres://postgres:postgres@localhost:5432/mundo",
            ),
            ("DATABASE_URL", "postgres://mundo:Zr7-kk.29xQ@db.internal/mundo"),
            ("DATABASE_URL", "postgres://mundo@db.internal/mundo"),
            ("REDIS_URL", "redis://127.0.0.1:6379/0"),
        ] {
            load(key, url).unwrap();
        }
    }
}
