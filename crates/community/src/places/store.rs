use super::{Place, PlaceId, PlaceKind, Rating, model::score};
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp, page::TimeCursor};
use db::{Executor, OrConflict, Row, Tx, params};

/// Places as `$1` sees them.
macro_rules! places {
    ($($rest:literal),*) => {
        concat!(
            "SELECT p.id, p.name, p.kind, p.description, p.address, p.city, p.country, p.latitude, p.longitude,
                    p.website, p.rating_sum, p.rating_count, p.score, p.version, p.created_at, p.edited_at,
                    p.withheld_at IS NOT NULL, coalesce(p.created_by = $1, FALSE), mine.stars, ", author_columns!("m"), " FROM place p
             LEFT JOIN place_rating mine ON mine.place_id = p.id AND mine.member_id = $1
             LEFT JOIN member m ON m.id = p.created_by AND m.status = 'active'
                 AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                 AND b.member_id = $1 AND b.other_id = p.created_by)
             WHERE p.community_id = @community ", $($rest),*
        )
    };
}

fn place(row: &Row<'_>) -> Result<Place> {
    let (sum, count): (i64, i64) = (row.get(10)?, row.get(11)?);
    Ok(Place {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        description: row.get(3)?,
        address: row.get(4)?,
        city: row.get(5)?,
        country: row.get(6)?,
        latitude: row.get(7)?,
        longitude: row.get(8)?,
        website: row.get(9)?,
        rating: (count > 0).then(|| (sum as f64 / count as f64 * 100.0).round() / 100.0),
        rating_count: count,
        score: row.get(12)?,
        version: row.get(13)?,
        created_at: row.get(14)?,
        edited_at: row.get(15)?,
        is_withheld: row.get(16)?,
        is_mine: row.get(17)?,
        my_stars: row.get(18)?,
        recommended_by: Author::maybe_at(row, 19)?,
        photos: vec![],
    })
}

/// Whether the reader may see it is asked of `policy`.
pub async fn find(db: &impl Executor, reader: MemberId, id: PlaceId) -> Result<Option<Place>> {
    db.one(places!("AND p.id = $2"), params![reader, id], place).await
}

/// Who recommended it, whoever asks; none when they have left.
pub async fn author_of(db: &impl Executor, id: PlaceId) -> Result<Option<MemberId>> {
    let sql = "SELECT created_by FROM place WHERE id = $1 AND community_id = @community";
    Ok(db.one(sql, params![id], |row| row.get(0)).await?.flatten())
}

/// The best first, behind a place in the list.
pub async fn list(
    db: &impl Executor,
    reader: MemberId,
    city: Option<&str>,
    kind: Option<PlaceKind>,
    behind: TimeCursor,
    limit: i64,
) -> Result<Vec<Place>> {
    let TimeCursor(points, id) = behind;
    let kind = kind.map_or("", PlaceKind::as_str);
    let Some(city) = city else {
        let sql = places!(
            "AND (p.withheld_at IS NULL OR p.created_by = $1) AND ($2 = '' OR p.kind = $2)
             AND (p.score, p.id) < ($3, $4) ORDER BY p.score DESC, p.id DESC LIMIT $5"
        );
        return db
            .all(sql, params![reader, kind, points.as_micros(), id, limit], place)
            .await;
    };
    let sql = places!(
        "AND (p.withheld_at IS NULL OR p.created_by = $1) AND ($2 = '' OR p.kind = $2)
         AND (p.score, p.id) < ($3, $4) AND p.city = $6 ORDER BY p.score DESC, p.id DESC LIMIT $5"
    );
    db.all(
        sql,
        params![reader, kind, points.as_micros(), id, limit, city],
        place,
    )
    .await
}

/// What makes a place, or what it is to be.
#[derive(Clone, Debug)]
pub struct Facts {
    pub slug: String,
    pub name: String,
    pub kind: PlaceKind,
    pub description: String,
    pub address: String,
    pub city: String,
    pub country: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub website: Option<String>,
}

pub async fn insert(tx: &Tx, id: PlaceId, by: MemberId, new: &Facts, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO place (id, community_id, slug, name, kind, description, address, city, country, latitude,
                            longitude, website, score, created_by, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            id,
            new.slug,
            new.name,
            new.kind,
            new.description,
            new.address,
            new.city,
            new.country,
            new.latitude,
            new.longitude,
            new.website,
            score(0, 0),
            by,
            now
        ],
    )
    .await
    .map(drop)
    .or_conflict("place_community_id_slug_key", "place_is_there")
}

/// False when it has another version by now.
pub async fn update(tx: &Tx, id: PlaceId, version: i64, new: &Facts, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE place SET slug = $1, name = $2, kind = $3, description = $4, address = $5, city = $6, country = $7,
                 latitude = $8, longitude = $9, website = $10, edited_at = $11, version = version + 1
             WHERE id = $12 AND version = $13 AND community_id = @community",
            params![
                new.slug,
                new.name,
                new.kind,
                new.description,
                new.address,
                new.city,
                new.country,
                new.latitude,
                new.longitude,
                new.website,
                now,
                id,
                version
            ],
        )
        .await
        .or_conflict("place_community_id_slug_key", "place_is_there")?;
    Ok(count > 0)
}

pub async fn delete(tx: &Tx, id: PlaceId) -> Result<()> {
    tx.execute(
        "DELETE FROM place WHERE id = $1 AND community_id = @community",
        params![id],
    )
    .await
    .map(drop)
}

/// Hides it from all but its author and staff, or shows it again; false when it is not there.
pub async fn withhold(tx: &Tx, id: PlaceId, at: Option<Timestamp>) -> Result<bool> {
    let sql = "UPDATE place SET withheld_at = $1 WHERE id = $2 AND community_id = @community";
    Ok(tx.execute(sql, params![at, id]).await? > 0)
}

/// Locks the place's row: who rates it waits here, in one order.
pub async fn lock(tx: &Tx, id: PlaceId) -> Result<()> {
    let sql = tx.pick(
        "SELECT 1 FROM place WHERE id = $1 AND community_id = @community",
        "SELECT 1 FROM place WHERE id = $1 AND community_id = @community FOR NO KEY UPDATE",
    );
    tx.one(sql, params![id], |_| Ok(())).await.map(drop)
}

/// What a member thinks of it from now on; its row is locked.
pub async fn put_rating(
    tx: &Tx,
    id: PlaceId,
    member: MemberId,
    stars: i64,
    body: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO place_rating (community_id, place_id, member_id, stars, body, created_at)
         VALUES (@community, $1, $2, $3, $4, $5)
         ON CONFLICT (place_id, member_id) DO UPDATE SET stars = excluded.stars, body = excluded.body, edited_at = $5",
        params![id, member, stars as i32, body.to_owned(), now],
    )
    .await?;
    count(tx, id).await
}

pub async fn delete_rating(tx: &Tx, id: PlaceId, member: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM place_rating WHERE place_id = $1 AND member_id = $2 AND community_id = @community",
        params![id, member],
    )
    .await?;
    count(tx, id).await
}

/// The sum, the count and the score are those of the ratings. The place's row is locked.
async fn count(tx: &Tx, id: PlaceId) -> Result<()> {
    let sql = "SELECT coalesce(sum(stars), 0), count(*) FROM place_rating
               WHERE place_id = $1 AND community_id = @community";
    let counted = tx.one(sql, params![id], |row| Ok((row.get(0)?, row.get(1)?)));
    let (sum, count) = counted.await?.unwrap_or((0, 0));
    tx.execute(
        "UPDATE place SET rating_sum = $1, rating_count = $2, score = $3 WHERE id = $4 AND community_id = @community",
        params![sum, count, score(sum, count), id],
    )
    .await
    .map(drop)
}

/// What members think of it, by member, the newest member first; without those the reader has nothing
/// to do with.
pub async fn list_ratings(
    db: &impl Executor,
    reader: MemberId,
    id: PlaceId,
    page: Paging,
) -> Result<Vec<Rating>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", r.stars, r.body, r.created_at,
                      r.edited_at
               FROM place_rating r JOIN member m ON m.id = r.member_id AND m.status = 'active'
               WHERE r.community_id = @community AND r.place_id = $2 AND r.member_id < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = r.member_id)
               ORDER BY r.member_id DESC LIMIT $4"
    );
    db.all(sql, params![reader, id, page.before(), page.fetch()], |row| {
        Ok(Rating {
            member: Author::at(row, 0)?,
            stars: row.get(4)?,
            body: row.get(5)?,
            created_at: row.get(6)?,
            edited_at: row.get(7)?,
        })
    })
    .await
}

/// Takes back some ratings of a member who leaves; says how many.
pub async fn forget_ratings(tx: &Tx, member: MemberId) -> Result<u64> {
    let sql = "SELECT place_id FROM place_rating WHERE community_id = @community AND member_id = $1
               ORDER BY place_id LIMIT 100";
    let places: Vec<PlaceId> = tx.all(sql, params![member], |row| row.get(0)).await?;
    for id in &places {
        lock(tx, *id).await?;
        delete_rating(tx, *id, member).await?;
    }
    Ok(places.len() as u64)
}

/// A member leaves, whose ratings are gone already: places that others have rated stay, without what
/// they said of it, the others go. Says which stay: some of them, until there are none.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<Vec<PlaceId>> {
    let sql = "DELETE FROM place WHERE created_by = $1 AND rating_count = 0 AND community_id = @community";
    tx.execute(sql, params![member]).await?;
    let sql = "UPDATE place SET created_by = NULL, description = '' WHERE community_id = @community AND id IN (
                   SELECT id FROM place WHERE created_by = $1 AND community_id = @community ORDER BY id LIMIT 100)
               RETURNING id";
    tx.all(sql, params![member], |row| row.get(0)).await
}
