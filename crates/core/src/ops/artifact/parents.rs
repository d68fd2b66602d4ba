//! The ModelKits that a model refers to: `model.path` may refer to another ModelKit, whose model may refer to a third.

use std::collections::HashSet;

use super::inspect::{Inspected, inspect};
use super::variants::modelkits;
use crate::kitfile::Section;
use crate::limits;
use crate::modelkit::ModelKit;
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::session::{Located, Lookup, Session};

/// A ModelKit that a model refers to.
pub(crate) struct Parent {
    pub(crate) reference: Reference,
    pub(crate) found: Located,
    pub(crate) inspected: Inspected,
}

/// Resolves the chain of ModelKits that begins with `first`, to which the model of the ModelKit `child` refers.
pub(crate) fn resolve(session: &Session<'_>, child: &str, first: Reference) -> Result<Vec<Parent>, Error> {
    let mut visited = vec![child.to_owned()];
    let mut parents: Vec<Parent> = Vec::new();
    let mut next = Some(first);
    while let Some(reference) = next {
        let name = reference.to_string();
        let is_known = visited.contains(&name);
        visited.push(name.clone());
        if is_known {
            return Err(Error::ReferenceCycle(visited));
        }
        if parents.len() == limits::PARENTS {
            return Err(Error::TooManyReferences { limit: limits::PARENTS, chain: visited });
        }
        let parent =
            open(session, reference).map_err(|source| Error::Parent { reference: name, source: Box::new(source) })?;
        next = model_reference(&parent.inspected.modelkit);
        parents.push(parent);
    }
    Ok(parents)
}

/// Returns the references of the models of a ModelKit or of an index, without duplicates.
pub fn parents(found: &Located) -> Result<Vec<Reference>, Error> {
    let mut parents: Vec<_> = modelkits(found)?.iter().filter_map(model_reference).collect();
    let mut seen = HashSet::new();
    parents.retain(|parent| seen.insert(parent.to_string()));
    Ok(parents)
}

fn open(session: &Session<'_>, reference: Reference) -> Result<Parent, Error> {
    let found = session.find_reference(&reference, Lookup::Anywhere)?;
    let inspected = inspect(&found)?;
    Ok(Parent { reference, found, inspected })
}

/// Returns the reference of the model of a packed ModelKit. A model that has a layer is a file, even if its path looks
/// like a reference.
pub(crate) fn model_reference(modelkit: &ModelKit) -> Option<Reference> {
    let readable = modelkit.layers.iter().map(|layer| layer.section);
    let owns_layer =
        readable.chain(modelkit.unreadable.iter().map(|entry| entry.section)).any(|section| section == Section::Model);
    if owns_layer { None } else { modelkit.config.kitfile.model.as_ref()?.reference() }
}
