//! Every format, colour type, orientation and animation becomes the picture that people see.

pub(crate) mod samples;

use image::{DynamicImage, GenericImage as _, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use praetor::imaging::{Decoded, Limits, Problem, Source, decode, decode_bytes};
use samples::{apng, detailed, encode, exif, fixture, gif, plain, shades, tiff, webp};

fn read(bytes: &[u8]) -> Decoded {
    read_with(bytes, &Limits::default())
}

fn read_with(bytes: &[u8], limits: &Limits) -> Decoded {
    decode_bytes(&Source::new("sample"), bytes, limits).unwrap()
}

fn first(bytes: &[u8]) -> RgbImage {
    read(bytes).pictures[0].pixels.as_ref().clone()
}

/// Numbers of the frames that were kept.
fn kept(decoded: &Decoded) -> Vec<u32> {
    decoded.pictures.iter().map(|picture| picture.frame).collect()
}

#[test]
fn lossless_formats_keep_every_pixel() {
    let picture = detailed();
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff] {
        assert_eq!(first(&encode(picture.clone(), format)), picture, "{format:?}");
    }
}

#[test]
fn lossy_formats_come_close() {
    let near = |a: u8, b: u8| a.abs_diff(b) < 24;
    let smooth = RgbImage::from_fn(32, 32, |x, y| {
        Rgb([x * 8, y * 8, 90].map(|value| value.to_le_bytes()[0]))
    });
    let back = first(&encode(smooth.clone(), ImageFormat::Jpeg));
    assert!(back.iter().zip(smooth.iter()).all(|(&a, &b)| near(a, b)));
    for name in ["progressive.jpg", "lossy.webp"] {
        let back = first(&fixture(name));
        assert_eq!(back.dimensions(), (64, 48), "{name}");
        assert!(near(back.get_pixel(40, 0)[0], 160), "{name}");
    }
    let faint = first(&fixture("lossy-alpha.webp"));
    assert!(near(faint.get_pixel(0, 0)[0], 127), "half transparent black over white");
}

#[test]
fn every_colour_type_becomes_rgb() {
    let grey = DynamicImage::from(detailed());
    let kinds = [
        grey.to_luma8().into(),
        grey.to_luma16().into(),
        grey.to_luma_alpha8().into(),
        grey.to_luma_alpha16().into(),
        DynamicImage::from(grey.to_rgb16()),
        grey.to_rgba16().into(),
    ];
    for kind in kinds {
        let expected = kind.to_rgb8();
        assert_eq!(first(&encode(kind.clone(), ImageFormat::Png)), expected, "{:?}", kind.color());
    }
    let half = RgbaImage::from_pixel(2, 2, Rgba([0, 0, 0, 51]));
    assert_eq!(first(&encode(half, ImageFormat::Png)).get_pixel(0, 0).0, [204; 3]);
}

#[test]
fn grey_and_cmyk_jpegs_have_their_colours() {
    let grey = image::GrayImage::from_pixel(16, 16, image::Luma([77]));
    assert_eq!(first(&encode(grey, ImageFormat::Jpeg)).get_pixel(3, 3).0, [77; 3]);
    let cmyk = first(&fixture("cmyk.jpg"));
    let [left, right] = [cmyk.get_pixel(2, 2).0, cmyk.get_pixel(13, 2).0];
    assert!(left[0] > 230 && left[1] < 25 && left[2] < 25, "red: {left:?}");
    assert!(right[2] > 230 && right[0] < 25 && right[1] < 25, "blue: {right:?}");
}

#[test]
fn the_bytes_tell_the_format_and_not_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("really-a-png.jpg");
    let bytes = encode(detailed(), ImageFormat::Png);
    fs_err::write(&path, &bytes).unwrap();
    let decoded = decode(&Source::new(&path), &Limits::default()).unwrap();
    assert_eq!(decoded.hash, praetor::ids::Hash::of(&bytes));
    assert_eq!(decoded.pictures[0].source.path(), path);
    assert!(!decoded.animated && !decoded.cut);
}

/// A picture whose corners tell how it was turned: red where the top left was.
fn marked() -> RgbImage {
    let mut picture = RgbImage::from_pixel(24, 16, Rgb([20, 20, 20]));
    let corner = RgbImage::from_pixel(8, 8, Rgb([250, 0, 0]));
    picture.copy_from(&corner, 0, 0).unwrap();
    picture
}

/// Where red is, and whether the sides are swapped, for orientations 1 to 8.
const TURNED: [((u32, u32), bool); 8] = [
    ((0, 0), false),
    ((1, 0), false),
    ((1, 1), false),
    ((0, 1), false),
    ((0, 0), true),
    ((1, 0), true),
    ((1, 1), true),
    ((0, 1), true),
];

fn check_turned(bytes: &[u8], orientation: usize) {
    let picture = first(bytes);
    let ((right, bottom), swapped) = TURNED[orientation - 1];
    let (width, height) = picture.dimensions();
    assert_eq!((width, height), if swapped { (16, 24) } else { (24, 16) }, "{orientation}");
    let [x, y] = [2 + right * (width - 5), 2 + bottom * (height - 5)];
    let red = picture.get_pixel(x, y).0;
    assert!(red[0] > 200 && red[1] < 60, "{orientation}: {red:?}");
}

#[test]
fn all_orientations_are_applied() {
    let picture = marked();
    let alpha = DynamicImage::from(picture.clone()).into_rgba8();
    for orientation in 1..=8_u8 {
        let exif = exif(orientation);
        let number = usize::from(orientation);

        let mut jpeg = encode(picture.clone(), ImageFormat::Jpeg);
        let body = [b"Exif\0\0", &*exif].concat();
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        jpeg.splice(2..2, [&[0xFF, 0xE1], &length[..], &body].concat());
        check_turned(&jpeg, number);

        let mut png = encode(picture.clone(), ImageFormat::Png);
        let mut chunk = Vec::new();
        samples::png_chunk(&mut chunk, *b"eXIf", &exif);
        png.splice(33..33, chunk);
        check_turned(&png, number);

        for prefix in [&b""[..], b"Exif\0\0"] {
            let metadata = samples::riff_chunk(*b"EXIF", &[prefix, &exif].concat());
            let chunks = [samples::webp_bitstream(&alpha), metadata].concat();
            check_turned(&samples::webp_of((24, 16), 0x18, &chunks), number);
        }

        check_turned(&tiff(&[(alpha.clone(), u16::from(orientation), 0)]), number);
    }
}

#[test]
fn an_orientation_that_does_not_exist_turns_nothing() {
    let alpha = DynamicImage::from(marked()).into_rgba8();
    for orientation in [0, 9, 900] {
        check_turned(&tiff(&[(alpha.clone(), orientation, 0)]), 1);
    }
}

#[test]
fn animations_keep_the_frames_that_differ() {
    let [red, green, blue] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]].map(plain);
    let frames = [&red, &red, &green, &red, &blue, &green].map(Clone::clone);
    for file in [gif(&frames), apng(&frames, None), webp(&frames)] {
        let decoded = read(&file);
        assert_eq!(kept(&decoded), [0, 2, 4]);
        assert!(decoded.animated && !decoded.cut);
        assert_eq!(decoded.pictures[2].pixels.get_pixel(1, 1).0, [0, 0, 255]);
    }
}

#[test]
fn the_hidden_still_of_an_apng_is_judged_too() {
    let [red, green, blue] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]].map(plain);
    let decoded = read(&apng(&[green.clone(), blue], Some(&red)));
    assert_eq!(kept(&decoded), [0, 1, 2]);
    assert_eq!(decoded.pictures[0].pixels.get_pixel(0, 0).0, [255, 0, 0]);
    assert_eq!(kept(&read(&apng(&[green], Some(&red)))), [0, 1]);
}

#[test]
fn a_gif_without_its_trailer_is_taken_and_marked_as_cut() {
    let mut file = gif(&shades(3));
    assert_eq!(file.pop(), Some(0x3B));
    let decoded = read(&file);
    assert_eq!(kept(&decoded), [0, 1, 2]);
    assert!(decoded.cut);
}

#[test]
fn frames_beyond_the_limit_are_chosen_evenly() {
    let frames = shades(41);
    let limits = Limits { frames: 5, ..Limits::default() };
    for file in [gif(&frames), apng(&frames, None), webp(&frames)] {
        let decoded = read_with(&file, &limits);
        assert_eq!(kept(&decoded), [0, 10, 20, 30, 40]);
        assert!(decoded.cut);
        assert_eq!(decoded.pictures[4].pixels.get_pixel(0, 0)[0], 160);
    }
}

#[test]
fn frames_are_read_only_so_far() {
    let frames = shades(30);
    let limits = Limits { frames_read: 3, ..Limits::default() };
    for file in [gif(&frames), apng(&frames, None), webp(&frames)] {
        let decoded = read_with(&file, &limits);
        assert_eq!(kept(&decoded), [0, 1, 2]);
        assert!(decoded.cut);
    }
}

#[test]
fn pages_of_a_tiff_are_pictures_and_thumbnails_are_not() {
    let [red, green, blue] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]].map(plain);
    let file = tiff(&[(red, 1, 0), (green, 1, 1), (blue, 1, 2)]);
    let decoded = read(&file);
    assert_eq!(kept(&decoded), [0, 1]);
    assert_eq!(decoded.pictures[1].pixels.get_pixel(0, 0).0, [0, 0, 255]);
    assert!(decoded.animated);
}

#[test]
fn what_is_not_supported_says_what_it_is() {
    let error = |bytes: &[u8]| {
        let result = decode_bytes(&Source::new("x"), bytes, &Limits::default());
        let error = result.unwrap_err();
        assert_eq!(error.code(), "unsupported");
        error.to_string()
    };
    assert_eq!(
        error(b"\0\0\0\x18ftypheic\0\0\0\0"),
        "`x`: HEIC images are not supported; convert to PNG or JPEG"
    );
    assert_eq!(error(b"<!DOCTYPE html>"), "`x`: holds HTML and not an image");
    assert!(error(&fixture("palette.tif")).contains("this kind of TIFF"));
}

#[test]
fn files_that_are_no_files_have_codes_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { file_bytes: 10, ..Limits::default() };
    let code =
        |name: &str| decode(&Source::new(dir.path().join(name)), &limits).unwrap_err().code();
    fs_err::write(dir.path().join("empty.png"), b"").unwrap();
    fs_err::write(dir.path().join("large.png"), [0; 11]).unwrap();
    assert_eq!(code("gone.png"), "not_found");
    assert_eq!(code(""), "not_a_file");
    assert_eq!(code("empty.png"), "empty");
    assert_eq!(code("large.png"), "too_large");
    let error = decode_bytes(&Source::new("x"), &[0; 11], &limits).unwrap_err();
    assert!(matches!(error.problem, Problem::TooLarge { limit_bytes: 10 }));
}
