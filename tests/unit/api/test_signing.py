"""Signatures are those of the Standard Webhooks specification."""

import base64

from qtrace.api.signing import secret_of, signature, signed_headers

# The specification's own example.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_example_is_signed_as_published() -> None:
    assert signature(SECRET, MESSAGE, AT, BODY) == SIGNED


def test_every_secret_that_holds_signs() -> None:
    headers = signed_headers([secret_of("site", "new"), SECRET], MESSAGE, AT, BODY)
    assert headers["webhook-id"] == MESSAGE
    assert headers["webhook-timestamp"] == "1614265330"
    first, second = headers["webhook-signature"].split(" ")
    assert (first != second, second) == (True, SIGNED)


def test_a_secret_is_256_bits_and_belongs_to_one_nonce_of_one_site() -> None:
    secrets = {secret_of(site, nonce) for site in ("a", "b") for nonce in ("1", "2")}
    assert len(secrets) == 4
    assert all(len(base64.b64decode(one.removeprefix("whsec_"))) == 32 for one in secrets)
    assert secret_of("a", "1") == secret_of("a", "1")
