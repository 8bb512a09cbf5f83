"""Object paths: below the destination, and never shared."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from target_s3_jsonl.errors import ConfigurationError, RecordError
from target_s3_jsonl.layout import Layout, object_name, run_name, safe_segment, start_of

pytestmark = pytest.mark.any_version

_DEFAULT = "{stream}/load_date={load_date}/{name}.jsonl"
_OPENED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
_DIGEST = bytes.fromhex("ab") * 32
_streams = st.text(st.characters(codec="utf-8"), min_size=1)
_templates = st.sampled_from(
    [
        _DEFAULT,
        "{stream}{name}",
        "x/{load_time}{stream}/{run}/{name}",
        "{name}.{stream}",
        "{stream}/{stream}-{name}",
    ]
)


def _path(template: str, stream: str, sequence: int = 1) -> str:
    name = object_name("0" * 12, sequence, _DIGEST)
    return Layout(template, ".gz").path(
        stream=stream, opened=_OPENED, name=name, run=run_name(_OPENED, "0" * 12)
    )


def test_a_path_shows_stream_load_date_and_name() -> None:
    """The default layout is one folder per stream and day, readable as hive partitions."""
    assert _path(_DEFAULT, "issues") == (
        "issues/load_date=2026-01-02/000000000000-00001-abababababababab.jsonl.gz"
    )
    assert _path("{run}/{load_time}/{stream}/{name}", "issues") == (
        "20260102T030405Z-000000000000/20260102T030405Z/issues/000000000000-00001-abababababababab.gz"
    )


@given(_templates, _streams)
@example(_DEFAULT, "..")
@example(_DEFAULT, ".")
@example(_DEFAULT, "../../etc/passwd")
@example(_DEFAULT, "/")
@example(_DEFAULT, "a\x00b\n")
def test_no_stream_name_leaves_the_prefix_or_hides_its_objects(template: str, stream: str) -> None:
    """Whatever a tap calls its stream, the path stays relative, below the prefix, printable and visible."""
    path = _path(template, stream)
    parts = path.split("/")
    assert len(parts) == len(template.split("/"))
    assert not any(part in {"", ".", ".."} or part.startswith(".") for part in parts)
    assert str(PurePosixPath(path)) == path
    assert path.isascii()
    assert path.isprintable()


@given(_templates, _streams, _streams, st.integers(1, 200_000), st.integers(1, 200_000))
@example("{stream}{name}", "a", "a0", 100_000, 1)
def test_two_streams_never_share_a_path(
    template: str, one: str, other: str, sequence: int, other_sequence: int
) -> None:
    """Even with equal content, different streams, or different objects of one stream, get different paths."""
    same = (one, sequence) == (other, other_sequence)
    assert (_path(template, one, sequence) == _path(template, other, other_sequence)) == same


@given(_streams)
def test_a_stream_name_can_be_read_back(stream: str) -> None:
    """The escape is percent-encoding, which readers of hive partitions undo."""
    assert unquote(safe_segment(stream)) == stream


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{stream}/x.jsonl", "needs {name}"),
        ("{name}.jsonl", "needs {stream}"),
        ("{stream}/{nam}.jsonl", "unknown placeholder {nam}"),
        ("{stream}/{record}/{name}", "spelt as in"),
        ("{stream}/{record.x}/{name}", "spelt as in"),
        ("{stream}/{record[x]:>9}/{name}", "only a record's value may be cut"),
        ("{stream}/{record[x]!r}/{name}", "plain placeholders"),
        ("{stream}-{record[x]}/{name}", "need a '/' between them"),
        ("_rejects/{stream}/{name}", "on_invalid_record"),
        ("{stream}/{name:>40}", "plain placeholders"),
        ("{stream}/{name!r}", "plain placeholders"),
        ("{stream}/{name.upper}", "unknown placeholder"),
        ("{stream}/{}", "unknown placeholder"),
        ("{stream}/{name", "malformed"),
        ("/{stream}/{name}", "plain relative path"),
        ("{stream}//{name}", "plain relative path"),
        ("../{stream}/{name}", "plain relative path"),
        ("{stream}/./{name}", "plain relative path"),
        ("{stream}\\{name}", "plain relative path"),
        ("{stream}/\n{name}", "plain relative path"),
    ],
)
def test_a_template_that_could_not_keep_objects_apart_is_refused(
    template: str, reason: str
) -> None:
    """A bad template is a configuration error at start, in words."""
    with pytest.raises(ConfigurationError, match=reason):
        Layout(template)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(-(10**9), 10**9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(st.text(st.characters(codec="utf-8")) | _values)
@example("..")
@example("/")
@example("a/../../b")
@example("")
@example("_rejects")
@example("x" * 500)
@example("x" * 198)
def test_no_value_of_a_record_leaves_the_prefix_or_hides_its_objects(value: object) -> None:
    """A folder's name is one printable segment that does not begin with a dot, or the record is refused in words."""
    layout = Layout("{record[x]}/{stream}/p={record[a][b]}/{name}")
    record = {"x": value, "a": {"b": value}}
    if isinstance(value, dict | list) or len(quote(str(value), safe="")) > 198:
        with pytest.raises(RecordError, match="name a folder"):
            layout.partition(record)
        return
    partition = layout.partition(record)
    path = layout.path(stream="issues", opened=_OPENED, name="n", run="r", partition=partition)
    first, stream, second, name = path.split("/")
    assert (stream, name) == ("issues", "n")
    assert second == f"p={partition[1]}"
    assert first not in {"", ".", "..", "_rejects"}
    assert not first.startswith(".")
    assert path.isascii()
    assert path.isprintable()
    if isinstance(value, str) and value:
        assert unquote(partition[1]) == value


@pytest.mark.parametrize(
    ("record", "partition"),
    [
        ({"updated": "2026-01-02T03:04:05Z", "fields": {"n": 7}}, ("2026-01-02", "7")),
        ({"updated": None, "fields": {"n": True}}, ("__HIVE_DEFAULT_PARTITION__", "true")),
        ({"fields": None}, ("__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__")),
        ({"updated": "", "fields": {"n": Decimal("1.50")}}, ("__HIVE_DEFAULT_PARTITION__", "1.50")),
        ({"updated": "a=b c", "fields": {"n": "é"}}, ("a%3Db%20c", "%C3%A9")),
    ],
)
def test_partitions_are_named_by_values_of_records(
    record: dict[str, object], partition: tuple[str, ...]
) -> None:
    """Nested values, a part of a value, and Hive's own name where there is none."""
    layout = Layout("{stream}/day={record[updated]:.10}/{record[fields][n]}/{name}", ".gz")
    assert layout.partition(record) == partition
    path = layout.path(stream="s", opened=_OPENED, name="n", run="r", partition=partition)
    assert path == f"s/day={partition[0]}/{partition[1]}/n.gz"


def test_what_is_sorted_out_never_meets_a_stream() -> None:
    """Its folder is out of reach of any stream's name."""
    layout = Layout("{stream}/{name}", ".gz")
    rejected = layout.path(stream="a", opened=_OPENED, name="n", run="r", rejected=True)
    assert rejected == "_rejects/a/load_date=2026-01-02/n.jsonl.gz"
    assert layout.path(stream="_rejects", opened=_OPENED, name="n", run="r") == "%5Frejects/n.gz"


def test_the_start_names_the_state_and_not_its_spelling() -> None:
    """Key order and white space do not change the name; a value does; no STATE has a name of its own."""
    assert start_of(b'{"a": 1, "b": {"d": 2.50, "c": 3}}') == start_of(
        b'{"b":{"c":3,"d":2.50},"a":1}'
    )
    assert start_of(b'{"a": 12345678901234567890123456789}') != start_of(
        b'{"a": 12345678901234567890123456788}'
    )
    assert start_of(b'{"a": 1e99999999999999999999}') != start_of(b'{"a": 1e99999999999999999998}')
    assert start_of(None) == "000000000000"
    assert len(start_of(b"{}")) == 12
