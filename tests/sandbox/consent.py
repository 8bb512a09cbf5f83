"""The pages of the authorize servlet: plain HTML that a keyboard and a screen reader can use."""

from __future__ import annotations

from string import Template
from typing import Final

from markupsafe import escape
from werkzeug import Response

_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Sandbox Jira</title>
<style>body { font: 1.1rem/1.5 sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; }
button { font: inherit; padding: .4rem 1.2rem; margin-right: 1rem; } code { font-size: 1.4rem; }</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")
_QUESTION: Final = Template("""<p><strong>$application</strong> asks to read Jira as <strong>$user</strong>.</p>
<form method="post">
<input type="hidden" name="oauth_token" value="$token">
<button type="submit" name="decision" value="allow" id="approve">Allow</button>
<button type="submit" name="decision" value="deny" id="deny">Deny</button>
</form>""")


def question(application: str, user: str, token: str) -> Response:
    """Allow or deny?"""
    content = _QUESTION.substitute(
        application=escape(application), user=escape(user), token=escape(token)
    )
    return _page("Allow access?", content)


def code(application: str, verifier: str) -> Response:
    """The verification code, for a client that cannot be called back."""
    shown = f'<code id="verifier">{escape(verifier)}</code>'
    return _page(
        "Access allowed", f"<p>Type this code into {escape(application)}:</p>\n<p>{shown}</p>"
    )


def denied(application: str) -> Response:
    """The user said no and there is nobody to call back."""
    return _page(
        "Access denied",
        f"<p>{escape(application)} was given no access. You may close this page.</p>",
    )


def stale() -> Response:
    """The request token is unknown, too old, or already decided."""
    text = "<p>This request is unknown, has expired, or is decided already. Start again from your application.</p>"
    return _page("Nothing to allow", text, status=400)


def _page(title: str, content: str, status: int = 200) -> Response:
    return Response(_PAGE.substitute(title=title, content=content), status, mimetype="text/html")
