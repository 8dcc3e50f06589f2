"""One vocabulary: the stages in the code and the headings of the page that explains them are the same words in the same order."""

import re
from pathlib import Path

from pellucid.observe import Stage

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "the-path-of-a-request.md"


def test_each_stage_has_a_heading_of_its_own() -> None:
    headings = re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)
    assert headings == [stage.value for stage in Stage]


def test_each_heading_says_what_for_and_what_goes_wrong() -> None:
    sections = re.split(r"^### \w+$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert all("Typical trouble:" in section for section in sections)
