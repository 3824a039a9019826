// Pixel formats: how 16 bytes of a row add to the weighted sums of B, G and R.
// A group is 16 bytes of the first plane, counted from the start of a row.
#pragma once

const int GROUP = 16;  // bytes

// All of it is 32-bit, so host and device lay it out alike; see device_kernels.py.
struct Geometry {
    int frame_width, frame_height, pitch;  // pixels, pixels, bytes from row to row
    int x, y, width, height;               // the region of interest
    int canvas_width;                      // of the model
    int left, top, inner_width, inner_height;  // the resized region on the canvas
};

struct Bytes {
    unsigned words[4];

    __device__ unsigned at(int index) const { return words[index / 4] >> 8 * (index % 4) & 255; }
};

// 16 bytes of a plane of `size` bytes; those beyond its end are 0.
__device__ inline Bytes load(const unsigned char* plane, size_t offset, size_t size)
{
    const unsigned char* start = plane + offset;
    const unsigned misaligned = static_cast<unsigned>(reinterpret_cast<size_t>(start) % 16);
    Bytes bytes = {{0, 0, 0, 0}};
    if (misaligned == 0 && offset + GROUP <= size) {
        const uint4 loaded = *reinterpret_cast<const uint4*>(start);
        bytes = {{loaded.x, loaded.y, loaded.z, loaded.w}};
    } else if (offset + GROUP + 4 <= size) {
        // memory is given out at multiples of 4, so the word around its first byte is there
        const unsigned shift = misaligned % 4;
        const unsigned* words = reinterpret_cast<const unsigned*>(start - shift);
        for (int i = 0; i < 4; ++i)
            bytes.words[i] = __funnelshift_r(words[i], words[i + 1], 8 * shift);
    } else {
        for (int i = 0; i < GROUP && offset + i < size; ++i)
            bytes.words[i / 4] |= static_cast<unsigned>(start[i]) << 8 * (i % 4);
    }
    return bytes;
}

__device__ inline size_t plane_size(const Geometry& g, int rows, int row_bytes)
{
    return static_cast<size_t>(rows - 1) * g.pitch + row_bytes;
}

// BT.601, limited range, in 20-bit fixed point: 1.164, 2.018, 0.391, 0.813, 1.596.
__device__ inline unsigned clipped(int value) { return min(max(value >> 20, 0), 255); }

__device__ inline void add_yuv(unsigned* sums, unsigned weight, int luma, int u, int v)
{
    const int half = 1 << 19, grey = max(luma - 16, 0) * 1220542 + half;
    u -= 128;
    v -= 128;
    sums[0] += weight * clipped(grey + 2116026 * u);
    sums[1] += weight * clipped(grey - 409993 * u - 852492 * v);
    sums[2] += weight * clipped(grey + 1673527 * v);
}

template <int BYTES>  // of a pixel
struct Interleaved {
    enum { PIXEL = BYTES, CHANNELS = BYTES, SUMS = GROUP };

    __device__ static void add(
        unsigned* sums, const unsigned char* frame, const Geometry& g, int row, int group,
        int weight)
    {
        const size_t size = plane_size(g, g.frame_height, g.frame_width * PIXEL);
        const size_t offset = static_cast<size_t>(row) * g.pitch + group * GROUP;
        const Bytes bytes = load(frame, offset, size);
        for (int i = 0; i < GROUP; ++i) sums[i] += weight * bytes.at(i);
    }
};

typedef Interleaved<3> Bgr;
typedef Interleaved<1> Grey;

// U and V of two by two pixels, interleaved in a second plane of the same pitch.
struct Nv12 {
    enum { PIXEL = 1, CHANNELS = 3, SUMS = 3 * GROUP };

    __device__ static void add(
        unsigned* sums, const unsigned char* frame, const Geometry& g, int row, int group,
        int weight)
    {
        const size_t luma_size = plane_size(g, g.frame_height, g.frame_width);
        const size_t chroma_size = plane_size(g, g.frame_height / 2, g.frame_width);
        const unsigned char* chroma = frame + static_cast<size_t>(g.frame_height) * g.pitch;
        const size_t pitch = g.pitch, column = group * GROUP;
        const Bytes y = load(frame, row * pitch + column, luma_size);
        const Bytes uv = load(chroma, row / 2 * pitch + column, chroma_size);
        for (int i = 0; i < GROUP; ++i)
            add_yuv(sums + 3 * i, weight, y.at(i), uv.at(i / 2 * 2), uv.at(i / 2 * 2 + 1));
    }
};

// Y U Y V: two pixels in four bytes.
struct Yuyv {
    enum { PIXEL = 2, CHANNELS = 3, SUMS = 3 * GROUP / 2 };

    __device__ static void add(
        unsigned* sums, const unsigned char* frame, const Geometry& g, int row, int group,
        int weight)
    {
        const size_t size = plane_size(g, g.frame_height, 2 * g.frame_width);
        const size_t offset = static_cast<size_t>(row) * g.pitch + group * GROUP;
        const Bytes bytes = load(frame, offset, size);
        for (int i = 0; i < GROUP / 2; ++i) {
            const int pair = i / 2 * 4;
            add_yuv(sums + 3 * i, weight, bytes.at(2 * i), bytes.at(pair + 1), bytes.at(pair + 3));
        }
    }
};
