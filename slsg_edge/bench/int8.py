"""What INT8 buys in time on this machine: the same frames through FP32 and INT8 in turn."""

from contextlib import ExitStack, closing

from slsg_edge.bench.race import LatencyComparison, compare_latency
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import choose, open_choice

FP32_AND_INT8 = ("openvino-fp32", "openvino-int8")
FRAMES = 16
WORTH = 1.1  # times as fast: less is within what such a measurement varies by


def int8_latency(bundle: Bundle, frames: int = FRAMES) -> LatencyComparison:
    """On the golden frames; the bundle has its INT8 graph, and OpenVINO is here."""
    prepared = golden_from(bundle.content(GOLDEN_FILE)).frames
    with ExitStack() as stack, progress("timing", frames // 8) as advance:
        detectors = {
            name: stack.enter_context(closing(open_choice(bundle, choose(bundle, name))))
            for name in FP32_AND_INT8
        }
        return compare_latency(detectors, dict.fromkeys(detectors, prepared), frames, advance)


def int8_gain(latency: LatencyComparison) -> str:
    """As `144 ms a part in FP32, 60 ms in INT8: 2.4 times as fast`."""
    fp32, int8 = latency.backends
    gain = "no faster here" if int8.speedup < WORTH else f"{int8.speedup:.2g} times as fast"
    return f"{fp32.median:.3g} ms a part in FP32, {int8.median:.3g} ms in INT8: {gain}"
