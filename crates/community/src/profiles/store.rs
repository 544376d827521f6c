use super::{About, ExperienceKind, ExperiencePage, MemberProfile, Privacy, Profile, experience::Experience};
use accounts::MemberId;
use base::{
    Paging, Result, Timestamp,
    error::{internal, not_found},
};
use db::{Executor, Row, Tx, params};
use serde_json::json;

/// Whether the reader (`$1`) may see a part of the profile `q`. Without a row everything is public.
macro_rules! shows {
    ($part:literal) => {
        concat!(
            "(q.member_id = $1 OR CASE coalesce(q.privacy ->> '",
            $part,
            "', 'public') WHEN 'public' THEN TRUE
                WHEN 'friends' THEN EXISTS (SELECT 1 FROM friend qf WHERE qf.community_id = @community
                    AND qf.member_id = $1 AND qf.friend_id = q.member_id)
                ELSE FALSE END)"
        )
    };
}

pub(crate) use shows;

pub(crate) fn profile(row: &Row<'_>) -> Result<Profile> {
    Ok(Profile {
        id: row.get(0)?,
        username: row.get(1)?,
        display_name: row.get(2)?,
        created_at: row.get(3)?,
        follower_count: row.get(4)?,
        following_count: row.get(5)?,
        followed_by_me: row.get(6)?,
        is_verified: row.get(7)?,
    })
}

/// What `about()` reads of the profile `q` for the reader `$1`.
macro_rules! about_columns {
    () => {
        concat!(
            "CASE WHEN ",
            shows!("bio"),
            " THEN q.bio END, CASE WHEN ",
            shows!("occupation"),
            " THEN q.occupation END, CASE WHEN ",
            shows!("city"),
            " THEN q.city END, CASE WHEN ",
            shows!("city"),
            " THEN q.country END, CASE WHEN ",
            shows!("languages"),
            " THEN q.languages END, CASE WHEN ",
            shows!("tango_roles"),
            " THEN q.tango_roles END, CASE WHEN ",
            shows!("levels"),
            " THEN q.leader_level END, CASE WHEN ",
            shows!("levels"),
            " THEN q.follower_level END, CASE WHEN ",
            shows!("dancing_since"),
            " THEN q.dancing_since END"
        )
    };
}

fn about(row: &Row<'_>, first: usize) -> Result<About> {
    let text = |at: usize| -> Result<Option<String>> {
        Ok(row
            .get::<Option<String>>(first + at)?
            .filter(|text| !text.is_empty()))
    };
    let (languages, roles) = (text(4)?.unwrap_or_default(), text(5)?.unwrap_or_default());
    Ok(About {
        bio: text(0)?,
        occupation: text(1)?,
        city: text(2)?,
        country: text(3)?,
        languages: languages.split_whitespace().map(str::to_owned).collect(),
        tango_roles: roles
            .split_whitespace()
            .filter_map(super::TangoRole::parse)
            .collect(),
        leader_level: row.get(first + 6)?,
        follower_level: row.get(first + 7)?,
        dancing_since: row.get(first + 8)?,
        years_of_dancing: None,
    })
}

macro_rules! page {
    ($which:literal) => {
        concat!(
            "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                    f.follower_id IS NOT NULL, m.verified_at IS NOT NULL, m.friend_count,
                    CASE WHEN m.id = $1 THEN 'oneself'
                         WHEN EXISTS (SELECT 1 FROM friend x WHERE x.community_id = @community
                             AND x.member_id = $1 AND x.friend_id = m.id) THEN 'friends'
                         WHEN EXISTS (SELECT 1 FROM friend_request x WHERE x.community_id = @community
                             AND x.sender_id = $1 AND x.receiver_id = m.id AND x.status <> 'accepted') THEN 'asked'
                         WHEN EXISTS (SELECT 1 FROM friend_request x WHERE x.community_id = @community
                             AND x.sender_id = m.id AND x.receiver_id = $1
                             AND x.status IN ('pending', 'snoozed')) THEN 'asks_me'
                         ELSE 'none' END, ",
            about_columns!(),
            " FROM member m LEFT JOIN follow f
                  ON f.community_id = @community AND f.follower_id = $1 AND f.followee_id = m.id
              LEFT JOIN profile q ON q.community_id = @community AND q.member_id = m.id
              WHERE ",
            $which,
            " AND m.status = 'active'
                  AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                  AND b.member_id = $1 AND b.other_id = m.id)"
        )
    };
}

/// A member's page as the reader may see it: by id, or by user name in lower case.
pub async fn find(
    db: &impl Executor,
    reader: MemberId,
    name: &str,
    now: Timestamp,
) -> Result<Option<MemberProfile>> {
    fn read(row: &Row<'_>) -> Result<MemberProfile> {
        Ok(MemberProfile {
            member: profile(row)?,
            friend_count: row.get(8)?,
            friendship: row.get(9)?,
            about: about(row, 10)?,
            experiences: vec![],
        })
    }
    let found = match name.parse::<MemberId>() {
        Ok(id) => db.one(page!("m.id = $2"), params![reader, id], read).await?,
        Err(_) => {
            db.one(
                page!("m.username = $2"),
                params![reader, name.to_lowercase()],
                read,
            )
            .await?
        }
    };
    let Some(mut found) = found else { return Ok(None) };
    found.about = found.about.at(now);
    found.experiences = experiences(db, reader, found.member.id).await?;
    Ok(Some(found))
}

/// Of which kinds the member has pages that the reader may see.
pub async fn experiences(
    db: &impl Executor,
    reader: MemberId,
    member: MemberId,
) -> Result<Vec<ExperienceKind>> {
    const SQL: &str = concat!(
        "SELECT e.kind FROM experience e
         LEFT JOIN profile q ON q.community_id = @community AND q.member_id = e.member_id
         WHERE e.community_id = @community AND e.member_id = $2 AND (e.member_id = $1 OR ",
        shows!("experiences"),
        ") ORDER BY e.kind"
    );
    db.all(SQL, params![reader, member], |row| row.get(0)).await
}

/// A page, when the reader may see it. Whether they may know the member has been asked.
pub async fn experience(
    db: &impl Executor,
    reader: MemberId,
    member: MemberId,
    kind: ExperienceKind,
) -> Result<Option<Experience>> {
    const SQL: &str = concat!(
        "SELECT e.kind, e.page, e.updated_at FROM experience e
         LEFT JOIN profile q ON q.community_id = @community AND q.member_id = e.member_id
         WHERE e.community_id = @community AND e.member_id = $2 AND e.kind = $3 AND (e.member_id = $1 OR ",
        shows!("experiences"),
        ")"
    );
    db.one(SQL, params![reader, member, kind], |row| {
        let page: serde_json::Value = row.get(1)?;
        Ok(Experience {
            kind: row.get(0)?,
            page: serde_json::from_value(page).map_err(internal)?,
            updated_at: row.get(2)?,
        })
    })
    .await
}

pub async fn put_experience(
    tx: &Tx,
    member: MemberId,
    kind: ExperienceKind,
    page: &ExperiencePage,
    now: Timestamp,
) -> Result<()> {
    let page = serde_json::to_value(page).map_err(internal)?;
    tx.execute(
        "INSERT INTO experience (community_id, member_id, kind, page, updated_at)
         VALUES (@community, $1, $2, $3, $4)
         ON CONFLICT (community_id, member_id, kind)
             DO UPDATE SET page = excluded.page, updated_at = excluded.updated_at",
        params![member, kind, page, now],
    )
    .await
    .map(drop)
}

pub async fn delete_experience(tx: &Tx, member: MemberId, kind: ExperienceKind) -> Result<()> {
    tx.execute(
        "DELETE FROM experience WHERE community_id = @community AND member_id = $1 AND kind = $2",
        params![member, kind],
    )
    .await
    .map(drop)
}

/// What the member says of themselves, to whom, and the version of it; 0 before anything was said.
pub async fn own(db: &impl Executor, member: MemberId, now: Timestamp) -> Result<(About, Privacy, i64)> {
    const SQL: &str = concat!(
        "SELECT ",
        about_columns!(),
        ", q.privacy, q.version FROM profile q WHERE q.community_id = @community AND q.member_id = $1"
    );
    let found = db
        .one(SQL, params![member], |row| {
            let privacy: serde_json::Value = row.get(9)?;
            let privacy = serde_json::from_value(privacy).map_err(internal)?;
            Ok((about(row, 0)?, privacy, row.get(10)?))
        })
        .await?;
    let (about, privacy, version): (About, Privacy, i64) = found.unwrap_or_default();
    Ok((about.at(now), privacy, version))
}

/// Writes the profile over the version that was seen; false when it has another one by now.
pub async fn put(
    tx: &Tx,
    member: MemberId,
    about: &About,
    privacy: &Privacy,
    seen: i64,
    now: Timestamp,
) -> Result<bool> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let roles: Vec<&str> = about.tango_roles.iter().map(|role| role.as_str()).collect();
    let count = tx
        .execute(
            "INSERT INTO profile (community_id, member_id, bio, occupation, city, country, languages, tango_roles,
                                  leader_level, follower_level, dancing_since, privacy, updated_at)
             VALUES (@community, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (community_id, member_id) DO UPDATE SET bio = excluded.bio,
                 occupation = excluded.occupation, city = excluded.city, country = excluded.country,
                 languages = excluded.languages, tango_roles = excluded.tango_roles,
                 leader_level = excluded.leader_level, follower_level = excluded.follower_level,
                 dancing_since = excluded.dancing_since, privacy = excluded.privacy,
                 updated_at = excluded.updated_at, version = profile.version + 1
             WHERE profile.version = $13",
            params![
                member,
                text(&about.bio),
                text(&about.occupation),
                text(&about.city),
                text(&about.country),
                about.languages.join(" "),
                roles.join(" "),
                about.leader_level,
                about.follower_level,
                about.dancing_since,
                json!(privacy),
                now,
                seen
            ],
        )
        .await?;
    Ok(count > 0)
}

/// Members whose names contain the text, the newest first.
pub async fn search(db: &impl Executor, reader: MemberId, text: &str, page: Paging) -> Result<Vec<Profile>> {
    let pattern = format!("%{}%", escape(&text.to_lowercase()));
    let sql = "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                      f.follower_id IS NOT NULL, m.verified_at IS NOT NULL
               FROM member m LEFT JOIN follow f
                   ON f.community_id = @community AND f.follower_id = $1 AND f.followee_id = m.id
               WHERE m.id < $2 AND m.status = 'active'
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.id)
                   AND (m.username LIKE $3 ESCAPE '!' OR lower(m.display_name) LIKE $3 ESCAPE '!')
               ORDER BY m.id DESC LIMIT $4";
    db.all(
        sql,
        params![reader, page.before(), pattern, page.fetch()],
        profile,
    )
    .await
}

/// Whether the reader may know that the member is there.
pub async fn is_visible(db: &impl Executor, reader: MemberId, id: MemberId) -> Result<bool> {
    let sql = "SELECT 1 FROM member m WHERE m.id = $2 AND m.status = 'active'
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.id)";
    Ok(db.one(sql, params![reader, id], |_| Ok(())).await?.is_some())
}

/// Locks two members, always in the order of their ids: whatever is decided about
/// the two of them is decided one after the other.
pub async fn lock_pair(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    let sql = tx.pick(
        "SELECT id FROM member WHERE id IN ($1, $2) AND status = 'active'",
        "SELECT id FROM member WHERE id IN ($1, $2) AND status = 'active' ORDER BY id FOR NO KEY UPDATE",
    );
    let found = tx.all(sql, params![one, other], |_| Ok(())).await?;
    if found.len() < 2 {
        return Err(not_found("member"));
    }
    Ok(())
}

/// The member's own city as they wrote it; empty when they did not.
pub async fn city(db: &impl Executor, member: MemberId) -> Result<String> {
    let sql = "SELECT city FROM profile WHERE community_id = @community AND member_id = $1";
    Ok(db
        .one(sql, params![member], |row| row.get(0))
        .await?
        .unwrap_or_default())
}

/// Text that LIKE takes literally.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(c);
        out
    })
}
