package traffic

import (
	"context"
	"fmt"
	"io"
	"time"

	"tideway/forecast"
)

// Learner fits models for the forecast.Runner.
type Learner struct{ Config Config }

// New returns a learner with the default configuration.
func New() *Learner { return &Learner{Config: DefaultConfig()} }

// Name is the Card.Name of the models.
func (l *Learner) Name() string { return "traffic_network" }

// leastDays is how many days of history a network needs: below three, no day
// could be left out and still leave a profile.
const leastDays = 3

// Takes reports whether the learner is made for a panel, and why not.
func (l *Learner) Takes(p *forecast.Panel) (bool, string) {
	if !p.Quantity.IsTraffic() {
		return false, fmt.Sprintf("%s is not traffic", p.Quantity)
	}
	if span := time.Duration(p.Steps()) * p.Interval; span < leastDays*24*time.Hour {
		return false, fmt.Sprintf("%.1f days of history, expected at least %d", span.Hours()/24, leastDays)
	}
	if p.Interval > 2*time.Hour {
		return false, fmt.Sprintf("values every %v are too coarse", p.Interval)
	}
	return true, ""
}

// Fit trains the networks. A draft has one, and the same heads.
func (l *Learner) Fit(ctx context.Context, in forecast.Training) (forecast.Model, error) {
	return fit(ctx, l.Config, in)
}

// Read reads a model that was written with WriteTo.
func (l *Learner) Read(in io.Reader) (forecast.Model, error) { return ReadModel(in) }

func fit(ctx context.Context, cfg Config, in forecast.Training) (*Model, error) {
	x := newExtractor(&in)
	material, err := newMaterial(ctx, &in)
	if err != nil {
		return nil, err
	}
	m := &Model{x: x}
	cfg.Passes = material.passes(cfg)
	if in.Draft {
		cfg.Nets = 1
	}
	for k := range cfg.Nets {
		n, err := train(ctx, cfg, material, x, cfg.Seed+uint64(k), func(done float64) {
			if in.Progress != nil {
				in.Progress((float64(k) + done) / (float64(cfg.Nets) + .3))
			}
		})
		if err != nil {
			return nil, err
		}
		m.nets = append(m.nets, n)
	}
	m.heads = newHeads(cfg.Width, len(in.Steps))
	if err := trainHeads(ctx, cfg, material, m); err != nil {
		return nil, err
	}
	p := in.Panel
	m.card = forecast.Card{
		Name: (&Learner{}).Name(), Version: m.version(), From: p.First.Add(-p.Interval), Until: p.First.Add(time.Duration(p.Steps()-1) * p.Interval),
		Series: len(p.Series), Steps: in.Steps, Interval: p.Interval, Features: x.names(),
		Notes: []string{fmt.Sprintf("%d networks of %d+%dx%d units, %d passes, seed %d, products by %s", cfg.Nets, cfg.Width, cfg.Blocks, cfg.Width, cfg.Passes, cfg.Seed, kernelName())},
	}
	if in.Progress != nil {
		in.Progress(1)
	}
	return m, nil
}
