package traffic

import (
	"context"
	"math/rand/v2"
	"time"

	"tideway/forecast"
	"tideway/geo"
)

// material is what networks are trained on: a training set under one or more
// draws of its leave-one-day-out profiles.
type material struct {
	*forecast.Training
	usual [][]float32 // each laid out as Training.Usual
}

const (
	// drawDays is the longest history that is drawn anew: what one day more or
	// less says of a profile fades, and draws take as much memory as the panel.
	drawDays = 14
	// drawCount is the number of draws: with three most days of a week have
	// lacked each other one.
	drawCount = 3
)

// newMaterial leaves two days out of the profiles of short histories of speeds.
// On five days of loop detectors small batches then take 3 to 4 % off the error
// on unseen ones; with the plain profiles they add up to 3 %, as each day is
// known by what its profile lacks. Counts lose half a per cent: they scatter by
// chance from slot to slot, and a profile of fewer days is only noisier.
func newMaterial(ctx context.Context, in *forecast.Training) (m *material, err error) {
	m = &material{Training: in, usual: [][]float32{in.Usual}}
	if span := time.Duration(in.Panel.Steps()) * in.Panel.Interval; in.Panel.Quantity == geo.Speed && span <= drawDays*24*time.Hour {
		m.usual, err = in.Profile.LeaveTwoOut(ctx, in.Panel, in.Threads, drawCount)
	}
	return m, err
}

// passes returns how often the material is gone through: short histories of
// counts twice as often as others, within the rows of one full pass. What they
// scatter by is chance, which is not soon learned by heart: 0.4 to 1 % of their
// error, where speeds gain nothing.
func (m *material) passes(cfg Config) int {
	if m.Panel.Quantity == geo.Speed {
		return cfg.Passes
	}
	return max(cfg.Passes, min(2*cfg.Passes, cfg.MaxRows/max(1, len(m.Panel.Values))))
}

// window fills w with what was known at a step, under one of the profiles.
func (m *material) window(w *forecast.Window, origin int, rng *rand.Rand) {
	in := *m.Training
	in.Usual = m.usual[rng.IntN(len(m.usual))]
	in.Window(w, origin)
}
