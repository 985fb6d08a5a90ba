//! Files and pictures made to hurt: every one is a named error and none a panic.

use std::sync::Arc;

use image::RgbImage;
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::super::{DualEncoder, EncoderError, Localizer};
use super::super::{Dual, Files, Owlv2, PatchLocalizer, Tiling};
use super::{files, fixture};

/// A copy of a model, of which one file is changed; `None` removes it.
fn changed(family: &str, file: &str, content: Option<&[u8]>) -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(fixture(family)).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    match content {
        Some(content) => fs_err::write(folder.path().join(file), content).unwrap(),
        None => fs_err::remove_file(folder.path().join(file)).unwrap(),
    }
    let files = Files::folder(folder.path());
    (folder, files)
}

fn edited(family: &str, file: &str, edit: impl FnOnce(&mut serde_json::Value)) -> (TempDir, Files) {
    let text = fs_err::read_to_string(fixture(family).join(file)).unwrap();
    let mut json = serde_json::from_str(&text).unwrap();
    edit(&mut json);
    changed(family, file, Some(json.to_string().as_bytes()))
}

fn refusal(files: &Files) -> EncoderError {
    Dual::load(files).err().expect("refused")
}

#[test]
fn what_is_missing_is_named() {
    for file in ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"] {
        for family in ["clip", "siglip"] {
            let (_folder, files) = changed(family, file, None);
            let error = refusal(&files).to_string();
            assert!(error.contains(&format!("has no `{file}`")), "{error}");
        }
    }
    let error = refusal(&Files::folder("/nowhere/at/all")).to_string();
    assert!(error.contains("`/nowhere/at/all` has no `config.json`"), "{error}");
    let (_folder, files) = changed("owlv2", "model.safetensors", None);
    assert!(matches!(Owlv2::load(&files), Err(EncoderError::Missing { .. })));
    // CLIP's texts need no padding, and old models have no such file.
    let (_folder, files) = changed("clip", "tokenizer_config.json", None);
    assert!(Dual::load(&files).is_ok());
}

#[test]
fn another_kind_is_named() {
    let error = refusal(&files("owlv2")).to_string();
    assert!(error.contains("`owlv2`") && error.contains("`clip`, `siglip`"), "{error}");
    let error = Owlv2::load(&files("clip")).err().unwrap().to_string();
    assert!(error.contains("`clip`") && error.contains("`owlv2`"), "{error}");
    let (_folder, files) = edited("clip", "config.json", |json| json["model_type"] = "".into());
    assert!(matches!(refusal(&files), EncoderError::Kind { .. }));
}

#[test]
fn settings_out_of_range_are_named() {
    for (part, key, value) in [
        ("vision_config", "patch_size", 0_i64),
        ("vision_config", "patch_size", 64),
        ("vision_config", "image_size", 0),
        ("vision_config", "image_size", 1 << 40),
        ("vision_config", "num_attention_heads", 0),
        ("vision_config", "num_attention_heads", 5),
        ("vision_config", "hidden_size", 0),
        ("vision_config", "num_hidden_layers", 0),
        ("vision_config", "num_hidden_layers", 1 << 50),
        ("text_config", "max_position_embeddings", 0),
        ("text_config", "max_position_embeddings", 1 << 50),
    ] {
        for family in ["clip", "siglip"] {
            let (_folder, files) =
                edited(family, "config.json", |json| json[part][key] = value.into());
            let error = refusal(&files);
            let named = matches!(error, EncoderError::Unsupported { .. });
            assert!(named, "{family} {key} {value}: {error}");
        }
    }
    let (_folder, files) =
        edited("clip", "config.json", |json| json["vision_config"]["hidden_act"] = "relu".into());
    assert!(refusal(&files).to_string().contains("`hidden_act` to `relu`"));
    for (key, value) in [("resample", "0"), ("size", "{\"longest_edge\": 5}"), ("size", "99999")] {
        let (_folder, files) = edited("siglip", "preprocessor_config.json", |json| {
            json[key] = serde_json::from_str(value).unwrap();
        });
        assert!(
            matches!(
                refusal(&files),
                EncoderError::Unsupported { .. } | EncoderError::Damaged { .. }
            ),
            "{key} {value}"
        );
    }
    let (_folder, files) = edited("siglip", "preprocessor_config.json", |json| {
        json["image_std"] = serde_json::json!([0.0, 1.0, 1.0]);
    });
    assert!(matches!(refusal(&files), EncoderError::Damaged { .. }));
}

#[test]
fn weights_that_are_cut_or_of_another_shape_are_refused() {
    let whole = fs_err::read(fixture("siglip").join("model.safetensors")).unwrap();
    for end in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        let (_folder, files) = changed("siglip", "model.safetensors", Some(&whole[..end]));
        assert!(matches!(refusal(&files), EncoderError::Damaged { .. }), "{end}");
    }
    let (_folder, files) = edited("siglip", "config.json", |json| {
        json["text_config"]["intermediate_size"] = 64.into();
    });
    let error = refusal(&files).to_string();
    assert!(error.contains("model.safetensors") && error.contains("text_model"), "{error}");
    let other = fs_err::read(fixture("clip").join("model.safetensors")).unwrap();
    let (_folder, files) = changed("siglip", "model.safetensors", Some(&other));
    assert!(matches!(refusal(&files), EncoderError::Damaged { .. }));
}

#[test]
fn weights_that_are_no_numbers_are_an_error_when_they_are_used() {
    let mut content = fs_err::read(fixture("siglip").join("model.safetensors")).unwrap();
    let header = usize::try_from(u64::from_le_bytes(content[..8].try_into().unwrap())).unwrap();
    content[8 + header..].fill(0xFF);
    let (_folder, files) = changed("siglip", "model.safetensors", Some(&content));
    let encoder = Dual::load(&files).unwrap();
    let picture = RgbImage::new(8, 8);
    let failed = |error| matches!(error, EncoderError::Compute { .. });
    assert!(failed(encoder.texts(&["a knife"]).unwrap_err()));
    assert!(failed(encoder.images(&[&picture]).unwrap_err()));
    let localizer = PatchLocalizer::new(Arc::new(encoder), "{}", Tiling::Fitting);
    assert!(failed(localizer.find(&picture, &["knife"]).unwrap_err()));
}

#[test]
fn tokenizers_that_do_not_fit_are_refused() {
    let (_folder, files) = edited("siglip", "tokenizer_config.json", |json| {
        json.as_object_mut().unwrap().remove("pad_token");
    });
    let error = refusal(&files).to_string();
    assert!(error.contains("`pad_token`"), "{error}");
    let (_folder, files) = changed("siglip", "tokenizer.json", Some(b"{}"));
    assert!(matches!(refusal(&files), EncoderError::Damaged { file: "tokenizer.json", .. }));
    // More words than the model has vectors for.
    let clip = fs_err::read(fixture("clip").join("tokenizer.json")).unwrap();
    let (_folder, files) = changed("siglip", "tokenizer.json", Some(&clip));
    let loaded = Dual::load(&files).and_then(|encoder| encoder.texts(&["a knife"]));
    assert!(loaded.is_err());
    // No token marks the end, and the configuration names one.
    let (_folder, files) = edited("clip", "tokenizer.json", |json| {
        json["post_processor"] = serde_json::Value::Null;
    });
    let error = Dual::load(&files).unwrap().texts(&["a knife"]).unwrap_err();
    assert!(matches!(error, EncoderError::Compute { .. }), "{error}");
}

#[test]
fn texts_that_are_empty_or_endless() {
    for family in ["clip", "siglip", "siglip2"] {
        let encoder = Dual::load(&files(family)).unwrap();
        for empty in ["", " \t\n"] {
            let error = encoder.texts(&["a knife", empty]).unwrap_err();
            assert!(matches!(error, EncoderError::EmptyText), "{error}");
        }
        assert!(encoder.texts(&[]).unwrap().is_empty());
        let endless = "a knife ".repeat(20_000);
        assert_eq!(encoder.texts(&[&endless]).unwrap().len(), 1);
        for odd in ["!!!", "\u{0}", "\u{202e}\u{feff}", "<|endoftext|>", "</s>", "<pad>"] {
            assert_eq!(encoder.texts(&[odd]).unwrap().len(), 1, "{family} {odd:?}");
        }
    }
    let detector = Owlv2::load(&files("owlv2")).unwrap();
    let picture = RgbImage::new(9, 9);
    assert!(matches!(detector.find(&picture, &["knife", ""]), Err(EncoderError::EmptyText)));
    assert!(detector.find(&picture, &[]).unwrap().is_empty());
}

#[test]
fn pictures_of_any_shape_are_read() {
    let shapes = [(1, 1), (1, 2000), (2000, 1), (3, 5), (1, 500_000), (700_000, 2)];
    let detector = Owlv2::load(&files("owlv2")).unwrap();
    for family in ["clip", "siglip"] {
        let encoder = Arc::new(Dual::load(&files(family)).unwrap());
        let localizer = PatchLocalizer::new(Arc::clone(&encoder), "{}", Tiling::Fitting);
        for (width, height) in shapes {
            let picture = RgbImage::from_pixel(width, height, image::Rgb([200, 10, 90]));
            assert_eq!(encoder.images(&[&picture]).unwrap().len(), 1);
            assert_eq!(localizer.find(&picture, &["knife"]).unwrap().len(), 1);
            assert_eq!(detector.find(&picture, &["knife"]).unwrap().len(), 1);
        }
        for (width, height) in [(0, 0), (0, 5), (5, 0)] {
            let picture = RgbImage::new(width, height);
            let empty = |error| matches!(error, EncoderError::EmptyImage { .. });
            assert!(empty(encoder.images(&[&picture]).unwrap_err()));
            assert!(empty(localizer.find(&picture, &["knife"]).unwrap_err()));
            assert!(empty(detector.find(&picture, &["knife"]).unwrap_err()));
        }
        assert!(encoder.images(&[]).unwrap().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_changes_to_any_file_load_or_are_an_error(
        family in prop::sample::select(vec!["clip", "siglip", "siglip2"]),
        file in prop::sample::select(vec![
            "config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
            "model.safetensors",
        ]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut content = fs_err::read(fixture(family).join(file)).unwrap();
        // Of the weights, their directory: numbers may be anything.
        let length = if file.ends_with("json") { content.len() } else { 4000 };
        for (at, value) in changes {
            let at = at.index(length);
            content[at] = value;
        }
        let (_folder, files) = changed(family, file, Some(&content));
        if let Ok(encoder) = Dual::load(&files) {
            let _ = encoder.texts(&["a knife"]);
            let _ = encoder.images(&[&RgbImage::new(5, 9)]);
        }
    }
}
