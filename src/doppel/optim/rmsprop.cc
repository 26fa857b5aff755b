#include "doppel/optim/rmsprop.h"

#include <algorithm>
#include <atomic>

#include "doppel/base/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "doppel/optim/rmsprop.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppel {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Every vector width gives the same bits: products and sums are rounded one by one. True where all
// new parameters are finite: w - w is 0 for them alone.
template <class D>
HWY_INLINE bool update(D d, float rate, float rho, float epsilon, const float* HWY_RESTRICT g,
                       float* HWY_RESTRICT v, float* HWY_RESTRICT w, size_t begin, size_t end) {
  const auto keep = hn::Set(d, rho), take = hn::Set(d, 1 - rho);
  const auto step = hn::Set(d, rate), eps = hn::Set(d, epsilon);
  auto difference = hn::Zero(d);
  for (size_t i = begin; i < end; i += hn::Lanes(d)) {
    const auto gradient = hn::LoadU(d, g + i);
    const auto mean =
        hn::Add(hn::Mul(keep, hn::LoadU(d, v + i)), hn::Mul(take, hn::Mul(gradient, gradient)));
    const auto next = hn::Sub(hn::LoadU(d, w + i),
                              hn::Div(hn::Mul(step, gradient), hn::Add(hn::Sqrt(mean), eps)));
    hn::StoreU(mean, d, v + i);
    hn::StoreU(next, d, w + i);
    difference = hn::Add(difference, hn::Sub(next, next));
  }
  return hn::AllTrue(d, hn::Eq(difference, hn::Zero(d)));
}

bool Update(float rate, float rho, float epsilon, const float* g, float* v, float* w, size_t n) {
  const hn::CappedTag<float, 16> d;
  const hn::CappedTag<float, 1> one;
  const size_t whole = n / hn::Lanes(d) * hn::Lanes(d);
  const bool finite = update(d, rate, rho, epsilon, g, v, w, 0, whole);
  return update(one, rate, rho, epsilon, g, v, w, whole, n) && finite;
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppel {

HWY_EXPORT(Update);

RmsProp::RmsProp(size_t size, const Settings& settings)
    : settings_(settings), mean_squares_(size, 0.0f) {
  const auto refuse = [](const char* what, double value) {
    throw Error(ErrorKind::bad_argument,
                std::string("RMSprop: ") + what + ", not " + std::to_string(value));
  };
  if (!(settings.rate > 0 && settings.rate < 1e30)) {
    refuse("the learning rate must be above 0", settings.rate);
  }
  if (!(settings.rho >= 0 && settings.rho < 1)) refuse("rho lies in [0, 1)", settings.rho);
  if (!(settings.epsilon > 0)) refuse("epsilon must be above 0", settings.epsilon);
}

bool RmsProp::step(std::span<float> parameters, std::span<const float> gradient, ThreadPool& pool) {
  const size_t size = mean_squares_.size();
  if (parameters.size() != size || gradient.size() != size) {
    throw Error(ErrorKind::mismatch, "RMSprop: made for " + std::to_string(size) +
                                         " parameters, given " + std::to_string(parameters.size()) +
                                         " and a gradient of " + std::to_string(gradient.size()));
  }
  constexpr size_t kPart = 16384;
  std::atomic<bool> finite{true};
  pool.parallel_for((size + kPart - 1) / kPart, [&](size_t part, size_t) {
    const size_t begin = part * kPart, n = std::min(kPart, size - begin);
    if (!HWY_DYNAMIC_DISPATCH(Update)(
            static_cast<float>(settings_.rate), static_cast<float>(settings_.rho),
            static_cast<float>(settings_.epsilon), gradient.data() + begin,
            mean_squares_.data() + begin, parameters.data() + begin, n)) {
      finite = false;
    }
  });
  return finite;
}

}  // namespace doppel
#endif  // HWY_ONCE
