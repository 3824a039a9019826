// Enough of CUDA for a C++ compiler to run a kernel's very source on the CPU.
//
// Blocks run one after the other; the threads of a block are real threads, so barriers, shared
// memory and atomics do what they do on a GPU. Arguments arrive packed as the driver takes them.
#pragma once
#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

using std::max;
using std::min;

#define __global__
#define __device__
#define __shared__ static
#define __restrict__ __restrict
#define __launch_bounds__(...)

struct Index {
    unsigned x, y, z;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

inline thread_local Index threadIdx, blockIdx, blockDim, gridDim;
inline std::barrier<>* shim_barrier;

inline void __syncthreads() { shim_barrier->arrive_and_wait(); }
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift)
{
    const unsigned long long both = static_cast<unsigned long long>(high) << 32 | low;
    return static_cast<unsigned>(both >> (shift & 31));
}
// Selects bytes of the eight, one by each four bits.
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector)
{
    const unsigned long long both = static_cast<unsigned long long>(high) << 32 | low;
    unsigned found = 0;
    for (int i = 0; i < 4; ++i)
        found |= static_cast<unsigned>(both >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
    return found;
}
// Two numbers of 16 bits times the lower two bytes, or the upper two.
inline unsigned __dp2a_lo(unsigned pair, unsigned bytes, unsigned sum)
{
    return sum + (pair & 65535) * (bytes & 255) + (pair >> 16) * (bytes >> 8 & 255);
}
inline unsigned __dp2a_hi(unsigned pair, unsigned bytes, unsigned sum)
{
    return __dp2a_lo(pair, bytes >> 16, sum);
}
inline int __float_as_int(float value)
{
    int bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __int_as_float(int bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
// Atomics let another thread go first: what was read before is as old as it may be on a GPU.
template <typename T> T atomicExch(T* at, T value)
{
    std::this_thread::yield();
    return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
template <typename T> T atomicAdd(T* at, T value)
{
    std::this_thread::yield();
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
template <typename T, typename Better> T shim_replace(T* at, T value, Better better)
{
    std::this_thread::yield();
    T seen = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (better(value, seen)
           && !__atomic_compare_exchange_n(
               at, &seen, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return seen;
}
template <typename T> T atomicMin(T* at, T value)
{
    return shim_replace(at, value, std::less<T>());
}
template <typename T> T atomicMax(T* at, T value)
{
    return shim_replace(at, value, std::greater<T>());
}

template <typename T> T shim_argument(const unsigned char*& packed, const unsigned char* start)
{
    packed += (alignof(T) - (packed - start) % alignof(T)) % alignof(T);
    T value;
    std::memcpy(&value, packed, sizeof(T));
    packed += sizeof(T);
    return value;
}

// `shape`: grid x y z, block x; gives how many bytes of arguments the kernel took.
template <typename... T>
std::size_t shim_launch(void (*kernel)(T...), const unsigned* shape, const unsigned char* packed)
{
    const unsigned char* next = packed;
    const std::tuple<T...> arguments{shim_argument<std::remove_cv_t<T>>(next, packed)...};
    std::barrier<> barrier(shape[3]);
    shim_barrier = &barrier;
    auto work = [&](unsigned number) {
        gridDim = {shape[0], shape[1], shape[2]};
        blockDim = {shape[3], 1, 1};
        threadIdx = {number, 0, 0};
        for (unsigned z = 0; z < shape[2]; ++z)
            for (unsigned y = 0; y < shape[1]; ++y)
                for (unsigned x = 0; x < shape[0]; ++x) {
                    blockIdx = {x, y, z};
                    std::apply(kernel, arguments);
                    barrier.arrive_and_wait();  // `static` shared memory serves one block at a time
                }
    };
    std::vector<std::thread> threads;
    for (unsigned number = 1; number < shape[3]; ++number) threads.emplace_back(work, number);
    work(0);
    for (std::thread& thread : threads) thread.join();
    return next - packed;
}

#define EXPORT(kernel)                                                                        \
    extern "C" std::size_t run_##kernel(const unsigned* shape, const unsigned char* packed)   \
    {                                                                                         \
        return shim_launch(kernel, shape, packed);                                            \
    }
