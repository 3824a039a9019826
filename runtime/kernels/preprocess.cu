// A frame to model resolution, as `preprocessing.prepare`: region of interest, resize, letterbox.
//
// A block makes COLUMNS pixels of one output row: its threads sum up the input rows, 16 bytes of
// them each, in shared memory, and then the columns of those sums. Every byte of the frame is
// read once, or twice where two output rows share it, neighbouring threads reading neighbouring
// bytes. All sums are whole numbers and are rounded once. Right for any number of threads.
#include "axis.cuh"
#include "formats.cuh"

const int COLUMNS = 64;
const int VALUES = 3 * COLUMNS;
const int SUMS = 3072;  // of at most 1024 pixels with three channels, and 15 KB

// 16 bytes of gap after 64 keep threads that store side by side out of each other's banks.
__device__ inline int slot(int sum) { return sum + sum / 16 * 4; }

template <typename Format>
__device__ inline void preprocess(
    const unsigned char* frame, unsigned char* target, const Geometry& g)
{
    __shared__ uint4 stored[SUMS / 4 * 5 / 4];
    __shared__ unsigned long long totals[VALUES];
    const unsigned* sums = reinterpret_cast<const unsigned*>(stored);
    const int groups = SUMS / Format::SUMS;
    const int start = blockIdx.x * COLUMNS, row = static_cast<int>(blockIdx.y) - g.top;
    const int begin = max(start - g.left, 0);
    const int end = min(start + COLUMNS - g.left, g.inner_width);
    const bool filled = row >= 0 && row < g.inner_height && begin < end;

    for (int value = threadIdx.x; value < VALUES; value += blockDim.x) totals[value] = 0;
    if (filled) {
        const Share rows(row, g.height, g.inner_height);
        const int first = g.x + Share(begin, g.width, g.inner_width).first;
        const int last = g.x + Share(end - 1, g.width, g.inner_width).last;
        const int last_group = ((last + 1) * Format::PIXEL - 1) / GROUP;
        for (int group = first * Format::PIXEL / GROUP; group <= last_group; group += groups) {
            const int here = min(groups, last_group + 1 - group);
            for (int i = threadIdx.x; i < here; i += blockDim.x) {
                unsigned found[Format::SUMS] = {};
                for (int input = rows.first; input <= rows.last; ++input)
                    Format::add(found, frame, g, g.y + input, group + i, rows.weight(input));
                for (int k = 0; k < Format::SUMS; k += 4)
                    stored[slot(i * Format::SUMS + k) / 4] =
                        make_uint4(found[k], found[k + 1], found[k + 2], found[k + 3]);
            }
            __syncthreads();
            const int base = group * Format::SUMS, stop = base + here * Format::SUMS;
            for (int value = threadIdx.x; value < VALUES; value += blockDim.x) {
                const int column = start + value / 3 - g.left, channel = value % Format::CHANNELS;
                if (column < begin || column >= end) continue;
                const Share share(column, g.width, g.inner_width);
                const int least = (base - channel + Format::CHANNELS - 1) / Format::CHANNELS;
                const int most = (stop - 1 - channel) / Format::CHANNELS;
                const int from = max(g.x + share.first, least), to = min(g.x + share.last, most);
                unsigned long long total = 0;
                for (int pixel = from; pixel <= to; ++pixel)
                    total += static_cast<unsigned long long>(share.weight(pixel - g.x))
                             * sums[slot(pixel * Format::CHANNELS + channel - base)];
                totals[value] += total;
            }
            __syncthreads();
        }
    }
    const unsigned long long whole = static_cast<unsigned long long>(
        divisor(g.width, g.inner_width)) * divisor(g.height, g.inner_height);
    unsigned char* line = target + (static_cast<size_t>(blockIdx.y) * g.canvas_width + start) * 3;
    for (int value = threadIdx.x; value < min(VALUES, 3 * (g.canvas_width - start));
         value += blockDim.x)
        line[value] = static_cast<unsigned char>(rounded(totals[value], whole));
}

extern "C" __global__ void preprocess_bgr(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Bgr>(frame, target, geometry);
}

extern "C" __global__ void preprocess_grey(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Grey>(frame, target, geometry);
}

extern "C" __global__ void preprocess_nv12(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Nv12>(frame, target, geometry);
}

extern "C" __global__ void preprocess_yuyv(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Yuyv>(frame, target, geometry);
}
