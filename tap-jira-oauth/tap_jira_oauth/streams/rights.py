"""What a user has to be allowed to read some lists, as Jira's administration calls it."""

from __future__ import annotations

from typing import Final

ADMINISTER_JIRA: Final = "the global permission 'Administer Jira'"
ADMINISTER_PROJECTS: Final = "the permission 'Administer Projects' in each project that is read"
BROWSE_USERS: Final = "the global permission 'Browse Users' (Cloud: 'Browse users and groups')"
