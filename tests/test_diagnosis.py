import json
import subprocess
import sys

import cv2
import typer
from typer.testing import CliRunner

from slsg_edge import diagnosis
from slsg_edge.cli.doctor import doctor
from slsg_edge.diagnosis import diagnose


def run(*arguments: str):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(doctor)
    return CliRunner().invoke(app, arguments)


def test_every_check_is_answered_and_what_is_missing_has_a_way_to_get_it():
    checks = diagnose()
    names = [check.name for check in checks]
    for name in ("Python", "CPU", "memory", "OpenCV", "cameras", "nvcc", "tensorrt", "pycuda"):
        assert name in names
    assert all(check.found for check in checks)
    assert all(check.how for check in checks if check.state != "ok")


def test_people_get_a_table_and_machines_one_object():
    assert "what" in run().stdout
    shown = json.loads(run("--json").stdout)["checks"]
    assert {"name", "state", "found", "how"} == set(shown[0])


def test_no_framework_is_imported_and_none_is_needed():
    names = ["torch", "onnx", "onnxruntime", "tensorrt", "pycuda", "openvino", "cv2"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({names}))\n"
        "from slsg_edge.diagnosis import diagnose\n"
        "(found,) = (check for check in diagnose() if check.name == 'OpenCV')\n"
        "assert found.state == 'missing', found\n"
        "assert 'slsg-edge[line]' in found.how"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_package_that_is_not_installed_names_its_extra():
    check = diagnosis._distribution("absent", ("no-such-package",), "rtx", "For speed")
    assert check.state == "missing"
    assert check.how == "For speed: pip install 'slsg-edge[rtx]'"


def test_this_opencv_is_described():
    check = diagnosis._opencv()
    assert check.found.startswith(cv2.__version__)
    assert "FFMPEG" in check.found


def test_an_opencv_that_reads_no_video_is_a_warning():
    built = "  Video I/O:\n    FFMPEG:                      NO\n    GStreamer:     NO\n"
    assert diagnosis._opencv_built_with("4.8.0", built).state == "warning"
    built = built.replace("GStreamer:     NO", "GStreamer:     YES (1.20.3)")
    check = diagnosis._opencv_built_with("4.8.0", built)
    assert (check.state, check.found) == ("ok", "4.8.0, FFMPEG no, GStreamer yes")


def test_cameras_are_listed(tmp_path):
    assert diagnosis._cameras_in(tmp_path).state == "missing"
    for name in ("video0", "video1"):
        (tmp_path / name).write_text("")
    check = diagnosis._cameras_in(tmp_path)
    assert (check.state, check.found) == ("ok", "video0, video1")


def test_a_program_that_is_missing_or_fails_says_nothing():
    assert diagnosis._output_of("no-such-program") == ""
    assert diagnosis._output_of(sys.executable, "-c", "print(1); raise SystemExit(3)") == ""
    assert diagnosis._output_of(sys.executable, "-c", "print(1)") == "1"
