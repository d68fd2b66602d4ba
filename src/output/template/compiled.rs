//! A template that has been parsed.

use serde_json::Value;

use super::data::field;
use super::error::{Fault, InvalidTemplate};
use super::fields::root_fields;
use super::parser;
use super::render;
use super::syntax::Program;

/// A template whose syntax has been checked.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    text: String,
    program: Program,
}

impl Template {
    /// Parses a template.
    pub(crate) fn new(text: &str) -> Result<Self, InvalidTemplate> {
        let program = parser::parse(text).map_err(|fault| InvalidTemplate::new(text, fault))?;
        Ok(Self { text: text.to_owned(), program })
    }

    /// Fills the template from `data`.
    ///
    /// A field is found by its JSON name and by that name with a capital: `.repo`, `.Repo`. A field that the
    /// outermost object does not have is an error; deeper down it prints as `<no value>`.
    pub(crate) fn render(&self, data: &Value) -> Result<String, InvalidTemplate> {
        self.render_within(data, render::MAX_BYTES)
    }

    /// Fails if the template uses a field of the outermost object that is not one of `known`.
    pub(crate) fn expect_fields(&self, known: &[&str]) -> Result<(), InvalidTemplate> {
        let data = Value::Object(known.iter().map(|name| ((*name).to_owned(), Value::Null)).collect());
        let fields = data.as_object().into_iter();
        let is_known = |name: &str| fields.clone().any(|fields| field(fields, name).is_some());
        match root_fields(&self.program).into_iter().find(|(_, name)| !is_known(name)) {
            Some((mark, name)) => {
                Err(InvalidTemplate::new(&self.text, Fault::new(mark, render::unknown_field(&data, name))))
            }
            None => Ok(()),
        }
    }

    fn render_within(&self, data: &Value, max_bytes: usize) -> Result<String, InvalidTemplate> {
        render::render(&self.program, data, max_bytes).map_err(|fault| InvalidTemplate::new(&self.text, fault))
    }
}

/// Renders the template `text` for the fuzz target, which has no access to the types of this module.
#[cfg(fuzzing)]
pub fn fuzz_template(text: &str, data: &Value) -> Result<String, String> {
    let rendered = Template::new(text).and_then(|template| template.render_within(data, 1 << 20));
    rendered.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        json!({
            "repo": "demo", "tags": ["v1", "v2"], "size": 3, "ratio": 0.5, "big": 1_000_000.0,
            "none": null, "linked": false,
            "kitfile": { "model": { "name": "net", "license": "MIT" }, "parts": [] },
            "layers": [{ "path": "a", "size": 1 }, { "path": "b", "size": 20 }],
        })
    }

    fn render(template: &str) -> Result<String, InvalidTemplate> {
        Template::new(template)?.render(&data())
    }

    #[track_caller]
    fn check(template: &str, expected: &str) {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }

    #[track_caller]
    fn check_fails(template: &str, message: &str, excerpt: &str) {
        let error = render(template).unwrap_err().to_string();
        let (head, place) = error.split_once('\n').unwrap();
        let first =
            head.strip_prefix(&format!("cannot use the template {}: ", kit_core::problem::quoted(template))).unwrap();
        assert_eq!(first, message, "{template}");
        let number = first.split_once("(line ").unwrap().1.split_once(',').unwrap().0;
        assert!(place.starts_with(&format!("    {number} | ")), "{error}");
        let carets = place.rsplit_once(" | ").unwrap().1;
        assert_eq!(carets, excerpt, "{template}");
    }

    #[test]
    fn values_print_as_in_go() {
        check("no actions", "no actions");
        check("", "");
        check("{{.Repo}} {{.Tags}}", "demo [v1 v2]");
        check("{{.}}", &Template::new("{{$}}").unwrap().render(&data()).unwrap());
        check("{{.Kitfile.Model.Name}} {{.Kitfile}}", "net map[model:map[license:MIT name:net] parts:[]]");
        check("{{.size}} {{.ratio}} {{.big}} {{.linked}} {{.none}}", "3 0.5 1e+06 false []");
        check("{{.kitfile.nope}} {{.kitfile.nope.deeper}}", "<no value> <no value>");
        check("{{print .kitfile.nope}} {{print nil}}", "<nil> <nil>");
        check(
            "{{1}} {{-2}} {{0x10}} {{1.5}} {{'a'}} {{true}} {{\"a\\tb\"}} {{`a\\t`}}",
            "1 -2 16 1.5 97 true a\tb a\\t",
        );
        check("{{\"}}\"}}", "}}");
        check("{{(index .layers 1).path}}{{(.kitfile).model.name}}", "bnet");
    }

    #[test]
    fn trim_markers_and_comments_leave_nothing() {
        check("{{ .repo -}}  x", "demox");
        check("a \n {{- .repo -}} \t b", "ademob");
        check("a {{- /* gone */ -}} b{{/* gone */}}", "ab");
        check("{{- 1}} {{-1}}", "1 -1");
        check("{{\n.repo\n}}", "demo");
    }

    #[test]
    fn control_actions_select_the_output() {
        check("{{if eq .Repo \"demo\"}}yes{{else}}no{{end}}", "yes");
        check("{{if .none}}a{{else if .linked}}b{{else if .tags}}c{{else}}d{{end}}", "c");
        check("{{if 0}}a{{else if 0.0}}b{{else if \"\"}}c{{else if .kitfile.parts}}d{{else}}e{{end}}", "e");
        check("{{with .kitfile}}{{.model.name}} {{$.repo}}{{else}}none{{end}}", "net demo");
        check("{{with .none}}a{{else with .repo}}{{.}}{{end}}", "demo");
        check("{{range .Tags}}<{{.}}>{{end}}", "<v1><v2>");
        check("{{range .layers}}{{.Path}}={{.size}} {{end}}", "a=1 b=20 ");
        check("{{range .kitfile.parts}}a{{else}}none{{end}}{{range .tags}}{{else}}b{{end}}", "none");
        check("{{range $i, $t := .Tags}}{{$i}}={{$t}};{{end}}", "0=v1;1=v2;");
        check("{{range $name, $value := .kitfile.model}}{{$name}}:{{$value}} {{end}}", "license:MIT name:net ");
        check("{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}", "01201");
        check("{{range .tags}}{{if eq . \"v2\"}}{{break}}{{end}}{{.}}{{end}}", "v1");
        check("{{range .tags}}{{if eq . \"v1\"}}{{continue}}{{end}}{{.}}{{end}}", "v2");
    }

    #[test]
    fn unknown_fields_are_found_without_data() {
        for (template, is_known) in [
            ("{{.Digest}} {{range .tags}}{{.Any}} {{$.digest}}{{end}}", true),
            ("{{if .nope}}{{end}}", false),
            ("{{range .tags}}{{$.nope}}{{end}}", false),
            ("{{with .digest}}{{.any}}{{else}}{{.nope}}{{end}}", false),
            ("{{printf \"%s\" (upper .nope)}}", false),
            ("{{define \"x\"}}{{.any}}{{end}}{{template \"x\" .nope}}", false),
            ("{{.digest.nope}}{{$x := .tags}}{{$x.nope}}", true),
        ] {
            let checked = Template::new(template).unwrap().expect_fields(&["digest", "tags"]);
            assert_eq!(checked.is_ok(), is_known, "{template}");
        }
        let error = Template::new("{{.Digst}}").unwrap().expect_fields(&["digest"]).unwrap_err().to_string();
        assert!(error.contains("there is no field `Digst`; did you mean `digest`?"), "{error}");
    }

    #[test]
    fn variables_last_to_the_end_of_their_block() {
        check("{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}", "32");
        check("{{$n := 0}}{{range .layers}}{{$n = .size}}{{end}}{{$n}}", "20");
        check("{{if $x := .repo}}{{$x}}{{end}}{{with $y := .kitfile}}{{$y.model.name}}{{end}}", "demonet");
        check("{{range $t := .tags}}{{$t}}{{end}}", "v1v2");
        check("{{$x := 1}}{{range $x := .none}}{{else}}{{$x}}{{end}}{{$x}}", "[]1");
    }

    #[test]
    fn templates_can_be_defined() {
        check("{{define \"row\"}}<{{.path}}>{{end}}{{range .layers}}{{template \"row\" .}}{{end}}", "<a><b>");
        check("{{block \"b\" .repo}}[{{.}} {{$}}]{{end}}{{template \"b\" 1}}", "[demo demo][1 1]");
        check("{{define \"e\"}}{{.}}{{end}}{{template \"e\"}}", "<no value>");
    }

    #[test]
    fn functions_are_those_of_go_and_four_of_docker() {
        check("{{index .Tags 1}} {{len .Tags}} {{len .repo}} {{len .kitfile.model}} {{.Size}}", "v2 2 4 2 3");
        check("{{index .kitfile \"model\" \"Name\"}} {{index .layers 0 \"path\"}} {{index .repo 0}}", "net a 100");
        check("{{slice .repo 1 3}} {{slice .tags 1}} {{.repo | printf \"%.2s\"}}", "em [v2] de");
        check("{{printf \"%s:%d\" .Repo .Size}} {{\"x\" | printf \"%q %v\" 1.5}}", "demo:3 %!q(float64=1.5) x");
        check("{{print 1 2 \"a\" \"b\" 3}}|{{println .repo 1}}", "1 2a b3|demo 1\n".replace("a b", "ab").as_str());
        check("{{and 1 .none .nope}} {{or 0 \"\" .repo .nope}} {{not .tags}} {{1 | and .repo}}", "[] demo false 1");
        check(
            "{{eq .size 1 2 3}} {{ne .repo \"x\"}} {{eq .size 3.0}} {{eq .none nil}} {{eq .repo 1}}",
            "true true true true false",
        );
        check("{{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge .ratio 1}} {{lt .size 3.5}}", "true true true false true");
        check(
            "{{json .Tags}} {{json .kitfile.model}} {{json .repo}}",
            r#"["v1","v2"] {"name":"net","license":"MIT"} "demo""#,
        );
        check(
            "{{join .tags \", \"}} {{join .none \",\"}}|{{upper .repo}} {{.repo | upper | lower}}",
            "v1, v2 |DEMO demo",
        );
        check(
            "{{html \"<a&'b\\\">\"}} {{js \"it's <b>\"}} {{urlquery \"a b/ü~\"}}",
            "&lt;a&amp;&#39;b&#34;&gt; it\\'s \\u003Cb\\u003E a+b%2F%C3%BC~",
        );
    }

    #[test]
    fn errors_point_into_the_template() {
        check_fails("{{", "the action is not closed; `}}` is missing (line 1, column 1)", "^^");
        check_fails(
            "a\n  {{.Zebra}}",
            "there is no field `Zebra`; the fields are `repo`, `tags`, `size`, `ratio`, \
             `big`, `none`, `linked`, `kitfile`, `layers` (line 2, column 5)",
            "    ^^^^^^",
        );
        check_fails("{{$.rpo}}", "there is no field `rpo`; did you mean `repo`? (line 1, column 4)", "   ^^^^");
        check_fails("{{jsn .repo}}", "there is no function `jsn`; did you mean `json`? (line 1, column 3)", "  ^^^");
        check_fails("{{range}}", "expected a value (line 1, column 8)", "       ^^");
        check_fails("{{if .repo}}a", "`if` is not closed; `{{end}}` is missing (line 1, column 3)", "  ^^");
        check_fails("{{end}}", "`end` closes nothing (line 1, column 3)", "  ^^^");
        check_fails("{{.repo 1}}", "not a function, so it cannot take an argument (line 1, column 3)", "  ^^^^^");
        check_fails("{{1 | .repo}}", "not a function, so it cannot take an argument (line 1, column 7)", "      ^^^^^");
        check_fails("{{$x}}", "the variable `$x` is not declared (line 1, column 3)", "  ^^");
        check_fails(
            "{{if 1}}{{$x := 1}}{{end}}{{$x}}",
            "the variable `$x` is not declared (line 1, column 29)",
            "                            ^^",
        );
        check_fails("{{.repo.name}}", "a string has no field `name` (line 1, column 8)", "       ^^^^^");
        check_fails(
            "{{range .repo}}{{end}}",
            "`range` cannot iterate over a string (line 1, column 9)",
            "        ^^^^^",
        );
        check_fails(
            "{{index .tags 2}}",
            "position 2 is out of range; the length is 2 (line 1, column 3)",
            "  ^^^^^^^^^^^^^",
        );
        check_fails("{{lt .repo 1}}", "a string and a number cannot be ordered (line 1, column 3)", "  ^^^^^^^^^^");
        check_fails("{{len}}", "`len` takes 1 argument, not 0 (line 1, column 3)", "  ^^^");
        check_fails("{{template \"x\"}}", "the template \"x\" is not defined (line 1, column 3)", "  ^^^^^^^^");
        check_fails("{{\"a}}", "the closing \" is missing (line 1, column 3)", "  ^");
        check_fails("{{/* a}}", "the comment is not closed; `*/}}` is missing (line 1, column 1)", "^^^^");
        check_fails("{{089}}", "not a number (line 1, column 3)", "  ^^^");
        check_fails("{{break}}", "outside the body of a `range` (line 1, column 3)", "  ^^^^^");
        check_fails("{{(1}}", "unexpected here (line 1, column 5)", "    ^^");
        check_fails("{{1 ~}}", "unexpected character '~' (line 1, column 5)", "    ^");
        check_fails("{{nil}}", "`nil` can only be an argument (line 1, column 3)", "  ^^^");
        check_fails(
            "{{\"a\".b}}",
            "a field can only follow a field, a variable or parentheses (line 1, column 6)",
            "     ^^",
        );
    }

    #[test]
    fn no_template_exhausts_stack_memory_or_time() {
        let deep = "nested deeper than 250 levels";
        let large = "the template produces too much text";
        for (template, message) in [
            ("{{define \"x\"}}{{template \"x\" .}}{{end}}{{template \"x\" .}}", deep),
            ("{{range 9223372036854775807}}{{end}}", large),
            ("{{$x := \"xxxxxxxxxxxxxxxxxxxx\"}}{{range 100}}{{$x = print $x $x}}{{end}}", large),
            ("{{range 1000000}}{{printf \"%10000d\" 1}}{{end}}", large),
            ("{{$x := .tags}}{{range 1000000000}}{{$x = slice $x 0}}{{end}}", large),
        ] {
            let error = Template::new(template).unwrap().render_within(&data(), 1 << 20).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let nested = format!("{}{}", "{{if 1}}{{with (((.)))}}".repeat(19), "{{end}}{{end}}".repeat(19));
        let recursive = format!("{{{{define \"x\"}}}}{nested}{{{{end}}}}{{{{template \"x\" .}}}}");
        assert_eq!(render(&recursive).as_deref(), Ok(""));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            drop(render(&text));
        }

        #[test]
        fn arbitrary_actions_never_panic(
            parts in proptest::collection::vec(proptest::sample::select(PARTS.to_vec()), 0..24),
        ) {
            drop(render(&parts.concat()));
            drop(render(&format!("{{{{{}}}}}", parts.concat())));
        }
    }

    const PARTS: [&str; 52] = [
        "{{",
        "}}",
        "{{- ",
        " -}}",
        " ",
        "if ",
        "else",
        "end",
        "range ",
        "with ",
        "define ",
        "template ",
        "block ",
        "break",
        "{{end}}",
        "{{else}}",
        "{{if 1}}",
        "{{range .layers}}",
        "{{with .kitfile}}",
        "{{define \"x\"}}",
        "{{template \"x\" .}}",
        ".",
        ".tags",
        ".kitfile",
        ".model",
        "$",
        "$x",
        " := ",
        " = ",
        ", ",
        " | ",
        "(",
        ")",
        "\"x\"",
        "`",
        "'a'",
        "'",
        "\"",
        "1",
        "-1",
        "1e9",
        "0x",
        "nil",
        "true",
        "index ",
        "slice ",
        "printf ",
        "\"%-9.3d%q%\"",
        "len ",
        "eq ",
        "é\u{202e}",
        "\\",
    ];
}
