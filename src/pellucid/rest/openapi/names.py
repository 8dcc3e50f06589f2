"""Names of tables, columns and functions in the letters that OpenAPI allows in names of its own."""

import re
from collections import Counter
from typing import Any

Json = dict[str, Any]


def plain(name: str) -> str:
    """The name in the letters that keys of components and operations may have; different names stay different."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}.", name)


def placeholder(name: str) -> str:
    """The name as it may stand between the braces of a path."""
    return re.sub(r"[^\w -]", "_", name)


class Components:
    """What operations share: each part is written once, and everybody else refers to it."""

    def __init__(self) -> None:
        self.schemas: Json = {}
        self.parameters: Json = {}
        self.responses: Json = {}
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()

    def schema(self, name: str, schema: Json) -> Json:
        """Keep a schema under this name, and refer to it."""
        self.schemas[name] = schema
        return schema_of(name)

    def response(self, name: str, response: Json) -> Json:
        """Keep a response under this name, and refer to it."""
        self.responses[name] = response
        return {"$ref": f"#/components/responses/{name}"}

    def parameter(self, name: str, parameter: Json) -> Json:
        """Keep a parameter, and refer to it. Those of one name and description are kept once; another of that name gets a number."""
        known = self._names.get((name, parameter["description"]))
        if known is None:
            self._numbers[name] += 1
            number = self._numbers[name]
            known = self._names[name, parameter["description"]] = name if number == 1 else f"{name}.{number}"
            self.parameters[known] = parameter
        return {"$ref": f"#/components/parameters/{known}"}


def schema_of(name: str) -> Json:
    """The reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}
