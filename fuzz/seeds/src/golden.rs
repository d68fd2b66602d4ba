//! Seeds from `tests/golden` and `examples`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::{Seeds, repository};

pub(crate) fn write(seeds: &Seeds) -> io::Result<()> {
    let golden = repository().join("tests/golden");
    for (file, field, targets) in [
        ("modelkits.json", "kitfile", &["kitfile", "yaml"][..]),
        ("names.json", "kitfile", &["kitfile", "yaml"]),
        ("yaml_scalars.json", "yaml", &["yaml"]),
        ("yaml_style.json", "yaml", &["yaml"]),
    ] {
        for (number, text) in texts(&golden.join(file), field)?.iter().enumerate() {
            for target in targets {
                seeds.put(target, &format!("{file}-{number}"), text)?;
            }
        }
    }
    for layout in fs::read_dir(golden.join("layouts"))? {
        write_layout(seeds, &layout?.path())?;
    }
    seeds.put("keyless", "trusted-root", fs::read(golden.join("trust/keys/test-trusted-root.json"))?)?;
    for file in files(&golden.join("trust/scan"))? {
        let bytes = fs::read(&file)?;
        seeds.put("scan_pickle", &name(&file), &bytes)?;
        for target in ["scan_template", "scan_notebook", "scan_hdf5"] {
            seeds.put(target, &name(&file), &bytes)?;
        }
        // The first byte selects the name of a file; the last ones are the place of a directory.
        seeds.put("scan_file", &name(&file), [&[0], &bytes[..]].concat())?;
        seeds.put("scan_zip", &name(&file), [&bytes[..], &[0; 4]].concat())?;
    }
    for file in files(&repository().join("examples"))?.iter().chain([&repository().join("Kitfile.example")]) {
        write_example(seeds, file)?;
    }
    Ok(())
}

/// The texts in `field` of the objects listed in `file`.
fn texts(file: &Path, field: &str) -> io::Result<Vec<String>> {
    let list: Vec<Value> = serde_json::from_slice(&fs::read(file)?)?;
    Ok(list.iter().filter_map(|item| Some(item.get(field)?.as_str()?.to_owned())).collect())
}

/// Writes the index of an image layout, its manifests with their configs, and its uncompressed layers.
fn write_layout(seeds: &Seeds, layout: &Path) -> io::Result<()> {
    let index = fs::read(layout.join("index.json"))?;
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        fs::read(layout.join("blobs").join(digest.replace(':', "/")))
    };
    seeds.put("index", &name(layout), &index)?;
    for (number, descriptor) in list(&serde_json::from_slice(&index)?, "manifests").iter().enumerate() {
        let bytes = blob(descriptor)?;
        let manifest: Value = serde_json::from_slice(&bytes)?;
        let documents = [&bytes[..], b"\0", &blob(&manifest["config"])?].concat();
        seeds.put("manifest", &format!("{}-{number}", name(layout)), documents)?;
        for (layer, descriptor) in list(&manifest, "layers").iter().enumerate() {
            if descriptor["mediaType"].as_str().is_some_and(|media_type| media_type.ends_with(".tar")) {
                seeds.put("tar", &format!("{}-{number}-{layer}", name(layout)), blob(descriptor)?)?;
            }
        }
    }
    Ok(())
}

fn list(document: &Value, field: &str) -> Vec<Value> {
    document[field].as_array().cloned().unwrap_or_default()
}

fn write_example(seeds: &Seeds, file: &Path) -> io::Result<()> {
    let (seed, bytes) = (format!("{}-{}", name(file.parent().unwrap_or(file)), name(file)), fs::read(file)?);
    match name(file).rsplit_once('.').map_or(name(file).as_str(), |(_, extension)| extension) {
        "Kitfile" | "example" => seeds.put("kitfile", &seed, bytes),
        "yaml" => seeds.put("yaml", &seed, bytes),
        "safetensors" => seeds.put("safetensors", &seed, bytes),
        "kitignore" => seeds.put("kitignore", &seed, [b"data/train.csv\n", &bytes[..]].concat()),
        _ => Ok(()),
    }
}

/// All files below `folder`.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// The last component of `path`.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
