"""What a refusal by S3, or by STS on the way to it, means for the person who has to act. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus

from botocore import exceptions as boto

_ACTIONS = {
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
}
"""The right that an operation needs."""

_NAMED_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")
"""AWS's own words, where it says more than `Access Denied`."""


def reason(error: Exception, *, bucket: str, endpoint: str, asked: frozenset[str]) -> str:
    """Return one sentence on what happened and what to do next.

    `asked` holds the attributes (`ACL`, `Tagging`, `SSEKMSKeyId`) that went with the object: each
    needs a right of its own.
    """
    if isinstance(error, boto.ClientError):
        text = _client_reason(error, asked)
    else:
        text = next((text for kind, text in _BY_CLASS if isinstance(error, kind)), str(error))
    return text.replace("{bucket}", repr(bucket)).replace("{endpoint}", endpoint)


def status(error: boto.ClientError) -> int:
    """Return the HTTP status of an answer, 0 if there is none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def code(error: boto.ClientError) -> str:
    """Return S3's word for what went wrong, such as `NoSuchBucket`."""
    return error.response.get("Error", {}).get("Code", "")


def _client_reason(error: boto.ClientError, asked: frozenset[str]) -> str:
    known = _BY_CODE.get(code(error))
    if known is None and status(error) == HTTPStatus.MOVED_PERMANENTLY:
        known = _WRONG_REGION
    if known == _WRONG_REGION:
        return _wrong_region(error)
    if known is not None:
        return known
    said = error.response.get("Error", {}).get("Message", "no reason given")
    if status(error) == HTTPStatus.FORBIDDEN:
        return _denied(error, said, asked)
    service = "STS" if error.operation_name.startswith("AssumeRole") else "S3"
    return f"{service} answered {code(error)}: {said}"


def _wrong_region(error: boto.ClientError) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region")
    if region:
        return f"bucket {{bucket}} is in region {region}, not where {{endpoint}} is; set region to {region}."
    return _WRONG_REGION


def _denied(error: boto.ClientError, said: str, asked: frozenset[str]) -> str:
    if error.operation_name.startswith("AssumeRole"):
        return (
            f"the role of role_arn may not be assumed. The identity needs {_ACTIONS[error.operation_name]} on it, "
            "and the role's trust policy must name that identity (and external_id, if it asks for one)."
        )
    if named := _NAMED_ACTION.search(said):
        return f"access denied. The identity lacks {named[1]}; its policy, the bucket's or the key's must allow it."
    action = _ACTIONS.get(error.operation_name, error.operation_name)
    further = [right for name, right in _FURTHER_RIGHTS if name in asked]
    also = (
        f"For the attributes that the settings ask for it also needs {' and '.join(further)}."
        if further
        else "If the bucket encrypts with a KMS key of its own, kms:GenerateDataKey on that key is needed, too."
    )
    return f"access denied. The identity needs {action} on this key. {also}"


_FURTHER_RIGHTS = (
    ("ACL", "s3:PutObjectAcl"),
    ("Tagging", "s3:PutObjectTagging"),
    ("SSEKMSKeyId", "kms:GenerateDataKey (for large objects kms:Decrypt, too)"),
)
_WRONG_REGION = "bucket {bucket} is in another region than {endpoint}; set region."
_EXPIRED = "the AWS credentials have expired; sign in again, renew aws_session_token, or let role_arn renew them."
_UNKNOWN_KEY = "S3 does not accept the access key; check aws_access_key_id and aws_secret_access_key, and endpoint_url."
_NO_KMS_KEY = "KMS cannot use the key of kms_key_id; check that it exists in the bucket's region and is enabled."
_BY_CODE = {
    "NoSuchBucket": "there is no bucket {bucket} at {endpoint}; create it, or correct destination.",
    "PermanentRedirect": _WRONG_REGION,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "IllegalLocationConstraintException": _WRONG_REGION,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": "STS does not accept the access key that is to assume role_arn; check it, and AWS_ENDPOINT_URL_STS if that is set.",
    "InvalidToken": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _UNKNOWN_KEY,
    "RequestTimeTooSkewed": "the clock of this machine is wrong; S3 refuses requests more than 15 minutes off.",
    "KeyTooLongError": "the key is longer than 1024 bytes; shorten path_template, the prefix or the stream's name.",
    "BadDigest": "the bytes changed on the way (checksum mismatch).",
    "KMS.NotFoundException": _NO_KMS_KEY,
    "KMS.DisabledException": _NO_KMS_KEY,
    "AccessControlListNotSupported": "the bucket does not take ACLs (its objects belong to its owner); remove acl.",
    "InvalidTag": "the store does not take these tags; it allows letters, digits, spaces and _ . : / = + - @ in them.",
    "NotImplemented": "the store cannot do something that was asked of it; set checksum to none, and remove those of sse, acl, storage_class and tags that it lacks.",
    "InvalidStorageClass": "the store does not know this storage_class; correct or remove it.",
}
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (
        boto.NoCredentialsError,
        "no AWS credentials found; set aws_access_key_id, profile, or the environment that boto3 reads.",
    ),
    (
        boto.PartialCredentialsError,
        "the AWS credentials are incomplete; an access key needs its secret.",
    ),
    (boto.TokenRetrievalError, _EXPIRED),
    (
        RuntimeError,
        "AWS gives only credentials that are over already; set this machine's clock, or look at what issues them.",
    ),
    (boto.SSLError, "{endpoint} shows a certificate that is not trusted; set ca_bundle."),
    (boto.ProxyConnectionError, "the proxy does not answer; check proxy_url and HTTPS_PROXY."),
    (
        boto.ConnectTimeoutError,
        "{endpoint} cannot be reached (time out); check endpoint_url and the network.",
    ),
    (
        boto.EndpointConnectionError,
        "{endpoint} cannot be reached; check endpoint_url and the network.",
    ),
    (boto.ReadTimeoutError, "{endpoint} does not answer."),
    (boto.ConnectionClosedError, "{endpoint} closed the connection."),
)
