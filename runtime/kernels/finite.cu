// A score becomes NaN when its map or the score itself is NaN or infinite, so that four bytes tell
// the host all it has to know of a good part. One column of blocks per map.

__device__ inline bool finite_bits(unsigned bits) { return (bits & 0x7f800000u) != 0x7f800000u; }

extern "C" __global__ void check_finite(
    const unsigned* __restrict__ maps, unsigned* scores, int pixels)
{
    const unsigned* map = maps + static_cast<size_t>(blockIdx.y) * pixels;
    const int threads = gridDim.x * blockDim.x;
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    // 16 bytes at a time where the map begins at a multiple of them
    const int quads = reinterpret_cast<size_t>(map) % sizeof(uint4) ? 0 : pixels / 4;
    const uint4* quad = reinterpret_cast<const uint4*>(map);
    bool good = true;
    for (int i = thread; i < quads; i += threads) {
        const uint4 four = quad[i];
        good = good && finite_bits(four.x) && finite_bits(four.y) && finite_bits(four.z)
               && finite_bits(four.w);
    }
    for (int i = 4 * quads + thread; i < pixels; i += threads) good = good && finite_bits(map[i]);
    if (thread == 0) good = good && finite_bits(scores[blockIdx.y]);
    // whoever writes, writes the same
    if (!good) atomicExch(scores + blockIdx.y, 0x7fc00000u);
}
