//! Answers come back as they were put, whatever happens to the file.

use proptest::prelude::*;

use super::*;

fn key(text: &str) -> Hash {
    Hash::of(text.as_bytes())
}

fn open(folder: &Path) -> Cache {
    Cache::open(folder, DEFAULT_LIMIT_BYTES).unwrap()
}

#[test]
fn answers_outlive_the_process_and_kinds_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.put(Kind::Answer, key("a"), b"yes");
    cache.put(Kind::Reply, key("a"), b"because");
    drop(cache);
    let cache = open(folder.path());
    let found = cache.get(Kind::Answer, &[key("b"), key("a")]);
    assert_eq!(found, [None, Some(b"yes".to_vec())]);
    assert_eq!(cache.get(Kind::Reply, &[key("a")]), [Some(b"because".to_vec())]);
    assert_eq!(cache.get(Kind::Boxes, &[key("a")]), [None]);
    let counts: Vec<u64> =
        cache.stats().unwrap().kinds.iter().map(|(_, count, _)| *count).collect();
    assert_eq!(counts, [1, 1, 0, 0, 0, 0]);
}

#[test]
fn a_second_process_is_told_that_the_first_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let second = Cache::open(folder.path(), DEFAULT_LIMIT_BYTES);
    assert!(matches!(second, Err(CacheError::Busy)), "{second:?}");
}

#[test]
fn a_broken_file_is_put_aside_and_an_empty_one_begun() {
    let folder = tempfile::tempdir().unwrap();
    for garbage in [b"not a database at all".to_vec(), vec![0; 100_000]] {
        let path = file::path_in(folder.path(), ANSWERS);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, &garbage).unwrap();
        let cache = open(folder.path());
        cache.put(Kind::Answer, key("a"), b"yes");
        cache.flush();
        assert_eq!(cache.get(Kind::Answer, &[key("a")]), [Some(b"yes".to_vec())]);
        assert_eq!(fs_err::read(path.with_extension("broken")).unwrap(), garbage);
    }
}

/// What a crash in the middle of writing leaves: the file as it was at some moment, with no word
/// of goodbye.
#[test]
fn a_copy_of_an_open_file_is_whole() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cache = open(folder.path());
    for number in 0..1_000 {
        cache.put(Kind::Answer, key(&number.to_string()), b"yes");
        if number % 100 == 0 {
            cache.flush();
        }
    }
    let to = file::path_in(copy.path(), ANSWERS);
    fs_err::create_dir_all(to.parent().unwrap()).unwrap();
    fs_err::copy(file::path_in(folder.path(), ANSWERS), &to).unwrap();
    let copied = open(copy.path());
    assert_eq!(copied.get(Kind::Answer, &[key("900")]), [Some(b"yes".to_vec())]);
    assert!(!to.with_extension("broken").exists());
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let cache = Cache::in_memory().unwrap();
    let put_at = |minute: u32, name: &str| {
        cache.answers.put_at(minute, Kind::Answer, key(name), &[7; 100]);
    };
    put_at(10, "old");
    put_at(20, "middle");
    put_at(30, "new");
    let pruned = cache.prune_to(600).unwrap();
    assert_eq!(pruned, Pruned { forgotten: 1, kept: 2 });
    let has = |name: &str| cache.get(Kind::Answer, &[key(name)])[0].is_some();
    assert!(!has("old") && has("middle") && has("new"));
    // All three are years old: reading has marked two of them as used now.
    assert_eq!(cache.prune_older_than(1).unwrap(), Pruned { forgotten: 0, kept: 2 });
    assert_eq!(cache.clear().unwrap(), Pruned { forgotten: 2, kept: 0 });
    assert!(!has("new"));
}

#[test]
fn a_file_beyond_its_limit_is_pruned_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    for number in 0..20_000u32 {
        cache.answers.put_at(number, Kind::Answer, key(&number.to_string()), &[7; 100]);
    }
    drop(cache);
    let path = file::path_in(folder.path(), ANSWERS);
    let before = fs_err::metadata(&path).unwrap().len();
    let cache = Cache::open(folder.path(), before).unwrap();
    assert!(fs_err::metadata(&path).unwrap().len() <= before / 2);
    let kept: u64 = cache.stats().unwrap().kinds.iter().map(|(_, count, _)| count).sum();
    assert!((1_000..15_000).contains(&kept), "{kept}");
    assert!(cache.get(Kind::Answer, &[key("19999")])[0].is_some());
    assert!(cache.get(Kind::Answer, &[key("0")])[0].is_none());
}

/// What is reckoned of a file that is opened again comes near what was counted as it was written.
#[test]
fn values_of_different_lengths_are_reckoned_by_their_average() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    for number in 0..200_u32 {
        let value = vec![7; if number % 2 == 0 { 10_000 } else { 100_000 }];
        cache.put(Kind::Image, key(&number.to_string()), &value);
    }
    let counted = cache.images.stored_bytes();
    drop(cache);
    let reckoned = open(folder.path()).images.stored_bytes();
    assert_eq!(counted, 100 * (16_384 + 131_072));
    assert!(reckoned.abs_diff(counted) < counted / 3, "{reckoned} beside {counted}");
}

/// The features of one image do not push out those of another, nor any answer.
#[test]
fn when_features_fill_their_quarter_no_more_are_kept_until_the_next_opening() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 16 << 20;
    let cache = Cache::open(folder.path(), limit).unwrap();
    cache.put(Kind::Answer, key("a"), b"yes");
    let features = vec![7; 100_000];
    let keys: Vec<Hash> = (0..200).map(|number: u32| key(&number.to_string())).collect();
    for key in &keys {
        cache.put(Kind::Features, *key, &features);
        cache.flush();
    }
    let kept = |cache: &Cache| {
        let known = cache.get(Kind::Features, &keys);
        known.iter().map(Option::is_some).collect::<Vec<bool>>()
    };
    let before = kept(&cache);
    let count = before.iter().filter(|kept| **kept).count();
    assert_eq!(count, 33, "as many as go into a quarter of the limit, and the one that fills it");
    assert!(before[..count].iter().all(|kept| *kept), "the first ones stay");
    drop(cache);
    let cache = Cache::open(folder.path(), limit).unwrap();
    cache.put(Kind::Features, key("another run's"), &features);
    assert!(cache.get(Kind::Features, &[key("another run's")])[0].is_some(), "there is room again");
    assert!(cache.get(Kind::Answer, &[key("a")])[0].is_some());
    assert!(cache.stats().unwrap().file_bytes < 2 * limit);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_last_value_put_is_the_one_that_is_got(
        puts in prop::collection::vec((0u8..8, prop::collection::vec(any::<u8>(), 0..40), any::<bool>()), 1..60),
    ) {
        let cache = Cache::in_memory().unwrap();
        let mut last = std::collections::BTreeMap::new();
        for (name, value, flushed) in puts {
            cache.put(Kind::Reply, Hash::of(&[name]), &value);
            last.insert(name, value);
            if flushed {
                cache.flush();
            }
        }
        for (name, value) in last {
            prop_assert_eq!(&cache.get(Kind::Reply, &[Hash::of(&[name])])[0], &Some(value));
        }
    }
}
