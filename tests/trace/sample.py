"""Traces to draw, as a server and a client would give them: a sign-up that is slow for a want of an index, and its first redirect."""

from typing import Any

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Commit, Finding, Lock, Missing, Place, Reason, Record, Row, Statement, Trace
from pellucid.trace.journey import Hop, Journey

PLAN: dict[str, Any] = {
    "Query Text": "select …",
    "Plan": {
        "Node Type": "Limit",
        "Plan Rows": 20,
        "Actual Rows": 20,
        "Actual Loops": 1,
        "Actual Total Time": 18.21,
        "Shared Hit Blocks": 1204,
        "Shared Read Blocks": 312,
        "Shared I/O Read Time": 6.4,
        "Plans": [
            {
                "Node Type": "Sort",
                "Sort Key": ["orders.created_at DESC"],
                "Sort Method": "top-N heapsort",
                "Sort Space Used": 28,
                "Sort Space Type": "Memory",
                "Plan Rows": 30,
                "Actual Rows": 20,
                "Actual Loops": 1,
                "Actual Total Time": 18.2,
                "Shared Hit Blocks": 1204,
                "Shared Read Blocks": 312,
                "Plans": [
                    {
                        "Node Type": "Nested Loop",
                        "Join Type": "Left",
                        "Plan Rows": 30,
                        "Actual Rows": 4120,
                        "Actual Loops": 1,
                        "Actual Total Time": 17.3,
                        "Shared Hit Blocks": 1204,
                        "Shared Read Blocks": 312,
                        "Plans": [
                            {
                                "Node Type": "Seq Scan",
                                "Relation Name": "orders",
                                "Alias": "orders",
                                "Filter": "((orders.owner = (InitPlan 1).col1) AND (orders.state = 'open'::text))",
                                "Rows Removed by Filter": 95880,
                                "Plan Rows": 30,
                                "Actual Rows": 4120,
                                "Actual Loops": 1,
                                "Actual Total Time": 13.9,
                                "Shared Hit Blocks": 892,
                                "Shared Read Blocks": 312,
                                "Shared I/O Read Time": 6.4,
                            },
                            {
                                "Node Type": "Index Scan",
                                "Index Name": "customers_pkey",
                                "Relation Name": "customers",
                                "Alias": "c",
                                "Index Cond": "(c.id = orders.customer_id)",
                                "Plan Rows": 1,
                                "Actual Rows": 1,
                                "Actual Loops": 4120,
                                "Actual Total Time": 0.0006,
                                "Shared Hit Blocks": 312,
                                "Shared Read Blocks": 0,
                            },
                        ],
                    }
                ],
            }
        ],
    },
    "Triggers": [],
}
INSERT: dict[str, Any] = {
    "Plan": {
        "Node Type": "ModifyTable",
        "Operation": "Insert",
        "Relation Name": "visits",
        "Alias": "visits",
        "Plan Rows": 1,
        "Actual Rows": 1,
        "Actual Loops": 1,
        "Actual Total Time": 0.21,
        "Shared Hit Blocks": 7,
        "Shared Read Blocks": 0,
        "WAL Records": 2,
        "Plans": [
            {"Node Type": "Result", "Plan Rows": 1, "Actual Rows": 1, "Actual Loops": 1, "Actual Total Time": 0.01}
        ],
    },
    "Triggers": [{"Trigger Name": "visits_touch", "Relation": "visits", "Time": 0.08, "Calls": 1}],
}
PICTURE = "h" + "l" * 3 + "." * 22 + "*" + "r" * 37

SERVER = Trace(
    id="0af7651916cd43dd8448eb211c80319c",
    span="b7ad6b7169203331",
    parent=None,
    request_id="5f0c1f3c8d4e4a51a1b2c3d4e5f60718",
    reason=Reason.ASKED,
    method="GET",
    target="/orders?state=eq.open&order=created_at.desc&limit=20",
    route="/{table}",
    status=200,
    role="authenticated",
    user="0198c0de-0000-7000-8000-000000000001",
    worker=4121,
    started=1_780_000_000.0,
    seconds=0.0291,
    unaccounted=0.0006,
    rows=(
        Row(Stage.PROXY, -0.0014, 0.0014, {"which": "nginx", "queued": 0.0011}),
        Row(
            Stage.SERVER,
            0.0,
            0.0002,
            {"worker": 4121, "protocol": "http/1.1", "connection": "request 17", "loop": 0.0001},
        ),
        Row(
            Stage.IDENTITY,
            0.0003,
            0.0004,
            {"how": "access token", "role": "authenticated", "claims": "sub, role, exp", "expires_in": 2711.0},
        ),
        Row(Stage.PARSE, 0.0008, 0.0001, {"table": "orders", "shape": "list", "filters": 1}),
        Row(Stage.PLAN, 0.001, 0.0002, {"cache": "hit"}),
        Row(
            Stage.POOL,
            0.0013,
            0.0042,
            {"waited": 0.0042, "size": 5, "taken": 5, "pid": 8812, "held": "POST /import since 2.1 s"},
        ),
        Row(Stage.SESSION, 0.0056, 0.0007, {"isolation": "read committed", "access": "read only", "settings": 6}),
        Row(Stage.EXECUTE, 0.0064, 0.0205, {"round_trips": 1, "rows": 20, "shared": 1}),
        Row(Stage.PLANNING, 0.0065, 0.0009),
        Row(Stage.EXECUTION, 0.0075, 0.0183, {"cached": 1204, "read": 312}),
        Row(Stage.COMMIT, 0.027, 0.0009, {"lsn": "0/1A2B4F8"}),
        Row(Stage.RESPOND, 0.0279, 0.0003, {"status": 200, "header_bytes": 412, "body_bytes": 5120}),
        Row(Stage.TRACE, 0.0283, 0.0005),
    ),
    statements=(
        Statement(
            "select orders.id, orders.state, orders.created_at, c.name\n  from orders left join customers c on c.id = orders.customer_id\n"
            " where orders.state = $1\n order by orders.created_at desc limit $2",
            ("open", "20"),
            0.0201,
            0.0009,
            0.0183,
            20,
            PLAN,
            policies=("orders: own_orders: owner = (select auth.uid())",),
            locks=(
                Lock("relation", "AccessShareLock", "orders", granted=True),
                Lock(
                    "relation",
                    "AccessShareLock",
                    "orders_pkey",
                    granted=True,
                    waited=0.0012,
                    holders=("8790: alter table orders, for 1.4 s",),
                ),
            ),
        ),
        Statement("insert into visits (account, secret) values ($1, $2)", ("ada", "***"), 0.0004, rows=1, plan=INSERT),
    ),
    commits=(
        Commit(
            "0/1A2B3C8",
            "0/1A2B4F8",
            "0/1A2B4F8",
            "981",
            304,
            (
                Record(
                    "0/1A2B3C8", "Heap", "INSERT", 147, "off: 37, flags: 0x00", "blkref #0: rel 1663/16384/16402 blk 12"
                ),
                Record("0/1A2B460", "Btree", "INSERT_LEAF", 64, "off: 210", "blkref #0: rel 1663/16384/16408 blk 3"),
                Record("0/1A2B4A0", "Transaction", "COMMIT", 46, "2026-05-28 20:26:40.000000 UTC", ""),
            ),
            (Place("visits", "base/16384/16402", 12, 37, 2816, 37, PICTURE),),
        ),
    ),
    missing=(
        Missing("locks of others", "pg_locks is not open to this role", "grant pg_read_all_stats to authenticator"),
    ),
    findings=(
        Finding(
            "sequential-scan",
            "Most of the time went into reading all of orders.",
            "There is no index on (owner, state): 100,000 rows were read and 95,880 thrown away.",
            "create index on orders (owner, state, created_at desc);",
            0.42,
            "Tried as a hypothetical index: 0.4 ms in place of 13.9 ms",
        ),
        Finding(
            "pool-starved",
            "It waited 4.2 ms for a connection to the database.",
            "All 5 were taken, one of them by POST /import for 2.1 s.",
            "Make that import shorter, or raise pool_size.",
            0.09,
        ),
    ),
)

DNS: dict[str, Fact] = {
    "name": "api.example.com",
    "from": "DNS",
    "question": "api.example.com. A, AAAA",
    "server": "127.0.0.53:53, UDP",
    "AAAA": "none",
    "A": "203.0.113.7 (TTL 300 s)",
    "ttl": 300,
    "questions": 2,
}
TLS: dict[str, Fact] = {
    "version": "TLS 1.3",
    "cipher": "TLS_AES_256_GCM_SHA384",
    "alpn": "h2",
    "resumed": False,
    "handshake_out": 1646,
    "handshake_in": 3088,
    "chain": "api.example.com ← E7 ← ISRG Root X1",
    "expires": "2026-08-20",
    "days_left": 84,
    "verified": True,
}
RECEIVED: dict[str, Fact] = {
    "status": 200,
    "content-type": "application/json",
    "header_bytes": 268,
    "body_bytes": 5120,
    "body_on_wire": 5138,
}
CLIENT = (
    Row(Stage.DNS, 0.0, 0.0042, DNS),
    Row(Stage.CONNECT, 0.0043, 0.0036, {"transport": "TCP", "remote": "203.0.113.7:443", "local": "192.0.2.9:50122"}),
    Row(Stage.TLS, 0.008, 0.0081, TLS),
    Row(
        Stage.SEND,
        0.0162,
        0.0003,
        {"method": "GET", "http": "HTTP/2", "connection": "new", "header_bytes": 96, "body_bytes": 0},
    ),
    Row(Stage.WAIT, 0.0165, 0.0346, {"first_byte": 0.0511}),
    Row(Stage.RECEIVE, 0.0511, 0.0014, RECEIVED),
)

HOP = Hop(
    "GET",
    "https://api.example.com/orders?state=eq.open&order=created_at.desc&limit=20",
    CLIENT,
    "HTTP/2",
    200,
    "OK",
    SERVER.id,
    SERVER,
)
JOURNEY = Journey((HOP,), SERVER.findings)
