//! Both migrations of a pair give the same schema.

use crate::{empty_postgres, empty_sqlite, postgres, sqlite};
use db::{Db, Executor, params};
use std::collections::BTreeSet;

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let (sqlite, postgres) = (sqlite().await, postgres().await);
    let columns = columns(&sqlite.db).await;
    assert!(columns.len() > 50, "the schema is read: {columns:?}");
    assert_eq!(columns, self::columns(&postgres.db).await);
    let keys = keys(&sqlite.db).await;
    assert!(keys.iter().any(|key| key == "member unique (email)"), "{keys:?}");
    assert_eq!(keys, self::keys(&postgres.db).await);
    let indexes = indexes(&sqlite.db).await;
    assert!(indexes.contains("post_author on post"), "{indexes:?}");
    assert_eq!(indexes, self::indexes(&postgres.db).await);
    let links = links(&sqlite.db).await;
    assert!(links.contains("post.author_id -> member CASCADE"), "{links:?}");
    assert_eq!(links, self::links(&postgres.db).await);
}

async fn texts(db: &Db, sqlite: &'static str, postgres: &'static str) -> BTreeSet<String> {
    let sql = db.pick(sqlite, postgres);
    let rows = db.all(sql, vec![], |row| row.get::<String>(0)).await.unwrap();
    // Full text has no common form: tables of FTS5 here, a column of tsvector there.
    rows.into_iter()
        .filter(|row| !row.contains("search_text"))
        .collect()
}

async fn columns(db: &Db) -> BTreeSet<String> {
    texts(
        db,
        "SELECT m.name || '.' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" OR c.pk THEN ' required' ELSE '' END
         FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'schema_migration'",
        "SELECT table_name || '.' || column_name || ' ' || CASE data_type
             WHEN 'uuid' THEN 'BLOB' WHEN 'bytea' THEN 'BLOB'
             WHEN 'text' THEN 'TEXT' WHEN 'jsonb' THEN 'TEXT'
             WHEN 'double precision' THEN 'REAL'
             WHEN 'bigint' THEN 'INTEGER' WHEN 'integer' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER'
             WHEN 'timestamp with time zone' THEN 'INTEGER' WHEN 'xid8' THEN 'INTEGER'
             ELSE data_type END || CASE is_nullable WHEN 'NO' THEN ' required' ELSE '' END
         FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name <> 'schema_migration'",
    )
    .await
}

async fn keys(db: &Db) -> BTreeSet<String> {
    texts(
        db,
        "SELECT m.name || CASE i.origin WHEN 'pk' THEN ' primary (' ELSE ' unique (' END
             || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
         FROM sqlite_master m, pragma_index_list(m.name) i
         WHERE m.type = 'table' AND i.origin IN ('u', 'pk') AND m.name <> 'schema_migration'
         UNION
         SELECT m.name || ' primary (' || c.name || ')' FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER' AND m.name NOT LIKE 'sqlite_%'
             AND m.name <> 'schema_migration'
             AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) i WHERE i.origin = 'pk')",
        "SELECT c.conrelid::regclass || CASE c.contype WHEN 'p' THEN ' primary (' ELSE ' unique (' END
             || (SELECT string_agg(a.attname, ',' ORDER BY k.n)
                 FROM unnest(c.conkey) WITH ORDINALITY k(attnum, n)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) || ')'
         FROM pg_constraint c JOIN pg_namespace s ON s.oid = c.connamespace
         WHERE c.contype IN ('p', 'u') AND s.nspname = current_schema()
             AND c.conrelid <> 'schema_migration'::regclass",
    )
    .await
}

async fn indexes(db: &Db) -> BTreeSet<String> {
    texts(
        db,
        "SELECT name || ' on ' || tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        "SELECT i.indexname || ' on ' || i.tablename FROM pg_indexes i
         WHERE i.schemaname = current_schema()
             AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
    )
    .await
}

async fn links(db: &Db) -> BTreeSet<String> {
    texts(
        db,
        "SELECT m.name || '.' || f.\"from\" || ' -> ' || f.\"table\" || ' ' || f.on_delete
         FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        "SELECT c.conrelid::regclass || '.' || a.attname || ' -> ' || c.confrelid::regclass || ' '
             || CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END
         FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         JOIN pg_namespace s ON s.oid = c.connamespace
         WHERE c.contype = 'f' AND s.nspname = current_schema()",
    )
    .await
}

async fn batch(db: &Db, text: &'static str) {
    db.write(move |tx| async move { tx.batch(text).await })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_roles_of_old_members_are_kept() {
    for fixture in [empty_sqlite().await, empty_postgres().await] {
        let db = &fixture.db;
        let before = db::migrate::migrations();
        let at = before
            .iter()
            .position(|migration| migration.name == "roles")
            .unwrap();
        for migration in &before[..at] {
            batch(db, db.pick(migration.sqlite, migration.postgres)).await;
        }
        let roles = ["member", "moderator", "admin", "super_admin"];
        for (n, role) in roles.into_iter().enumerate() {
            let id = uuid::Uuid::from_u128(n as u128);
            let now = base::Timestamp::from_micros(1_790_000_000_000_000);
            let insert = "INSERT INTO member (id, email, username, display_name, password_hash, role, created_at, updated_at)
                          VALUES ($1, $2, $2, $2, '', $2, $3, $3)";
            let done = db.write(move |tx| async move { tx.execute(insert, params![id, role, now]).await });
            done.await.unwrap();
        }
        batch(db, db.pick(before[at].sqlite, before[at].postgres)).await;
        let sql = "SELECT m.email || ': ' || r.role FROM member_role r JOIN member m ON m.id = r.member_id";
        let kept = texts(db, sql, sql).await;
        let wanted = [
            "admin: admin",
            "moderator: platform_volunteer",
            "super_admin: super_admin",
        ];
        assert_eq!(kept, wanted.map(str::to_owned).into());
    }
}
