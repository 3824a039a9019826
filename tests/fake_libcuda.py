"""Builds a libcuda.so.1 without a GPU: enough of it works in host memory to run PyCUDA for real.

Every other symbol that PyCUDA's extension asks for is made from the extension's own list and
answers CUDA_ERROR_NOT_SUPPORTED. Work is done at once. `FAKE_INIT` is what cuInit answers,
`FAKE_DEVICES` how many GPUs there are; `fake_live` counts what was made and not freed.
"""

import re
import subprocess
from pathlib import Path

_SOURCE = r"""
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Pointer;
enum { OK = 0, INVALID = 1, NOT_SUPPORTED = 801, LIMIT = 64 };

static int live, capturing, captured, calls;
int fake_live(void) { return live; }
static int setting(const char *name, int other) {
  const char *text = getenv(name);
  return text ? atoi(text) : other;
}
static int make(void **to) { live++; *to = malloc(8); return OK; }
static int drop(void *thing) { live--; free(thing); return OK; }

int cuInit(unsigned flags) { (void)flags; return setting("FAKE_INIT", OK); }
int cuDriverGetVersion(int *to) { *to = 13000; return OK; }
int cuDeviceGetCount(int *to) { *to = setting("FAKE_DEVICES", 1); return OK; }
int cuDeviceGet(int *to, int index) { *to = index; return OK; }
int cuDeviceGetName(char *to, int size, int device) {
  (void)device; strncpy(to, "Fake GPU", size); return OK;
}
int cuDeviceGetAttribute(int *to, int attribute, int device) {
  (void)device;
  *to = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 18 ? setting("FAKE_JETSON", 0) : 0;
  return OK;
}
int cuDevicePrimaryCtxRetain(void **to, int device) {
  (void)device; live++; *to = &live; return OK;
}
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; live--; return OK; }

static void *stack[LIMIT];
static int depth;
int fake_depth(void) { return depth; }
int cuCtxPushCurrent_v2(void *context) { stack[depth++] = context; return OK; }
int cuCtxPopCurrent_v2(void **to) { if (!depth) return INVALID; *to = stack[--depth]; return OK; }
int cuCtxGetDevice(int *to) { *to = 0; return OK; }

int cuMemAlloc_v2(Pointer *to, size_t size) { live++; *to = (Pointer)calloc(1, size); return OK; }
int cuMemFree_v2(Pointer at) { live--; free((void *)at); return OK; }
int cuMemHostAlloc(void **to, size_t size, unsigned flags) {
  (void)flags; live++; *to = calloc(1, size); return OK;
}
int cuMemFreeHost(void *at) { live--; free(at); return OK; }
int cuMemHostGetDevicePointer_v2(Pointer *to, void *at, unsigned flags) {
  (void)flags; *to = (Pointer)at; return OK;
}
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) { *free_bytes = 5; *total = 9; return OK; }
int cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t size, void *stream) {
  (void)stream; memcpy((void *)to, from, size); return OK;
}
int cuMemcpyDtoHAsync_v2(void *to, Pointer from, size_t size, void *stream) {
  (void)stream; memcpy(to, (void *)from, size); return OK;
}
int cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t size, void *stream) {
  (void)stream; memmove((void *)to, (void *)from, size); return OK;
}
int cuMemsetD8Async(Pointer to, unsigned char value, size_t size, void *stream) {
  (void)stream; memset((void *)to, value, size); return OK;
}

int cuStreamCreate(void **to, unsigned flags) { return flags == 1 ? make(to) : INVALID; }
int cuStreamDestroy_v2(void *stream) { return drop(stream); }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  (void)stream; (void)event; (void)flags; return OK;
}
int cuEventCreate(void **to, unsigned flags) { (void)flags; return make(to); }
int cuEventDestroy_v2(void *event) { return drop(event); }
int cuEventRecord(void *event, void *stream) { (void)event; (void)stream; return OK; }
int cuEventQuery(void *event) { (void)event; return setting("FAKE_QUERY", OK); }
int cuEventElapsedTime_v2(float *to, void *start, void *end) {
  (void)start; (void)end; *to = 1.5f; return OK;
}
int cuEventElapsedTime(float *to, void *start, void *end) {
  return cuEventElapsedTime_v2(to, start, end);
}

int cuModuleLoadDataEx(void **to, const void *image, unsigned n, int *options, void **values) {
  (void)n; (void)options; (void)values;
  return strcmp(image, "kernels") ? 200 : make(to);
}
int cuModuleUnload(void *module) { return drop(module); }
int cuModuleGetFunction(void **to, void *module, const char *name) {
  (void)module; *to = &calls; return strcmp(name, "add") ? 500 : OK;
}
struct Arguments { unsigned char *bytes; int count; char amount[3]; };
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, void *stream, void **values, void **extra) {
  (void)function; (void)gy; (void)gz; (void)by; (void)bz; (void)shared; (void)stream; (void)values;
  const struct Arguments *given = extra[1];
  if (capturing) { captured++; return OK; }
  calls++;
  for (int i = 0; i < given->count; i++) given->bytes[i] += given->amount[0] + gx * bx;
  return OK;
}

int cuStreamBeginCapture_v2(void *stream, int mode) {
  (void)stream; capturing = mode == 1; return OK;
}
int cuStreamEndCapture(void *stream, void **to) { (void)stream; capturing = 0; return make(to); }
int cuGraphInstantiateWithFlags(void **to, void *graph, unsigned long long flags) {
  (void)graph; (void)flags;
  int status = setting("FAKE_INSTANTIATE", OK);
  return status ? status : make(to);
}
int cuGraphDestroy(void *graph) { return drop(graph); }
int cuGraphExecDestroy(void *graph) { return drop(graph); }
int cuGraphLaunch(void *graph, void *stream) {
  (void)graph; (void)stream; calls += captured; return OK;
}
int fake_calls(void) { return calls; }

int cuGetErrorName(int status, const char **to) {
  (void)status; *to = "CUDA_ERROR_FAKE"; return OK;
}
int cuGetErrorString(int status, const char **to) {
  *to = status == 100 ? "no CUDA-capable device is detected" : "a fake error";
  return OK;
}
"""


def build(folder: Path, extension: Path) -> Path:
    """`folder`/libcuda.so.1 for PyCUDA's `extension`."""
    source, library = folder / "libcuda.c", folder / "libcuda.so.1"
    missing = sorted(_undefined(extension) - set(re.findall(r"\b(cu[A-Z]\w+)\(", _SOURCE)))
    stubs = "".join(f"int {name}(void) {{ return NOT_SUPPORTED; }}\n" for name in missing)
    source.write_text(_SOURCE + stubs)
    soname = f"-Wl,-soname,{library.name}"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, soname], check=True)
    return library


def _undefined(extension: Path) -> set[str]:
    command: list[str | Path] = ["nm", "--dynamic", "--undefined-only", extension]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"\bU (cu[A-Z]\w+)", shown))
