import json
import subprocess
import sys
from types import SimpleNamespace

import cv2
import pytest
import typer
from typer.testing import CliRunner

from slsg_edge.cli.doctor import doctor
from slsg_edge.doctor import check as checks
from slsg_edge.doctor import diagnosis
from slsg_edge.doctor import nvidia as nvidia_checks
from slsg_edge.doctor.abilities import abilities_of, others_of
from slsg_edge.doctor.check import MachineCheck
from slsg_edge.doctor.diagnosis import diagnose
from slsg_edge.machine.nvidia import INSTALL_DRIVER, Gpu


def run(*arguments: str):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(doctor)
    return CliRunner().invoke(app, arguments)


def test_every_check_is_answered_and_what_is_missing_has_a_way_to_get_it():
    checks = diagnose()
    names = [check.name for check in checks]
    for name in (
        "Python",
        "CPU",
        "memory",
        "OpenCV",
        "simplejpeg",
        "cameras",
        "CUDA toolkit",
        "tensorrt",
        "pycuda",
    ):
        assert name in names
    assert all(check.found for check in checks)
    assert all(check.how for check in checks if check.state != "ok")


def test_people_read_what_this_machine_can_do_and_machines_get_one_object():
    shown = run("-v").stdout
    assert shown.startswith("This machine can watch a folder or a camera on the CPU: onnxruntime")
    assert "how to get it" in shown
    assert "\nnext: slsg-edge" in shown
    found = json.loads(run("--json").stdout)
    assert {"name", "state", "found", "how"} == set(found["checks"][0])
    assert {"what", "can", "found", "how"} == set(found["abilities"][0])


def test_what_a_machine_cannot_do_is_said_with_the_way_there():
    checks = [
        MachineCheck("OpenCV", "ok", "5.0.0, FFMPEG yes, GStreamer no"),
        MachineCheck("openvino", "ok", "2026.4"),
        MachineCheck("onnxruntime", "missing", "not installed", "pip install it"),
        MachineCheck("cameras", "missing", "no /dev/video*", "Connect one."),
        MachineCheck("torch", "ok", "2.13"),
        MachineCheck("onnx", "ok", "1.23"),
        MachineCheck("CUDA driver", "missing", "none.", "Install a driver."),
        MachineCheck("tensorrt", "missing", "not installed", "pip install tensorrt"),
        MachineCheck("pycuda", "missing", "not installed", "pip install pycuda"),
        MachineCheck("simplejpeg", "warning", "not installed", "pip install simplejpeg"),
    ]
    found = {ability.what: ability for ability in abilities_of(checks)}
    watch = found["watch a folder or a camera on the CPU"]
    assert (watch.can, watch.found) == (True, "openvino 2026.4, OpenCV 5.0.0")
    assert found["train and export"].how == ("pip install it",)
    gpu = found["run TensorRT engines on its GPU"]
    assert (gpu.can, len(gpu.how)) == (False, 3)
    assert gpu.found.startswith("CUDA driver: none; ")
    assert [check.name for check in others_of(checks)] == ["simplejpeg"]
    assert not found["watch films and streams"].can  # PyAV was not looked for


def test_the_way_to_a_driver_is_one_that_ubuntu_has():
    assert "ubuntu-drivers install" in INSTALL_DRIVER


def test_no_framework_is_imported_and_none_is_needed():
    names = ["torch", "onnx", "onnxruntime", "tensorrt", "pycuda", "openvino", "cv2"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({names}))\n"
        "from slsg_edge.doctor.diagnosis import diagnose\n"
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
    assert checks.output_of("no-such-program") == ""
    assert checks.output_of(sys.executable, "-c", "print(1); raise SystemExit(3)") == ""
    assert checks.output_of(sys.executable, "-c", "print(1)") == "1"


def test_the_last_line_of_what_fails_is_shown():
    code = "import sys; sys.exit('first\\nlast')"
    assert checks.failure_of(sys.executable, "-c", code) == "last"
    assert checks.failure_of(sys.executable, "-c", "") == ""
    assert checks.failure_of(sys.executable, "-c", "raise SystemExit(3)") == "exit code 3"
    assert checks.failure_of("no-such-program") == "no-such-program does not answer"


@pytest.mark.parametrize(
    ("linux", "package", "state", "said"),
    [
        ("36.4.3", "6.2+b77", "ok", "JetPack 6.2+b77, Jetson Linux 36.4.3"),
        ("38.2.0", "7.0", "ok", "JetPack 7.0"),
        ("36.4.3", "", "warning", "JetPack 6, Jetson Linux 36.4.3, only the base system"),
        ("35.6.0", "5.1.4", "warning", "JetPack 5.1.4"),
        ("99.0.0", "", "warning", "JetPack unknown"),
    ],
)
def test_a_jetpack_is_told_by_its_package_and_its_linux(linux, package, state, said):
    check = nvidia_checks._jetpack_of(linux, package)
    assert check.state == state
    assert said in check.found
    assert bool(check.how) == (state != "ok")


def test_on_other_machines_nothing_is_said_of_jetsons(monkeypatch):
    monkeypatch.setattr(nvidia_checks, "l4t", lambda: None)
    assert not {"JetPack", "video decoder"} & {check.name for check in diagnose()}


def test_a_jetson_without_its_decoder_in_gstreamer_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(nvidia_checks, "l4t", lambda: "36.4.0")
    monkeypatch.setattr(nvidia_checks, "output_of", lambda *command: "")
    assert "gstreamer1.0-tools" in nvidia_checks.video_decoder().how


NVCC = "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.88"


@pytest.mark.parametrize(
    ("shown", "driver", "state"),
    [
        (NVCC, None, "ok"),
        (NVCC, "13.0", "ok"),
        (NVCC, "13.2", "ok"),
        (NVCC, "12.6", "warning"),
        ("", "12.6", "missing"),
    ],
)
def test_a_toolkit_that_is_newer_than_the_driver_is_a_warning(shown, driver, state):
    check = nvidia_checks._toolkit_of(shown, driver, on_jetson=False)
    assert check.state == state
    assert bool(check.how) == (state != "ok")


@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (("tensorrt", "10.3.0"), "ok", "10.3.0"),
        (("tensorrt-lean", "11.4.1.5"), "ok", "tensorrt-lean 11.4.1.5"),
        (("tensorrt", "10.2.0"), "warning", "answer wrongly"),
        (("tensorrt", "8.5.2"), "warning", "too old"),
        (None, "missing", "not installed"),
    ],
)
def test_a_tensorrt_that_is_known_to_be_bad_is_a_warning(found, state, said):
    check = nvidia_checks._tensorrt_of(found, on_jetson=False)
    assert check.state == state
    assert said in check.found


def test_a_missing_tensorrt_on_a_jetson_is_jetpacks():
    check = nvidia_checks._tensorrt_of(None, on_jetson=True)
    assert "python3-libnvinfer" in check.how
    assert "--system-site-packages" in check.how


def test_where_no_frame_is_uploaded_it_is_said(monkeypatch):
    orin = Gpu("Orin", "8.7", "12.6")
    for name, answer in (("gpu_count", 1), ("first_gpu", orin), ("shares_memory", True)):
        monkeypatch.setattr(nvidia_checks, name, lambda answer=answer: answer)
    check = nvidia_checks.cuda_driver()
    assert check.found == (
        "1 device(s), CUDA 12.6, memory shared with the CPU: frames are not uploaded"
    )


def test_a_compiler_of_kernels_is_named_or_how_to_get_one():
    orin = Gpu("Orin", "8.7", "12.6")
    new = SimpleNamespace(name="NVRTC 13.0", version=(13, 0))
    old = SimpleNamespace(name="nvcc 12.6.77", version=(12, 6))
    assert nvidia_checks._compiler_of(orin, [new, old]).found == "nvcc 12.6.77"
    missing = nvidia_checks._compiler_of(orin, [new])
    assert missing.state == "missing"
    assert "too new: NVRTC 13.0" in missing.found
    assert "pip install nvidia-cuda-nvrtc-cu12" in missing.how


def test_a_pycuda_that_does_not_load_says_why():
    assert nvidia_checks._pycuda_of("2026.1", "").state == "ok"
    no_driver = nvidia_checks._pycuda_of("2026.1", "ImportError: libcuda.so.1: cannot open")
    other = nvidia_checks._pycuda_of("2026.1", "ImportError: undefined symbol: cuArrayCreate_v2")
    assert (no_driver.state, other.state) == ("warning", "warning")
    assert "driver" in no_driver.how
    assert "Build it again" in other.how


def test_without_simplejpeg_damaged_jpeg_may_pass_and_it_is_said(monkeypatch):
    monkeypatch.setattr(diagnosis, "installed_version", lambda *_: None)
    check = diagnosis._simplejpeg()
    assert check.state == "warning"
    assert "pip install simplejpeg" in check.how
