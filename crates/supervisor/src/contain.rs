//! The walls around foreign code: whatever it does, the caller gets an [`Ending`] and goes on.

use std::any::Any;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

/// How a piece of foreign work ended.
pub(crate) enum Ending<T> {
    Returned(T),
    Panicked(String),
    /// It was cut after its time limit.
    Overran,
    /// It was cut by the second step of the shutdown.
    Aborted,
}

/// Drive `work` to one of its endings. Without a `limit` it may last for ever.
pub(crate) async fn contain<T>(
    limit: Option<Duration>,
    hard: &CancellationToken,
    work: impl Future<Output = T>,
) -> Ending<T> {
    // The block owns the work, so that a panic while cut work is dropped happens inside the wall too.
    let walled = async move {
        tokio::select! {
            biased;
            () = hard.cancelled() => Ending::Aborted,
            value = work => Ending::Returned(value),
            () = elapsed(limit) => Ending::Overran,
        }
    };
    AssertUnwindSafe(walled)
        .catch_unwind()
        .await
        .unwrap_or_else(|payload| Ending::Panicked(panic_text(&*payload)))
}

/// The same wall for code that does not await; the error is the text of the panic.
pub(crate) fn contain_call(call: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| panic_text(&*payload))
}

/// Sleeps for `limit`, or for ever.
pub(crate) async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => pending().await,
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panicked with a value that is not text")
        .to_owned()
}
