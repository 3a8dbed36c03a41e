// Initialisation: every element is a pure function of the seed, the parameter's number and the element's place in the
// logical tensor, so a model starts the same for every number of ranks and no values are ever sent.
#ifndef MILLRACE_MODEL_INITIALIZE_H_
#define MILLRACE_MODEL_INITIALIZE_H_

#include <cstdint>

#include "core/philox.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

// Standard normal value of one element (Box and Muller 1958). Words 0 and 1 of a Philox block give the normals of
// elements 4k and 4k + 1, words 2 and 3 those of 4k + 2 and 4k + 3.
double philox_normal(const PhiloxKey& key, uint64_t element);

// Sets all masters and values; moments and gradients become zero.
Status initialize_parameters(RankEnv& env, ParameterSet& parameters, uint64_t seed);

}  // namespace millrace

#endif  // MILLRACE_MODEL_INITIALIZE_H_
