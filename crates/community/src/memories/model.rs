use base::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// One memory, as far as it is counted.
#[derive(Clone, Debug)]
pub struct Memory {
    pub created_at: Timestamp,
    pub likes: i64,
    pub comments: i64,
    pub shares: i64,
    pub emotions: String,
    pub hashtags: String,
    pub place: Option<String>,
}

/// How often a word was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WordCount")]
pub struct Count {
    pub name: String,
    pub count: i64,
}

/// What one's memories add up to.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct MemoryStats {
    pub memory_count: i64,
    pub like_count: i64,
    pub comment_count: i64,
    pub share_count: i64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Memories in each month (`2026-11`) that has some, the oldest first.
    pub months: Vec<Count>,
    /// The most frequent first; ten of each at most.
    pub emotions: Vec<Count>,
    pub hashtags: Vec<Count>,
    pub places: Vec<Count>,
}

/// How many of each are told.
const MOST: usize = 10;

impl MemoryStats {
    /// Adds up memories, the oldest first.
    pub fn of(memories: &[Memory]) -> MemoryStats {
        let (mut months, mut emotions, mut hashtags, mut places) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let count =
            |all: &mut BTreeMap<String, i64>, name: &str| *all.entry(name.to_owned()).or_default() += 1;
        let mut stats = MemoryStats {
            memory_count: memories.len() as i64,
            first_at: memories.first().map(|memory| memory.created_at),
            last_at: memories.last().map(|memory| memory.created_at),
            ..MemoryStats::default()
        };
        for memory in memories {
            stats.like_count += memory.likes;
            stats.comment_count += memory.comments;
            stats.share_count += memory.shares;
            count(&mut months, &memory.created_at.to_string()[..7]);
            memory
                .emotions
                .split_whitespace()
                .for_each(|word| count(&mut emotions, word));
            memory
                .hashtags
                .split_whitespace()
                .for_each(|word| count(&mut hashtags, word));
            memory.place.iter().for_each(|place| count(&mut places, place));
        }
        stats.months = months
            .into_iter()
            .map(|(name, count)| Count { name, count })
            .collect();
        (stats.emotions, stats.hashtags, stats.places) = (most(emotions), most(hashtags), most(places));
        stats
    }
}

fn most(all: BTreeMap<String, i64>) -> Vec<Count> {
    let mut all: Vec<Count> = all
        .into_iter()
        .map(|(name, count)| Count { name, count })
        .collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    all.truncate(MOST);
    all
}
