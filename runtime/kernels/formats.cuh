// Pixel formats: how a frame gets into shared memory, and how a piece of its rows adds to the
// weighted sums of B, G and R. A group is 16 bytes of a plane, counted from the start of a row.
#pragma once

const int GROUP = 16;  // bytes

// All of it is 32-bit, so host and device lay it out alike; see device_kernels.py.
struct Geometry {
    int frame_width, frame_height, pitch;  // pixels, pixels, bytes from row to row
    int x, y, width, height;               // the region of interest
    int canvas_width;                      // of the model
    int left, top, inner_width, inner_height;  // the resized region on the canvas
};

// What of a frame is in shared memory: `count` groups of `rows` rows, one line after the other.
struct Window {
    int row, rows;
    int group, count;
};

// 16 bytes of a plane of `size` bytes; those beyond its end are 0.
__device__ inline uint4 load(const unsigned char* plane, size_t offset, size_t size)
{
    const unsigned char* start = plane + offset;
    const unsigned misaligned = static_cast<unsigned>(reinterpret_cast<size_t>(start) % 16);
    if (misaligned == 0 && offset + GROUP <= size) return *reinterpret_cast<const uint4*>(start);

    unsigned found[4] = {0, 0, 0, 0};
    if (offset + GROUP + 4 <= size) {
        // memory is given out at multiples of 4, so the word around its first byte is there
        const unsigned shift = misaligned % 4;
        const unsigned* words = reinterpret_cast<const unsigned*>(start - shift);
        for (int i = 0; i < 4; ++i)
            found[i] = __funnelshift_r(words[i], words[i + 1], 8 * shift);
    } else {
#pragma unroll 1
        for (int i = 0; i < GROUP && offset + i < size; ++i)
            found[i / 4] |= static_cast<unsigned>(start[i]) << 8 * (i % 4);
    }
    return make_uint4(found[0], found[1], found[2], found[3]);
}

__device__ inline size_t plane_size(const Geometry& g, int rows, int row_bytes)
{
    return static_cast<size_t>(rows - 1) * g.pitch + row_bytes;
}

__device__ inline unsigned byte_of(unsigned word, int index) { return word >> 8 * index & 255; }

// BT.601, limited range, in 20-bit fixed point: 1.164, 2.018, 0.391, 0.813, 1.596.
struct Colour {  // of two pixels side by side; without their luma
    int blue, green, red;

    __device__ Colour(unsigned u, unsigned v)
    {
        const int luma = 1220542, rest = (1 << 19) - 16 * luma;
        const int du = static_cast<int>(u) - 128, dv = static_cast<int>(v) - 128;
        blue = rest + 2116026 * du;
        green = rest - 409993 * du - 852492 * dv;
        red = rest + 1673527 * dv;
    }
};

__device__ inline unsigned clipped(int value)
{
#if __CUDA_ARCH__ >= 900
    int found;  // both limits in one instruction
    asm("min.relu.s32 %0, %1, 255;" : "=r"(found) : "r"(value >> 20));
    return static_cast<unsigned>(found);
#else
    return static_cast<unsigned>(min(max(value >> 20, 0), 255));
#endif
}

__device__ inline void add_yuv(unsigned* sums, unsigned weight, unsigned luma, const Colour& colour)
{
    const int grey = max(static_cast<int>(luma), 16) * 1220542;
    sums[0] += weight * clipped(grey + colour.blue);
    sums[1] += weight * clipped(grey + colour.green);
    sums[2] += weight * clipped(grey + colour.red);
}

// A format has: bytes of a PIXEL and CHANNELS of its sums; the number of groups that are WHOLE
// pixels; SUMS of a group, found in PIECES by threads side by side; how many lines a window has and
// how many rows go into so many lines; a group of a line from the frame; and what a piece of all
// rows of a window adds to its sums. The weights are one more than the rows, and the last is 0.

template <int BYTES>  // of a pixel
struct Interleaved {
    enum { PIXEL = BYTES, CHANNELS = BYTES, SUMS = GROUP, PIECES = 4 };
    enum { WHOLE = BYTES % 2 ? BYTES : 1 };

    __device__ static int lines(const Window& w) { return w.rows; }
    __device__ static int rows(int lines) { return lines; }

    __device__ static uint4 line(
        const unsigned char* frame, const Geometry& g, const Window& w, int line, int group)
    {
        const size_t size = plane_size(g, g.frame_height, g.frame_width * PIXEL);
        return load(frame, static_cast<size_t>(w.row + line) * g.pitch + group * GROUP, size);
    }

    __device__ static void add(
        unsigned* sums, const unsigned* words, const Window& w, const unsigned* weights,
        int piece)
    {
        // two rows at a time: dp2a multiplies two bytes by two weights of 16 bits, and adds them
#pragma unroll 1
        for (int row = 0; row < w.rows; row += 2) {
            const unsigned* word = words + row * w.count * PIECES + piece;
            const unsigned first = *word, second = row + 1 < w.rows ? word[w.count * PIECES] : 0;
            const unsigned weight = weights[row] | weights[row + 1] << 16;
            const unsigned low = __byte_perm(first, second, 0x5140);
            const unsigned high = __byte_perm(first, second, 0x7362);
            sums[0] = __dp2a_lo(weight, low, sums[0]);
            sums[1] = __dp2a_hi(weight, low, sums[1]);
            sums[2] = __dp2a_lo(weight, high, sums[2]);
            sums[3] = __dp2a_hi(weight, high, sums[3]);
        }
    }
};

typedef Interleaved<3> Bgr;
typedef Interleaved<1> Grey;

// U and V of two by two pixels, interleaved in a second plane of the same pitch.
struct Nv12 {
    enum { PIXEL = 1, CHANNELS = 3, SUMS = 3 * GROUP, PIECES = 8, WHOLE = 1 };

    // those of the second plane after those of the first
    __device__ static int lines(const Window& w)
    {
        return w.rows + (w.row + w.rows - 1) / 2 - w.row / 2 + 1;
    }
    __device__ static int rows(int lines) { return (lines - 1) * 2 / 3; }

    __device__ static uint4 line(
        const unsigned char* frame, const Geometry& g, const Window& w, int line, int group)
    {
        // the second plane follows the first, so both are rows of one
        const int chroma = g.frame_height + w.row / 2 + line - w.rows;
        const int row = line < w.rows ? w.row + line : chroma;
        const size_t size = plane_size(g, g.frame_height / 2 * 3, g.frame_width);
        return load(frame, static_cast<size_t>(row) * g.pitch + group * GROUP, size);
    }

    __device__ static void add(
        unsigned* sums, const unsigned* words, const Window& w, const unsigned* weights,
        int piece)
    {
        const int stride = w.count * 4, shift = piece % 2 * 16;
        const unsigned* luma = words + piece / 2;
        const unsigned* chroma = luma + w.rows * stride;
        Colour colour(0, 0);
#pragma unroll 1
        for (int row = 0; row < w.rows; ++row, luma += stride) {
            if (row == 0 || (w.row + row) % 2 == 0) {
                const unsigned uv = *chroma >> shift;
                colour = Colour(byte_of(uv, 0), byte_of(uv, 1));
                chroma += stride;
            }
            const unsigned y = *luma >> shift;
            add_yuv(sums, weights[row], byte_of(y, 0), colour);
            add_yuv(sums + 3, weights[row], byte_of(y, 1), colour);
        }
    }
};

// Y U Y V: two pixels in four bytes.
struct Yuyv {
    enum { PIXEL = 2, CHANNELS = 3, SUMS = 3 * GROUP / 2, PIECES = 4, WHOLE = 1 };

    __device__ static int lines(const Window& w) { return w.rows; }
    __device__ static int rows(int lines) { return lines; }

    __device__ static uint4 line(
        const unsigned char* frame, const Geometry& g, const Window& w, int line, int group)
    {
        return Interleaved<2>::line(frame, g, w, line, group);
    }

    __device__ static void add(
        unsigned* sums, const unsigned* words, const Window& w, const unsigned* weights,
        int piece)
    {
#pragma unroll 1
        for (int row = 0; row < w.rows; ++row) {
            const unsigned word = words[row * w.count * PIECES + piece];
            const Colour colour(byte_of(word, 1), byte_of(word, 3));
            add_yuv(sums, weights[row], byte_of(word, 0), colour);
            add_yuv(sums + 3, weights[row], byte_of(word, 2), colour);
        }
    }
};
