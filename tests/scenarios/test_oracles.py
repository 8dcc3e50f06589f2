"""What is there and may not be seen is answered as what is not there: whoever asks learns nothing of names."""

from typing import Any

import pytest

from tests.scenarios.conftest import Playhouse
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import PARTLY_GRANTED

HIDDEN = (
    PARTLY_GRANTED
    + """
create table hidden (id int primary key, secret text, staff int references staff);
create function loud(hidden) returns text stable language sql as $$ select upper($1.secret) $$;
alter table hidden enable row level security;
"""
)
PAIRS = [
    ("/staff?select=id&salary=gt.1", "/staff?select=id&salaries=gt.1"),
    ("/rest/v1/staff?select=salary.max()", "/rest/v1/staff?select=salaries.max()"),
    ("/rest/v1/hidden?select=id&order=secret", "/rest/v1/hidden?select=id&order=secrets"),
    ("/rest/v1/hidden?select=loud", "/rest/v1/hidden?select=louder"),
    ("/rest/v1/staff?select=hidden(secret)", "/rest/v1/staff?select=hidden(secrets)"),
    ("/hidden?select=id,staff(id)", "/hidden?select=id,stuff(id)"),
]
OF_THE_REQUEST = {"x-request-id", "date", "server-timing", "content-location"}


@pytest.mark.anyio
async def test_what_may_not_be_seen_is_like_what_is_not_there(stage: Playhouse) -> None:
    await stage.run(HIDDEN)
    for there, not_there in PAIRS:
        assert await answered(stage, there) == await answered(stage, not_there), there


async def answered(stage: Playhouse, target: str) -> tuple[int, Any, dict[str, str]]:
    response = await stage.send(Scenario(name=target, request=f"GET {target}", status=0))
    headers = {name: value for name, value in response.headers.items() if name not in OF_THE_REQUEST}
    body = {name: value for name, value in response.json().items() if name != "request_id"}
    return response.status_code, body, headers
