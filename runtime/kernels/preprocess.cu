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

// The columns that a block makes.
struct Tile {
    int start;       // on the canvas
    int begin, end;  // in the resized region
};

// The input rows of an output row, weighted, for `count` groups of 16 bytes.
template <typename Format>
__device__ inline void sum_rows(
    uint4* stored, const unsigned char* frame, const Geometry& g, int row, int group, int count)
{
    const Share rows(row, g.height, g.inner_height);
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        unsigned found[Format::SUMS] = {};
        for (int input = rows.first; input <= rows.last; ++input)
            Format::add(found, frame, g, g.y + input, group + i, rows.weight(input));
        for (int k = 0; k < Format::SUMS; k += 4)
            stored[slot(i * Format::SUMS + k) / 4] =
                make_uint4(found[k], found[k + 1], found[k + 2], found[k + 3]);
    }
}

// Those of the sums that belong to a value of the output, weighted, on top of its total.
template <typename Format>
__device__ inline void sum_columns(
    unsigned long long* totals, const unsigned* sums, const Geometry& g, const Tile& tile,
    int group, int count)
{
    const int base = group * Format::SUMS, stop = base + count * Format::SUMS;
    for (int value = threadIdx.x; value < VALUES; value += blockDim.x) {
        const int column = tile.start + value / 3 - g.left, channel = value % Format::CHANNELS;
        if (column < tile.begin || column >= tile.end) continue;
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
}

template <typename Format>
__device__ inline void preprocess(
    const unsigned char* frame, unsigned char* target, const Geometry& g)
{
    __shared__ uint4 stored[SUMS / 4 * 5 / 4];
    __shared__ unsigned long long totals[VALUES];  // each read and written by one thread only
    const int start = blockIdx.x * COLUMNS, row = static_cast<int>(blockIdx.y) - g.top;
    const Tile tile = {
        start, max(start - g.left, 0), min(start + COLUMNS - g.left, g.inner_width)};
    for (int value = threadIdx.x; value < VALUES; value += blockDim.x) totals[value] = 0;

    if (row >= 0 && row < g.inner_height && tile.begin < tile.end) {
        const int first = g.x + Share(tile.begin, g.width, g.inner_width).first;
        const int last = g.x + Share(tile.end - 1, g.width, g.inner_width).last;
        const int end = ((last + 1) * Format::PIXEL - 1) / GROUP + 1;
        const int most = SUMS / Format::SUMS;
        for (int group = first * Format::PIXEL / GROUP; group < end; group += most) {
            const int count = min(most, end - group);
            sum_rows<Format>(stored, frame, g, row, group, count);
            __syncthreads();
            sum_columns<Format>(
                totals, reinterpret_cast<const unsigned*>(stored), g, tile, group, count);
            __syncthreads();
        }
    }

    const unsigned long long columns = divisor(g.width, g.inner_width);
    const unsigned long long whole = columns * divisor(g.height, g.inner_height);
    unsigned char* line = target + (static_cast<size_t>(blockIdx.y) * g.canvas_width + start) * 3;
    const int values = min(VALUES, 3 * (g.canvas_width - start));
    for (int value = threadIdx.x; value < values; value += blockDim.x)
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
