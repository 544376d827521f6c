//! Pictures: decoded within bounds and written anew.
//!
//! What comes out holds pixels and nothing else: no EXIF, no place, no comment,
//! no second file behind the first. The orientation that EXIF asks for is applied
//! before it is dropped, and colours of another space are moved to sRGB, because
//! their profile goes too. A picture with transparency becomes a PNG, any other a
//! JPEG; a GIF that moves and is small enough stays one.
//!
//! The size is read and judged before a pixel is decoded, decoders are given a
//! bound on memory, and the clock is looked at between all steps.

use super::{
    kinds::{self, Sniffed},
    model::Refusal,
};
use bytes::Bytes;
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits,
    codecs::{
        gif::{GifDecoder, GifEncoder, Repeat},
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType as PngFilter, PngEncoder},
    },
    imageops::FilterType,
};
use std::{io::Cursor, time::Instant};

/// The longer side of what is shown, in pixels.
const LONGEST: u32 = 2560;
/// Widths of the smaller copies, and what they are called.
const WIDTHS: [(u32, &str); 3] = [(320, "w320"), (640, "w640"), (1280, "w1280")];
/// The largest copy.
const FULL: &str = "full";
const JPEG_QUALITY: u8 = 84;
/// A longer side than this no decoder is asked for.
const SIDE: u32 = 30_000;
/// What a moving GIF may have, all frames together.
const GIF_PIXELS: u64 = 24_000_000;
const GIF_FRAMES: usize = 300;
/// How a blurred preview is cut.
const BLUR: (u32, u32) = (4, 3);

/// How far the work on a picture may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub pixels: u64,
    pub until: Instant,
}

impl Bounds {
    fn check(&self) -> Result<(), Refusal> {
        if Instant::now() > self.until {
            return Err(Refusal::TooSlow);
        }
        Ok(())
    }
}

/// The copies, the largest first.
#[derive(Debug)]
pub struct Picture {
    pub files: Vec<PictureFile>,
    pub blurhash: String,
}

#[derive(Debug)]
pub struct PictureFile {
    pub name: &'static str,
    pub content_type: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Bytes,
}

pub fn make(bytes: &[u8], sniffed: Sniffed, bounds: Bounds) -> Result<Picture, Refusal> {
    let image = decode(bytes, format(sniffed), bounds)?;
    bounds.check()?;
    let has_alpha = image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel[3] < 255);
    let full = match (sniffed == kinds::GIF).then(|| moving(bytes, bounds)) {
        Some(Ok(Some(gif))) => file(FULL, kinds::GIF, image.width(), image.height(), gif),
        Some(Err(refusal)) => return Err(refusal),
        _ => encode(FULL, &image, has_alpha)?,
    };
    let mut files = vec![full];
    for (width, name) in WIDTHS {
        bounds.check()?;
        if width < image.width() {
            let height = scaled(image.height(), width, image.width());
            let smaller = image.resize_exact(width, height, FilterType::CatmullRom);
            files.push(encode(name, &smaller, has_alpha)?);
        }
    }
    bounds.check()?;
    Ok(Picture {
        blurhash: blur(&image)?,
        files,
    })
}

fn format(sniffed: Sniffed) -> ImageFormat {
    match sniffed {
        kinds::PNG => ImageFormat::Png,
        kinds::GIF => ImageFormat::Gif,
        kinds::WEBP => ImageFormat::WebP,
        _ => ImageFormat::Jpeg,
    }
}

/// Upright, in sRGB, no larger than is shown, eight bits a channel.
fn decode(bytes: &[u8], format: ImageFormat, bounds: Bounds) -> Result<DynamicImage, Refusal> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    // Eight bytes a pixel, and what a decoder needs beside them.
    limits.max_alloc = Some(bounds.pixels * 8 + 64 * 1024 * 1024);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > bounds.pixels {
        return Err(Refusal::TooManyPixels);
    }
    let orientation = decoder.orientation().map_err(refusal)?;
    let profile = decoder.icc_profile().unwrap_or_default();
    let mut image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    bounds.check()?;
    if width.max(height) > LONGEST {
        image = image.resize(LONGEST, LONGEST, FilterType::CatmullRom);
        bounds.check()?;
    }
    image.apply_orientation(orientation);
    let mut image = if image.color().has_alpha() {
        DynamicImage::ImageRgba8(image.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(image.into_rgb8())
    };
    if let Some(profile) = profile {
        into_srgb(&mut image, &profile);
    }
    Ok(image)
}

fn refusal(error: image::ImageError) -> Refusal {
    match error {
        image::ImageError::Limits(_) => Refusal::TooManyPixels,
        _ => Refusal::Broken,
    }
}

/// Moves the colours of an RGB profile; one that cannot be read is as good as none.
fn into_srgb(image: &mut DynamicImage, profile: &[u8]) {
    use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
    let Ok(from) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    if from.color_space != DataColorSpace::Rgb {
        return;
    }
    let layout = if image.color().has_alpha() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let to = ColorProfile::new_srgb();
    let Ok(transform) = from.create_transform_8bit(layout, &to, layout, TransformOptions::default()) else {
        return;
    };
    let samples: &mut [u8] = match image {
        DynamicImage::ImageRgba8(pixels) => pixels,
        DynamicImage::ImageRgb8(pixels) => pixels,
        _ => return,
    };
    let source = samples.to_vec();
    let _ = transform.transform(&source, samples);
}

fn scaled(side: u32, width: u32, of_width: u32) -> u32 {
    let exact = u64::from(side) * u64::from(width) / u64::from(of_width.max(1));
    (exact as u32).max(1)
}

fn file(name: &'static str, sniffed: Sniffed, width: u32, height: u32, bytes: Vec<u8>) -> PictureFile {
    PictureFile {
        name,
        content_type: sniffed.content_type,
        width,
        height,
        bytes: bytes.into(),
    }
}

fn encode(name: &'static str, image: &DynamicImage, has_alpha: bool) -> Result<PictureFile, Refusal> {
    let mut bytes = vec![];
    let sniffed = if has_alpha {
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, PngFilter::Adaptive);
        image.write_with_encoder(encoder).map_err(refusal)?;
        kinds::PNG
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        let opaque = DynamicImage::ImageRgb8(image.to_rgb8());
        opaque.write_with_encoder(encoder).map_err(refusal)?;
        kinds::JPEG
    };
    Ok(file(name, sniffed, image.width(), image.height(), bytes))
}

/// The frames of a GIF written anew; `None` when there is one, or too much of them.
fn moving(bytes: &[u8], bounds: Bounds) -> Result<Option<Vec<u8>>, Refusal> {
    let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    let area = u64::from(width) * u64::from(height);
    if width.max(height) > LONGEST {
        return Ok(None);
    }
    let mut frames = vec![];
    for frame in decoder.into_frames() {
        bounds.check()?;
        // One that breaks off in the middle shows what came before.
        let Ok(frame) = frame else { break };
        frames.push(frame);
        if frames.len() > GIF_FRAMES || area * frames.len() as u64 > GIF_PIXELS {
            return Ok(None);
        }
    }
    if frames.len() < 2 {
        return Ok(None);
    }
    let mut written = vec![];
    let mut encoder = GifEncoder::new_with_speed(&mut written, 20);
    encoder.set_repeat(Repeat::Infinite).map_err(refusal)?;
    for frame in frames {
        bounds.check()?;
        encoder.encode_frame(frame).map_err(refusal)?;
    }
    drop(encoder);
    Ok(Some(written))
}

fn blur(image: &DynamicImage) -> Result<String, Refusal> {
    let small = image.thumbnail(32, 32).to_rgba8();
    blurhash::encode(BLUR.0, BLUR.1, small.width(), small.height(), &small).map_err(|_| Refusal::Broken)
}
