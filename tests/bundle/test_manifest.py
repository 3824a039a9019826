"""A manifest that this version did not write, in every part."""

import pytest
from bundles import rewrite

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import (
    BundleError,
)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b'{"format": 1}', b"[" * 100000]
)
def test_a_damaged_manifest_is_an_error(whole, content):
    (whole.path / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json is damaged.*Copy the bundle again"):
        open_bundle(whole.path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_truncated_manifest_is_an_error(whole, share):
    path = whole.path / "manifest.json"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(BundleError, match="is damaged"):
        open_bundle(whole.path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.update(format=2), "format 2, but this version reads format 1"),
        (lambda table: table.pop("detector"), "detector"),
        (lambda table: table.update(stages=[]), "damaged"),
        (lambda table: table["stages"]["train"].pop("command"), "command"),
        (lambda table: table["stages"]["train"].update(extra=1), "does not know.*newer"),
        (lambda table: table["stages"]["train"].update(tools=[]), "stages.train.tools is no table"),
        (lambda table: table["stages"]["train"].update(tools={"a": 1}), "tools.a is no text"),
        (lambda table: table["stages"]["train"].update(seconds="3"), "no number of seconds"),
        (lambda table: table["stages"]["train"].update(seconds=-1), "no number of seconds"),
        (lambda table: table["stages"]["train"].update(command=None), "command is no text"),
        (lambda table: table["stages"]["train"].update(finished=3), "finished is no text"),
        (lambda table: table["stages"]["train"].update(settings=[]), "settings is no table"),
        (lambda table: table["stages"].update(train="done"), "stages.train is no table"),
        (lambda table: table.update(colour="red"), "'colour', which this version does not know"),
        (lambda table: table.update(detector=3), "detector is no text"),
        (lambda table: table.update(spec=[]), "spec is no table"),
        (lambda table: table.update(threshold={}), "value"),
        (lambda table: table.update(threshold=[]), "threshold is no table"),
        (lambda table: table["stages"]["train"].update(inputs=["a"]), "damaged"),
        (lambda table: table["stages"]["train"]["outputs"].update(a=3), "no text"),
        (lambda table: table["preprocessing"].update(fit="squeeze"), "squeeze"),
        (lambda table: table["preprocessing"].update(height="256"), "height"),
        (lambda table: table["preprocessing"]["roi"].update(x=-1), "no rectangle"),
        (lambda table: table["threshold"].update(value=1.5), "not between 0 and 1"),
        (lambda table: table["threshold"].update(value=float("nan")), "NaN is no number"),
        (lambda table: table["threshold"].update(method="guess"), "guess"),
        (lambda table: table["thresholds"].update(x={"value": 2.0, "method": "manual"}), "0 and 1"),
        (lambda table: table.update(thresholds=[]), "damaged"),
        (lambda table: table["tolerances"]["fp32"].update(score=-1.0), "A tolerance is -1"),
        (lambda table: table["tolerances"]["fp32"].update(scores=1.0), "scores"),
        (lambda table: table["tolerances"].update(fp16={"score": 1.0}), "tolerances.fp16"),
    ],
)
def test_a_manifest_of_another_shape_is_an_error(whole, change, message):
    with pytest.raises(BundleError, match=message):
        open_bundle(rewrite(whole, change))


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\secret"])
@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_a_manifest_that_points_outside_the_bundle_is_refused(whole, name, part):
    with pytest.raises(BundleError, match="points outside the bundle"):
        open_bundle(
            rewrite(whole, lambda table: table["stages"]["train"][part].update({name: "0" * 64}))
        )


def test_stages_made_from_each_other_are_refused(whole):
    digest = whole.manifest.stages["export"].outputs["model.onnx"]
    with pytest.raises(BundleError, match="made from each other"):
        open_bundle(
            rewrite(
                whole,
                lambda table: table["stages"]["train"]["inputs"].update({"model.onnx": digest}),
            )
        )
