//! Around every route: what each request gets and each answer carries.

use super::{
    context::{RequestContext, text, within_request},
    problem::{Carried, render},
};
use crate::{
    AppState,
    limits::Decision,
    watch::{Answered, Fault, FaultKind},
};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use base::{Error, Kind, error::internal};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tower_http::compression::{
    CompressionLayer,
    predicate::{NotForContentType, Predicate, SizeAbove},
};

/// Nothing is loaded from elsewhere and nothing may frame us.
const CSP: &str = "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; \
                   base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Puts the conventions around all routes.
pub fn around(router: Router<AppState>, app: &AppState) -> Router<AppState> {
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .br(true)
                // Pictures and sound are small already, and a range of them must stay one.
                .compress_when(
                    SizeAbove::new(1024)
                        .and(NotForContentType::IMAGES)
                        .and(NotForContentType::const_new("video/"))
                        .and(NotForContentType::const_new("audio/")),
                ),
        )
        .layer(from_fn_with_state(app.clone(), edge))
}

async fn no_such_route() -> super::Problem {
    Error::new(Kind::NotFound, "no_such_route").into()
}

async fn method_not_allowed() -> super::Problem {
    Error::new(Kind::MethodNotAllowed, "method_not_allowed").into()
}

fn two_ends() -> Error {
    Error::new(Kind::Malformed, "malformed_request").with("why", "its body has two lengths")
}

async fn edge(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let context = Arc::new(RequestContext::new(&app, &request));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".into(), |path| Arc::<str>::from(path.as_str()));
    let seen_tag = request.headers().get(header::IF_NONE_MATCH).cloned();
    let trace = trace_parent(request.headers());
    // What counts chunks and what counts bytes end a body differently.
    let in_chunks = request.headers().contains_key(header::TRANSFER_ENCODING);
    let has_two_ends = in_chunks && request.headers().contains_key(header::CONTENT_LENGTH);
    request.extensions_mut().insert(context.clone());

    let span = tracing::info_span!("request", id = %context.id, trace = trace.as_deref().unwrap_or_default());
    if let Some(trace) = &trace {
        app.tell(|watch| watch.continues(&span, trace));
    }
    let limit = Duration::from_millis(app.config.server.request_timeout_ms);
    let work = async {
        if has_two_ends {
            return super::Problem::from(two_ends()).into_response();
        }
        next.run(request).await
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let work = tracing::Instrument::instrument(
        within_request(context.id.clone(), within(limit, &context, work)),
        span,
    );
    let (outcome, kind) = match work.await {
        Ok(Ok(response)) => (Ok(response), FaultKind::Error),
        Ok(Err(payload)) => (Err(internal(panic_text(&*payload))), FaultKind::Panic),
        Err(()) => (
            Err(Error::new(Kind::Unavailable, "timeout")
                .retry_after(1)
                .cause("the request took too long")),
            FaultKind::Error,
        ),
    };
    let (mut response, error) = match outcome {
        Ok(mut response) => match response.extensions_mut().remove::<Carried>() {
            Some(Carried(error)) => {
                let kept = keep_headers(&response);
                let mut rendered = render(app.texts, &error, &context, &app.config.public_url());
                rendered.headers_mut().extend(kept);
                (rendered, Some(error))
            }
            None => (response, None),
        },
        Err(error) => (
            render(app.texts, &error, &context, &app.config.public_url()),
            Some(Arc::new(error)),
        ),
    };
    not_modified(&method, seen_tag.as_ref(), &mut response);
    let took = began.elapsed();
    dress(&app, &context, &route, took, trace.as_deref(), &mut response);
    if in_chunks {
        // Nothing that came behind such a body is read as a request.
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(error) = error.as_deref().filter(|error| error.is_fault()) {
        log(&context.id, &route, kind, error);
        app.tell(|watch| {
            watch.fault(Fault {
                kind,
                error,
                place: &route,
                request_id: Some(&context.id),
            });
        });
    }
    if let (Some(error), Some(caller)) = (&error, context.caller.get())
        && matches!(error.kind(), Kind::Forbidden | Kind::NotFound)
    {
        // What somebody may not have looks like what is not there.
        tracing::info!(request_id = context.id, %route, %caller, code = error.code(), "refused");
    }
    app.tell(|watch| {
        watch.answered(Answered {
            method: method.as_str(),
            route: &route,
            status: response.status().as_u16(),
            took,
            code: error.as_deref().map(Error::code),
        });
    });
    response
}

/// The work's outcome, unless it takes longer than it may. Work that a client keeps feeding
/// says so with [`RequestContext::goes_on`], and its time begins anew.
async fn within<F: Future>(limit: Duration, context: &RequestContext, work: F) -> Result<F::Output, ()> {
    tokio::pin!(work);
    let mut end = tokio::time::Instant::now() + limit;
    loop {
        tokio::select! {
            outcome = &mut work => return Ok(outcome),
            () = tokio::time::sleep_until(end) => match context.last_fed() {
                Some(fed) if fed + limit > end => end = fed + limit,
                _ => return Err(()),
            },
        }
    }
}

/// The one place where an error is logged.
pub(super) fn log(id: &str, route: &str, kind: FaultKind, error: &Error) {
    match (kind, error.kind()) {
        (FaultKind::Panic, _) => tracing::error!(request_id = id, route, %error, "panic in a request"),
        (_, Kind::Unavailable) => tracing::warn!(request_id = id, route, %error, "request not served"),
        _ => tracing::error!(request_id = id, route, %error, "request failed"),
    }
}

/// What stands beside an error: cookies, what a method could have been, how long the route lives,
/// which protocol of uploads it speaks.
const KEPT: [HeaderName; 6] = [
    header::SET_COOKIE,
    header::ALLOW,
    HeaderName::from_static("deprecation"),
    HeaderName::from_static("sunset"),
    HeaderName::from_static("tus-resumable"),
    HeaderName::from_static("tus-version"),
];

fn keep_headers(response: &Response) -> HeaderMap {
    KEPT.iter()
        .flat_map(|name| {
            response
                .headers()
                .get_all(name)
                .iter()
                .map(move |value| (name.clone(), value.clone()))
        })
        .collect()
}

/// Answers 304 when the caller has this very answer.
fn not_modified(method: &Method, seen: Option<&HeaderValue>, response: &mut Response) {
    if response.status() != StatusCode::OK || !(method == Method::GET || method == Method::HEAD) {
        return;
    }
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = response
        .headers()
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
        .map(plain);
    let known = seen.and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    if own.is_some_and(|own| known == "*" || known.split(',').any(|tag| plain(tag) == own)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
}

fn dress(
    app: &AppState,
    context: &RequestContext,
    route: &str,
    took: Duration,
    trace: Option<&str>,
    response: &mut Response,
) {
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-request-id", &context.id);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set(
        "permissions-policy",
        "camera=(), geolocation=(self), microphone=()",
    );
    if app.config.is_https() {
        set("strict-transport-security", "max-age=63072000; includeSubDomains");
    }
    // What a member uploaded brings a stricter one.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(trace) = trace {
        set("traceparent", trace);
    }
    set_limits(&mut set, &context.decisions());
    if route.starts_with("/api/") {
        // How long a log-in took would tell whether the account exists.
        if !route.starts_with("/api/v1/auth") {
            set(
                "server-timing",
                &format!("app;dur={:.2}", took.as_secs_f64() * 1000.0),
            );
        }
        let private = ["/api/v1/auth", "/api/v1/me"];
        let own = private
            .iter()
            .any(|start| route == *start || route.starts_with(&format!("{start}/")));
        if own {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        } else if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("private, no-cache"),
            );
        }
    }
    if app.draining.load(Ordering::Relaxed) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// `RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers-10
/// writes them: lists of named policies, here the tightest first.
fn set_limits(set: &mut impl FnMut(&'static str, &str), decisions: &[Decision]) {
    if decisions.is_empty() {
        return;
    }
    let list = |item: &dyn Fn(&Decision) -> String| {
        let items: Vec<_> = decisions.iter().map(item).collect();
        items.join(", ")
    };
    set(
        "ratelimit-policy",
        &list(&|Decision { limit, .. }| {
            format!(
                "\"{}\";q={};w={}",
                limit.name,
                limit.count,
                limit.period.as_secs()
            )
        }),
    );
    set(
        "ratelimit",
        &list(&|decision| {
            let wait = decision.retry_after.unwrap_or(decision.reset);
            let seconds = wait.as_secs_f64().ceil() as u64;
            format!("\"{}\";r={};t={seconds}", decision.limit.name, decision.remaining)
        }),
    );
}

/// A well-formed `traceparent`, to be passed on.
fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, "traceparent")?;
    let parts: Vec<&str> = value.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    };
    let good = matches!(parts.as_slice(), [version, trace, parent, flags]
        if *version == "00" && hex(trace, 32) && hex(parent, 16) && hex(flags, 2)
            && trace.bytes().any(|b| b != b'0') && parent.bytes().any(|b| b != b'0'));
    good.then(|| value.to_owned())
}

pub(super) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_default())
}
