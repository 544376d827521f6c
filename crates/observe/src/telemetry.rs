//! Where the program's words go: the terminal, and an OpenTelemetry collector when one is configured.

use crate::Sentry;
use base::{Result, error::internal};
use opentelemetry::{KeyValue, propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use platform::Config;
use std::{collections::HashMap, pin::Pin, time::Duration};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

/// Crates that say at `info` what nobody asks for. `log.filter` can name them again.
const QUIET: &str = "hyper=warn,hyper_util=warn,ureq=warn,ureq_proto=warn,rustls=warn,tokio_postgres=warn,\
                     opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry_otlp=warn,sentry=warn";

/// Held by `main` until the end: dropping it sends what is still to be sent.
pub struct Telemetry {
    sentry: Option<Sentry>,
    spans: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// For [`Observer::new`](crate::Observer::new).
    pub fn sentry(&self) -> Option<Sentry> {
        self.sentry.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(sentry) = &self.sentry {
            sentry.flush();
        }
        if let Some(spans) = &self.spans {
            let _ = spans.shutdown_with_timeout(Duration::from_secs(3));
        }
    }
}

/// Sets up logs, spans and Sentry for the whole process; once. `log` wants to
/// go to standard error, so that a command's answer stays alone on standard output.
pub fn init(config: &Config, release: &'static str) -> Result<Telemetry> {
    let (subscriber, telemetry) = prepare(config, release)?;
    subscriber.try_init().map_err(internal)?;
    Ok(telemetry)
}

/// Gives the span the caller's as its parent, when spans are exported.
pub(crate) fn continue_trace(span: &tracing::Span, traceparent: &str) {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    // Without an exporter there is nobody to tell.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// What `init` sets up, not yet in use.
pub fn prepare(
    config: &Config,
    release: &'static str,
) -> Result<(impl Subscriber + Send + Sync + 'static, Telemetry)> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log.filter))
        .map_err(|error| internal(format!("log.filter: {error}")))?;
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log.format.as_str() {
        "json" => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .boxed(),
        _ => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let spans = spans(&config.telemetry.otlp_endpoint, release)?;
    let exported = spans.as_ref().map(|spans| {
        tracing_opentelemetry::layer()
            .with_tracer(spans.tracer("mundo"))
            .boxed()
    });
    let layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> =
        [Some(lines), exported].into_iter().flatten().collect();
    let subscriber = tracing_subscriber::registry().with(layers).with(filter);
    let sentry = Sentry::new(&config.sentry.dsn.0, release)?;
    Ok((subscriber, Telemetry { sentry, spans }))
}

/// Spans in batches to `<endpoint>/v1/traces`; `None` without an endpoint.
pub fn spans(endpoint: &str, release: &'static str) -> Result<Option<SdkTracerProvider>> {
    if endpoint.is_empty() {
        return Ok(None);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender::new())
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| internal(format!("telemetry.otlp_endpoint: {error}")))?;
    let resource = Resource::builder()
        .with_service_name("mundo")
        .with_attribute(KeyValue::new("service.version", release))
        .build();
    Ok(Some(
        SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build(),
    ))
}

/// A plain client on the exporter's own thread, which may block.
#[derive(Debug)]
struct Sender(ureq::Agent);

impl Sender {
    fn new() -> Sender {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(5)))
            .http_status_as_error(false)
            .build();
        Sender(config.into())
    }
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let response = self.0.run(request.map(|body| body.to_vec()))?;
            let (parts, mut body) = response.into_parts();
            let bytes = body.read_to_vec()?;
            Ok(Response::from_parts(parts, bytes.into()))
        })
    }
}
