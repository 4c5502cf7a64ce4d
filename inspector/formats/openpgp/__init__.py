"""OpenPGP (RFC 4880, RFC 9580): is this detached signature made by a key of this key block?  No more than that.

::

    signature = read_signature(text)            # armored or binary; FormatError, UnsupportedFormat
    for key in read_keys(text):                 # the primary key, then its subkeys
        if key.key_id == signature.issuer:
            verify(signature, key, data)        # True or False; UnsupportedFormat where the algorithm is not known here

RSA and DSA need nothing but the standard library, curves need the extra ``bundle-inspect[signature]`` (the package ``cryptography``).
Certifications, expiry and revocations are not looked at: whoever trusts a key that a file carries along has already given up on identity.
"""

from inspector.formats.openpgp.packets import PublicKey, Signature, read_keys, read_signature
from inspector.formats.openpgp.verification import verify

__all__ = ["PublicKey", "Signature", "read_keys", "read_signature", "verify"]
