//! The syntax tree of a YAML text: nodes with their positions, aliases resolved, size and depth limited.
//!
//! Scalars are kept as source text; `scalar` determines their meaning.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::limits;
use crate::problem::Mark;

/// A YAML node. Aliases share the node that they point to.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) content: Content,
    /// The number of nodes and text bytes at and below this node; an alias counts each time it is used.
    weight: usize,
    /// The number of levels below this node.
    height: usize,
}

#[derive(Debug)]
pub(crate) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
}

/// A scalar whose meaning is not yet determined.
#[derive(Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) is_plain: bool,
    /// The explicit tag in its short form: `!!int`, `!`, `!own`.
    pub(crate) tag: Option<String>,
}

impl Node {
    fn new(mark: Mark, content: Content) -> Self {
        let children: Box<dyn Iterator<Item = &Rc<Self>>> = match &content {
            Content::Scalar(_) => Box::new(std::iter::empty()),
            Content::Sequence(items) => Box::new(items.iter()),
            Content::Mapping(pairs) => Box::new(pairs.iter().flat_map(|(key, value)| [key, value])),
        };
        let own = if let Content::Scalar(scalar) = &content { scalar.text.len() } else { 0 };
        let sum = |(weight, height): (usize, usize), child: &Rc<Self>| {
            (child.weight.saturating_add(weight), height.max(child.height + 1))
        };
        let (weight, height) = children.fold((own + 1, 0), sum);
        Self { mark, content, weight, height }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        if let Content::Scalar(scalar) = &self.content { Some(scalar) } else { None }
    }

    /// The kind of the node for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Scalar(_) => "a string",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
        }
    }

    /// The position that a message about the node shows: the first key of a mapping, not the whole mapping.
    pub(crate) fn head(&self) -> Mark {
        match &self.content {
            Content::Mapping(pairs) => pairs.first().map_or(self.mark, |(key, _)| key.mark),
            _ => self.mark,
        }
    }
}

/// The reason why a text is not a YAML document that `kit` accepts.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) mark: Mark,
    pub(crate) message: String,
}

/// The text without its byte order mark.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Reads the only document of `text`; returns `None` if there are only comments.
pub(crate) fn compose(text: &str) -> Result<Option<Rc<Node>>, SyntaxError> {
    let mut options = granit_parser::options! {};
    options.set_emit_comments(false);
    let events = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer { events, text, end: text.len(), anchors: HashMap::new() };
    let mut root = None;
    loop {
        let (event, mark) = composer.next()?;
        match event {
            Event::StreamEnd => return Ok(root),
            Event::DocumentStart(..) if root.is_some() => {
                if composer.is_empty_document()? {
                    continue;
                }
                return Err(SyntaxError::new(
                    mark,
                    "a Kitfile is a single YAML document, but a second one begins here",
                ));
            }
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => root = Some(composer.node(event, mark, 0)?),
        }
    }
}

impl SyntaxError {
    fn new(mark: Mark, message: impl Into<String>) -> Self {
        Self { mark, message: message.into() }
    }
}

struct Composer<'a> {
    events: Parser<'a, StrInput<'a>>,
    text: &'a str,
    end: usize,
    /// The complete nodes by anchor. The anchor of a node that is still being read is not in this map.
    anchors: HashMap<usize, Rc<Node>>,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Mark), SyntaxError> {
        match self.events.next() {
            None => Ok((Event::StreamEnd, Mark { start: self.end, end: self.end })),
            Some(Ok((event, span))) => Ok((event, mark_of(&span, self.end))),
            Some(Err(error)) => {
                let start = error.marker().byte_offset().unwrap_or(self.end);
                Err(SyntaxError::new(Mark { start, end: start }, error.info()))
            }
        }
    }

    /// Takes what follows the start of a document, and returns true if that is nothing but comments, or a null: the
    /// parser gives `~` for both.
    fn is_empty_document(&mut self) -> Result<bool, SyntaxError> {
        let (event, _) = self.next()?;
        Ok(matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty() || text == "~"))
    }

    fn node(&mut self, event: Event<'_>, mark: Mark, depth: usize) -> Result<Rc<Node>, SyntaxError> {
        if depth > limits::YAML_DEPTH {
            return Err(SyntaxError::new(mark, format!("nested deeper than {} levels", limits::YAML_DEPTH)));
        }
        let (content, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, mark),
            Event::Scalar(text, style, anchor, tag) => {
                let (mut text, tag) = (text.into_owned(), tag.map(|tag| short_tag(&tag)));
                if self.lacks_line_break(style, mark) && text.ends_with('\n') {
                    text.pop();
                }
                (Content::Scalar(Scalar { text, is_plain: style == ScalarStyle::Plain, tag }), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.sequence(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.mapping(depth)?, anchor),
            _ => return Err(SyntaxError::new(mark, "a value is missing")),
        };
        let node = Rc::new(Node::new(mark, content));
        if node.weight > limits::YAML_WEIGHT || depth + node.height > limits::YAML_DEPTH {
            return Err(SyntaxError::new(mark, "the aliases in this value make it too large or too deeply nested"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(node)
    }

    /// Returns true for a block scalar whose last line is the end of the text, without a line break. Go adds none, but
    /// the parser does.
    fn lacks_line_break(&self, style: ScalarStyle, mark: Mark) -> bool {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let last_line = self.text.rsplit(['\n', '\r']).next().unwrap_or_default();
        is_block && mark.end >= self.end && !last_line.trim().is_empty()
    }

    fn alias(&self, anchor: usize, mark: Mark) -> Result<Rc<Node>, SyntaxError> {
        let target = self.anchors.get(&anchor);
        target.cloned().ok_or_else(|| SyntaxError::new(mark, "this alias is inside the value that it refers to"))
    }

    fn sequence(&mut self, depth: usize) -> Result<Content, SyntaxError> {
        let mut items = Vec::new();
        while let Some(item) = self.child(depth)? {
            items.push(item);
        }
        Ok(Content::Sequence(items))
    }

    fn mapping(&mut self, depth: usize) -> Result<Content, SyntaxError> {
        let mut pairs = Vec::new();
        while let Some(key) = self.child(depth)? {
            let missing = SyntaxError::new(key.mark, "this key has no value");
            pairs.push((key, self.child(depth)?.ok_or(missing)?));
        }
        Ok(Content::Mapping(pairs))
    }

    /// The next node of a collection, or `None` at its end.
    fn child(&mut self, depth: usize) -> Result<Option<Rc<Node>>, SyntaxError> {
        let (event, mark) = self.next()?;
        if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
            return Ok(None);
        }
        self.node(event, mark, depth + 1).map(Some)
    }
}

fn mark_of(span: &Span, end: usize) -> Mark {
    let start = span.start.byte_offset().unwrap_or(end);
    Mark { start, end: span.end.byte_offset().unwrap_or(start) }
}

fn short_tag(tag: &Tag) -> String {
    match tag.suffix_in_namespace("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}"),
        None => format!("{}{}", tag.handle(), tag.suffix()),
    }
}
