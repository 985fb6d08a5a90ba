//! Files made to hurt: cut off, scrambled, or claiming more than they hold.
//!
//! Nothing here may panic, hang, or come back as half a picture; and what a bomb claims is refused
//! before anything of that size is allocated.

use crate::imaging::samples::{
    apng, detailed, encode, fixture, gif, plain, png_chunk, riff_chunk, shades, tiff, webp, webp_of,
};
use image::{ImageFormat, RgbaImage};
use praetor::imaging::{Decoded, Limits, Problem, Source, decode_bytes};
use proptest::prelude::*;

/// Small enough that a mutated size can't slow the tests down.
fn tight() -> Limits {
    Limits {
        pixels: 100_000,
        frames: 4,
        frames_read: 50,
        animation_pixels: 1_000_000,
        memory_bytes: 16 << 20,
        ..Limits::default()
    }
}

fn attempt(bytes: &[u8]) -> Result<Decoded, Problem> {
    decode_bytes(&Source::new("hostile"), bytes, &tight()).map_err(|error| error.problem)
}

/// A file of each format and form.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let picture = detailed();
    let frames = shades(5);
    let page = image::DynamicImage::from(picture.clone()).into_rgba8();
    vec![
        ("jpeg", encode(picture.clone(), ImageFormat::Jpeg)),
        ("progressive jpeg", fixture("progressive.jpg")),
        ("cmyk jpeg", fixture("cmyk.jpg")),
        ("png", encode(picture.clone(), ImageFormat::Png)),
        ("apng", apng(&frames, None)),
        ("webp", encode(picture.clone(), ImageFormat::WebP)),
        ("lossy webp", fixture("lossy.webp")),
        ("lossy webp with alpha", fixture("lossy-alpha.webp")),
        ("animated webp", webp(&frames)),
        ("gif", gif(std::slice::from_ref(&page))),
        ("animated gif", gif(&frames)),
        ("bmp", encode(picture.clone(), ImageFormat::Bmp)),
        ("tiff", encode(picture, ImageFormat::Tiff)),
        ("pages of tiff", tiff(&[(page, 1, 0), (plain([1, 2, 3]), 1, 2)])),
    ]
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for (name, file) in files() {
        let whole = attempt(&file).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let ends = (0..20).map(|part| file.len() * part / 20).chain(file.len() - 9..file.len());
        for end in ends {
            let Ok(decoded) = attempt(&file[..end]) else { continue };
            let place = format!("{name} at {end} of {}", file.len());
            let pixels = |decoded: &Decoded| {
                decoded.pictures.iter().map(|picture| picture.whole().hash()).collect::<Vec<_>>()
            };
            let (part, all) = (pixels(&decoded), pixels(&whole));
            if decoded.cut {
                // A GIF cut between frames, which says so: the frames it has are whole.
                assert!(name.contains("gif") && all.starts_with(&part), "{place}");
            } else {
                // Only bytes that no pixel needs may be missing.
                assert!(part == all && end + 2 >= file.len(), "{place}");
            }
        }
    }
}

#[test]
fn a_jpeg_that_is_damaged_and_goes_on_is_an_error() {
    // A restart in the middle of the data: some viewers take up the picture after it.
    let mut file = encode(detailed(), ImageFormat::Jpeg);
    let middle = file.len() * 7 / 10;
    file.splice(middle..middle + 2, [0xFF, 0xC1]);
    assert!(matches!(attempt(&file), Err(Problem::Corrupt { .. })));
}

fn is_too_many(result: &Result<Decoded, Problem>) -> bool {
    matches!(result, Err(Problem::TooManyPixels { .. }))
}

#[test]
fn a_png_of_few_bytes_that_claims_gigabytes() {
    let mut bomb = b"\x89PNG\r\n\x1a\n".to_vec();
    let side = 50_000_u32.to_be_bytes();
    png_chunk(&mut bomb, *b"IHDR", &[&side[..], &side, &[8, 6, 0, 0, 0]].concat());
    png_chunk(&mut bomb, *b"IDAT", &[0x78, 0x9C, 3, 0, 0, 0, 0, 1]);
    png_chunk(&mut bomb, *b"IEND", &[]);
    assert!(is_too_many(&attempt(&bomb)));
}

#[test]
fn a_second_header_does_not_hide_the_first() {
    let long = 50_000_u32.to_be_bytes();
    let mut bomb = encode(plain([1, 2, 3]), ImageFormat::Png);
    let mut header = Vec::new();
    png_chunk(&mut header, *b"IHDR", &[&long[..], &long, &[8, 6, 0, 0, 0]].concat());
    bomb.splice(8..8, header);
    assert!(is_too_many(&attempt(&bomb)));

    let mut bomb = webp(&shades(2));
    let header = riff_chunk(*b"VP8X", &[0x12, 0, 0, 0, 0xFF, 0x3F, 0, 0xFF, 0x3F, 0]);
    bomb.splice(12..12, header);
    let size = u32::try_from(bomb.len() - 8).unwrap();
    bomb[4..8].copy_from_slice(&size.to_le_bytes());
    assert!(is_too_many(&attempt(&bomb)));
}

#[test]
fn an_apng_that_claims_frames_it_has_not() {
    let mut bomb = apng(&shades(2), None);
    let claim = bomb.windows(4).position(|name| name == b"acTL").unwrap() + 4;
    bomb[claim..claim + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(attempt(&bomb), Err(Problem::Corrupt { .. })));
}

/// The header of a GIF with a palette of two colours.
fn gif_screen(width: u16, height: u16) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [b"GIF89a", &*sides, &[0x80, 0, 0], &[0, 0, 0, 255, 255, 255]].concat()
}

/// One image of a GIF, whose single pixel is the palette's first colour.
fn gif_image(width: u16, height: u16) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [&[0x2C, 0, 0, 0, 0], &*sides, &[0, 2, 2, 0x44, 0x01, 0]].concat()
}

#[test]
fn gifs_with_a_huge_canvas_or_a_huge_image() {
    let file = |screen: (u16, u16), image: (u16, u16)| {
        [gif_screen(screen.0, screen.1), gif_image(image.0, image.1), vec![0x3B]].concat()
    };
    assert!(attempt(&file((1, 1), (1, 1))).is_ok());
    assert!(is_too_many(&attempt(&file((65_535, 65_535), (1, 1)))));
    assert!(is_too_many(&attempt(&file((1, 1), (65_535, 65_535)))));
    assert!(matches!(attempt(&file((0, 5), (1, 1))), Err(Problem::Corrupt { .. })));
}

#[test]
fn a_gif_with_a_hundred_thousand_equal_frames() {
    let mut bomb = gif_screen(100, 100);
    for _ in 0..100_000 {
        bomb.extend(gif_image(1, 1));
    }
    bomb.push(0x3B);
    let decoded = attempt(&bomb).unwrap();
    assert_eq!(decoded.pictures.len(), 1);
    assert!(decoded.cut, "not all frames were read");
}

#[test]
fn webps_that_claim_more_than_their_canvas() {
    let canvas = webp_of((16_384, 16_384), 0x02, &riff_chunk(*b"ANIM", &[0; 6]));
    assert!(is_too_many(&attempt(&canvas)));

    // A frame of one pixel whose lossy data claims the largest size, under two names: the decoder
    // takes whatever follows an alpha chunk for lossy data.
    for name in [*b"VP8 ", *b"JUNK"] {
        let mut lossy = vec![0x10, 0, 0, 0x9D, 0x01, 0x2A];
        lossy.extend([0xFF, 0x3F, 0xFF, 0x3F]);
        lossy.extend([0; 32]);
        let alpha = riff_chunk(*b"ALPH", &[0, 0]);
        let frame = [&[0; 12][..], &[0, 0, 0, 0], &alpha, &riff_chunk(name, &lossy)].concat();
        let chunks = [riff_chunk(*b"ANIM", &[0; 6]), riff_chunk(*b"ANMF", &frame)].concat();
        assert!(is_too_many(&attempt(&webp_of((1, 1), 0x12, &chunks))));
    }
}

#[test]
fn bitmaps_without_pixels_or_with_too_many() {
    let sized = |width: i32, height: i32| {
        let mut file = encode(plain([1, 2, 3]), ImageFormat::Bmp);
        file[18..22].copy_from_slice(&width.to_le_bytes());
        file[22..26].copy_from_slice(&height.to_le_bytes());
        attempt(&file)
    };
    assert!(matches!(sized(0, 6), Err(Problem::Corrupt { .. })));
    assert!(matches!(sized(8, 0), Err(Problem::Corrupt { .. })));
    assert!(matches!(sized(-8, 6), Err(Problem::Corrupt { .. })));
    assert!(is_too_many(&sized(60_000, 60_000)));
    assert!(is_too_many(&sized(60_000, i32::MIN)));
}

#[test]
fn tiffs_with_huge_tags_and_loops() {
    let file = tiff(&[(plain([1, 2, 3]), 1, 0)]);
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let entry = |nth: usize| directory + 2 + nth * 12;
    let mut count = file.clone();
    count[directory..directory + 2].copy_from_slice(&[0xFF; 2]);
    assert!(matches!(attempt(&count), Err(Problem::Corrupt { .. })));

    let mut tag = file.clone();
    tag[entry(3) + 4..entry(3) + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(attempt(&tag).is_err());

    let mut size = file.clone();
    size[entry(1) + 8..entry(1) + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(is_too_many(&attempt(&size)));

    let mut round = file.clone();
    let end = round.len();
    round[end - 4..].copy_from_slice(&u32::try_from(directory).unwrap().to_le_bytes());
    assert!(matches!(attempt(&round), Err(Problem::Corrupt { .. })));
}

#[test]
fn memory_is_refused_and_not_tried() {
    let file = encode(RgbaImage::new(300, 300), ImageFormat::Png);
    let limits = Limits { memory_bytes: 100_000, ..Limits::default() };
    let error = decode_bytes(&Source::new("x"), &file, &limits).unwrap_err();
    assert_eq!(error.code(), "too_much_memory");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_bytes_behind_any_magic_are_an_error(
        which in 0_usize..14,
        tail in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let (_, file) = files().swap_remove(which);
        let mut bytes = file[..file.len().min(12)].to_vec();
        bytes.extend(tail);
        prop_assert!(attempt(&bytes).is_err());
    }

    #[test]
    fn random_changes_give_a_picture_or_an_error(
        which in 0_usize..14,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (name, mut bytes) = files().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(decoded) = attempt(&bytes) {
            prop_assert!(!decoded.pictures.is_empty(), "{}", name);
            for picture in decoded.pictures {
                let (width, height) = picture.pixels.dimensions();
                prop_assert!(width > 0 && height > 0 && u64::from(width) * u64::from(height) <= 100_000);
            }
        }
    }
}
