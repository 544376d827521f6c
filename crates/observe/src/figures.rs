//! How often each route was asked and how long it took, since the start.
//!
//! Counters are atomics; the one lock is for the table of routes, taken for
//! writing only when a route answers for the first time.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
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
}

/// What one route did.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub method: &'static str,
    pub route: String,
    pub count: u64,
    /// Answers of 500 and more.
    pub errors: u64,
    pub slow: u64,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    pub max: Duration,
    pub sum: Duration,
    /// By status, ascending.
    pub statuses: Vec<(u16, u64)>,
    /// Requests within each of [`BOUNDS_S`], cumulative.
    pub within: [u64; BOUNDS_S.len()],
}

impl Figures {
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
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
        routes[method].get_or_init(Box::default).add(status, took);
    }

    fn new_route(&self, route: &str) -> Arc<Methods> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name = if table.len() < MOST_ROUTES { route } else { "other" };
        table.entry(name.into()).or_default().clone()
    }

    /// Every route that was asked, in order of route and method.
    pub fn all(&self) -> Vec<Figure> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Figure> = table
            .iter()
            .flat_map(|(name, routes)| {
                METHODS
                    .iter()
                    .zip(routes.iter())
                    .map(move |(method, route)| (name, method, route))
            })
            .filter_map(|(name, method, route)| Some(route.get()?.figure(method, name)))
            .filter(|figure| figure.count > 0)
            .collect();
        all.sort_by(|a, b| (&a.route, a.method).cmp(&(&b.route, b.method)));
        all
    }
}

impl Route {
    fn add(&self, status: u16, took: Duration) {
        let micros = took.as_micros().min(u128::from(u32::MAX)) as u64;
        self.durations.add(micros);
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

    fn figure(&self, method: &'static str, route: &str) -> Figure {
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
        let max = Duration::from_micros(self.max_us.load(Relaxed));
        let [p50, p95, p99] = self
            .durations
            .quantiles([0.50, 0.95, 0.99])
            .map(|time| time.min(max));
        Figure {
            method,
            route: route.to_owned(),
            count: self.durations.count(),
            errors: statuses
                .iter()
                .filter(|(status, _)| *status >= 500)
                .map(|(_, count)| count)
                .sum(),
            slow: self.slow.load(Relaxed),
            p50,
            p95,
            p99,
            max,
            sum: Duration::from_micros(self.sum_us.load(Relaxed)),
            statuses,
            within,
        }
    }
}

/// Below this every microsecond has its bucket; above, each doubling has that many.
const STEPS: usize = 8;
/// Up to 2^32 microseconds, an hour and more.
const BUCKETS: usize = STEPS + (32 - 3) * STEPS;

/// Microseconds on a logarithmic scale: a quantile is at most an eighth too long.
struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Histogram {
    fn add(&self, micros: u64) {
        self.0[bucket(micros)].fetch_add(1, Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    /// The upper end of the bucket that each share of the requests ends in.
    fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Duration; N] {
        let counts: Vec<u64> = self.0.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        shares.map(|share| {
            let rank = ((total as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            let at = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            at.map_or(Duration::ZERO, |at| Duration::from_micros(upper_end(at)))
        })
    }
}

fn bucket(micros: u64) -> usize {
    if micros < STEPS as u64 {
        return micros as usize;
    }
    let doublings = micros.ilog2() as usize;
    let step = (micros >> (doublings - 3)) as usize & (STEPS - 1);
    (STEPS + (doublings - 3) * STEPS + step).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let (doublings, step) = ((bucket - STEPS) / STEPS, (bucket - STEPS) % STEPS);
    (((STEPS + step + 1) as u64) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_an_eighth_wide_at_most_and_without_gaps() {
        let mut before = 0;
        for micros in (0..100_000).chain([1 << 20, u64::from(u32::MAX)]) {
            let end = upper_end(bucket(micros));
            assert!(
                end >= micros && end <= micros + micros / 8,
                "{micros} is in the bucket up to {end}"
            );
            assert!(bucket(micros) == before || micros > 100_000 || bucket(micros) == before + 1);
            before = bucket(micros);
        }
    }

    #[test]
    fn many_threads_lose_nothing() {
        let figures = Figures::default();
        std::thread::scope(|scope| {
            for n in 0..4 {
                let figures = &figures;
                scope.spawn(move || {
                    for i in 0..5000 {
                        figures.answered("GET", "/a", 200 + (i + n) % 5, Duration::from_micros(100));
                    }
                });
            }
        });
        let all = figures.all();
        assert_eq!(all[0].count, 20_000);
        assert_eq!(
            all[0].statuses.iter().map(|(_, count)| count).sum::<u64>(),
            20_000
        );
        assert_eq!(all[0].statuses.len(), 5);
    }
}
