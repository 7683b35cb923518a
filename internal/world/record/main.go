// Command record simulates the hidden world's two weeks of history and writes
// them as Parquet; `go generate ./internal/world` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"tideway/internal/parallel"
	"tideway/internal/world"
	"tideway/live"
)

func main() {
	out := flag.String("out", "recorded.parquet", "file to write")
	threads := flag.Int("threads", 0, "days simulated at a time; 0: one per core")
	flag.Parse()
	if err := run(*out, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(out string, threads int) error {
	city, err := world.City(world.DefaultSegments)
	if err != nil {
		return err
	}
	days := make([]int, world.RecordedDays+1)
	for i := range days {
		days[i] = i
	}
	batches, err := parallel.MapErr(context.Background(), threads, days, func(_ context.Context, i int) (*live.Batch, error) {
		from := world.RecordedFrom(city.TimeZone).AddDate(0, 0, i)
		to := from.AddDate(0, 0, 1).Add(-time.Nanosecond)
		if i == world.RecordedDays {
			to = world.RecordedTo(city.TimeZone)
		}
		b, err := world.Record(city, from, to, 1)
		if err == nil {
			fmt.Fprintf(os.Stderr, "%s: %d readings\n", from.Format(time.DateOnly), b.Len())
		}
		return b, err
	})
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := world.Write(f, batches); err != nil {
		return err
	}
	return f.Close()
}
