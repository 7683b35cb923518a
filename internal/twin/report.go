package twin

import (
	"context"
	"fmt"
	"io"

	"tideway/scenarios"
	"tideway/scenarios/report"
	"tideway/sim"
)

// Report writes what a finished run found as one HTML page. One replication of
// every side is simulated once more for its diagrams, one report at a time;
// when the city has changed since the run they are left out. It ends with ctx's
// error when ctx ends.
func (t *Twin) Report(ctx context.Context, run string, out io.Writer) error {
	r, err := t.Run(ctx, run)
	if err != nil {
		return err
	}
	c, err := t.Comparison(ctx, run)
	if err != nil {
		return err
	}
	base, err := t.inForce(ctx)
	if err != nil {
		return err
	}
	in := report.Input{Comparison: c, City: base.City, Period: sim.Input{Begin: r.Request.Begin, End: r.Request.End, Day: runDay, UntilClear: true, StuckAfter: stuckAfter, Threads: t.o.Threads},
		Created: r.Ended.In(base.City.TimeZone)}
	if base.City.Version != r.Base || base.Demand == nil {
		in.Remarks = []string{fmt.Sprintf("Timings and diagrams over time are left out: the run is for city version %s, in force is %s.", r.Base, base.City.Version)}
		return report.Write(out, in)
	}
	select {
	case t.drawing <- struct{}{}:
		defer func() { <-t.drawing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if in.Cases, err = t.cases(ctx, r.Request.Scenarios); err != nil {
		return err
	}
	if in.Recordings, err = report.RecordAll(ctx, base, in.Cases, c, in.Period, r.Request.Poisson); err != nil {
		return fmt.Errorf("drawing the report of run %s: %w", run, err)
	}
	return report.Write(out, in)
}

// cases lays stored scenarios over the base in force.
func (t *Twin) cases(ctx context.Context, ids []string) (out []*scenarios.Case, err error) {
	for _, id := range ids {
		d, _, err := t.Scenario(ctx, id)
		if err != nil {
			return nil, err
		}
		c, err := t.CheckScenario(ctx, d)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
