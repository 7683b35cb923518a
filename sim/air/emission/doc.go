// Package emission says what traffic releases: hot exhaust by the EMEP/EEA
// 2019 tier-3 average-speed functions, cold start, idling, and brake, tyre and
// road wear. It stands between traffic (flows and mean speeds, simulated or
// measured) and package dispersion, which carries the result downwind.
//
// The flow is: a Table of functions by vehicle class, a Fleet that says which
// classes the vehicles of a category are, and Link, which turns the traffic of
// one link and interval into grams, split into a running part and a queue part
// whose sum is the EMEP total.
//
// The coefficients are those of the EMEP/EEA air pollutant emission inventory
// guidebook 2019, 1.A.3.b.i-iv road transport (annex with the tier-3 functions),
// (c) European Environment Agency, re-used with attribution; see
// docs/models/emissions.md for equations, validity and what is not claimed.
package emission
