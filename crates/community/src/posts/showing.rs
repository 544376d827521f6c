use super::Post;
use crate::media::{self, SubjectKind};
use base::Result;
use platform::App;
use uuid::Uuid;

/// The posts with their media. These are rendered when they are read, because their addresses
/// end; who may see the posts has been asked.
pub async fn with_media(app: &App, mut posts: Vec<Post>) -> Result<Vec<Post>> {
    let own = posts.iter().filter(|post| post.media_count > 0);
    let shared = posts
        .iter()
        .filter_map(|post| post.shared.as_ref())
        .filter(|shared| shared.media_count > 0);
    let ids: Vec<Uuid> = own
        .map(|post| post.id.0)
        .chain(shared.map(|shared| shared.id.0))
        .collect();
    if ids.is_empty() {
        return Ok(posts);
    }
    let views = media::of_subjects(app, &app.db, SubjectKind::Post, ids).await?;
    for post in &mut posts {
        post.media = views.get(&post.id.0).cloned().unwrap_or_default();
        if let Some(shared) = &mut post.shared {
            shared.media = views.get(&shared.id.0).cloned().unwrap_or_default();
        }
    }
    Ok(posts)
}
