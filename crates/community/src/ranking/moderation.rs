//! ALGO-5: how urgently a human should look at something. It orders the queue of
//! the moderators and opens cases; it decides nothing and hides nothing.
//!
//! `spam    = links · min(1, links / 3) + repetition · min(1, repeats / 3) + banned words · min(1, hits / 2)
//!          + capitals · (half of the letters or more) + haste · min(1, posts of the hour / 10)`
//! `part(c) = weight(c) · min(1, words(c) / 2 + reports(c))` for profanity, hate, spam, explicit, misinformation
//! `score   = min(1, the five parts + a new account + reports)`
//!
//! `reports(c)` counts a report of a trusted member as half, any other as a quarter:
//! two who are trusted say as much as a text can. Beside it each report adds to the
//! score, whatever its reason. A new account adds nothing by itself: only where
//! there is something else. A text is shown to a human above `moderation.review`,
//! or when its spam alone is above `moderation.spam`; what was reported always is.
//! The weights of the five parts add up to 1, and so do those of spam.

use super::Why;
use platform::config::Moderation;

/// What a text or its reports can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Profanity,
    Hate,
    Spam,
    Explicit,
    Misinformation,
}

/// Of one kind of harm: words in the text that stand for it, and who reported it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub words: i64,
    pub reports: i64,
    /// Reports of members who are trusted, beside the others.
    pub trusted: i64,
}

/// What is known of a text and of who wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    pub profanity: Marks,
    pub hate: Marks,
    /// `words` are banned words here.
    pub spam: Marks,
    pub explicit: Marks,
    pub misinformation: Marks,
    /// Reports whose reason is none of these.
    pub other_reports: i64,
    pub other_trusted: i64,
    pub links: i64,
    /// How often the author said the same lately, this time aside.
    pub repeats: i64,
    /// Most of its letters are capitals.
    pub shouted: bool,
    /// What the author wrote within the last hour.
    pub hourly: i64,
    pub new_account: bool,
}

impl Facts {
    pub fn marks(&mut self, harm: Harm) -> &mut Marks {
        match harm {
            Harm::Profanity => &mut self.profanity,
            Harm::Hate => &mut self.hate,
            Harm::Spam => &mut self.spam,
            Harm::Explicit => &mut self.explicit,
            Harm::Misinformation => &mut self.misinformation,
        }
    }

    fn reports(&self) -> f64 {
        let all = [
            self.profanity,
            self.hate,
            self.spam,
            self.explicit,
            self.misinformation,
            Marks {
                words: 0,
                reports: self.other_reports,
                trusted: self.other_trusted,
            },
        ];
        all.iter()
            .map(|marks| marks.reports as f64 + 2.0 * marks.trusted as f64)
            .sum()
    }
}

fn part(of: i64, full: f64) -> f64 {
    (of.max(0) as f64 / full).min(1.0)
}

/// How much the text looks like spam, 0 to 1, whatever was reported.
pub fn spam(weights: &Moderation, facts: &Facts) -> f64 {
    weights.spam_links * part(facts.links, 3.0)
        + weights.spam_repetition * part(facts.repeats, 3.0)
        + weights.spam_words * part(facts.spam.words, 2.0)
        + weights.spam_capitals * f64::from(u8::from(facts.shouted))
        + weights.spam_haste * part(facts.hourly, 10.0)
}

fn strength(marks: Marks) -> f64 {
    let reports = 0.25 * marks.reports as f64 + 0.5 * marks.trusted as f64;
    (part(marks.words, 2.0) + reports).min(1.0)
}

pub fn why(weights: &Moderation, facts: &Facts) -> Why {
    let spam_marks = Marks {
        words: 0,
        ..facts.spam
    };
    let spam = (spam(weights, facts) + strength(spam_marks)).min(1.0);
    let mut parts = vec![
        ("profanity", weights.profanity * strength(facts.profanity)),
        ("hate", weights.hate * strength(facts.hate)),
        ("spam_likely", weights.spam_part * spam),
        ("explicit", weights.explicit * strength(facts.explicit)),
        (
            "misinformation",
            weights.misinformation * strength(facts.misinformation),
        ),
        (
            "reported",
            (weights.report * facts.reports()).min(weights.reports_most),
        ),
    ];
    let found: f64 = parts.iter().map(|(_, share)| share).sum();
    if facts.new_account && found > 0.0 {
        parts.push(("new_account", weights.new_account));
    }
    let sum: f64 = parts.iter().map(|(_, share)| share).sum();
    // Together the parts are the score, so all shrink when they are more than it can be.
    let shrink = if sum > 1.0 { 1.0 / sum } else { 1.0 };
    Why::of(parts.into_iter().map(|(code, share)| (code, share * shrink)))
}

/// Whether a human should look at a text that nobody reported.
pub fn needs_a_human(weights: &Moderation, facts: &Facts) -> bool {
    why(weights, facts).score > weights.review || spam(weights, facts) > weights.spam
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights() -> Moderation {
        platform::Config::load(&platform::config::Sources::default())
            .unwrap()
            .0
            .moderation
    }

    fn score(facts: Facts) -> f64 {
        why(&weights(), &facts).score
    }

    fn words(words: i64) -> Marks {
        Marks {
            words,
            ..Marks::default()
        }
    }

    #[test]
    fn the_weights_add_up() {
        let w = weights();
        let harms = w.profanity + w.hate + w.spam_part + w.explicit + w.misinformation;
        let spam = w.spam_links + w.spam_repetition + w.spam_words + w.spam_capitals + w.spam_haste;
        assert!((harms - 1.0).abs() < 1e-9 && (spam - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_text_without_marks_is_left_alone() {
        let quiet = Facts {
            new_account: true,
            ..Facts::default()
        };
        assert!(score(quiet).abs() < f64::EPSILON, "being new is no harm");
        assert!(!needs_a_human(&weights(), &quiet));
        let talkative = Facts {
            links: 1,
            hourly: 3,
            ..quiet
        };
        assert!(!needs_a_human(&weights(), &talkative));
    }

    #[test]
    fn hate_weighs_most_and_each_input_moves_the_score_its_way() {
        let kinds = [
            Harm::Hate,
            Harm::Profanity,
            Harm::Spam,
            Harm::Explicit,
            Harm::Misinformation,
        ];
        let scores = kinds.map(|harm| {
            let mut facts = Facts::default();
            facts.marks(harm).trusted = 2;
            score(facts)
        });
        assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
        let base = Facts {
            links: 1,
            ..Facts::default()
        };
        for more in [
            Facts { links: 2, ..base },
            Facts { repeats: 1, ..base },
            Facts {
                shouted: true,
                ..base
            },
            Facts { hourly: 5, ..base },
            Facts {
                spam: words(1),
                ..base
            },
            Facts {
                hate: words(1),
                ..base
            },
            Facts {
                new_account: true,
                ..base
            },
            Facts {
                other_reports: 1,
                ..base
            },
        ] {
            assert!(score(more) > score(base), "{more:?}");
        }
        let (reported, trusted) = (
            Facts {
                other_reports: 1,
                ..base
            },
            Facts {
                other_trusted: 1,
                ..base
            },
        );
        assert!(
            score(trusted) > score(reported),
            "a trusted member's word weighs more"
        );
    }

    #[test]
    fn the_same_text_with_links_again_and_again_is_shown_to_a_human() {
        let advertising = Facts {
            links: 3,
            repeats: 3,
            spam: words(2),
            ..Facts::default()
        };
        assert!((spam(&weights(), &advertising) - 0.75).abs() < 1e-9);
        assert!(needs_a_human(&weights(), &advertising));
        let once = Facts {
            repeats: 0,
            ..advertising
        };
        assert!(!needs_a_human(&weights(), &once));
    }

    #[test]
    fn the_reasons_say_what_the_score_is_made_of() {
        let facts = Facts {
            hate: words(2),
            new_account: true,
            ..Facts::default()
        };
        let why = why(&weights(), &facts);
        let codes: Vec<_> = why.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, ["hate", "new_account"]);
        assert!((why.score - 0.5).abs() < 1e-9, "{}", why.score);
    }

    proptest! {
        #[test]
        fn a_score_lies_between_0_and_1(words in 0..100_i64, reports in 0..100_i64, trusted in 0..100_i64,
                                        links in 0..100_i64, repeats in 0..100_i64, hourly in 0..1000_i64,
                                        shouted: bool, new_account: bool) {
            let marks = Marks { words, reports, trusted };
            let facts = Facts { profanity: marks, hate: marks, spam: marks, explicit: marks, misinformation: marks,
                                other_reports: reports, other_trusted: trusted, links, repeats, shouted, hourly, new_account };
            let why = why(&weights(), &facts);
            prop_assert!((0.0..=1.000_001).contains(&why.score));
            prop_assert!(why.reasons.iter().all(|reason| reason.share > 0.0));
        }
    }
}
