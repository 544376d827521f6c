//! Statement texts: written once as `$1` and `@community`, kept in each
//! database's own form from their first use on.

use crate::{CommunityId, Param};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

/// Stands where a statement means every community on purpose.
const EVERY_COMMUNITY: &str = "/* every community */";

/// One statement in the form of one database.
#[derive(Debug)]
pub(crate) struct Text {
    pub sql: String,
    /// True when the community is bound behind the last parameter.
    scoped: bool,
}

impl Text {
    pub fn bind(&self, mut params: Vec<Param>, community: CommunityId) -> Vec<Param> {
        if self.scoped {
            params.push(Param::Int(i64::from(community.0)));
        }
        params
    }
}

/// The texts that were used so far, by the address of the text in the program.
pub(crate) struct Texts {
    sign: char,
    known: RwLock<HashMap<(usize, usize), Arc<Text>>>,
    content_tables: OnceLock<HashSet<String>>,
}

impl Texts {
    pub fn new(sign: char) -> Texts {
        Texts {
            sign,
            known: RwLock::default(),
            content_tables: OnceLock::new(),
        }
    }

    /// From now on, statements on these tables must name the community.
    pub fn guard(&self, content_tables: HashSet<String>) {
        let _ = self.content_tables.set(content_tables);
    }

    pub fn get(&self, sql: &'static str) -> Arc<Text> {
        let key = (sql.as_ptr() as usize, sql.len());
        if let Some(text) = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return text.clone();
        }
        if cfg!(debug_assertions)
            && let Some(table) = self.unscoped(sql)
        {
            panic!("the statement reads or writes {table:?} but not @community: {sql}");
        }
        let text = Arc::new(translate(sql, self.sign));
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, text.clone());
        text
    }

    /// What was used so far, in the form of this database.
    pub fn used(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|text| text.sql.clone()).collect()
    }

    fn unscoped(&self, sql: &str) -> Option<&str> {
        if sql.contains("@community") || sql.contains(EVERY_COMMUNITY) {
            return None;
        }
        let tables = self.content_tables.get()?;
        let mut words = sql
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .peekable();
        while let Some(word) = words.next() {
            let names_a_table = ["FROM", "JOIN", "INTO", "UPDATE"]
                .iter()
                .any(|verb| word.eq_ignore_ascii_case(verb));
            if names_a_table && let Some(table) = words.peek().and_then(|name| tables.get(*name)) {
                return Some(table);
            }
        }
        None
    }
}

fn translate(sql: &str, sign: char) -> Text {
    let count = sql
        .split('$')
        .skip(1)
        .filter_map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()
        })
        .max()
        .unwrap_or(0);
    let community = format!("{sign}{}", count + 1);
    Text {
        scoped: sql.contains("@community"),
        sql: sql
            .replace('$', &sign.to_string())
            .replace("@community", &community),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_each_databases_form() {
        let sql = "SELECT a FROM t WHERE b = $2 AND c = $1 AND community_id = @community";
        assert_eq!(
            translate(sql, '?').sql,
            "SELECT a FROM t WHERE b = ?2 AND c = ?1 AND community_id = ?3"
        );
        let text = translate(sql, '$');
        assert_eq!(text.sql, sql.replace("@community", "$3"));
        assert_eq!(text.bind(vec![], CommunityId(7)), [Param::Int(7)]);
        assert!(translate("SELECT 1", '$').bind(vec![], CommunityId(7)).is_empty());
    }

    #[test]
    #[should_panic(expected = "but not @community")]
    fn a_statement_on_content_names_the_community() {
        let texts = Texts::new('$');
        texts.guard(["post".to_owned()].into());
        texts.get("SELECT /* every community */ count(*) FROM post");
        texts.get("SELECT id FROM post");
    }
}
