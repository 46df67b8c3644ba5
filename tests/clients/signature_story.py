"""Signs requests with boto3 and spoils them. The endpoint, and credentials that are good, are in the environment."""

import datetime
import os
from unittest import mock

import boto3
from botocore.exceptions import ClientError


def refused(code, call, **parameters):
    """A call that must be refused with this code."""
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} did not come")


def client(**credentials):
    """A client that does not try again."""
    return boto3.client("ec2", config=boto3.session.Config(retries={"total_max_attempts": 1}), **credentials)


good = client()
assert good.describe_vpcs()["Vpcs"]
# Long forms and letters beyond ASCII are signed too.
name = "gr\u00fcn & blau" * 10
assert not good.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]

refused("SignatureDoesNotMatch", client(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x").describe_vpcs)
refused("AuthFailure", client(aws_access_key_id="AKIANOBODY", aws_secret_access_key="x").describe_vpcs)
keys = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"]}
refused("InvalidClientTokenId", client(aws_session_token="x", **keys).describe_vpcs)

# Changed after it was signed.
tampered = client()


def tamper(request, **_):
    request.body = request.body.replace("DescribeVpcs", "DescribeVpcz")


tampered.meta.events.register("before-send.ec2.DescribeVpcs", tamper)
refused("SignatureDoesNotMatch", tampered.describe_vpcs)

# Signed ten minutes ago, and kept.
old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)
with mock.patch("botocore.auth.get_current_datetime", return_value=old.replace(tzinfo=None)):
    refused("RequestExpired", client().describe_vpcs)
assert good.describe_vpcs()["Vpcs"], "a client is not shut out by what others did"

print("all checks passed")
