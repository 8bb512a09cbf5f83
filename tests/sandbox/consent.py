"""The pages on which a person allows or denies access: plain HTML that a keyboard and a screen reader can use."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

from markupsafe import escape
from werkzeug import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from werkzeug import Request

    from sandbox.users import Directory, User

_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Sandbox Jira</title>
<style>
:root { color-scheme: light dark; --ink: #172b4d; --paper: #ffffff; --action: #0052cc; --on-action: #ffffff; }
@media (prefers-color-scheme: dark) {
:root { --ink: #e6edf6; --paper: #12151a; --action: #85b8ff; --on-action: #12151a; }
}
body { font: 1.125rem/1.5 sans-serif; color: var(--ink); background: var(--paper); max-width: 38rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
button, select { font: inherit; color: inherit; background: var(--paper); border: 2px solid var(--action); border-radius: .25rem; padding: .5rem 1.25rem; margin: .5rem .75rem .5rem 0; min-height: 2.75rem; }
#approve { color: var(--on-action); background: var(--action); }
:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }
code { font-size: 1.5rem; letter-spacing: .1em; user-select: all; }
caption, td, th { text-align: left; padding: .25rem 1rem .25rem 0; }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")
_QUESTION: Final = Template("""<p><strong id="application">$application</strong> asks for access to this Jira. It wants to:</p>
<ul id="permissions">
$permissions
</ul>
<form method="post">
$hidden
$user
<p><button type="submit" name="decision" value="allow" id="approve">Allow</button>
<button type="submit" name="decision" value="deny" id="deny">Deny</button></p>
</form>
<p>Allow only what you have started yourself.</p>""")
_ONE_USER: Final = Template("""<p>You are signed in as <strong id="user">$user</strong>.</p>""")
_SEVERAL_USERS: Final = Template("""<p><label for="user">You are signed in as</label><br>
<select name="user" id="user">
$options
</select></p>""")
_GRANTED: Final = Template("""<table>
<caption>Applications that may act as <strong>$user</strong></caption>
<thead><tr><th scope="col">Application</th><th scope="col">Access</th></tr></thead>
<tbody>
$rows
</tbody>
</table>""")
_GRANTED_ROW: Final = Template("""<tr><td>$application</td><td><form method="post">
<input type="hidden" name="token" value="$token">
<button type="submit" aria-label="Revoke access of $application">Revoke</button>
</form></td></tr>""")


def question(
    application: str, permissions: Sequence[str], directory: Directory, **hidden: str
) -> Response:
    """Allow or deny? `hidden` goes along with the answer, which is posted to the page's own address."""
    content = _QUESTION.substitute(
        application=escape(application),
        permissions=_lines(f"<li>{escape(text)}</li>" for text in permissions),
        hidden=_lines(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in hidden.items()
        ),
        user=_who(directory),
    )
    return _page(f"Allow {application} to use Jira?", content)


def allowed(request: Request) -> bool:
    """Whether the person pressed Allow."""
    return request.form.get("decision") == "allow"


def chosen(request: Request, directory: Directory) -> User:
    """The user whom the person chose on the page; the default one where nobody of that name exists."""
    name = request.form.get("user")
    return next((user for user in directory.users if user.name == name), directory.default)


def code(application: str, verifier: str) -> Response:
    """The verification code, for a client that cannot be called back."""
    shown = f'<code id="verifier">{escape(verifier)}</code>'
    return _page(
        "Access allowed",
        f"<p>Your verification code is</p>\n<p>{shown}</p>\n<p>Type it into {escape(application)}, then close this page.</p>",
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


def impossible(reason: str) -> Response:
    """The application's request is wrong in a way that must not be sent back to it."""
    text = f'<p id="reason">{escape(reason)}</p>\n<p>Nothing was allowed. The application must ask another way.</p>'
    return _page("This request cannot be answered", text, status=400)


def granted(user: str, tokens: Sequence[tuple[str, str]]) -> Response:
    """What a user has allowed, as (application, token), each with a button that ends it."""
    rows = _lines(
        _GRANTED_ROW.substitute(application=escape(application), token=escape(token))
        for application, token in tokens
    )
    nobody = f"<p>No application may act as {escape(user)}.</p>"
    return _page(
        "Authorised applications",
        _GRANTED.substitute(user=escape(user), rows=rows) if tokens else nobody,
    )


def _who(directory: Directory) -> str:
    if len(directory.users) == 1:
        return _ONE_USER.substitute(user=escape(directory.default.display_name))
    options = _lines(
        f'<option value="{escape(user.name)}">{escape(user.display_name)}</option>'
        for user in directory.users
    )
    return _SEVERAL_USERS.substitute(options=options)


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _page(title: str, content: str, status: int = 200) -> Response:
    page = _PAGE.substitute(title=escape(title), content=content)
    return Response(page, status, mimetype="text/html")
