"""What OpenAPI says of problems: the schema that `pellucid.web.problem` writes, and the response that any route may give."""

from typing import Any

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What is wrong, and the way out (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Where this kind of error is explained."},
        "title": {"type": "string", "description": "The kind of error."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong this time."},
        "code": {"type": "string", "description": "The kind of error, for programs."},
        "hint": {"type": "string", "description": "The way out."},
        "errors": {
            "type": "array",
            "description": "Every bad field.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}, "hint": {"type": "string"}},
            },
        },
        "request_id": {"type": "string", "description": "The same as in the log."},
    },
}

PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "A problem: what is wrong, and the way out.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
"""The response of any route to what it cannot do."""
