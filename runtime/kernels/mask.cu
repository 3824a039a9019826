// Where a map is above the threshold, and the connected parts of that: area and bounding box.
//
// Four passes over the pixels: begin, join, measure, collect. Each part is a tree of `parents`
// with its first pixel as the root, joined through atomics; two pixels that touch at a corner
// belong together. `parents` is -1 outside. Right for any number of threads.

struct Part {
    int area, left, top, right, bottom;  // pixels, the last two inclusive
};

__device__ inline int first_index() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ inline int stride() { return gridDim.x * blockDim.x; }

__device__ inline int root(const int* parents, int pixel)
{
    // others join trees meanwhile: what is read may be old, but never of another part
    const volatile int* fresh = parents;
    for (int parent = fresh[pixel]; parent != pixel; parent = fresh[pixel]) pixel = parent;
    return pixel;
}

__device__ inline void join(int* parents, int one, int other)
{
    for (;;) {
        one = root(parents, one);
        other = root(parents, other);
        if (one == other) return;
        const int later = max(one, other);
        other = min(one, other);
        one = atomicMin(parents + later, other);
        if (one == later) return;
        // `later` had got another parent in between, which is yet to be joined
    }
}

extern "C" __global__ void mask_begin(
    const float* __restrict__ map, unsigned char* __restrict__ mask, int* __restrict__ parents,
    Part* __restrict__ parts, int* __restrict__ count, float threshold, int width, int height)
{
    for (int i = first_index(); i < width * height; i += stride()) {
        const bool inside = map[i] > threshold;  // NaN is not
        mask[i] = inside;
        parents[i] = inside ? i : -1;
        parts[i] = {0, width, height, -1, -1};
        if (i == 0) *count = 0;
    }
}

extern "C" __global__ void mask_join(int* parents, int width, int height)
{
    for (int i = first_index(); i < width * height; i += stride()) {
        if (parents[i] < 0) continue;
        const int x = i % width, y = i / width;
        if (x > 0 && parents[i - 1] >= 0) join(parents, i, i - 1);
        for (int at = max(x - 1, 0); y > 0 && at <= min(x + 1, width - 1); ++at) {
            const int above = (y - 1) * width + at;
            if (parents[above] >= 0) join(parents, i, above);
        }
    }
}

extern "C" __global__ void mask_measure(
    const int* __restrict__ parents, Part* parts, int width, int height)
{
    for (int i = first_index(); i < width * height; i += stride()) {
        if (parents[i] < 0) continue;
        Part* part = parts + root(parents, i);
        atomicAdd(&part->area, 1);
        atomicMin(&part->left, i % width);
        atomicMin(&part->top, i / width);
        atomicMax(&part->right, i % width);
        atomicMax(&part->bottom, i / width);
    }
}

// `found` has room for all there can be: one in every two by two pixels. Its order is any.
extern "C" __global__ void mask_collect(
    const int* __restrict__ parents, const Part* __restrict__ parts, Part* __restrict__ found,
    int* count, int width, int height)
{
    for (int i = first_index(); i < width * height; i += stride())
        if (parents[i] == i) found[atomicAdd(count, 1)] = parts[i];
}
