//! Encoders by name: fetched from a hub on this machine, found again without it.

use std::path::{Path, PathBuf};

use praetor::encoder::{Dual, DualEncoder, EncoderError, Files, Source};
use praetor::hub::Hub;

use crate::hub_server::{COMMIT, Faults, HubServer};

/// The tiny CLIP as its folder.
fn clip() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/encoders/clip")
}

/// A hub with `tiny/clip`, without one of its files; it tells neither sizes nor hashes, as some mirrors
/// don't.
fn server(lacks: &str) -> HubServer {
    let server = HubServer::start();
    server.faults(Faults { tells_little: true, ..Faults::default() });
    for entry in fs_err::read_dir(clip()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name != lacks {
            server.has("tiny/clip", &[(&name, &fs_err::read(entry.path()).unwrap())]);
        }
    }
    server
}

fn hub(server: &HubServer, cache: &tempfile::TempDir) -> Hub {
    Hub {
        endpoint: server.endpoint.clone(),
        cache: cache.path().to_path_buf(),
        token: Some("none".to_owned()),
        offline: false,
    }
}

fn refusal(name: &str, hub: &Hub) -> String {
    let error = Source::parse(name).unwrap().files(hub).unwrap_err();
    assert!(matches!(error, EncoderError::Hub { .. }), "{error}");
    error.to_string()
}

#[test]
fn an_encoder_is_fetched_once_and_found_offline() {
    let (server, cache) = (server("no such"), tempfile::tempdir().unwrap());
    let online = hub(&server, &cache);
    let source = Source::parse("hf:tiny/clip").unwrap();
    let files = source.files(&online).unwrap();
    let fetched = Dual::load(&files).unwrap();
    assert_eq!(fetched.model().name, "tiny/clip");
    let direct = Dual::load(&Files::folder(clip())).unwrap();
    assert_eq!(fetched.model().fingerprint, direct.model().fingerprint);
    let asked = server.asked();
    assert!(asked[0].line.starts_with("GET /api/models/tiny/clip/revision/main?"), "{asked:?}");
    // All files are asked for by the commit that the first answer named.
    assert!(asked[1..].iter().all(|asked| asked.line.contains(COMMIT)), "{asked:?}");
    let sent = asked.iter().filter(|one| one.of_large_files && one.line.starts_with("GET"));
    assert_eq!(sent.count(), 5, "{asked:?}");

    let offline = Hub { offline: true, ..online };
    let again = Dual::load(&source.files(&offline).unwrap()).unwrap();
    assert_eq!(again.model().fingerprint, fetched.model().fingerprint);
    assert!(server.asked().is_empty(), "nothing was asked");
    let error = refusal("hf:tiny/siglip", &offline);
    assert!(error.contains("`config.json` is not in the cache"), "{error}");
}

#[test]
fn an_encoder_that_can_not_be_fetched_says_why() {
    let cache = tempfile::tempdir().unwrap();
    let server = server("model.safetensors");
    server.has("tiny/gated", &[]).gate("tiny/gated", "another");
    let online = hub(&server, &cache);
    let error = refusal("hf:tiny/clip@main", &online);
    assert!(error.contains("`tiny/clip@main`") && error.contains("save_pretrained"), "{error}");
    let error = refusal("hf:tiny/nothing", &online);
    assert!(error.contains("`tiny/nothing`"), "{error}");
    let error = refusal("hf:tiny/gated", &online);
    assert!(error.contains("gated") && error.contains("token"), "{error}");
    let error = refusal("hf:tiny/clip@v2", &online);
    assert!(error.contains("revision"), "{error}");
    let nowhere = Hub { endpoint: "http://127.0.0.1:9".to_owned(), ..online };
    let error = refusal("hf:tiny/siglip", &nowhere);
    assert!(error.contains("can't be reached"), "{error}");
    for bad in ["hf:", "hf:clip", "hf:a/b/c", "hf:../x", "hf:a/b@", "hf:a/b@../c", "hf:a/b?c"] {
        assert!(Source::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_old_encoder_without_a_tokenizer_s_settings_is_taken() {
    let (server, cache) = (server("tokenizer_config.json"), tempfile::tempdir().unwrap());
    let files = Source::parse("hf:tiny/clip").unwrap().files(&hub(&server, &cache)).unwrap();
    assert!(Dual::load(&files).is_ok());
}
