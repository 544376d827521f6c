//! Figures of crates above here, for `/metrics`.

/// One family of figures.
#[derive(Clone, Debug)]
pub struct Measure {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) about: &'static str,
    pub(crate) samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// Asked each time somebody reads `/metrics`; must answer at once.
pub type Measuring = Box<dyn Fn() -> Vec<Measure> + Send + Sync>;

impl Measure {
    /// Something that goes up and down.
    pub fn gauge(name: &'static str, about: &'static str) -> Measure {
        Measure::new(name, "gauge", about)
    }

    /// Something that only grows.
    pub fn counter(name: &'static str, about: &'static str) -> Measure {
        Measure::new(name, "counter", about)
    }

    fn new(name: &'static str, kind: &'static str, about: &'static str) -> Measure {
        Measure {
            name,
            kind,
            about,
            samples: vec![],
        }
    }

    #[must_use]
    pub fn sample(mut self, labels: &[(&'static str, &str)], value: f64) -> Measure {
        let labels = labels.iter().map(|(label, text)| (*label, (*text).to_owned()));
        self.samples.push((labels.collect(), value));
        self
    }
}
