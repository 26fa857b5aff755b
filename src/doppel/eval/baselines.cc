#include "doppel/eval/baselines.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cassert>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Index index(size_t i) { return static_cast<Eigen::Index>(i); }

}  // namespace

Pca fit_pca(const Matrix& training, size_t most_components) {
  assert(most_components >= 1);
  if (training.rows < 2) {
    throw Error(ErrorKind::bad_data, "PCA: at least two training images were expected, not " +
                                         std::to_string(training.rows));
  }
  RowMajor centred =
      Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
          training.values.data(), index(training.rows), index(training.columns))
          .cast<double>();
  if (!centred.allFinite()) {
    throw Error(ErrorKind::numeric, "PCA: a training image holds values that are not finite");
  }
  const Eigen::RowVectorXd mean = centred.colwise().mean();
  centred.rowwise() -= mean;

  // X^T X (d x d) and X X^T (n x n) have the same eigenvalues above zero, and X^T carries the
  // eigenvectors of the second to those of the first: the smaller one is solved.
  const bool by_images = training.rows < training.columns;
  const RowMajor factor = by_images ? centred : RowMajor(centred.transpose());
  Eigen::MatrixXd products(factor.rows(), factor.rows());  // the solver reads the lower triangle
  for (Eigen::Index i = 0; i < factor.rows(); ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) products(i, j) = factor.row(i).dot(factor.row(j));
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(products);
  if (solver.info() != Eigen::Success) {
    throw Error(ErrorKind::numeric, "PCA: the eigenvalues of the training images did not converge");
  }
  const Eigen::VectorXd& variances = solver.eigenvalues();  // rising
  const Eigen::Index last = variances.size() - 1;
  const double least = 1e-12 * variances[last];  // below it: rounding, no direction of the data
  const auto most = std::min({index(most_components), index(training.rows) - 1, last + 1});
  Eigen::Index k = 0;
  while (k < most && variances[last - k] > least) ++k;
  if (k == 0) {
    throw Error(ErrorKind::bad_data,
                "PCA: the training images are all alike, images that differ were expected");
  }

  Pca pca;
  pca.mean.assign(training.columns, 0);
  for (size_t i = 0; i < training.columns; ++i) pca.mean[i] = static_cast<float>(mean[index(i)]);
  pca.components = Matrix(static_cast<size_t>(k), training.columns);
  for (Eigen::Index c = 0; c < k; ++c) {
    Eigen::VectorXd direction = solver.eigenvectors().col(last - c);
    if (by_images) direction = (centred.transpose() * direction).normalized();
    for (size_t i = 0; i < training.columns; ++i) {
      pca.components.row(static_cast<size_t>(c))[i] = static_cast<float>(direction[index(i)]);
    }
  }
  return pca;
}

Matrix project(const Pca& pca, const Matrix& rows) {
  if (rows.columns != pca.mean.size()) {
    throw Error(ErrorKind::mismatch, "PCA: images of " + std::to_string(rows.columns) +
                                         " pixels cannot be projected, " +
                                         std::to_string(pca.mean.size()) + " were trained on");
  }
  Matrix projected(rows.rows, pca.components.rows);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t c = 0; c < pca.components.rows; ++c) {
      double sum = 0;
      for (size_t j = 0; j < rows.columns; ++j) {
        sum += (double{rows.row(i)[j]} - double{pca.mean[j]}) * double{pca.components.row(c)[j]};
      }
      projected.row(i)[c] = static_cast<float>(sum);
    }
  }
  return projected;
}

}  // namespace doppel::internal
