// One axis of a resize: how much of each input pixel goes into an output pixel, in whole numbers.
// It is `axis_weights` of preprocessing.py times `divisor`, so sums of it are exact.
// Fits 32 bits while 2 * (length + 1) * target does, which the host sees to.
#pragma once

// Of numbers that are not negative, which a GPU divides with fewer instructions.
__device__ inline int divided(int value, int by)
{
    return static_cast<int>(static_cast<unsigned>(value) / static_cast<unsigned>(by));
}

struct Share {
    bool shrinks;
    int step, begin, end;  // shrinking: of an input pixel, of the output pixel
    int first, last;       // input pixels with a weight, both inclusive

    Share() = default;  // in shared memory

    __device__ Share(int output, int length, int target) : shrinks(target <= length)
    {
        if (shrinks) {
            step = target;
            begin = output * length;
            end = begin + length;
            first = divided(begin, step);
            last = divided(end - 1, step);
        } else {
            step = 2 * target;
            begin = min(max((2 * output + 1) * length - target, 0), step * (length - 1));
            end = begin;
            first = divided(begin, step);
            last = first + (first * step < begin);
        }
    }

    __device__ int weight(int input) const
    {
        const int at = input * step;
        return shrinks ? min(at + step, end) - max(at, begin) : step - abs(at - begin);
    }
};

__device__ inline unsigned divisor(int length, int target)
{
    return target <= length ? length : 2 * target;
}

// Half to even, as NumPy's rint; `total` is at most 255 times `divisor`, and `inverse` is
// 1 / `divisor`.
__device__ inline unsigned rounded(
    unsigned long long total, unsigned long long divisor, float inverse)
{
    // A 64-bit division costs a hundred instructions. This quotient is one off only where the
    // exact one is next to a whole number, and there the rest rounds to the same.
    const long long whole = static_cast<long long>(divisor);
    const int quotient = static_cast<int>(static_cast<float>(total) * inverse);
    const long long twice = 2 * (static_cast<long long>(total) - quotient * whole);
    return static_cast<unsigned>(quotient + (twice > whole || (twice == whole && quotient % 2)));
}
