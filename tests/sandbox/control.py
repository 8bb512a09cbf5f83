"""`/_sandbox/...`: what a test or a person does to the sandbox over HTTP. JSON in, JSON out, no sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from werkzeug import Request, Response

from sandbox.faults import Fault
from sandbox.problems import OAuthProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.world import World

Order = TypeVar("Order", bound=msgspec.Struct)


class NewConsumer(msgspec.Struct, forbid_unknown_fields=True):
    """Register an application link."""

    key: str
    public_key: str
    name: str = ""


class Approval(msgspec.Struct, forbid_unknown_fields=True):
    """Allow a request token."""

    oauth_token: str


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """Edit issues."""

    count: int = 1
    keys: list[str] | None = None
    seed: int = 0


class Move(msgspec.Struct, forbid_unknown_fields=True):
    """Move an issue."""

    key: str
    project: str


class Deletion(msgspec.Struct, forbid_unknown_fields=True):
    """Delete an issue."""

    key: str


class ClockOffset(msgspec.Struct, forbid_unknown_fields=True):
    """Set the clock, in seconds ahead of real time."""

    offset: float


class Revocation(msgspec.Struct, forbid_unknown_fields=True):
    """Revoke an access token."""

    token: str


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Order a fault; see `faults.Fault`."""

    path_prefix: str
    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = ""
    count: int = 1
    cut: bool = False


@dataclass(frozen=True)
class Control:
    """The endpoints by name."""

    world: World

    def answer(self, request: Request, name: str) -> Response:
        """Do what `/_sandbox/{name}` asks; 400 with the reason when it cannot be done, 404 for an unknown name."""
        posts: dict[str, Callable[[bytes], Any]] = {
            "consumers": self._consumers,
            "approve": self._approve,
            "edit": self._edit,
            "move": self._move,
            "delete": self._delete,
            "clock": self._clock,
            "revoke": self._revoke,
            "fault": self._fault,
        }
        gets: dict[str, Callable[[], Any]] = {
            "requests": self._requests,
            "issues": self.world.issues,
        }
        try:
            if request.method == "POST" and name in posts:
                return _json(posts[name](request.get_data() or b"{}"))
            if request.method == "GET" and name in gets:
                return _json(gets[name]())
        except OAuthProblemError as problem:
            return _json({"error": problem.name}, 400)
        except (msgspec.MsgspecError, ValueError, LookupError) as error:
            return _json({"error": str(error)}, 400)
        return _json(
            {"error": f"no {request.method} /_sandbox/{name}", "post": [*posts], "get": [*gets]},
            404,
        )

    def _consumers(self, data: bytes) -> dict[str, Any]:
        order = _read(data, NewConsumer)
        self.world.provider.register(order.key, order.public_key, order.name)
        return {"key": order.key}

    def _approve(self, data: bytes) -> dict[str, Any]:
        return {"oauth_verifier": self.world.approve(_read(data, Approval).oauth_token)}

    def _edit(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Edit)
        return {"keys": self.world.life.edit(order.count, order.keys, order.seed)}

    def _move(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Move)
        return {"key": self.world.life.move(order.key, order.project)}

    def _delete(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Deletion)
        self.world.life.delete(order.key)
        return {"key": order.key}

    def _clock(self, data: bytes) -> dict[str, Any]:
        self.world.clock.offset = _read(data, ClockOffset).offset
        return {"now": self.world.clock.now()}

    def _revoke(self, data: bytes) -> dict[str, Any]:
        self.world.provider.revoke(_read(data, Revocation).token)
        return {}

    def _fault(self, data: bytes) -> dict[str, Any]:
        self.world.faults.add(Fault(**msgspec.structs.asdict(_read(data, FaultOrder))))
        return {}

    def _requests(self) -> list[dict[str, Any]]:
        return [entry.body() for entry in self.world.journal.entries]


def _read(data: bytes, type_: type[Order]) -> Order:
    return msgspec.json.decode(data, type=type_)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")
