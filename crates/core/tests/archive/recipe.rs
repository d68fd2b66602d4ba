//! Reading layers by their recipes: the same bytes as in the layers themselves, or an error.

use std::io::{self, Read};
use std::os::unix::fs::symlink;

use kit_core::archive::{IgnoreRules, LayerSource, Links, Modes, write_layer};
use kit_core::compression::Compression;
use kit_core::digest::DigestWriter;
use kit_core::layer_format::Format;
use kit_core::progress::Silent;
use kit_core::recipe::{Changed, Recipe, RecipeWriter};

use crate::scenery::Context;

fn scene() -> Context {
    let context = Context::with_files(&["a", "b/c", "b/d/e"]);
    context.file("empty", b"");
    context.file("block", &[7; 512]);
    context.file(&format!("{}/{}", "long".repeat(30), "name".repeat(30)), &[9; 1500]);
    context.link("link", "b/c");
    context
}

/// Writes everything in `context` as a layer, and returns its recipe and its bytes.
fn record(context: &Context, mut recipe: RecipeWriter) -> (Recipe, Vec<u8>) {
    let ignore = IgnoreRules::parse("").unwrap();
    let path = ".".parse().unwrap();
    let source = LayerSource {
        root: context.root(),
        path,
        excluded: Vec::new(),
        ignore: &ignore,
        links: Links::Follow,
        modes: Modes::default(),
    };
    let mut layer = DigestWriter::new(Vec::new());
    write_layer(&source, Format::Tar, Compression::None, Some(&mut recipe), &mut layer, &Silent).unwrap();
    (recipe.finish().unwrap(), layer.finish().0)
}

fn read(recipe: &Recipe, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    recipe.open_at(offset)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn a_recipe_gives_the_bytes_of_the_layer_from_any_offset() {
    let context = scene();
    let (recipe, layer) = record(&context, RecipeWriter::new().unwrap());
    assert_eq!((recipe.size(), &layer), (layer.len() as u64, &context.pack(".").unwrap()));
    for offset in (0..layer.len() + 2).step_by(101).chain([512, layer.len() - 1, layer.len(), layer.len() + 1]) {
        assert_eq!(read(&recipe, offset as u64).unwrap(), layer[offset.min(layer.len())..], "{offset}");
    }
}

#[test]
fn a_saved_recipe_is_the_same_with_clones_or_without() {
    let context = scene();
    let folder = tempfile::tempdir().unwrap();
    let (recipe, layer) = record(&context, RecipeWriter::cloning_into(folder.path().to_owned()).unwrap());
    recipe.save(folder.path()).unwrap();
    let saved = Recipe::saved_in(folder.path()).unwrap();
    assert_eq!((saved.size(), read(&saved, 700).unwrap()), (layer.len() as u64, layer[700..].to_vec()));
}

/// Returns the error of reading after `change`, if there is one.
fn verdict(offset: u64, change: impl Fn(&Context)) -> Option<Changed> {
    let context = scene();
    let (recipe, layer) = record(&context, RecipeWriter::new().unwrap());
    change(&context);
    match read(&recipe, offset) {
        Ok(bytes) => {
            assert!(layer.ends_with(&bytes));
            None
        }
        Err(error) => {
            let changed = Changed::in_io(&error).unwrap().clone();
            let text = changed.to_string().replace(&context.root().display().to_string(), "");
            assert!(text.ends_with("since it was packed"), "{text}");
            Some(changed)
        }
    }
}

#[test]
fn a_file_that_changed_is_named() {
    let named = |changed: Option<Changed>| match changed.unwrap() {
        Changed::Content(path) | Changed::Gone(path) | Changed::WhileRead(path) => path.file_name().unwrap().to_owned(),
    };
    let same_size = |context: &Context| fs_err::write(context.root().join("a"), b"A").unwrap();
    assert_eq!(named(verdict(0, same_size)), "a");
    assert_eq!(named(verdict(0, |context| context.file("b/c", b"another size"))), "c");
    assert_eq!(named(verdict(0, |context| context.set_mode("b/d/e", 0o600))), "e");
    let replaced = |context: &Context| {
        context.file("twin", &[7; 512]);
        fs_err::rename(context.root().join("twin"), context.root().join("block")).unwrap();
    };
    assert_eq!(named(verdict(0, replaced)), "block");
    let relinked = |context: &Context| {
        fs_err::remove_file(context.root().join("link")).unwrap();
        symlink("b/d/e", context.root().join("link")).unwrap();
    };
    assert_eq!(named(verdict(0, relinked)), "link");
    let gone = verdict(0, |context| fs_err::remove_file(context.root().join("b/d/e")).unwrap());
    assert!(matches!(&gone, Some(Changed::Gone(_))), "{gone:?}");
    let folder = verdict(0, |context| {
        fs_err::remove_file(context.root().join("a")).unwrap();
        context.directory("a");
    });
    assert_eq!(named(folder), "a");
}

#[test]
fn a_file_that_changes_while_a_part_of_it_is_read_is_named() {
    let context = Context::new();
    context.file("a", &[7; 4096]);
    let (recipe, _) = record(&context, RecipeWriter::new().unwrap());
    let mut reader = recipe.open_at(512).unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    context.set_mode("a", 0o600);
    let error = reader.read_exact(&mut [0; 100]).unwrap_err();
    assert_eq!(Changed::in_io(&error), Some(&Changed::Content(context.root().join("a"))));
}

#[test]
fn files_before_the_offset_are_not_checked() {
    assert_eq!(verdict(2048, |context| context.file("a", b"changed")), None);
}

#[test]
fn a_damaged_recipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (recipe, layer) = record(&scene(), RecipeWriter::new().unwrap());
    recipe.save(folder.path()).unwrap();
    let path = folder.path().join("recipe");
    let whole = fs_err::read(&path).unwrap();
    for (place, kept) in [(0, whole.len()), (20, whole.len()), (0, 10), (0, 0), (16, whole.len() - 1)] {
        let mut bytes = whole[..kept].to_vec();
        bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0xff);
        fs_err::write(&path, bytes).unwrap();
        let read = Recipe::saved_in(folder.path()).and_then(|recipe| read(&recipe, 0));
        assert!(read.is_err() || read.unwrap() != layer, "{place} {kept}");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_recipes_never_panic(bytes: Vec<u8>, is_compressed: bool) {
        let folder = tempfile::tempdir().unwrap();
        let mut script = b"kitrcp1\n\x08\0\0\0\0\0\0\0".to_vec();
        script.extend(if is_compressed { zstd::encode_all(&bytes[..], 1).unwrap() } else { bytes });
        fs_err::write(folder.path().join("recipe"), script).unwrap();
        let recipe = Recipe::saved_in(folder.path()).unwrap();
        drop(read(&recipe, 0));
        drop(read(&recipe, 5));
    }
}
