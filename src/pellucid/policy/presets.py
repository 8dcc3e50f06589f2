"""The usual rules, as SQL. Pure.

What a preset gives can be run again and again with the same outcome, and kept as a migration. Policies are added up by PostgreSQL: a row
is let through where one of them lets it through. So a preset says which others are there, and takes away only what development opened.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from pellucid.database.catalog.model import Fill, Privilege, Table, TableName
from pellucid.policy.access import applying, granted, passes
from pellucid.policy.facts import Facts
from pellucid.policy.quoting import name, names, relation, roles
from pellucid.policy.refusal import Refusal, nearest
from pellucid.policy.targets import Membership, Via, account_column, find_membership, find_table, ruled, tenant_column

DEVELOPMENT = "development: everybody may do everything"
"""The policy of tables that development mode makes (`pellucid.rest.develop`)."""

SERVICE = "service_role"
ACCOUNT = "authenticated"
EVERYTHING = tuple(Privilege)
MEMBERSHIPS = "own memberships"
UID = "(select auth.uid())"
"""In parentheses and with a select of its own it is worked out once a statement, not once a row."""


class Preset(StrEnum):
    """A rule by its name."""

    PUBLIC_READ = "public-read"
    OWNER = "owner"
    TENANT = "tenant"
    AUTHENTICATED = "authenticated"
    NOBODY = "nobody"


MEANINGS: Mapping[Preset, str] = MappingProxyType(
    {
        Preset.PUBLIC_READ: "everybody may read every row",
        Preset.OWNER: "an account may do everything with its own rows",
        Preset.TENANT: "members of a tenant may do everything with its rows",
        Preset.AUTHENTICATED: "everybody who is signed in may read every row",
        Preset.NOBODY: "nobody but service_role",
    }
)


class Wish(Struct, frozen=True):
    """What was asked for. Empty and None mean what the preset itself says."""

    table: str
    preset: Preset
    column: str | None = None
    via: Via | None = None
    may: tuple[Privilege, ...] = ()
    to: tuple[str, ...] = ()
    replace: bool = False


class Proposal(Struct, frozen=True):
    """SQL to run in one transaction, and what to mind about it. ``readers`` pairs each table that should be readable afterwards with
    the roles that should read it."""

    statements: tuple[str, ...]
    notes: tuple[str, ...] = ()
    readers: tuple[tuple[TableName, tuple[str, ...]], ...] = ()


class _Rule(Struct, frozen=True):
    """A preset that has met its table: ``label`` begins the policies' names, ``condition`` is what they ask."""

    facts: Facts
    table: Table
    wish: Wish
    may: tuple[Privilege, ...]
    to: tuple[str, ...]
    label: str = ""
    condition: str = "true"
    column: str | None = None
    members: Membership | None = None

    @property
    def shown(self) -> str:
        return relation(self.table.name)


def propose(facts: Facts, wish: Wish) -> Proposal:
    """The SQL of a preset for a table.

    Raises:
        Refusal: something that was named is not there or does not fit.
    """
    table = ruled(find_table(facts.catalog, wish.table))
    rule = _RULES[wish.preset](facts, table, wish)
    statements = (
        *_cleared(rule),
        f"alter table {rule.shown} enable row level security",
        *_members(rule),
        *_policies(rule),
        *_usage(rule),
        *_grants(rule),
        *_default(rule),
        *_index(facts, rule.table, rule.column),
    )
    readers = (table.name, rule.to) if Privilege.SELECT in rule.may else None
    return Proposal(statements, tuple(_notes(rule)), (readers,) if readers else ())


# -- the presets ------------------------------------------------------------------------------------------------------


def _public_read(facts: Facts, table: Table, wish: Wish) -> _Rule:
    to = _takers(facts, wish, (facts.scope.anon, ACCOUNT) if facts.scope.anon else (ACCOUNT,))
    return _Rule(facts, table, wish, wish.may or (Privilege.SELECT,), to, "everybody")


def _authenticated(facts: Facts, table: Table, wish: Wish) -> _Rule:
    to = _takers(facts, wish, (ACCOUNT,))
    return _Rule(facts, table, wish, wish.may or (Privilege.SELECT,), to, "accounts")


def _owner(facts: Facts, table: Table, wish: Wish) -> _Rule:
    _need_accounts(facts)
    column = account_column(table, wish.column)
    to = _takers(facts, wish, (ACCOUNT,))
    return _Rule(facts, table, wish, wish.may or EVERYTHING, to, "owner", f"{name(column)} = {UID}", column)


def _tenant(facts: Facts, table: Table, wish: Wish) -> _Rule:
    """An array that is gathered once a statement: an index on the column can be used, and no function has to see past policies."""
    _need_accounts(facts)
    column = tenant_column(table, wish.column)
    members = find_membership(facts, table, column, wish.via)
    mine = f"select m.{name(members.tenant)} from {relation(members.table.name)} m where m.{name(members.user)} = {UID}"
    to = _takers(facts, wish, (ACCOUNT,))
    condition = f"{name(column)} = any (array({mine}))"
    return _Rule(facts, table, wish, wish.may or EVERYTHING, to, "members", condition, column, members)


def _nobody(facts: Facts, table: Table, wish: Wish) -> _Rule:
    if wish.may or wish.to:
        raise Refusal("nobody takes no --may and no --to", hint="leave them out, or choose another preset")
    return _Rule(facts, table, wish, (), ())


_RULES: Mapping[Preset, Callable[[Facts, Table, Wish], _Rule]] = MappingProxyType(
    {
        Preset.PUBLIC_READ: _public_read,
        Preset.OWNER: _owner,
        Preset.TENANT: _tenant,
        Preset.AUTHENTICATED: _authenticated,
        Preset.NOBODY: _nobody,
    }
)


def _takers(facts: Facts, wish: Wish, usual: tuple[str, ...]) -> tuple[str, ...]:
    wanted = wish.to or usual
    for role in wanted:
        if role not in facts.roles:
            raise Refusal(
                f"no request can take the role {role}",
                hint=nearest(
                    role, facts.roles, f"these can be taken: {', '.join(facts.roles) or 'none; start the server once'}"
                ),
            )
    return tuple(dict.fromkeys(wanted))


def _need_accounts(facts: Facts) -> None:
    if not facts.accounts:
        raise Refusal(
            "the database has no function auth.uid(), which tells who asks",
            hint="start pellucid serve on this database once: it sets it up",
        )


# -- their parts ------------------------------------------------------------------------------------------------------


def _cleared(rule: _Rule) -> Iterator[str]:
    """Take back what development gave, and where it was asked for everything else too."""
    guard = rule.facts.guards[rule.table.name]
    policies = [policy.name for policy in guard.policies]
    everything = rule.wish.replace or rule.wish.preset is Preset.NOBODY
    going = policies if everything else [each for each in policies if each == DEVELOPMENT]
    for policy in going:
        yield f"drop policy if exists {name(policy)} on {rule.shown}"
    losing = [role.name for role in rule.facts.bound if role.name != guard.owner]
    if going or everything:
        yield f"revoke all on {rule.shown} from {roles(('public', *losing))}"


def _policies(rule: _Rule) -> Iterator[str]:
    if not rule.may:
        return
    commands = ["all"] if set(rule.may) == set(Privilege) else [privilege.value for privilege in rule.may]
    for command in commands:
        policy = name(f"{rule.label}: {command}")
        yield f"drop policy if exists {policy} on {rule.shown}"
        using = "" if command == "insert" else f"\n  using ({rule.condition})"
        check = f"\n  with check ({rule.condition})" if command in ("all", "insert", "update") else ""
        yield f"create policy {policy} on {rule.shown} for {command} to {roles(rule.to)}{using}{check}"


def _members(rule: _Rule) -> Iterator[str]:
    """The membership table under the same care: whoever could write there could join any tenant, so nobody is let in but to look."""
    if rule.members is None:
        return
    members, shown = rule.members, relation(rule.members.table.name)
    yield f"alter table {shown} enable row level security"
    yield f"drop policy if exists {name(MEMBERSHIPS)} on {shown}"
    yield f"create policy {name(MEMBERSHIPS)} on {shown} for select to {roles(rule.to)}\n  using ({name(members.user)} = {UID})"
    yield f"grant select ({names((members.tenant, members.user))}) on {shown} to {roles(rule.to)}"
    yield from _index(rule.facts, members.table, members.user, members.tenant)


def _usage(rule: _Rule) -> Iterator[str]:
    schemas = dict.fromkeys(
        (rule.table.name.schema, *((rule.members.table.name.schema,) if rule.members else ())),
    )
    takers = dict.fromkeys((*rule.to, *(role for role in rule.facts.roles if role == SERVICE)))
    for schema in schemas:
        lacking = [role for role in takers if (schema, role) not in rule.facts.usable]
        if lacking:
            yield f"grant usage on schema {name(schema)} to {roles(lacking)}"


def _grants(rule: _Rule) -> Iterator[str]:
    for privileges, takers in _given(rule).items():
        yield f"grant {', '.join(privileges)} on {rule.shown} to {roles(takers)}"
    served = (SERVICE,) if SERVICE in rule.facts.roles else ()
    if served:
        yield f"grant select, insert, update, delete on {rule.shown} to {SERVICE}"
    writers = (*(rule.to if Privilege.INSERT in rule.may else ()), *served)
    for sequence in rule.facts.sequences:
        if writers and sequence.serves and sequence.serves[0] == rule.table.name and not sequence.identity:
            yield f"grant usage on sequence {relation(sequence.name)} to {roles(writers)}"


def _given(rule: _Rule) -> dict[tuple[Privilege, ...], list[str]]:
    """The roles by what they are granted. A right on some columns alone stays so: the others were left out for a reason."""
    given: dict[tuple[Privilege, ...], list[str]] = {}
    for role in rule.to:
        privileges = tuple(each for each in rule.may if rule.wish.replace or not _narrow(rule, role, each))
        if privileges:
            given.setdefault(privileges, []).append(role)
    return given


def _narrow(rule: _Rule, role: str, privilege: Privilege) -> tuple[str, ...]:
    """The columns that a role's right is limited to."""
    return granted(rule.facts, rule.table, rule.facts.roles[role], privilege) or ()


def _default(rule: _Rule) -> Iterator[str]:
    """A new row belongs to whoever adds it, without a word."""
    if rule.wish.preset is not Preset.OWNER or rule.column is None or Privilege.INSERT not in rule.may:
        return
    if rule.table.columns[rule.column].fill is Fill.NOTHING:
        yield f"alter table {rule.shown} alter column {name(rule.column)} set default auth.uid()"


def _index(facts: Facts, table: Table, *columns: str | None) -> Iterator[str]:
    """An index for what the policy asks of every row, where none begins so."""
    wanted = tuple(column for column in columns if column)
    if wanted and not any(each[: len(wanted)] == wanted for each in facts.guards[table.name].indexed):
        yield f"create index if not exists {name(_index_name(table, wanted))} on {relation(table.name)} ({names(wanted)})"


def _index_name(table: Table, columns: tuple[str, ...]) -> str:
    """At most 63 bytes, as PostgreSQL cuts it."""
    whole = "_".join((table.name.name, *columns)).encode()[:55]
    return f"{whole.decode(errors='ignore')}_idx"


# -- what to mind -----------------------------------------------------------------------------------------------------


def _notes(rule: _Rule) -> Iterator[str]:
    guard = rule.facts.guards[rule.table.name]
    policies = [policy for policy in guard.policies if policy.permissive]
    if any(policy.name == DEVELOPMENT for policy in policies):
        yield "What development mode opened is closed: its policy and its grants are taken back."
    others = [each for each in policies if each.name != DEVELOPMENT and not each.name.startswith(f"{rule.label}: ")]
    if others and not rule.wish.replace and rule.wish.preset is not Preset.NOBODY:
        listed = ", ".join(f'"{each.name}"' for each in others)
        yield f"Policies are added up, and these stay: {listed}. --replace drops them and takes back all grants."
    owners = [role.name for role in rule.facts.bound if guard.owner in role.held and passes(guard, role)]
    if owners:
        yield f"{owners[0]} owns the table and passes its policies by: alter table {rule.shown} force row level security."
    for role in rule.to:
        for privilege in rule.may:
            columns = () if rule.wish.replace else _narrow(rule, role, privilege)
            if columns:
                yield f"{role} may {privilege} {', '.join(columns)} alone, and that stays. --replace grants the whole table."
    yield from _notes_on_members(rule)


def _notes_on_members(rule: _Rule) -> Iterator[str]:
    if rule.members is None:
        return
    members = rule.members.table
    shown = ".".join(members.name)
    if not members.row_security:
        yield f"Row level security is switched on for {shown} too; an account sees its own memberships there."
    guard = rule.facts.guards[members.name]
    for role in rule.facts.bound:
        for privilege in (Privilege.INSERT, Privilege.UPDATE):
            if members.allows(role.name, privilege) and any(
                policy.permissive for policy in applying(guard, role, privilege)
            ):
                yield f"{role.name} may {privilege} {shown}: whoever writes there chooses the tenants, so see that its policies mean it."
