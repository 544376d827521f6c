//! Plain routes for machines: probes of an orchestrator, figures for Prometheus.

use crate::{Observer, figures::BOUNDS_S, http::database_answers, operator::Operator, sockets};
use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use platform::{AppState, http::Problem};
use std::{
    fmt::{Display, Write},
    sync::atomic::Ordering,
};
use supervisor::State;

/// `/livez`, `/readyz`, `/healthz` and `/metrics`. A probe that fails is an
/// answer, not an error: it is neither logged nor stored.
pub fn probes() -> Router<AppState> {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
}

/// The process runs.
async fn livez() -> &'static str {
    "ok\n"
}

/// Requests should come here.
async fn readyz(app: AppState) -> impl IntoResponse {
    if app.draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        database(&app).await
    }
}

async fn healthz(app: AppState) -> impl IntoResponse {
    database(&app).await
}

async fn database(app: &AppState) -> (StatusCode, &'static str) {
    if database_answers(app).await {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
    }
}

async fn metrics(app: AppState, _operator: Operator) -> Result<impl IntoResponse, Problem> {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], exposition(&app)))
}

/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
fn exposition(app: &AppState) -> String {
    let observer = app.part::<Observer>();
    let figures = observer.figures();
    let mut out = Exposition(String::new());

    out.family("http_requests_total", "counter", "Requests answered.");
    for figure in &figures {
        for (status, count) in &figure.statuses {
            let labels = [
                ("method", figure.method),
                ("route", &figure.route),
                ("status", &status.to_string()),
            ];
            out.sample("http_requests_total", &labels, count);
        }
    }
    let name = "http_request_duration_seconds";
    out.family(name, "histogram", "Time from the first byte to the answer.");
    for figure in &figures {
        let labels = [("method", figure.method), ("route", figure.route.as_str())];
        let bucket = |out: &mut Exposition, bound: &str, count| {
            out.sample(
                &format!("{name}_bucket"),
                &[labels[0], labels[1], ("le", bound)],
                count,
            );
        };
        for (bound, count) in BOUNDS_S.iter().zip(figure.within) {
            bucket(&mut out, &bound.to_string(), count);
        }
        // Counters move while they are read; the last bucket and the count must agree.
        let count = figure.since_start.count.max(figure.within[BOUNDS_S.len() - 1]);
        bucket(&mut out, "+Inf", count);
        out.sample(&format!("{name}_sum"), &labels, figure.sum.as_secs_f64());
        out.sample(&format!("{name}_count"), &labels, count);
    }

    let totals = observer.totals();
    out.single(
        "errors_total",
        "counter",
        "Errors of the server, its workers and browsers.",
        totals.seen,
    );
    out.single(
        "errors_lost_total",
        "counter",
        "Errors that the error store could not keep.",
        totals.lost,
    );
    out.single(
        "errors_set_aside_total",
        "counter",
        "Errors and counts that the database refused.",
        totals.set_aside,
    );
    out.single(
        "errors_spooled_total",
        "counter",
        "Errors kept in the file while the database was away.",
        totals.spooled,
    );

    workers(app, &mut out);
    for measure in observer.measures() {
        out.family(measure.name, measure.kind, measure.about);
        for (labels, value) in &measure.samples {
            let labels: Vec<_> = labels
                .iter()
                .map(|(label, text)| (*label, text.as_str()))
                .collect();
            out.sample(measure.name, &labels, value);
        }
    }
    sockets::expose(app, &mut out);
    if let Some(bytes) = resident_bytes() {
        out.single("process_resident_memory_bytes", "gauge", "Memory in use.", bytes);
    }
    out.single(
        "process_uptime_seconds",
        "gauge",
        "Time since the start.",
        observer.uptime().as_secs(),
    );
    out.0
}

fn workers(app: &AppState, out: &mut Exposition) {
    let workers = app.supervisor.status().workers;
    let mut per_worker = |name: &str, kind, about, value: &dyn Fn(&supervisor::WorkerStatus) -> u64| {
        out.family(name, kind, about);
        for worker in &workers {
            out.sample(name, &[("worker", &worker.name)], value(worker));
        }
    };
    per_worker("worker_runs_total", "counter", "Runs that began.", &|worker| {
        worker.runs
    });
    per_worker(
        "worker_errors_total",
        "counter",
        "Runs that ended with an error.",
        &|worker| worker.errors,
    );
    per_worker(
        "worker_panics_total",
        "counter",
        "Runs that panicked.",
        &|worker| worker.panics,
    );
    per_worker(
        "worker_overruns_total",
        "counter",
        "Runs that were cut.",
        &|worker| worker.overruns,
    );
    per_worker(
        "worker_restarts_total",
        "counter",
        "Lives after the first.",
        &|worker| worker.restarts,
    );
    per_worker(
        "worker_quarantined",
        "gauge",
        "1 while the worker waits for a human.",
        &|worker| u64::from(worker.state == State::Quarantined),
    );
}

pub(crate) struct Exposition(String);

impl Exposition {
    pub fn family(&mut self, name: &str, kind: &str, about: &str) {
        let _ = write!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}\n");
    }

    pub fn single(&mut self, name: &str, kind: &str, about: &str, value: impl Display) {
        self.family(name, kind, about);
        self.sample(name, &[], value);
    }

    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (n, (label, text)) in labels.iter().enumerate() {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if n == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// Linux tells it in kB; elsewhere it is left out.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}
