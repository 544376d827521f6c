//! What a text and its author give ALGO-5 to weigh. Pure, but for the counts it is handed.

use crate::{
    ranking::moderation::{Facts, Harm},
    reports::Reason,
};
use base::fold;
use platform::config::Moderation;

/// What the text alone says.
pub fn of_text(settings: &Moderation, text: &str) -> Facts {
    let folded = fold(text);
    let hits = |list: &str| -> i64 {
        let banned: Vec<String> = list.split_whitespace().map(fold).collect();
        let words = folded.split(|c: char| !c.is_alphanumeric());
        words
            .filter(|word| banned.iter().any(|banned| banned == word))
            .count() as i64
    };
    let mut facts = Facts {
        links: ["http://", "https://", "www."]
            .iter()
            .map(|start| text.to_lowercase().matches(start).count() as i64)
            .sum(),
        shouted: is_shouted(text),
        ..Facts::default()
    };
    for (harm, list) in [
        (Harm::Profanity, &settings.profanity_words),
        (Harm::Hate, &settings.hate_words),
        (Harm::Spam, &settings.banned_words),
        (Harm::Explicit, &settings.explicit_words),
    ] {
        facts.marks(harm).words = hits(list);
    }
    facts
}

/// Half of at least twelve letters are capitals, of those that have a case at all.
fn is_shouted(text: &str) -> bool {
    let (mut upper, mut lower) = (0, 0);
    for letter in text.chars() {
        upper += i32::from(letter.is_uppercase());
        lower += i32::from(letter.is_lowercase());
    }
    upper + lower >= 12 && upper >= lower
}

/// Adds what members reported: how many for each reason, and how many of them are trusted.
pub fn add_reports(facts: &mut Facts, reports: &[(Reason, i64, i64)]) {
    for (reason, count, trusted) in reports {
        let others = count - trusted;
        let harm = match reason {
            Reason::Spam => Harm::Spam,
            Reason::Harassment => Harm::Profanity,
            Reason::Hate | Reason::Violence => Harm::Hate,
            Reason::Nudity => Harm::Explicit,
            Reason::Misinformation => Harm::Misinformation,
            Reason::Impersonation | Reason::Other => {
                facts.other_reports += others;
                facts.other_trusted += trusted;
                continue;
            }
        };
        let marks = facts.marks(harm);
        marks.reports += others;
        marks.trusted += trusted;
    }
}

/// The same with the worst that the author's history could add: who is fine so needs no look into it.
pub fn at_worst(facts: &Facts) -> Facts {
    Facts {
        repeats: 100,
        hourly: 100,
        new_account: true,
        ..*facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Moderation {
        platform::Config::load(&platform::config::Sources::default())
            .unwrap()
            .0
            .moderation
    }

    #[test]
    fn links_capitals_and_banned_words_are_found_however_they_are_written() {
        let facts = of_text(
            &settings(),
            "BUY at HTTPS://a.example and www.b.example, VIÁGRA viagra!",
        );
        assert_eq!((facts.links, facts.spam.words), (2, 2));
        assert!(
            !of_text(&settings(), "GRACIAS a todos los que vinieron").shouted,
            "half is not reached"
        );
        assert!(of_text(&settings(), "VENGAN TODOS A BAILAR").shouted);
        assert!(!of_text(&settings(), "OK!").shouted, "a short cry is no shouting");
        assert_eq!(
            of_text(&settings(), "Viagrada").spam.words,
            0,
            "a part of a word is another word"
        );
    }

    #[test]
    fn reports_count_for_what_they_are_about() {
        let mut facts = Facts::default();
        add_reports(
            &mut facts,
            &[
                (Reason::Hate, 3, 1),
                (Reason::Violence, 1, 0),
                (Reason::Other, 2, 2),
            ],
        );
        assert_eq!((facts.hate.reports, facts.hate.trusted), (3, 1));
        assert_eq!((facts.other_reports, facts.other_trusted), (0, 2));
    }
}
