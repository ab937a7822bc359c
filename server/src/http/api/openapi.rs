//! The OpenAPI document, 3.1: the list of doors with the shapes of what they take and give.

use serde_json::{Map, Value, json};

use super::{
    doors::{Access, Answer, DOORS, Door},
    shapes,
};
use crate::keys::Scope;

/// The document.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for door in DOORS {
        let methods = paths.entry(door.path).or_insert_with(|| json!({}));
        methods[door.method] = operation(door);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "filingwire",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "see LICENSE" },
            "description": "Live SEC filings: every one, durable, provable, at once. \
                Errors are RFC 9457 problems with a stable `code`; every answer carries \
                `x-request-id`. GET has HEAD beside it.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": shapes::schemas(),
            "parameters": shapes::parameters(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "bearerFormat": "fw_<id>_<secret>" },
                "ticket": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "ticket",
                    "description": "From POST /v1/tickets: one use within 30 seconds.",
                },
            },
        },
        "x-error-codes": shapes::error_codes(),
    })
}

fn operation(door: &Door) -> Value {
    let parameters = door.parameters.iter().copied().flatten();
    let parameters: Vec<Value> = parameters
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
        .collect();
    let mut operation = json!({
        "operationId": door.name,
        "summary": door.about,
        "tags": [tag(door.path)],
        "responses": responses(door),
        "security": security(door.access),
    });
    if let Some(scope) = scope(door.access) {
        operation["x-scope"] = json!(scope);
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(schema) = door.body {
        let content = json!({ "application/json": { "schema": shape(schema) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn tag(path: &str) -> &str {
    match path
        .strip_prefix("/v1/")
        .and_then(|rest| rest.split('/').next())
    {
        Some("archive" | "filings" | "reading") => "filings",
        Some("events" | "stream") => "events",
        Some("keys" | "tickets") => "keys",
        _ if matches!(path, "/ws" | "/sec-websocket/" | "/compat/sec-api") => "foreign clients",
        _ => "operations",
    }
}

fn scope(access: Access) -> Option<Scope> {
    match access {
        Access::Anybody | Access::AnyKey => None,
        Access::Key(scope)
        | Access::KeyOrTicket(scope)
        | Access::LoopbackOr(scope)
        | Access::Reader(scope)
        | Access::Foreign(scope) => Some(scope),
    }
}

fn security(access: Access) -> Value {
    match access {
        // A ticket in the path is a parameter.
        Access::Anybody | Access::Reader(_) => json!([]),
        Access::AnyKey | Access::Key(_) => json!([{ "key": [] }]),
        Access::KeyOrTicket(_) => json!([{ "key": [] }, { "ticket": [] }]),
        Access::LoopbackOr(_) | Access::Foreign(_) => json!([{}, { "key": [] }]),
    }
}

fn responses(door: &Door) -> Value {
    let mut responses = Map::new();
    for (status, answer) in door.answers {
        let response = response(*status, *answer);
        // One status may come with several media types.
        match responses.get_mut(&status.to_string()) {
            Some(Value::Object(before)) => {
                let content = before["content"].as_object_mut();
                let more = response["content"].as_object().cloned();
                content
                    .expect("it has one")
                    .extend(more.unwrap_or_default());
            }
            _ => {
                responses.insert(status.to_string(), response);
            }
        }
    }
    let problem = json!({ "application/problem+json": { "schema": shape("Problem") } });
    responses.insert(
        "default".to_owned(),
        json!({ "description": "What is wrong and what to do.", "content": problem }),
    );
    responses.into()
}

fn response(status: u16, answer: Answer) -> Value {
    let description = match status {
        101 => "The websocket begins.",
        201 => "Made.",
        204 => "Done; there is nothing to tell.",
        206 => "The part that `Range` asked for.",
        302 => "It is to be had at `Location`, for ten minutes.",
        304 => "It is what the client has.",
        503 => "Not now.",
        _ => "Here it is.",
    };
    let content = match answer {
        Answer::Empty => return json!({ "description": description }),
        Answer::Json(schema) => json!({ "application/json": { "schema": shape(schema) } }),
        Answer::AnyJson => json!({ "application/json": { "schema": { "type": "object" } } }),
        Answer::Text(media) => json!({ media: { "schema": { "type": "string" } } }),
        Answer::Bytes(media) => json!({ media: {} }),
    };
    json!({ "description": description, "content": content })
}

fn shape(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_door_is_an_operation_and_every_reference_leads_somewhere() {
        let document = document();

        super::super::shapes::tests::check_refs(&document);
        let operations = document["paths"].as_object().unwrap().values();
        let count: usize = operations.map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(count, DOORS.len());
        assert_eq!(document["paths"]["/v1/keys"]["post"]["x-scope"], "admin");
    }
}
