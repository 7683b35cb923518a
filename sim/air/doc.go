// Package air joins traffic emissions to dispersion: where on the streets of a
// city emissions are released (Layout) and where people breathe them (Graded,
// InZones). The physics is in emission, dispersion and chemistry, the meaning
// of the result in index.
//
// The geometry is fixed once per city, so that a dispersion.Matrix built on it
// serves every scenario: only the rates change.
package air
