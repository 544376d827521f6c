//! Bytes that belong to rows: pictures, videos, the pieces of an upload.
//!
//! A blob is written once, under an id of its own, and never changed: whoever
//! needs other bytes writes another blob. So a copy of the folder, taken while
//! the server runs, holds no half of anything. A write is answered once the
//! bytes are on the disk (or in the bucket); a row that names the blob is
//! written after that, so no row ever names bytes that are not there. What a
//! crash leaves between the two has no row, and whoever owns the blobs sweeps
//! it away with [`Blobs::shelf`].
//!
//! Where they lie is said by `media.store`: a folder below the data folder, or a
//! bucket that speaks S3. Both stand behind `object_store`'s one trait.

use crate::{Config, config};
use base::{
    Result, Timestamp,
    error::{internal, unavailable},
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as Tcp},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    aws::AmazonS3Builder,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
    local::LocalFileSystem,
    path::Path,
};
use std::{
    fmt,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

base::ids! {
    /// Names bytes in the store.
    BlobId;
}
db::stored!(ids: BlobId);

/// How long one word with the bucket may take, and all its repetitions.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(25));

/// Blobs lie on so many shelves, by the last byte of their ids.
pub const SHELVES: u16 = 256;

/// The store. Opened at its first use: a command that needs no bytes needs no bucket.
pub struct Blobs {
    place: Place,
    store: Mutex<Option<Arc<dyn ObjectStore>>>,
}

#[derive(Clone)]
enum Place {
    Folder(PathBuf),
    Bucket(config::Media),
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.name())
    }
}

impl Blobs {
    pub fn new(config: &Config) -> Blobs {
        let place = match config.media.store.as_str() {
            "s3" => Place::Bucket(config.media.clone()),
            _ => Place::Folder(config.data.dir.join("media")),
        };
        Blobs {
            place,
            store: Mutex::default(),
        }
    }

    /// Where the bytes lie, for people.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Folder(folder) => folder.display().to_string(),
            Place::Bucket(media) => format!("s3://{}/{}", media.s3_bucket, media.s3_prefix),
        }
    }

    /// True when they lie in the data folder, which a backup copies as it is.
    pub fn lie_in_a_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// Returns once the bytes would survive the end of the process and, in a folder, of the machine.
    pub async fn put(&self, id: BlobId, bytes: Bytes) -> Result<()> {
        let put = self.store()?.put(&self.path(id), PutPayload::from(bytes)).await;
        put.map(drop).map_err(unavailable)
    }

    /// The bytes of that range, as they come. `None`: there is no such blob.
    pub async fn read(
        &self,
        id: BlobId,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, Result<Bytes>>>> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        match self.store()?.get_opts(&self.path(id), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(unavailable).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// All of a blob.
    pub async fn get(&self, id: BlobId) -> Result<Option<Bytes>> {
        match self.store()?.get(&self.path(id)).await {
            Ok(found) => found.bytes().await.map(Some).map_err(unavailable),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Deletes a blob; one that is gone already is as good.
    pub async fn delete(&self, id: BlobId) -> Result<()> {
        match self.store()?.delete(&self.path(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The blobs of one shelf with the time each was written.
    pub async fn shelf(&self, shelf: u8) -> Result<Vec<(BlobId, Timestamp)>> {
        let prefix = self.below(&format!("{shelf:02x}"));
        let mut found = vec![];
        let store = self.store()?;
        let mut list = store.list(Some(&prefix));
        while let Some(entry) = list.try_next().await.map_err(unavailable)? {
            let name = entry.location.filename().and_then(|name| name.parse().ok());
            // What bears another name is not ours.
            if let Some(id) = name {
                let micros = entry.last_modified.timestamp_micros();
                found.push((id, Timestamp::from_micros(micros)));
            }
        }
        Ok(found)
    }

    fn path(&self, id: BlobId) -> Path {
        self.below(&format!("{:02x}/{id}", id.0.as_bytes()[15]))
    }

    fn below(&self, rest: &str) -> Path {
        match &self.place {
            Place::Bucket(media) if !media.s3_prefix.is_empty() => {
                Path::from(format!("{}/{rest}", media.s3_prefix))
            }
            _ => Path::from(rest),
        }
    }

    fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*store {
            return Ok(store.clone());
        }
        let opened = open(&self.place)?;
        *store = Some(opened.clone());
        Ok(opened)
    }
}

/// Whose last byte tells its shelf.
pub fn shelf_of(id: BlobId) -> u8 {
    id.0.as_bytes()[15]
}

/// A new name for bytes.
pub fn new_id(ids: &base::Ids) -> BlobId {
    BlobId(ids.next::<Uuid>())
}

fn open(place: &Place) -> Result<Arc<dyn ObjectStore>> {
    match place {
        Place::Folder(folder) => {
            use std::os::unix::fs::DirBuilderExt;
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(internal)?;
            let local = LocalFileSystem::new_with_prefix(folder).map_err(internal)?;
            Ok(Arc::new(local.with_fsync(true)))
        }
        Place::Bucket(media) => {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&media.s3_bucket)
                .with_region(&media.s3_region)
                .with_access_key_id(&media.s3_access_key.0)
                .with_secret_access_key(&media.s3_secret_key.0)
                .with_http_connector(Wire)
                .with_retry(RetryConfig {
                    retry_timeout: PATIENCE.1,
                    ..RetryConfig::default()
                });
            if !media.s3_endpoint.is_empty() {
                builder = builder
                    .with_endpoint(media.s3_endpoint.trim_end_matches('/'))
                    .with_allow_http(media.s3_endpoint.starts_with("http://"));
            }
            Ok(Arc::new(builder.build().map_err(internal)?))
        }
    }
}

/// How `object_store` reaches a bucket: over our hyper and our TLS, so that no second client enters the tree.
#[derive(Debug)]
struct Wire;

#[derive(Debug)]
struct Http(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| object_store::Error::Generic {
                store: "S3",
                source: Box::new(error),
            })?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(HttpClient::new(Http(client)))
    }
}

#[async_trait::async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let answer = match tokio::time::timeout(PATIENCE.0, self.0.request(request)).await {
            Ok(answer) => answer.map_err(|error| {
                let kind = if error.is_connect() {
                    HttpErrorKind::Connect
                } else {
                    HttpErrorKind::Request
                };
                HttpError::new(kind, error)
            })?,
            Err(late) => return Err(HttpError::new(HttpErrorKind::Timeout, late)),
        };
        Ok(answer.map(|body| {
            HttpResponseBody::new(body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error)))
        }))
    }
}
