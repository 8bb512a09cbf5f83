"""How each command of the documents is proved: run here, or by another test."""

from __future__ import annotations

from typing import NamedTuple


class By(NamedTuple):
    """Another file runs it: a test, whose name and whose text this is, or what CI runs."""

    test: str
    text: str


RUN: dict[str, tuple[str, ...]] = {
    "a clone": (
        "git clone REPOSITORY jira-to-s3 && cd jira-to-s3",
        'export PATH="$PWD/.venv/bin:$PATH"',
        "./dev demo",
        '.venv/bin/python -c "import duckdb; duckdb.sql(',
        "./dev demo --s3",
        "./dev demo --recorded DIR",
        "./dev bench",
        "sed -i 's/if place == 0:/if True:/' target-s3-jsonl/target_s3_jsonl/ledger.py",
        "./dev test tests/target/test_ledger.py -x -q",
        "git checkout target-s3-jsonl/target_s3_jsonl/ledger.py",
        "./dev test tests/target/test_ledger.py",
        ".venv/bin/uv build --no-build-isolation --out-dir dist tap-jira-oauth",
        ".venv/bin/uv build --no-build-isolation --out-dir dist target-s3-jsonl",
        ".venv/bin/uv build --no-build-isolation --out-dir dist state-backend-dynamodb",
        ".venv/bin/uv publish dist/*",
    ),
    "a project": (
        "meltano invoke tap-jira-oauth:keygen",
        "meltano run tap-jira-oauth target-s3-jsonl",
        "meltano schedule list",
        "meltano invoke tap-jira-oauth:check",
        "meltano invoke target-s3-jsonl:ddl --for duckdb",
        "meltano select tap-jira-oauth issues '*'",
        "0 * * * * cd /srv/jira-to-s3 && umask 077 && .venv/bin/meltano --environment=prod run jira-to-s3",
        "meltano --environment=prod state list",
        "meltano --environment=prod state get prod:tap-jira-oauth-to-target-s3-jsonl > state.json",
        "meltano --environment=prod state clear --force prod:tap-jira-oauth-to-target-s3-jsonl",
        "meltano --environment=prod state set --force prod:tap-jira-oauth-to-target-s3-jsonl --input-file state.json",
        "meltano state edit prod:tap-jira-oauth-to-target-s3-jsonl",
        "meltano --environment=prod run --refresh-catalog tap-jira-oauth target-s3-jsonl",
        "meltano --environment=prod run --full-refresh tap-jira-oauth target-s3-jsonl",
    ),
    "a folder": (
        'echo \'{"api_url": "https://jira.example.com/jira"',
        'echo \'{"destination": "s3://my-lake/jira"}\' > target.json',
        "jira-oauth check --config tap.json",
        "jira-oauth check --config config.json",
        "tap-jira-oauth --config config.json --state state.json",
        "echo '{}' > state.jsonl",
        "tap-jira-oauth --config tap.json | target-s3-jsonl --config target.json >> state.jsonl",
        "flock --nonblock jira.lock bash -o pipefail -c 'tail -n 1 state.jsonl > last.json && tap-jira-oauth --config tap.json --state last.json | target-s3-jsonl --config target.json >> state.jsonl'",
        "target-s3-jsonl ddl --for athena --config target.json",
        "target-s3-jsonl verify --config target.json",
        'echo \'{"destination": "s3://lake/jira", "region": "eu-central-1"}\' > config.json',
        "tap-jira-oauth --config tap.json | target-s3-jsonl --config config.json > state.jsonl",
        "target-s3-jsonl ddl --for duckdb --config config.json > lake.sql",
        "target-s3-jsonl verify --config config.json",
        "target-s3-jsonl --config config.json --explain-path < messages",
        "jira-oauth keygen",
    ),
    "a table": (
        "aws dynamodb create-table --table-name meltano-state --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=id,AttributeType=S AttributeName=part,AttributeType=S --key-schema AttributeName=id,KeyType=HASH AttributeName=part,KeyType=RANGE",
        'aws dynamodb update-item --table-name meltano-state --key \'{"id": {"S": "projects/prod:tap-jira-oauth-to-target-s3-jsonl"}, "part": {"S": "ABC"}}\'',
        "aws s3 rb s3://my-code --force",
        "aws ssm delete-parameters",
    ),
}
"""By the scene in which it is run, in the order of running; a beginning stands for a long command."""

FAILS = {"./dev test tests/target/test_ledger.py -x -q": 1}
"""The status of those that are to fail."""

SAYS = {"./dev demo --recorded DIR": "A sandbox Jira with 20 issues from "}
"""What some of them have to say."""

SMALL = "tests/docs/test_compare.py::test_a_measurement_runs"
LOGIN = "tests/tap/test_login.py::test_after_the_login_the_tap_needs_only_its_file"
STATE = "tests/state/test_meltano.py::"
FIVE = "tests/orchestrate/test_five_minutes.py::test_airflow_reads_all_of_jira_within_five_minutes"
AIRFLOW = "tests/orchestrate/test_dag.py::test_airflow_takes_the_commands_of_the_page"
SHARD = (
    "tests/orchestrate/test_shard.py::test_a_shard_that_is_stopped_goes_on_and_reads_nothing_twice"
)
STACK = "tests/deploy/test_stack.py::test_a_load_is_cut_continued_killed_and_kept_up"
WHEELS = "tests/packages/test_wheels.py::test_each_package_installs_alone_and_runs"
SERVES = "tests/sandbox/test_command.py::test_the_command_serves_until_it_is_told_to_stop"

ELSEWHERE: dict[str, By] = {
    "./dev test": By(".ci/run", "./dev test"),
    "./dev test -k window": By(".ci/run", "./dev test"),
    "./dev test tests/tap/test_reference_streams.py tests/tap/test_standard.py": By(
        ".ci/run", "./dev test"
    ),
    "./dev test --lowest": By(".ci/run", "./dev test --lowest"),
    "./dev lint": By(".ci/run", "./dev lint"),
    "./dev bench compare": By(
        "tests/docs/test_compare.py::test_the_command_finds_what_the_page_says", '"compare"'
    ),
    "./dev bench compare --write": By(
        "tests/docs/test_compare.py::test_the_tables_are_put_into_the_page", '"--write"'
    ),
    "./dev bench all_streams": By(SMALL, '"./dev bench all_streams"'),
    "./dev bench census_state": By(SMALL, '"./dev bench census_state"'),
    "./dev bench compression_speed": By(SMALL, '"./dev bench compression_speed"'),
    "./dev bench pair_speed --peers": By(SMALL, '"./dev bench pair_speed --peers"'),
    "./dev bench tap_speed --rounds 2 --peer": By(
        SMALL, '"./dev bench tap_speed --rounds 2 --peer"'
    ),
    "./dev bench target_speed --peers": By(SMALL, '"./dev bench target_speed --peers"'),
    "PYTHONPATH=tests .venv/bin/python -m plots": By(
        "tests/pair/test_answers.py::test_a_plot_shows_its_answer", "drawn"
    ),
    "./dev docs": By(
        "tests/test_repository.py::test_settings_in_documents_are_the_plugins_own", "rendered"
    ),
    "./dev lock": By("tests/test_lock.py::test_a_lock_that_lacks_most_is_made_whole", '"lock"'),
    "./dev sandbox": By(SERVES, '"sandbox"'),
    "./dev sandbox --port 8090": By(FIVE, '"./dev sandbox --port 8090"'),
    "./dev sandbox --port 8090 --issues 6000 --projects 24": By(SERVES, '"--projects"'),
    "./dev sandbox --port 8080 --issues 250 --keys sandbox-keys": By(SERVES, '"--issues"'),
    "python -m sandbox --user": By(
        "tests/sandbox/test_users.py::test_users_come_from_the_command_line", '"--user"'
    ),
    'curl -d \'{"name": "bob"': By(
        "tests/sandbox/test_users.py::test_users_of_other_zones_and_projects_come_by_control",
        '"users"',
    ),
    "sudo apt-get install -y": By(
        "tests/docs/test_commands.py::test_ci_installs_what_the_pages_say", "apt-get install"
    ),
    "python3 -m venv": By(".ci/run", "./dev lint"),
    "python3 -m venv .venv-airflow": By(FIVE, '"airflow standalone"'),
    "pip install ./tap-jira-oauth ./target-s3-jsonl": By(WHEELS, '"pip", "install"'),
    "pip install ./tap-jira-oauth": By(WHEELS, '"pip", "install"'),
    "pip install ./target-s3-jsonl": By(WHEELS, '"pip", "install"'),
    "pip install ./state-backend-dynamodb": By(WHEELS, '"pip", "install"'),
    "pip install './tap-jira-oauth[aws]'": By(
        "tests/packages/test_wheels.py::test_the_extra_brings_what_aws_needs", "[aws]"
    ),
    "jira-oauth split --config config.json --project ABC --parts 4": By(
        "tests/tap/test_first_load.py::test_parts_that_run_beside_each_other_and_the_runs_after_them_lose_nothing",
        '"--parts", "4"',
    ),
    "./dev bench long_soak --minutes 120": By(SMALL, '"./dev bench long_soak --minutes 120"'),
    "./dev bench shard_speed": By(SMALL, '"./dev bench shard_speed --issues 50000"'),
    "./dev bench shard_speed --issues 50000": By(SMALL, '"./dev bench shard_speed --issues 50000"'),
    "pip install 'apache-airflow": By(FIVE, '"airflow standalone"'),
    'export PATH="$PWD/.venv-airflow': By(FIVE, '"airflow standalone"'),
    "airflow dags unpause": By(AIRFLOW, 'startswith("airflow ")'),
    "airflow dags trigger": By(AIRFLOW, 'startswith("airflow ")'),
    "export TAP_JIRA_OAUTH_API_URL=http://127.0.0.1:8090/jira": By(FIVE, '"airflow standalone"'),
    "airflow standalone": By(FIVE, '"airflow standalone"'),
    "airflow pools set": By(AIRFLOW, 'startswith("airflow ")'),
    "airflow dags pause": By(AIRFLOW, 'startswith("airflow ")'),
    "export AIRFLOW_HOME=": By(FIVE, '"airflow standalone"'),
    "export AIRFLOW__CORE__PARALLELISM=4": By(FIVE, '"airflow standalone"'),
    "export SHARDS=2": By(FIVE, '"airflow standalone"'),
    ".venv/bin/python orchestrate/dags/shard.py 1/8": By(SHARD, "shard.py"),
    "cat shard-*.log | .venv/bin/python orchestrate/dags/run_manifest.py": By(
        SHARD, "run_manifest.py"
    ),
    'curl -d \'{"path_prefix"': By(
        "tests/sandbox/test_faults.py::test_faults_come_after_so_many_requests",
        '"/_sandbox/fault"',
    ),
    "export SHARDS=6": By(FIVE, '"export SHARDS=6"'),
    "kill -9 $(ps -o ppid=": By(
        "tests/orchestrate/test_stopping.py::test_a_shard_whose_starter_is_killed_stops_in_good_order",
        "parent.kill()",
    ),
    "TARGET_S3_JSONL_DESTINATION=single meltano run": By(
        "tests/hub/test_hub.py::test_both_are_added_to_a_new_project_and_run",
        "TARGET_S3_JSONL_DESTINATION",
    ),
    "dagster job execute": By(
        "tests/orchestrate/test_dagster.py::test_dagster_runs_a_shard", '"dagster job execute"'
    ),
    "kubectl logs": By(
        "tests/orchestrate/test_kubectl.py::test_the_reports_of_all_pods_make_the_object_at_the_end",
        '"kubectl logs"',
    ),
    ".venv/bin/python orchestrate/dags/reshard.py": By(
        "tests/orchestrate/test_reshard.py::test_the_command_is_a_filter", "reshard.py"
    ),
    "jira-oauth login --api-url https://jira.example.com/jira": By(LOGIN, "login_by_code"),
    "jira-oauth login --api-url ...": By(LOGIN, "login_by_code"),
    "jira-oauth login --no-browser": By(LOGIN, "login_by_code"),
    "jira-oauth login --config": By(
        "tests/tap/test_login.py::test_the_settings_may_come_from_the_taps_config_and_variables",
        '"--config"',
    ),
    "meltano invoke tap-jira-oauth:login": By(
        "tests/test_repository.py::test_meltano_has_every_command_beside_the_tap", "commands"
    ),
    "meltano add --plugin-type extractor tap-jira-oauth --from-ref": By(
        "tests/hub/test_hub.py::test_both_are_added_to_a_new_project_and_run", '"--from-ref"'
    ),
    "meltano add --from-ref": By(
        "tests/hub/test_hub.py::test_both_are_added_to_a_new_project_and_run", '"--from-ref"'
    ),
    "meltano state list|get|set|clear|merge|copy|move|export|import": By(
        STATE + "test_set_get_list_copy_merge_move_and_clear", '"state", "copy"'
    ),
    "meltano state export > old.json": By(STATE + "test_export_and_import", '"state", "export"'),
    "meltano state import new.json": By(STATE + "test_export_and_import", '"state", "import"'),
    "meltano state export": By(STATE + "test_export_and_import", '"state", "export"'),
    "meltano state import": By(STATE + "test_export_and_import", '"state", "import"'),
    "meltano state get lambda": By(
        STATE + "test_set_get_list_copy_merge_move_and_clear", '"state", "get"'
    ),
    "kill -9": By(
        "tests/pair/test_pair.py::test_a_pair_that_was_killed_and_started_again_has_everything",
        "kill",
    ),
    "aws cloudformation delete-stack": By(STACK, "delete_stack"),
}
"""By the command or its beginning."""

FOLLOWED = {"deploy/README.md": By(STACK, "_commands(1, 4)")}
"""Pages whose numbered steps a test follows as they stand; what else is on them is above."""
