package parallel_test

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tideway/internal/parallel"
)

func TestMapKeepsOrderOnAnyNumberOfThreads(t *testing.T) {
	items := make([]int, 1000)
	for i := range items {
		items[i] = i
	}
	for _, threads := range []int{1, 2, 7} {
		for i, got := range parallel.Map(threads, items, func(i int) int { return i * i }) {
			if got != i*i {
				t.Fatalf("%d threads: result %d = %d", threads, i, got)
			}
		}
	}
}

func TestMapErrReturnsTheErrorAndNoResults(t *testing.T) {
	bad := errors.New("item 3")
	out, err := parallel.MapErr(context.Background(), 2, []int{1, 2, 3, 4}, func(_ context.Context, i int) (int, error) {
		if i == 3 {
			return 0, bad
		}
		return i, nil
	})
	if !errors.Is(err, bad) || out != nil {
		t.Fatalf("got %v, %v", out, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := parallel.MapErr(ctx, 2, []int{1}, func(context.Context, int) (int, error) { return 1, nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func TestShardsCoverEveryItemOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(0, 500).Draw(t, "n"), rapid.IntRange(1, 64).Draw(t, "size")
		seen := make([]int, n)
		parallel.ForShards(3, n, size, func(s parallel.Shard) {
			for i := s.Begin; i < s.End; i++ {
				seen[i]++
			}
		})
		for i, c := range seen {
			if c != 1 {
				t.Fatalf("item %d visited %d times", i, c)
			}
		}
	})
}
