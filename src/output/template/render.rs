//! The renderer: walks the nodes of a template with the data.

use std::fmt;

use serde_json::Value;

use super::data::{self, Data, integer, sorted};
use super::error::Fault;
use super::functions::{Failure, Function};
use super::print;
use super::syntax::{Expression, Kind, Node, Pipeline, Program};
use super::text::Text;
use kit_core::problem::{Mark, closest, quoted};

/// The maximum nesting depth of actions, parentheses and templates that invoke templates. The stack bounds it.
const MAX_DEPTH: usize = 250;

/// The maximum number of bytes that a template can produce, including values that it does not print.
pub(super) const MAX_BYTES: usize = 128 << 20;

/// The number of bytes that a step of the renderer counts as, so that the limit of bytes also bounds the time.
const STEP_BYTES: usize = 8;

/// Renders a template with `data` as its dot. It can produce `max_bytes`.
pub(super) fn render(program: &Program, data: &Value, max_bytes: usize) -> Result<String, Fault> {
    let mut renderer = Renderer { program, data, out: Text::new(max_bytes), depth: 0, variables: Vec::new() };
    let dot = Data::Given(data);
    renderer.variables.push(("$", dot.clone()));
    renderer.walk(&program.body, &dot)?;
    Ok(renderer.out.into_string())
}

struct Renderer<'a> {
    program: &'a Program,
    data: &'a Value,
    out: Text,
    depth: usize,
    /// The variables in the order of their declaration; later ones hide earlier ones.
    variables: Vec<(&'a str, Data<'a>)>,
}

/// The continuation after a node: the next node, or the `break` or `continue` of an enclosing loop.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Renderer<'a> {
    fn walk(&mut self, nodes: &'a [Node], dot: &Data<'a>) -> Result<Flow, Fault> {
        for node in nodes {
            let flow = match node {
                Node::Text(mark, text) => self.write(*mark, |out| fmt::Write::write_str(out, text)),
                Node::Print(pipeline) => self.print(pipeline, dot),
                Node::Branch { arms, otherwise, sets_dot } => self.branch(arms, otherwise, *sets_dot, dot),
                Node::Range { over, body, otherwise } => self.range(over, body, otherwise, dot),
                Node::Invoke { mark, name, dot: argument } => self.invoke(*mark, name, argument.as_ref(), dot),
                Node::Break => Ok(Flow::Break),
                Node::Continue => Ok(Flow::Continue),
            }?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, mark: Mark, write: impl FnOnce(&mut Text) -> fmt::Result) -> Result<Flow, Fault> {
        write(&mut self.out).map_err(|_| too_large(mark))?;
        Ok(Flow::Next)
    }

    /// Counts a step, and a level for as long as `visit` takes.
    fn nested<T>(&mut self, mark: Mark, visit: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.out.spend(STEP_BYTES).map_err(|_| too_large(mark))?;
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(mark, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let visited = visit(self);
        self.depth -= 1;
        visited
    }

    fn print(&mut self, pipeline: &'a Pipeline, dot: &Data<'a>) -> Result<Flow, Fault> {
        let data = self.pipeline(pipeline, dot)?;
        if !pipeline.variables.is_empty() {
            return Ok(Flow::Next);
        }
        self.write(pipeline.mark, |out| match data.value() {
            Some(value) => print::value(out, value),
            None => fmt::Write::write_str(out, print::NO_VALUE),
        })
    }

    fn branch(
        &mut self,
        arms: &'a [(Pipeline, Vec<Node>)],
        otherwise: &'a [Node],
        sets_dot: bool,
        dot: &Data<'a>,
    ) -> Result<Flow, Fault> {
        let variables = self.variables.len();
        for (condition, body) in arms {
            let data = self.pipeline(condition, dot)?;
            if data.is_true() {
                let dot = if sets_dot { &data } else { dot };
                let flow = self.nested(condition.mark, |renderer| renderer.walk(body, dot));
                self.variables.truncate(variables);
                return flow;
            }
        }
        let mark = arms.first().map_or(Mark { start: 0, end: 0 }, |(condition, _)| condition.mark);
        let flow = self.nested(mark, |renderer| renderer.walk(otherwise, dot));
        self.variables.truncate(variables);
        flow
    }

    fn range(
        &mut self,
        over: &'a Pipeline,
        body: &'a [Node],
        otherwise: &'a [Node],
        dot: &Data<'a>,
    ) -> Result<Flow, Fault> {
        let variables = self.variables.len();
        let data = self.commands(over, dot)?;
        let mut is_empty = true;
        for (key, item) in items(&data, over)? {
            is_empty = false;
            self.set_items(over, key, &item)?;
            let flow = self.nested(over.mark, |renderer| renderer.walk(body, &item));
            self.variables.truncate(variables);
            if flow? == Flow::Break {
                break;
            }
        }
        if !is_empty {
            return Ok(Flow::Next);
        }
        self.set_items(over, data.clone(), &data)?;
        let flow = self.nested(over.mark, |renderer| renderer.walk(otherwise, dot));
        self.variables.truncate(variables);
        flow
    }

    /// Sets the variables of a `range`: the item, or the key and the item.
    fn set_items(&mut self, over: &'a Pipeline, key: Data<'a>, item: &Data<'a>) -> Result<(), Fault> {
        match &over.variables[..] {
            [] => Ok(()),
            [name] => self.set(over, name, item.clone()),
            [first, second, ..] => {
                self.set(over, first, key)?;
                self.set(over, second, item.clone())
            }
        }
    }

    fn invoke(
        &mut self,
        mark: Mark,
        name: &str,
        argument: Option<&'a Pipeline>,
        dot: &Data<'a>,
    ) -> Result<Flow, Fault> {
        let Some(body) = self.program.definitions.get(name) else {
            return Err(Fault::new(mark, format!("the template {name:?} is not defined")));
        };
        let dot = match argument {
            Some(pipeline) => self.pipeline(pipeline, dot)?,
            None => Data::Missing,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let flow = self.nested(mark, |renderer| renderer.walk(body, &dot));
        self.variables = outer;
        flow
    }

    /// Evaluates a pipeline and sets its variables.
    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Data<'a>) -> Result<Data<'a>, Fault> {
        let data = self.commands(pipeline, dot)?;
        for name in &pipeline.variables {
            self.set(pipeline, name, data.clone())?;
        }
        Ok(data)
    }

    fn set(&mut self, pipeline: &Pipeline, name: &'a str, data: Data<'a>) -> Result<(), Fault> {
        if !pipeline.is_assignment {
            self.variables.push((name, data));
            return Ok(());
        }
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, variable)) => *variable = data,
            None => return Err(Fault::new(pipeline.mark, format!("the variable {} is not set", quoted(name)))),
        }
        Ok(())
    }

    fn commands(&mut self, pipeline: &'a Pipeline, dot: &Data<'a>) -> Result<Data<'a>, Fault> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.expression(command, dot, last)?);
        }
        Ok(last.unwrap_or(Data::Missing))
    }

    /// Evaluates an expression; a function receives `last`, the value before it in its pipeline, as its last argument.
    fn expression(
        &mut self,
        expression: &'a Expression,
        dot: &Data<'a>,
        last: Option<Data<'a>>,
    ) -> Result<Data<'a>, Fault> {
        let mark = expression.mark;
        self.nested(mark, |renderer| match &expression.kind {
            Kind::Literal(value) => Ok(Data::Given(value)),
            Kind::Nil => Ok(Data::Missing),
            Kind::Dot => Ok(dot.clone()),
            Kind::Variable(name) => renderer.variable(mark, name),
            Kind::Fields(base, names) => {
                let base = renderer.expression(base, dot, None)?;
                names.iter().try_fold(base, |data, (mark, name)| renderer.field(*mark, &data, name))
            }
            Kind::Call(function, arguments) => renderer.call(mark, *function, arguments, dot, last),
            Kind::Parenthesized(pipeline) => renderer.pipeline(pipeline, dot),
        })
    }

    fn variable(&self, mark: Mark, name: &str) -> Result<Data<'a>, Fault> {
        let variable = self.variables.iter().rev().find(|(known, _)| *known == name);
        variable
            .map(|(_, data)| data.clone())
            .ok_or_else(|| Fault::new(mark, format!("the variable {} is not set", quoted(name))))
    }

    fn field(&self, mark: Mark, data: &Data<'a>, name: &str) -> Result<Data<'a>, Fault> {
        match data.value() {
            None => return Ok(Data::Missing),
            Some(Value::Object(_)) => {}
            Some(_) => return Err(Fault::new(mark, format!("{} has no field {}", data.kind(), quoted(name)))),
        }
        let found = data.part(|value| data::field(value.as_object()?, name));
        let is_outermost = matches!(data, Data::Given(value) if std::ptr::eq(*value, self.data));
        if is_outermost && matches!(found, Data::Missing) {
            return Err(Fault::new(mark, unknown_field(self.data, name)));
        }
        Ok(found)
    }

    fn call(
        &mut self,
        mark: Mark,
        function: Function,
        arguments: &'a [Expression],
        dot: &Data<'a>,
        last: Option<Data<'a>>,
    ) -> Result<Data<'a>, Fault> {
        let decides = match function.name() {
            "and" => Some(false),
            "or" => Some(true),
            _ => None,
        };
        let mut values = Vec::with_capacity(arguments.len() + usize::from(last.is_some()));
        for argument in arguments {
            let value = self.expression(argument, dot, None)?;
            if decides == Some(value.is_true()) {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(last);
        function.call(&values, &mut self.out).map_err(|failure| match failure {
            Failure::TooLarge => too_large(mark),
            Failure::Message(message) => Fault::new(mark, message),
        })
    }
}

/// The keys and items that `range` iterates over: of a list, of a map in the order of its keys, or the integers from 0
/// up to a number.
fn items<'d, 'a: 'd>(
    data: &'d Data<'a>,
    over: &Pipeline,
) -> Result<Box<dyn Iterator<Item = (Data<'a>, Data<'a>)> + 'd>, Fault> {
    Ok(match data.value() {
        None | Some(Value::Null) => Box::new(std::iter::empty()),
        Some(Value::Array(items)) => {
            Box::new((0..items.len()).map(|position| (Data::made(position), data.part(|value| value.get(position)))))
        }
        Some(Value::Object(fields)) => Box::new(
            sorted(fields).into_iter().map(|(name, _)| (Data::made(name.as_str()), data.part(|value| value.get(name)))),
        ),
        Some(Value::Number(number)) if integer(number).is_some() && over.variables.len() < 2 => {
            let end = integer(number).and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX);
            Box::new((0..end).map(|number| (Data::Missing, Data::made(number))))
        }
        _ => return Err(Fault::new(over.mark, format!("`range` cannot iterate over {}", data.kind()))),
    })
}

fn too_large(mark: Mark) -> Fault {
    Fault::new(mark, "the template produces too much text")
}

/// The message about a field that `data`, the outermost object, does not have.
pub(super) fn unknown_field(data: &Value, name: &str) -> String {
    let known: Vec<_> = data.as_object().into_iter().flatten().map(|(known, _)| known.as_str()).collect();
    let unknown = format!("there is no field {}", quoted(name));
    match closest(name, &known) {
        Some(near) => format!("{unknown}; did you mean `{near}`?"),
        None if known.is_empty() => unknown,
        None => format!("{unknown}; the fields are `{}`", known.join("`, `")),
    }
}
