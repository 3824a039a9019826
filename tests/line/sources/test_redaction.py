import pytest

from slsg_edge.line.sources.redaction import redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera:554/line", "rtsp://camera:554/line"),
        ("rtsp://admin:pw@camera/1", "rtsp://***@camera/1"),
        ("rtsp://admin:p@s/w#1@camera/1", "rtsp://***@camera/1"),
        ("http://c/v.cgi?user=admin&pwd=pw&fps=5", "http://c/v.cgi?user=***&pwd=***&fps=5"),
        ("rtsp://c/user=admin_password=pw", "rtsp://c/user=***"),
        ("http://c/a.mjpg?access_token=pw", "http://c/a.mjpg?access_token=***"),
        ("http://c/a?apiKey=pw#x", "http://c/a?apiKey=***#x"),
    ],
)
def test_no_secret_of_a_url_is_shown(url, shown):
    assert redacted(url) == shown
