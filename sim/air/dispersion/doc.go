// Package dispersion carries emissions of roads downwind: near-surface line
// sources by the equations of R-LINE v1.2 (Snyder et al. 2013, Venkatram et
// al. 2013), with Monin–Obukhov similarity, lateral meander and low wind.
//
// The flow is: weather observations become a Met (Observation.Met, or given
// directly), a Met becomes tables of the point-source kernel, and Compute or a
// Matrix sums links over receptors. The exact kernel and a converged integral
// (Exact) stand beside the fast path, which is measured against them.
//
// Everything is SI inside. Links and receptors are columns of bare numbers
// whose names end with their unit, because a city has tens of thousands.
package dispersion
