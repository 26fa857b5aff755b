#include "doppel/model/whitening.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Index index(size_t i) { return static_cast<Eigen::Index>(i); }

// Eigen orders the sums of its products by the sizes of the caches. With those of one processor for
// all, a model's bits do not depend on the machine. Set before there are threads.
[[maybe_unused]] const bool same_caches_everywhere = [] {
  Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20);
  return true;
}();

Eigen::MatrixXd within_scatter(const Eigen::MatrixXd& values,
                               std::span<const uint32_t> identity_of) {
  const size_t identities = size_t{*std::ranges::max_element(identity_of)} + 1;
  Eigen::MatrixXd means = Eigen::MatrixXd::Zero(index(identities), values.cols());
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(index(identities));
  for (size_t i = 0; i < identity_of.size(); ++i) {
    means.row(index(identity_of[i])) += values.row(index(i));
    ++counts[index(identity_of[i])];
  }
  Eigen::MatrixXd centred = values;
  for (size_t i = 0; i < identity_of.size(); ++i) {
    centred.row(index(i)) -= means.row(index(identity_of[i])) / counts[index(identity_of[i])];
  }
  return centred.transpose() * centred / static_cast<double>(values.rows());
}

}  // namespace

Whitening fit_whitening(const Matrix& rows, std::span<const uint32_t> identity_of) {
  if (rows.rows == 0) throw Error(ErrorKind::bad_data, "whitening: no rows");
  if (rows.rows != identity_of.size()) {
    throw Error(ErrorKind::mismatch, "whitening: " + std::to_string(rows.rows) + " rows, but " +
                                         std::to_string(identity_of.size()) + " identities");
  }
  const Eigen::MatrixXd values =
      Eigen::Map<const FloatRows>(rows.values.data(), index(rows.rows), index(rows.columns))
          .cast<double>();
  if (!values.allFinite()) {
    throw Error(ErrorKind::numeric, "whitening: a row holds values that are not finite");
  }
  const Eigen::VectorXf mean = values.colwise().mean().cast<float>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(within_scatter(values, identity_of));
  if (solver.info() != Eigen::Success) {
    throw Error(ErrorKind::numeric, "whitening: the eigenvalues did not converge");
  }
  const double average = solver.eigenvalues().mean();
  Eigen::VectorXd factors = Eigen::VectorXd::Ones(values.cols());
  // Below a rounding error every identity's rows are equal.
  if (average > 1e-12 * values.squaredNorm() / static_cast<double>(values.size())) {
    factors = (solver.eigenvalues().array().max(0) / 2 + average / 2).sqrt().inverse();
  }
  const FloatRows transform =
      (solver.eigenvectors() * factors.asDiagonal() * solver.eigenvectors().transpose())
          .cast<float>();
  Whitening result{{mean.begin(), mean.end()}, Matrix(rows.columns, rows.columns)};
  std::copy(transform.data(), transform.data() + transform.size(), result.transform.values.begin());
  return result;
}

void whiten(const Whitening& whitening, std::span<float> row) {
  if (row.size() != whitening.size()) {
    throw Error(ErrorKind::mismatch, "whitening: " + std::to_string(row.size()) + " values, not " +
                                         std::to_string(whitening.size()));
  }
  const auto size = index(row.size());
  Eigen::Map<Eigen::VectorXf> values(row.data(), size);
  const Eigen::VectorXf centred =
      values - Eigen::Map<const Eigen::VectorXf>(whitening.mean.data(), size);
  values.noalias() =
      Eigen::Map<const FloatRows>(whitening.transform.values.data(), size, size) * centred;
}

}  // namespace doppel::internal
