"""How domains are shown and read: the functions of their implicit casts."""

from collections import defaultdict
from collections.abc import Mapping

from pellucid.database.catalog.found import Rows
from pellucid.database.catalog.model import Representation, TableName

JSON, TEXT = 114, 25
"""The oids of ``json`` and ``text``, which never change."""


def build_representations(casts: Rows) -> Mapping[int, Representation]:
    """By the domain's oid."""
    functions: dict[int, dict[str, TableName]] = defaultdict(dict)
    for row in casts:
        function = TableName(row["schema"], row["name"])
        if row["source"] in (JSON, TEXT):
            functions[row["target"]]["from_json" if row["source"] == JSON else "from_text"] = function
        else:
            functions[row["source"]]["to_json"] = function
    return {domain: Representation(**found) for domain, found in functions.items()}
