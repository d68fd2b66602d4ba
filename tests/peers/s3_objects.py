"""Puts objects into a bucket of an S3 server. Prints the ETag of each, and the id of the first version of the first.

Usage: s3_objects.py URL BUCKET
"""

import json
import sys

import boto3

url, bucket = sys.argv[1:]
client = boto3.client("s3", endpoint_url=url, region_name="eu-west-1", aws_access_key_id="ada", aws_secret_access_key="s3cret")
client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
first = client.put_object(Bucket=bucket, Key="raw data/train+é.csv", Body=b"a,b\n1,2\n")
second = client.put_object(Bucket=bucket, Key="raw data/train+é.csv", Body=b"a,b\n3,4\n")
upload = client.create_multipart_upload(Bucket=bucket, Key="/large.bin")
where = {"Bucket": bucket, "Key": "/large.bin", "UploadId": upload["UploadId"]}
parts = [
    {"PartNumber": number, "ETag": client.upload_part(**where, PartNumber=number, Body=body)["ETag"]}
    for number, body in [(1, b"x" * (5 << 20)), (2, b"y")]
]
large = client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
print(json.dumps({
    "first": first["ETag"].strip('"'),
    "version": first["VersionId"],
    "second": second["ETag"].strip('"'),
    "large": large["ETag"].strip('"'),
}))
