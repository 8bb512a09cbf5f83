"""`/_sandbox/...`: what a test or a person does to the sandbox over HTTP. JSON in, JSON out, no sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from werkzeug import Request, Response

from sandbox import script
from sandbox.control_sign_in import SignInControl
from sandbox.faults import Fault
from sandbox.problems import OAuthProblemError
from sandbox.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.world import World

Order = TypeVar("Order", bound=msgspec.Struct)

_FARTHEST_SECONDS: Final = 50 * 365 * 86_400
"""Fifty years either way; far beyond them, dates end."""


class NewConsumer(msgspec.Struct, forbid_unknown_fields=True):
    """Register an application link."""

    key: str
    public_key: str
    name: str = ""
    acts_as: str | None = None


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


class Bulk(msgspec.Struct, forbid_unknown_fields=True):
    """Edit many issues in one moment."""

    count: int
    seed: int = 0


class Creation(msgspec.Struct, forbid_unknown_fields=True):
    """Create an issue."""

    project: str
    seed: int = 0


class Deletion(msgspec.Struct, forbid_unknown_fields=True):
    """Delete an issue."""

    key: str


class ClockOffset(msgspec.Struct, forbid_unknown_fields=True):
    """Set the clock, in seconds ahead of real time."""

    offset: float


class Revocation(msgspec.Struct, forbid_unknown_fields=True):
    """Revoke an access token, or a refresh token of OAuth 2.0."""

    token: str


class FaultOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Order a fault by its parts or by the name of a shape; see `faults.Fault`."""

    path_prefix: str
    count: int = 1
    skip: int = 0
    shape: str | None = None


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
            "bulk": self._bulk,
            "create": self._create,
            "life": self._play,
            "clock": self._clock,
            "revoke": self._revoke,
            "fault": self._fault,
            **SignInControl(self.world.sign_in).posts(),
        }
        gets: dict[str, Callable[[], Any]] = {
            "requests": self._requests,
            "issues": self.world.issues,
            "life": self._deeds,
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
        self.world.provider.register(order.key, order.public_key, order.name, order.acts_as)
        return {"key": order.key}

    def _approve(self, data: bytes) -> dict[str, Any]:
        return {"oauth_verifier": self.world.approve(_read(data, Approval).oauth_token)}

    def _edit(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Edit)
        return {"keys": self.world.life.edit(order.count, order.keys, order.seed)}

    def _move(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Move)
        return {"key": self.world.life.move(order.key, order.project)}

    def _bulk(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Bulk)
        return {"keys": self.world.life.bulk(order.count, order.seed)}

    def _create(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Creation)
        return {"key": self.world.life.create(order.project, order.seed)}

    def _play(self, data: bytes) -> dict[str, Any]:
        self.world.play(_read(data, script.Order))
        return {}

    def _deeds(self) -> list[dict[str, Any]]:
        return [deed.body() for deed in self.world.deeds]

    def _delete(self, data: bytes) -> dict[str, Any]:
        order = _read(data, Deletion)
        self.world.life.delete(order.key)
        return {"key": order.key}

    def _clock(self, data: bytes) -> dict[str, Any]:
        offset = _read(data, ClockOffset).offset
        if abs(offset) > _FARTHEST_SECONDS:
            raise ValueError(f"the clock can be at most {_FARTHEST_SECONDS} seconds off")
        self.world.clock.offset = offset
        return {"now": self.world.clock.now()}

    def _revoke(self, data: bytes) -> dict[str, Any]:
        self.world.sign_in.revoke(_read(data, Revocation).token)
        return {}

    def _fault(self, data: bytes) -> dict[str, Any]:
        parts = msgspec.structs.asdict(_read(data, FaultOrder))
        shape = parts.pop("shape")
        if shape is not None:
            count, skip = parts["count"], parts["skip"]
            fault = Fault.shaped(parts["path_prefix"], shape, self.world.clock, count, skip)
        else:
            fault = Fault(**parts)
        self.world.faults.add(fault)
        return {}

    def _requests(self) -> list[dict[str, Any]]:
        return [entry.body() for entry in self.world.journal.entries]


def _read(data: bytes, type_: type[Order]) -> Order:
    return msgspec.json.decode(data, type=type_)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")
