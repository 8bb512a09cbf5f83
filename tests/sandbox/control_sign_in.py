"""`/_sandbox/...`, the part that is about sign-in: users, refusals, lifetimes, OAuth 2.0 clients, tokens without the dance."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from sandbox.lifetimes import Lifetimes
from sandbox.oauth2 import Client
from sandbox.users import UserOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.sign_in import SignIn


class Deletion(msgspec.Struct, forbid_unknown_fields=True):
    """Delete a user, or an application link."""

    user: str | None = None
    consumer: str | None = None


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """Turn a consumer or a user away with 503, or no longer."""

    user: str | None = None
    consumer: str | None = None
    refused: bool = True


class Solved(msgspec.Struct, forbid_unknown_fields=True):
    """A user has solved the CAPTCHA."""

    user: str


class NewClient(msgspec.Struct, forbid_unknown_fields=True):
    """Register an OAuth 2.0 client; without `scopes` it may ask for all."""

    client_id: str
    client_secret: str
    redirect_uris: list[str]
    flavor: Literal["data_center", "cloud"] = "data_center"
    name: str = ""
    scopes: list[str] | None = None


class Grant(msgspec.Struct, forbid_unknown_fields=True):
    """OAuth 2.0 tokens without the dance."""

    client_id: str
    flavor: Literal["data_center", "cloud"] = "data_center"
    user: str | None = None
    scope: str | None = None


@dataclass(frozen=True)
class SignInControl:
    """The orders by name; each takes JSON and returns what is answered. LookupError or ValueError say why not."""

    sign_in: SignIn

    def posts(self) -> dict[str, Callable[[bytes], Any]]:
        """The names below `/_sandbox/`, for `Control`, which turns errors into answers."""
        return {
            "users": self._users,
            "remove": self._remove,
            "refuse": self._refuse,
            "captcha": self._captcha,
            "lifetimes": self._lifetimes,
            "oauth2-clients": self._clients,
            "oauth2-grant": self._grant,
        }

    def _users(self, data: bytes) -> dict[str, Any]:
        user = msgspec.json.decode(data, type=UserOrder).user()
        self.sign_in.directory.put(user)
        return {"users": [user.name for user in self.sign_in.directory.users]}

    def _remove(self, data: bytes) -> dict[str, Any]:
        order = msgspec.json.decode(data, type=Deletion)
        if order.user is not None:
            self.sign_in.directory.remove(order.user)
        if order.consumer is not None:
            self.sign_in.provider.unregister(order.consumer)
        return {}

    def _refuse(self, data: bytes) -> dict[str, Any]:
        order = msgspec.json.decode(data, type=Refusal)
        if order.user is not None:
            self.sign_in.directory.refuse(order.user, refused=order.refused)
        if order.consumer is not None:
            self.sign_in.provider.refuse(order.consumer, refused=order.refused)
        return {}

    def _captcha(self, data: bytes) -> dict[str, Any]:
        self.sign_in.directory.solve_captcha(msgspec.json.decode(data, type=Solved).user)
        return {}

    def _lifetimes(self, data: bytes) -> dict[str, Any]:
        lifetimes = msgspec.convert(msgspec.json.decode(data), Lifetimes)
        self.sign_in.live(lifetimes)
        return dataclasses.asdict(lifetimes)

    def _clients(self, data: bytes) -> dict[str, Any]:
        order = msgspec.json.decode(data, type=NewClient)
        client = Client(
            order.client_id,
            order.client_secret,
            order.name or order.client_id,
            tuple(order.redirect_uris),
            None if order.scopes is None else tuple(order.scopes),
        )
        self.sign_in.register_client(client, order.flavor)
        return {"client_id": order.client_id}

    def _grant(self, data: bytes) -> dict[str, Any]:
        order = msgspec.json.decode(data, type=Grant)
        return self.sign_in.grant(order.client_id, order.flavor, order.user, order.scope)
