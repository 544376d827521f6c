use super::{
    kinds::{self, Kind, Sniffed},
    urls::Signer,
};
use accounts::MemberId;
use base::{Result, Timestamp, choice, error::internal, ids};
use db::stored;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

ids! {
    /// Names a medium, from the beginning of its upload on.
    MediaId;
}
stored!(ids: MediaId);

choice! {
    /// How far a medium is.
    #[schemars(rename = "MediaStatus")]
    pub enum MediaStatus {
        /// Its bytes are on their way.
        Uploading = "uploading",
        /// Its bytes are there; a task looks at what they are.
        Processing = "processing",
        Ready = "ready",
        /// Not something we show; `refusal` says why.
        Refused = "refused",
        /// Waits for its bytes to be deleted. Nobody sees it any more.
        Removed = "removed",
    }
}
stored!(words: MediaStatus);

choice! {
    /// Why a medium was refused.
    #[schemars(rename = "MediaRefusal")]
    pub enum Refusal {
        /// Not a type that is taken.
        Unknown = "unknown_type",
        /// A picture that cannot be decoded.
        Broken = "broken",
        /// More bytes than a picture may have.
        TooLarge = "too_large",
        /// More pixels than a picture may have.
        TooManyPixels = "too_many_pixels",
        /// It would have taken too long.
        TooSlow = "too_slow",
    }
}
stored!(words: Refusal);

/// A medium as its owner sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Media {
    pub id: MediaId,
    pub status: MediaStatus,
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
    /// What the file was called.
    pub name: String,
    /// Bytes it takes of the owner's quota.
    pub size_bytes: i64,
    /// True when it stands in a post, a message or a profile.
    pub attached: bool,
    pub created_at: Timestamp,
    /// When it vanishes, unless it is attached before.
    pub expires_at: Option<Timestamp>,
    /// How it is shown, once it is ready.
    pub view: Option<MediaView>,
}

/// A medium as those see it who may see what it is attached to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MediaView {
    pub id: MediaId,
    pub kind: Kind,
    pub content_type: String,
    /// What it shows, for those who do not see it; empty when nobody said.
    pub alt: String,
    /// Of pictures, in pixels.
    pub width: Option<i64>,
    pub height: Option<i64>,
    /// Of pictures: a blurred preview in a few characters.
    pub blurhash: Option<String>,
    /// Where all of it is. Good for an hour at least, unless it is public.
    pub url: String,
    /// Of pictures: smaller copies, the smallest first.
    pub sizes: Vec<MediaSize>,
}

/// A smaller copy of a picture.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MediaSize {
    pub width: i64,
    pub height: i64,
    pub url: String,
}

/// A file of a medium, as the row keeps it; the first one is all of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    pub name: String,
    pub content_type: String,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub size_bytes: i64,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: MediaId,
    pub owner: Option<MemberId>,
    pub status: MediaStatus,
    pub kind: Option<Kind>,
    pub name: String,
    pub alt: String,
    pub length_bytes: i64,
    pub offset_bytes: i64,
    pub charged_bytes: i64,
    pub blurhash: Option<String>,
    pub files: Vec<Kept>,
    pub refusal: Option<Refusal>,
    pub subject: Option<super::Subject>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl Row {
    /// Everybody may have the address of what is attached to something public.
    pub fn is_public(&self) -> bool {
        self.subject.is_some_and(|subject| subject.kind.is_public())
    }

    pub fn view(&self, signer: &Signer) -> Result<MediaView> {
        let (first, smaller) = self
            .files
            .split_first()
            .ok_or_else(|| internal("a medium without files is not ready"))?;
        let url = |kept: &Kept| signer.url(self.id, &kept.name, self.is_public());
        Ok(MediaView {
            id: self.id,
            kind: self
                .kind
                .ok_or_else(|| internal("a medium of no kind is not ready"))?,
            content_type: first.content_type.clone(),
            alt: self.alt.clone(),
            width: first.width,
            height: first.height,
            blurhash: self.blurhash.clone(),
            url: url(first),
            sizes: smaller
                .iter()
                .map(|kept| MediaSize {
                    width: kept.width.unwrap_or_default(),
                    height: kept.height.unwrap_or_default(),
                    url: url(kept),
                })
                .collect(),
        })
    }

    pub fn for_owner(&self, signer: &Signer) -> Result<Media> {
        let view = match self.status {
            MediaStatus::Ready => Some(self.view(signer)?),
            _ => None,
        };
        Ok(Media {
            id: self.id,
            status: self.status,
            refusal: self.refusal,
            name: self.name.clone(),
            size_bytes: self.charged_bytes,
            attached: self.subject.is_some(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            view,
        })
    }
}

/// A piece of a file in the store of blobs.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub start_at: i64,
    pub size_bytes: i64,
    pub blob: platform::blobs::BlobId,
}

/// What a file is called where it is saved: plain letters, and the ending of what it is.
pub fn file_name(name: &str, sniffed: Sniffed) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain: String = stem
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_ ".contains(*c))
        .take(80)
        .collect();
    let plain = plain.trim();
    let stem = if plain.is_empty() { "media" } else { plain };
    format!("{stem}.{}", sniffed.extension)
}

/// The type of a kept file, which is one of those we answer.
pub fn type_of(kept: &Kept) -> Result<Sniffed> {
    kinds::of_content_type(&kept.content_type)
        .ok_or_else(|| internal(format!("{} is not a type we answer", kept.content_type)))
}

/// The name of the file that came; of video and sound it is the one that is shown.
pub const ORIGINAL: &str = "original";

/// Nobody's: for ids that come as text.
pub fn ids_json(ids: impl IntoIterator<Item = Uuid>) -> serde_json::Value {
    ids.into_iter().map(|id| id.simple().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_file_has_a_plain_name_and_the_ending_of_what_it_is() {
        assert_eq!(file_name("la yumba.PHP", kinds::JPEG), "la yumba.jpg");
        assert_eq!(file_name("../../etc/passwd", kinds::PNG), "media.png");
        assert_eq!(file_name("a\"; x=\"b.html", kinds::GIF), "a xb.gif");
        assert_eq!(file_name("тангo.webp", kinds::WEBP), "o.webp");
    }
}
