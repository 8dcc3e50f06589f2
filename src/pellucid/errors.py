"""Every error that Pellucid can answer with: one family, one code and one status each.

::

    PellucidError
    ├── RequestError           what was sent cannot be understood
    │   ├── MalformedBody · MalformedQuery · BeyondLimit · UnsupportedMediaType · NotAcceptable · UnacceptableRange · InvalidPreference
    │   ├── NotEmbedded · UnfitOrder · UnfitEmbedFilter · AggregatesOff · UnfitUpsert · LimitOnUpsert · KeyMismatch
    │   ├── TooManyAffected · TooManyAffectedByCall · CallMethod · OpenApiOff · NotImplementedYet
    │   ├── BodyTooLarge · BodyTooSlow · UrlTooLong · HeadersTooLarge · UnknownHost
    │   └── MethodNotAllowed · UnknownRoute
    ├── InvalidFields          it was understood, and some fields are wrong
    ├── SchemaError            it names something that is not there
    │   ├── UnknownTable · UnknownColumn · UnknownSchema · NotExposed
    │   └── UnknownRelationship · AmbiguousRelationship · UnknownFunction · AmbiguousFunction
    ├── RowError               the row asked for
    │   └── RowNotFound · NotSingular
    ├── IdentityError          who is asking
    │   ├── Unauthenticated (ClaimsRefused (RoleRefused) · TokenRequired · NoTokenKey · SessionEnded)
    │   ├── WrongCredentials · ProofRefused (FactorRefused (ChallengeRefused)) · TooManyAttempts
    │   ├── ProviderFailed · UnknownProvider · NotLinked · LastWayIn · AuthRefused
    │   └── Forbidden (StepUpRequired · TooManyFactors · Unverified · Banned)
    ├── DatabaseError          PostgreSQL refused; `sqlstate` says why (PostgreSQL, appendix A)
    │   └── Duplicate · BrokenReference · MissingValue · BrokenCheck · InvalidValue · Denied · ReadOnly
    │       · Interrupted · Contention · StatementRefused
    ├── FunctionError          a function of the database shapes the answer, and does it wrongly
    │   └── RaisedBadly · BadResponseHeaders · BadResponseStatus
    ├── Unavailable            the service cannot answer now
    │   └── PoolExhausted · FeatureOff · MessageNotSent
    └── StartupError           `serve` cannot start; one line, no stack trace

An error carries what a client may see. The inner cause stays in ``__cause__`` and goes to the log alone.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

Details = str | Sequence[Mapping[str, str]]
"""More about a case: a sentence, or a list of what there is to choose from."""


class Fault(Struct, frozen=True):
    """One bad field: where it is, what is wrong with it, and the way out.

    ``field`` is a path such as ``age`` or ``2.age`` (row 2 of a list); empty means the whole body.
    """

    field: str
    message: str
    hint: str | None = None


class PellucidError(Exception):
    """Something went wrong inside the server; it is not the client's fault."""

    code: ClassVar[str] = "internal"
    status: int = 500
    """A class's own, but where the database names one itself (``RAISE SQLSTATE 'PT402'``)."""
    title: ClassVar[str] = "Internal error"
    postgrest_code: str = "PGRSTX00"
    postgrest_status: ClassVar[int | None] = None
    """Where PostgREST answers with another status than the native profile does."""
    way_out: ClassVar[str] = (
        "It is not your fault. Give the request id to whoever runs this server; its log says what happened."
    )
    """What to do about this kind of error, shown where the case at hand has no better ``hint``."""

    def __init__(
        self,
        message: str,
        *,
        details: Details | None = None,
        hint: str | None = None,
        faults: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what a client may see.

        Args:
            message: one sentence that says what is wrong.
            details: more about this very case.
            hint: the way out, as an instruction.
            faults: every bad field at once.
            headers: response headers that belong to the error (``WWW-Authenticate``, ``Retry-After``, ``Allow``).
        """
        super().__init__(message)
        self.message = message
        self.details = details
        self.hint = hint
        self.faults = faults
        self.headers: Mapping[str, str] = headers or {}


# -- what was sent cannot be understood -----------------------------------------------------------------------------


class RequestError(PellucidError):
    """The request cannot be understood."""

    code = "bad-request"
    status = 400
    title = "Bad request"
    postgrest_code = "PGRST100"
    way_out = "Read the detail, change the request accordingly and send it again."


class MalformedBody(RequestError):
    """The body is not what its content type says."""

    code = "malformed-body"
    title = "The body cannot be read"
    postgrest_code = "PGRST102"
    way_out = "Send a body that is exactly what its Content-Type says; for JSON, check quotes, commas and brackets."


class MalformedQuery(RequestError):
    """A filter, a select list, an order or a limit cannot be parsed."""

    code = "malformed-query"
    title = "The query cannot be read"
    postgrest_code = "PGRST100"
    way_out = "Check the filter named in the detail; its form is column=operator.value, such as age=gte.18."


class BeyondLimit(RequestError):
    """It can be read, and asks for more than one request may: too many filters, too deep a nesting, too long a list."""

    code = "beyond-limit"
    title = "More than one request may ask for"
    postgrest_code = "PGRST100"
    way_out = "Ask for less, or in several requests; the detail names the limit."


class UnsupportedMediaType(RequestError):
    """The content type is missing or is none that this route reads."""

    code = "unsupported-media-type"
    status = 415
    title = "Unsupported content type"
    postgrest_code = "PGRST102"
    postgrest_status = 400
    way_out = "Send the header Content-Type: application/json with a JSON body."


class NotAcceptable(RequestError):
    """No representation that the client accepts is available."""

    code = "not-acceptable"
    status = 406
    title = "Not acceptable"
    postgrest_code = "PGRST107"
    way_out = "Ask for application/json in the Accept header, or leave the header out."


class BodyTooLarge(RequestError):
    """The body is larger than this server reads."""

    code = "body-too-large"
    status = 413
    title = "The body is too large"
    postgrest_code = "PGRST102"
    way_out = "Send less in one request, for example fewer rows at a time."


class HeadersTooLarge(RequestError):
    """The headers are more, or larger, than this server reads (RFC 6585, 5)."""

    code = "headers-too-large"
    status = 431
    title = "The headers are too large"
    way_out = "Send fewer or shorter headers; old cookies are the usual cause."


class BodyTooSlow(RequestError):
    """The body did not arrive in time (RFC 9110, 15.5.9)."""

    code = "body-too-slow"
    status = 408
    title = "The body took too long to arrive"
    postgrest_code = "PGRST102"
    way_out = "Send the request again over a faster connection, or with less in it."


class UrlTooLong(RequestError):
    """The path and the query together are longer than this server reads (RFC 9110, 15.5.15)."""

    code = "url-too-long"
    status = 414
    title = "The URL is too long"
    way_out = "Put less into the URL: fewer filters, shorter lists."


class UnknownHost(RequestError):
    """The request names a host that this server does not answer for (RFC 9110, 7.4)."""

    code = "unknown-host"
    status = 421
    title = "Not this server's name"
    way_out = "Use the server's own name, or let whoever runs it add this host to the allowed hosts."


class MethodNotAllowed(RequestError):
    """The resource exists, but not for this method; ``Allow`` lists those it has (RFC 9110, 15.5.6)."""

    code = "method-not-allowed"
    status = 405
    title = "Method not allowed"
    postgrest_code = "PGRST117"
    way_out = "Use one of the methods that the Allow header lists."


class UnknownRoute(RequestError):
    """Nothing is served at this path."""

    code = "unknown-route"
    status = 404
    title = "Nothing is here"
    postgrest_code = "PGRST125"
    way_out = "Check the path; /docs lists every route there is."


class UnacceptableRange(RequestError):
    """The range or the limit lies outside the rows."""

    code = "unacceptable-range"
    status = 416
    title = "Range not satisfiable"
    postgrest_code = "PGRST103"
    way_out = "Ask for a range within the rows there are, with limit and offset of zero or more."


class InvalidPreference(RequestError):
    """A ``Prefer`` header asks for something unknown under ``handling=strict`` (RFC 7240)."""

    code = "invalid-preference"
    title = "Unknown preference"
    postgrest_code = "PGRST122"
    way_out = "Take the unknown preference out of the Prefer header, or leave out handling=strict."


class NotEmbedded(RequestError):
    """A filter, an order or a limit is for an embedded table that ``select`` does not name."""

    code = "not-embedded"
    title = "Not an embedded table"
    postgrest_code = "PGRST108"
    way_out = "Name the table in select, as in select=*,other(*)."


class UnfitOrder(RequestError):
    """An order by the column of an embedded table of which a row has many."""

    code = "unfit-order"
    title = "Many rows have no order"
    postgrest_code = "PGRST118"
    way_out = "Order by a column of a table of which each row has at most one."


class UnfitEmbedFilter(RequestError):
    """An embedded table is compared with something else than null."""

    code = "unfit-embed-filter"
    title = "An embedded table is there or not"
    postgrest_code = "PGRST120"
    way_out = "Write table=is.null or table=not.is.null; to filter its rows, write table.column=operator.value."


class AggregatesOff(RequestError):
    """An aggregate is asked for where they are switched off."""

    code = "aggregates-off"
    title = "Aggregates are switched off"
    postgrest_code = "PGRST123"
    way_out = "Ask for the rows instead, or let the setting aggregates be true."


class UnfitUpsert(RequestError):
    """A ``PUT`` names its row by something else than its whole primary key."""

    code = "unfit-upsert"
    status = 405
    title = "Which row is not told by its key"
    postgrest_code = "PGRST105"
    way_out = "Give each column of the primary key with eq, and no other filter."


class LimitOnUpsert(RequestError):
    """A ``PUT`` comes with a limit or an offset."""

    code = "limit-on-upsert"
    title = "A limit has no meaning here"
    postgrest_code = "PGRST114"
    way_out = "Leave limit and offset out."


class KeyMismatch(RequestError):
    """The body of a ``PUT`` has another key than its address."""

    code = "key-mismatch"
    title = "Body and address disagree"
    postgrest_code = "PGRST115"
    way_out = "Let the key in the body be the one in the address."


class TooManyAffected(RequestError):
    """A write would touch more rows than ``max-affected`` allows; it was undone."""

    code = "too-many-affected"
    title = "Too many rows affected"
    postgrest_code = "PGRST124"
    way_out = "Filter for fewer rows, or let max-affected be larger."


class TooManyAffectedByCall(RequestError):
    """The preference ``max-affected`` comes with a function that returns one value."""

    code = "max-affected-by-call"
    title = "The function returns no rows to count"
    postgrest_code = "PGRST128"
    way_out = "Leave max-affected out, or let the function return SETOF or TABLE."


class CallMethod(RequestError):
    """A function is called with a method that calls none."""

    code = "call-method"
    status = 405
    title = "Functions are called with GET or POST"
    postgrest_code = "PGRST101"
    way_out = "Use POST, or GET for a function that only reads."


class OpenApiOff(RequestError):
    """The description of the API is switched off."""

    code = "openapi-off"
    status = 404
    title = "No description is served here"
    postgrest_code = "PGRST126"
    way_out = "Let the setting openapi_mode be follow-privileges."


class NotImplementedYet(RequestError):
    """The dialect knows this, and the dialect's own server does not serve it either."""

    code = "not-implemented"
    title = "Not implemented"
    postgrest_code = "PGRST127"
    way_out = "Ask in another way; the detail says what is missing."


# -- understood, but wrong ------------------------------------------------------------------------------------------


class InvalidFields(PellucidError):
    """The body was read, and one or more fields are wrong; ``faults`` lists all of them."""

    code = "invalid-fields"
    status = 422
    title = "Some fields are not valid"
    postgrest_code = "PGRST102"
    postgrest_status = 400
    way_out = "Correct the fields listed under errors and send the request again."


class SchemaError(PellucidError):
    """The request names something that the database does not have, or does not show to this caller."""

    code = "unknown-name"
    status = 404
    title = "Unknown name"
    postgrest_code = "PGRST205"
    way_out = "Check the spelling; /docs shows the names that you may use."


class UnknownTable(SchemaError):
    """No table or view of this name is exposed."""

    code = "unknown-table"
    title = "Unknown table"
    postgrest_code = "PGRST205"
    way_out = "Check the spelling; /docs lists the tables that you may use."


class UnknownColumn(SchemaError):
    """The table has no column of this name."""

    code = "unknown-column"
    status = 400
    title = "Unknown column"
    postgrest_code = "PGRST204"
    way_out = "Check the spelling; /docs lists the table's columns."


class UnknownSchema(SchemaError):
    """The schema named by the profile header is not exposed."""

    code = "unknown-schema"
    status = 406
    title = "Unknown schema"
    postgrest_code = "PGRST106"
    way_out = "Name an exposed schema in the profile header, or leave the header out."


class NotExposed(SchemaError):
    """The table exists, but production does not serve it as it stands (row level security is off)."""

    code = "not-exposed"
    status = 403
    title = "The table is not exposed"
    postgrest_code = "PGRST205"
    postgrest_status = 404
    way_out = "Turn on row level security for the table and give it a policy."


class UnknownRelationship(SchemaError):
    """No foreign key and no function relates the two tables."""

    code = "unknown-relationship"
    status = 400
    title = "The tables are not related"
    postgrest_code = "PGRST200"
    way_out = "Check the spelling, or add a foreign key between the two tables."


class AmbiguousRelationship(SchemaError):
    """Several foreign keys relate the two tables, and the request does not say which one is meant."""

    code = "ambiguous-relationship"
    status = 400
    title = "The tables are related in several ways"
    postgrest_code = "PGRST201"
    postgrest_status = 300
    way_out = "Name the foreign key: table!foreign_key(*)."


class UnknownFunction(SchemaError):
    """No function of this name takes these arguments."""

    code = "unknown-function"
    title = "Unknown function"
    postgrest_code = "PGRST202"
    way_out = "Check the spelling of the function and of its parameters; /docs lists them."


class AmbiguousFunction(SchemaError):
    """Several functions of this name take these arguments."""

    code = "ambiguous-function"
    status = 400
    title = "Several functions fit"
    postgrest_code = "PGRST203"
    postgrest_status = 300
    way_out = "Give the parameters other names, so that one function fits."


class RowError(PellucidError):
    """The row asked for is not there, or there is more than one."""

    code = "row"
    status = 404
    title = "Row error"
    postgrest_code = "PGRST116"
    postgrest_status = 406
    way_out = "Check the key or the filters."


class RowNotFound(RowError):
    """No row has this key, or the caller may not see it."""

    code = "row-not-found"
    title = "No such row"
    way_out = "Check the key. If the row should be there, sign in as somebody who may see it."


class NotSingular(RowError):
    """One row was asked for, and the result has none or several."""

    code = "not-singular"
    status = 406
    title = "Not exactly one row"
    way_out = "Filter by a unique key, or ask for a list instead of one object."


# -- who is asking --------------------------------------------------------------------------------------------------


class IdentityError(PellucidError):
    """The caller is not known, or may not do this."""

    code = "identity"
    status = 401
    title = "Identity error"
    postgrest_code = "PGRST301"
    way_out = "Sign in, and send the token in the header Authorization: Bearer."


class Unauthenticated(IdentityError):
    """No valid proof of identity came with the request (RFC 6750)."""

    code = "unauthenticated"
    title = "Sign in first"
    postgrest_code = "PGRST301"
    way_out = "Sign in at /login, and send the token in the header Authorization: Bearer."

    def __init__(
        self,
        message: str,
        *,
        in_postgrest: str | None = None,
        details: Details | None = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep PostgREST's words beside the plainer ones.

        Args:
            in_postgrest: the message in that profile, which knows no hint then.
            message, details, hint, headers: as in `PellucidError`.
        """
        super().__init__(message, details=details, hint=hint, headers=headers)
        self.in_postgrest = in_postgrest


class ClaimsRefused(Unauthenticated):
    """The token is genuine, but it has expired, is not valid yet, or is meant for somebody else."""

    code = "claims-refused"
    title = "The token is not accepted"
    postgrest_code = "PGRST303"
    way_out = "Sign in again at /login and send the new token."


class RoleRefused(ClaimsRefused):
    """The token is genuine, and names a role that no request may take."""

    code = "role-refused"
    title = "The token's role is not accepted"
    postgrest_code = "22023"
    way_out = "Ask for a token with another role."


class TokenRequired(Unauthenticated):
    """There is no role for callers without a token."""

    code = "token-required"
    title = "A token is required"
    postgrest_code = "PGRST302"
    way_out = "Send a token in the header Authorization: Bearer."


class NoTokenKey(Unauthenticated):
    """A token came that was made with a secret, and the server has none to check it with."""

    code = "no-token-key"
    title = "The server cannot check tokens made with a secret"
    postgrest_code = "PGRST300"
    postgrest_status = 500
    way_out = "Sign in at /login, or let whoever runs this server configure jwt_secret."


class SessionEnded(Unauthenticated):
    """The session has ended: it was signed out or revoked, it was idle for too long, or its refresh token was used twice."""

    code = "session-ended"
    title = "The session has ended"
    way_out = "Sign in again at /login."


class WrongCredentials(IdentityError):
    """The e-mail address and the password do not belong together; which of the two is wrong is not told."""

    code = "wrong-credentials"
    title = "Sign-in failed"
    way_out = "Check both for typing errors, or sign up at /signup."


class Forbidden(IdentityError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403
    title = "Not allowed"
    postgrest_code = "42501"
    way_out = "Sign in as somebody who may do this."


class ProofRefused(IdentityError):
    """The link or the code is not good: it is wrong, was used before, or is too old. Which of these is not told."""

    code = "proof-refused"
    title = "The link or the code is not good"
    way_out = "Ask for a new one."


class FactorRefused(ProofRefused):
    """The code, the passkey or the recovery code does not prove the factor: it is wrong, or was used before."""

    code = "factor-refused"
    title = "The factor is not proved"
    way_out = "Try again with the next code, or with another factor."


class ChallengeRefused(FactorRefused):
    """What was answered was not asked, was answered before, or was asked too long ago."""

    code = "challenge-refused"
    title = "The challenge is not open"
    way_out = "Ask for a new challenge, and answer that."


class TooManyAttempts(IdentityError):
    """Too many attempts in a short time, from one address or for one account (RFC 6585, 4). The wait grows with each."""

    code = "too-many-attempts"
    status = 429
    title = "Too many attempts"
    way_out = "Wait as long as Retry-After says, and try again."


class ProviderFailed(IdentityError):
    """Signing in elsewhere did not work: the provider or the person there refused, or what came back is not to be believed."""

    code = "provider-failed"
    title = "Signing in elsewhere failed"
    way_out = "Begin again; if it fails again, sign in another way."


class UnknownProvider(IdentityError):
    """Nobody can sign in with such a provider here."""

    code = "unknown-provider"
    status = 404
    title = "No such provider"
    way_out = "GET /login/providers lists those that there are."


class NotLinked(IdentityError):
    """The account elsewhere does not sign in to the account here that it seems to belong to: both sides must have proved the address."""

    code = "not-linked"
    status = 409
    title = "The two accounts are not linked"
    way_out = "Sign in the way you did before, and link the other account then: POST /identities/{provider}."


class LastWayIn(IdentityError):
    """Without it nobody could sign in to the account any more."""

    code = "last-way-in"
    status = 409
    title = "It is the last way in"
    way_out = "Add a password or another account first."


class StepUpRequired(Forbidden):
    """The account has a second factor, and the session has not proved it yet."""

    code = "step-up-required"
    title = "A second factor is needed"
    way_out = "Prove a second factor of the account, and send the request again with the new token."


class TooManyFactors(Forbidden):
    """The account has as many factors as an account can have."""

    code = "too-many-factors"
    title = "Too many factors"
    way_out = "Remove one first."


class Unverified(Forbidden):
    """The password is right, and the account has not proved yet that its e-mail address is its own."""

    code = "email-not-verified"
    title = "The e-mail address is not verified"
    way_out = "Open the link in the mail that came after sign-up, or ask for a new one."


class Banned(Forbidden):
    """The account may not sign in for now."""

    code = "banned"
    title = "The account is banned"
    way_out = "Ask whoever runs this server."


class AuthRefused(IdentityError):
    """What was asked of `/auth/v1` is refused, with a status and a code that Supabase's clients know."""

    code = "auth-refused"
    status = 400
    title = "Refused"
    way_out = "The code of the answer says what was wrong."

    def __init__(
        self,
        status: int,
        word: str,
        message: str,
        *,
        reasons: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        oauth: bool = False,
    ) -> None:
        """Keep what a client is told.

        Args:
            status: of the answer.
            word: the code, one of those of Supabase's API.
            message: in that API's words, for programs compare them.
            reasons: why a password is too weak, in its words.
            headers: of the answer.
            oauth: whether it is told as OAuth 2.0 words it, ``error`` and ``error_description``.
        """
        super().__init__(message, headers=headers)
        self.oauth = oauth
        self.status = status
        self.word = word
        self.reasons = reasons


# -- PostgreSQL refused ---------------------------------------------------------------------------------------------


class DatabaseError(PellucidError):
    """PostgreSQL refused the statement; ``sqlstate`` says why (PostgreSQL, appendix A)."""

    code = "database"
    status = 500
    title = "The database refused"
    way_out = "It is not your fault. Give the request id to whoever runs this server; its log says what happened."

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = "XX000",
        details: Details | None = None,
        hint: str | None = None,
        faults: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
        postgrest_status: int | None = None,
    ) -> None:
        """Keep PostgreSQL's own words beside the friendly ones.

        Args:
            sqlstate: five characters, as PostgreSQL gave them.
            postgrest_status: the status PostgREST answers with for this SQLSTATE, where it depends on more than the class.
            message, details, hint, faults, headers: as in `PellucidError`.
        """
        super().__init__(message, details=details, hint=hint, faults=faults, headers=headers)
        self.sqlstate = sqlstate
        self.status_in_postgrest = postgrest_status


class Duplicate(DatabaseError):
    """Another row has this key already."""

    code = "duplicate"
    status = 409
    title = "Already there"
    way_out = "Choose another value for the key, or update the row that is there."


class BrokenReference(DatabaseError):
    """A foreign key points at nothing, or something still points at the row."""

    code = "broken-reference"
    status = 409
    title = "A reference would break"
    way_out = "Point at a row that is there, or first remove what still points at this one."


class MissingValue(DatabaseError):
    """A column that must have a value has none."""

    code = "missing-value"
    status = 422
    title = "A value is missing"
    postgrest_status = 400
    way_out = "Give the column a value."


class BrokenCheck(DatabaseError):
    """A check or exclusion constraint says no."""

    code = "broken-check"
    status = 422
    title = "A check failed"
    postgrest_status = 400
    way_out = "Choose values that satisfy the table's constraint named in the detail."


class InvalidValue(DatabaseError):
    """A value does not fit its column's type."""

    code = "invalid-value"
    status = 422
    title = "A value does not fit"
    postgrest_status = 400
    way_out = "Send a value of the column's type."


class Denied(DatabaseError):
    """Grants or row level security say no (SQLSTATE 42501)."""

    code = "denied"
    status = 403
    title = "Not allowed"
    way_out = "Sign in as somebody who may do this; grants and row level security decide who may."


class ReadOnly(DatabaseError):
    """A write was tried in a read-only transaction."""

    code = "read-only"
    status = 405
    title = "Read only"
    way_out = "Send writes with POST, PATCH, PUT or DELETE."


class Interrupted(DatabaseError):
    """The statement ran into a time limit and was stopped; nothing was written."""

    code = "interrupted"
    status = 504
    title = "It took too long"
    postgrest_status = 500
    way_out = "Ask for less at once, or add an index that fits the filters."


class Contention(DatabaseError):
    """Two transactions got in each other's way; trying again is safe."""

    code = "contention"
    status = 409
    title = "Try again"
    way_out = "Send the same request again."


class StatementRefused(DatabaseError):
    """PostgreSQL could not carry out what was asked, for a reason that lies in the request."""

    code = "statement-refused"
    status = 400
    title = "The database cannot do this"
    way_out = "Read the detail, change the request accordingly and send it again."


# -- not now --------------------------------------------------------------------------------------------------------


class FunctionError(PellucidError):
    """A function of the database wants to shape the answer, and what it says cannot be understood."""

    code = "function"
    status = 500
    title = "A function answered in no known form"
    postgrest_code = "PGRSTX00"
    way_out = "Give the request id to whoever wrote the function."


class RaisedBadly(FunctionError):
    """A function raised ``SQLSTATE 'PGRST'`` with a message or a detail that is not the JSON it must be."""

    code = "raised-badly"
    title = "A function's error cannot be read"
    postgrest_code = "PGRST121"
    way_out = "Mend the function: MESSAGE and DETAIL of RAISE SQLSTATE 'PGRST' are JSON objects."


class BadResponseHeaders(FunctionError):
    """The setting ``response.headers`` is not a list of JSON objects with one text each."""

    code = "bad-response-headers"
    title = "A function's headers cannot be read"
    postgrest_code = "PGRST111"
    way_out = 'Mend the function: response.headers is a JSON array of objects such as {"Name": "value"}.'


class BadResponseStatus(FunctionError):
    """The setting ``response.status`` is not a status code."""

    code = "bad-response-status"
    title = "A function's status cannot be read"
    postgrest_code = "PGRST112"
    way_out = "Mend the function: response.status is a number from 100 to 599."


class Unavailable(PellucidError):
    """The database cannot be reached right now."""

    code = "unavailable"
    status = 503
    title = "Not available right now"
    postgrest_code = "PGRST001"
    way_out = "Wait as long as Retry-After says and send the same request again."


class PoolExhausted(Unavailable):
    """Every connection is busy and the wait was too long."""

    code = "pool-exhausted"
    title = "Too busy"
    postgrest_code = "PGRST003"
    postgrest_status = 504
    way_out = "Wait as long as Retry-After says and send the same request again."


class FeatureOff(Unavailable):
    """This part is off, because the database role lacks a right that it needs; the text names it."""

    code = "feature-off"
    title = "This part is off"
    postgrest_code = "PGRST000"
    way_out = "Give the database role the right that the detail names, and start again."


class MessageNotSent(Unavailable):
    """A text message could not be sent: what sends them for this application failed, or took too long."""

    code = "message-not-sent"
    title = "The text message was not sent"
    way_out = "Wait a moment and ask for another one. Whoever runs this server finds the kind of the fault in its log."


class StartupError(PellucidError):
    """`serve` cannot start. The message is one line; ``hint`` says how to mend it."""

    code = "startup"
    title = "Cannot start"
    way_out = "Do what the message says and start again."
