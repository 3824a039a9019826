"""The shipped schema says what the settings say."""

import json
import sys

import jsonschema
import pytest

from slsg_edge.line.settings.schema import line_schema, schema_file, schema_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STATION = '[[station]]\nname = "a"\nsource = "0"\nbundle = "a.slsg"\n'


def test_the_shipped_schema_is_the_one_that_is_made():
    """Where this fails: write `schema_text()` into `schema_file()`."""
    assert schema_file().read_text(encoding="utf-8") == schema_text()


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize(
    "text",
    [
        STATION,
        STATION + '[station.trigger]\nkind = "mqtt"\ntopic = "x"\n[[mqtt]]\n',
        STATION + "[station.trigger]\nevery = 3\n",
        STATION + "roi = [0, 0, 5, 5]\n[http]\nport = 0\n[drift]\nfalse_alarms = 0.05\n",
    ],
)
def test_it_takes_what_is_right(text):
    jsonschema.validate(tomllib.loads(text), line_schema())


@pytest.mark.parametrize(
    "text",
    [
        "",
        STATION + "[htp]\n",
        STATION.replace('"a"', '"a b"'),
        STATION + "[http]\nport = 70000\n",
        STATION + "[http]\nport = -1\n",
        STATION + "[station.trigger]\nevery_ms = 30\n",
        STATION + '[station.trigger]\nkind = "interval"\nevery = 3\n',
        STATION + '[station.trigger]\nkind = "never"\n',
        STATION + "roi = [0, 0, 5]\n",
        "[[station]]\nname = 'a'\n",
    ],
)
def test_it_refuses_what_is_wrong(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), line_schema())
