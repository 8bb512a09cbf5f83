"""S3 as people have it: identities that renew themselves, rights that lack, attributes, proxies, authorities."""

from __future__ import annotations

import json
import re
import secrets
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from local_aws import REGION, LocalAWS, local_aws
from target.command import lines_of, record, run, s3_config, schema, state
from target.objects import PATH, sealed_object
from target.proxy import Proxy, ScriptedS3
from target_s3_jsonl import refusal
from target_s3_jsonl.aws import s3_client
from target_s3_jsonl.errors import ConfigurationError, StoreError
from target_s3_jsonl.s3 import S3Store
from target_s3_jsonl.settings import Settings
from tls import make_certificate, tls_front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_s3 import LocalS3

_ROLE = "arn:aws:iam::123456789012:role/lake-writer"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    """AWS without policies."""
    with local_aws(tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.fixture
def lake(aws: LocalAWS) -> str:
    """Make an empty bucket."""
    name = f"lake-{secrets.token_hex(6)}"
    with closing(aws.client("s3")) as client:
        client.create_bucket(Bucket=name)
    return name


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


def _settings(server: LocalAWS, bucket: str, **more: object) -> Settings:
    return Settings.from_config(
        {
            "destination": f"s3://{bucket}/jira",
            "endpoint_url": server.url,
            "region": REGION,
            "addressing_style": "path",
            **more,
        }
    )


def _with_key(server: LocalAWS, bucket: str, **more: object) -> Settings:
    return _settings(server, bucket, aws_access_key_id="anybody", aws_secret_access_key="x", **more)


def _store(settings: Settings, clock: Any = None) -> tuple[S3Store, list[str]]:
    """Return a store, and a list that grows by the access key of each request that it sends."""
    client = s3_client(settings, "1.2.3", clock=clock)
    keys: list[str] = []

    def note(request: Any, **_: object) -> None:
        authorization = request.headers["Authorization"]
        text = authorization.decode() if isinstance(authorization, bytes) else authorization
        keys.extend(re.findall("Credential=([^/]+)/", text))

    client.meta.events.register("before-send.s3", note)
    return S3Store(client, settings, version="1.2.3"), keys


def test_a_role_is_assumed_and_renewed_before_it_expires(
    aws: LocalAWS, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is longer than the role's session goes on with new keys, and never with the source's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    now = [datetime.now(timezone.utc)]
    # botocore keeps what STS answered, and looks at its own clock for how long.
    monkeypatch.setattr("botocore.credentials._local_now", lambda: now[0])
    settings = _with_key(aws, lake, role_arn=_ROLE, external_id="of-the-lake")
    store, keys = _store(settings, clock=lambda: now[0])
    store.put(PATH, sealed_object(b"1\n"))
    store.put(f"2-{PATH}", sealed_object(b"2\n"))
    now[0] += timedelta(minutes=55)  # of the hour that a session lasts; STS itself has a real clock
    store.put(f"3-{PATH}", sealed_object(b"3\n"))
    first, second, third = keys
    assert first == second
    assert first != third
    assert "anybody" not in keys


def test_credentials_that_come_expired_are_an_error(
    aws: LocalAWS, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In mid-run, on a machine whose clock is hours ahead of the one of STS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    now = [datetime.now(timezone.utc)]
    monkeypatch.setattr("botocore.credentials._local_now", lambda: now[0])
    store, _ = _store(_with_key(aws, lake, role_arn=_ROLE), clock=lambda: now[0])
    store.put(PATH, sealed_object(b"1\n"))
    now[0] += timedelta(hours=3)
    with pytest.raises(StoreError, match="credentials that are over already"):
        store.put(f"2-{PATH}", sealed_object(b"2\n"))


def test_a_role_is_asked_for_by_name_and_external_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """STS hears the external id, which the trust policy compares, and a session name that CloudTrail shows."""
    with ScriptedS3(("POST", 403, "AccessDenied")) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        settings = Settings.from_config(
            {
                "destination": "s3://lake",
                "endpoint_url": server.url,
                "region": REGION,
                "aws_access_key_id": "a",
                "aws_secret_access_key": "b",
                "role_arn": _ROLE,
                "external_id": "of-the-lake",
            }
        )
        with pytest.raises(StoreError, match=r"sts:AssumeRole on it.*external_id"):
            _store(settings)[0].put(PATH, sealed_object())
    (body,) = server.bodies
    assert b"ExternalId=of-the-lake" in body
    assert b"RoleSessionName=target-s3-jsonl" in body


def test_a_profile_is_used_with_the_role_that_it_names(
    aws: LocalAWS, lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What AWS's own files say about a profile holds here as in the AWS command line."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    (tmp_path / "aws_config_file").write_text(
        f"[profile base]\naws_access_key_id = base\naws_secret_access_key = x\n"
        f"[profile lake]\nrole_arn = {_ROLE}\nsource_profile = base\n"
    )
    plain, plain_keys = _store(_settings(aws, lake, profile="base"))
    plain.put(PATH, sealed_object())
    assert set(plain_keys) == {"base"}
    role, role_keys = _store(_settings(aws, lake, profile="lake"))
    role.put(f"2-{PATH}", sealed_object())
    assert len(role_keys) == 1
    assert "base" not in role_keys
    with pytest.raises(ConfigurationError, match="absent"):
        s3_client(_settings(aws, lake, profile="absent"), "1")


def test_a_web_identity_is_a_link_of_the_chain(
    aws: LocalAWS, lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a Kubernetes pod: a token file and a role in the environment, and no key anywhere."""
    token = tmp_path / "token"
    token.write_text("a.b.c")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", _ROLE)
    store, keys = _store(_settings(aws, lake))
    assert store.put(PATH, sealed_object())
    assert len(keys) == 1


def test_without_credentials_a_role_cannot_be_assumed(aws: LocalAWS) -> None:
    """The error comes at start, and says that there are none."""
    with pytest.raises(ConfigurationError, match="credentials"):
        s3_client(_settings(aws, "lake", role_arn=_ROLE), "1")


def test_an_object_has_the_attributes_that_are_asked_for(aws: LocalAWS, lake: str) -> None:
    """Encryption, class, tags and rights arrive as AWS knows them."""
    settings = _with_key(
        aws,
        lake,
        sse="aws:kms",
        kms_key_id="arn:aws:kms:us-east-1:123456789012:key/1",
        storage_class="STANDARD_IA",
        tags={"team": "data = lake", "cost": "7"},
        acl="bucket-owner-full-control",
    )
    assert _store(settings)[0].put(PATH, sealed_object())
    with closing(aws.client("s3")) as client:
        where = {"Bucket": lake, "Key": f"jira/{PATH}"}
        found = client.head_object(**where)
        tags = client.get_object_tagging(**where)["TagSet"]
        grants = client.get_object_acl(**where)["Grants"]
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"].endswith("key/1")
    assert found["StorageClass"] == "STANDARD_IA"
    assert {each["Key"]: each["Value"] for each in tags} == {"team": "data = lake", "cost": "7"}
    assert [each["Permission"] for each in grants] == ["FULL_CONTROL"]


def test_encryption_that_a_store_ignores_is_an_error() -> None:
    """Some stores answer 200 to `sse` and store plain text; the answer tells."""
    settings = Settings(
        destination="s3://lake",
        endpoint_url="",
        region=REGION,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        sse="AES256",
    )
    with ScriptedS3(("PUT", 200, "")) as server:
        settings = Settings(**{**vars(settings), "endpoint_url": server.url})
        with pytest.raises(StoreError, match="not encrypted, where sse asks for AES256"):
            _store(settings)[0].put(PATH, sealed_object())


@pytest.mark.parametrize("mode", ["sha256", "crc32", "none"])
def test_every_checksum_mode_stores_on_a_server_that_verifies(
    local_s3: LocalS3, bucket: str, mode: str
) -> None:
    """A wrong CRC-32 is refused like a wrong SHA-256, so nothing damaged is stored under either."""
    settings = Settings.from_config(s3_config(local_s3, bucket, checksum=mode))
    assert _store(settings)[0].put(PATH, sealed_object())
    with closing(local_s3.client()) as client:
        found = client.head_object(Bucket=bucket, Key=f"jira/{PATH}", ChecksumMode="ENABLED")
    assert [name for name in ("ChecksumSHA256", "ChecksumCRC32") if name in found] == {
        "sha256": ["ChecksumSHA256"],
        "crc32": ["ChecksumCRC32"],
        "none": [],
    }[mode]


def _allow(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_right_that_is_lacking_is_named(tmp_path: Path) -> None:
    """IAM refuses an identity; the error names the action to allow, for the object and for the role."""
    with local_aws(tmp_path, free_calls=6) as server:
        with closing(server.client("s3")) as client:
            client.create_bucket(Bucket="lake")
        with closing(server.client("iam")) as iam:
            iam.create_role(RoleName="lake-writer", AssumeRolePolicyDocument=_allow("*"))
            iam.create_user(UserName="reader")
            iam.put_user_policy(
                UserName="reader", PolicyName="read", PolicyDocument=_allow("s3:GetObject")
            )
            made = iam.create_access_key(UserName="reader")["AccessKey"]
            iam.get_user(UserName="reader")
        key = {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
        }
        with pytest.raises(StoreError, match="needs s3:PutObject on this key"):
            _store(_settings(server, "lake", **key))[0].put(PATH, sealed_object())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_STS", server.url)
            with pytest.raises(StoreError, match="sts:AssumeRole"):
                _store(_settings(server, "lake", **key, role_arn=_ROLE))[0].put(
                    PATH, sealed_object()
                )


@pytest.mark.parametrize(
    ("more", "rights"),
    [
        ({"acl": "private"}, "s3:PutObjectAcl"),
        ({"tags": {"a": "b"}}, "s3:PutObjectTagging"),
        ({"sse": "aws:kms", "kms_key_id": "k"}, "kms:GenerateDataKey"),
    ],
)
def test_a_bare_refusal_names_the_rights_that_the_settings_need(
    more: dict[str, Any], rights: str
) -> None:
    """Stores that say no more than Access Denied: every right that could lack is named."""
    with ScriptedS3(("PUT", 403, "AccessDenied")) as server:
        settings = Settings.from_config(
            {
                "destination": "s3://lake",
                "endpoint_url": server.url,
                "region": REGION,
                "aws_access_key_id": "a",
                "aws_secret_access_key": "b",
                **more,
            }
        )
        with pytest.raises(StoreError, match="s3:PutObject on this key") as caught:
            _store(settings)[0].put(PATH, sealed_object())
    assert rights in str(caught.value)


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_one_variable_is_enough_of_a_region(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda and Fargate set AWS_REGION; boto3 alone reads the other one."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "eu-north-1")
    settings = Settings.from_config({"destination": "s3://lake"})
    with closing(s3_client(settings, "0")) as client:
        assert client.meta.region_name == "eu-north-1"


def test_a_bucket_in_another_region_is_named_with_its_region() -> None:
    """S3 says in a header where the bucket is."""
    moved = ("PUT", 301, "PermanentRedirect")
    with ScriptedS3(*[moved] * 9, headers={"x-amz-bucket-region": "eu-north-1"}) as server:
        settings = Settings(
            destination="s3://lake",
            endpoint_url=server.url,
            region=REGION,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        with pytest.raises(StoreError, match="set region to eu-north-1"):
            _store(settings)[0].put(PATH, sealed_object())


def test_the_action_that_aws_itself_names_is_passed_on() -> None:
    """With a key policy or a bucket policy it is another one than the operation's own."""
    said = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: kms:GenerateDataKey on resource: y"
    error = ClientError(
        {
            "Error": {"Code": "AccessDenied", "Message": said},
            "ResponseMetadata": {"HTTPStatusCode": 403},  # type: ignore[typeddict-item]  # as much as is read
        },
        "PutObject",
    )
    assert "lacks kms:GenerateDataKey" in refusal.reason(
        error, bucket="b", endpoint="e", asked=frozenset()
    )


@pytest.mark.parametrize(
    ("style", "place"),
    [
        ("virtual", "http://lake.s3.example.com/jira/x"),
        ("path", "http://s3.example.com/lake/jira/x"),
    ],
)
def test_requests_go_where_and_are_signed_as_the_settings_say(style: str, place: str) -> None:
    """The bucket in the host's name or in the path; the region and the session token belong to the signature."""
    settings = Settings.from_config(
        {
            "destination": "s3://lake/jira",
            "endpoint_url": "http://s3.example.com",
            "region": "eu-south-2",
            "addressing_style": style,
            "aws_access_key_id": "a-key",
            "aws_secret_access_key": "b",
            "aws_session_token": "a-token",
        }
    )
    with closing(s3_client(settings, "1")) as client:
        url = client.generate_presigned_url(
            "put_object", Params={"Bucket": "lake", "Key": "jira/x"}, ExpiresIn=60
        )
    asked = parse_qs(urlsplit(url).query)
    assert url.partition("?")[0] == place
    assert asked["X-Amz-Credential"][0].split("/")[::2] == ["a-key", "eu-south-2", "aws4_request"]
    assert asked["X-Amz-Security-Token"] == ["a-token"]


def test_a_missing_bucket_is_named(aws: LocalAWS) -> None:
    """Nothing is created by the way."""
    with pytest.raises(StoreError, match=r"no bucket 'absent'.*create it, or correct destination"):
        _store(_with_key(aws, "absent"))[0].put(PATH, sealed_object())


def test_a_private_authority_and_a_proxy(tmp_path: Path, local_s3: LocalS3, bucket: str) -> None:
    """A store behind a certificate of one's own, and one that only a proxy reaches."""
    certificate = make_certificate(tmp_path)
    with tls_front(certificate, local_s3.port) as port:
        secure = s3_config(local_s3, bucket, endpoint_url=f"https://127.0.0.1:{port}")
        code, _, log = run(tmp_path, secure, [schema(), record(1), state(1)])
        assert code == 1
        assert "not trusted; set ca_bundle" in log
        trusting = {**secure, "ca_bundle": str(certificate)}
        code, states, log = run(tmp_path, trusting, [schema(), record(1), state(1)])
        assert (code, len(states)) == (0, 1), log
        careless = {**secure, "verify_ssl": False}
        code, states, log = run(tmp_path, careless, [schema(), record(3), state(3)])
        assert (code, len(states)) == (0, 1), log
    with Proxy(local_s3.port) as proxy:
        unreachable = s3_config(
            local_s3, bucket, endpoint_url="http://s3.invalid:1", proxy_url=proxy.url
        )
        code, states, log = run(tmp_path, unreachable, [schema(), record(2), state(2)])
        assert (code, len(states)) == (0, 1), log
        assert proxy.asked.is_set()
    assert len(lines_of(local_s3.objects(bucket))) == 3


def test_proxy_and_authorities_hold_for_the_sts_of_a_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reaches S3 only by them reaches STS only by them, too."""
    certificate = make_certificate(tmp_path)
    given = {
        "destination": "s3://lake",
        "region": "us-east-1",
        "role_arn": _ROLE,
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
    }
    refused = ("POST", 403, "AccessDenied")
    with ScriptedS3(refused) as sts, tls_front(certificate, _port(sts)) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://127.0.0.1:{port}")
        settings = Settings.from_config({**given, "ca_bundle": str(certificate)})
        with pytest.raises(StoreError, match="may not be assumed"):
            _store(settings)[0].put(PATH, sealed_object())
    with ScriptedS3(refused) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.invalid")
        settings = Settings.from_config({**given, "proxy_url": proxy.url})
        with pytest.raises(StoreError, match="may not be assumed"):
            _store(settings)[0].put(PATH, sealed_object())
        assert proxy.requests == [("POST", "http://sts.invalid/", False)]


def _port(server: ScriptedS3) -> int:
    return int(server.url.rpartition(":")[2])
