// Command forecast prints the table of station forecasts: twelve stations of
// Beijing, PM2.5 and NO2, 24 hours ahead, without and with the observed weather
// ahead, against climatology and persistence. The models learn from the hours
// before the date given (default 2015-03-01) and are scored on all later ones.
// Run from the repository root with the data sets at hand:
//
//	go run ./bench/air/forecast > bench/air/forecast/results.txt
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"

	"tideway/internal/aircli"
	"tideway/internal/testdata"
)

func main() {
	log.SetFlags(0)
	until := "2015-03-01"
	if len(os.Args) > 1 {
		until = os.Args[1]
	}
	files, err := filepath.Glob(filepath.Join(testdata.Base(), "air", "beijing_hourly", "*.csv.gz"))
	if err != nil || len(files) == 0 {
		fmt.Println("data set \"air/beijing_hourly\" is not at hand (set TIDEWAY_DATA)")
		return
	}
	fmt.Printf("command: go run ./bench/air/forecast %s\nmachine: %d cores, %s; %d stations\n", until, runtime.NumCPU(), runtime.Version(), len(files))
	for _, weather := range []bool{false, true} {
		for _, target := range []string{"PM2.5", "NO2"} {
			fmt.Printf("\nobserved weather ahead: %v\n", weather)
			c := aircli.BacktestCmd{Values: files, Target: target, TrainUntil: until, Hours: []int{24}, FutureWeather: weather, Seed: 1, Quiet: true}
			if err := c.Run(os.Stdout); err != nil {
				log.Fatal(err)
			}
		}
	}
}
