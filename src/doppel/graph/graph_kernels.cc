// Compiles the kernels once per instruction set and calls those of the one in use.
#include "doppel/graph/graph_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "doppel/graph/graph_kernels.cc"
#include "hwy/foreach_target.h"  // must come before highway.h

// clang-format off
#include "hwy/highway.h"
#include "doppel/graph/graph_kernels-inl.h"
// clang-format on

#if HWY_ONCE
namespace doppel::internal {

HWY_EXPORT(MultiplyRows);
HWY_EXPORT(TileToPoints);
HWY_EXPORT(PointsToTile);
HWY_EXPORT(WindowMax);
HWY_EXPORT(WindowMean);
HWY_EXPORT(SumValues);

void multiply_rows(const RowProduct& product, const float* const* x, const float* const* skip,
                   float* const* y, size_t rows) {
  HWY_DYNAMIC_DISPATCH(MultiplyRows)(product, x, skip, y, rows);
}
void tile_to_points(const float* x, size_t pixel, size_t row, size_t channels, float* points,
                    size_t stride) {
  HWY_DYNAMIC_DISPATCH(TileToPoints)(x, pixel, row, channels, points, stride);
}
void points_to_tile(const float* points, size_t stride, const TileOutput& output, const float* skip,
                    float* y) {
  HWY_DYNAMIC_DISPATCH(PointsToTile)(points, stride, output, skip, y);
}
void window_max(const PoolWindow& window, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(WindowMax)(window, x, y);
}
void window_mean(const PoolWindow& window, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(WindowMean)(window, x, y);
}
void sum_values(const float* a, const float* b, size_t n, bool relu, float* y) {
  HWY_DYNAMIC_DISPATCH(SumValues)(a, b, n, relu, y);
}

}  // namespace doppel::internal
#endif  // HWY_ONCE
