// Elementary functions that give the same bits on every machine. Those of the C library differ in
// the last place from one version to the next, and with the processor: it may fuse multiply-add or
// not. What a model file depends on is computed by these, which are made of IEEE 754's additions,
// subtractions, multiplications, divisions and roundings alone.
//
// Results lie within 0.6 units of the last place of the exact ones. What is no number gives none.
#pragma once

namespace doppel::internal::elementary {

double exp(double x);

// Of x > 0, subnormal or not; of 0 it is minus infinity, and of less not a number.
double log(double x);

// x >= 0 to the power of y; of x < 0 not a number. An error of 2^-60 of log x is multiplied by y:
// beside the 0.6 units there are |y log x| / 100 of them.
double pow(double x, double y);

// Of an angle in radians, between -2^20 and 2^20; beyond them not a number.
double sin(double x);
double cos(double x);

// The angle of the point (x, y), -pi .. pi, rounded to float but for an error of 1e-13; 0 at the
// origin.
float atan2(float y, float x);

}  // namespace doppel::internal::elementary
