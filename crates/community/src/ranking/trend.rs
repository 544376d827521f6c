//! What is talked about now: engagement, fading with age as a stone sinks.
//!
//! `trend = engagement / (hours + 2)^1.5`: a post of two hours needs a fifth of the
//! engagement of one of ten.

use super::feed::engagement;

pub fn trend(likes: i64, comments: i64, shares: i64, age_hours: f64) -> f64 {
    engagement(likes, comments, shares) / (age_hours.max(0.0) + 2.0).powf(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_talk_beats_old_talk() {
        assert!(trend(10, 0, 0, 1.0) > trend(30, 0, 0, 12.0));
        assert!(trend(0, 1, 0, 1.0) > trend(1, 0, 0, 1.0));
        assert!(trend(0, 0, 0, 0.0).abs() < f64::EPSILON);
    }
}
