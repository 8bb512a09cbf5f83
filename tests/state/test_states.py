"""States in a table, against two implementations of DynamoDB."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from state.dynamodb import KEYS, REGION, LocalDynamoDB, edit, states
from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.errors import (
    ConfigurationError,
    LostLockError,
    StateHeldError,
    TableError,
    UnreadableStateError,
)
from state_backend_dynamodb.lock import OURS
from state_backend_dynamodb.table import STATES, Table, chunks_of, projects_of

STATE = "dev:tap-to-target"


def document(**dates: str) -> dict[str, Any]:
    """Return a completed state with a bookmark for each project, as tap-jira-oauth writes it."""
    partitions = [
        {
            "context": {"project_id": str(number)},
            "replication_key": "updated",
            "replication_key_value": date,
            "project_key": key,
            "seen": {"20017": 1767322984678},
            "state_version": 1,
        }
        for number, (key, date) in enumerate(dates.items(), start=10000)
    ]
    bookmarks = {"issues": {"partitions": partitions}}
    return {"completed": {"singer_state": {"bookmarks": bookmarks}}, "partial": {}}


def dates(found: dict[str, Any] | None) -> dict[str, str]:
    """Return the bookmarks of a state by project."""
    assert found is not None
    return {
        partition.get("project_key") or partition["context"]["project_key"]: partition[
            "replication_key_value"
        ]
        for partition in found["completed"]["singer_state"]["bookmarks"]["issues"]["partitions"]
    }


def noise(size: int) -> dict[str, Any]:
    """Return a state of about this many characters that gzip makes little shorter."""
    count = size // 64
    text = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(count))
    return {"completed": {"x": text}, "partial": {}}


def save(table: Table, content: dict[str, Any]) -> None:
    """Write a state as a run does that is alone."""
    with states(table).locked(STATE) as held:
        held.write(content)


class TestOneState:
    """What is written is read."""

    def test_there_is_none_at_first(self, table: Table) -> None:
        """Neither to read nor to list, also where a lock was taken for nothing."""
        with states(table).locked(STATE) as held:
            assert held.read() is None
        assert states(table).read(STATE) is None
        assert list(states(table).ids()) == []

    def test_each_write_replaces_the_one_before(self, table: Table) -> None:
        """And leaves one version of chunks behind."""
        with states(table).locked(STATE) as held:
            for number in range(3):
                held.write({"completed": {"n": number}, "partial": {}})
        save(table, {"completed": {"n": 9}, "partial": {}})
        assert states(table).read(STATE) == {"completed": {"n": 9}, "partial": {}}
        assert len(list(table.query(chunks_of(STATE)))) == 1
        assert list(states(table).ids()) == [STATE]

    @pytest.mark.parametrize("size", [1_000_000, 5_000_000])
    def test_a_large_one_is_cut(self, table: Table, size: int) -> None:
        """Beyond the 400 KB of an item it takes several; a smaller one after it leaves one again."""
        save(table, noise(size))
        assert states(table).read(STATE) == noise(size)
        assert len(list(table.query(chunks_of(STATE)))) > size // 800_000
        save(table, document())
        assert states(table).read(STATE) == document()
        assert len(list(table.query(chunks_of(STATE)))) == 1

    def test_a_cleared_one_leaves_nothing_but_the_number_of_its_holders(self, table: Table) -> None:
        """No chunk and no row of a project stays; the number keeps late writers off."""
        save(table, document(ABC="2026-01-02T00:00:00.000Z"))
        with states(table).locked(STATE) as held:
            held.delete()
        assert states(table).read(STATE) is None
        assert list(table.query(chunks_of(STATE))) == []
        assert list(table.query(projects_of(STATE))) == []
        assert table.get(STATES, STATE) == {"id": STATES, "part": STATE, "fence": 2}

    def test_a_reader_sees_one_version_or_the_other(self, table: Table) -> None:
        """While one process writes large states, another one never reads a mixture."""
        written = [noise(1_000_000) | {"n": number} for number in range(4)]
        save(table, written[0])
        read: list[Any] = []
        over = threading.Event()

        def reader() -> None:
            while not over.is_set():
                read.append(states(table).read(STATE))

        thread = threading.Thread(target=reader)
        thread.start()
        for content in written[1:]:
            save(table, content)
        over.set()
        thread.join()
        assert read
        assert all(found in written for found in read)

    def test_a_version_that_is_replaced_while_it_is_read_is_read_anew(
        self, dynamodb: LocalDynamoDB, table: Table
    ) -> None:
        """Between the look at the head and that at the chunks another run may have saved."""
        save(table, {"completed": {"n": 1}, "partial": {}})

        class Replaced(Table):
            done = False

            def query(self, id_: str, condition: str = "", values: Any = None) -> Any:
                if id_ == chunks_of(STATE) and not self.done:
                    self.done = True
                    save(table, {"completed": {"n": 2}, "partial": {}})
                return super().query(id_, condition, values)

        replaced = Replaced(dynamodb.client, table.name)
        assert states(replaced).read(STATE) == {"completed": {"n": 2}, "partial": {}}

    def test_a_missing_or_changed_chunk_is_told(self, table: Table) -> None:
        """A state that is not whole is never handed out."""
        save(table, noise(1_000_000))
        first, *_ = table.query(chunks_of(STATE))
        table.put(first | {"content": b"other"})
        with pytest.raises(UnreadableStateError, match="its chunks are damaged"):
            states(table).read(STATE)
        table.delete(first["id"], first["part"])
        with pytest.raises(UnreadableStateError, match=r"chunks of version .* are missing"):
            states(table).read(STATE)

    def test_one_of_a_newer_version_is_left_alone(self, table: Table) -> None:
        """What this version cannot read is no empty state."""
        save(table, document())
        table.update(STATES, STATE, "SET #format = :new", "#id = :id", {"new": 2, "id": STATES})
        with pytest.raises(UnreadableStateError, match="by a newer version of this package"):
            states(table).read(STATE)


class Unheard(Table):
    """A table whose renewals do not arrive, as when the network is gone; other writes do again."""

    def update(self, id_: str, part: str, expression: str, condition: str, values: Any) -> Any:
        """Fail where the holder says that it lives."""
        if expression == "SET #lock_beat = :beat":
            raise TableError("The network is gone.")
        return super().update(id_, part, expression, condition, values)


@pytest.fixture
def unheard(dynamodb: LocalDynamoDB, table: Table) -> Table:
    """That of a process that stalls."""
    return Unheard(dynamodb.client, table.name)


class TestTwoHolders:
    """One at a time, and who was held for dead writes nothing."""

    def test_a_holder_that_lives_is_named(self, table: Table) -> None:
        """The second gives up after its patience, and says who holds the state since when."""
        with states(table, lease=3).locked(STATE, run="r-1") as held:
            with (
                pytest.raises(
                    StateHeldError, match=r"held by process \d+ on .* \(run r-1\) since 2"
                ),
                states(table, patience=0.2).locked(STATE),
            ):
                pytest.fail("held twice")
            held.write(document())

    def test_a_lock_is_kept_over_many_leases(self, table: Table) -> None:
        """Renewals go on beside whatever the holder does."""
        with states(table, lease=1).locked(STATE) as held:
            time.sleep(2.5)
            with pytest.raises(StateHeldError), states(table, patience=0.4).locked(STATE):
                pytest.fail("held twice")
            held.write(document())
        assert states(table).read(STATE) == document()

    def test_other_states_are_free(self, table: Table) -> None:
        """A lock is that of one state id."""
        with states(table).locked(STATE), states(table).locked(f"{STATE}:b01") as held:
            held.write(document())

    def test_a_holder_that_is_not_heard_of_is_replaced_and_writes_nothing(
        self, table: Table, unheard: Table
    ) -> None:
        """What it writes later is refused, also into the middle of its successor's write."""
        with states(unheard, lease=0.3).locked(STATE) as former:
            former.write({"completed": {"n": 1}, "partial": {}})
            with states(table).locked(STATE) as successor:
                successor.write({"completed": {"n": 2}, "partial": {}})
                with pytest.raises(
                    LostLockError, match=r"lost: it is held by process \d+ on .* by"
                ):
                    former.write({"completed": {"n": 3}, "partial": {}})
        assert states(table).read(STATE) == {"completed": {"n": 2}, "partial": {}}

    def test_a_late_cleaner_removes_nothing_of_its_successor(
        self, dynamodb: LocalDynamoDB, table: Table
    ) -> None:
        """Nor does it see its own state come back: a holder that stalls between naming its version and cleaning up."""

        class Stalling(Unheard):
            def update(
                self, id_: str, part: str, expression: str, condition: str, values: Any
            ) -> Any:
                done = super().update(id_, part, expression, condition, values)
                if "#version = :version" in expression:
                    with states(table).locked(STATE) as successor:
                        successor.write(noise(1_000_000))
                return done

        stalling = Stalling(dynamodb.client, table.name)
        with states(stalling, lease=0.3).locked(STATE) as former:
            former.write(noise(900_000))
            assert states(table).read(STATE) == noise(1_000_000)
            with pytest.raises(LostLockError):
                former.delete()
        assert states(table).read(STATE) == noise(1_000_000)

    def test_what_a_dead_writer_left_goes_with_the_next_write(
        self, table: Table, unheard: Table
    ) -> None:
        """Chunks that no version names do not pile up."""
        with states(unheard, lease=0.3).locked(STATE) as former:
            former.write(document())
            with states(table).locked(STATE) as successor:
                with pytest.raises(LostLockError):
                    former.write(noise(1_000_000))
                assert len(list(table.query(chunks_of(STATE)))) > 1
                successor.write(document())
        assert len(list(table.query(chunks_of(STATE)))) == 1

    def test_a_lock_that_a_person_removes_is_lost(self, table: Table) -> None:
        """So a run can be stopped from the console, and says why it stops."""
        with states(table).locked(STATE) as held:
            table.update(STATES, STATE, "REMOVE #lock_owner", "#id = :id", {"id": STATES})
            with pytest.raises(LostLockError, match="somebody has removed it"):
                held.write(document())

    def test_a_lock_that_cannot_be_given_back_is_no_failure(
        self, dynamodb: LocalDynamoDB, table: Table, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What was saved is saved; the next run waits for the lease."""

        class Gone(Table):
            def update(
                self, id_: str, part: str, expression: str, condition: str, values: Any
            ) -> Any:
                if expression.startswith("REMOVE"):
                    raise TableError("The network is gone.")
                return super().update(id_, part, expression, condition, values)

        with states(Gone(dynamodb.client, table.name), lease=0.2).locked(STATE) as held:
            held.write(document())
        assert "was not given back, so the next run waits 0.2 seconds" in caplog.text
        assert states(table).read(STATE) == document()

    def test_a_renewal_that_fails_once_is_tried_again(
        self, dynamodb: LocalDynamoDB, table: Table, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A short break of the network costs no lock."""

        class Broken(Unheard):
            breaks = 1

            def update(
                self, id_: str, part: str, expression: str, condition: str, values: Any
            ) -> Any:
                if self.breaks and "#lock_beat = :beat" in expression:
                    self.breaks -= 1
                    return super().update(id_, part, expression, condition, values)
                return Table.update(self, id_, part, expression, condition, values)

        with states(Broken(dynamodb.client, table.name), lease=2).locked(STATE) as held:
            time.sleep(1)
            with pytest.raises(StateHeldError), states(table, patience=1.5).locked(STATE):
                pytest.fail("held twice")
            held.write(document())
        assert "was not renewed, and will be tried again. The network is gone." in caplog.text

    def test_a_lost_answer_does_not_lock_the_asker_out(
        self, dynamodb: LocalDynamoDB, table: Table
    ) -> None:
        """boto3 sends the request again, and then the lock is taken already: by the asker itself."""

        class Repeating(Table):
            def update(
                self, id_: str, part: str, expression: str, condition: str, values: Any
            ) -> Any:
                super().update(id_, part, expression, condition, values)
                return super().update(id_, part, expression, condition, values)

        twice = Repeating(dynamodb.client, table.name)
        with states(twice).locked(STATE) as held:
            held.write(document())
        head = table.get(STATES, STATE)
        assert head is not None
        assert head["fence"] == 1  # taken once
        assert "lock_owner" not in head

    def test_a_holder_that_is_heard_of_at_the_last_moment_keeps_its_lock(
        self, dynamodb: LocalDynamoDB, table: Table, unheard: Table
    ) -> None:
        """A take-over depends on the very beat that was judged, also against another waiter."""

        class LastMoment(Table):
            def update(
                self, id_: str, part: str, expression: str, condition: str, values: Any
            ) -> Any:
                if ":seen" in condition:
                    beat = {"owner": values["seen"], "beat": values["beat"] + 1}
                    table.update(id_, part, "SET #lock_beat = :beat", OURS, beat)
                return super().update(id_, part, expression, condition, values)

        waiter = LastMoment(dynamodb.client, table.name)
        with states(unheard, lease=0.3).locked(STATE) as held:
            with pytest.raises(StateHeldError), states(waiter).locked(STATE):
                pytest.fail("held twice")
            held.write(document())


class TestRowsOfProjects:
    """What people see of each project, and what an edit does."""

    def test_each_project_has_a_row(self, table: Table) -> None:
        """With its date, its id, the run, and when it was saved."""
        with states(table).locked(STATE, run="r-1") as held:
            held.write(document(ABC="2026-01-02T03:04:05.678Z", XY="2026-02-02T03:04:05.678Z"))
        first, second = table.query(projects_of(STATE))
        saved = first.pop("saved_at")
        assert saved.startswith("20")
        assert first == {
            "id": "projects/dev:tap-to-target",
            "part": "ABC",
            "last_ingest_date": "2026-01-02T03:04:05.678Z",
            "last_saved": "2026-01-02T03:04:05.678Z",
            "project_id": "10000",
            "run": "r-1",
            "fence": 1,
        }
        assert second["part"] == "XY"

    def test_an_earlier_date_begins_there_again(self, table: Table) -> None:
        """Of that project alone, without the ids that would keep its issues from being read."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z", XY="2026-03-01T00:00:00.000Z"))
        edit(table, STATE, "ABC", "2026-01-31")
        found = states(table).read(STATE)
        assert dates(found) == {"ABC": "2026-01-31T00:00:00.000Z", "XY": "2026-03-01T00:00:00.000Z"}
        assert found is not None
        partitions = found["completed"]["singer_state"]["bookmarks"]["issues"]["partitions"]
        assert ["seen" in partition for partition in partitions] == [False, True]

    def test_an_edit_holds_for_one_run(self, table: Table) -> None:
        """The run that has read it writes the row over; before that it stays."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        edit(table, STATE, "ABC", "2026-01-31")
        with states(table).locked(STATE) as held:
            begun = held.read()
            assert begun is not None
            held.write(begun)
            held.write(document(ABC="2026-03-02T00:00:00.000Z"))
        assert dates(states(table).read(STATE)) == {"ABC": "2026-03-02T00:00:00.000Z"}
        (row,) = table.query(projects_of(STATE))
        assert row["last_ingest_date"] == row["last_saved"] == "2026-03-02T00:00:00.000Z"

    def test_a_run_that_dies_before_it_saves_loses_no_edit(self, table: Table) -> None:
        """To read changes nothing in the table."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        edit(table, STATE, "ABC", "2026-01-31")
        for _ in range(2):
            with states(table).locked(STATE) as held:
                assert dates(held.read()) == {"ABC": "2026-01-31T00:00:00.000Z"}

    def test_an_edit_during_a_run_is_the_next_ones(self, table: Table) -> None:
        """The run that does not know of it leaves it alone."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        with states(table).locked(STATE) as held:
            held.read()
            edit(table, STATE, "ABC", "2026-01-31T10:00:00+02:00")
            held.write(document(ABC="2026-03-05T00:00:00.000Z"))
            held.write(document(ABC="2026-03-06T00:00:00.000Z"))
        assert dates(states(table).read(STATE)) == {"ABC": "2026-01-31T08:00:00.000Z"}

    def test_an_edit_during_a_run_that_merges_states_is_the_next_ones(self, table: Table) -> None:
        """Meltano reads again before each merge; that takes no edit that the tap does not know of."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        with states(table).locked(STATE) as held:
            held.read()
            edit(table, STATE, "ABC", "2026-01-31")
            held.read()
            held.write(document(ABC="2026-03-05T00:00:00.000Z"))
        assert dates(states(table).read(STATE)) == {"ABC": "2026-01-31T00:00:00.000Z"}

    def test_a_later_date_is_ignored_and_said(
        self, table: Table, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It would skip what nobody has read; the next save puts the true date back."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        edit(table, STATE, "ABC", "2027-01-01")
        with states(table).locked(STATE) as held:
            begun = held.read()
            assert begun == document(ABC="2026-03-01T00:00:00.000Z")
            held.write(begun)
        assert "Project ABC was moved ahead to 2027-01-01" in caplog.text
        (row,) = table.query(projects_of(STATE))
        assert row["last_ingest_date"] == "2026-03-01T00:00:00.000Z"

    def test_a_row_that_is_removed_comes_back(self, table: Table) -> None:
        """It takes no bookmark with it: a row lost by mistake must not load a project again."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        table.delete(projects_of(STATE), "ABC")
        with states(table).locked(STATE) as held:
            begun = held.read()
            assert begun == document(ABC="2026-03-01T00:00:00.000Z")
            held.write(begun)
        assert len(list(table.query(projects_of(STATE)))) == 1

    def test_a_row_that_a_person_makes_begins_a_project(self, table: Table) -> None:
        """In the form of a bookmark that the tap takes over."""
        edit(table, STATE, "NEW", "2026-01-31")
        assert dates(states(table).read(STATE)) == {"NEW": "2026-01-31T00:00:00.000Z"}

    def test_a_date_that_is_none_is_refused(self, table: Table) -> None:
        """The person meant something; nothing is read until it is clear."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        edit(table, STATE, "ABC", "last week")
        with pytest.raises(ConfigurationError, match=r"'last week' as .* of project ABC"):
            states(table).read(STATE)

    def test_a_former_holder_writes_no_row(self, table: Table) -> None:
        """A row tells of the newest holder."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        with states(table).locked(STATE) as late:
            table.update(
                projects_of(STATE), "ABC", "SET #fence = :f", "attribute_exists(#id)", {"f": 7}
            )
            late.write(document(ABC="2026-02-01T00:00:00.000Z"))
        (row,) = table.query(projects_of(STATE))
        assert row["last_ingest_date"] == "2026-03-01T00:00:00.000Z"


class TestTheArticlesTable:
    """The table of the AWS article as it is: `project` and `last_ingest_date`."""

    def test_a_state_begins_at_its_dates(self, dynamodb: LocalDynamoDB, table: Table) -> None:
        """Less the hour by which that program rounds up past what it has read."""
        name = dynamodb.article_table(
            {"ABC": "2026-01-02 10:00", "XY": "2026-01-02T10:00:00.000+0000"}
        )
        begun = states(table, import_table=Table(dynamodb.client, name)).read(STATE)
        assert dates(begun) == {"ABC": "2026-01-02T09:00:00.000Z", "XY": "2026-01-02T09:00:00.000Z"}

    def test_a_state_that_is_there_does_not(self, dynamodb: LocalDynamoDB, table: Table) -> None:
        """The setting may stay after the first run."""
        save(table, document(ABC="2026-03-01T00:00:00.000Z"))
        articles = Table(dynamodb.client, dynamodb.article_table({"ABC": "2026-01-01"}))
        assert states(table, import_table=articles).read(STATE) == document(
            ABC="2026-03-01T00:00:00.000Z"
        )

    def test_another_table_is_refused(self, dynamodb: LocalDynamoDB, table: Table) -> None:
        """Nothing begins at a date that was guessed."""
        articles = Table(dynamodb.client, dynamodb.article_table({"ABC": 1735689600}))
        with pytest.raises(ConfigurationError, match="project ABC, which is no date"):
            states(table, import_table=articles).read(STATE)


class TestTheTable:
    """What a person reads when the table is not as it should be."""

    def test_one_that_is_not_there(self, dynamodb: LocalDynamoDB) -> None:
        """The error says how to make it."""
        missing = Table(dynamodb.client, "missing-table")
        with pytest.raises(ConfigurationError, match=r"'missing-table' .*create_table true"):
            states(missing).read(STATE)

    def test_one_with_other_keys(self, dynamodb: LocalDynamoDB) -> None:
        """The error says which it needs."""
        other = Table(dynamodb.client, dynamodb.article_table({}))
        with pytest.raises(ConfigurationError, match="partition key 'id' and the sort key 'part'"):
            states(other).read(STATE)

    def test_it_is_made_once_by_many(self, dynamodb: LocalDynamoDB) -> None:
        """Runs that begin together do not stumble over each other."""
        name = f"made-{uuid.uuid4().hex[:8]}"
        with ThreadPoolExecutor(4) as pool:
            for made in [pool.submit(Table(dynamodb.client, name).create) for _ in range(4)]:
                made.result()
        assert list(Table(dynamodb.client, name).scan()) == []

    def test_many_states_are_listed(self, table: Table) -> None:
        """In order, also beside locks and rows."""
        for number in (3, 1, 2):
            with states(table).locked(f"s{number}") as held:
                held.write(document(ABC="2026-03-01T00:00:00.000Z"))
        with states(table).locked("s9"):
            assert list(states(table).ids()) == ["s1", "s2", "s3"]

    def test_an_address_that_does_not_answer(self) -> None:
        """The error says so in one sentence."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        client = dynamodb_client(region=REGION, endpoint_url=address, **KEYS)
        with pytest.raises(TableError, match="AWS cannot be asked"):
            states(Table(client, "states")).read(STATE)
