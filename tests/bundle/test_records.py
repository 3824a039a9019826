import pytest

from slsg_edge.bundle.folder import Manifest, new_bundle
from slsg_edge.bundle.records import (
    ExportRecord,
    Int8Record,
    TrainRecord,
    record_of,
    settings_of,
    train_record_of,
)
from slsg_edge.errors import BundleError
from slsg_edge.preprocessing import Preprocessing

EXPORT = ExportRecord("dynamic", "1e-7", "2e-3", ("a*",), ("a/b", "a/c"), {"top-k": 2})

COMMAND = "slsg-edge export {bundle} --batch 7"


@pytest.fixture
def stage(tmp_path):
    """A bundle with a stage of these settings."""

    def make(name, settings):
        bundle = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, Preprocessing()))
        return bundle.commit(name, {}, command=COMMAND, started=0.0, settings=settings)

    return make


def test_a_record_is_read_again(stage):
    assert record_of(stage("export", settings_of(EXPORT)), ExportRecord) == EXPORT


def test_a_stage_that_has_not_run_left_nothing(stage):
    bundle = stage("export", {})
    assert record_of(bundle, Int8Record) == Int8Record()
    assert record_of(bundle, ExportRecord).fp32_nodes is None


def test_what_a_later_version_adds_to_a_record_is_no_damage(stage):
    bundle = stage("export", {**settings_of(EXPORT), "colour": "red"})
    assert record_of(bundle, ExportRecord) == EXPORT


@pytest.mark.parametrize(
    ("key", "value"), [("fp32_nodes", "a"), ("batch", 1.5), ("fp32_reasons", [1])]
)
def test_a_damaged_record_names_its_stage_and_the_command(stage, key, value):
    bundle = stage("export", {**settings_of(EXPORT), key: value})
    said = rf"record of 'export' is damaged.*{key}.*Run: slsg-edge export .* --batch 7"
    with pytest.raises(BundleError, match=said):
        record_of(bundle, ExportRecord)


def test_the_settings_of_a_training_stand_beside_its_record(stage):
    record = TrainRecord("f", "none", "cpu", "s", {"seed": 3, "model": {"depth": 2}})
    table = settings_of(record)
    assert table["seed"] == 3
    assert train_record_of(stage("train", table)) == record
