//! Image files made for tests: by the `image` crate, or by hand where it does not write a form.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use std::io::Cursor;

/// An image as a file.
pub(crate) fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A frame of one colour.
pub(crate) fn plain(colour: [u8; 3]) -> RgbaImage {
    let [r, g, b] = colour;
    RgbaImage::from_pixel(8, 6, Rgba([r, g, b, 255]))
}

/// Frames that all differ.
pub(crate) fn shades(count: u8) -> Vec<RgbaImage> {
    (0..count).map(|n| plain([n * 4, 255 - n * 4, 7])).collect()
}

/// A picture with detail everywhere, so that no part of its file can be missed unnoticed.
pub(crate) fn detailed() -> image::RgbImage {
    image::RgbImage::from_fn(40, 30, |x, y| {
        let noise = (x * 7919 + y * 104_729 + x * y * 31) % 251;
        image::Rgb([noise, x * 6, y * 8].map(|value| value.to_le_bytes()[0]))
    })
}

/// A GIF of full frames.
pub(crate) fn gif(frames: &[RgbaImage]) -> Vec<u8> {
    let mut file = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new_with_speed(&mut file, 30);
        encoder.encode_frames(frames.iter().cloned().map(image::Frame::new)).unwrap();
    }
    file
}

/// An APNG of full frames; `still` is shown only by programs that do not know APNG.
pub(crate) fn apng(frames: &[RgbaImage], still: Option<&RgbaImage>) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut number = 0_u32;
    let (width, height) = frames[0].dimensions();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 6, 0, 0, 0]);
    png_chunk(&mut file, *b"IHDR", &header);
    let count = u32::try_from(frames.len()).unwrap();
    png_chunk(&mut file, *b"acTL", &[count.to_be_bytes(), [0; 4]].concat());
    if let Some(still) = still {
        png_chunk(&mut file, *b"IDAT", &png_data(still));
    }
    for (index, frame) in frames.iter().enumerate() {
        let mut control = number.to_be_bytes().to_vec();
        control.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        control.extend([0; 8]);
        control.extend([0, 1, 0, 10, 0, 0]);
        png_chunk(&mut file, *b"fcTL", &control);
        number += 1;
        if index == 0 && still.is_none() {
            png_chunk(&mut file, *b"IDAT", &png_data(frame));
        } else {
            png_chunk(&mut file, *b"fdAT", &[&number.to_be_bytes(), &*png_data(frame)].concat());
            number += 1;
        }
    }
    png_chunk(&mut file, *b"IEND", &[]);
    file
}

/// The compressed rows of an image.
fn png_data(image: &RgbaImage) -> Vec<u8> {
    let file = encode(image.clone(), ImageFormat::Png);
    let mut at = 8;
    let mut data = Vec::new();
    while at < file.len() {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        if &file[at + 4..at + 8] == b"IDAT" {
            data.extend(&file[at + 8..at + 8 + size]);
        }
        at += size + 12;
    }
    data
}

/// Appends a chunk with its checksum.
pub(crate) fn png_chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    let body = [&name, data].concat();
    file.extend(&body);
    let sum = body.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 }
        })
    });
    file.extend((!sum).to_be_bytes());
}

/// A chunk of a RIFF file, padded.
pub(crate) fn riff_chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    let pad: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [&name, &size, data, pad].concat()
}

/// A WebP file of chunks, with the header for `canvas` before them.
pub(crate) fn webp_of(canvas: (u32, u32), flags: u8, chunks: &[u8]) -> Vec<u8> {
    let mut header = vec![flags, 0, 0, 0];
    header.extend(&(canvas.0 - 1).to_le_bytes()[..3]);
    header.extend(&(canvas.1 - 1).to_le_bytes()[..3]);
    let header = riff_chunk(*b"VP8X", &header);
    riff_chunk(*b"RIFF", &[b"WEBP", &*header, chunks].concat())
}

/// An animated WebP of full lossless frames.
pub(crate) fn webp(frames: &[RgbaImage]) -> Vec<u8> {
    let (width, height) = frames[0].dimensions();
    let mut chunks = riff_chunk(*b"ANIM", &[0; 6]);
    for frame in frames {
        let mut data = vec![0; 6];
        data.extend(&(width - 1).to_le_bytes()[..3]);
        data.extend(&(height - 1).to_le_bytes()[..3]);
        data.extend([100, 0, 0, 2]);
        data.extend(webp_bitstream(frame));
        chunks.extend(riff_chunk(*b"ANMF", &data));
    }
    webp_of((width, height), 0x12, &chunks)
}

/// The lossless chunk of an image.
pub(crate) fn webp_bitstream(image: &RgbaImage) -> Vec<u8> {
    encode(image.clone(), ImageFormat::WebP)[12..].to_vec()
}

/// Metadata that holds an orientation and nothing else.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif
}

/// An uncompressed TIFF of RGB pages, each with an orientation and a kind.
pub(crate) fn tiff(pages: &[(RgbaImage, u16, u16)]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for (page, orientation, kind) in pages {
        let pixels: Vec<u8> =
            page.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        let data_at = u32::try_from(file.len()).unwrap();
        file.extend(&pixels);
        file.resize(file.len().next_multiple_of(2), 0);
        let bits_at = u32::try_from(file.len()).unwrap();
        file.extend([8, 0, 8, 0, 8, 0]);
        let directory = u32::try_from(file.len()).unwrap();
        file[link..link + 4].copy_from_slice(&directory.to_le_bytes());
        let size = u32::try_from(pixels.len()).unwrap();
        let entries: [(u16, u16, u32, u32); 11] = [
            (254, 4, 1, u32::from(*kind)),
            (256, 4, 1, page.width()),
            (257, 4, 1, page.height()),
            (258, 3, 3, bits_at),
            (259, 3, 1, 1),
            (262, 3, 1, 2),
            (273, 4, 1, data_at),
            (274, 3, 1, u32::from(*orientation)),
            (277, 3, 1, 3),
            (278, 4, 1, page.height()),
            (279, 4, 1, size),
        ];
        file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, kind, count, value) in entries {
            file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        }
        link = file.len();
        file.extend([0; 4]);
    }
    file
}

/// A fixture that the `image` crate can't write.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs_err::read(format!("{}/tests/inputs/images/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
