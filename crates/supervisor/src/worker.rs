//! What is supervised: the [`Worker`] trait, and what goes in and out of a run.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Serialize, Serializer};
use tokio_util::sync::CancellationToken;

use crate::status::Entry;

/// Something that looks at the world and brings it a step closer to what it should be.
///
/// A run must be safe to repeat and may be dropped at any await. After an error the same value runs again; after
/// a panic or an overrun it is dropped and the factory builds a new one.
pub trait Worker: Send + 'static {
    fn run(&mut self, ctx: &Context) -> impl Future<Output = Result<Report, Failure>> + Send;
}

/// What a run knows about its surroundings. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub(crate) entry: Arc<Entry>,
    pub(crate) soft: CancellationToken,
}

impl Context {
    /// The name of the worker.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Whether the shutdown has asked this worker to come to an end.
    pub fn is_cancelled(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Returns when the shutdown asks this worker to come to an end.
    pub async fn cancelled(&self) {
        self.soft.cancelled().await;
    }

    /// The token behind [`cancelled`](Self::cancelled), for code that wants to hold one.
    pub fn cancel_token(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// A service says that it is up; see `Spec::gates`. A worker is up after its first run without failure.
    pub fn ready(&self) {
        self.entry.up();
    }
}

/// What a run did: a sentence for people and numbers for charts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub summary: Cow<'static, str>,
    #[serde(serialize_with = "as_map")]
    pub facts: Vec<(&'static str, i64)>,
    /// What is left to do waits no longer than this for the next run.
    #[serde(skip)]
    pub(crate) again: Option<Duration>,
}

impl Report {
    pub fn new(summary: impl Into<Cow<'static, str>>) -> Self {
        Self {
            summary: summary.into(),
            facts: Vec::new(),
            again: None,
        }
    }

    /// The world was already as it should be.
    pub fn nothing() -> Self {
        Self::new("nothing to do")
    }

    #[must_use]
    pub fn fact(mut self, name: &'static str, value: i64) -> Self {
        self.facts.push((name, value));
        self
    }

    /// Run again at once: the batch was full, more is waiting. Other workers have their turn in between.
    #[must_use]
    pub fn again(self) -> Self {
        self.again_after(Duration::ZERO)
    }

    /// Run again after that pause, whoever asks: what is left to do cannot be done yet.
    #[must_use]
    pub fn again_after(mut self, pause: Duration) -> Self {
        self.again = Some(pause);
        self
    }
}

fn as_map<S: Serializer>(facts: &[(&'static str, i64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(facts.iter().copied())
}

/// Why a run could not do its work, as text for operators. Any error becomes one through `?`, with its causes.
///
/// Like `anyhow::Error` it is no `std::error::Error` itself; that is what makes the conversion possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) text: String,
}

impl Failure {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self { text }
    }
}

/// [`Worker`] in a box: what a driver holds.
pub(crate) trait BoxedWorker: Send {
    fn run_boxed<'a>(&'a mut self, ctx: &'a Context) -> BoxFuture<'a, Result<Report, Failure>>;
}

impl<W: Worker> BoxedWorker for W {
    fn run_boxed<'a>(&'a mut self, ctx: &'a Context) -> BoxFuture<'a, Result<Report, Failure>> {
        self.run(ctx).boxed()
    }
}

/// A worker without state of its own, from `Spec::runs`.
pub(crate) struct RunFn<F>(pub Arc<F>);

impl<F, Fut> Worker for RunFn<F>
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Report, Failure>> + Send,
{
    async fn run(&mut self, ctx: &Context) -> Result<Report, Failure> {
        (self.0)(ctx.clone()).await
    }
}

/// A service seen as a worker: one run that lasts until the shutdown.
pub(crate) struct ServiceFn<F>(pub Arc<F>);

impl<F, Fut> Worker for ServiceFn<F>
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send,
{
    async fn run(&mut self, ctx: &Context) -> Result<Report, Failure> {
        (self.0)(ctx.clone()).await?;
        if ctx.is_cancelled() {
            Ok(Report::new("ended as asked"))
        } else {
            Err(Failure::new("returned although nobody had asked it to stop"))
        }
    }
}
