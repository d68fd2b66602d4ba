//! Names of parents by which the same parent is found in another lock.

use crate::oci::Reference;

/// The name for each of `references`, which are written as in Kitfiles: the reference without the digest, so that the
/// name stays the same when the pinned digest changes. Only if another reference has the same tag, as in a chain of
/// versions of one model, it keeps the digest.
pub fn parent_names(references: &[&str]) -> Vec<String> {
    let short = |reference: &&str| match reference.parse::<Reference>() {
        Ok(reference) if !reference.is_unnamed() => reference.without_digest().to_string(),
        _ => (*reference).to_owned(),
    };
    let names: Vec<_> = references.iter().map(short).collect();
    let is_only = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let given = references.iter().map(|reference| (*reference).to_owned());
    names.iter().zip(given).map(|(name, given)| if is_only(name) { name.clone() } else { given }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn names_have_digests_only_where_they_need_them() {
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let check = |references: &[String], expected: &[String]| {
            let references: Vec<_> = references.iter().map(String::as_str).collect();
            assert_eq!(parent_names(&references), expected);
        };
        check(&[format!("r.io/a:v1@{one}"), "b:v1".to_owned()], &["r.io/a:v1".to_owned(), "b:v1".to_owned()]);
        check(&[format!("r.io/a@{one}")], &["r.io/a".to_owned()]);
        let chain = [format!("a:v1@{one}"), format!("a:v1@{other}")];
        check(&chain, &chain);
        check(&[one.to_string(), "No Reference".to_owned()], &[one.to_string(), "No Reference".to_owned()]);
    }
}
