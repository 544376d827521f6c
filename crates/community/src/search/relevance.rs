//! ALGO-4: how well a text answers what somebody looks for.
//!
//! | rule | points | when |
//! | --- | --- | --- |
//! | exact | 100 | the title is the query |
//! | prefix | 80 | the title begins with the query |
//! | whole word | 60 | every word of the query is a word of the text |
//! | contains | 40 | the query stands somewhere in the text |
//! | partial | 20 | some of its words do, or words that differ by a slip |
//!
//! The first rule that holds counts, whatever text it holds for: a title, or the
//! body for the last three. All texts are folded ([`base::fold`]), so accents, case
//! and symbols never matter. Pure: the same words give the same points.

use base::choice;
use platform::Config;
use schemars::JsonSchema;
use serde::Serialize;

choice! {
    /// Why something was found.
    pub enum Rule {
        Exact = "exact",
        Prefix = "prefix",
        WholeWord = "whole_word",
        Contains = "contains",
        Partial = "partial",
    }
}

/// Points of each rule, from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    pub exact: u32,
    pub prefix: u32,
    pub whole_word: u32,
    pub contains: u32,
    pub partial: u32,
}

impl Weights {
    pub fn of(config: &Config) -> Weights {
        let set = &config.search;
        Weights {
            exact: set.exact,
            prefix: set.prefix,
            whole_word: set.whole_word,
            contains: set.contains,
            partial: set.partial,
        }
    }

    fn points(&self, rule: Rule) -> u32 {
        match rule {
            Rule::Exact => self.exact,
            Rule::Prefix => self.prefix,
            Rule::WholeWord => self.whole_word,
            Rule::Contains => self.contains,
            Rule::Partial => self.partial,
        }
    }
}

/// Why something stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "SearchReason")]
pub struct Reason {
    pub rule: Rule,
    pub points: u32,
    /// The words of the text that were looked for, or are close to one.
    pub words: Vec<String>,
}

/// What somebody looks for: its folded words, each with the words close to it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub words: Vec<String>,
    /// For each word, known words that differ from it by a slip.
    pub close: Vec<Vec<String>>,
}

impl Wanted {
    pub fn phrase(&self) -> String {
        self.words.join(" ")
    }
}

/// Judges a text. `title` may hold several titles, a line each.
pub fn judge(wanted: &Wanted, title: &str, body: &str, weights: &Weights) -> Reason {
    let phrase = wanted.phrase();
    let words: Vec<&str> = title.split_whitespace().chain(body.split_whitespace()).collect();
    let whole = |word: &String| words.contains(&word.as_str());
    let rule = if title.lines().any(|title| title == phrase) {
        Rule::Exact
    } else if title.lines().any(|title| title.starts_with(&phrase)) {
        Rule::Prefix
    } else if wanted.words.iter().all(whole) {
        Rule::WholeWord
    } else if title.contains(&phrase) || body.contains(&phrase) {
        Rule::Contains
    } else {
        Rule::Partial
    };
    let mut found: Vec<String> = vec![];
    for (n, word) in wanted.words.iter().enumerate() {
        let close = wanted.close.get(n).map_or(&[][..], Vec::as_slice);
        let hit = words
            .iter()
            .find(|text| **text == word)
            .or_else(|| words.iter().find(|text| text.starts_with(word.as_str())))
            .or_else(|| words.iter().find(|text| close.iter().any(|close| close == *text)));
        if let Some(hit) = hit
            && !found.iter().any(|known| known == hit)
        {
            found.push((*hit).to_owned());
        }
    }
    Reason {
        rule,
        points: weights.points(rule),
        words: found,
    }
}

/// Whether two words differ by no more than a slip of the finger or two: one letter too many, too
/// few, another or exchanged with its neighbour; two of them in words of eight letters and more.
pub fn is_close(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let allowed = match a.len() {
        0..4 => return false,
        4..8 => 1,
        _ => 2,
    };
    if a.len().abs_diff(b.len()) > allowed {
        return false;
    }
    // Optimal string alignment, row by row.
    let mut before: Vec<usize> = vec![];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()] <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::fold;
    use proptest::prelude::*;

    const WEIGHTS: Weights = Weights {
        exact: 100,
        prefix: 80,
        whole_word: 60,
        contains: 40,
        partial: 20,
    };

    fn wanted(text: &str) -> Wanted {
        Wanted {
            words: fold(text).split(' ').map(str::to_owned).collect(),
            close: vec![],
        }
    }

    #[test]
    fn the_ladder_of_the_rules() {
        let points = |query: &str, title: &str, body: &str| {
            let lines: Vec<String> = title.lines().map(fold).collect();
            judge(&wanted(query), &lines.join("\n"), &fold(body), &WEIGHTS).points
        };
        assert_eq!(points("practica", "Práctica", ""), 100);
        assert_eq!(points("Práctica X", "practica x", ""), 100);
        assert_eq!(points("ana_m", "Ana María\nana_m", ""), 100);
        assert_eq!(points("practica", "Práctica del Sur", ""), 80);
        assert_eq!(points("sur", "Práctica del Sur", ""), 60);
        assert_eq!(points("sur practica", "Práctica del Sur", ""), 60);
        assert_eq!(points("sur", "Milonga", "Al sur de la ciudad"), 60);
        assert_eq!(points("tic", "Práctica del Sur", ""), 40);
        assert_eq!(points("sur malena", "Práctica del Sur", ""), 20);
    }

    #[test]
    fn it_says_which_words_were_found() {
        let mut query = wanted("milnga sur");
        query.close = vec![vec!["milonga".to_owned()], vec![]];
        let reason = judge(&query, "milonga del sur", "", &WEIGHTS);
        assert_eq!((reason.rule, reason.points), (Rule::Partial, 20));
        assert_eq!(reason.words, ["milonga", "sur"]);
    }

    #[test]
    fn slips_are_close_and_other_words_are_not() {
        for (a, b) in [
            ("milnga", "milonga"),
            ("milogna", "milonga"),
            ("milonha", "milonga"),
            ("encuentors", "encuentros"),
        ] {
            assert!(is_close(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("sur", "sus"),
            ("milonga", "malena"),
            ("tango", "mango lassi"),
            ("vals", "valses"),
        ] {
            assert!(!is_close(a, b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn closeness_is_mutual_for_words_of_a_length(a in "[a-d]{6}", b in "[a-d]{6}") {
            prop_assert_eq!(is_close(&a, &b), is_close(&b, &a));
            prop_assert!(is_close(&a, &a));
        }

        #[test]
        fn a_better_rule_never_gives_fewer_points(query in "[a-c ]{1,6}", title in "[a-c ]{0,12}") {
            prop_assume!(!fold(&query).is_empty());
            let reason = judge(&wanted(&query), &fold(&title), "", &WEIGHTS);
            prop_assert!((20..=100).contains(&reason.points));
            if fold(&title) == fold(&query) {
                prop_assert_eq!(reason.points, 100);
            }
        }
    }
}
