import pytest

from slsg_edge.line.sources.redaction import redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera:554/line", "rtsp://camera:554/line"),
        ("rtsp://[fe80::1]:554/line", "rtsp://[fe80::1]:554/line"),
        ("http://c:80/", "http://c:80/"),
        ("rtsp://c/Streaming/Channels/101", "rtsp://c/Streaming/***"),
        ("rtsp://admin:pw@camera/1", "rtsp://***@camera/1"),
        ("rtsp://admin:p@s/w#1@camera/1", "rtsp://***@camera/1"),
        ("http://c/v.cgi?user=admin&pwd=pw&fps=5", "http://c/v.cgi?***"),
        ("http://c/v.cgi?p=pw", "http://c/v.cgi?***"),
        ("http://c/?pin=pw", "http://c/?***"),
        ("http://c/a?%70wd=pw", "http://c/a?***"),
        ("http://c/a.mjpg#pw", "http://c/a.mjpg#***"),
        ("http://c/a;pw", "http://c/a;***"),
        ("http://c?pw", "http://c***"),
        ("rtsp://c:pw/1", "rtsp://c***"),
        ("rtsp://c/user=admin_password=pw", "rtsp://c/***"),
        ("http://c/token/pw", "http://c/***/***"),
        ("http://c/p4ssw0rd/live", "http://c/***/***"),
        ("http://c/live/pw", "http://c/live/***"),
        ("rtsp:/admin:pw@camera/1", "rtsp://***@camera/1"),
        ("admin:pw@camera/1", "***@camera/1"),
        ("RTSP://admin:pw@camera/1", "RTSP://***@camera/1"),
        ("srt://c:9000?passphrase=pw", "srt://c:9000***"),
    ],
)
def test_no_secret_of_a_url_is_shown(url, shown):
    assert redacted(url) == shown


def test_a_url_within_a_sentence_is_hidden_too():
    said = redacted("OSError: driver of rtsp://u:pw@c/1 lost, then 'http://c/x?k=pw' too")
    assert "pw" not in said
    assert said.startswith("OSError: driver of rtsp://***@c/1 lost, then ")


@pytest.mark.parametrize("text", ["/data/parts/a.png", "nothing", "0", "12:30, 4 frames", "a/b@2x"])
def test_what_is_no_url_stays(text):
    assert redacted(text) == text
