"""What a stream takes that not every Jira has or grants, and what to say where it is missing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tap_jira_oauth.errors import AccessError, AuthenticationError, ConfigurationError, TapError

FLAVORS = {"data_center": "Jira Data Center", "cloud": "Jira Cloud"}
"""What the values of the setting `api_flavor` are called."""

REFUSALS = (AccessError, AuthenticationError, ConfigurationError)
"""How Jira says that it does not serve something: 403, 401, 404; its address is known to be right."""


@dataclass(frozen=True)
class Needs:
    """What one stream takes: where it asks, which flavours have that, of which product, with which right."""

    stream: str
    path: str
    flavors: frozenset[str]
    product: str
    right: str

    def wrong_flavor(self, *, is_cloud: bool) -> str | None:
        """Say that the server is of a flavour that does not have it; None where it does."""
        flavor = "cloud" if is_cloud else "data_center"
        if flavor in self.flavors:
            return None
        others = " or ".join(FLAVORS[each] for each in sorted(self.flavors))
        return (
            f"This Jira cannot serve the stream {self.stream!r}: only {others} has {self.path}, and "
            f"this is {FLAVORS[flavor]}. Deselect the stream."
        )

    def refused(self, error: TapError) -> str:
        """Say what is missing where Jira refused to serve it."""
        if isinstance(error, ConfigurationError):
            # Jira itself was reached, so no setting is wrong.
            return (
                f"This Jira cannot serve the stream {self.stream!r}: it has nothing at {self.path}. "
                f"It takes {self.product}; deselect the stream where that is missing."
            )
        right = self.right or "a permission that the signed-in user does not have"
        return (
            f"Jira does not let the signed-in user read the stream {self.stream!r}: {error} It takes "
            f"{right}. Ask a Jira administrator for it, or deselect the stream."
        )
