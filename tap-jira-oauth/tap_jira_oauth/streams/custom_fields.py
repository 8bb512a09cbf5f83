"""Where custom fields apply, and what can be chosen in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from typing_extensions import override

from tap_jira_oauth.errors import BadRequestError, NotFoundError
from tap_jira_oauth.paging import Numbered, Values
from tap_jira_oauth.streams.reference import OfParentsStream, Parent
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA
from tap_jira_oauth.streams.vocabulary import FieldsStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.errors import TapError
    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item

_TYPES: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"
_CHOICES: Final = frozenset(
    _TYPES + kind
    for kind in ("select", "multiselect", "radiobuttons", "multicheckboxes", "cascadingselect")
)
"""The types of Jira's own fields that have options; apps keep theirs elsewhere."""


def _offers_choice(field: Item) -> bool:
    return field.get("schema", {}).get("custom") in _CHOICES


def _parent(field: Item, id_: str) -> Parent:
    return Parent(id_, f"field {field['name']}", {"field_id": field["id"]})


class FieldContextsStream(OfParentsStream):
    """In which projects and issue types each custom field applies; Data Center does not tell."""

    name = "field_contexts"
    path = "/rest/api/2/field/{}/context"
    paging = Values()
    flavors = frozenset({"cloud"})
    right = ADMINISTER_JIRA
    # Fields of a team's own project have none.
    not_there: ClassVar[tuple[type[TapError], ...]] = (BadRequestError, NotFoundError)

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each custom field."""
        for field in self.listed(jira, *FieldsStream.at(jira)):
            if field.get("custom"):
                yield _parent(field, field["id"])


class FieldOptionsStream(OfParentsStream):
    """What can be chosen in each custom field that offers a choice, disabled options, too."""

    name = "field_options"
    path = "/rest/api/2/customFields/{}/options?useAllContexts=true"
    paging = Numbered("options", 1000)
    cloud_path = "/rest/api/2/field/{}/context/{}/option"
    cloud_paging = Values(100)
    product = "Jira 9.3 or newer"
    right = f"on Cloud {ADMINISTER_JIRA}"
    not_there: ClassVar[tuple[type[TapError], ...]] = (BadRequestError, NotFoundError)

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each such field, which Data Center knows by its number; on Cloud each of its contexts."""
        fields = filter(_offers_choice, self.listed(jira, *FieldsStream.at(jira)))
        if not jira.is_cloud:
            for field in fields:
                yield _parent(field, field["id"].removeprefix("customfield_"))
            return
        parents = (_parent(field, field["id"]) for field in fields)
        there, paging = FieldContextsStream.at(jira)
        for context in self.lists(jira, parents, there, paging):
            keys = {"field_id": context["field_id"], "context_id": context["id"]}
            yield Parent((context["field_id"], context["id"]), f"context {context['name']}", keys)

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield them with their ids as issues have them: as text."""
        for option in super().items(jira):
            yield {**option, "id": str(option["id"])}


CUSTOM_FIELDS_STREAMS = (
    FieldContextsStream,
    FieldOptionsStream,
)
