"""`python -m tap_jira_oauth`: the command, where no script of that name is on the PATH."""

from __future__ import annotations

from tap_jira_oauth.tap import main

main()
