// Compiles the kernels once per instruction set and calls those of the one in use.
#include "doppel/nn/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "doppel/nn/kernels.cc"
#include "hwy/foreach_target.h"  // must come before highway.h

// clang-format off
#include "hwy/highway.h"
#include "doppel/nn/activation-inl.h"
#include "doppel/nn/conv-inl.h"
#include "doppel/nn/conv_pool-inl.h"
#include "doppel/nn/norm-inl.h"
#include "doppel/nn/product-inl.h"
#include "doppel/nn/transpose-inl.h"
// clang-format on

#if HWY_ONCE
namespace doppel::internal {

HWY_EXPORT(RowsToTile);
HWY_EXPORT(TileToRows);
HWY_EXPORT(DrawKept);
HWY_EXPORT(ConvPoolForward);
HWY_EXPORT(ConvPoolRoute);
HWY_EXPORT(ConvPoolWeightGradient);
HWY_EXPORT(ConvPoolInputGradient);
HWY_EXPORT(ConvForward);
HWY_EXPORT(ConvWeightGradient);
HWY_EXPORT(ConvInputGradient);
HWY_EXPORT(Activate);
HWY_EXPORT(ActivateGradient);
HWY_EXPORT(Clamp);
HWY_EXPORT(ClampGradient);
HWY_EXPORT(MaxPoolForward);
HWY_EXPORT(MaxPoolGradient);
HWY_EXPORT(NormMeasure);
HWY_EXPORT(NormForward);
HWY_EXPORT(NormGradientSums);
HWY_EXPORT(NormGradient);
HWY_EXPORT(PlaneMeans);
HWY_EXPORT(PlaneMeansGradient);
HWY_EXPORT(UnitLength);
HWY_EXPORT(UnitLengthGradient);
HWY_EXPORT(AddValues);
HWY_EXPORT(Multiply);
HWY_EXPORT(SumLanes);

void rows_to_tile(const float* const* rows, size_t n, float* tile) {
  HWY_DYNAMIC_DISPATCH(RowsToTile)(rows, n, tile);
}
void tile_to_rows(const float* tile, size_t n, float* const* rows) {
  HWY_DYNAMIC_DISPATCH(TileToRows)(tile, n, rows);
}
void draw_kept(const DropoutDraw& draw, size_t n, LaneBits* kept) {
  HWY_DYNAMIC_DISPATCH(DrawKept)(draw, n, kept);
}
void conv_pool_forward(const ConvPool& shape, const float* x, const float* weight,
                       const float* bias, const LaneBits* kept, float scale, float* y,
                       PoolChoice* choice) {
  HWY_DYNAMIC_DISPATCH(ConvPoolForward)(shape, x, weight, bias, kept, scale, y, choice);
}
void conv_pool_route(const ConvPool& shape, const float* y, const float* y_gradient, float scale,
                     float* routed, float* bias_gradient) {
  HWY_DYNAMIC_DISPATCH(ConvPoolRoute)(shape, y, y_gradient, scale, routed, bias_gradient);
}
void conv_pool_weight_gradient(const ConvPool& shape, const float* x, const float* routed,
                               const PoolChoice* choice, float* weight_gradient) {
  HWY_DYNAMIC_DISPATCH(ConvPoolWeightGradient)(shape, x, routed, choice, weight_gradient);
}
void conv_pool_input_gradient(const ConvPool& shape, const float* weight, const float* routed,
                              const PoolChoice* choice, float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(ConvPoolInputGradient)(shape, weight, routed, choice, x_gradient);
}
void conv_forward(const ConvPlain& shape, const float* x, const float* weight, const float* bias,
                  float* y) {
  HWY_DYNAMIC_DISPATCH(ConvForward)(shape, x, weight, bias, y);
}
void conv_weight_gradient(const ConvPlain& shape, const float* x, const float* y_gradient,
                          float* weight_gradient, float* bias_gradient) {
  HWY_DYNAMIC_DISPATCH(ConvWeightGradient)(shape, x, y_gradient, weight_gradient, bias_gradient);
}
void conv_input_gradient(const ConvPlain& shape, const float* framed, const float* weight,
                         float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(ConvInputGradient)(shape, framed, weight, x_gradient);
}
void activate(const float* x, size_t n, bool relu, const LaneBits* kept, float scale, float* y) {
  HWY_DYNAMIC_DISPATCH(Activate)(x, n, relu, kept, scale, y);
}
void activate_gradient(const float* y, const float* y_gradient, size_t n, bool relu,
                       const LaneBits* kept, float scale, float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(ActivateGradient)(y, y_gradient, n, relu, kept, scale, x_gradient);
}
void clamp(const float* x, size_t n, float most, float* y) {
  HWY_DYNAMIC_DISPATCH(Clamp)(x, n, most, y);
}
void clamp_gradient(const float* y, const float* y_gradient, size_t n, float most,
                    float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(ClampGradient)(y, y_gradient, n, most, x_gradient);
}
void max_pool(const float* x, size_t channels, size_t height, size_t width, size_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(MaxPoolForward)(x, channels, height, width, size, y);
}
void max_pool_gradient(const float* x, const float* y, const float* y_gradient, size_t channels,
                       size_t height, size_t width, size_t size, float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(MaxPoolGradient)
  (x, y, y_gradient, channels, height, width, size, x_gradient);
}
void norm_measure(const float* x, size_t channels, size_t plane, size_t images, float* sums) {
  HWY_DYNAMIC_DISPATCH(NormMeasure)(x, channels, plane, images, sums);
}
void norm_forward(const Norm& shape, const float* x, const NormSettings& n, const float* skip,
                  float* y) {
  HWY_DYNAMIC_DISPATCH(NormForward)(shape, x, n.scale, n.shift, skip, y);
}
void norm_gradient_sums(const Norm& shape, const float* x, const NormSettings& n, const float* skip,
                        const float* y, const float* y_gradient, float* sums) {
  HWY_DYNAMIC_DISPATCH(NormGradientSums)
  (shape, x, n.scale, n.shift, skip, y, y_gradient, n.mean, n.inverse, sums);
}
void norm_gradient(const Norm& shape, const float* x, const NormSettings& n, const float* skip,
                   const float* y, const float* y_gradient, size_t images, float* x_gradient,
                   float* skip_gradient) {
  HWY_DYNAMIC_DISPATCH(NormGradient)
  (shape, x, n.scale, n.shift, skip, y, y_gradient, n.mean, n.inverse, n.mean_gradient,
   n.mean_product, images, x_gradient, skip_gradient);
}
void plane_means(const float* x, size_t channels, size_t plane, float* y) {
  HWY_DYNAMIC_DISPATCH(PlaneMeans)(x, channels, plane, y);
}
void plane_means_gradient(const float* y_gradient, size_t channels, size_t plane,
                          float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(PlaneMeansGradient)(y_gradient, channels, plane, x_gradient);
}
void unit_length(const float* x, size_t n, float* y) { HWY_DYNAMIC_DISPATCH(UnitLength)(x, n, y); }
void unit_length_gradient(const float* x, const float* y, const float* y_gradient, size_t n,
                          float* x_gradient) {
  HWY_DYNAMIC_DISPATCH(UnitLengthGradient)(x, y, y_gradient, n, x_gradient);
}
void add_values(const float* a, const float* b, size_t n, float* sum) {
  HWY_DYNAMIC_DISPATCH(AddValues)(a, b, n, sum);
}
void multiply(const Product& product, const float* a, const float* b, const float* start,
              float* c) {
  HWY_DYNAMIC_DISPATCH(Multiply)(product, a, b, start, c);
}
void sum_lanes(const float* values, size_t n, size_t tiles, size_t tile_stride, float* sums) {
  HWY_DYNAMIC_DISPATCH(SumLanes)(values, n, tiles, tile_stride, sums);
}

}  // namespace doppel::internal
#endif  // HWY_ONCE
