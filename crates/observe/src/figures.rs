//! How often each route was asked and how long it took: since the start, and in
//! the last five minutes.
//!
//! Counters are atomics. There are two locks: one for the table of routes, taken
//! for writing only when a route answers for the first time, and one in each
//! route for its window, held for a few additions.

use crate::{
    histogram::{BUCKETS, bucket, quantiles},
    window::{Sample, Window},
};
use base::Timestamp;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// A request beyond this is slow.
pub const SLOW: Duration = Duration::from_millis(500);

/// Upper bounds of the exported histogram, in seconds.
pub const BOUNDS_S: [f64; 12] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER",
];
/// Routes are patterns and few; this bounds what a mistake could cost.
const MOST_ROUTES: usize = 2000;

#[derive(Default)]
pub struct Figures(RwLock<HashMap<Box<str>, Arc<Methods>>>);

type Methods = [OnceLock<Box<Route>>; METHODS.len()];

#[derive(Default)]
struct Route {
    durations: Histogram,
    /// Status in the upper 16 bits, count below; the first free slot takes a new status.
    statuses: [AtomicU64; 16],
    exported: [AtomicU64; BOUNDS_S.len()],
    sum_us: AtomicU64,
    slow: AtomicU64,
    max_us: AtomicU64,
    window: Mutex<Window>,
}

/// The requests of some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub count: u64,
    /// Answers of 500 and more.
    pub errors: u64,
    pub slow: u64,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Summary {
    /// Nothing took longer than what took longest, whatever the buckets say.
    #[must_use]
    pub(crate) fn with_quantiles(self, quantiles: [Duration; 3]) -> Summary {
        let [p50, p95, p99] = quantiles.map(|time| time.min(self.max));
        Summary {
            p50,
            p95,
            p99,
            ..self
        }
    }
}

/// What one route did.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub method: &'static str,
    pub route: String,
    pub since_start: Summary,
    pub last_5_minutes: Summary,
    pub sum: Duration,
    /// By status, ascending.
    pub statuses: Vec<(u16, u64)>,
    /// Requests within each of [`BOUNDS_S`], cumulative.
    pub within: [u64; BOUNDS_S.len()],
}

impl Figures {
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration, now: Timestamp) {
        let method = METHODS
            .iter()
            .position(|known| *known == method)
            .unwrap_or(METHODS.len() - 1);
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(route)
            .cloned();
        let routes = known.unwrap_or_else(|| self.new_route(route));
        routes[method].get_or_init(Box::default).add(status, took, now);
    }

    fn new_route(&self, route: &str) -> Arc<Methods> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name = if table.len() < MOST_ROUTES { route } else { "other" };
        table.entry(name.into()).or_default().clone()
    }

    /// Every route that was asked, in order of route and method.
    pub fn all(&self, now: Timestamp) -> Vec<Figure> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Figure> = table
            .iter()
            .flat_map(|(name, routes)| {
                METHODS
                    .iter()
                    .zip(routes.iter())
                    .map(move |(method, route)| (name, method, route))
            })
            .filter_map(|(name, method, route)| Some(route.get()?.figure(method, name, now)))
            .filter(|figure| figure.since_start.count > 0)
            .collect();
        all.sort_by(|a, b| (&a.route, a.method).cmp(&(&b.route, b.method)));
        all
    }
}

impl Route {
    fn add(&self, status: u16, took: Duration, now: Timestamp) {
        let micros = took.as_micros().min(u128::from(u32::MAX)) as u64;
        let sample = Sample {
            micros,
            is_error: status >= 500,
            is_slow: took > SLOW,
        };
        self.window
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(sample, now);
        self.durations.0[bucket(micros)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(micros, Relaxed);
        self.max_us.fetch_max(micros, Relaxed);
        if let Some(bound) = BOUNDS_S.iter().position(|bound| took.as_secs_f64() <= *bound) {
            self.exported[bound].fetch_add(1, Relaxed);
        }
        if took > SLOW {
            self.slow.fetch_add(1, Relaxed);
        }
        let mark = u64::from(status) << 48;
        for slot in &self.statuses {
            let seen = slot.load(Relaxed);
            if seen == 0 {
                match slot.compare_exchange(0, mark | 1, Relaxed, Relaxed) {
                    Ok(_) => return,
                    Err(now) if now & (0xffff << 48) != mark => continue,
                    Err(_) => {}
                }
            } else if seen & (0xffff << 48) != mark {
                continue;
            }
            slot.fetch_add(1, Relaxed);
            return;
        }
    }

    fn figure(&self, method: &'static str, route: &str, now: Timestamp) -> Figure {
        let mut statuses: Vec<(u16, u64)> = self
            .statuses
            .iter()
            .map(|slot| slot.load(Relaxed))
            .filter(|slot| *slot != 0)
            .map(|slot| ((slot >> 48) as u16, slot & !(0xffff << 48)))
            .collect();
        statuses.sort_unstable();
        let mut within = [0; BOUNDS_S.len()];
        let mut total = 0;
        for (bound, count) in within.iter_mut().zip(&self.exported) {
            total += count.load(Relaxed);
            *bound = total;
        }
        let counts = self.durations.0.each_ref().map(|bucket| bucket.load(Relaxed));
        let since_start = Summary {
            count: counts.iter().sum(),
            errors: statuses
                .iter()
                .filter(|(status, _)| *status >= 500)
                .map(|(_, count)| count)
                .sum(),
            slow: self.slow.load(Relaxed),
            max: Duration::from_micros(self.max_us.load(Relaxed)),
            ..Summary::default()
        };
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        Figure {
            method,
            route: route.to_owned(),
            since_start: since_start.with_quantiles(quantiles(&counts, [0.50, 0.95, 0.99])),
            last_5_minutes: window.summary(now),
            sum: Duration::from_micros(self.sum_us.load(Relaxed)),
            statuses,
            within,
        }
    }
}

struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_forgets_what_the_start_remembers() {
        let figures = Figures::default();
        let answer = |status, millis, second: i64| {
            let now = Timestamp::from_micros(second * 1_000_000);
            figures.answered("GET", "/a", status, Duration::from_millis(millis), now);
        };
        let seen = |second: i64| {
            let figure = figures.all(Timestamp::from_micros(second * 1_000_000)).remove(0);
            (figure.since_start, figure.last_5_minutes)
        };
        answer(500, 900, 0);
        answer(200, 100, 250);
        let (start, recent) = seen(290);
        assert_eq!(start, recent, "all of it is recent");
        assert_eq!((recent.count, recent.errors, recent.slow), (2, 1, 1));
        assert_eq!(recent.max, Duration::from_millis(900));

        let (start, recent) = seen(330);
        assert_eq!((recent.count, recent.errors, recent.slow), (1, 0, 0));
        assert_eq!(recent.max, Duration::from_millis(100));
        assert_eq!(recent.p99, Duration::from_millis(100));
        assert_eq!((start.count, start.errors), (2, 1));

        for second in 330..10_000 {
            answer(200, 10, second);
        }
        let (start, recent) = seen(10_000);
        assert_eq!(start.count, 2 + 9670);
        assert!((300..=330).contains(&recent.count), "{recent:?}");
        assert_eq!(seen(20_000).1, Summary::default());
    }

    #[test]
    fn many_threads_lose_nothing() {
        let figures = Figures::default();
        std::thread::scope(|scope| {
            for n in 0..4 {
                let figures = &figures;
                scope.spawn(move || {
                    for i in 0..5000 {
                        figures.answered(
                            "GET",
                            "/a",
                            200 + (i + n) % 5,
                            Duration::from_micros(100),
                            Timestamp::default(),
                        );
                    }
                });
            }
        });
        let all = figures.all(Timestamp::default());
        assert_eq!(all[0].since_start.count, 20_000);
        assert_eq!(all[0].last_5_minutes.count, 20_000);
        assert_eq!(
            all[0].statuses.iter().map(|(_, count)| count).sum::<u64>(),
            20_000
        );
        assert_eq!(all[0].statuses.len(), 5);
    }
}
