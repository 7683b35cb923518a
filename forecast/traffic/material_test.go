package traffic

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
)

func TestShortHistoriesOfSpeedsAreDrawnAnew(t *testing.T) {
	counts := town(4, 5, time.Hour, 1)
	counts.Panel.Quantity = geo.Flow
	for name, c := range map[string]struct {
		in   forecast.Training
		want int
	}{"speeds": {town(4, 5, time.Hour, 1), drawCount}, "speeds of a longer time": {town(4, drawDays+1, time.Hour, 1), 1}, "counts": {counts, 1}} {
		m, err := newMaterial(context.Background(), &c.in)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.usual) != c.want {
			t.Errorf("%s: %d profiles, want %d", name, len(m.usual), c.want)
		}
		if plain := slices.Equal(m.usual[0], c.in.Usual); plain != (c.want == 1) {
			t.Errorf("%s: the plain profile is used: %v", name, plain)
		}
	}
}

func TestDrawingEndsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	in := town(4, 5, time.Hour, 1)
	if _, err := newMaterial(ctx, &in); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestShortHistoriesOfCountsAreGoneThroughMoreOften(t *testing.T) {
	cfg := DefaultConfig()
	of := func(q geo.Quantity, values int) int {
		m := material{Training: &forecast.Training{Panel: &forecast.Panel{Quantity: q, Values: make([]float32, values)}}}
		return m.passes(cfg)
	}
	for _, c := range []struct {
		quantity     geo.Quantity
		values, want int
	}{{geo.Flow, 0, 4}, {geo.Flow, cfg.MaxRows / 4, 4}, {geo.Flow, cfg.MaxRows / 3, 3}, {geo.Flow, cfg.MaxRows, 2}, {geo.Flow, 2 * cfg.MaxRows, 2}, {geo.Speed, 0, 2}} {
		if got := of(c.quantity, c.values); got != c.want {
			t.Errorf("%s, %d values: %d passes, want %d", c.quantity, c.values, got, c.want)
		}
	}
}
