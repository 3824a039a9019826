"""`slsg-edge bench gpu`: what our own work on this GPU costs, without an engine."""

from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, tell

if TYPE_CHECKING:
    from rich.console import Console

    from slsg_edge.bench.gpu import ChainTiming, GpuBenchmark


def bench_gpu(
    width: Annotated[
        int, typer.Option(metavar="PIXELS", min=2, max=32766, help="Of a frame; even.")
    ] = 1920,
    height: Annotated[
        int, typer.Option(metavar="PIXELS", min=2, max=32766, help="Of a frame; even.")
    ] = 1080,
    side: Annotated[
        int, typer.Option(metavar="PIXELS", min=1, max=4096, help="Of the model.")
    ] = 256,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="How often to measure.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Measure kernels against the GPU's memory, and the chain around an engine against an upload.

    The frames are made up, and no engine is needed.
    """
    import json
    from dataclasses import asdict

    from slsg_edge.bench.gpu import GpuBenchSettings, gpu_benchmark
    from slsg_edge.runtime.gpu.compilation import kernel_images
    from slsg_edge.runtime.gpu.cuda import open_device
    from slsg_edge.runtime.gpu.device_kernels import DeviceKernels

    settings = GpuBenchSettings(width, height, side, rounds)
    with open_device() as device:
        images = kernel_images(device.gpu, DeviceKernels.SOURCES)
        result = gpu_benchmark(device, images, settings)
    if as_json:
        tell(json.dumps({**asdict(result), "chain_limit": result.chain.limit}))
    else:
        _print(result)


def _print(result: "GpuBenchmark") -> None:
    from rich.table import Table

    console = plain_console()
    settings = result.settings
    kernels = Table(f"{settings.width}x{settings.height} to {settings.side}", "us", "of copy", "")
    for kernel in result.kernels:
        numbers = f"{kernel.microseconds:.2f}", f"{kernel.share:.0%}"
        kernels.add_row(kernel.pixels, *numbers, kernel.verdict)
    console.print(kernels)
    console.print(f"copy on the GPU: {result.copy_gb_s:.0f} GB/s, read and written")
    _print_chain(console, result.chain)
    versions = ", ".join(f"{name} {text}" for name, text in result.machine.versions.items())
    console.print(f"{result.gpu}, CUDA {result.cuda}; {result.machine.cpu}", soft_wrap=True)
    console.print(versions, soft_wrap=True)


def _print_chain(console: "Console", chain: "ChainTiming") -> None:
    verdict = "within" if chain.chain <= chain.limit else "above"
    stages = ", ".join(f"{stage} {took:.1f}" for stage, took in chain.stages.items())
    for line in (
        f"chain without an engine {chain.chain:.1f} us, {verdict} {chain.limit:.1f}: {stages}",
        f"bare pinned upload {chain.upload:.1f} us, ratio {chain.chain / chain.upload:.2f}",
        f"a caller waits {chain.whole:.0f} us, {chain.staging:.0f} of them for the CPU's copy into "
        "pinned memory",
        f"allocations per frame: {chain.allocations_per_frame:g}",
    ):
        console.print(line, soft_wrap=True)
