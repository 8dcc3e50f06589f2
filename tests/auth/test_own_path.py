"""The account service runs nobody else's function or operator: whoever may make one would read the hashes of passwords with it."""

import asyncpg
import httpx

TRAP = """
create function public.equal(text, varchar) returns bool language plpgsql as $$ begin raise 'a trap ran as %', current_user; end $$;
create operator public.= (leftarg = text, rightarg = varchar, function = public.equal);
create function public.equal(varchar, varchar) returns bool language plpgsql as $$ begin raise 'a trap ran as %', current_user; end $$;
create operator public.= (leftarg = varchar, rightarg = varchar, function = public.equal);
create function public.lower(varchar) returns text language plpgsql as $$ begin raise 'a trap ran as %', current_user; end $$;
"""
ADA = {"email": "ada@example.com", "password": "an engine of brass"}


async def test_signing_up_and_in_runs_none(client: httpx.AsyncClient, admin: asyncpg.Connection) -> None:
    await admin.execute(TRAP)
    assert (await client.post("/signup", json=ADA)).status_code == 201
    answer = await client.post("/login", json=ADA)
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert (await client.get("/users/me", headers={"authorization": f"Bearer {token}"})).status_code == 200
