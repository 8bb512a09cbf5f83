"""The `/rest/api/2/field` list of the generated corpus, with its lies: declared types that the values do not have.

Which values come under which declared type is what real Data Center servers show: plug-in fields declared `number` that
hold text, names that occur twice, a custom field with the name of a system field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sandbox.rng import seeded

_JIRA: Final = "com.atlassian.jira.plugin.system.customfieldtypes"
_SOFTWARE: Final = "com.pyxis.greenhopper.jira"

# id, name, schema type (an array as `array:items`, none for a dash), JQL names. A leading `-` hides it from *navigable.
_SYSTEM: Final = """
issuekey|Key|-|id issue issuekey key
project|Project|project|project
issuetype|Issue Type|issuetype|issuetype type
summary|Summary|string|summary
description|Description|string|description
environment|Environment|string|environment
status|Status|status|status
resolution|Resolution|resolution|resolution
resolutiondate|Resolved|datetime|resolutiondate resolved
priority|Priority|priority|priority
labels|Labels|array:string|labels
components|Component/s|array:component|component
versions|Affects Version/s|array:version|affectedVersion
fixVersions|Fix Version/s|array:version|fixVersion
assignee|Assignee|user|assignee
reporter|Reporter|user|reporter
creator|Creator|user|creator
created|Created|datetime|created createdDate
updated|Updated|datetime|updated updatedDate
lastViewed|Last Viewed|datetime|lastViewed
duedate|Due Date|date|due duedate
votes|Votes|votes|votes
watches|Watchers|watches|watchers
issuelinks|Linked Issues|array:issuelinks|
subtasks|Sub-Tasks|array:issuelinks|subtasks
security|Security Level|securitylevel|level
workratio|Work Ratio|number|workratio
progress|Progress|progress|progress
aggregateprogress|Σ Progress|progress|
timespent|Time Spent|number|timespent
timeestimate|Remaining Estimate|number|remainingEstimate timeestimate
timeoriginalestimate|Original Estimate|number|originalEstimate timeoriginalestimate
aggregatetimespent|Σ Time Spent|number|
aggregatetimeestimate|Σ Remaining Estimate|number|
aggregatetimeoriginalestimate|Σ Original Estimate|number|
thumbnail|Images|-|
-timetracking|Time Tracking|timetracking|
-comment|Comment|comments-page|comment
-worklog|Log Work|array:worklog|
-attachment|Attachment|array:attachment|attachments
-archiveddate|Archived|datetime|
-archivedby|Archiver|user|
"""

# name, schema type, custom type, which values it holds (see `customs.py`)
_SPECIAL: Final = (
    ("Story Points", "number", f"{_JIRA}:float", "float"),
    ("Business Value", "number", f"{_JIRA}:float", "float"),
    ("Support Cases Counter", "number", "com.example.support:cases_counter", "zero_text"),
    ("Support Cases Links", "number", "com.example.support:cases", "empty_text"),
    (
        "Development",
        "any",
        "com.atlassian.jira.plugins.jira-development-integration-plugin:devsummary",
        "devsummary",
    ),
    ("Sprint", "array:string", f"{_SOFTWARE}:gh-sprint", "sprint"),
    ("Rank", "any", f"{_SOFTWARE}:gh-lexo-rank", "rank"),
    ("Rank (Obsolete)", "any", f"{_SOFTWARE}:gh-global-rank", "long_max"),
    ("Epic Link", "any", f"{_SOFTWARE}:gh-epic-link", "epic_link"),
    ("Epic Name", "string", f"{_SOFTWARE}:gh-epic-label", "word"),
    ("Parent Link", "any", "com.atlassian.jpo:jpo-custom-field-parent", "parent_link"),
    ("Target start", "date", "com.atlassian.jpo:jpo-custom-field-baseline-start", "date"),
    ("Severity", "option", f"{_JIRA}:select", "option"),
    ("Team", "option", f"{_JIRA}:radiobuttons", "option"),
    ("Platforms", "array:option", f"{_JIRA}:multiselect", "options"),
    ("Area", "option-with-child", f"{_JIRA}:cascadingselect", "cascade"),
    ("Reviewer", "user", f"{_JIRA}:userpicker", "user"),
    ("Contributors", "array:user", f"{_JIRA}:multiuserpicker", "users"),
    (
        "Request participants",
        "array:user",
        "com.atlassian.servicedesk:sd-request-participants",
        "none_or_empty",
    ),
    ("Groups", "array:group", f"{_JIRA}:multigrouppicker", "groups"),
    ("Target Version", "array:version", f"{_JIRA}:multiversion", "versions"),
    ("Progress Bar", "string", "com.onresolve.jira.groovy.groovyrunner:scripted-field", "html"),
    ("Time in Status", "string", "com.atlassian.jira.ext.charting:timeinstatus", "time_in_status"),
    ("First Response", "datetime", "com.atlassian.jira.ext.charting:firstresponsedate", "datetime"),
    ("Release Note Text", "string", f"{_JIRA}:textarea", "text"),
    ("Build Number", "string", f"{_JIRA}:textfield", "digits"),
    (
        "Original Estimate",
        "number",
        "com.atlassian.jpo:jpo-custom-field-original-story-points",
        "float",
    ),
    ("Web Links", "any", "com.example.links:multiurl", "urls"),
)
_PLAIN: Final = (
    ("string", f"{_JIRA}:textfield", "word"),
    ("option", f"{_JIRA}:select", "option"),
    ("array:option", f"{_JIRA}:multicheckboxes", "options"),
    ("date", f"{_JIRA}:datepicker", "date"),
    ("string", f"{_JIRA}:url", "url"),
    ("user", f"{_JIRA}:userpicker", "user"),
    ("array:string", f"{_JIRA}:labels", "words"),
)
_WORDS: Final = """
Release Customer Review Budget Risk Audit Test Docs Legal Deploy Market Design Field Plant Cost
Owner Date Class State Note Link Group Phase Region
"""
_NOUNS, _ASPECTS = (line.split() for line in _WORDS.strip().splitlines())
_FIRST_CUSTOM: Final = 10_100


@dataclass(frozen=True)
class Custom:
    """A custom field: its entry of the list, and the kind of values that issues hold in it."""

    id: str
    kind: str
    entry: dict[str, Any]


def _schema(declared: str, **rest: object) -> dict[str, Any]:
    type_, _, items = declared.partition(":")
    return {"type": type_, **({"items": items} if items else {}), **rest}


def _system_entry(line: str) -> dict[str, Any]:
    field, name, declared, clauses = line.split("|")
    entry: dict[str, Any] = {
        "id": field.lstrip("-"),
        "name": name,
        "custom": False,
        "orderable": True,
        "navigable": not field.startswith("-"),
        "searchable": bool(clauses),
        "clauseNames": clauses.split(),
    }
    if declared != "-":
        entry["schema"] = _schema(declared, system=entry["id"])
    return entry


def _custom(number: int, name: str, declared: str, type_key: str, kind: str) -> Custom:
    schema = _schema(declared, custom=type_key, customId=number)
    field = f"customfield_{number}"
    entry = {
        "id": field,
        "name": name,
        "custom": True,
        "orderable": True,
        "navigable": True,
        "searchable": True,
    }
    return Custom(field, kind, {**entry, "clauseNames": [f"cf[{number}]", name], "schema": schema})


SYSTEM: Final = tuple(map(_system_entry, _SYSTEM.strip().splitlines()))
HIDDEN: Final = frozenset(entry["id"] for entry in SYSTEM if not entry["navigable"])
"""What `*navigable` leaves out."""


UNUSED: Final = _custom(
    10_900, "Approvers", "array:user", f"{_JIRA}:multiuserpicker", "users"
).entry
"""A field of Cloud that no project uses: its search of fields knows it, its list does not."""
TEAMS_OWN: Final = "Web Links"
"""The name of a field of one project of Cloud: its list knows it, its search does not."""


def custom_fields(seed: int, plain: int = 110) -> tuple[Custom, ...]:
    """The custom fields of a server: the special ones, and `plain` ordinary ones that most issues leave null."""
    chance = seeded(seed, "fields")
    found = [_custom(_FIRST_CUSTOM + i, *special) for i, special in enumerate(_SPECIAL)]
    names = [f"{noun} {aspect}" for noun in _NOUNS for aspect in _ASPECTS]
    chance.shuffle(names)
    names[1] = names[0]
    for name in names[:plain]:
        declared, type_key, kind = chance.choice(_PLAIN)
        found.append(_custom(_FIRST_CUSTOM + len(found), name, declared, type_key, kind))
    return tuple(found)


def unknown(field: str) -> dict[str, Any]:
    """An entry for a field of recorded issues of which nothing but the id is known."""
    custom = field.startswith("customfield_")
    entry = {
        "id": field,
        "name": field,
        "custom": custom,
        "orderable": True,
        "navigable": True,
        "searchable": False,
    }
    return {**entry, "clauseNames": [], "schema": {"type": "any"}}
