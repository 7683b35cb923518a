// Package parallel is the project's one way to use several cores. It may be
// imported from anywhere.
//
// Work is split into shards whose bounds depend on the amount of work alone,
// never on the number of cores, and results come back in shard order: so a
// reduction over them gives the same bits on 1 or 64 cores. It wraps
// sourcegraph/conc, whose result pools lose order when used directly.
package parallel

import (
	"context"
	"runtime"

	"github.com/sourcegraph/conc/iter"
	"github.com/sourcegraph/conc/pool"
)

// Threads returns n when positive, else the number of usable cores.
func Threads(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// Map returns f of every item, in the order of items, on at most threads
// goroutines (0: all cores). A panic in f is re-raised in the caller.
func Map[T, R any](threads int, items []T, f func(T) R) []R {
	m := iter.Mapper[T, R]{MaxGoroutines: Threads(threads)}
	return m.Map(items, func(t *T) R { return f(*t) })
}

// MapErr is Map for work that can fail or be cancelled: it stops starting
// items after the first error or when ctx ends, waits for those under way,
// and returns that first error in time.
func MapErr[T, R any](ctx context.Context, threads int, items []T, f func(context.Context, T) (R, error)) ([]R, error) {
	out := make([]R, len(items))
	p := pool.New().WithMaxGoroutines(Threads(threads)).WithContext(ctx).WithCancelOnError().WithFirstError()
	for i := range items {
		p.Go(func(ctx context.Context) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := f(ctx, items[i])
			out[i] = r
			return err
		})
	}
	if err := p.Wait(); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// Shard is the half-open range [Begin, End) of item positions.
type Shard struct{ Index, Begin, End int }

// Shards splits n items into ranges of at most size; the bounds depend on n
// and size only.
func Shards(n, size int) []Shard {
	out := make([]Shard, 0, (n+size-1)/size)
	for b := 0; b < n; b += size {
		out = append(out, Shard{Index: len(out), Begin: b, End: min(b+size, n)})
	}
	return out
}

// ForShards calls f for every shard of n items of at most size each, on at
// most threads goroutines, and returns when all are done.
func ForShards(threads, n, size int, f func(Shard)) {
	shards := Shards(n, size)
	if len(shards) == 1 || Threads(threads) == 1 {
		for _, s := range shards {
			f(s)
		}
		return
	}
	it := iter.Iterator[Shard]{MaxGoroutines: Threads(threads)}
	it.ForEach(shards, func(s *Shard) { f(*s) })
}
