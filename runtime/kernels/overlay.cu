// The heat of a map over its frame, as `pictures.heat_overlay` of `preprocessing.map_on_frame`.
// One thread per pixel; outside the region of interest the frame stays as it is.

struct Scene {
    int frame_width, frame_height;
    int x, y, width, height;  // the region of interest
    int map_width;
    int left, top, inner_width, inner_height;  // the resized region on the map
    float strength, saturated;
};

// Between the two nearest of `length` values, for output `index` of `target`.
struct Between {
    int first, second;
    float share;  // of the second

    __device__ Between(int index, int length, int target)
    {
        const float centre = (index + 0.5f) * (static_cast<float>(length) / target) - 0.5f;
        const float inside = fminf(fmaxf(centre, 0.0f), static_cast<float>(length - 1));
        first = static_cast<int>(inside);
        second = min(first + 1, length - 1);
        share = inside - first;
    }
};

__device__ inline float heat_at(const float* map, const Scene& s, int x, int y)
{
    const Between columns(x, s.inner_width, s.width), rows(y, s.inner_height, s.height);
    const float* upper = map + static_cast<size_t>(s.top + rows.first) * s.map_width + s.left;
    const float* lower = map + static_cast<size_t>(s.top + rows.second) * s.map_width + s.left;
    const float rest = 1.0f - columns.share;
    const float above = upper[columns.first] * rest + upper[columns.second] * columns.share;
    const float below = lower[columns.first] * rest + lower[columns.second] * columns.share;
    const float heat = above * (1.0f - rows.share) + below * rows.share;
    return heat > 0.0f ? fminf(heat, 1.0f) : 0.0f;  // NaN too
}

// `colours`: 256 times B, G, R. Rows of both frames without padding.
extern "C" __global__ void overlay(
    const unsigned char* __restrict__ frame, const float* __restrict__ map,
    const unsigned char* __restrict__ colours, unsigned char* __restrict__ target, Scene s)
{
    for (int y = blockIdx.y; y < s.frame_height; y += gridDim.y) {
        for (int x = blockIdx.x * blockDim.x + threadIdx.x; x < s.frame_width;
             x += gridDim.x * blockDim.x) {
            const int column = x - s.x, row = y - s.y;
            const bool inside =
                column >= 0 && row >= 0 && column < s.width && row < s.height;
            const float heat = inside ? heat_at(map, s, column, row) : 0.0f;
            const float cover = s.strength * fminf(heat / s.saturated, 1.0f);
            const unsigned char* colour = colours + 3 * static_cast<int>(rintf(heat * 255.0f));
            const size_t at = (static_cast<size_t>(y) * s.frame_width + x) * 3;
            for (int i = 0; i < 3; ++i)
                target[at + i] = static_cast<unsigned char>(
                    rintf(frame[at + i] * (1.0f - cover) + colour[i] * cover));
        }
    }
}
