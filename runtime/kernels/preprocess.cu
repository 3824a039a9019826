// A frame to model resolution, as `preprocessing.prepare`: region of interest, resize, letterbox.
//
// A block makes COLUMNS pixels of one output row. Its threads fetch the input rows to shared
// memory, 16 bytes at a time and all at once, so that one wait for the memory serves every row;
// then they sum up the rows, and then the columns of those sums, several threads for each pixel.
// Every byte of the frame is read once, or twice where two output rows share it, neighbouring
// threads reading neighbouring bytes. All sums are whole numbers and are rounded once. Right for
// any number of threads.
//
// Loops over rows and columns are not unrolled: they go round two to six times, and the compiler's
// code for fours of them made each kernel half as long again.
#include "axis.cuh"
#include "formats.cuh"

// 1080p to 256x256 is 1024 blocks. An H100 takes 1056 at once, eight on a multiprocessor, while
// a block has 256 threads of 32 registers and 28 KB; and its 5 to 6 rows are staged in one go.
const int COLUMNS = 64;
const int THREADS = 256;  // of a block, at most
const int STAGED = 576;   // groups: 9 KB
const int ROWS = 128;     // of them, at most
const int SUMS = 1536;    // of at most 512 pixels with three channels: 6 KB

const int PARTS = 4;  // of the columns of a pixel, each summed up by another thread
const int UNITS = COLUMNS * PARTS;

#if __CUDA_ARCH__ == 800 || __CUDA_ARCH__ == 900 || __CUDA_ARCH__ == 1000
const int AT_ONCE = 2048 / THREADS;  // blocks; elsewhere a multiprocessor takes fewer threads
#else
const int AT_ONCE = 1;
#endif

struct Shared {
    uint4 staged[STAGED];
    uint4 sums[SUMS / 4];
    unsigned long long totals[3 * UNITS];  // each read and written by one thread, but at the end
    unsigned weights[ROWS + 1];
    Share columns[COLUMNS], rows;
};

// The columns that a block makes.
struct Tile {
    int start;       // on the canvas
    int begin, end;  // in the resized region
};

// Each share takes two divisions, so it is worked out once.
__device__ inline void share_out(Shared& shared, const Geometry& g, const Tile& tile, int row)
{
    for (int i = threadIdx.x; i <= COLUMNS; i += blockDim.x) {
        const int column = tile.start + i - g.left;
        if (i == COLUMNS)
            shared.rows = Share(row, g.height, g.inner_height);
        else if (column >= tile.begin && column < tile.end)
            shared.columns[i] = Share(column, g.width, g.inner_width);
    }
}

template <typename Format>
__device__ inline void stage(
    Shared& shared, const unsigned char* frame, const Geometry& g, const Window& window)
{
    const int groups = Format::lines(window) * window.count;
    const float inverse = 1.0f / window.count;
    for (int i = threadIdx.x; i < groups; i += blockDim.x) {
        // exact: half a group away from where rounding could tell
        const int line = static_cast<int>((i + 0.5f) * inverse);
        const int group = window.group + i - line * window.count;
        shared.staged[i] = Format::line(frame, g, window, line, group);
    }
    for (int i = threadIdx.x; i <= window.rows; i += blockDim.x)
        shared.weights[i] = i < window.rows ? shared.rows.weight(window.row - g.y + i) : 0;
}

// The rows of a window, weighted, on top of those before.
template <typename Format>
__device__ inline void sum_rows(Shared& shared, const Window& window, bool first)
{
    enum { COUNT = Format::SUMS / Format::PIECES };
    unsigned* sums = reinterpret_cast<unsigned*>(shared.sums);
    const unsigned* words = reinterpret_cast<const unsigned*>(shared.staged);
    for (int piece = threadIdx.x; piece < window.count * Format::PIECES; piece += blockDim.x) {
        unsigned found[COUNT];
        for (int k = 0; k < COUNT; ++k) found[k] = first ? 0 : sums[piece * COUNT + k];
        Format::add(found, words, window, shared.weights, piece);
        for (int k = 0; k < COUNT; ++k) sums[piece * COUNT + k] = found[k];
    }
}

// Those of the sums that belong to a part of a pixel of the output, weighted, on top of its totals.
template <typename Format>
__device__ inline void sum_columns(
    Shared& shared, const Geometry& g, const Tile& tile, const Window& window)
{
    enum { PIXELS = GROUP * Format::WHOLE / Format::PIXEL };
    const int base = window.group / Format::WHOLE * PIXELS - g.x;
    const int stop = base + window.count * GROUP / Format::PIXEL;
    const unsigned* sums = reinterpret_cast<const unsigned*>(shared.sums);
    for (int unit = threadIdx.x; unit < UNITS; unit += blockDim.x) {
        const int column = tile.start + unit / PARTS - g.left;
        if (column < tile.begin || column >= tile.end) continue;
        const Share share = shared.columns[unit / PARTS];
        unsigned long long totals[Format::CHANNELS] = {};
        const int last = min(share.last, stop - 1);
#pragma unroll 1
        for (int input = max(share.first, base) + unit % PARTS; input <= last; input += PARTS) {
            const unsigned long long weight = share.weight(input);
            for (int channel = 0; channel < Format::CHANNELS; ++channel)
                totals[channel] += weight * sums[(input - base) * Format::CHANNELS + channel];
        }
        for (int channel = 0; channel < Format::CHANNELS; ++channel)
            shared.totals[channel * UNITS + unit] += totals[channel];
    }
}

template <typename Format>
__device__ inline void sum_up(
    Shared& shared, const unsigned char* frame, const Geometry& g, const Tile& tile)
{
    const Share rows = shared.rows;
    const int first = g.x + shared.columns[tile.begin + g.left - tile.start].first;
    const int last = g.x + shared.columns[tile.end - 1 + g.left - tile.start].last;
    const int end = ((last + 1) * Format::PIXEL - 1) / GROUP + 1;
    const int most = SUMS / Format::SUMS / Format::WHOLE * Format::WHOLE;
    Window window;
    window.group = first * Format::PIXEL / (GROUP * Format::WHOLE) * Format::WHOLE;
    for (; window.group < end; window.group += most) {
        window.count = min(most, end - window.group);
        const int high = min(Format::rows(STAGED / window.count), ROWS);
        for (int input = rows.first; input <= rows.last; input += high) {
            window.row = g.y + input;
            window.rows = min(high, rows.last + 1 - input);
            stage<Format>(shared, frame, g, window);
            __syncthreads();
            sum_rows<Format>(shared, window, input == rows.first);
            __syncthreads();
        }
        sum_columns<Format>(shared, g, tile, window);
    }
}

template <typename Format>
__device__ inline void preprocess(
    const unsigned char* frame, unsigned char* target, const Geometry& g)
{
    __shared__ Shared shared;
    const int start = blockIdx.x * COLUMNS, row = static_cast<int>(blockIdx.y) - g.top;
    const Tile tile = {
        start, max(start - g.left, 0), min(start + COLUMNS - g.left, g.inner_width)};
    const bool inside = row >= 0 && row < g.inner_height && tile.begin < tile.end;
    for (int i = threadIdx.x; i < 3 * UNITS; i += blockDim.x) shared.totals[i] = 0;
    if (inside) share_out(shared, g, tile, row);
    __syncthreads();
    if (inside) sum_up<Format>(shared, frame, g, tile);
    __syncthreads();

    const unsigned long long columns = divisor(g.width, g.inner_width);
    const unsigned long long whole = columns * divisor(g.height, g.inner_height);
    const float inverse = 1.0f / static_cast<float>(whole);
    unsigned char* line = target + (static_cast<size_t>(blockIdx.y) * g.canvas_width + start) * 3;
    const int values = 3 * min(COLUMNS, g.canvas_width - start);
    for (int value = threadIdx.x; value < values; value += blockDim.x) {
        const int unit = value % Format::CHANNELS * UNITS + value / 3 * PARTS;
        unsigned long long total = 0;
        for (int part = 0; part < PARTS; ++part) total += shared.totals[unit + part];
        line[value] = static_cast<unsigned char>(rounded(total, whole, inverse));
    }
}

extern "C" __launch_bounds__(THREADS, AT_ONCE) __global__ void preprocess_bgr(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Bgr>(frame, target, geometry);
}

extern "C" __launch_bounds__(THREADS, AT_ONCE) __global__ void preprocess_grey(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Grey>(frame, target, geometry);
}

extern "C" __launch_bounds__(THREADS, AT_ONCE) __global__ void preprocess_nv12(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Nv12>(frame, target, geometry);
}

extern "C" __launch_bounds__(THREADS, AT_ONCE) __global__ void preprocess_yuyv(
    const unsigned char* __restrict__ frame, unsigned char* __restrict__ target, Geometry geometry)
{
    preprocess<Yuyv>(frame, target, geometry);
}
