//! ALGO-6: what deserves attention first.
//!
//! `score = 0.40 type + 0.30 relationship + 0.20 recency + 0.10 engagement`, each
//! part from 0 to 1. The type's part comes from a table (a message 0.95, a like 0.4);
//! the relationship is 1 for friends, 0.7 for those one follows, 0.4 for followers,
//! else 0.2; recency halves with each day; engagement is how often the sender gave
//! cause to tell in the last month, ten times being 1. From 0.8 it is urgent, from
//! 0.6 important, from 0.4 normal, else low. A kind that the member wants nowhere
//! but in the list keeps a tenth of its type's part. Weights come from the
//! configuration. Pure.

use super::NotificationKind;
use base::choice;
use platform::Config;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

choice! {
    /// How much attention a notification deserves.
    #[schemars(rename = "PriorityBand")]
    pub enum Band {
        Urgent = "urgent",
        Important = "important",
        Normal = "normal",
        Low = "low",
    }
}

/// Percent of each part.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    pub kind: u32,
    pub relationship: u32,
    pub recency: u32,
    pub engagement: u32,
}

impl Weights {
    pub fn of(config: &Config) -> Weights {
        let set = &config.notifications;
        Weights {
            kind: set.kind_percent,
            relationship: set.relationship_percent,
            recency: set.recency_percent,
            engagement: set.engagement_percent,
        }
    }
}

/// What is known about a notification.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub kind: NotificationKind,
    /// The member wants to hear of the kind in the list alone.
    pub hushed: bool,
    pub relationship: f64,
    pub age: Duration,
    pub engagement: f64,
}

/// How much attention a notification deserves, and why: its parts, each from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "NotificationPriority")]
pub struct Priority {
    pub score: f64,
    pub band: Band,
    pub kind: f64,
    pub relationship: f64,
    pub recency: f64,
    pub engagement: f64,
}

fn kind_part(kind: NotificationKind) -> f64 {
    match kind {
        NotificationKind::Message => 0.95,
        NotificationKind::FriendRequest | NotificationKind::Moderation => 0.9,
        NotificationKind::Event | NotificationKind::Notice => 0.85,
        NotificationKind::GroupInvite
        | NotificationKind::GroupRequest
        | NotificationKind::GroupAccepted
        | NotificationKind::FriendAccepted => 0.8,
        NotificationKind::Mention | NotificationKind::Companion => 0.75,
        NotificationKind::Comment | NotificationKind::Reply => 0.7,
        NotificationKind::Share | NotificationKind::Follow => 0.6,
        NotificationKind::Reaction | NotificationKind::CommentReaction => 0.4,
    }
}

pub fn judge(facts: &Facts, weights: &Weights) -> Priority {
    let kind = kind_part(facts.kind) * if facts.hushed { 0.1 } else { 1.0 };
    let recency = 0.5_f64.powf(facts.age.as_secs_f64() / 86_400.0);
    let (relationship, engagement) = (
        facts.relationship.clamp(0.0, 1.0),
        facts.engagement.clamp(0.0, 1.0),
    );
    let parts = [
        (weights.kind, kind),
        (weights.relationship, relationship),
        (weights.recency, recency),
        (weights.engagement, engagement),
    ];
    let whole: u32 = parts.iter().map(|(weight, _)| weight).sum();
    let sum: f64 = parts.iter().map(|(weight, part)| f64::from(*weight) * part).sum();
    let score = sum / f64::from(whole.max(1));
    let band = match score {
        score if score >= 0.8 => Band::Urgent,
        score if score >= 0.6 => Band::Important,
        score if score >= 0.4 => Band::Normal,
        _ => Band::Low,
    };
    Priority {
        score,
        band,
        kind,
        relationship,
        recency,
        engagement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEIGHTS: Weights = Weights {
        kind: 40,
        relationship: 30,
        recency: 20,
        engagement: 10,
    };

    fn facts(kind: NotificationKind, relationship: f64, hours: u64) -> Facts {
        Facts {
            kind,
            hushed: false,
            relationship,
            age: Duration::from_hours(hours),
            engagement: 0.0,
        }
    }

    #[test]
    fn a_friends_message_is_urgent_and_a_strangers_old_like_is_not() {
        let message = Facts {
            engagement: 1.0,
            ..facts(NotificationKind::Message, 1.0, 0)
        };
        let priority = judge(&message, &WEIGHTS);
        assert!((priority.score - 0.98).abs() < 1e-9, "{priority:?}");
        assert_eq!(priority.band, Band::Urgent);
        let like = judge(&facts(NotificationKind::Reaction, 0.2, 24), &WEIGHTS);
        assert!((like.score - 0.32).abs() < 1e-9, "{like:?}");
        assert_eq!(like.band, Band::Low);
        let hushed = Facts {
            hushed: true,
            ..facts(NotificationKind::Comment, 0.2, 0)
        };
        assert!((judge(&hushed, &WEIGHTS).kind - 0.07).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_score_lies_between_nothing_and_all_and_falls_with_age(
            kind in 0..NotificationKind::ALL.len(), relation in 0.0..1.0_f64, hours in 0..1000_u64,
        ) {
            let kind = NotificationKind::ALL[kind];
            let (now, later) = (judge(&facts(kind, relation, hours), &WEIGHTS), judge(&facts(kind, relation, hours + 1), &WEIGHTS));
            prop_assert!((0.0..=1.0).contains(&now.score));
            prop_assert!(later.score < now.score);
        }
    }
}
