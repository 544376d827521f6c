//! Places on the globe.

use crate::input::{Check, Field};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Degrees from `-LIMIT` to `LIMIT`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Degrees<const LIMIT: u32>(pub f64);

pub type Latitude = Degrees<90>;
pub type Longitude = Degrees<180>;

impl<const LIMIT: u32> Field for Degrees<LIMIT> {
    fn check(&mut self, check: &mut Check<'_>) {
        let limit = f64::from(LIMIT);
        if !(-limit..=limit).contains(&self.0) {
            check.fail("out_of_range", &[("min", &-limit), ("max", &limit)]);
        }
    }
}

impl<const LIMIT: u32> JsonSchema for Degrees<LIMIT> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Degrees{LIMIT}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let limit = i64::from(LIMIT);
        json_schema!({"type": "number", "minimum": -limit, "maximum": limit})
    }
}

/// Mean radius of the earth.
const EARTH_KM: f64 = 6371.0;

/// Kilometres along the great circle between two places `(latitude, longitude)`: the
/// haversine formula.
pub fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (la, lb) = (a.0.to_radians(), b.0.to_radians());
    let (dlat, dlng) = (lb - la, (b.1 - a.1).to_radians());
    let h = (dlat / 2.0).sin().powi(2) + la.cos() * lb.cos() * (dlng / 2.0).sin().powi(2);
    2.0 * EARTH_KM * h.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_an_atlas() {
        let (buenos_aires, montevideo, berlin) = ((-34.61, -58.38), (-34.90, -56.16), (52.52, 13.40));
        assert!((distance_km(buenos_aires, montevideo) - 205.0).abs() < 5.0);
        assert!((distance_km(buenos_aires, berlin) - 11_900.0).abs() < 100.0);
        assert!(distance_km(berlin, berlin) < 0.001);
        // Across the date line it is not far.
        assert!(distance_km((0.0, 179.9), (0.0, -179.9)) < 25.0);
    }
}
