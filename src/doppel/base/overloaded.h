// Lambdas as the cases of a std::visit: `std::visit(Overloaded{[](const A&) {..}, [](const B&)
// {..}}, v)`. Without a case for all types it is an error at compile time when one of them is
// forgotten.
#pragma once

namespace doppel::internal {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace doppel::internal
