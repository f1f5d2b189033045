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
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tokenmill API</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/api/docs/style.css\">\
         </head><body><h1>Tokenmill API</h1>\
         <p>The whole contract as OpenAPI 3.1: <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p>",
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        html.push_str(&format!("<h2>{}</h2><p>{}</p>", escape(name), escape(text(&tag["description"]))));
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == name {
                    html.push_str(&operation_html(method, path, operation));
                }
            }
        }
    }
    html.push_str(&reasons());
    html.push_str("<h2>Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        html.push_str(&format!(
            "<details id=\"schema-{0}\"><summary>{0}</summary>{1}</details>",
            escape(name),
            json(schema)
        ));
    }
    html.push_str("</body></html>\n");
    html
}

fn operation_html(method: &str, path: &str, operation: &Value) -> String {
    let title =
        format!("<code>{} {}</code> {}", method.to_uppercase(), escape(path), escape(text(&operation["summary"])));
    let mut html = format!("<details><summary>{title}</summary>");
    if let Some(description) = operation["description"].as_str() {
        html.push_str(&format!("<p>{}</p>", escape(description)));
    }
    if let Some(parameters) = operation["parameters"].as_array() {
        html.push_str("<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>");
        for parameter in parameters {
            let cells = ["name", "in", "description"].map(|key| escape(text(&parameter[key])));
            html.push_str(&format!(
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                cells[0], cells[1], cells[2]
            ));
        }
        html.push_str("</table>");
    }
    if !operation["requestBody"].is_null() {
        html.push_str(&format!("<p>Body</p>{}", json(&operation["requestBody"]["content"])));
    }
    html.push_str("<p>Answers</p><table>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let shown = if response["$ref"].is_null() { json(response) } else { "a problem, see below".to_owned() };
        html.push_str(&format!("<tr><td><code>{}</code></td><td>{shown}</td></tr>", escape(status)));
    }
    html.push_str("</table></details>");
    html
}

/// The table that the `type` of every problem points into.
fn reasons() -> String {
    let mut html = String::from(
        "<h2>Problems</h2><table><tr><th>Reason</th><th>Status</th><th>Meaning</th><th>Try again?</th></tr>",
    );
    for reason in Reason::ALL {
        let again = if reason.is_retryable() { "yes" } else { "no" };
        let (status, title) = (reason.http_status(), escape(reason.title()));
        html.push_str(&format!(
            "<tr id=\"{reason}\"><td><code>{reason}</code></td><td>{status}</td><td>{title}</td><td>{again}</td></tr>"
        ));
    }
    html.push_str("</table>");
    html
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
