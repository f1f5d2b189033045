//! The page at `/api/docs`: the OpenAPI document as plain HTML, rendered once at start, without any script.

use dataset_model::Reason;
use serde_json::Value;

/// Nothing but the page's own style sheet may load.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; \
color: #1c1f23; background: #fff }
h1, h2 { line-height: 1.2 } code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { overflow: auto; padding: .75rem; background: #f3f4f6; border-radius: .375rem }
details { border: 1px solid #d3d7dc; border-radius: .375rem; padding: .5rem .75rem; margin: .5rem 0 }
summary { cursor: pointer } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #d3d7dc }
@media (prefers-color-scheme: dark) { body { color: #e6e8eb; background: #16181b } pre { background: #23262b } \
a { color: #8ab4f8 } details, th, td { border-color: #3a3f46 } }
";

/// Renders the page.
pub(crate) fn page(document: &Value) -> String {
    let sections: String =
        document["tags"].as_array().into_iter().flatten().map(|tag| section(document, tag)).collect();
    let problems: String = Reason::ALL.iter().map(|&reason| problem(reason)).collect();
    let schemas: String =
        document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, s)| schema(name, s)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tokenmill API</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/api/docs/style.css\">\
         </head><body><h1>Tokenmill API</h1>\
         <p>The whole contract as OpenAPI 3.1: <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p>{sections}\
         <h2>Problems</h2><table><tr><th>Reason</th><th>Status</th><th>Meaning</th><th>Try again?</th></tr>{problems}\
         </table><h2>Schemas</h2>{schemas}</body></html>\n"
    )
}

/// The operations of one tag.
fn section(document: &Value, tag: &Value) -> String {
    let name = text(&tag["name"]);
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |(m, o)| (path, m, o)));
    let own = all.filter(|(_, _, operation)| operation["tags"][0] == name);
    let operations: String = own.map(|(path, method, operation)| operation_html(method, path, operation)).collect();
    format!("<h2>{}</h2><p>{}</p>{operations}", escape(name), escape(text(&tag["description"])))
}

fn operation_html(method: &str, path: &str, operation: &Value) -> String {
    let [summary, description] = ["summary", "description"].map(|key| escape(text(&operation[key])));
    let (method, path) = (method.to_uppercase(), escape(path));
    let parameters: String = operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
    let parameters = if parameters.is_empty() {
        parameters
    } else {
        format!("<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>{parameters}</table>")
    };
    let body = &operation["requestBody"]["content"];
    let body = if body.is_null() { String::new() } else { format!("<p>Body</p>{}", json(body)) };
    let answers: String =
        operation["responses"].as_object().into_iter().flatten().map(|(status, answer)| row(status, answer)).collect();
    format!(
        "<details><summary><code>{method} {path}</code> {summary}</summary><p>{description}</p>{parameters}{body}\
         <p>Answers</p><table>{answers}</table></details>"
    )
}

fn parameter(parameter: &Value) -> String {
    let [name, place, meaning] = ["name", "in", "description"].map(|key| escape(text(&parameter[key])));
    format!("<tr><td><code>{name}</code></td><td>{place}</td><td>{meaning}</td></tr>")
}

fn row(status: &str, answer: &Value) -> String {
    let shown = if answer["$ref"].is_null() { json(answer) } else { "a problem, see below".to_owned() };
    format!("<tr><td><code>{}</code></td><td>{shown}</td></tr>", escape(status))
}

/// A row of the table that the `type` of every problem points into.
fn problem(reason: Reason) -> String {
    let (status, title) = (reason.http_status(), escape(reason.title()));
    let again = if reason.is_retryable() { "yes" } else { "no" };
    format!("<tr id=\"{reason}\"><td><code>{reason}</code></td><td>{status}</td><td>{title}</td><td>{again}</td></tr>")
}

fn schema(name: &str, schema: &Value) -> String {
    let name = escape(name);
    format!("<details id=\"schema-{name}\"><summary>{name}</summary>{}</details>", json(schema))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn json(value: &Value) -> String {
    format!("<pre>{}</pre>", escape(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_escaped_and_nothing_is_active() {
        let operation = json!({"tags": ["t"], "summary": "<script>alert(1)</script>", "responses": {}});
        let html = page(&json!({"tags": [{"name": "t"}], "paths": {"/a": {"get": operation}}}));
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script") && !html.contains("style="), "{html}");
        assert!(html.contains("id=\"NOT_FOUND\""));
    }
}
