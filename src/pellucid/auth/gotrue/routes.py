"""The routes of ``/auth/v1``, as a table. What is in no row of it is not there."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from pellucid.auth.gotrue import about, admin, elsewhere, entering, factors, letters, links, user, verify
from pellucid.auth.gotrue.call import Handler, call_of
from pellucid.errors import MethodNotAllowed, UnknownRoute
from pellucid.web.auth_errors import NEWER, VERSION_HEADER, is_newer
from pellucid.web.style import AUTH_PREFIX

HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "/health": {"GET": about.health},
    "/settings": {"GET": about.settings},
    "/.well-known/jwks.json": {"GET": about.keys},
    "/signup": {"POST": entering.sign_up},
    "/token": {"POST": entering.token},
    "/otp": {"POST": letters.otp},
    "/magiclink": {"POST": letters.magic_link},
    "/recover": {"POST": letters.recover},
    "/resend": {"POST": letters.resend},
    "/verify": {"GET": verify.follow, "POST": verify.prove},
    "/user": {"GET": user.read, "PUT": user.change},
    "/reauthenticate": {"GET": user.reauthenticate},
    "/logout": {"POST": user.log_out},
    "/factors": {"POST": factors.enroll},
    "/factors/{factor_id}": {"DELETE": factors.unenroll},
    "/factors/{factor_id}/challenge": {"POST": factors.challenge},
    "/factors/{factor_id}/verify": {"POST": factors.verify},
    "/authorize": {"GET": elsewhere.authorize},
    "/callback": {"GET": elsewhere.callback, "POST": elsewhere.come_back},
    "/user/identities/authorize": {"GET": elsewhere.link},
    "/user/identities/{identity_id}": {"DELETE": elsewhere.unlink},
    "/invite": {"POST": links.invite},
    "/admin/generate_link": {"POST": links.generate},
    "/admin/users": {"GET": admin.users, "POST": admin.create},
    "/admin/users/{user_id}": {"GET": admin.read, "PUT": admin.change, "DELETE": admin.delete},
    "/admin/users/{user_id}/factors": {"GET": admin.factors},
    "/admin/users/{user_id}/factors/{factor_id}": {"DELETE": admin.drop_factor, "PUT": admin.rename_factor},
}


class Endpoint:
    """Answers at one path (ASGI)."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        handler = self.handlers.get(request.method)
        if handler is None:
            raise self._refusal(request)
        response = await handler(await call_of(request, form=handler is elsewhere.come_back))
        if is_newer(request.headers.get(VERSION_HEADER, "")):
            response.headers[VERSION_HEADER] = NEWER
        await response(scope, receive, send)

    def _refusal(self, request: Request) -> MethodNotAllowed | UnknownRoute:
        if not self.handlers:
            return UnknownRoute("404 page not found")
        allowed = ", ".join(self.handlers)
        return MethodNotAllowed(f"{request.method} is not for this path", headers={"Allow": allowed})


def routes() -> list[BaseRoute]:
    """All of them; the last one answers whatever is not there."""
    known = [Route(AUTH_PREFIX + path, Endpoint(handlers)) for path, handlers in HANDLERS.items()]
    return [*known, Route(AUTH_PREFIX, Endpoint({})), Route(f"{AUTH_PREFIX}/{{path:path}}", Endpoint({}))]
