"""How buckets are reached: from the environment, a profile or the job; and what is told where that fails."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import FtorchError, JobError, MachineError, StoreRefused, StoreUnavailable
from orchestrator.run.scratch import make_scratch, scratch_of
from orchestrator.store.access import Usual, check_http, other_settings, s3_settings
from orchestrator.store.base import NotFound
from orchestrator.store.local import LocalStore
from orchestrator.store.open import open_store, stores_below, whereabouts
from orchestrator.store.places import parse_place
from orchestrator.store.profile import read_profile
from tests.remote.conftest import SECRET, Patience

PLACE = parse_place("s3://bucket/prefix")
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET}
OFF = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.mark.parametrize(
    ("url", "bucket", "path", "again"),
    [
        ("s3://bucket", "bucket", "", "s3://bucket"),
        ("s3://bucket/", "bucket", "", "s3://bucket"),
        ("S3://bucket/a/b/", "bucket", "a/b", "s3://bucket/a/b"),
        ("gs://bucket/a b/%41", "bucket", "a b/%41", "gs://bucket/a b/%41"),
        ("https://host:8080/a%20b", "host:8080", "a b", "https://host:8080/a b"),
        ("file:///data/runs", "", "data/runs", "file:///data/runs"),
    ],
)
def test_a_url_is_read(url: str, bucket: str, path: str, again: str) -> None:
    """Bucket and prefix are told apart, and give the URL again without a slash at its end."""
    place = parse_place(url)
    assert (place.bucket, place.path, place.url) == (bucket, path, again)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://host/x", "found ftp"),
        ("s3:///x", "names no bucket"),
        ("s3://key:hidden@bucket/x", "found a user, a password"),
        ("https://host/x?sig=hidden", "found a user, a password"),
        ("file://host/x", "file:///folder"),
        ("bucket/x", "expected s3://"),
    ],
)
def test_a_url_that_is_none(url: str, told: str) -> None:
    """What is wrong with a URL is told, and what may be a secret in it is not."""
    with pytest.raises(JobError, match=told) as caught:
        parse_place(url)
    assert "hidden" not in str(caught.value)


def test_a_store_by_path_or_url(tmp_path: Path) -> None:
    """A path and a file URL are the same folder; memory is one store a name; what a user wrote keeps its kind."""
    store = open_store(tmp_path / "run")
    store.put("a", [b"1"])
    for where in (str(tmp_path / "run"), (tmp_path / "run").as_uri()):
        again = open_store(where)
        assert isinstance(again, LocalStore)
        assert again.get("a") == b"1"
    assert [found.get("a") for found in stores_below(tmp_path.as_uri())] == [b"1"]
    open_store("memory://x").put("a", [b"2"])
    assert open_store("memory://x").get("a") == b"2"
    with pytest.raises(NotFound):
        open_store("memory://y").get("a")
    assert whereabouts("s3://bucket/run/") == "s3://bucket/run"
    assert whereabouts(tmp_path.as_uri()) == tmp_path
    assert whereabouts("run") == Path("run")


def test_what_the_environment_says() -> None:
    """End point, region, keys and session come from the variables that the AWS command line reads."""
    environ = KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1/", "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "t"}
    assert s3_settings(PLACE, Usual(), environ) == {
        "region": "eu-west-1",
        "virtual_hosted_style_request": False,
        "aws_endpoint_url_s3": "http://127.0.0.1:1",
        "access_key_id": "key",
        "secret_access_key": SECRET,
        "session_token": "t",
    }
    assert s3_settings(PLACE, Usual(), KEYS)["virtual_hosted_style_request"] is True
    assert s3_settings(parse_place("s3://a.b/x"), Usual(), KEYS)["virtual_hosted_style_request"] is False


def test_what_the_job_says_comes_first() -> None:
    """The job's end point, region and style win over the environment's; anonymous needs no keys."""
    access = Usual(endpoint_url="https://one.example", region="eu-south-1", path_style=False, anonymous=True)
    environ = OFF | {"AWS_ENDPOINT_URL": "https://two.example", "AWS_REGION": "eu-west-1"}
    assert s3_settings(PLACE, access, environ) == {
        "region": "eu-south-1",
        "virtual_hosted_style_request": True,
        "aws_endpoint_url_s3": "https://bucket.one.example",
        "skip_signature": True,
    }


def test_a_profile(tmp_path: Path) -> None:
    """A profile's keys, region and end point are used where the environment has none; its words are never shown."""
    credentials, config = tmp_path / "credentials", tmp_path / "config"
    credentials.write_text(
        f"[default]\naws_access_key_id=d\naws_secret_access_key={SECRET}\n[two]\naws_access_key_id=2\n"
    )
    config.write_text("[profile two]\nregion=eu-north-1\n[profile sso]\nsso_start_url=x\n[default]\nregion=r\n")
    files = OFF | {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": str(config)}
    found = s3_settings(PLACE, Usual(), files)
    assert (found["access_key_id"], found["secret_access_key"], found["region"]) == ("d", SECRET, "r")
    assert s3_settings(PLACE, Usual(), files | KEYS)["access_key_id"] == "key"
    two = read_profile(files | {"AWS_PROFILE": "two"})
    assert (two.access_key_id, two.region) == ("2", "eu-north-1")
    assert SECRET not in repr(read_profile(files))
    with pytest.raises(MachineError, match="single sign-on"):
        s3_settings(PLACE, Usual(), files | {"AWS_PROFILE": "sso"})
    with pytest.raises(MachineError, match="the AWS profile 'three', and there is none"):
        s3_settings(PLACE, Usual(), files | {"AWS_PROFILE": "three"})
    credentials.write_text(f"no section\n{SECRET}\n")
    with pytest.raises(MachineError, match="cannot be read as profiles") as caught:
        read_profile(files)
    assert SECRET not in str(caught.value)


def test_a_machine_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no usual place has credentials, that is told without asking a metadata service for minutes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(MachineError, match="no credentials for s3://"):
        s3_settings(PLACE, Usual(), OFF)
    refused = OFF | {"AWS_EC2_METADATA_DISABLED": "false", "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(MachineError, match="no credentials for s3://"):
        s3_settings(PLACE, Usual(), refused)
    for environ in (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/x", "AWS_ROLE_ARN": "arn"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"},
    ):
        assert set(s3_settings(PLACE, Usual(), OFF | environ)) == {"region", "virtual_hosted_style_request"}
    with pytest.raises(MachineError, match="no storage account is named"):
        other_settings(parse_place("az://container/x"), Usual(), {})
    assert other_settings(parse_place("gs://bucket/x"), Usual(), {"GOOGLE_APPLICATION_CREDENTIALS": "/x"}) == {}
    anonymous = other_settings(parse_place("gs://bucket/x"), Usual(anonymous=True), {})
    assert anonymous == {"skip_signature": True}


@pytest.mark.parametrize(
    ("url", "access", "environ", "allowed"),
    [
        ("https://far.example", Usual(), {}, True),
        ("http://far.example", Usual(), {}, False),
        ("http://far.example", Usual(allow_http=True), {}, True),
        ("http://far.example", Usual(), {"AWS_ALLOW_HTTP": "true"}, True),
        ("http://localhost:9000", Usual(), {}, True),
        ("http://[::1]:9000", Usual(), {}, True),
    ],
)
def test_http_needs_a_word(url: str, access: Usual, environ: dict[str, str], allowed: bool) -> None:
    """Unencrypted requests to another machine are refused until that is asked for."""
    if allowed:
        check_http(url, access, environ)
    else:
        with pytest.raises(MachineError, match="unencrypted"):
            check_http(url, access, environ)


def error(code: str, text: str = "") -> bytes:
    """An S3 service's error."""
    return f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that answers everything alike; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


WRONG_REGION = error("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-central-1'")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, error("AccessDenied"), (StoreRefused, r"do not allow to (read|write|list) this \(AccessDenied\)")),
        (403, error("SignatureDoesNotMatch"), (StoreRefused, r"\(SignatureDoesNotMatch\)")),
        (401, b"", (StoreRefused, "does not know these credentials")),
        (404, error("NoSuchBucket"), (StoreRefused, "s3://bucket: there is no such bucket")),
        (400, WRONG_REGION, (StoreRefused, "another region, eu-central-1\n  Set remote.region: eu-central-1")),
        (301, error("PermanentRedirect"), (StoreRefused, "the bucket is in another region")),
        (400, error("ExpiredToken"), (StoreUnavailable, r"the credentials have expired \(ExpiredToken\)")),
        (500, error("InternalError"), (StoreUnavailable, "HTTP status 500 InternalError")),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.get("a"),
        lambda store: store.put("a", [b""]),
        lambda store: store.create("a", [b""]),
        lambda store: list(store.list("a/")),
    ],
)
def test_what_a_service_refuses_is_told(
    keys: None, status: int, body: bytes, expected: tuple[type[FtorchError], str], call: Callable[[object], object]
) -> None:
    """No permission says what on what; no bucket, another region and expired credentials say what to do."""
    with answering(status, body) as url:
        store = open_store("s3://bucket/run", Usual(endpoint_url=url, retry_timeout=Patience(0.3)))
        with pytest.raises(expected[0], match=expected[1]) as caught:
            call(store)
    assert SECRET not in str(caught.value)
    assert "s3://bucket" in str(caught.value)


def test_a_server_that_is_not_there(keys: None) -> None:
    """Nobody listens: the run stops resumably and the message says that the server cannot be reached."""
    store = open_store("s3://bucket/run", Usual(endpoint_url="http://127.0.0.1:1", retry_timeout=Patience(0.3)))
    with pytest.raises(StoreUnavailable, match="the server cannot be reached"):
        store.get("a")


def test_the_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in a folder is its own scratch; a URL always has the same one, which is closed to others."""
    monkeypatch.setenv("FTORCH_SCRATCH", str(tmp_path / "scratch"))
    assert scratch_of(tmp_path) == tmp_path
    url = "s3://bucket/run"
    make_scratch(url)
    assert scratch_of(url).is_dir()
    assert scratch_of(url) == scratch_of(url + "")
    assert scratch_of(url) != scratch_of("s3://other/run")
    assert (tmp_path / "scratch").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("FTORCH_SCRATCH", "/proc/nowhere")
    with pytest.raises(MachineError, match="FTORCH_SCRATCH"):
        make_scratch(url)
