"""Verifies the signatures of a folder that `kit` wrote with OpenSSF `model_signing`, and signs the folder with it. Prints the signatures that it verified.

Usage: model_signatures.py FOLDER KEYS
"""

import json
import pathlib
import sys

import model_signing

folder, keys = map(pathlib.Path, sys.argv[1:])
chain = [keys / "test-int.pem", keys / "test-ca.pem"]
verified = []
verifying = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=keys / "test-cosign.pub")
verifying.verify(folder, "key.sig")
verified.append("key.sig")
verifying = model_signing.verifying.Config().use_certificate_verifier(certificate_chain=[keys / "test-ca.pem"])
verifying.verify(folder, "certificate.sig")
verified.append("certificate.sig")
signing = model_signing.signing.Config().use_elliptic_key_signer(private_key=keys / "test-p256.key.pem")
signing.sign(folder, "their-key.sig")
signing = model_signing.signing.Config().use_certificate_signer(
    private_key=keys / "test-leaf.key.pem", signing_certificate=keys / "test-leaf.pem", certificate_chain=chain
)
signing.sign(folder, "their-certificate.sig")
print(json.dumps({"verified": verified}))
