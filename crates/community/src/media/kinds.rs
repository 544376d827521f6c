//! What a file is, told by its first bytes and by nothing else: what its name or
//! its sender say of it is hearsay. What is not in this table is not taken, SVG
//! and HTML among them.

use base::choice;

choice! {
    /// What a medium is to those who look at it.
    #[schemars(rename = "MediaKind")]
    pub enum Kind {
        Image = "image",
        Video = "video",
        Audio = "audio",
    }
}
db::stored!(words: Kind);

/// One type we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sniffed {
    pub kind: Kind,
    /// The type it is answered under.
    pub content_type: &'static str,
    pub extension: &'static str,
}

const fn sniffed(kind: Kind, content_type: &'static str, extension: &'static str) -> Sniffed {
    Sniffed {
        kind,
        content_type,
        extension,
    }
}

pub const JPEG: Sniffed = sniffed(Kind::Image, "image/jpeg", "jpg");
pub const PNG: Sniffed = sniffed(Kind::Image, "image/png", "png");
pub const GIF: Sniffed = sniffed(Kind::Image, "image/gif", "gif");
pub const WEBP: Sniffed = sniffed(Kind::Image, "image/webp", "webp");
const MP4: Sniffed = sniffed(Kind::Video, "video/mp4", "mp4");
const QUICKTIME: Sniffed = sniffed(Kind::Video, "video/quicktime", "mov");
const WEBM: Sniffed = sniffed(Kind::Video, "video/webm", "webm");
const M4A: Sniffed = sniffed(Kind::Audio, "audio/mp4", "m4a");
const MP3: Sniffed = sniffed(Kind::Audio, "audio/mpeg", "mp3");
const OGG: Sniffed = sniffed(Kind::Audio, "audio/ogg", "ogg");
const WAV: Sniffed = sniffed(Kind::Audio, "audio/wav", "wav");
const FLAC: Sniffed = sniffed(Kind::Audio, "audio/flac", "flac");

const ALL: [Sniffed; 12] = [
    JPEG, PNG, GIF, WEBP, MP4, QUICKTIME, WEBM, M4A, MP3, OGG, WAV, FLAC,
];

/// So many bytes are enough to tell.
pub const HEAD: usize = 64;

/// What a file with that beginning is, if it is something we take.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let at = |start: usize, magic: &[u8]| head.get(start..start + magic.len()) == Some(magic);
    let mp3_frame = |head: &[u8]| {
        // Eleven bits of sync, layer III, a bit rate and a sample rate that exist.
        matches!(head, [0xff, second, third, ..]
            if second & 0xe6 == 0xe2 && second & 0x18 != 0x08
                && third & 0xf0 != 0xf0 && third & 0xf0 != 0 && third & 0x0c != 0x0c)
    };
    match head {
        _ if at(0, b"\xff\xd8\xff") => Some(JPEG),
        _ if at(0, b"\x89PNG\r\n\x1a\n") => Some(PNG),
        _ if at(0, b"GIF87a") || at(0, b"GIF89a") => Some(GIF),
        _ if at(0, b"RIFF") && at(8, b"WEBP") => Some(WEBP),
        _ if at(0, b"RIFF") && at(8, b"WAVE") => Some(WAV),
        _ if at(4, b"ftyp") => of_brand(head.get(8..12)?),
        _ if at(0, b"\x1a\x45\xdf\xa3") => head.windows(4).any(|word| word == b"webm").then_some(WEBM),
        _ if at(0, b"OggS") => {
            let holds = |codec: &[u8]| head.windows(codec.len()).any(|word| word == codec);
            (holds(b"OpusHead") || holds(b"\x01vorbis")).then_some(OGG)
        }
        _ if at(0, b"fLaC") => Some(FLAC),
        _ if at(0, b"ID3") || mp3_frame(head) => Some(MP3),
        _ => None,
    }
}

/// Brands of ISO media files; those of pictures (HEIC, AVIF) are not taken.
fn of_brand(brand: &[u8]) -> Option<Sniffed> {
    match brand {
        b"qt  " => Some(QUICKTIME),
        b"M4A " | b"M4B " => Some(M4A),
        b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"M4VH"
        | b"M4VP" | b"MSNV" | b"dash" | b"3gp4" | b"3gp5" | b"3gp6" => Some(MP4),
        _ => None,
    }
}

/// The type as the table has it.
pub fn of_content_type(content_type: &str) -> Option<Sniffed> {
    ALL.into_iter().find(|known| known.content_type == content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_could_run_is_never_taken() {
        for page in [
            &b"<!doctype html><script>alert(1)</script>"[..],
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            b"<?xml version=\"1.0\"?><svg/>",
            b"%PDF-1.7",
            b"#!/bin/sh",
            b"MZ\x90\x00",
            b"PK\x03\x04",
            b"GIF8",
            b"",
            b"\xff\xfe<\x00h\x00t\x00m\x00l\x00",
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
            b"RIFF\x10\x00\x00\x00AVI LIST",
            b"\x1a\x45\xdf\xa3\x01\x00\x00\x00matroska",
        ] {
            assert_eq!(sniff(page), None, "{}", String::from_utf8_lossy(page));
        }
        for known in ALL {
            let type_of = known.content_type.split('/').next().unwrap();
            assert_eq!(type_of, known.kind.as_str(), "{known:?}");
            assert!(!known.content_type.contains("svg"));
        }
    }

    #[test]
    fn types_are_told_by_their_first_bytes() {
        assert_eq!(sniff(b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"), Some(MP4));
        assert_eq!(
            sniff(b"\x00\x00\x00\x14ftypqt  \x20\x05\x03\x00"),
            Some(QUICKTIME)
        );
        assert_eq!(sniff(b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00"), Some(M4A));
        assert_eq!(
            sniff(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"),
            Some(WEBM)
        );
        assert_eq!(sniff(b"RIFF\x24\x00\x00\x00WAVEfmt "), Some(WAV));
        assert_eq!(sniff(b"\xff\xfb\x90\x64"), Some(MP3));
        assert_eq!(sniff(b"\xff\xff\xff\xff"), None, "no bit rate is called that");
        let mut opus = b"OggS\x00\x02".to_vec();
        opus.extend([0; 22]);
        opus.extend(b"OpusHead\x01\x02");
        assert_eq!(sniff(&opus), Some(OGG));
    }
}
