package replay

import (
	"io"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/live"
)

type batches []*live.Batch

func (b *batches) Next() (*live.Batch, error) {
	if len(*b) == 0 {
		return nil, io.EOF
	}
	first := (*b)[0]
	*b = (*b)[1:]
	return first, nil
}

var epoch = time.Date(2024, 3, 20, 0, 0, 0, 0, time.UTC)

func TestEveryReadingIsPlayedOnceWhenItIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var source batches
		total := 0
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			b := &live.Batch{Sensors: []string{"a", rapid.SampledFrom([]string{"b", "c"}).Draw(t, "name")}}
			for range rapid.IntRange(0, 20).Draw(t, "readings") {
				minute := rapid.IntRange(0, 50).Draw(t, "minute")
				b.Add(uint32(rapid.IntRange(0, 1).Draw(t, "sensor")), geo.Flow, epoch.Add(time.Duration(minute)*time.Minute), time.Minute, float64(minute))
				if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
					b.Refuse(live.Malformed)
				} else {
					total++
				}
			}
			source = append(source, b)
		}
		r, err := Load(&source)
		if err != nil || r.Len() != total {
			t.Fatalf("%d readings, want %d, %v", r.Len(), total, err)
		}
		to := epoch.AddDate(0, 0, 7)
		first, last := r.Span()
		r.StartAt(to)
		if _, end := r.Span(); total > 0 && end.Sub(to) != last.Sub(first) {
			t.Fatalf("moved from %v..%v to %v..%v", first, last, to, end)
		}
		played, previous := 0, to.Add(-time.Hour)
		for at := to; !at.After(to.Add(time.Hour)); at = at.Add(7 * time.Minute) {
			b := r.Until(at)
			if b == nil {
				continue
			}
			for i := range b.Value {
				end := time.UnixMilli(b.EndMS[i])
				if end.After(at) || end.Before(previous) {
					t.Fatalf("a reading of %v was played at %v", end, at)
				}
				if minute := end.Sub(to).Minutes() + first.Sub(epoch).Minutes(); math.Abs(minute-b.Value[i]) > 1e-9 {
					t.Fatalf("value %v moved to minute %v", b.Value[i], minute)
				}
				previous = end
			}
			played += b.Len()
		}
		if played != total || r.Len() != 0 {
			t.Fatalf("%d of %d played", played, total)
		}
		r.Rewind(time.Hour)
		if again, _ := r.Span(); r.Len() != total || total > 0 && again.Sub(to) != time.Hour {
			t.Fatal("rewinding must start over an hour later")
		}
	})
}

func TestClock(t *testing.T) {
	c := NewClock(epoch, epoch.AddDate(1, 0, 0), 60)
	if got := c.At(epoch.Add(time.Second)); !got.Equal(epoch.AddDate(1, 0, 0).Add(time.Minute)) {
		t.Fatal(got)
	}
	if got := c.Until(epoch.AddDate(1, 0, 0).Add(time.Hour), epoch.Add(time.Second)); got != 59*time.Second {
		t.Fatal(got)
	}
}
